//! A partitioned table's rows spread over one open file a partition, in bounded memory.

use super::files::{FileWriter, Partition};
use super::{LandJob, write_fault};
use crate::mart::RowMart;
use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::row::{RowConverter, SortField};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use std::collections::HashMap;
use std::sync::Arc;
use tillmart_model::{DataFile, Result};

/// A file is closed when it holds this much, whatever the budget.
const FILE_BYTES_MAX: usize = 128 << 20;

/// When the budget is spent, files are closed, the largest first, until this share of it (in eighths) is left in use.
const KEEP_EIGHTHS: usize = 6;

/// Spreads a mart's rows over its partitions.
pub(super) struct PartitionedWriter {
    job: Arc<LandJob>,
    table: String,
    partition_columns: Vec<(String, usize)>,
    data_columns: Vec<usize>,
    data_schema: SchemaRef,
    converter: Option<RowConverter>,
    slots: HashMap<Box<[u8]>, usize>,
    partitions: Vec<OpenPartition>,
    memory: usize,
    budget: usize,
    finished: Vec<DataFile>,
}

struct OpenPartition {
    values: Partition,
    file: Option<FileWriter>,
    memory: usize,
}

impl PartitionedWriter {
    /// Opens the mart's table for one task, with at most about `budget` bytes in memory.
    pub(super) fn open(job: &Arc<LandJob>, mart: &RowMart, budget: usize) -> PartitionedWriter {
        let position = |name: &String| mart.schema.index_of(name).ok().map(|column| (name.clone(), column));
        let partition_columns: Vec<(String, usize)> = mart.partition_by.iter().filter_map(position).collect();
        let data_columns: Vec<usize> = (0..mart.schema.fields().len())
            .filter(|column| partition_columns.iter().all(|(_, partition)| partition != column))
            .collect();
        let data_schema = Arc::new(Schema::new(
            data_columns.iter().map(|column| mart.schema.field(*column).clone()).collect::<Vec<_>>(),
        ));
        let sort_fields: Vec<SortField> = partition_columns
            .iter()
            .map(|(_, column)| SortField::new(mart.schema.field(*column).data_type().clone()))
            .collect();
        let converter = if sort_fields.is_empty() { None } else { RowConverter::new(sort_fields).ok() };
        PartitionedWriter {
            job: Arc::clone(job),
            table: mart.name.clone(),
            partition_columns,
            data_columns,
            data_schema,
            converter,
            slots: HashMap::new(),
            partitions: Vec::new(),
            memory: 0,
            budget,
            finished: Vec::new(),
        }
    }

