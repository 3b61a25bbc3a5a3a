//! The register of settings: every key once, with its default, unit and help.
//!
//! Reading, unknown-key detection, the names of variables and `config/example.toml` all come from here:
//! a new setting is one entry below and one line where [`super::Settings`] is built.

use chrono_tz::Tz;
use std::any::TypeId;
use std::time::Duration;
use tillmart_coupon::Points;
use tillmart_model::incentive::{Tier, TierRates, Ties};
use tillmart_model::{ArchivePolicy, BlankCustomer, Encoding, ExtraColumns, Orphans, Redelivery, SalesColumn, TlsMode};
use tillmart_pipeline::WrittenReport;

use super::coupons::{self, WhoWord};
use super::incentive;
use super::profile;
use super::secret::{self, SecretText};
use super::servers::{self, DatabaseUrl, Who};
use super::values::{self, Raw, Read};

/// What a person is told about a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spec {
    /// Dotted path in the settings file; `*` stands for the name of a sales column, or of a coupon rule.
    pub(super) path: &'static str,
    /// The default as TOML, or in words where it is no fixed value (keys of columns).
    pub(super) default: &'static str,
    /// Unit or allowed values.
    pub(super) unit: &'static str,
    /// One paragraph: what it does, and when to change it.
    pub(super) help: &'static str,
}

/// A key and how its value is read.
pub(super) struct Key<T: 'static> {
    /// What a person is told about it.
    pub(super) spec: Spec,
    /// Judges what was written.
    pub(super) read: fn(&Raw) -> Read<T>,
}

/// A key whatever the type of its value.
pub(super) trait AnyKey: Sync {
    /// What a person is told about it.
    fn spec(&self) -> &Spec;
    /// Judges a value and drops it.
    fn judge(&self, raw: &Raw) -> Read<()>;
    /// Whether its value is a secret.
    fn is_secret(&self) -> bool;
}

impl<T> AnyKey for Key<T> {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn judge(&self, raw: &Raw) -> Read<()> {
        (self.read)(raw).map(drop)
    }

    // By the type that it is read into: no list that a new secret could be left out of.
    fn is_secret(&self) -> bool {
        TypeId::of::<T>() == TypeId::of::<SecretText>()
    }
}

/// Where the keys of coupon rules are.
pub(super) const RULES: &str = "coupons.rules";

/// Every concrete path and its key: those of columns once for each column, and none of a coupon rule, whose names are the user's.
pub(super) fn paths() -> Vec<(String, &'static dyn AnyKey)> {
    let mut paths = Vec::new();
    for key in KEYS {
        if key.spec().path.starts_with(RULES) {
            continue;
        }
        if key.spec().path.contains('*') {
            paths.extend(SalesColumn::ALL.map(|column| (key.spec().path.replace('*', column.name()), *key)));
        } else {
            paths.push((key.spec().path.to_owned(), *key));
        }
    }
    paths
}

/// Every path of one coupon rule.
pub(super) fn rule_paths(rule: &str) -> Vec<(String, &'static dyn AnyKey)> {
    let keys = KEYS.iter().filter(|key| key.spec().path.starts_with(RULES));
    keys.map(|key| (key.spec().path.replace('*', rule), *key)).collect()
}

/// The settings whose values are secrets.
pub(crate) fn secret_names() -> Vec<String> {
    paths().into_iter().filter(|(_, key)| key.is_secret()).map(|(path, _)| path).collect()
}

/// The variable that sets a path: `run.tasks` is `TILLMART_RUN_TASKS`.
pub(super) fn variable(path: &str) -> String {
    format!("TILLMART_{}", path.to_uppercase().replace('.', "_"))
}

macro_rules! keys {
    ($($name:ident: $value:ty = $path:literal, $default:literal, $unit:literal, $read:expr, $help:literal;)+) => {
        $(
            #[doc = $help]
            pub(super) static $name: Key<$value> = Key {
                spec: Spec { path: $path, default: $default, unit: $unit, help: $help },
                read: $read,
            };
        )+
        /// Every key, in the order of the example.
        static KEYS: &[&dyn AnyKey] = &[$(&$name),+];
    };
}

