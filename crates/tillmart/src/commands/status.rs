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
    // Of host, boot and namespace that the holder tells, a person wants the process and the host.
    let at_work = status.at_work.as_deref().map(|holder| holder.split_once(" (").map_or(holder, |(who, _)| who));
    lines.push(match (&status.unfinished, at_work) {
        (Some(batch), Some(who)) => format!("under way {batch}: {who} is at it"),
        (Some(batch), None) => format!("under way {batch}: its run has stopped, the next `tillmart run` finishes it"),
        (None, Some(who)) => format!("under way {who} is looking for work"),
        (None, None) => "under way nothing".to_owned(),
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
    if status.files_half_written > 0 {
        lines.push(format!(
            "          and {} under names of half-written files (.tmp, .part, _ or . in front): left alone",
            screen::count(status.files_half_written)
        ));
    }
    for (outcome, files) in &status.files {
        lines.push(format!("files     {} {outcome}", screen::count(*files)));
    }
    lines.push(format!(
        "landed    {} rows worth {}",
        screen::count(status.rows_landed),
        screen::money(&status.money_landed)
    ));
    if status.open_rejects.is_empty() {
        lines.push("rejects   no row open".to_owned());
    }
    for (reason, rows) in &status.open_rejects {
        lines.push(format!("rejects   {} {reason}", screen::many(*rows, "row")));
    }
    screen::data(&lines.join("\n"));
    Ok(Outcome::Done)
}
