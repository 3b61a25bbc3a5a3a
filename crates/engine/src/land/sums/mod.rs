//! Sums of a rollup, made in the pass that lands the sales and kept beside the manifest: what publication adds to the state.
//!
//! Sums are whole numbers of the smallest unit (cents, units of 0.0001, pieces), so their order does not matter. A task that
//! cannot tell its sums (a number that does not fit, too many unknown keys) says so, and publication reads the landed files.

mod keys;
mod table;
mod write;

use super::LandJob;
use crate::mart::{SumOf, Summing};
use keys::Keys;
use std::sync::Arc;
use table::{ByRow, Hashed, Table};
use tillmart_feed::{ANONYMOUS, Sales};
use tillmart_model::{DeltaFile, Result};
pub(crate) use write::delta_schema;

/// Sums in memory, in bytes, after which a part of them is written.
const MEMORY_MAX: usize = 96 << 20;

/// Rows whose sums are brought near at once: they fit the first cache.
const NEAR_ROWS: usize = 256;

/// The sums of one rollup in one task.
pub(super) struct Sums {
    summing: Arc<Summing>,
    keys: Keys,
    table: Table,
    /// Packed keys of the batch at hand.
    packed: Vec<u64>,
    written: Vec<DeltaFile>,
    stage: String,
    /// Sales that went in, those without a customer counted.
    rows: u64,
    failed: bool,
}

impl Sums {
    pub(super) fn open(job: &LandJob, summing: &Arc<Summing>) -> Sums {
        let keys = Keys::new(summing, &job.dimensions);
        let failed = keys.is_none();
        let keys = keys.unwrap_or_default();
        let mut sums = Sums {
            keys,
            table: Table::Hashed(Hashed::new(summing.sums.len())),
            packed: Vec::new(),
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
        let width = self.summing.sums.len();
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
    pub(super) async fn add(&mut self, job: &LandJob, sales: &Sales) -> Result<()> {
        self.rows += sales.rows() as u64;
        if self.failed {
            return Ok(());
        }
        self.failed = !(self.keys.pack(sales, &mut self.packed) && self.add_packed(sales));
        if self.table.memory() > MEMORY_MAX {
            self.write(job).await?;
        }
        Ok(())
    }

    /// Whether all sums fit.
    fn add_packed(&mut self, sales: &Sales) -> bool {
        let mut fits = true;
        for (row, key) in self.packed.iter().enumerate() {
            if row.is_multiple_of(NEAR_ROWS) {
                std::hint::black_box(self.table.touch(&self.packed[row..self.packed.len().min(row + NEAR_ROWS)]));
            }
            if self.summing.skips_anonymous && sales.customer[row] == ANONYMOUS {
                continue;
            }
            let sums = self.table.sums_of(*key);
            for (sum, of) in sums.iter_mut().zip(&self.summing.sums) {
                let value = match of {
                    SumOf::TotalCost => sales.total_cost[row],
                    SumOf::Quantity => i64::from(sales.quantity[row]),
                    SumOf::Price => sales.price[row],
                    SumOf::Rows => 1,
                };
                let (added, overflowed) = sum.overflowing_add(value);
                *sum = added;
                fits &= !overflowed;
            }
        }
        fits
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
