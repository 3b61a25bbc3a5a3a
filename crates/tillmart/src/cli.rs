//! The command line: what a person can ask for. Parsing only; no file is touched here.

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use std::path::PathBuf;
use tillmart_model::{FileReason, RowReason};

mod coupons;
mod generate;
mod incentives;
mod query;
mod rebuild;
mod report;
mod secrets;
#[cfg(test)]
mod tests;
mod to;

use coupons::COUPONS_HELP;
pub(crate) use coupons::{CouponsCommand, CouponsFilter, RedeemArgs};
use generate::GENERATE_EXAMPLES;
pub(crate) use generate::{GenerateArgs, GenerateFormat};
pub(crate) use incentives::{IncentivesCommand, RenewArgs};
use query::QUERY_EXAMPLES;
pub(crate) use query::{QueryArgs, QueryFormat};
pub(crate) use rebuild::RebuildArgs;
use report::REPORT_HELP;
pub(crate) use report::{DailyArgs, IncentivesArgs, MonthlyArgs, ReportCommand, ReportOutput};
use secrets::SECRETS_HELP;
pub(crate) use secrets::SecretsCommand;

/// Shown below every command's help: other programs act on these codes.
macro_rules! exit_codes {
    () => {
        "\
Exit codes:
   0  all done (also when all that came was duplicates)
   1  done, but something was rejected, or a report could not be written
   2  could not do it
  75  another run holds the feed's lease: try again later"
    };
}

const EXIT_CODES: &str = exit_codes!();

const EXAMPLES: &str = concat!(
    "\
Examples:
  tillmart demo                                  load three days of real sales, show the marts
  tillmart init shop                             make a project in ./shop
  tillmart dimensions load data --project shop   load data/customer.csv, store.csv, ...
  tillmart run --project shop                    load what lies in shop/storage/sales_data
  tillmart query 'SELECT * FROM sales_team_data_mart' --project shop

",
    exit_codes!(),
    "

Data goes to stdout, talk to stderr. Settings are DIR/tillmart.toml and TILLMART_... variables."
);

/// What the program is, above its help. An attribute and not the comment: a comment of two paragraphs would make
/// clap print every argument over three lines.
const ABOUT: &str = "\
Takes the sales files that tills drop into storage and turns them into marts.
Every sale that arrived is in the marts exactly once, or among the rejects with its file, line and reason.";

/// The arguments of one call.
#[derive(Debug, Parser)]
#[command(name = "tillmart", version, about = ABOUT, after_help = EXAMPLES, max_term_width = 110)]
pub(crate) struct Cli {
    /// The project's folder, with its tillmart.toml.
    #[arg(long, global = true, value_name = "DIR", default_value = ".", help_heading = "Everywhere")]
    pub(crate) project: PathBuf,
    /// Environment whose [env.NAME] settings are laid on top [default: $TILLMART_ENV, else none].
    #[arg(long, global = true, value_name = "NAME", help_heading = "Everywhere")]
    pub(crate) env: Option<String>,
    /// Print the result as JSON, for programs.
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) json: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands, in the order a newcomer meets them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show it all on real sales: make a project, load three days twice, print marts and rejects.
    #[command(after_help = EXIT_CODES)]
    Demo(DemoArgs),
    /// Make a project: settings with every key explained, storage areas, database.
    #[command(after_help = EXIT_CODES)]
    Init(InitArgs),
    /// Make seeded sales and dimensions to try a pipeline with.
    #[command(after_help = GENERATE_EXAMPLES)]
    Generate(GenerateArgs),
    /// Set up the relational database.
    #[command(subcommand, after_help = EXIT_CODES)]
    Db(DbCommand),
    /// Load customers, stores, products and sales persons, and complete sales that landed before them.
    #[command(subcommand, after_help = EXIT_CODES)]
    Dimensions(DimensionsCommand),
    /// Load what lies in the incoming area, and finish what an earlier run left behind.
    #[command(after_help = EXIT_CODES)]
    Run(RunArgs),
    /// Tell what came, what landed, what was rejected and what is under way.
    #[command(after_help = EXIT_CODES)]
    Status,
    /// List source files, or take landed ones back out.
    #[command(subcommand, after_help = EXIT_CODES)]
    Files(FilesCommand),
    /// Look at rejected rows, and land them once their fault is mended.
    #[command(subcommand, after_help = EXIT_CODES)]
    Rejects(RejectsCommand),
    /// Compute the incentives of months anew after the plan or the team has changed.
    #[command(subcommand, after_help = EXIT_CODES)]
    Incentives(IncentivesCommand),
    /// Make landed rows of months anew on request, and report the difference.
    #[command(after_help = EXIT_CODES)]
    Rebuild(RebuildArgs),
    /// Compact partitions that have grown many small data files.
    #[command(after_help = EXIT_CODES)]
    Optimize(OptimizeArgs),
    /// Recompute every mart from the landed rows and compare, to the cent. A difference is exit code 2.
    #[command(after_help = EXIT_CODES)]
    Verify,
    /// Tell what was sold and what is missing: reports for people, as pages, tables and files.
    #[command(subcommand, after_help = REPORT_HELP)]
    Report(ReportCommand),
    /// Plan, issue, export and redeem coupons by the rules of the settings.
    #[command(subcommand, after_help = COUPONS_HELP)]
    Coupons(CouponsCommand),
    /// Ask the marts, dimensions and rejects with SQL.
    #[command(after_help = QUERY_EXAMPLES)]
    Query(QueryArgs),
    /// Check settings, storage, database and marts, and say what to mend.
    #[command(after_help = EXIT_CODES)]
    Doctor,
    /// Look at the settings.
    #[command(subcommand, after_help = EXIT_CODES)]
    Config(ConfigCommand),
    /// Encrypt, decrypt, rotate and check the secrets of the settings.
    #[command(subcommand, after_help = SECRETS_HELP)]
    Secrets(SecretsCommand),
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Folder for the demo's project: new, empty, or of an earlier demo.
    #[arg(value_name = "DIR", default_value = "tillmart-demo")]
    pub(crate) folder: PathBuf,
    /// Instead of three days of real sales, load N made-up ones over four years and a half.
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1_000..))]
    pub(crate) made_up: Option<u64>,
    /// Where the demo's files, tables and database are.
    #[arg(long, value_name = "WHERE", default_value = "embedded")]
    pub(crate) stores: DemoStores,
}

