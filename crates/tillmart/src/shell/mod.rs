//! The interactive shell of `query`: a line editor in front of the same questions.

mod commands;
mod complete;
mod history;
mod statement;

use crate::cli::QueryFormat;
use crate::commands::query::sink::Sink;
use crate::commands::query::write;
use crate::screen;
use crate::wiring::Project;
use arrow::array::RecordBatch;
use commands::Command;
use complete::Names;
use futures::stream::{self, BoxStream, StreamExt};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tillmart_model::{Fault, FaultKind, Result};
use tillmart_pipeline::{Answer, Explorer};

const PROMPT: &str = "tillmart> ";

type Rows = BoxStream<'static, Result<RecordBatch>>;

/// Reads and answers until it is told to end. A statement that fails is told, and the next one is read.
///
/// # Errors
/// A project that cannot be asked, or a terminal that cannot be read.
pub(crate) fn run(project: &Project, format: QueryFormat, keeps_history: bool) -> Result<()> {
    let explorer = project.runtime.block_on(project.pipeline.explorer())?;
    let names = project.runtime.block_on(names(&explorer))?;
    let mut shell = Shell { project, explorer, format, limit: Some(commands::ROWS_SHOWN) };
    let mut editor = editor(names)?;
    let history = if keeps_history { history::file() } else { None };
    if let Some(file) = &history {
        // The first time there is none.
        let _ = editor.load_history(file);
    }
    screen::talk("SQL ends with a semicolon. \\d lists tables, \\? tells more, Ctrl-D ends.");
    loop {
        let line = match editor.readline(PROMPT) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(unreadable(&error)),
        };
        if let Some(line) = history::kept(&line) {
            let added = editor.add_history_entry(line).unwrap_or(false);
            if let (true, Some(file)) = (added, &history) {
                // A shell that cannot remember can still answer.
                let _ = editor.append_history(file);
            }
        }
        if shell.take(&line) == Next::End {
            return Ok(());
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Line,
    End,
}

struct Shell<'a> {
    project: &'a Project,
    explorer: Explorer,
    format: QueryFormat,
    /// Rows shown of an answer.
    limit: Option<u64>,
}

impl Shell<'_> {
    /// Carries out what was typed.
    fn take(&mut self, line: &str) -> Next {
        if commands::is_command(line) {
            match commands::command(line) {
                Ok(Command::Quit) => return Next::End,
                Ok(command) => self.carry_out(command),
                Err(fault) => screen::failure(&fault, false),
            }
            return Next::Line;
        }
        for statement in statement::statements(line) {
            // What follows a statement that failed may have been meant to build on it.
            if !self.answer(statement) {
                break;
            }
        }
        Next::Line
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Help => screen::talk(commands::HELP),
            Command::Tables => {
                self.answer("SHOW TABLES");
            }
            Command::Columns(table) => {
                self.answer(&format!("DESCRIBE \"{}\"", table.replace('"', "\"\"")));
            }
            Command::Format(format) => self.format = format,
            Command::Limit(limit) => self.limit = limit,
            Command::Quit => {}
        }
    }

    /// Answers one statement, or tells why not. Ctrl-C ends the query and not the shell.
    fn answer(&self, sql: &str) -> bool {
        let started = Instant::now();
        let told = self.project.runtime.block_on(async {
            tokio::select! {
                told = self.shown(sql) => told.map(Some),
                _ = tokio::signal::ctrl_c() => Ok(None),
            }
        });
        match told {
            Ok(Some((rows, is_all))) => {
                let milliseconds = started.elapsed().as_millis();
                let seconds = format!("{}.{:03} s", milliseconds / 1_000, milliseconds % 1_000);
                let rows = screen::many(rows, "row");
                screen::talk(&if is_all {
                    format!("({rows}, {seconds})")
                } else {
                    format!("(the first {rows}; \\limit 0 shows all)")
                });
                true
            }
            Ok(None) => {
                screen::talk("(stopped)");
                false
            }
            Err(fault) => {
                screen::failure(&fault, false);
                false
            }
        }
    }

    /// Shows rows, and tells how many and whether there are no more.
    async fn shown(&self, sql: &str) -> Result<(u64, bool)> {
        let Answer { schema, rows } = self.explorer.ask(sql).await?;
        let has_more = Arc::new(AtomicBool::new(false));
        let rows = match self.limit {
            Some(limit) => first(rows, limit, Arc::clone(&has_more)),
            None => rows,
        };
        let count = write(Answer { schema, rows }, self.format, &mut Sink::stdout()).await?;
        Ok((count, !has_more.load(Ordering::Relaxed)))
    }
}

