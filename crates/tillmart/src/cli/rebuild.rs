//! The arguments of `rebuild`.

use super::incentives::month;
use clap::Args;

/// Arguments of `rebuild`.
#[derive(Debug, Args)]
pub(crate) struct RebuildArgs {
    /// Give landed rows every attribute as the history of the dimensions knows it now of the day of the sale.
    #[arg(long, required = true)]
    pub(crate) re_enrich: bool,
    /// The month, YYYY-MM; may be repeated.
    #[arg(long = "month", value_name = "MONTH", required = true, value_parser = month)]
    pub(crate) months: Vec<String>,
}