/// Where a demo's project lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DemoStores {
    /// In its folder, with SQLite.
    Embedded,
    /// On a MariaDB and a RadosGW that are started for it; their programs must be installed.
    Production,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Folder of the new project. A tillmart.toml that is there is never overwritten.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// Commands of `db`.
#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Bring the database's tables up to this release. Repeating it changes nothing.
    #[command(after_help = EXIT_CODES)]
    Migrate,
}

/// Commands of `dimensions`.
#[derive(Debug, Subcommand)]
pub(crate) enum DimensionsCommand {
    /// Load CSV files into the dimension tables: rows with a known id are updated, others are added.
    #[command(after_help = EXIT_CODES)]
    Load {
        /// A folder with customer.csv, store.csv, product.csv, sales_team.csv, or one such file.
        #[arg(value_name = "PATH")]
        path: PathBuf,
        /// The first day on which the rows hold, YYYY-MM-DD, today or before (default: today in the feed's time zone).
        #[arg(long, value_name = "DATE")]
        as_of: Option<NaiveDate>,
    },
    /// Fill in what was unknown when sales landed (orphans = "keep"): names and attributes that are known now.
    #[command(after_help = EXIT_CODES)]
    Complete,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Show the plan (files, bytes, months touched) and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Show where the time went, stage by stage.
    #[arg(long)]
    pub(crate) profile: bool,
}

/// Commands of `files`.
#[derive(Debug, Subcommand)]
pub(crate) enum FilesCommand {
    /// List source files with id, outcome, rows and money, newest first.
    #[command(after_help = EXIT_CODES)]
    List {
        /// Only files with this outcome: pending, landed, duplicate, rejected or revoked.
        #[arg(long, value_name = "OUTCOME", hide_possible_values = true)]
        outcome: Option<Outcome>,
        /// Most files to list; 0 for all.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u64,
    },
    /// Take landed source files back out of every table and mart.
    #[command(after_help = EXIT_CODES)]
    Revoke {
        /// Ids of the files, as `files list` prints them.
        #[arg(value_name = "ID", required = true, value_parser = value_parser!(i64).range(1..))]
        ids: Vec<i64>,
    },
}

/// What became of a source file, as a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Outcome {
    /// Claimed, nothing decided yet.
    Pending,
    /// Its good rows are in the marts.
    Landed,
    /// Its bytes landed before.
    Duplicate,
    /// Rejected whole.
    Rejected,
    /// Taken back out.
    Revoked,
}

/// Commands of `rejects`.
#[derive(Debug, Subcommand)]
pub(crate) enum RejectsCommand {
    /// List open rejects with id, file, line, reason and message.
    #[command(after_help = EXIT_CODES)]
    List {
        /// Which rejects.
        #[command(flatten)]
        which: RejectsFilter,
        /// Most rejects to list; 0 for all.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u64,
    },
    /// Show one reject with its raw text.
    #[command(after_help = EXIT_CODES)]
    Show {
        /// Id of the reject, as `rejects list` prints it.
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Land open rejects that today's contract and dimensions accept, each exactly once.
    #[command(after_help = EXIT_CODES)]
    Replay {
        /// Which rejects.
        #[command(flatten)]
        which: RejectsFilter,
    },
}

/// Which open rejects; without a filter all of them.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(crate) struct RejectsFilter {
    /// Only rows of this source file (id from `files list`); may be repeated.
    #[arg(long = "file", value_name = "ID", value_parser = value_parser!(i64).range(1..))]
    pub(crate) files: Vec<i64>,
    /// Only rows with this reason, e.g. unknown_customer; may be repeated.
    #[arg(long = "reason", value_name = "CODE", value_parser = reason)]
    pub(crate) reasons: Vec<RowReason>,
}

/// Commands of `config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show the settings in effect, each with where it comes from. Secrets are not shown.
    #[command(after_help = EXIT_CODES)]
    Show,
}

/// Arguments of `optimize`.
#[derive(Debug, Args)]
pub(crate) struct OptimizeArgs {
    /// Also delete data files that no table version within the safe age needs (optimize.vacuum_age_hours).
    #[arg(long)]
    pub(crate) vacuum: bool,
}

/// The code of a row's reason.
fn reason(code: &str) -> Result<RowReason, String> {
    RowReason::from_code(code).ok_or_else(|| {
        if FileReason::from_code(code).is_some() {
            return format!("{code} rejects a whole file, which comes back by being delivered again");
        }
        let codes: Vec<&str> = RowReason::ALL.iter().map(|reason| reason.code()).collect();
        format!("expected one of {}", codes.join(", "))
    })
}
