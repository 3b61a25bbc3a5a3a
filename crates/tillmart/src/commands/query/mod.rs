//! `query`: one SELECT over everything that has a name, in the form that is wanted.

pub(crate) mod sink;
pub(crate) mod writer;

use super::Outcome;
use crate::cli::{Cli, QueryArgs, QueryFormat};
use crate::{screen, shell, wiring};
use futures::StreamExt;
use sink::Sink;
use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use tillmart_model::{Fault, FaultKind, Result};
use tillmart_pipeline::{Answer, Pipeline};
use writer::{Stop, Writer};

pub(crate) fn run(cli: &Cli, args: &QueryArgs) -> Result<Outcome> {
    let format = format(cli, args);
    let out = args.out.as_deref();
    if format == QueryFormat::Parquet && out.is_none() && std::io::stdout().is_terminal() {
        return Err(Fault::new(FaultKind::Settings, "Parquet cannot be shown on a terminal")
            .hint("name a file with --out FILE, or take another --format"));
    }
    let sql = match &args.sql {
        Some(sql) => sql.clone(),
        None if out.is_none() && is_a_terminal() => {
            shell::run(wiring::open(cli)?, format, !args.no_history)?;
            return Ok(Outcome::Done);
        }
        None => from_stdin()?,
    };
    let project = wiring::open(cli)?;
    project.runtime.block_on(async {
        let answer = project.pipeline.explorer().await?.ask(&sql).await?;
        let mut sink = match out {
            Some(file) => Sink::file(file)?,
            None => Sink::stdout(),
        };
        let rows = write(answer, format, &mut sink).await?;
        sink.finish()?;
        if let Some(file) = out
            && !cli.json
        {
            screen::talk(&format!("{} in {}", screen::many(rows, "row"), file.display()));
        }
        Ok(Outcome::Done)
    })
}

/// Whether somebody sits there: then a shell is opened.
fn is_a_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// What was asked for, else what the file's name says, else a table.
fn format(cli: &Cli, args: &QueryArgs) -> QueryFormat {
    match args.format {
        Some(format) => format,
        None if cli.json => QueryFormat::Json,
        None if args.csv => QueryFormat::Csv,
        None => args.out.as_deref().and_then(of_name).unwrap_or(QueryFormat::Table),
    }
}

fn of_name(file: &Path) -> Option<QueryFormat> {
    match file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(QueryFormat::Csv),
        "json" => Some(QueryFormat::Json),
        "jsonl" | "ndjson" => Some(QueryFormat::Jsonl),
        "parquet" => Some(QueryFormat::Parquet),
        _ => None,
    }
}

fn from_stdin() -> Result<String> {
    let mut sql = String::new();
    std::io::stdin().lock().read_to_string(&mut sql).map_err(|error| {
        Fault::new(FaultKind::Settings, "the query cannot be read from stdin").expected("text in UTF-8").found(error)
    })?;
    if sql.trim().is_empty() {
        return Err(Fault::new(FaultKind::Settings, "there is nothing to ask")
            .expected("one SELECT, as an argument or on stdin")
            .hint("e.g. tillmart query 'SHOW TABLES'"));
    }
    Ok(sql)
}

/// The answer as a table, for what shows a few rows among other things.
///
/// # Errors
/// As [`Explorer::ask`](tillmart_pipeline::Explorer::ask).
pub(crate) async fn table(pipeline: &Pipeline, sql: &str) -> Result<String> {
    let mut text = Vec::new();
    write(pipeline.explorer().await?.ask(sql).await?, QueryFormat::Table, &mut text).await?;
    Ok(String::from_utf8_lossy(&text).trim_end_matches('\n').to_owned())
}

/// Writes rows as they come, and tells how many there were. A reader that has gone away (`| head`) ends it early and is no failure.
///
/// # Errors
/// A query that breaks off; what cannot be written.
pub(crate) async fn write(answer: Answer, format: QueryFormat, sink: &mut (impl Write + Send)) -> Result<u64> {
    let writer = Writer::begin(format, &answer.schema, sink);
    pour(answer, writer).await
}

/// The same through a writer that has begun.
///
/// # Errors
/// As [`write()`].
pub(crate) async fn pour<W: Write + Send>(mut answer: Answer, begun: Result<Writer<W>, Stop>) -> Result<u64> {
    let mut count = 0;
    let mut writer = match begun {
        Ok(writer) => writer,
        Err(stop) => return stop.told().map(|()| 0),
    };
    while let Some(rows) = answer.rows.next().await {
        let rows = rows?;
        count += rows.num_rows() as u64;
        if let Err(stop) = writer.rows(&rows) {
            return stop.told().map(|()| count);
        }
    }
    match writer.end() {
        Ok(()) => Ok(count),
        Err(stop) => stop.told().map(|()| count),
    }
}
