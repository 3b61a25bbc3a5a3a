//! What is typed in the shell that is no SQL.

use crate::cli::QueryFormat;
use clap::ValueEnum;
use tillmart_model::{Fault, FaultKind, Result, nearest};

/// The commands.
pub(super) const NAMES: [&str; 5] = ["\\?", "\\d", "\\format", "\\limit", "\\q"];

/// Formats that a terminal can show.
pub(super) const FORMATS: [&str; 4] = ["table", "csv", "json", "jsonl"];

/// Rows shown of one answer, unless somebody wants more.
pub(super) const ROWS_SHOWN: u64 = 1_000;

/// Shown by `\?`.
pub(super) const HELP: &str = "\
A statement ends with a semicolon and may have many lines. The tabulator completes names, the arrows bring back what was typed.
  \\d              tables, marts and dimensions
  \\d TABLE        its columns
  \\format FORMAT  table, csv, json or jsonl
  \\limit N        rows shown of an answer; 0 for all
  \\q              end, as do quit, exit and Ctrl-D
Ctrl-C clears the line, or ends a query that is running.";

/// One line that is no SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// `\?`
    Help,
    /// `\d`
    Tables,
    /// `\d TABLE`
    Columns(String),
    /// `\format FORMAT`
    Format(QueryFormat),
    /// `\limit N`
    Limit(Option<u64>),
    /// `\q`
    Quit,
}

/// Whether a line is a command rather than SQL.
pub(super) fn is_command(line: &str) -> bool {
    let line = line.trim();
    line.starts_with('\\') || matches!(plain(line).as_str(), "help" | "quit" | "exit")
}

fn plain(line: &str) -> String {
    line.trim_end_matches(';').trim_end().to_lowercase()
}

/// Understands a command.
///
/// # Errors
/// `Settings` for one that is not known, or lacks what it needs.
pub(super) fn command(line: &str) -> Result<Command> {
    let line = plain(line.trim());
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["\\?" | "\\h" | "\\help" | "help"] => Ok(Command::Help),
        ["\\q" | "\\quit" | "quit" | "exit"] => Ok(Command::Quit),
        ["\\d" | "\\dt" | "\\d+"] => Ok(Command::Tables),
        ["\\d", table] => Ok(Command::Columns((*table).to_owned())),
        ["\\limit", number] if number.parse::<u64>().is_ok() => {
            Ok(Command::Limit(number.parse().ok().filter(|number| *number > 0)))
        }
        ["\\format", format] if FORMATS.contains(format) => match QueryFormat::from_str(format, true) {
            Ok(format) => Ok(Command::Format(format)),
            Err(error) => Err(unknown(&line).found(error)),
        },
        ["\\limit", ..] => Err(unknown(&line).expected("\\limit N, a whole number; 0 for all rows")),
        ["\\format", ..] => Err(unknown(&line).expected(format!("\\format and one of {}", FORMATS.join(", ")))),
        _ => {
            let fault = unknown(&line).hint("\\? lists the commands");
            match words.first().and_then(|word| nearest(word, NAMES)) {
                Some(meant) => Err(fault.hint(format!("did you mean {meant}? \\? lists the commands"))),
                None => Err(fault),
            }
        }
    }
}

fn unknown(line: &str) -> Fault {
    Fault::new(FaultKind::Settings, "that is no command").found(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_sql() {
        for (line, meant) in [
            ("\\d", Command::Tables),
            (" \\d Store ; ", Command::Columns("store".to_owned())),
            ("\\format jsonl", Command::Format(QueryFormat::Jsonl)),
            ("\\limit 5", Command::Limit(Some(5))),
            ("\\limit 0", Command::Limit(None)),
            ("\\?", Command::Help),
            ("HELP", Command::Help),
            ("exit;", Command::Quit),
            ("\\q", Command::Quit),
        ] {
            assert!(is_command(line), "{line}");
            assert_eq!(command(line).unwrap(), meant, "{line}");
        }
        for line in ["SELECT 1;", "help me", "", "quite"] {
            assert!(!is_command(line), "{line}");
        }
        for line in ["\\x", "\\limit many", "\\limit", "\\format parquet", "\\d a b"] {
            assert_eq!(command(line).unwrap_err().what, "that is no command", "{line}");
        }
        assert_eq!(
            command("\\formt csv").unwrap_err().hint.as_deref(),
            Some("did you mean \\format? \\? lists the commands")
        );
    }
}
