//! Which file each row goes to.

use super::shape::{PartitionBy, PlainShape};
use crate::land::files::Partition;
use crate::land::task::{month_number, month_text};
use crate::mart::bucket_of;
use std::collections::HashMap;
use tillmart_feed::{ANONYMOUS, Sales};

/// A row that no file takes.
const NOWHERE: u32 = u32::MAX;

/// The partitions met so far, and the order of the latest rows by partition.
pub(super) struct Partitions {
    by_month: bool,
    by_store: bool,
    buckets: Option<u32>,
    /// Month (0 where it does not matter), store and bucket of each slot.
    keys: Vec<(i32, i32, i32)>,
    slots: HashMap<(i32, i32, i32), u32>,
    /// Slots by row of the dimension table, for the month that was met last: what most rows need.
    by_store_row: Vec<u32>,
    latest_month: i32,
    slot_of: Vec<u32>,
    counts: Vec<u32>,
    order: Vec<u32>,
}

impl Partitions {
    pub(super) fn new(shape: &PlainShape) -> Partitions {
        let has = |wanted| shape.partition_by.iter().any(|(_, by)| *by == wanted);
        let buckets = shape.partition_by.iter().find_map(|(_, by)| match by {
            PartitionBy::Bucket { count } => Some(*count),
            _ => None,
        });
        Partitions {
            by_month: has(PartitionBy::Month),
            by_store: has(PartitionBy::Store),
            buckets,
            keys: Vec::new(),
            slots: HashMap::new(),
            by_store_row: Vec::new(),
            latest_month: i32::MIN,
            slot_of: Vec::new(),
            counts: Vec::new(),
            order: Vec::new(),
        }
    }

    /// Row numbers, partition after partition, in their order within each.
    pub(super) fn order(&self) -> &[u32] {
        &self.order
    }

    /// Orders rows by partition; returns each partition's slot and number of rows, in the order of [`Partitions::order`].
    pub(super) fn group(&mut self, shape: &PlainShape, sales: &Sales) -> Vec<(usize, usize)> {
        let rows = sales.rows();
        let mut slot_of = std::mem::take(&mut self.slot_of);
        slot_of.clear();
        slot_of.reserve(rows);
        let mut latest_date = (i32::MIN, 0);
        for row in 0..rows {
            if shape.skips_anonymous && sales.customer[row] == ANONYMOUS {
                slot_of.push(NOWHERE);
                continue;
            }
            let date = sales.sales_date[row];
            if self.by_month && date != latest_date.0 {
                latest_date = (date, month_number(date));
            }
            slot_of.push(self.slot(latest_date.1, sales, row));
        }
        self.counts.clear();
        self.counts.resize(self.keys.len(), 0);
        for slot in &slot_of {
            if *slot != NOWHERE {
                self.counts[*slot as usize] += 1;
            }
        }
        let runs: Vec<(usize, usize)> = self
            .counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(|(slot, count)| (slot, *count as usize))
            .collect();
        let mut start = 0;
        for count in &mut self.counts {
            start += std::mem::replace(count, start);
        }
        self.order.clear();
        self.order.resize(start as usize, 0);
        for (row, slot) in slot_of.iter().enumerate() {
            if *slot != NOWHERE {
                let place = &mut self.counts[*slot as usize];
                self.order[*place as usize] = row as u32;
                *place += 1;
            }
        }
        self.slot_of = slot_of;
        runs
    }

    #[inline]
    fn slot(&mut self, month: i32, sales: &Sales, row: usize) -> u32 {
        if let Some(count) = self.buckets {
            let bucket = bucket_of(sales.customer_id[row], count);
            let store = if self.by_store { sales.store_id[row] } else { 0 };
            if !self.by_month && !self.by_store && self.keys.len() == count as usize {
                return self.by_store_row[bucket as usize];
            }
            return self.found((month, store, bucket));
        }
        if !self.by_store {
            return self.found((month, 0, 0));
        }
        if month != self.latest_month {
            self.by_store_row.fill(NOWHERE);
            self.latest_month = month;
        }
        let store_row = sales.store[row] as usize;
        if let Some(slot) = self.by_store_row.get(store_row).filter(|slot| **slot != NOWHERE) {
            return *slot;
        }
        let slot = self.found((month, sales.store_id[row], 0));
        if sales.store[row] != tillmart_feed::UNKNOWN {
            if self.by_store_row.len() <= store_row {
                self.by_store_row.resize(store_row + 1, NOWHERE);
            }
            self.by_store_row[store_row] = slot;
        }
        slot
    }

    fn found(&mut self, key: (i32, i32, i32)) -> u32 {
        if let Some(slot) = self.slots.get(&key) {
            return *slot;
        }
        let slot = self.keys.len() as u32;
        self.slots.insert(key, slot);
        self.keys.push(key);
        if let Some(count) = self.buckets.filter(|_| !self.by_month && !self.by_store) {
            self.by_store_row.resize(count as usize, NOWHERE);
            self.by_store_row[key.2 as usize] = slot;
        }
        slot
    }

    /// The partition values of a slot.
    pub(super) fn values(&self, shape: &PlainShape, slot: usize) -> Partition {
        let (month, store, bucket) = self.keys[slot];
        shape
            .partition_by
            .iter()
            .map(|(name, by)| {
                let value = match by {
                    PartitionBy::Month => month_text(month),
                    PartitionBy::Store => store.to_string(),
                    PartitionBy::Bucket { .. } => bucket.to_string(),
                };
                (name.clone(), Some(value))
            })
            .collect()
    }
}
