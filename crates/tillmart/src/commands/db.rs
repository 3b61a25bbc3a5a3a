//! `db migrate`.

use super::Outcome;
use crate::cli::{Cli, DbCommand};
use crate::{screen, wiring};
use tillmart_model::Result;

pub(crate) fn run(cli: &Cli, command: &DbCommand) -> Result<Outcome> {
    let DbCommand::Migrate = command;
    let project = wiring::open(cli)?;
    let migrations = project.runtime.block_on(project.database.schema.migrate())?;
    let (before, now): (Vec<_>, Vec<_>) = migrations.iter().partition(|migration| migration.applied);
    if cli.json {
        let names: Vec<&str> = now.iter().map(|migration| migration.name.as_str()).collect();
        screen::json(&serde_json::json!({ "applied_before": before.len(), "applied_now": names }))?;
    }
    if now.is_empty() {
        screen::talk("The database is up to date.");
    }
    for migration in now {
        screen::talk(&format!("applied {:04} {}", migration.number, migration.name));
    }
    // A mart's table that somebody else made may lack what publishing relies on: better told now than by the first run.
    project.runtime.block_on(project.pipeline.check_marts())?;
    Ok(Outcome::Done)
}
