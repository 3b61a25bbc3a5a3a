//! From DataFusion's errors to the line of a mart's file.

use super::Section;
use super::place::{Refusal, Tokens};
use datafusion::common::DataFusionError;
use tillmart_model::{Fault, FaultKind};

/// Where and what is wrong with a section's SQL. Parser errors and most planner errors know their position;
/// for the rest the name in quotes is looked for in the text.
pub(super) fn sql_fault(path: &str, section: &Section, error: &DataFusionError) -> Fault {
    if let DataFusionError::External(inner) = error.find_root()
        && let Some(fault) = inner.downcast_ref::<Fault>()
    {
        return fault.clone();
    }
    let refusal = match error {
        DataFusionError::External(inner) => inner.downcast_ref::<Refusal>(),
        _ => None,
    };
    let message = refusal.map_or_else(|| error.strip_backtrace(), ToString::to_string);
    let position = refusal
        .and_then(|refusal| refusal.find(&section.sql))
        .or_else(|| position_of_diagnostic(error))
        .or_else(|| position_in_message(&message))
        .or_else(|| position_of_name(section, &message));
    let fault = Fault::new(FaultKind::Mart, "the mart's SQL is wrong");
    let fault = match position {
        Some((line, column)) => fault.at_column(path, section.first_line + line.saturating_sub(1), column.max(1)),
        None => fault.at_line(path, section.first_line),
    };
    fault.found(first_sentence(&message)).hint("mend the mart's file and run again: nothing was changed")
}

/// A fault of the output column at this place, told where its expression stands.
pub(super) fn output_fault(path: &str, section: &Section, (at, name): (usize, &str), what: &str) -> Fault {
    let fault = super::file::fault(path, section.first_line, what);
    match Tokens::of(&section.sql).output(at, name) {
        Some((line, column)) => fault.at_column(path, section.first_line + line - 1, column),
        None => fault,
    }
}

fn position_of_diagnostic(error: &DataFusionError) -> Option<(u64, u64)> {
    let span = error.diagnostic()?.span?;
    (span.start.line > 0).then_some((span.start.line, span.start.column))
}

/// The parser writes `… at Line: 3, Column: 14`.
fn position_in_message(message: &str) -> Option<(u64, u64)> {
    let (_, rest) = message.split_once("Line: ")?;
    let (line, rest) = rest.split_once(", Column: ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((line.parse().ok()?, digits.parse().ok()?))
}

fn position_of_name(section: &Section, message: &str) -> Option<(u64, u64)> {
    let quoted = message.split(['\'', '"', '`']).skip(1).step_by(2);
    for name in quoted.map(|name| name.rsplit('.').next().unwrap_or(name)).filter(|name| name.len() > 1) {
        for (index, line) in section.sql.lines().enumerate() {
            if let Some(at) = find_word(&line.to_ascii_lowercase(), &name.to_ascii_lowercase()) {
                return Some((index as u64 + 1, at as u64 + 1));
            }
        }
    }
    None
}

/// A name as a word of its own: `store` does not stand in `store_id`.
fn find_word(line: &str, name: &str) -> Option<usize> {
    let in_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let bytes = line.as_bytes();
    let alone =
        |at: &usize| !in_word(at.checked_sub(1).and_then(|at| bytes.get(at))) && !in_word(bytes.get(at + name.len()));
    line.match_indices(name).map(|(at, _)| at).find(alone)
}

fn first_sentence(message: &str) -> String {
    let message = message.strip_prefix("Error during planning: ").unwrap_or(message);
    message.lines().next().unwrap_or(message).to_owned()
}