/// At most so many rows; whether there are more is told once they have come.
fn first(rows: Rows, limit: u64, has_more: Arc<AtomicBool>) -> Rows {
    stream::unfold((rows, limit, has_more), |(mut rows, left, has_more)| async move {
        if has_more.load(Ordering::Relaxed) {
            return None;
        }
        let batch = match rows.next().await? {
            Ok(batch) => batch,
            Err(fault) => return Some((Err(fault), (rows, left, has_more))),
        };
        let fit = usize::try_from(left).map_or(batch.num_rows(), |left| left.min(batch.num_rows()));
        has_more.store(fit < batch.num_rows(), Ordering::Relaxed);
        Some((Ok(batch.slice(0, fit)), (rows, left - fit as u64, has_more)))
    })
    .boxed()
}

/// Tables, columns and functions for whoever completes them.
async fn names(explorer: &Explorer) -> Result<Names> {
    let mut tables = Vec::new();
    for table in explorer.tables().await? {
        let columns = explorer.columns(&table.name).await?;
        let columns = columns.iter().flat_map(|columns| columns.fields().iter().map(|field| field.name().clone()));
        tables.push((table.name, columns.collect()));
    }
    Ok(Names { tables, functions: tillmart_engine::functions() })
}

fn editor(names: Names) -> Result<Editor<Words, FileHistory>> {
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

fn unreadable(error: &ReadlineError) -> Fault {
    Fault::new(FaultKind::Settings, "the terminal cannot be read")
        .found(error)
        .hint("give the SELECT as an argument, or on stdin")
}

/// What the line editor asks while somebody types.
struct Words(Names);

impl Helper for Words {}
impl Highlighter for Words {}

impl Hinter for Words {
    type Hint = String;
}

impl Completer for Words {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.0.complete(line, at))
    }
}

impl Validator for Words {
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

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int64Array;
    use std::sync::Arc;

    fn shown(sizes: &[i64], limit: u64) -> (Vec<usize>, bool) {
        let batch = |size: &i64| {
            let column: Arc<dyn arrow::array::Array> = Arc::new(Int64Array::from_iter_values(0..*size));
            Ok(RecordBatch::try_from_iter([("n", column)]).unwrap())
        };
        let rows: Vec<Result<RecordBatch>> = sizes.iter().map(batch).collect();
        let has_more = Arc::new(AtomicBool::new(false));
        let first = first(stream::iter(rows).boxed(), limit, Arc::clone(&has_more));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let sizes = runtime.block_on(first.map(|rows| rows.unwrap().num_rows()).collect());
        (sizes, has_more.load(Ordering::Relaxed))
    }

    #[test]
    fn no_more_rows_are_shown_than_were_asked_for() {
        assert_eq!(shown(&[3, 4, 5], 100), (vec![3, 4, 5], false));
        assert_eq!(shown(&[3, 4, 5], 12), (vec![3, 4, 5], false), "just as many");
        assert_eq!(shown(&[3, 4, 5], 5), (vec![3, 2], true));
        assert_eq!(shown(&[3, 4, 5], 3), (vec![3, 0], true));
        assert_eq!(shown(&[3, 0], 3), (vec![3, 0], false));
    }
}
