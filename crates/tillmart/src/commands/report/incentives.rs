//! `report incentives`.

use super::write;
use crate::cli::{Cli, IncentivesArgs};
use crate::commands::Outcome;
use crate::wiring;
use tillmart_model::Result;
use tillmart_pipeline::IncentivesRequest;

pub(super) fn run(cli: &Cli, args: &IncentivesArgs) -> Result<Outcome> {
    let project = wiring::open(cli)?;
    let request = IncentivesRequest { month: args.month.clone(), person: args.person, store: args.store };
    let document = project.runtime.block_on(project.pipeline.report_incentives(&request))?;
    write(cli, &args.output, &document)?;
    Ok(Outcome::Done)
}
