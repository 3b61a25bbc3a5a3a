//! The monthly report: what a month came to, who sold it, who bought it, and what of it has changed since it was told.
//! `docs/reports.md` says what each figure means.

mod changes;
mod coupons;
mod customers;
mod page;
mod spans;
mod team;

use crate::daily::Sold;
use crate::{Fact, IncentiveLine};
use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use std::collections::BTreeMap;

pub use page::monthly;
pub use spans::MonthSpans;

/// Everything that a monthly report tells.
#[derive(Debug, Clone)]
pub struct Monthly {
    /// The month and what it is compared with.
    pub spans: MonthSpans,
    /// The one store that the report is about; `None` for the chain.
    pub store: Option<i32>,
    /// Where it comes from.
    pub about: Vec<Fact>,
    /// Whether a sale of a store is a basket, and not a row.
    pub of_baskets: bool,
    /// All its stores together.
    pub all: MonthsSold,
    /// Each store that sold in one of the months, by number.
    pub stores: Vec<StoreMonths>,
    /// Each day of the month and of the month before on which anything was sold.
    pub days: BTreeMap<NaiveDate, Sold>,
    /// Sales persons by store and place.
    pub team: Vec<Seller>,
    /// How the team's incentives came about.
    pub payments: Payments,
    /// Who bought; `None` where the report is about one store, because spend is kept for the chain.
    pub customers: Option<Customers>,
    /// What coupons were given for the month, in the order of issue; `None` where the report is about one store, because they are the
    /// chain's.
    pub coupons: Option<Vec<CouponsIssued>>,
    /// What earlier reports of this month told; `None` while the month is not over.
    pub told: Option<Vec<ToldMonth>>,
}

/// What was sold in a month, and of that without a customer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MonthSold {
    /// Sums over its sales.
    pub sold: Sold,
    /// Money of sales and returns without a customer, in cents.
    pub anonymous_net: i128,
}

/// What was sold in each month of a report; `None` where no sale of it has landed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MonthsSold {
    /// In the month.
    pub month: Option<MonthSold>,
    /// In the month before.
    pub before: Option<MonthSold>,
    /// In the same month of the year before.
    pub year_before: Option<MonthSold>,
}

/// A store's figures.
#[derive(Debug, Clone)]
pub struct StoreMonths {
    /// Its number.
    pub store: i32,
    /// Its manager, where the store table names one.
    pub manager: Option<String>,
    /// What it sold.
    pub sold: MonthsSold,
}

/// A sales person's month in one store.
#[derive(Debug, Clone)]
pub struct Seller {
    /// The store.
    pub store: i32,
    /// Place by total within the store, 1 for the best; those with the same total share one.
    pub place: i64,
    /// Their number.
    pub person: i64,
    /// Their name, where the sales team's table has one.
    pub name: Option<String>,
    /// Their total, in cents.
    pub total: i128,
    /// What they are paid, in cents.
    pub incentive: i128,
}

/// How the incentives of a month came about.
#[derive(Debug, Clone)]
pub struct Payments {
    /// Today's plan, as text.
    pub plan_today: String,
    /// Published lines of the month, every line of each store; or why there are none to read.
    pub lines: Result<Vec<IncentiveLine>, String>,
}

/// The coupons of a rule that were given for a month, and what has come of them up to the day of the report.
#[derive(Debug, Clone)]
pub struct CouponsIssued {
    /// The rule.
    pub rule: String,
    /// What a coupon gives: `10 % up to 20.00`.
    pub offer: String,
    /// The day of issue.
    pub issued: NaiveDate,
    /// The last day on which they may be redeemed.
    pub valid_until: NaiveDate,
    /// How many.
    pub coupons: u64,
    /// How many customers were held out.
    pub held_out: u64,
    /// How many were redeemed.
    pub redeemed: u64,
    /// How many were not, and cannot be any more.
    pub expired: u64,
    /// Most that they may cost together, in cents.
    pub cost_bound: i64,
    /// What the redeemed ones gave off, as far as tills told their baskets, in cents.
    pub given: i64,
}

/// The customers of a month: those with something left to pay after returns.
#[derive(Debug, Clone, Default)]
pub struct Customers {
    /// Where tiers of spend begin, in cents, rising. What is below the first is a tier, too.
    pub bounds: Vec<i64>,
    /// Each tier's customers, from the lowest; one more than there are bounds.
    pub tiers: Vec<Tier>,
    /// Customers who bought in the month before, and not in this one.
    pub lapsed: u64,
    /// What those had spent in the month before, in cents.
    pub lapsed_cents: i128,
}

/// The customers of a tier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tier {
    /// Customers who had bought in an earlier month.
    pub returning: u64,
    /// Customers who had not.
    pub new: u64,
    /// What the returning ones spent in the month, in cents.
    pub returning_cents: i128,
    /// What the new ones spent, in cents.
    pub new_cents: i128,
}

/// What a report told of a store's month.
#[derive(Debug, Clone)]
pub struct ToldMonth {
    /// The store.
    pub store: i32,
    /// 1 for the first report, one more whenever figures had changed.
    pub version: i64,
    /// When it was made.
    pub made: DateTime<Tz>,
    /// The batch up to which sales were published.
    pub batch: Option<i64>,
    /// Number of sales.
    pub sales: i64,
    /// Units sold less units returned.
    pub units: i64,
    /// Money of sales, in cents.
    pub gross: i64,
    /// Money of returns, in cents: zero or less.
    pub returned: i64,
    /// What its sales persons are paid, in cents.
    pub incentive: i64,
}
