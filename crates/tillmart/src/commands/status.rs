//! `status`.

use super::Outcome;
use crate::cli::Cli;
use crate::{screen, wiring};
use tillmart_model::Result;

pub(crate) fn run(cli: &Cli) -> Result<Outcome> {
    let project = wiring::open(cli)?;
    let status = project.runtime.block_on(project.pipeline.status())?;
    if cli.json {
        screen::json(&status)?;
        return Ok(Outcome::Done);
    }
    let mut lines = vec![format!("feed      {}", status.feed)];
    lines.push(match &status.unfinished {
        Some(batch) => format!("under way {batch}: a run is at it, or the next run finishes it"),
        None => "under way nothing".to_owned(),
    });
    lines.push(match (&status.last_published, &status.last_claimed) {
        (Some(batch), Some(claimed)) => format!("last      batch {batch}, claimed {claimed}"),
        _ => "last      nothing was published yet".to_owned(),
    });
    lines.push(format!(
        "waiting   {} ({})",
        screen::many(status.files_waiting, "file"),
        screen::bytes(status.bytes_waiting)
    ));
    for (outcome, files) in &status.files {
        lines.push(format!("files     {} {outcome}", screen::count(*files)));
    }
    lines.push(format!(
        "landed    {} rows worth {}",
        screen::count(status.rows_landed),
        screen::money(&status.money_landed)
    ));
    if status.open_rejects.is_empty() {
        lines.push("rejects   none open".to_owned());
    }
    for (reason, rows) in &status.open_rejects {
        lines.push(format!("rejects   {} {reason}", screen::count(*rows)));
    }
    screen::data(&lines.join("\n"));
    Ok(Outcome::Done)
}
