//! Sums of rollups, made in the pass that lands the sales and kept beside the manifest: what publication adds to the state.
//!
//! Sums are whole numbers of the smallest unit (cents, units of 0.0001, pieces), so their order does not matter. A rollup whose keys are told
//! by another one's costs no row's work: its sums are made of that one's (`parts`). A task that cannot tell its sums (a number that
//! does not fit, too many unknown keys) says so, and publication reads the landed files.

mod classes;
mod keys;
mod off_list;
mod parts;
mod table;
mod write;

use super::LandJob;
use crate::mart::{Kinds, Summing};
use classes::Classes;
use keys::Keys;
use off_list::OffListed;
use parts::{Columns, Part};
use std::ops::Range;
use std::sync::Arc;
use table::{LEFT_OUT, NO_KEY, Table};
use tillmart_feed::{ANONYMOUS, Sales};
use tillmart_model::{DeltaFile, Result};
pub(crate) use write::delta_schema;

/// Bytes of all sums in memory, after which a part of them is written.
const MEMORY_MAX: usize = 96 << 20;

/// Writes the largest sums if all together have grown too large: a batch that brings years has sums for each of their days.
pub(super) async fn keep_small(all: &mut [Sums], job: &LandJob) -> Result<()> {
    let held: usize = all.iter().map(|sums| sums.table.memory()).sum();
    if held > MEMORY_MAX
        && let Some(largest) = all.iter_mut().max_by_key(|sums| sums.table.memory())
    {
        largest.write(job).await?;
    }
    Ok(())
}

/// Rows whose entries are found before anything is added: they fit the first cache.
const NEAR_ROWS: usize = 256;

/// Sums that the second cache does not hold.
const FAR_SUMS: usize = 128 << 10;

/// The sums of some rollups in one task: of one, and of those whose keys its keys tell.
pub(super) struct Sums {
    keys: Keys,
    parts: Vec<Part>,
    columns: Columns,
    classes: Classes,
    table: Table,
    /// Sums of an entry and class of the table.
    width: usize,
    /// Sales without a customer do not count.
    skips_anonymous: bool,
    near: Near,
    /// For sums over sales off the list price.
    off_list: Option<OffListed>,
    stage: String,
    /// Sales that went in, those without a customer counted.
    rows: u64,
    failed: bool,
}

/// What is known of the sales at hand.
#[derive(Default)]
struct Near {
    packed: Vec<u64>,
    entries: Vec<u32>,
    /// Rows that are not of the first class: their entry and class.
    others: Vec<(usize, u32, u8)>,
}

/// Files of one rollup's sums, and how many sales are in them.
pub(super) struct Summed {
    pub(super) mart: String,
    pub(super) files: Vec<DeltaFile>,
    pub(super) rows: u64,
}

impl Sums {
    /// For all rollups of a job.
    pub(super) fn open(job: &LandJob) -> Vec<Sums> {
        parts::groups(&job.summings).iter().map(|group| Sums::of(job, group)).collect()
    }

    fn of(job: &LandJob, group: &[Arc<Summing>]) -> Sums {
        let finest = &group[0];
        let keys = Keys::new(&finest.keys, &job.dimensions);
        let all = if finest.skips_anonymous { Kinds::ANONYMOUS.others() } else { Kinds::ALL };
        let measures = || group.iter().flat_map(|summing| &summing.sums);
        let (columns, classes) = (Columns::of(measures()), Classes::of(measures(), all));
        let width = finest.off_list.as_ref().map_or(columns.width(), |_| finest.width());
        let part = |summing, keys| Part::new(summing, keys, columns, &classes);
        let parts = keys.as_ref().and_then(|keys| group.iter().map(|summing| part(summing, keys)).collect());
        let off_list = finest.off_list.as_ref().map(|off_list| OffListed::new(off_list, &job.dimensions));
        let failed = parts.is_none() || matches!(off_list, Some(None));
        let keys = keys.unwrap_or_default();
        let more = if group.len() > 1 { format!(" and {} more", group.len() - 1) } else { String::new() };
        Sums {
            table: Table::new(width, classes.count(), keys.rows()),
            parts: parts.unwrap_or_default(),
            width,
            columns,
            classes,
            skips_anonymous: finest.skips_anonymous,
            near: Near::default(),
            off_list: off_list.flatten(),
            stage: format!("sums of {}{more}", finest.mart),
            rows: 0,
            failed,
            keys,
        }
    }

    /// What a profile calls it.
    pub(super) fn stage(&self) -> &str {
        &self.stage
    }

    /// Adds sales.
    pub(super) fn add(&mut self, sales: &Sales) {
        self.rows += sales.rows() as u64;
        if self.failed {
            return;
        }
        if let Some(off_list) = &mut self.off_list {
            self.failed = !off_list.add(sales, (&mut self.keys, &mut self.table), &mut self.near);
            return;
        }
        let mut packed = std::mem::take(&mut self.near.packed);
        self.failed = !self.keys.pack(sales, &mut packed);
        if self.skips_anonymous {
            let customers = packed.iter_mut().zip(&sales.customer);
            customers.filter(|(_, customer)| **customer == ANONYMOUS).for_each(|(key, _)| *key = NO_KEY);
        }
        self.failed = self.failed || !self.add_packed(sales, &packed);
        self.near.packed = packed;
    }

