//! The commands of `incentives`.

use super::EXIT_CODES;
use clap::{ArgGroup, Args, Subcommand};

/// Commands of `incentives`.
#[derive(Debug, Subcommand)]
pub(crate) enum IncentivesCommand {
    /// Compute months anew by today's plan and today's managers, and show whose pay that changes.
    #[command(after_help = EXIT_CODES)]
    Renew(RenewArgs),
}

/// Arguments of `incentives renew`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["months", "all"])))]
pub(crate) struct RenewArgs {
    /// The month, YYYY-MM; may be repeated.
    #[arg(long = "month", value_name = "MONTH", value_parser = month)]
    pub(crate) months: Vec<String>,
    /// Every month with landed sales.
    #[arg(long)]
    pub(crate) all: bool,
    /// Show whose pay would change, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// A month, `YYYY-MM`.
pub(crate) fn month(text: &str) -> Result<String, String> {
    let is_month = text.len() == 7 && chrono::NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").is_ok();
    if is_month { Ok(text.to_owned()) } else { Err("expected a month such as 2024-03".to_owned()) }
}
