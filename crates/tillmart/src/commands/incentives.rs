//! `incentives renew`.

use super::Outcome;
use crate::cli::{Cli, IncentivesCommand, RenewArgs};
use crate::{screen, wiring};
use tillmart_model::Result;
use tillmart_pipeline::{PayChange, Renewal};

pub(crate) fn run(cli: &Cli, command: &IncentivesCommand) -> Result<Outcome> {
    let IncentivesCommand::Renew(RenewArgs { months, dry_run, .. }) = command;
    let project = wiring::open(cli)?;
    let renewal = match dry_run {
        true => project.runtime.block_on(project.pipeline.would_renew(months))?,
        false => project.runtime.block_on(project.pipeline.renew(months))?,
    };
    drop(project.pipeline);
    if cli.json {
        screen::json(&renewal)?;
        return Ok(super::run::ended(&renewal.reports_failed));
    }
    tell(&renewal);
    Ok(super::run::reported(&renewal.reports, &renewal.reports_failed))
}

fn tell(renewal: &Renewal) {
    if !renewal.changes.is_empty() {
        let headers = ["store", "month", "person", "before", "after"];
        let row = |change: &PayChange| {
            vec![
                change.store_id.to_string(),
                change.sales_month.clone(),
                change.sales_person_id.to_string(),
                screen::money(&change.before),
                screen::money(&change.after),
            ]
        };
        let rows: Vec<Vec<String>> = renewal.changes.iter().map(row).collect();
        screen::data(&screen::table::table(&headers, &["store", "person", "before", "after"], &rows));
    }
    let months = screen::many(renewal.months.len() as u64, "month");
    let changes = screen::many(renewal.changes.len() as u64, "payment");
    screen::data(&match (renewal.done, renewal.changes.is_empty()) {
        (_, true) => format!("Nobody's pay changes ({months}, by {}).", renewal.plan),
        (true, false) => format!("Changed {changes} ({months}, by {}).", renewal.plan),
        (false, false) => format!("This would change {changes} ({months}, by {}).", renewal.plan),
    });
}
