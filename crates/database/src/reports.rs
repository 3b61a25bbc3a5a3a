//! What reports ask of the database beyond published rows, and what they leave there.

use crate::records::{Read, Record, count, integer, moment};
use crate::refusal::{Checked, database};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use tillmart_model::Result;

/// So many tiers have a beginning of their own; what is below the first one is a tier, too.
pub const TIERS_MAX: usize = 8;

/// What a store came to in a month, as a report tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreMonth {
    /// The store.
    pub store_id: i32,
    /// Landed rows that are no returns.
    pub sales: i64,
    /// Units sold less units returned.
    pub units: i64,
    /// Money of sales, in cents.
    pub gross_cents: i64,
    /// Money of returns, in cents: zero or less.
    pub returned_cents: i64,
    /// What its sales persons are paid, in cents.
    pub incentive_cents: i64,
}

impl StoreMonth {
    /// A store that sold nothing.
    #[must_use]
    pub fn nothing(store_id: i32) -> Self {
        Self { store_id, sales: 0, units: 0, gross_cents: 0, returned_cents: 0, incentive_cents: 0 }
    }
}

/// Figures that a report has told, kept to be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptMonth {
    /// The figures.
    pub figures: StoreMonth,
    /// 1 for the first figures that a report told of this store and month, one more whenever they had changed.
    pub version: i64,
    /// When that report was made.
    pub made: DateTime<Utc>,
    /// The batch up to which sales were published.
    pub batch_id: Option<i64>,
}

/// Customers of a month with something left to pay, some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spenders {
    /// How many of the tiers' beginnings each of them reached.
    pub tier: usize,
    /// Whether they had bought in an earlier month.
    pub returning: bool,
    /// How many they are.
    pub customers: u64,
    /// What they spent in the month, in cents.
    pub cents: i64,
}

/// The customers of a month.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomersOfMonth {
    /// Who bought, by tier and by whether they had before; no entry without customers.
    pub spenders: Vec<Spenders>,
    /// How many bought in the month before, and not in this one.
    pub lapsed: u64,
    /// What those had spent in the month before, in cents.
    pub lapsed_cents: i64,
}

/// Reports' own questions. Each is answered in the database: what is read of a table stays there.
#[async_trait]
pub trait Reports: Send + Sync {
    /// Who bought in the month that begins on this day; a customer with nothing left after returns has not. Tiers begin at `tiers`
    /// cents, rising. The state of `customers_data_mart` tells, in one pass and a look for each customer of the two months; a database without it, or
    /// with another one, is a fault.
    async fn customers_of_month(
        &self,
        month: NaiveDate,
        month_before: NaiveDate,
        tiers: &[i64],
    ) -> Result<CustomersOfMonth>;

    /// Every version of a month's (`YYYY-MM`) figures, by store and version.
    async fn kept_months(&self, month: &str) -> Result<Vec<KeptMonth>>;

    /// Keeps figures that differ from the newest version of their store, or have none, as a new one; then tells every version. Figures of an
    /// earlier batch than that version's are old, and not kept. One transaction: of two that keep the same at once, one keeps and the other finds nothing new.
    async fn keep_month(
        &self,
        month: &str,
        figures: &[StoreMonth],
        batch_id: Option<i64>,
        now: DateTime<Utc>,
    ) -> Result<Vec<KeptMonth>>;
}

/// Where each of [`TIERS_MAX`] tiers begins; those that there are not begin where nobody comes.
pub(crate) fn tier_bounds(tiers: &[i64]) -> Checked<[i64; TIERS_MAX]> {
    if tiers.len() > TIERS_MAX {
        let fault = database("there are too many tiers").expected(format!("{TIERS_MAX} at most")).found(tiers.len());
        return Err(fault.into());
    }
    let mut bounds = [i64::MAX; TIERS_MAX];
    for (bound, tier) in bounds.iter_mut().zip(tiers) {
        *bound = *tier;
    }
    Ok(bounds)
}

/// Customers of a tier from a row.
pub(crate) fn spenders<R: Record>(row: &R) -> Read<Spenders, R> {
    Ok(Spenders {
        // Between 0 and the number of bounds.
        tier: usize::try_from(integer(row, "tier")?).unwrap_or_default(),
        returning: integer(row, "returning_customers")? != 0,
        customers: count(row, "customers")?,
        cents: integer(row, "cents")?,
    })
}

/// Lapsed customers and their money from a row.
pub(crate) fn lapsed<R: Record>(row: &R) -> Read<(u64, i64), R> {
    Ok((count(row, "customers")?, integer(row, "cents")?))
}

/// A version from a row.
pub(crate) fn kept<R: Record>(row: &R) -> Read<KeptMonth, R> {
    let store = integer(row, "store_id")?;
    let store_id =
        i32::try_from(store).map_err(|_| Box::new(database("a store's number has more than 32 bits").found(store)))?;
    Ok(KeptMonth {
        figures: StoreMonth {
            store_id,
            sales: integer(row, "sales")?,
            units: integer(row, "units")?,
            gross_cents: integer(row, "gross_cents")?,
            returned_cents: integer(row, "returned_cents")?,
            incentive_cents: integer(row, "incentive_cents")?,
        },
        version: integer(row, "version")?,
        made: moment(row, "made_date")?,
        batch_id: row.integer("batch_id")?,
    })
}

/// The figures that are to be kept, with the version that each of them becomes. What a report of an earlier batch tells is old.
pub(crate) fn to_keep(kept: &[KeptMonth], figures: &[StoreMonth], batch_id: Option<i64>) -> Vec<(i64, StoreMonth)> {
    let newest = |store: i32| kept.iter().filter(|kept| kept.figures.store_id == store).max_by_key(|kept| kept.version);
    let changed = |figures: &StoreMonth| match newest(figures.store_id) {
        None => Some((1, *figures)),
        Some(kept) if kept.figures == *figures || kept.batch_id > batch_id => None,
        Some(kept) => Some((kept.version + 1, *figures)),
    };
    figures.iter().filter_map(changed).collect()
}
