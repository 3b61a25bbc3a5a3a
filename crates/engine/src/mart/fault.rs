//! From DataFusion's errors to the line of a mart's file.

use super::Section;
use super::place::{Refusal, Tokens};
use crate::place::{position_in_message, position_of_diagnostic, position_of_name};
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
        .or_else(|| position_of_name(&section.sql, &message));
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

fn first_sentence(message: &str) -> String {
    let message = message.strip_prefix("Error during planning: ").unwrap_or(message);
    message.lines().next().unwrap_or(message).to_owned()
}
