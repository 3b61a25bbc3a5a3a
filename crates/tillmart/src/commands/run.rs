//! `run`.

use super::Outcome;
use crate::cli::{Cli, RunArgs};
use crate::{screen, wiring};
use std::collections::BTreeMap;
use tillmart_model::Result;
use tillmart_pipeline::Summary;

pub(crate) fn run(cli: &Cli, args: &RunArgs) -> Result<Outcome> {
    let project = wiring::open(cli)?;
    if args.dry_run {
        let plan = project.runtime.block_on(project.pipeline.plan())?;
        if cli.json {
            screen::json(&plan)?;
        } else {
            screen::data(&screen::summary::plan(&plan));
        }
        return Ok(Outcome::Done);
    }
    let mut summary = project.runtime.block_on(project.pipeline.run())?;
    project.runtime.block_on(project.pipeline.write_reports(&mut summary));
    if args.profile {
        screen::talk(&screen::profile::table(project.pipeline.profile(), summary.rows_read));
    }
    drop(project.pipeline);
    tell(cli, &summary)
}

/// Shows a summary, and says what a person may want to do next.
pub(crate) fn tell(cli: &Cli, summary: &Summary) -> Result<Outcome> {
    if cli.json {
        screen::json(summary)?;
    } else {
        screen::data(&screen::summary::summary(summary));
        if summary.rows_rejected > 0 {
            screen::talk(
                "`tillmart rejects list` shows the rejected rows; `tillmart rejects replay` lands those whose fault is mended.",
            );
        }
        if summary.rows_orphan > 0 {
            screen::talk(
                "When the unknown ones are loaded (`tillmart dimensions load`), `tillmart dimensions complete` fills in their attributes.",
            );
        }
        unwritten(&summary.reports_failed);
        if summary.files_rejected > 0 {
            screen::talk("A rejected file lies in the error area beside a report; correct it and deliver it again.");
        }
    }
    Ok(if summary.has_rejects() || !summary.reports_failed.is_empty() { Outcome::WithRejects } else { Outcome::Done })
}

/// Says which reports could not be written, and why.
pub(super) fn unwritten(reports: &BTreeMap<String, String>) {
    for (report, fault) in reports {
        screen::talk(&format!("the report {report} could not be written: {fault}"));
    }
    if !reports.is_empty() {
        screen::talk("What was done is done; `tillmart report` makes a report when its fault is mended.");
    }
}

/// Says how many reports were written, beside a command's own words. Exit 1 where one of them could not be.
pub(super) fn reported(reports: &[String], failed: &BTreeMap<String, String>) -> Outcome {
    if let Some(last) = reports.last() {
        screen::talk(&format!("{} written, the last is {last}", screen::many(reports.len() as u64, "report")));
    }
    unwritten(failed);
    ended(failed)
}

/// How a command ended that could not write these reports.
pub(super) fn ended(failed: &BTreeMap<String, String>) -> Outcome {
    if failed.is_empty() { Outcome::Done } else { Outcome::WithRejects }
}
