//! `report daily`.

use super::write;
use crate::cli::{Cli, DailyArgs};
use crate::commands::Outcome;
use crate::wiring;
use tillmart_model::Result;
use tillmart_pipeline::DailyRequest;

pub(super) fn run(cli: &Cli, args: &DailyArgs) -> Result<Outcome> {
    let project = wiring::open(cli)?;
    let request = DailyRequest { day: args.date, store: args.store };
    let document = project.runtime.block_on(project.pipeline.report_daily(&request))?;
    write(cli, &args.output, &document)?;
    // A day without sales is told in the report: whoever opens it in the morning wants to see which stores are missing.
    Ok(Outcome::Done)
}
