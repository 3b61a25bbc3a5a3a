//! `query`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

pub(super) const QUERY_EXAMPLES: &str = "\
Examples:
  tillmart query 'SHOW TABLES'
  tillmart query 'SELECT store_id, sum(total_cost) FROM sales_data_mart GROUP BY store_id'
  tillmart query --format csv 'SELECT * FROM customers_data_mart' > spend.csv
  tillmart query --out sales.parquet 'SELECT * FROM sales_data_mart'
  tillmart query < question.sql
  tillmart query                                  a shell: names are completed, \\? tells more

Exit codes:
   0  all done
   2  could not do it";

/// Arguments of `query`.
#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    /// One SELECT statement [default: a shell on a terminal, else read from stdin].
    #[arg(value_name = "SQL")]
    pub(crate) sql: Option<String>,
    /// How rows are written [default: as the name of --out ends, else table].
    #[arg(long, value_name = "FORMAT", conflicts_with_all = ["csv", "json"])]
    pub(crate) format: Option<QueryFormat>,
    /// The same as --format csv.
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// In the shell: neither read nor keep the history of what was typed.
    #[arg(long)]
    pub(crate) no_history: bool,
    /// Write to a file instead of stdout. It is there when it is whole.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// A way to write rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum QueryFormat {
    /// Columns in line, to read.
    Table,
    /// CSV with a header.
    Csv,
    /// One array of objects.
    Json,
    /// One object a line.
    Jsonl,
    /// A Parquet file.
    Parquet,
}
