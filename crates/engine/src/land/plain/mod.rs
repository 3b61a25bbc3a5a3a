//! Row-level marts that are columns of the sale and of looked-up rows, nothing computed: written column by column, straight from
//! the decoder's columns. What their rows are is what [`RowMart::evaluate`] makes of them; a test holds the two against each
//! other. Marts with expressions of their own take the general way (`write.rs`).

mod columns;
mod open_file;
mod partitions;
mod shape;

use super::files::Puts;
use super::worker::Worker;
use super::{LandJob, write_fault};
use crate::mart::RowMart;
use open_file::{OpenFile, Scratch};
use partitions::Partitions;
pub(super) use shape::PlainShape;
use std::sync::Arc;
use std::time::Instant;
use tillmart_feed::Sales;
use tillmart_model::{DataFile, Result};

/// A file is closed when it holds this much, whatever the budget.
const FILE_BYTES_MAX: usize = 64 << 20;

/// A file of more rows is closed, too: constant columns take no memory until they are written.
const FILE_ROWS_MAX: usize = 4 << 20;

/// Spreads a plain mart's rows over its partitions.
pub(super) struct PlainWriter {
    job: Arc<LandJob>,
    table: String,
    shape: Arc<PlainShape>,
    partitions: Partitions,
    files: Vec<Option<OpenFile>>,
    finishing: Worker<Scratch>,
    memory: usize,
    budget: usize,
    puts: Puts,
    /// What a profile calls its two halves.
    stages: [String; 2],
}

impl PlainWriter {
    /// Opens the mart's table for one task, with at most about `budget` bytes in memory. `None` for a mart that is not plain.
    pub(super) fn open(job: &Arc<LandJob>, mart: &RowMart, budget: usize) -> Result<Option<PlainWriter>> {
        let Some(shape) = PlainShape::of(mart, &job.dimensions) else { return Ok(None) };
        let shape = Arc::new(shape);
        Ok(Some(PlainWriter {
            partitions: Partitions::new(&shape),
            finishing: Worker::start("finish")?,
            files: Vec::new(),
            memory: 0,
            budget,
            puts: Puts::new(job),
            job: Arc::clone(job),
            table: mart.name.clone(),
            stages: ["take in", "finish"].map(|half| format!("{half} {}", mart.name)),
            shape,
        }))
    }

    /// Appends sales of one source file.
    pub(super) async fn write(&mut self, file_id: i64, sales: &Sales) -> Result<()> {
        let started = Instant::now();
        let runs = self.partitions.group(&self.shape, sales);
        let mut start = 0;
        for (slot, rows) in runs {
            let rows = &self.partitions.order()[start..start + rows];
            start += rows.len();
            if self.files.len() <= slot {
                self.files.resize_with(slot + 1, || None);
            }
            let file = self.files[slot].get_or_insert_with(|| OpenFile::new(&self.shape));
            let before = file.memory();
            file.append(&self.shape, sales, rows, file_id);
            self.memory = self.memory + file.memory() - before;
        }
        self.job.profile.add(&self.stages[0], started);
        self.close_what_is_too_much().await
    }

    async fn close_what_is_too_much(&mut self) -> Result<()> {
        let held = |file: &Option<OpenFile>| file.as_ref().map_or(0, OpenFile::memory);
        let full = |file: &Option<OpenFile>| {
            file.as_ref().is_some_and(|file| file.memory() > FILE_BYTES_MAX || file.rows() >= FILE_ROWS_MAX)
        };
        if self.memory <= self.budget && !self.files.iter().any(full) {
            return Ok(());
        }
        let mut largest: Vec<usize> = (0..self.files.len()).filter(|slot| self.files[*slot].is_some()).collect();
        largest.sort_by_key(|slot| std::cmp::Reverse(held(&self.files[*slot])));
        // No more than must be: the fewer are closed at once, the shorter the other lanes wait, and the larger files grow.
        for slot in largest {
            if full(&self.files[slot]) || self.memory > self.budget {
                self.close(slot).await?;
            }
        }
        Ok(())
    }

    async fn close(&mut self, slot: usize) -> Result<()> {
        let Some(file) = self.files[slot].take() else { return Ok(()) };
        self.memory -= file.memory();
        let partition = self.partitions.values(&self.shape, slot);
        let (job, shape) = (Arc::clone(&self.job), Arc::clone(&self.shape));
        let (table, stage, held) = (self.table.clone(), self.stages[1].clone(), file.memory());
        let finished = self.finishing.give(move |scratch| {
            let started = Instant::now();
            let finished = file.finish(&shape, job.batch_id, scratch).map_err(|error| write_fault(&table, error));
            job.profile.add(&stage, started);
            finished
        });
        self.puts.put(&self.table, partition, &self.shape.file_schema, held, finished).await
    }

    /// Puts every open file.
    pub(super) async fn finish(mut self) -> Result<Vec<DataFile>> {
        for slot in 0..self.files.len() {
            self.close(slot).await?;
        }
        self.puts.finish().await
    }
}
