//! `generate`.

use super::to::{To, to};
use crate::settings;
use chrono::NaiveDate;
use clap::{Args, ValueEnum, value_parser};

pub(super) const GENERATE_EXAMPLES: &str = "\
Examples:
  tillmart generate --dimensions-only --out data      customer.csv, store.csv, ... in ./data
  tillmart generate --size 1GB --day 2024-06-03       one business day of about 1 GB
  tillmart generate --rows 100000 --dirty 2% --files 20 --extra-column-files 10
  tillmart generate --no-dimensions --out /srv/till   only sales, into a folder of your choice
  tillmart generate --to s3://bucket/shop             into a bucket, with the project's access to it

Exit codes:
   0  all done
   2  could not do it";

/// Arguments of `generate`. The same arguments give the same bytes.
#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// Sales to make [default: 500000].
    #[arg(long, value_name = "N", conflicts_with = "size", help_heading = "How much")]
    pub(crate) rows: Option<u64>,
    /// Make as many sales as fill this many bytes, e.g. 15GB.
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "How much")]
    pub(crate) size: Option<u64>,
    /// Files to spread the sales over [default: as --file-size says].
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..), conflicts_with = "file_size", help_heading = "How much")]
    pub(crate) files: Option<u32>,
    /// Size of each file.
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "64MB", help_heading = "How much")]
    pub(crate) file_size: u64,
    /// Give each business day a folder and files of its own.
    #[arg(long, help_heading = "How much")]
    pub(crate) by_day: bool,
    /// Format of the files: csv or jsonl.
    #[arg(long, value_enum, default_value_t = GenerateFormat::Csv, hide_possible_values = true, help_heading = "How much")]
    pub(crate) format: GenerateFormat,

    /// First business day.
    #[arg(long, value_name = "DATE", default_value = "2020-01-01", help_heading = "What is sold")]
    pub(crate) from: NaiveDate,
    /// Last business day [default: 2024-07-01]; anything but a date is where to write, as with --out.
    #[arg(long, value_name = "DATE|PATH|URL", value_parser = to, help_heading = "What is sold")]
    pub(crate) to: Vec<To>,
    /// Only this business day.
    #[arg(long, value_name = "DATE", conflicts_with = "from", help_heading = "What is sold")]
    pub(crate) day: Option<NaiveDate>,
    /// Customers.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = value_parser!(u32).range(1..), help_heading = "What is sold")]
    pub(crate) customers: u32,
    /// Stores.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = value_parser!(u32).range(1..), help_heading = "What is sold")]
    pub(crate) stores: u32,
    /// Sales persons.
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = value_parser!(u32).range(1..), help_heading = "What is sold")]
    pub(crate) sales_persons: u32,
    /// Products.
    #[arg(long, value_name = "N", default_value_t = 14, value_parser = value_parser!(u32).range(1..), help_heading = "What is sold")]
    pub(crate) products: u32,
    /// Share of sales without a customer, e.g. 0.2 or 20%.
    #[arg(long, value_name = "SHARE", default_value = "5%", value_parser = share, help_heading = "What is sold")]
    pub(crate) anonymous: u32,
    /// Share of sales that are returns, e.g. 0.02 or 2%.
    #[arg(long, value_name = "SHARE", default_value = "2%", value_parser = share, help_heading = "What is sold")]
    pub(crate) returns: u32,
    /// Seed of all chance.
    #[arg(long, value_name = "N", default_value_t = 20_240_701, help_heading = "What is sold")]
    pub(crate) seed: u64,

    /// Share of rows that break the contract, each reason in turn, e.g. 0.01 or 1%.
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = share, help_heading = "What is odd about it")]
    pub(crate) dirty: u32,
    /// Files of a hundred that carry a column which the contract does not name.
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = value_parser!(u32).range(..=100), help_heading = "What is odd about it")]
    pub(crate) extra_column_files: u32,
    /// Further files without the mandatory column price.
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "What is odd about it")]
    pub(crate) missing_column_files: u32,
    /// Further files of foreign types (.txt, .pdf, .xml).
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "What is odd about it")]
    pub(crate) foreign_files: u32,

    /// Folder or URL to write to [default: the project's incoming area, dimensions in DIR/dimensions].
    #[arg(long, value_name = "PATH|URL", help_heading = "Where to")]
    pub(crate) out: Option<String>,
    /// Write only the dimensions.
    #[arg(long, conflicts_with = "no_dimensions", help_heading = "Where to")]
    pub(crate) dimensions_only: bool,
    /// Write only the sales.
    #[arg(long, help_heading = "Where to")]
    pub(crate) no_dimensions: bool,
}

/// Format that `generate` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GenerateFormat {
    /// CSV with a header.
    Csv,
    /// JSON lines.
    Jsonl,
}

/// A size such as `15GB`, at least one byte.
fn size(text: &str) -> Result<u64, String> {
    settings::bytes(text)
        .map_err(|complaint| format!("expected {}", complaint.expected))
        .and_then(|size| if size == 0 { Err("expected more than nothing".to_owned()) } else { Ok(size) })
}

/// A share such as `0.1` or `10%`, in millionths.
fn share(text: &str) -> Result<u32, String> {
    settings::share(text).map_err(|complaint| format!("expected {}", complaint.expected))
}
