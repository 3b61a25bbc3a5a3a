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
}

/// Rows of a batch by partition.
pub(super) struct Grouped {
    /// Row numbers, partition after partition, in their order within each.
    order: Vec<u32>,
    /// Where the rows of each slot end.
    ends: Vec<u32>,
}

impl Grouped {
    /// The rows of a slot.
    pub(super) fn rows(&self, slot: usize) -> &[u32] {
        let Some(end) = self.ends.get(slot) else { return &[] };
        let start = slot.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.order[start as usize..*end as usize]
    }
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
        }
    }

    /// How many partitions were met so far: their slots are below.
    pub(super) fn count(&self) -> usize {
        self.keys.len()
    }

    /// Orders rows by partition.
    pub(super) fn group(&mut self, shape: &PlainShape, sales: &Sales) -> Grouped {
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
        let mut ends = vec![0; self.keys.len()];
        for slot in &slot_of {
            if *slot != NOWHERE {
                ends[*slot as usize] += 1;
            }
        }
        let mut start = 0;
        for end in &mut ends {
            start += std::mem::replace(end, start);
        }
        let mut order = vec![0; start as usize];
        for (row, slot) in slot_of.iter().enumerate() {
            if *slot != NOWHERE {
                let place = &mut ends[*slot as usize];
                order[*place as usize] = row as u32;
                *place += 1;
            }
        }
        self.slot_of = slot_of;
        Grouped { order, ends }
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
