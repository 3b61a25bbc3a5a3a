//! `report`.

use chrono::NaiveDate;
use clap::{Args, Subcommand, value_parser};
use std::path::PathBuf;
use tillmart_report::Format;

pub(super) const REPORT_HELP: &str = "\
Examples:
  tillmart report daily                                  yesterday, for people at a terminal
  tillmart report daily --date 2011-11-14 --store 7      one day of one store
  tillmart report daily --date 2011-11-14 --out day.html one page that needs nothing else
  tillmart report daily --json                           for programs
  tillmart report incentives --month 2011-11             who is paid what
  tillmart report incentives --month 2011-11 --person 7  and how it came about

Exit codes:
   0  all done (also when nothing was sold)
   2  could not do it";

pub(super) const MONTHLY_HELP: &str = "\
Examples:
  tillmart report monthly                              the last month that is over
  tillmart report monthly --month 2011-11 --store 7    one month of one store, with everybody who sold there
  tillmart report monthly --out november.html          one page that needs nothing else

The figures of a month that is over are kept in the database when its report is made: what changes later is told by
every report of it from then on.

Exit codes:
   0  all done
   2  could not do it: a month to come, a month or store without sales";

/// Commands of `report`.
#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// What a day came to, store by store, and what is missing from it.
    #[command(after_help = REPORT_HELP)]
    Daily(DailyArgs),
    /// What a month came to: stores, sales team, customers, and which figures have changed since it was told.
    #[command(after_help = MONTHLY_HELP)]
    Monthly(MonthlyArgs),
    /// Who is paid what for a month; for one person how each cent came about, to be checked with a pocket calculator.
    #[command(after_help = REPORT_HELP)]
    Incentives(IncentivesArgs),
}

/// Arguments of `report daily`.
#[derive(Debug, Args)]
pub(crate) struct DailyArgs {
    /// The day, e.g. 2011-11-14 [default: yesterday, in the feed's time zone].
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub(crate) date: Option<NaiveDate>,
    /// Only this store.
    #[arg(long, value_name = "ID", value_parser = value_parser!(i32), allow_negative_numbers = true)]
    pub(crate) store: Option<i32>,
    /// How and where it is written.
    #[command(flatten)]
    pub(crate) output: ReportOutput,
}

/// Arguments of `report monthly`.
#[derive(Debug, Args)]
pub(crate) struct MonthlyArgs {
    /// The month, e.g. 2011-11 [default: the last one that is over, in the feed's time zone].
    #[arg(long, value_name = "MONTH", value_parser = month)]
    pub(crate) month: Option<NaiveDate>,
    /// Only this store; what customers spent is told of the chain alone.
    #[arg(long, value_name = "ID", value_parser = value_parser!(i32), allow_negative_numbers = true)]
    pub(crate) store: Option<i32>,
    /// How and where it is written.
    #[command(flatten)]
    pub(crate) output: ReportOutput,
}

/// Arguments of `report incentives`.
#[derive(Debug, Args)]
pub(crate) struct IncentivesArgs {
    /// The month, e.g. 2024-03.
    #[arg(long, value_name = "MONTH", value_parser = super::incentives::month)]
    pub(crate) month: String,
    /// Only this sales person, step by step.
    #[arg(long, value_name = "ID", value_parser = value_parser!(i64), allow_negative_numbers = true)]
    pub(crate) person: Option<i64>,
    /// Only this store.
    #[arg(long, value_name = "ID", value_parser = value_parser!(i32), allow_negative_numbers = true)]
    pub(crate) store: Option<i32>,
    /// How and where it is written.
    #[command(flatten)]
    pub(crate) output: ReportOutput,
}

/// How and where a report is written.
#[derive(Debug, Args)]
pub(crate) struct ReportOutput {
    /// terminal, html, csv, json or md [default: as --out ends, else terminal].
    #[arg(long, value_name = "FORMAT", value_parser = format, conflicts_with = "json")]
    pub(crate) format: Option<Format>,
    /// Write it to this file, and nothing to stdout. A file that is there is replaced.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

fn day(text: &str) -> Result<NaiveDate, String> {
    // Only the full form: 2011-1-4 may be a slip.
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|day| day.to_string() == text);
    day.ok_or_else(|| "expected a day of the calendar as YYYY-MM-DD, e.g. 2011-11-14".to_owned())
}

/// The first day of a month.
fn month(text: &str) -> Result<NaiveDate, String> {
    day(&format!("{text}-01")).map_err(|_| "expected a month as YYYY-MM, e.g. 2011-11".to_owned())
}

fn format(name: &str) -> Result<Format, String> {
    name.parse().map_err(|unknown: tillmart_report::UnknownFormat| unknown.to_string())
}
