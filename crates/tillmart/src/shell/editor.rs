//! The line editor, and what it asks while somebody types.

use super::complete::Names;
use super::{commands, history, statement};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use std::cell::LazyCell;
use tillmart_model::{Fault, FaultKind, Result};

/// Names that are waited for when the first of them is to be completed.
pub(super) type Coming<'a> = LazyCell<Names, Box<dyn FnOnce() -> Names + 'a>>;

/// An editor that completes these names.
///
/// # Errors
/// A terminal that cannot be read.
pub(super) fn editor(names: Coming<'_>) -> Result<Editor<Words<'_>, FileHistory>> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .max_history_size(history::LINES_MAX)
        .and_then(|config| config.history_ignore_dups(true))
        .map_err(|error| unreadable(&error))?
        .auto_add_history(false)
        .build();
    let mut editor = Editor::with_config(config).map_err(|error| unreadable(&error))?;
    editor.set_helper(Some(Words(names)));
    Ok(editor)
}

/// The fault of a terminal that cannot be read.
pub(super) fn unreadable(error: &ReadlineError) -> Fault {
    Fault::new(FaultKind::Settings, "the terminal cannot be read")
        .found(error)
        .hint("give the SELECT as an argument, or on stdin")
}

/// What the line editor asks.
pub(super) struct Words<'a>(Coming<'a>);

impl Helper for Words<'_> {}
impl Highlighter for Words<'_> {}

impl Hinter for Words<'_> {
    type Hint = String;
}

impl Completer for Words<'_> {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.0.complete(line, at))
    }
}

impl Validator for Words<'_> {
    /// Enter sends a command, or SQL up to its semicolon; else it begins another line.
    fn validate(&self, typed: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let line = typed.input();
        Ok(if commands::is_command(line) || statement::is_complete(line) {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}
