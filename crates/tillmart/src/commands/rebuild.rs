//! `rebuild --re-enrich`.

use super::Outcome;
use crate::cli::{Cli, RebuildArgs};
use crate::{screen, wiring};
use std::collections::BTreeMap;
use tillmart_model::Result;
use tillmart_pipeline::{PublishedChange, ReEnriched};

/// Published rows that are shown; `--json` tells all.
const SHOWN: usize = 20;

pub(crate) fn run(cli: &Cli, args: &RebuildArgs) -> Result<Outcome> {
    let project = wiring::open(cli)?;
    let done = project.runtime.block_on(project.pipeline.re_enrich(&args.months))?;
    drop(project.pipeline);
    if cli.json {
        screen::json(&done)?;
        return Ok(super::run::ended(&done.reports_failed));
    }
    tell(&done);
    Ok(super::run::reported(&done.reports, &done.reports_failed))
}

fn tell(done: &ReEnriched) {
    let of_mart = |(mart, changed): (&String, &tillmart_pipeline::RowsChanged)| {
        let row = |(column, values): (&String, &u64)| vec![mart.clone(), column.clone(), screen::count(*values)];
        changed.columns.iter().map(row).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<String>> = done.rows_changed.iter().flat_map(of_mart).collect();
    if !rows.is_empty() {
        screen::data(&screen::table::table(&["mart", "column", "values changed"], &["values changed"], &rows));
    }
    if !done.published_changed.is_empty() {
        screen::data("");
        let rows: Vec<Vec<String>> = done.published_changed.iter().take(SHOWN).map(published).collect();
        screen::data(&screen::table::table(&["published", "row", "before", "after"], &[], &rows));
        let more = done.published_changed.len().saturating_sub(SHOWN) as u64;
        if more > 0 {
            screen::talk(&format!("{} more changed: --json tells them all.", screen::many(more, "published row")));
        }
    }
    let months = done.months.join(", ");
    let changed: u64 = done.rows_changed.values().map(|changed| changed.rows).sum();
    screen::data(&match changed {
        0 => format!("Nothing to change: every row of {months} shows what is known of its day."),
        rows => format!(
            "Enriched {months} anew: {} of row-level marts and {} changed.",
            screen::many(rows, "row"),
            screen::many(done.published_changed.len() as u64, "published row")
        ),
    });
    for (mart, because) in &done.left_out {
        screen::talk(&format!("{mart} was left as it is: {because}."));
    }
}

fn published(change: &PublishedChange) -> Vec<String> {
    let told = |columns: &BTreeMap<String, Option<String>>| {
        let one = |(name, value): (&String, &Option<String>)| format!("{name}={}", value.as_deref().unwrap_or("NULL"));
        columns.iter().map(one).collect::<Vec<_>>().join(" ")
    };
    let row = |columns: &Option<BTreeMap<String, Option<String>>>| columns.as_ref().map_or("–".to_owned(), told);
    vec![change.mart.clone(), told(&change.key), row(&change.before), row(&change.after)]
}