keys! {
    FEED_NAME: String = "feed.name", "\"sales\"", "lower-case letters, digits, underscores", values::name,
        "Name of the feed in the ledger, in manifests and in log lines. Changing it later starts a new feed: \
         what landed under the old name stays, and is no longer seen as its past.";
    REDELIVERY: Redelivery = "feed.redelivery", "\"append\"", "\"append\" or \"replace\"",
        |raw| values::word(raw, &[("append", Redelivery::Append), ("replace", Redelivery::Replace)]),
        "What a source file is whose name landed before with other bytes. \"append\": new sales, beside the old ones. \
         \"replace\": a corrected file, whose rows take the place of the old version's. \
         The same bytes again are a duplicate in either case, and never land twice.";
    ARCHIVE: ArchivePolicy = "feed.archive", "\"move\"", "\"move\" or \"keep\"",
        |raw| values::word(raw, &[("move", ArchivePolicy::Move), ("keep", ArchivePolicy::Keep)]),
        "What becomes of a finished source file. \"move\": it goes to the processed or error area. \
         \"keep\": it stays where it was delivered and is never deleted; the ledger knows that it is done.";
    MAX_REJECT_RATIO: u32 = "feed.max_reject_ratio", "0.10", "share of a file's rows, 0 to 1, or \"10 %\"",
        values::share_of,
        "A source file with a larger share of rejected rows is rejected whole (too_many_rejects): no row of it lands. \
         Rows that only wait for a customer, store or sales person do not count.";
    MIN_AGE: Duration = "feed.min_age", "\"1s\"", "duration: ms, s, m, h, d; at most \"30d\"",
        |raw| values::duration_up_to(raw, 30),
        "How long a source file in a folder must have been still before a run takes it, \
         so that a file which is being written is left for the next run. Raise it where producers write slowly.";
    BATCH_FILES_MAX: u32 = "feed.batch_files_max", "10_000", "files, 1 to 1_000_000",
        |raw| values::whole(raw, 1..=1_000_000),
        "Most source files in one batch. More are loaded as further batches of the same run. \
         A lower number means smaller commits, and less to repeat after a crash.";
    BATCH_BYTES_MAX: u64 = "feed.batch_bytes_max", "\"64GB\"", "size: B, KB, MB, GB, KiB, MiB, GiB",
        |raw| values::size(raw, 1, u64::MAX),
        "Most bytes in one batch, as delivered. A single larger source file is a batch of its own.";
    TIME_ZONE: Tz = "feed.time_zone", "\"UTC\"", "IANA time zone", values::zone,
        "The zone whose calendar decides what is tomorrow: a sale dated after the claim date in this zone is \
         rejected (future_date). Set it to the zone of the stores.";
    DELIMITER: u8 = "feed.delimiter", "\",\"", "one ASCII character", values::character,
        "What stands between the fields of a CSV file. Use \"\\t\" for tabs.";
    QUOTE: u8 = "feed.quote", "\"\\\"\"", "one ASCII character", values::character,
        "What stands around CSV fields that hold the delimiter, a line break or the quote itself (then doubled).";
    ENCODING: Encoding = "feed.encoding", "\"utf-8\"", "\"utf-8\" or \"latin-1\"",
        |raw| values::word(raw, &[("utf-8", Encoding::Utf8), ("latin-1", Encoding::Latin1)]),
        "Encoding of CSV and JSON lines. UTF-8 comes with or without a byte order mark.";
    DECIMAL_COMMA: bool = "feed.decimal_comma", "false", "true or false", values::flag,
        "Prices and totals are written 12,50. Allowed with the delimiter \",\" too, because JSON lines and quoted \
         fields hold such a number; an unquoted one is a field too many, and its row is rejected, never misread.";
    EXTRA_COLUMNS: ExtraColumns = "feed.extra_columns", "\"json\"", "\"json\" or \"concat\"",
        |raw| values::word(raw, &[("json", ExtraColumns::Json), ("concat", ExtraColumns::Concat)]),
        "How columns that the contract does not name are folded into additional_column. \
         \"json\": an object of names and texts. \"concat\": value, value in file order.";
    BLANK_CUSTOMER: BlankCustomer = "feed.blank_customer", "\"anonymous\"", "\"anonymous\" or \"reject\"",
        |raw| values::word(raw, &[("anonymous", BlankCustomer::Anonymous), ("reject", BlankCustomer::Reject)]),
        "What a blank customer_id is. \"anonymous\": a walk-in without a card, whose sale lands and counts for the \
         store and the sales person. \"reject\": a missing_value.";
    ORPHANS: Orphans = "feed.orphans", "\"reject\"", "\"reject\" or \"keep\"",
        |raw| values::word(raw, &[("reject", Orphans::Reject), ("keep", Orphans::Keep)]),
        "What becomes of a sale whose customer, store or sales person is not in the dimension tables. \
         \"reject\": it waits among the rejects for `tillmart rejects replay`. \"keep\": it lands with empty attributes, \
         which `tillmart dimensions complete` fills in when they are known.";
    TOTAL_TOLERANCE: i64 = "feed.total_tolerance", "\"0.00\"", "money, two fraction digits", values::cents,
        "How far total_cost may be from price × quantity rounded half-up before the row is rejected (total_mismatch).";
    KEY: Vec<SalesColumn> = "feed.key", "[]", "list of sales columns", values::columns,
        "Columns whose values identify a row within one source file; a second row with the same values is rejected \
         (duplicate_key). Empty: no such check, because identical lines are legal sales.";
    RECORD_BYTES_MAX: u64 = "feed.record_bytes_max", "\"1MiB\"", "size, 1KiB to 64MiB",
        |raw| values::size(raw, 1 << 10, 64 << 20),
        "The longest record of a text format. It bounds memory when a quote is never closed: what is longer is rejected.";
    COLUMN_SOURCE: String = "feed.columns.*.source", "the column's own name", "header name", values::text,
        "Name of the column in the source file's header, compared exactly after trimming.";
    COLUMN_TYPE: String = "feed.columns.*.type", "the type of the sales feed", "type name", values::text,
        "Type of the column. It may be stated, for the reader's sake, and must be the one of the sales feed.";
    COLUMN_CONSTANT: String = "feed.columns.*.constant", "none", "a value as it would stand in the file",
        values::constant,
        "Value of every row when the source file has no such column; with it, a file without the column is not rejected.";
    COLUMN_DATE_FORMATS: Vec<String> = "feed.columns.*.date_formats", "[\"%Y-%m-%d\"]", "list of strftime formats",
        values::date_formats,
        "Formats of the dates, tried in order; each must name year, month and day. Only for sales_date.";
    ROOT: String = "storage.root", "\"storage\"", "path or URL", values::root,
        "Where the areas and the marts' tables are: a folder, relative to the project or absolute, or the URL of an \
         object store.";
    INCOMING: String = "storage.incoming", "\"sales_data\"", "path below the root", values::area,
        "The area where producers drop source files. Every file below it is taken, except half-written \
         ones: names that end in .tmp or .part, or begin with _ or a dot.";
    PROCESSED: String = "storage.processed", "\"sales_data_processed\"", "path below the root", values::area,
        "The area where landed and duplicate source files are archived, with their relative path.";
    ERROR: String = "storage.error", "\"sales_data_error\"", "path below the root", values::area,
        "The area where rejected source files go, each beside a small report of why.";
    REPORTS_AREA: String = "storage.reports", "\"reports\"", "path below the root", values::area,
        "Reports that runs write (reports.write).";
    MANIFESTS: String = "storage.manifests", "\"_tillmart\"", "path below the root", values::area,
        "The area of Tillmart's own notes about batches under way. Do not clean it by hand.";
    ENDPOINT: Option<String> = "storage.endpoint", "\"\"", "URL, or \"\" for AWS itself", servers::endpoint,
        "The S3-compatible service behind an s3:// root, if it is not AWS.";
    REGION: Option<String> = "storage.region", "\"\"", "region, or \"\" for that of the environment", servers::optional,
        "Region that requests are signed for. Without it AWS_REGION decides, then us-east-1.";
    PATH_STYLE: bool = "storage.path_style", "true", "true or false", values::flag,
        "Where the bucket's name goes: true: into the path, as most S3-compatible services want it and AWS still takes it; \
         false: into the host name.";
    ALLOW_HTTP: bool = "storage.allow_http", "false", "true or false", values::flag,
        "Whether the object store may be reached over plain http. For a test server on this machine only: \
         what passes can be read and changed by others.";
    CREDENTIALS: Who = "storage.credentials", "\"chain\"", "\"chain\", \"anonymous\" or \"keys\"",
        |raw| values::word(raw, &[("chain", Who::Chain), ("anonymous", Who::Anonymous), ("keys", Who::Keys)]),
        "Who asks the object store. \"chain\": whom AWS's default chain finds (environment, profile, web identity, instance \
         role). \"anonymous\": nobody, requests are not signed. \"keys\": the three keys below.";
    ACCESS_KEY_ID: SecretText = "storage.access_key_id", "\"\"", "secret: \"enc:v1:…\", \"file:PATH\" or clear text", secret::read,
        "Access key id, with storage.credentials = \"keys\".";
    SECRET_ACCESS_KEY: SecretText = "storage.secret_access_key", "\"\"", "secret: \"enc:v1:…\", \"file:PATH\" or clear text",
        secret::read,
        "Secret access key, with storage.credentials = \"keys\".";
    SESSION_TOKEN: SecretText = "storage.session_token", "\"\"", "secret: \"enc:v1:…\", \"file:PATH\" or clear text", secret::read,
        "Session token that goes with temporary keys.";
    STORAGE_AUTHORITIES: Option<String> = "storage.authorities", "\"\"", "path of a PEM file, or \"\"", servers::optional,
        "Certificate authorities that the object store's certificate may come from, beside the public ones.";
    DATABASE: DatabaseUrl = "database.url", "\"sqlite:tillmart.db\"",
        "\"sqlite:PATH\" or \"mysql://[user@]host[:port]/database\"", servers::database_url,
        "The relational database: ledger, dimensions and published marts. A SQLite file (a relative path is relative to the \
         project), or a database on MySQL 8+ or MariaDB 10.6+, where the user is `tillmart` unless the URL names another.";
    DATABASE_PASSWORD: SecretText = "database.password", "\"\"", "secret: \"enc:v1:…\", \"file:PATH\" or clear text",
        secret::read,
        "Password of the user in database.url. Encrypt it in place with \
         `tillmart secrets encrypt --setting database.password --write`.";
    DATABASE_TLS: TlsMode = "database.tls", "\"preferred\"",
        "\"disabled\", \"preferred\", \"required\", \"verify_ca\" or \"verify_identity\"",
        |raw| values::word(raw, &[
            ("disabled", TlsMode::Disabled),
            ("preferred", TlsMode::Preferred),
            ("required", TlsMode::Required),
            ("verify_ca", TlsMode::VerifyCa),
            ("verify_identity", TlsMode::VerifyIdentity),
        ]),
        "How much of TLS the database connection insists on. \"preferred\": TLS if the server has it, unchecked. \
         \"required\": TLS or nothing. \"verify_ca\": a certificate from a trusted authority. \"verify_identity\": one \
         that names the host too; choose it in production.";
    DATABASE_AUTHORITIES: Option<String> = "database.authorities", "\"\"", "path of a PEM file, or \"\"", servers::optional,
        "Certificate authorities that are trusted with database.tls = \"verify_ca\" or \"verify_identity\"; \
         without it the public ones are.";
    DATABASE_CONNECTIONS: u32 = "database.connections", "8", "connections, 2 to 256", |raw| values::whole(raw, 2..=256),
        "Most connections to a database server at once.";
    MARTS_FOLDER: String = "marts.folder", "\"marts\"", "path, relative to the project", values::text,
        "Folder of your own marts: every .sql file in it is a mart, beside the built-in ones. It need not exist.";
    LEAVE_OUT: Vec<String> = "marts.leave_out", "[]", "list of names of marts", values::left_out,
        "Built-in marts that are not made: any of store_day_data_mart, sales_person_day_data_mart, product_day_data_mart, \
         off_list_day_data_mart and basket_day_data_mart, which nothing but reports read. A report that needs one says so. \
         One that is taken off the list is filled with everything that has landed.";
    CUSTOMER_BUCKETS: u32 = "marts.customer_buckets", "16", "buckets, 1 to 1_024", |raw| values::whole(raw, 1..=1024),
        "Partitions of a new customer mart. Kept with the table: a run with another number is refused while the table exists.";
    INCENTIVE_RATE: u32 = "marts.incentive.rate", "\"1 %\"", "share of the seller's total, 0 to 1, or \"1 %\"",
        values::share_of,
        "The incentive of a store's best sellers of a month, as a share of their own total; \
         rounded half-up to the cent. Nobody is paid on a total of zero or less. A month that was computed keeps the plan \
         of its time until sales of it come in, or go, or `tillmart incentives renew` computes it anew.";
    INCENTIVE_TOP: u32 = "marts.incentive.top", "1", "ranks, 1 to 1_000", |raw| values::whole(raw, 1..=1_000),
        "How many ranks of each store are paid, from the best.";
    INCENTIVE_RATES: Vec<i64> = "marts.incentive.rates", "[]", "list of shares, the best rank's first", incentive::rates,
        "A rate for each paid rank, in the place of rate and top: [\"1 %\", \"0.5 %\"] pays the two best.";
    INCENTIVE_TIES: Ties = "marts.incentive.ties", "\"all\"", "\"all\" or \"split\"",
        |raw| values::word(raw, &[("all", Ties::All), ("split", Ties::Split)]),
        "Who is paid when sales persons share a rank. \"all\": each in full. \"split\": they share one payment, odd cents \
         going to the lowest ids.";
    INCENTIVE_TIERS: Vec<Tier> = "marts.incentive.tiers", "[]", "list of \"AMOUNT: SHARE\", or \"AMOUNT: SHARE / SHARE\" by rank",
        incentive::tiers,
        "Other rates from a total on: [\"10000: 1.5 %\", \"20000: 2 %\"]. With rates by rank a tier may have them too.";
    INCENTIVE_TIER_RATES: TierRates = "marts.incentive.tier_rates", "\"whole\"", "\"whole\" or \"marginal\"",
        |raw| values::word(raw, &[("whole", TierRates::Whole), ("marginal", TierRates::Marginal)]),
        "What the rate of a tier is paid on. \"whole\": the rate of the highest tier reached, on the whole total. \
         \"marginal\": each part of the total at the rate of the tier that it lies in.";
    INCENTIVE_MINIMUM: i64 = "marts.incentive.minimum", "\"0.00\"", "money, two fraction digits", values::cents,
        "Sellers with a smaller total are not paid, whatever their rank.";
    INCENTIVE_OVERRIDES: Vec<i64> = "marts.incentive.overrides", "[]", "list of shares, the direct manager's first",
        incentive::overrides,
        "Shares of what a seller is paid that the seller's manager gets on top, then the manager's manager, and so on \
         (sales_team.manager_id), in the store where the sales were made: [\"10 %\", \"5 %\"].";
    INCENTIVE_CAP: Option<i64> = "marts.incentive.cap", "\"\"", "money, two fraction digits, or \"\" for none",
        incentive::optional_cents,
        "Most that one person gets for one store and month: their own payment first, then what comes from sellers below. \
         It is taken off after a split, and goes to nobody else; managers get their share of what is left.";
    REPORTS_WRITE: Vec<WrittenReport> = "reports.write", "[]",
        "list of \"daily.FORMAT\" and \"monthly.FORMAT\"; formats: txt, html, csv, json, md", values::written_reports,
        "Reports that every run writes into the reports area when its batches are published: of the days and months that they \
         touched, e.g. reports/daily/2011-11-14.html. A report that cannot be written undoes nothing; the run says so and exits with 1.";
    REPORTS_DAYS: u32 = "reports.days_max", "31", "days, 0 to 1_000", |raw| values::whole(raw, 0..=1_000),
        "A run writes daily reports of this many days at most: the newest that it touched.";
    REPORTS_MONTHS: u32 = "reports.months_max", "12", "months, 0 to 1_000", |raw| values::whole(raw, 0..=1_000),
        "A run writes monthly reports of this many months at most: the newest that it touched.";
    SPEND_TIERS: Vec<i64> = "reports.spend_tiers", "[\"100\", \"500\", \"2000\"]", "list of amounts, rising, 8 at most",
        values::tiers,
        "Where the tiers begin into which monthly reports sort customers by what they spent. What is below the first is a tier, too.";
    COUPON_SECRET: SecretText = "coupons.secret", "\"\"", "secret: \"enc:v1:…\", \"file:PATH\" or clear text", secret::read,
        "What coupon codes are made with: 16 characters or more that nobody can guess. Whoever knows it can make codes that \
         pass for genuine as long as no database is asked. Encrypt it in place with \
         `tillmart secrets encrypt --setting coupons.secret --write`.";
    COUPON_FORMER_SECRETS: SecretText = "coupons.former_secrets", "\"\"",
        "secret: \"enc:v1:…\", \"file:PATH\" or clear text", secret::read,
        "Secrets of before, one a line: codes that were made with them stay good. Move coupons.secret here when you change it, and \
         take it out when its last coupon has expired.";
    ONE_PER_CUSTOMER: bool = "coupons.one_per_customer", "true", "true or false", values::flag,
        "Whether a customer gets at most one coupon a month over all rules: that of the first rule, in the order of this file, \
         that has one to give. A customer whom a rule holds out gets none of a later rule either.";
    HOLD_OUT_SEED: String = "coupons.hold_out_seed", "\"1\"", "any text", values::text,
        "What decides, with the customer's number alone, who is held out. Change it to draw other customers.";
    SCORE_MONTHS: u32 = "coupons.score.months", "12", "months, 1 to 120", |raw| values::whole(raw, 1..=120),
        "Months that the score looks at, the one that coupons are for being the last.";
    SCORE_RECENCY: [u32; 4] = "coupons.score.recency_days", "[30, 60, 120, 240]", "four rising numbers of days",
        |raw| coupons::steps(raw, |item| values::whole(item, 0..=36_500)),
        "Most days from the last purchase to the month's end for 5, 4, 3 and 2 points; 1 point beyond.";
    SCORE_FREQUENCY: [u32; 4] = "coupons.score.frequency_days", "[2, 4, 8, 16]", "four rising numbers of days",
        |raw| coupons::steps(raw, |item| values::whole(item, 1..=36_500)),
        "Least days with a purchase for 2, 3, 4 and 5 points; 1 point below.";
    SCORE_MONEY: [i64; 4] = "coupons.score.money", "[\"50.00\", \"200.00\", \"500.00\", \"1000.00\"]", "four rising amounts",
        |raw| coupons::steps(raw, values::cents),
        "Least net spend for 2, 3, 4 and 5 points; 1 point below.";
    RULE_WHO: WhoWord = "coupons.rules.*.who", "none, must be stated",
        "\"spend\", \"drop\", \"first_purchase\", \"lapsed\" or \"score\"", coupons::who_word,
        "Who gets a coupon. \"spend\": whose net spend of the month is in a tier. \"drop\": who spent less than in the months before. \
         \"first_purchase\": who bought for the first time in the month. \"lapsed\": who has not bought for some time. \"score\": \
         who has these points for recency, frequency and money. Nobody does whose net spend in that time is zero or less.";
    RULE_SPEND_FROM: i64 = "coupons.rules.*.spend_from", "\"0.00\"", "money", values::cents,
        "With \"spend\": the least net spend of the tier.";
    RULE_SPEND_TO: i64 = "coupons.rules.*.spend_to", "no end", "money", values::cents,
        "With \"spend\": the net spend from which on the tier ends.";
    RULE_DROP: u32 = "coupons.rules.*.drop", "none, must be stated with \"drop\"", "share, such as \"30 %\"",
        coupons::part,
        "With \"drop\": how far, at least, the net spend of the month is below the mean of the three months before.";
    RULE_DAYS: u32 = "coupons.rules.*.days", "none, must be stated with \"lapsed\"", "days, 1 to 36_500",
        |raw| values::whole(raw, 1..=36_500),
        "With \"lapsed\": the least days from the last purchase to the month's end.";
    RULE_DAYS_TO: u32 = "coupons.rules.*.days_to", "no end", "days, 1 to 36_500", |raw| values::whole(raw, 1..=36_500),
        "With \"lapsed\": the days from which on a customer is given up.";
    RULE_RECENCY: Points = "coupons.rules.*.recency", "[1, 2, 3, 4, 5]", "list of points, 1 to 5", coupons::points,
        "With \"score\": which points for recency.";
    RULE_FREQUENCY: Points = "coupons.rules.*.frequency", "[1, 2, 3, 4, 5]", "list of points, 1 to 5", coupons::points,
        "With \"score\": which points for frequency.";
    RULE_MONEY: Points = "coupons.rules.*.money", "[1, 2, 3, 4, 5]", "list of points, 1 to 5", coupons::points,
        "With \"score\": which points for money.";
    RULE_PERCENT: u32 = "coupons.rules.*.percent", "none; this or amount", "share of the basket, such as \"10 %\"",
        coupons::some_share,
        "What the coupon gives off a basket, as a share.";
    RULE_MAX_DISCOUNT: i64 = "coupons.rules.*.max_discount", "none, must be stated with percent", "money", coupons::some_money,
        "Most that a share gives off: without it nobody could say what the coupons may cost.";
    RULE_AMOUNT: i64 = "coupons.rules.*.amount", "none; this or percent", "money", coupons::some_money,
        "What the coupon gives off a basket, as an amount.";
    RULE_MIN_BASKET: i64 = "coupons.rules.*.min_basket", "\"0.00\"", "money", values::cents,
        "The least basket that the coupon is redeemed for.";
    RULE_VALID_DAYS: u32 = "coupons.rules.*.valid_days", "none, must be stated", "days, 0 to 3_650",
        |raw| values::whole(raw, 0..=3_650),
        "Days after the day of issue on which the coupon may still be redeemed.";
    RULE_BUDGET: i64 = "coupons.rules.*.budget", "no end", "money", coupons::some_money,
        "Most that the coupons of a month may cost together. Those who spent least go without.";
    RULE_BUDGET_COUPONS: u32 = "coupons.rules.*.budget_coupons", "no end", "coupons, 1 to 100_000_000",
        |raw| values::whole(raw, 1..=100_000_000),
        "Most coupons of a month. Those who spent least go without.";
    RULE_HOLD_OUT: u32 = "coupons.rules.*.hold_out", "0", "share of customers, such as \"10 %\"", values::share_of,
        "The share of customers that gets none, so that the others can be compared with somebody. Always the same customers, by a \
         hash of their number; a larger share holds out the same and more.";
    TASKS: u32 = "run.tasks", "0", "tasks, 0 to 1_024", |raw| values::whole(raw, 0..=1_024),
        "Tasks side by side. 0: one for each core. Two of them land one source file after the other: one decodes ahead, \
         the other writes.";
    SPLIT_BYTES: u64 = "run.split_bytes", "\"256MiB\"", "size, 1KiB to 1TiB", |raw| values::size(raw, 1 << 10, 1 << 40),
        "A CSV or JSON lines file of twice this and more, and of more than one task's share of the batch, is cut at records and \
         decoded by several tasks side by side. Packed files, Parquet, and files of a feed with a key are never cut.";
    MEMORY: u32 = "run.memory_mib", "512", "MiB, 64 to 1_048_576", |raw| values::whole(raw, 64..=1_048_576),
        "Memory that sorting and grouping may use before they spill to disk; a quarter of it is what data files may \
         hold while they are written. The whole process uses more: dimension tables, and each task's read buffers.";
    LEASE: u32 = "run.lease_seconds", "60", "seconds, 5 to 3_600", |raw| values::whole(raw, 5..=3_600),
        "How long a run holds the feed's lease without renewing it. After a crash the next run waits at most this long.";
    ALLOW_INSECURE: Vec<String> = "run.allow_insecure", "[]", "list of settings", profile::allowances,
        "Insecure choices that the profile `prod` starts with all the same: storage.allow_http (plain http), database.tls \
         (\"disabled\" or \"preferred\"), or the name of a secret that stands in the file in clear text.";
    FILES_MIN: u32 = "optimize.files_min", "8", "data files, 2 to 10_000", |raw| values::whole(raw, 2..=10_000),
        "`tillmart optimize` leaves partitions with fewer data files alone.";
    TARGET_FILE: u32 = "optimize.target_file_mib", "128", "MiB, 1 to 4_096", |raw| values::whole(raw, 1..=4_096),
        "Size of the data files that `tillmart optimize` writes.";
    VACUUM_AGE: u32 = "optimize.vacuum_age_hours", "168", "hours, 24 to 87_600", |raw| values::whole(raw, 24..=87_600),
        "`tillmart optimize --vacuum` deletes data files that no table version of this age or younger needs. \
         A reader that takes longer than this over one query may lose files under its feet.";
}
