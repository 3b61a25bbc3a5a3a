//! `rejects list`, `show` and `replay`.

use super::Outcome;
use crate::cli::{Cli, RejectsCommand, RejectsFilter};
use crate::{screen, wiring};
use tillmart_model::{Fault, FaultKind, Result};
use tillmart_pipeline::{OpenReject, RejectFilter};

pub(crate) fn run(cli: &Cli, command: &RejectsCommand) -> Result<Outcome> {
    let project = wiring::open(cli)?;
    match command {
        RejectsCommand::List { which, limit } => {
            let filter = RejectFilter {
                file_ids: which.files.clone(),
                codes: codes(which),
                limit: usize::try_from(*limit).ok().filter(|limit| *limit > 0),
                ..RejectFilter::default()
            };
            let rejects = project.runtime.block_on(project.pipeline.rejects(&filter))?;
            list(cli, &rejects, filter.limit)
        }
        RejectsCommand::Show { id } => {
            let (file, line) = parse(id)?;
            let filter = RejectFilter { file_ids: vec![file], line, closed: true, ..RejectFilter::default() };
            let rejects = project.runtime.block_on(project.pipeline.rejects(&filter))?;
            show(cli, id, &rejects)
        }
        RejectsCommand::Replay { which } => {
            let replay = project.pipeline.replay(which.files.clone(), codes(which));
            let mut summary = project.runtime.block_on(replay)?;
            project.runtime.block_on(project.pipeline.write_reports(&mut summary));
            if cli.json {
                screen::json(&summary)?;
                return Ok(super::run::ended(&summary.reports_failed));
            }
            if summary.rows_replayed == 0 {
                screen::data("No open reject is mended: nothing landed.");
            } else {
                screen::data(&format!(
                    "{} landed that had been rejected before, worth {}",
                    screen::many(summary.rows_replayed, "row"),
                    screen::money(&summary.money_landed)
                ));
            }
            Ok(super::run::reported(&summary.reports, &summary.reports_failed))
        }
    }
}

fn codes(which: &RejectsFilter) -> Vec<String> {
    which.reasons.iter().map(|reason| reason.code().to_owned()).collect()
}

/// A reject is known by its source file's id and its line: `12:1817`; a file rejected whole by its id alone.
fn parse(id: &str) -> Result<(i64, Option<i64>)> {
    let wrong = || {
        Fault::new(FaultKind::Settings, "that is no reject's id")
            .expected("FILE:LINE as `tillmart rejects list` prints it, e.g. 12:1817")
            .found(id)
    };
    let (file, line) = match id.split_once(':') {
        Some((file, line)) => (file, Some(line.parse().map_err(|_| wrong())?)),
        None => (id, None),
    };
    Ok((file.parse().map_err(|_| wrong())?, line))
}

fn id(reject: &OpenReject) -> String {
    reject.line.map_or_else(|| reject.file_id.to_string(), |line| format!("{}:{line}", reject.file_id))
}

fn list(cli: &Cli, rejects: &[OpenReject], limit: Option<usize>) -> Result<Outcome> {
    if cli.json {
        screen::json(&rejects)?;
        return Ok(Outcome::Done);
    }
    if rejects.is_empty() {
        screen::talk("No reject is open.");
        return Ok(Outcome::Done);
    }
    let rows: Vec<Vec<String>> = rejects
        .iter()
        .map(|reject| {
            vec![
                id(reject),
                reject.file.clone(),
                reject.line.map_or_else(String::new, |line| line.to_string()),
                reject.code.clone(),
                screen::table::short(&reject.message),
            ]
        })
        .collect();
    screen::data(&screen::table::table(&["id", "file", "line", "reason", "message"], &["line"], &rows));
    if limit == Some(rejects.len()) {
        screen::talk(&format!("The first {}; `--limit 0` lists all.", rejects.len()));
    }
    Ok(Outcome::Done)
}

fn show(cli: &Cli, asked: &str, rejects: &[OpenReject]) -> Result<Outcome> {
    if rejects.is_empty() {
        return Err(Fault::new(FaultKind::Settings, format!("there is no reject {asked}"))
            .hint("`tillmart rejects list` prints the ids of the open ones"));
    }
    if cli.json {
        screen::json(&rejects)?;
        return Ok(Outcome::Done);
    }
    for reject in rejects {
        let place = reject.line.map_or_else(|| reject.file.clone(), |line| format!("{}:{line}", reject.file));
        let mut text = format!("reject   {}\nplace    {place}\n", id(reject));
        if let Some(offset) = reject.byte_offset {
            text.push_str(&format!("offset   byte {offset}\n"));
        }
        text.push_str(&format!("reason   {}\nbecause  {}\n", reject.code, reject.message));
        if let Some(column) = &reject.column {
            text.push_str(&format!("column   {column}\n"));
        }
        text.push_str(&match reject.replayed_batch_id {
            Some(batch) => format!("state    landed later by batch {batch}\n"),
            None => format!("state    open since batch {}\n", reject.batch_id),
        });
        if let Some(raw) = &reject.raw {
            text.push_str(&format!("raw      {}\n", screen::table::visible(raw)));
        }
        screen::data(&text);
    }
    Ok(Outcome::Done)
}
