//! `files list` and `files revoke`.

use super::Outcome;
use crate::cli::{Cli, FilesCommand, Outcome as Wanted};
use crate::{screen, wiring};
use tillmart_database::FileFilter;
use tillmart_model::{FileOutcome, Result, SourceFile, money};

pub(crate) fn run(cli: &Cli, command: &FilesCommand) -> Result<Outcome> {
    let project = wiring::open(cli)?;
    match command {
        FilesCommand::List { outcome, limit } => {
            let filter = FileFilter {
                batch_id: None,
                outcome: outcome.map(|outcome| word(outcome).to_owned()),
                newest: (*limit > 0).then(|| u32::try_from(*limit).unwrap_or(u32::MAX)),
            };
            let files = project.runtime.block_on(project.pipeline.files(&filter))?;
            list(cli, &files)
        }
        FilesCommand::Revoke { ids } => {
            let mut summary = project.runtime.block_on(project.pipeline.revoke(ids.clone()))?;
            project.runtime.block_on(project.pipeline.write_reports(&mut summary));
            super::run::tell(cli, &summary)
        }
    }
}

fn word(outcome: Wanted) -> &'static str {
    match outcome {
        Wanted::Pending => "pending",
        Wanted::Landed => "landed",
        Wanted::Duplicate => "duplicate",
        Wanted::Rejected => "rejected",
        Wanted::Revoked => "revoked",
    }
}

fn list(cli: &Cli, files: &[SourceFile]) -> Result<Outcome> {
    if cli.json {
        screen::json(&files)?;
        return Ok(Outcome::Done);
    }
    let headers = ["id", "file", "outcome", "read", "landed", "rejected", "money", "batch", "lies in"];
    let rows: Vec<Vec<String>> = files
        .iter()
        .map(|file| {
            vec![
                file.id.to_string(),
                file.found.path.clone(),
                outcome(&file.outcome),
                screen::count(file.tally.rows_read),
                screen::count(file.tally.rows_landed + file.rows_replayed),
                screen::count(file.tally.rows_rejected().saturating_sub(file.rows_replayed)),
                screen::money(&money::cents_text(file.tally.money_cents)),
                file.batch_id.to_string(),
                file.location.clone(),
            ]
        })
        .collect();
    screen::data(&screen::table::table(&headers, &["id", "read", "landed", "rejected", "money", "batch"], &rows));
    Ok(Outcome::Done)
}

fn outcome(outcome: &FileOutcome) -> String {
    match outcome {
        FileOutcome::Duplicate { of } => format!("duplicate of {of}"),
        FileOutcome::Rejected(fault) => format!("rejected: {}", fault.reason),
        FileOutcome::Revoked { by_batch } => format!("revoked by batch {by_batch}"),
        other => other.word().to_owned(),
    }
}
