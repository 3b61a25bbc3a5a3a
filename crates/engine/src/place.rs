//! Where in SQL an error lies: line and column, both from 1.

use datafusion::common::DataFusionError;

/// As the planner tells it.
pub(crate) fn position_of_diagnostic(error: &DataFusionError) -> Option<(u64, u64)> {
    let span = error.diagnostic()?.span?;
    (span.start.line > 0).then_some((span.start.line, span.start.column))
}

/// The parser writes `… at Line: 3, Column: 14`.
pub(crate) fn position_in_message(message: &str) -> Option<(u64, u64)> {
    let (_, rest) = message.split_once("Line: ")?;
    let (line, rest) = rest.split_once(", Column: ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((line.parse().ok()?, digits.parse().ok()?))
}

/// The first place in SQL of a name that a message quotes.
pub(crate) fn position_of_name(sql: &str, message: &str) -> Option<(u64, u64)> {
    let quoted = message.split(['\'', '"', '`']).skip(1).step_by(2);
    for name in quoted.map(|name| name.rsplit('.').next().unwrap_or(name)).filter(|name| name.len() > 1) {
        for (index, line) in sql.lines().enumerate() {
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