    /// Whether all sums fit.
    fn add_packed(&mut self, sales: &Sales, packed: &[u64]) -> bool {
        let mut overflow = 0;
        for (block, keys) in packed.chunks(NEAR_ROWS).enumerate() {
            let first = block * NEAR_ROWS;
            self.table.find(keys, &mut self.near.entries);
            let sales = Added::of(sales, first..first + keys.len());
            overflow |= match (self.columns.quantity, self.columns.price) {
                (false, false) => self.add_near::<false, false>(&sales),
                (true, false) => self.add_near::<true, false>(&sales),
                (false, true) => self.add_near::<false, true>(&sales),
                (true, true) => self.add_near::<true, true>(&sales),
            };
        }
        overflow >= 0
    }

    /// Adds sales whose entries are known. Returns a negative number if a sum did not fit.
    fn add_near<const QUANTITY: bool, const PRICE: bool>(&mut self, sales: &Added<'_>) -> i64 {
        let (table, entries) = (&mut self.table, &mut self.near.entries);
        let others = &mut self.near.others;
        others.clear();
        if self.classes.count() > 1 {
            for (row, entry) in entries.iter_mut().enumerate() {
                let class = self.classes.class(Kinds::of(sales.quantities[row], sales.customers[row] == ANONYMOUS));
                if class > 0 {
                    // A branch in the loop of the first class would be guessed wrong at every return.
                    others.push((row, std::mem::replace(entry, LEFT_OUT), class));
                }
            }
        }
        let (width, sums) = (self.width, table.sums(0));
        if sums.len() > FAR_SUMS {
            // Loads that depend on nothing are waited for together, additions one by one.
            std::hint::black_box(entries.iter().fold(0, |all, entry| all ^ sums[*entry as usize * width]));
        }
        let mut overflow = sales.add::<QUANTITY, PRICE>(0, entries, sums);
        for (row, entry, class) in others {
            overflow |= sales.add::<QUANTITY, PRICE>(*row, &[*entry], table.sums(usize::from(*class)));
        }
        overflow
    }

    async fn write(&mut self, job: &LandJob) -> Result<()> {
        let empty = Table::new(self.width, self.classes.count(), self.keys.rows());
        let table = std::mem::replace(&mut self.table, empty);
        let mut entries = table.keys();
        for at in 0..self.parts.len() {
            let is_last = at + 1 == self.parts.len();
            let entries = if is_last { std::mem::take(&mut entries) } else { entries.clone() };
            self.parts[at].write(job, &self.keys, &table, entries).await?;
        }
        Ok(())
    }

    /// Writes what is left, and tells of each rollup whose sums could be told.
    pub(super) async fn finish(mut self, job: &LandJob) -> Result<Vec<Summed>> {
        if self.failed {
            return Ok(Vec::new());
        }
        self.write(job).await?;
        Ok(self.parts.into_iter().filter_map(|part| part.finish(self.rows)).collect())
    }
}

/// What sales add, column by column.
struct Added<'s> {
    totals: &'s [i64],
    quantities: &'s [i32],
    prices: &'s [i64],
    customers: &'s [u32],
}

impl<'s> Added<'s> {
    fn of(sales: &'s Sales, rows: Range<usize>) -> Added<'s> {
        Added {
            totals: &sales.total_cost[rows.clone()],
            quantities: &sales.quantity[rows.clone()],
            prices: &sales.price[rows.clone()],
            customers: &sales.customer[rows],
        }
    }

    /// Adds the sales from this one on, as many as there are entries. Returns a negative number if a sum did not fit.
    #[inline]
    fn add<const QUANTITY: bool, const PRICE: bool>(&self, first: usize, entries: &[u32], sums: &mut [i64]) -> i64 {
        let width = 2 + usize::from(QUANTITY) + usize::from(PRICE);
        let rows = first..first + entries.len();
        let (quantities, prices) = (&self.quantities[rows.clone()], &self.prices[rows.clone()]);
        let mut overflow = 0;
        for (row, (entry, total)) in entries.iter().zip(&self.totals[rows]).enumerate() {
            let sums = &mut sums[*entry as usize * width..][..width];
            overflow |= grow(&mut sums[0], *total);
            if QUANTITY {
                overflow |= grow(&mut sums[1], i64::from(quantities[row]));
            }
            if PRICE {
                overflow |= grow(&mut sums[1 + usize::from(QUANTITY)], prices[row]);
            }
            sums[width - 1] += 1;
        }
        overflow
    }
}

/// Adds to a sum. The sign bit of what is returned is set where two numbers of one sign made one of the other.
#[inline]
fn grow(sum: &mut i64, value: i64) -> i64 {
    let added = sum.wrapping_add(value);
    let overflow = (*sum ^ added) & (value ^ added);
    *sum = added;
    overflow
}
