//! The interactive shell of `query`: a line editor in front of the same questions.

mod asking;
mod commands;
mod complete;
mod editor;
mod history;
mod interrupt;
mod statement;

use crate::cli::QueryFormat;
use crate::commands::query::pour;
use crate::commands::query::sink::Sink;
use crate::commands::query::writer::Writer;
use crate::screen;
use crate::wiring::Project;
use clap::ValueEnum;
use commands::Command;
use complete::Names;
use editor::{Coming, editor, unreadable};
use rustyline::error::ReadlineError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tillmart_model::Result;
use tillmart_pipeline::{Answer, Explorer};
use tokio::runtime::Runtime;

const PROMPT: &str = "tillmart> ";

/// Reads and answers until it is told to end. A statement that fails is told, and the next one is read.
///
/// # Errors
/// A project that cannot be asked, or a terminal that cannot be read.
pub(crate) fn run(project: Project, format: QueryFormat, keeps_history: bool) -> Result<()> {
    let result = converse(&project, format, keeps_history);
    // A query that was stopped may still be busy, up to the next point where it gives way: nobody waits for that.
    project.runtime.shutdown_background();
    result
}

fn converse(project: &Project, format: QueryFormat, keeps_history: bool) -> Result<()> {
    let runtime = &project.runtime;
    let (explorer, fault) = runtime.block_on(project.pipeline.explorer_of_usable())?;
    let explorer = Arc::new(explorer);
    // The prompt does not wait for the database.
    let names = runtime.spawn(names(Arc::clone(&explorer)));
    let mut editor = editor(Coming::new(Box::new(|| runtime.block_on(names).unwrap_or_default())))?;
    let history = if keeps_history { history::file() } else { None };
    if let Some(file) = &history {
        // The first time there is none.
        let _ = editor.load_history(file);
    }
    if let Some(fault) = fault {
        screen::failure(&fault, false);
        screen::talk("What is wrong is left out here.");
    }
    screen::talk("SQL ends with a semicolon. \\d lists tables, \\? tells more, Ctrl-D ends.");
    let mut shell = Shell { runtime, explorer, format, limit: Some(commands::ROWS_SHOWN) };
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

/// Tables, columns and functions for whoever completes them. What cannot be read is not completed.
async fn names(explorer: Arc<Explorer>) -> Names {
    let mut tables = Vec::new();
    for table in explorer.tables().await.unwrap_or_default() {
        let columns = explorer.columns_of(&table).await;
        let columns = columns.iter().flat_map(|columns| columns.fields().iter().map(|field| field.name().clone()));
        tables.push((table.name, columns.collect()));
    }
    Names { tables, functions: tillmart_engine::functions() }
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Line,
    End,
}

struct Shell<'a> {
    runtime: &'a Runtime,
    explorer: Arc<Explorer>,
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
            Command::Format(format) => {
                self.format = format;
                let name = format.to_possible_value().map_or_else(String::new, |format| format.get_name().to_owned());
                screen::talk(&format!("(answers as {name})"));
            }
            Command::Limit(limit) => {
                self.limit = limit;
                screen::talk(&match limit {
                    Some(limit) => format!("(at most {} of an answer)", screen::many(limit, "row")),
                    None => "(all rows of an answer)".to_owned(),
                });
            }
            Command::Quit => {}
        }
    }

    /// Answers one statement, or tells why not. Ctrl-C ends the query and not the shell.
    fn answer(&self, sql: &str) -> bool {
        let started = Instant::now();
        let told = self.runtime.block_on(async {
            // Listens from here on: what was pressed before was meant for something else.
            let interrupted = interrupt::next()?;
            tokio::select! {
                told = self.shown(sql) => told.map(Some),
                Ok(()) = interrupted => Ok(None),
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
                // Behind the ^C that the terminal shows.
                screen::talk("\n(stopped)");
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
        let (explorer, sql) = (Arc::clone(&self.explorer), sql.to_owned());
        let Answer { schema, rows } = asking::in_a_task(async move { explorer.ask(&sql).await }).await?;
        let has_more = Arc::new(AtomicBool::new(false));
        let rows = match self.limit {
            Some(limit) => asking::first(rows, limit, Arc::clone(&has_more)),
            None => rows,
        };
        let room = terminal_size::terminal_size().map(|(width, _)| width.0).filter(|width| *width > 0);
        let writer = Writer::begin_within(self.format, &schema, Sink::stdout(), room);
        let count = pour(Answer { schema, rows }, writer).await?;
        Ok((count, !has_more.load(Ordering::Relaxed)))
    }
}
