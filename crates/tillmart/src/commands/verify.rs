//! `verify`.

use super::Outcome;
use crate::cli::Cli;
use crate::{screen, wiring};
use tillmart_model::Result;

pub(crate) fn run(cli: &Cli) -> Result<Outcome> {
    let project = wiring::open(cli)?;
    let verified = project.runtime.block_on(project.pipeline.verify())?;
    drop(project.pipeline);
    let good = verified.differing == 0;
    if cli.json {
        screen::json(&verified)?;
    } else {
        for (table, rows) in &verified.compared {
            screen::data(&format!("compared  {table}: {}", screen::many(*rows, "row")));
        }
        for (mart, because) in &verified.left_out {
            screen::data(&format!("left out  {mart}: {because}"));
        }
        for difference in &verified.differences {
            screen::data(&format!(
                "differs   {}\n   |  expected {}\n   |  found    {}",
                difference.table, difference.expected, difference.found
            ));
        }
        for note in &verified.notes {
            screen::data(&format!("note      {note}"));
        }
        screen::data(&if good {
            "Every mart equals its landed rows, to the cent.".to_owned()
        } else {
            format!(
                "{} found: do not pay or coupon by these marts before it is explained.",
                screen::many(verified.differing, "difference")
            )
        });
    }
    Ok(if good { Outcome::Done } else { Outcome::NotGood })
}
