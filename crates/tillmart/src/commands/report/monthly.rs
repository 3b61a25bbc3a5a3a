//! `report monthly`.

use super::write;
use crate::cli::{Cli, MonthlyArgs};
use crate::commands::Outcome;
use crate::wiring;
use tillmart_model::Result;
use tillmart_pipeline::MonthlyRequest;

pub(super) fn run(cli: &Cli, args: &MonthlyArgs) -> Result<Outcome> {
    let project = wiring::open(cli)?;
    let request = MonthlyRequest { month: args.month, store: args.store };
    let document = project.runtime.block_on(project.pipeline.report_monthly(&request))?;
    write(cli, &args.output, &document)?;
    Ok(Outcome::Done)
}
