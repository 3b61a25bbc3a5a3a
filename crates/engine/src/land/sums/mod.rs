//! Sums of a rollup, made in the pass that lands the sales and kept beside the manifest: what publication adds to the state.
//!
//! Sums are whole numbers of the smallest unit (cents, units of 0.0001, pieces), so their order does not matter. A task that
//! cannot tell its sums (a number that does not fit, too many unknown keys) says so, and publication reads the landed files.

mod keys;
mod off_list;
mod table;
mod write;

use super::LandJob;
use crate::mart::{Kinds, Measure, SumOf, Summing};
use keys::Keys;
use off_list::OffListed;
use std::ops::Range;
use std::sync::Arc;
use table::{ByRow, Hashed, Table};
use tillmart_feed::{ANONYMOUS, Sales};
use tillmart_model::{DeltaFile, Result};
pub(crate) use write::delta_schema;

/// Bytes of all rollups' sums in memory, after which a part of them is written.
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

/// Rows whose sums are brought near at once: they fit the first cache.
const NEAR_ROWS: usize = 256;

/// The sums of one rollup in one task.
pub(super) struct Sums {
    summing: Arc<Summing>,
    keys: Keys,
    table: Table,
    /// Packed keys of the batch at hand.
    packed: Vec<u64>,
    block: Block,
    /// For sums over sales off the list price.
    off_list: Option<OffListed>,
    written: Vec<DeltaFile>,
    stage: String,
    /// Sales that went in, those without a customer counted.
    rows: u64,
    failed: bool,
}

impl Sums {
    pub(super) fn open(job: &LandJob, summing: &Arc<Summing>) -> Sums {
        let keys = Keys::new(summing, &job.dimensions);
        let off_list = summing.off_list.as_ref().map(|off_list| OffListed::new(off_list, &job.dimensions));
        let failed = keys.is_none() || matches!(off_list, Some(None));
        let keys = keys.unwrap_or_default();
        let mut sums = Sums {
            keys,
            table: Table::Hashed(Hashed::new(summing.width())),
            packed: Vec::new(),
            block: Block::default(),
            off_list: off_list.flatten(),
            written: Vec::new(),
            stage: format!("sums of {}", summing.mart),
            rows: 0,
            failed,
            summing: Arc::clone(summing),
        };
        sums.table = sums.empty_table();
        sums
    }

    fn empty_table(&self) -> Table {
        let width = self.summing.width();
        match self.keys.by_month() {
            Some((codes, month_bits, unused_bits)) => Table::ByRow(ByRow::new(width, codes, month_bits, unused_bits)),
            None => Table::Hashed(Hashed::new(width)),
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
        self.failed = !match &mut self.off_list {
            Some(off_list) => off_list.add(sales, &mut self.keys, &mut self.packed, &mut self.table),
            None => self.keys.pack(sales, &mut self.packed) && self.add_packed(sales),
        };
    }

    /// Whether all sums fit.
    fn add_packed(&mut self, sales: &Sales) -> bool {
        let width = self.summing.sums.len();
        let mut overflow = 0;
        for (block, keys) in self.packed.chunks(NEAR_ROWS).enumerate() {
            let first = block * NEAR_ROWS;
            std::hint::black_box(self.table.touch(keys));
            self.block.fill(&self.summing.sums, sales, first..first + keys.len());
            for (row, (key, values)) in keys.iter().zip(self.block.values.chunks_exact(width)).enumerate() {
                if self.summing.skips_anonymous && sales.customer[first + row] == ANONYMOUS {
                    continue;
                }
                for (sum, value) in self.table.sums_of(*key).iter_mut().zip(values) {
                    let added = sum.wrapping_add(*value);
                    // The sign bit is set where two numbers of one sign made one of the other.
                    overflow |= (*sum ^ added) & (*value ^ added);
                    *sum = added;
                }
            }
        }
        overflow >= 0
    }

    async fn write(&mut self, job: &LandJob) -> Result<()> {
        let empty = self.empty_table();
        let table = std::mem::replace(&mut self.table, empty);
        if let Some(file) = write::part(job, &self.summing, &self.keys, table).await? {
            self.written.push(file);
        }
        Ok(())
    }

    /// Writes what is left. Returns the files, and how many sales are in them; `None` if the sums cannot be told.
    pub(super) async fn finish(mut self, job: &LandJob) -> Result<Option<(Vec<DeltaFile>, u64)>> {
        if self.failed {
            return Ok(None);
        }
        self.write(job).await?;
        Ok(Some((self.written, self.rows)))
    }
}

/// What some sales add to their sums, all measures of a sale beside each other. A sale that a measure leaves out adds zero: a branch would be
/// guessed wrong at every return.
#[derive(Default)]
struct Block {
    kinds: Vec<u8>,
    values: Vec<i64>,
}

impl Block {
    fn fill(&mut self, measures: &[Measure], sales: &Sales, rows: Range<usize>) {
        let (quantities, totals) = (&sales.quantity[rows.clone()], &sales.total_cost[rows.clone()]);
        let (prices, customers) = (&sales.price[rows.clone()], &sales.customer[rows]);
        self.kinds.clear();
        let kinds = quantities.iter().zip(customers);
        self.kinds.extend(kinds.map(|(quantity, customer)| Kinds::of(*quantity, *customer == ANONYMOUS)));
        self.values.resize(quantities.len() * measures.len(), 0);
        for (at, measure) in measures.iter().enumerate() {
            let places = self.values[at..].iter_mut().step_by(measures.len());
            let masked = places.zip(self.kinds.iter().map(|kind| measure.over.mask(*kind)));
            match measure.of {
                SumOf::TotalCost => masked.zip(totals).for_each(|((place, mask), total)| *place = total & mask),
                SumOf::Price => masked.zip(prices).for_each(|((place, mask), price)| *place = price & mask),
                SumOf::Quantity => {
                    masked.zip(quantities).for_each(|((place, mask), quantity)| *place = i64::from(*quantity) & mask);
                }
                SumOf::Rows => masked.for_each(|(place, mask)| *place = 1 & mask),
            }
        }
    }
}
