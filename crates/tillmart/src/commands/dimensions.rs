//! `dimensions load` and `complete`.

use super::Outcome;
use crate::cli::{Cli, DimensionsCommand};
use crate::wiring::Project;
use crate::{screen, wiring};
use chrono::NaiveDate;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tillmart_database::Dimension;
use tillmart_model::{Fault, FaultKind, Orphans, Result};
use tillmart_pipeline::Loaded;

pub(crate) fn run(cli: &Cli, command: &DimensionsCommand) -> Result<Outcome> {
    let project = wiring::open(cli)?;
    match command {
        DimensionsCommand::Load { path, as_of } => show(cli, &project, path, *as_of),
        DimensionsCommand::Complete => complete(cli, &project),
    }
}

/// Completes landed rows, and tells how many of each mart.
fn complete(cli: &Cli, project: &Project) -> Result<Outcome> {
    let mut summary = project.runtime.block_on(project.pipeline.complete())?;
    project.runtime.block_on(project.pipeline.write_reports(&mut summary));
    if cli.json {
        screen::json(&summary)?;
        return Ok(super::run::ended(&summary.reports_failed));
    }
    if summary.rows_completed.is_empty() {
        screen::data("Nothing to complete: no landed row lacks an attribute that is known now.");
    } else {
        let row = |(mart, rows): (&String, &u64)| vec![mart.clone(), screen::count(*rows)];
        let rows: Vec<Vec<String>> = summary.rows_completed.iter().map(row).collect();
        screen::data(&screen::table::table(&["mart", "rows completed"], &["rows completed"], &rows));
    }
    for (mart, because) in &summary.not_completed {
        screen::talk(&format!(
            "{mart} was left as it is: {because}. Delete its table's folder below the storage root, and the next `tillmart run` \
             fills it anew with today's dimensions."
        ));
    }
    Ok(super::run::reported(&summary.reports, &summary.reports_failed))
}

fn show(cli: &Cli, project: &Project, path: &Path, as_of: Option<NaiveDate>) -> Result<Outcome> {
    let loaded = load(project, path, as_of)?;
    if cli.json {
        let object: BTreeMap<&str, _> = loaded
            .iter()
            .map(|(name, done)| {
                (
                    *name,
                    serde_json::json!({ "added": done.added, "changed": done.changed, "unchanged": done.unchanged }),
                )
            })
            .collect();
        screen::json(&object)?;
    } else {
        let rows: Vec<Vec<String>> = loaded
            .iter()
            .map(|(name, done)| {
                vec![
                    (*name).to_owned(),
                    screen::count(done.added),
                    screen::count(done.changed),
                    screen::count(done.unchanged),
                ]
            })
            .collect();
        let headers = ["dimension", "added", "changed", "unchanged"];
        screen::data(&screen::table::table(&headers, &headers[1..], &rows));
        if project.settings.feed.contract.orphans == Orphans::Keep && loaded.iter().any(|(_, done)| done.added > 0) {
            screen::talk("`tillmart dimensions complete` fills them in where sales landed before they were known.");
        }
    }
    Ok(Outcome::Done)
}

/// Loads every dimension file below a folder, or one file.
pub(crate) fn load(project: &Project, path: &Path, as_of: Option<NaiveDate>) -> Result<Vec<(&'static str, Loaded)>> {
    project.runtime.block_on(project.database.schema.check())?;
    let mut loaded = Vec::new();
    for (dimension, file) in files(path)? {
        let done = project.runtime.block_on(project.pipeline.load_dimension(dimension, &file, as_of))?;
        loaded.push((dimension.name(), done));
    }
    Ok(loaded)
}

fn files(path: &Path) -> Result<Vec<(Dimension, PathBuf)>> {
    let name = |dimension: &Dimension| format!("{}.csv", dimension.name());
    let names: Vec<String> = Dimension::ALL.iter().map(name).collect();
    let found: Vec<(Dimension, PathBuf)> = if path.is_dir() {
        Dimension::ALL
            .iter()
            .map(|dimension| (*dimension, path.join(name(dimension))))
            .filter(|(_, file)| file.exists())
            .collect()
    } else {
        let is_it = |dimension: &&Dimension| path.file_name().is_some_and(|file| file == name(dimension).as_str());
        Dimension::ALL.iter().filter(is_it).map(|dimension| (*dimension, path.to_owned())).collect()
    };
    if found.is_empty() || !path.exists() {
        return Err(Fault::new(FaultKind::Settings, "no dimension to load")
            .at(path.display().to_string())
            .expected(format!("a folder with {}, or one of them", names.join(", ")))
            .found(if path.exists() { "none of them" } else { "no such path" })
            .hint("`tillmart generate --dimensions-only --out FOLDER` makes an example of each"));
    }
    Ok(found)
}
