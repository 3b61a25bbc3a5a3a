//! The command line: what a person can ask for. Parsing only; no file is touched here.

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use std::path::PathBuf;
use tillmart_model::{FileReason, RowReason};
use to::{To, to};

use crate::settings;

#[cfg(test)]
mod tests;
mod to;

/// Shown below every command's help: other programs act on these codes.
macro_rules! exit_codes {
    () => {
        "\
Exit codes:
   0  all done (also when all that came was duplicates)
   1  done, but something was rejected
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
    /// Compact partitions that have grown many small data files.
    #[command(after_help = EXIT_CODES)]
    Optimize(OptimizeArgs),
    /// Recompute every mart from the landed rows and compare, to the cent. A difference is exit code 2.
    #[command(after_help = EXIT_CODES)]
    Verify,
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

const SECRETS_HELP: &str = "\
The master key is a passphrase or a key file: TILLMART_MASTER_KEY, or TILLMART_MASTER_KEY_FILE
with the path of a file that holds it, or typed at a prompt. It is never an argument: those are
seen by every user of the machine.

Examples:
  tillmart secrets key ~/tillmart.key                           make a random key file
  tillmart secrets encrypt --setting database.password --write  ask, and put it into tillmart.toml
  tillmart secrets encrypt --setting database.password < file   print the value for tillmart.toml
  tillmart secrets rotate                                       go over to another master key

Exit codes:
   0  all done
   1  check: a secret stands in the settings file in clear text
   2  could not do it; check: a secret does not decrypt";

/// Commands of `secrets`.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretsCommand {
    /// Encrypt the value of a setting, which is read from stdin or typed at a prompt.
    #[command(after_help = SECRETS_HELP)]
    Encrypt {
        /// The setting, e.g. database.password. The value opens for this setting only.
        #[arg(long, value_name = "NAME", value_parser = secret_setting)]
        setting: String,
        /// Put it into tillmart.toml (with --env NAME into [env.NAME]) rather than print it.
        #[arg(long)]
        write: bool,
    },
    /// Print the value of a secret setting in clear text.
    #[command(after_help = SECRETS_HELP)]
    Decrypt {
        /// The setting, e.g. database.password.
        #[arg(long, value_name = "NAME", value_parser = secret_setting)]
        setting: String,
    },
    /// Encrypt every encrypted value of tillmart.toml anew, under a new master key, in one step.
    #[command(after_help = ROTATE_HELP)]
    Rotate,
    /// Tell for each secret where it comes from, whether it decrypts, and whether it is in clear text.
    #[command(after_help = SECRETS_HELP)]
    Check,
    /// Make a file with a random master key, which only you can read.
    #[command(after_help = SECRETS_HELP)]
    Key {
        /// The new file. One that is there is never overwritten.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

const ROTATE_HELP: &str = "\
The master key so far comes from TILLMART_MASTER_KEY, TILLMART_MASTER_KEY_FILE or a prompt; the
new one from TILLMART_NEW_MASTER_KEY, TILLMART_NEW_MASTER_KEY_FILE or a prompt. The file is replaced
in one step: it holds only values of the old key, or only values of the new one.

Exit codes:
   0  all done
   2  could not do it; the file is as it was";

/// Arguments of `optimize`.
#[derive(Debug, Args)]
pub(crate) struct OptimizeArgs {
    /// Also delete data files that no table version within the safe age needs (optimize.vacuum_age_hours).
    #[arg(long)]
    pub(crate) vacuum: bool,
}

const QUERY_EXAMPLES: &str = "\
Examples:
  tillmart query 'SELECT store_id, sum(total_cost) FROM sales_data_mart GROUP BY store_id'
  tillmart query --csv 'SELECT * FROM customers_data_mart' > spend.csv

Exit codes:
   0  all done
   2  could not do it";

/// Arguments of `query`.
#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    /// One SELECT statement.
    #[arg(value_name = "SQL")]
    pub(crate) sql: String,
    /// Print CSV with a header, instead of a table to read.
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

const GENERATE_EXAMPLES: &str = "\
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

/// The name of a setting whose value is a secret.
fn secret_setting(name: &str) -> Result<String, String> {
    let names = settings::secret_names();
    if names.iter().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    let list = format!("expected one of {}", names.join(", "));
    let near = settings::nearest(name, names.iter().map(String::as_str));
    Err(near.map_or(list.clone(), |near| format!("{list}; did you mean {near}?")))
}

/// A share such as `0.1` or `10%`, in millionths.
fn share(text: &str) -> Result<u32, String> {
    settings::share(text).map_err(|complaint| format!("expected {}", complaint.expected))
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
