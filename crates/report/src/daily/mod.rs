//! The daily report: what a day came to, and what is missing from it. `docs/reports.md` says what each figure means.

mod lists;
mod off_list;
mod page;
mod periods;
pub(crate) mod sold;
mod watch;

use crate::Fact;
use chrono::NaiveDate;
use std::collections::BTreeMap;

pub use off_list::{OffList, OffListPerson, OffListSold, OffListStore};
pub use page::daily;
pub use periods::{Periods, Span, WEEKS_EXPECTED};
pub use sold::Sold;

/// Everything that a daily report tells.
#[derive(Debug, Clone)]
pub struct Daily {
    /// The day and what it is compared with.
    pub periods: Periods,
    /// The one store that the report is about; `None` for the chain.
    pub store: Option<i32>,
    /// Where it comes from.
    pub about: Vec<Fact>,
    /// Whether a sale of a store is a basket, and not a row.
    pub of_baskets: bool,
    /// All its stores together.
    pub all: Compared,
    /// Each store that sold in one of the periods, by number.
    pub stores: Vec<StoreSold>,
    /// Each of the last weeks' days on which anything was sold.
    pub days: BTreeMap<NaiveDate, Sold>,
    /// Products by net sales, the best first, and how many were sold in all.
    pub products: Top<ProductSold>,
    /// Sales persons by net sales, the best first, and how many sold in all.
    pub persons: Top<PersonSold>,
    /// Products that were sold after their expiry date, the longest expired first.
    pub expired: Top<ExpiredSold>,
    /// Sales whose price was not the list price; `None` where nothing is known of list prices.
    pub off_list: Option<OffList>,
    /// What is wrong with the day.
    pub watch: Watch,
}

/// What was sold in each period of a report; `None` where no sale of it has landed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compared {
    /// On the day.
    pub day: Option<Sold>,
    /// On the same weekday of last week.
    pub last_week: Option<Sold>,
    /// In the month, to the day.
    pub month: Option<Sold>,
    /// In the month before, to the same day.
    pub month_before: Option<Sold>,
    /// In the same month of the year before, to the same day.
    pub year_before: Option<Sold>,
}

/// A store's figures.
#[derive(Debug, Clone)]
pub struct StoreSold {
    /// Its number.
    pub store: i32,
    /// Its manager, where the store table names one.
    pub manager: Option<String>,
    /// What it sold.
    pub sold: Compared,
}

/// The first of a longer list.
#[derive(Debug, Clone)]
pub struct Top<T> {
    /// The first.
    pub first: Vec<T>,
    /// How many there are in all.
    pub of: i64,
}

/// A product's figures of the day.
#[derive(Debug, Clone)]
pub struct ProductSold {
    /// Its name.
    pub name: String,
    /// What was sold of it.
    pub sold: Sold,
}

/// A sales person's figures of the day in one store.
#[derive(Debug, Clone)]
pub struct PersonSold {
    /// Their number.
    pub person: i64,
    /// Their name, where the sales team's table has one.
    pub name: Option<String>,
    /// The store they sold in.
    pub store: i32,
    /// What they sold.
    pub sold: Sold,
}

/// A product that was sold after its expiry date.
#[derive(Debug, Clone)]
pub struct ExpiredSold {
    /// Its name.
    pub name: String,
    /// The last day on which it should have been sold.
    pub expired: NaiveDate,
    /// What was sold of it.
    pub sold: Sold,
}

/// What is wrong with a day.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    /// Stores that usually sell on this weekday, and of which no sale of the day has landed.
    pub missing: Vec<MissingStore>,
    /// Open rejects whose row is of the day, by reason, the most first.
    pub rejected: Vec<Rejected>,
    /// Open rejects of files that came with the day and whose own day cannot be read, by reason, the most first.
    pub undated: Vec<Rejected>,
    /// More rejects are open than were looked through: this many, the newest.
    pub looked_through: Option<u64>,
    /// Source files that came with the day and were rejected whole: path and reason.
    pub rejected_files: Vec<OddFile>,
    /// Source files that came with the day and were skipped, because their bytes had landed before.
    pub duplicates: Vec<OddFile>,
    /// Source files that wait in the incoming area now.
    pub files_waiting: u64,
    /// Their bytes.
    pub bytes_waiting: u64,
    /// The batch that is under way, or that a run left unfinished: its sales are in no figure yet.
    pub unfinished: Option<String>,
}

/// A store of which no sale of the day has landed.
#[derive(Debug, Clone)]
pub struct MissingStore {
    /// Its number.
    pub store: i32,
    /// Its manager, where the store table names one.
    pub manager: Option<String>,
    /// On how many of the last weeks' same weekdays it sold.
    pub weekdays_sold: i64,
    /// What it sold on them on average, in cents.
    pub usual_cents: i128,
    /// The last day of which a sale of it has landed.
    pub last_sold: Option<NaiveDate>,
}

/// Rejects of one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The reason's code.
    pub code: String,
    /// How many rows.
    pub rows: i64,
    /// How many of them have a total that can be read.
    pub rows_with_money: i64,
    /// What those come to, in cents.
    pub cents: i128,
}

/// A source file that did not land.
#[derive(Debug, Clone)]
pub struct OddFile {
    /// Its ledger id.
    pub id: i64,
    /// Its path below the incoming area.
    pub path: String,
    /// Why: a reason's code, or the file that landed before.
    pub why: String,
}
