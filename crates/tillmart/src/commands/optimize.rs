//! `optimize`.

use super::Outcome;
use crate::cli::{Cli, OptimizeArgs};
use crate::{screen, wiring};
use tillmart_model::Result;

pub(crate) fn run(cli: &Cli, args: &OptimizeArgs) -> Result<Outcome> {
    let project = wiring::open(cli)?;
    let tables = project.runtime.block_on(project.pipeline.optimize(args.vacuum))?;
    drop(project.pipeline);
    if cli.json {
        screen::json(&tables)?;
        return Ok(Outcome::Done);
    }
    let rows: Vec<Vec<String>> = tables
        .iter()
        .map(|table| {
            vec![
                table.table.clone(),
                screen::count(table.files_before),
                screen::count(table.files_after),
                screen::count(table.files_vacuumed),
            ]
        })
        .collect();
    let headers = ["table", "files before", "files after", "files vacuumed"];
    screen::data(&screen::table::table(&headers, &headers[1..], &rows));
    Ok(Outcome::Done)
}