    /// Appends rows of any partitions.
    pub(super) async fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let fail = |error: arrow::error::ArrowError| write_fault(&self.table, error);
        let data = rows.project(&self.data_columns).map_err(fail)?;
        let slots = self.slots_of(rows)?;
        let (order, runs) = group(&slots, self.partitions.len());
        let sorted = match &order {
            Some(order) => take_record_batch(&data, order).map_err(|error| write_fault(&self.table, error))?,
            None => data,
        };
        let mut start = 0;
        for (slot, length) in runs {
            self.append(slot, &sorted.slice(start, length))?;
            start += length;
        }
        self.close_what_is_too_much().await
    }

    /// The partition of each row, as a position in `partitions`.
    fn slots_of(&mut self, rows: &RecordBatch) -> Result<Vec<usize>> {
        let keys: Vec<ArrayRef> =
            self.partition_columns.iter().map(|(_, column)| Arc::clone(rows.column(*column))).collect();
        let Some(converter) = &self.converter else {
            if self.partitions.is_empty() {
                self.partitions.push(OpenPartition { values: Vec::new(), file: None, memory: 0 });
            }
            return Ok(vec![0; rows.num_rows()]);
        };
        let converted = converter.convert_columns(&keys).map_err(|error| write_fault(&self.table, error))?;
        let mut slots = Vec::with_capacity(rows.num_rows());
        let mut last: Option<(usize, usize)> = None;
        for (at, key) in converted.iter().enumerate() {
            if let Some((previous, slot)) = last
                && converted.row(previous) == key
            {
                slots.push(slot);
                continue;
            }
            let slot = match self.slots.get(key.as_ref()) {
                Some(slot) => *slot,
                None => {
                    let slot = self.partitions.len();
                    let values = self.values(&keys, at)?;
                    self.partitions.push(OpenPartition { values, file: None, memory: 0 });
                    self.slots.insert(Box::from(key.as_ref()), slot);
                    slot
                }
            };
            last = Some((at, slot));
            slots.push(slot);
        }
        Ok(slots)
    }

    fn values(&self, keys: &[ArrayRef], at: usize) -> Result<Partition> {
        let options = FormatOptions::default();
        let mut values = Vec::with_capacity(keys.len());
        for ((name, _), array) in self.partition_columns.iter().zip(keys) {
            let value = if array.is_null(at) {
                None
            } else {
                let formatter = ArrayFormatter::try_new(array.as_ref(), &options)
                    .map_err(|error| write_fault(&self.table, error))?;
                Some(formatter.value(at).to_string())
            };
            values.push((name.clone(), value));
        }
        Ok(values)
    }

    fn append(&mut self, slot: usize, rows: &RecordBatch) -> Result<()> {
        let partition = &mut self.partitions[slot];
        let file = match &mut partition.file {
            Some(file) => file,
            None => partition.file.insert(FileWriter::open(
                &self.table,
                partition.values.clone(),
                SchemaRef::clone(&self.data_schema),
            )?),
        };
        file.write(rows)?;
        let memory = file.memory();
        self.memory = self.memory + memory - partition.memory;
        partition.memory = memory;
        Ok(())
    }

    async fn close_what_is_too_much(&mut self) -> Result<()> {
        let full = |partition: &OpenPartition| partition.memory > FILE_BYTES_MAX;
        if self.memory <= self.budget && !self.partitions.iter().any(full) {
            return Ok(());
        }
        let mut largest: Vec<usize> =
            (0..self.partitions.len()).filter(|slot| self.partitions[*slot].memory > 0).collect();
        largest.sort_by_key(|slot| std::cmp::Reverse(self.partitions[*slot].memory));
        let keep = self.budget / 8 * KEEP_EIGHTHS;
        let over_budget = self.memory > self.budget;
        for slot in largest {
            if full(&self.partitions[slot]) || (over_budget && self.memory > keep) {
                self.close(slot).await?;
            }
        }
        Ok(())
    }

    async fn close(&mut self, slot: usize) -> Result<()> {
        let partition = &mut self.partitions[slot];
        self.memory -= std::mem::take(&mut partition.memory);
        if let Some(file) = partition.file.take() {
            self.finished.push(file.finish(&self.job, self.job.rewritten).await?);
        }
        Ok(())
    }

    /// Puts every open file.
    pub(super) async fn finish(mut self) -> Result<Vec<DataFile>> {
        for slot in 0..self.partitions.len() {
            self.close(slot).await?;
        }
        Ok(self.finished)
    }
}

/// A stable order that brings the rows of each slot together, and the runs in it; no order when all rows share one slot.
fn group(slots: &[usize], count: usize) -> (Option<UInt32Array>, Vec<(usize, usize)>) {
    let mut lengths = vec![0_usize; count];
    for slot in slots {
        lengths[*slot] += 1;
    }
    let runs: Vec<(usize, usize)> = lengths.iter().copied().enumerate().filter(|(_, length)| *length > 0).collect();
    if runs.len() <= 1 {
        return (None, runs);
    }
    let mut next = vec![0_usize; count];
    let mut start = 0;
    for (slot, length) in &runs {
        next[*slot] = start;
        start += length;
    }
    let mut order = vec![0_u32; slots.len()];
    for (row, slot) in slots.iter().enumerate() {
        // A batch has far fewer rows than 2^32.
        order[next[*slot]] = u32::try_from(row).unwrap_or(u32::MAX);
        next[*slot] += 1;
    }
    (Some(UInt32Array::from(order)), runs)
}

#[cfg(test)]
mod tests {
    use super::group;

    #[test]
    fn grouping_keeps_the_order_within_a_partition() {
        let (order, runs) = group(&[2, 0, 2, 0, 1], 3);
        assert_eq!(order.unwrap().values(), &[1, 3, 4, 0, 2]);
        assert_eq!(runs, [(0, 2), (1, 1), (2, 2)]);
        assert!(group(&[1, 1], 2).0.is_none());
    }
}
