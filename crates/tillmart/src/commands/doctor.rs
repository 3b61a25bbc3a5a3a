//! `doctor`.

use super::Outcome;
use crate::cli::Cli;
use crate::secrets::known;
use crate::{screen, wiring};
use tillmart_model::Result;

pub(crate) fn run(cli: &Cli) -> Result<Outcome> {
    let project = wiring::open(cli)?;
    let mut findings = project.runtime.block_on(project.pipeline.doctor());
    for finding in &mut findings {
        // They are errors on stdout: scrubbed as errors are.
        finding.told = known::scrub(&finding.told).into_owned();
    }
    let good = findings.iter().all(|finding| finding.good);
    if cli.json {
        screen::json(&findings)?;
    } else {
        for finding in &findings {
            let mark = if finding.good { "ok  " } else { "BAD " };
            screen::data(&format!("{mark} {}: {}", finding.about, finding.told.replace('\n', "\n     ")));
        }
        screen::data(if good { "A run can go on." } else { "A run cannot go on before this is mended." });
    }
    Ok(if good { Outcome::Done } else { Outcome::NotGood })
}
