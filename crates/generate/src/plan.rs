//! What is to be made.

use chrono::{Datelike, NaiveDate};
use std::num::NonZeroUsize;
use tillmart_model::{Fault, FaultKind, Result};

/// The seed of a plan that names none.
pub const DEFAULT_SEED: u64 = 20_240_701;

/// How much is made, over all loadable sales files together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Exactly this many rows.
    Rows(u64),
    /// This many bytes, within 1 % (from a megabyte on; the rows are counted from a sample).
    Bytes(u64),
}

/// How the sales are cut into files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// This many files (for each day, with [`Plan::by_day`]), of about equal rows.
    Files(u32),
    /// As many files as keep each near or below this many bytes.
    BytesAbout(u64),
}

/// The format of the sales files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// Comma-separated with a header.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

impl OutputFormat {
    /// The ending of file names.
    pub const fn extension(self) -> &'static str {
        match self {
            OutputFormat::Csv => "csv",
            OutputFormat::Jsonl => "jsonl",
        }
    }
}

/// Everything that decides the bytes, and `threads`, which does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Where chance starts.
    pub seed: u64,
    /// How much.
    pub size: Size,
    /// The first business day.
    pub from: NaiveDate,
    /// The last business day, inclusive. Days after the batch's claim date make `future_date` rejects.
    pub to: NaiveDate,
    /// Customers in the dimension table, 1 to 100 million.
    pub customers: u32,
    /// Stores, 1 to 1 million. Only stores with a sales person of their own sell anything.
    pub stores: u32,
    /// Sales persons, 1 to 10 million; managers come on top. Each belongs to one store.
    pub sales_persons: u32,
    /// Products, 1 to 1 million.
    pub products: u32,
    /// How the sales are cut into files.
    pub cut: Cut,
    /// One folder a business day, and in its files nothing but that day. Otherwise every file holds the whole range.
    pub by_day: bool,
    /// The format.
    pub format: OutputFormat,
    /// Files of a hundred that carry the extra column `payment_mode`, spread evenly.
    pub extra_column_percent: u32,
    /// Files without the mandatory column `price`, beyond `size`. As CSV they are refused by their header
    /// (`missing_column`), as JSON lines because every row lacks the value (`too_many_rejects`).
    pub missing_column_files: u32,
    /// Files of foreign types (`.txt`, `.pdf`, `.xml`), beyond `size`.
    pub foreign_files: u32,
    /// Rows of a million that break the contract, each reason in turn.
    pub dirty_ppm: u32,
    /// Rows of a million without a customer, on average.
    pub anonymous_ppm: u32,
    /// Rows of a million that are returns, on average.
    pub returns_ppm: u32,
    /// Chunks made at the same time. Changes speed and memory, never a byte.
    pub threads: NonZeroUsize,
}

const fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(date) => date,
        None => NaiveDate::MIN,
    }
}

impl Default for Plan {
    fn default() -> Self {
        Plan {
            seed: DEFAULT_SEED,
            size: Size::Rows(500_000),
            from: day(2020, 1, 1),
            to: day(2024, 7, 1),
            customers: 50,
            stores: 5,
            sales_persons: 15,
            products: 14,
            cut: Cut::BytesAbout(64_000_000),
            by_day: false,
            format: OutputFormat::Csv,
            extra_column_percent: 0,
            missing_column_files: 0,
            foreign_files: 0,
            dirty_ppm: 0,
            anonymous_ppm: 50_000,
            returns_ppm: 20_000,
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }
}

impl Plan {
    /// Refuses what cannot be made, all faults at once, as a `Settings` fault.
    pub fn check(&self) -> Result<()> {
        let mut faults = Vec::new();
        let mut within = |what: &str, value: u64, low: u64, high: u64| {
            if !(low..=high).contains(&value) {
                faults.push(
                    Fault::new(FaultKind::Settings, format!("cannot generate: {what} is out of range"))
                        .expected(format!("{low} to {high}"))
                        .found(value),
                );
            }
        };
        within("customers", self.customers.into(), 1, 100_000_000);
        within("stores", self.stores.into(), 1, 1_000_000);
        within("sales persons", self.sales_persons.into(), 1, 10_000_000);
        within("products", self.products.into(), 1, 1_000_000);
        match self.size {
            Size::Rows(rows) => within("the number of rows", rows, 1, 1 << 40),
            Size::Bytes(bytes) => within("the size in bytes", bytes, 1_000, 1 << 46),
        }
        match self.cut {
            Cut::Files(files) => within("the number of files", files.into(), 1, 1_000_000),
            Cut::BytesAbout(bytes) => within("the size of a file in bytes", bytes, 1_000, 1 << 46),
        }
        within("the share of files with an extra column", self.extra_column_percent.into(), 0, 100);
        within("the rate of dirty rows (a million)", self.dirty_ppm.into(), 0, 1_000_000);
        within("the rate of anonymous sales (a million)", self.anonymous_ppm.into(), 0, 1_000_000);
        within("the rate of returns (a million)", self.returns_ppm.into(), 0, 1_000_000);
        within("the number of files without a column", self.missing_column_files.into(), 0, 100_000);
        within("the number of foreign files", self.foreign_files.into(), 0, 100_000);
        if self.to < self.from || self.from.year() < 1900 || self.to.year() > 2200 {
            faults.push(
                Fault::new(FaultKind::Settings, "cannot generate: the date range holds no day")
                    .expected("from a day on or before the last one, both within 1900 to 2200")
                    .found(format!("{} to {}", self.from, self.to)),
            );
        }
        Fault::join(faults).map_or(Ok(()), Err)
    }

    /// Business days, both ends included.
    pub(crate) fn days(&self) -> u32 {
        u32::try_from((self.to - self.from).num_days() + 1).unwrap_or(1)
    }
}
