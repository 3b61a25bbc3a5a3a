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
use columns::Seen;
use open_file::{OpenFile, Scratch};
use partitions::{Grouped, Partitions};
pub(super) use shape::PlainShape;
use shape::{Lookup, Origin};
use std::sync::Arc;
use std::time::Instant;
use tillmart_feed::Sales;
use tillmart_model::{DataFile, Result};

/// A file is closed when it holds this much, whatever the budget.
const FILE_BYTES_MAX: usize = 64 << 20;

/// A file of more rows is closed, too: constant columns take no memory until they are written.
const FILE_ROWS_MAX: usize = 4 << 20;

/// Batches that are spread over the open files together: each file has more rows of them then, and is brought near once for all.
const TOGETHER: usize = 4;

/// Rows from which on equal values of whole dimension tables are found out: fewer are compared for themselves, file by file.
const NUMBERED_FROM: usize = 64 << 10;

/// A batch of sales of one source file, and the partitions of its rows.
struct Waiting {
    file_id: i64,
    sales: Arc<Sales>,
    seen: Seen,
    grouped: Grouped,
}

/// The threads of a task that finish files of all its plain marts.
pub(super) type Finishing = Worker<Scratch>;

/// Files that a task finishes at once: a task has two cores, and what is finished stands in memory twice.
const FINISHERS: usize = 2;

/// Starts the threads that finish files.
pub(super) fn finishing() -> Result<Arc<Finishing>> {
    Ok(Arc::new(Worker::start("finish", FINISHERS)?))
}

/// Spreads a plain mart's rows over its partitions.
pub(super) struct PlainWriter {
    job: Arc<LandJob>,
    table: String,
    shape: Arc<PlainShape>,
    partitions: Partitions,
    /// Taken in, and not in the open files yet.
    waiting: Vec<Waiting>,
    /// Taken in so far.
    rows: usize,
    files: Vec<Option<OpenFile>>,
    finishing: Arc<Finishing>,
    memory: usize,
    budget: usize,
    puts: Puts,
    /// What a profile calls its two halves.
    stages: [String; 2],
}

impl PlainWriter {
    /// Opens the mart's table for one task, with at most about `budget` bytes in memory. `None` for a mart that is not plain.
    pub(super) fn open(
        job: &Arc<LandJob>,
        mart: &RowMart,
        budget: usize,
        finishing: &Arc<Finishing>,
    ) -> Result<Option<PlainWriter>> {
        let Some(shape) = PlainShape::of(mart, &job.dimensions) else { return Ok(None) };
        let shape = Arc::new(shape);
        Ok(Some(PlainWriter {
            partitions: Partitions::new(&shape),
            waiting: Vec::new(),
            rows: 0,
            finishing: Arc::clone(finishing),
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
    pub(super) async fn write(&mut self, file_id: i64, sales: &Arc<Sales>) -> Result<()> {
        let started = Instant::now();
        self.number_ahead(sales.rows());
        let grouped = self.partitions.group(&self.shape, sales);
        let seen = Seen::of(&self.shape, sales);
        self.waiting.push(Waiting { file_id, sales: Arc::clone(sales), seen, grouped });
        if self.waiting.len() == TOGETHER {
            self.spread();
        }
        self.job.profile.add(&self.stages[0], started);
        self.close_what_is_too_much().await
    }

    /// Has it found out which values of the dimension tables are equal, once that is worth it: nothing is to be finished yet, and
    /// by the time something is, it is known.
    fn number_ahead(&mut self, rows: usize) {
        let before = self.rows;
        self.rows += rows;
        if before < NUMBERED_FROM && self.rows >= NUMBERED_FROM {
            let numbered = Arc::clone(&self.shape);
            drop(self.finishing.give(move |_| numbered.number()));
        }
    }

    /// Spreads the sales that wait over their files, one column after the other: a column of all files fits a near cache, all
    /// columns of all files do not.
    fn spread(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        self.files.resize_with(self.partitions.count(), || None);
        let mut touched = Vec::with_capacity(self.files.len());
        for (slot, file) in self.files.iter_mut().enumerate() {
            let parts = waiting.iter().map(|batch| (batch, batch.grouped.rows(slot)));
            let parts: Vec<(&Waiting, &[u32])> = parts.filter(|(_, rows)| !rows.is_empty()).collect();
            if !parts.is_empty() {
                let file = file.get_or_insert_with(|| OpenFile::new(&self.shape));
                self.memory -= file.memory();
                touched.push((file, parts));
            }
        }
        for (at, origin) in self.shape.origins.iter().enumerate() {
            let Origin::Sale(column) = origin else { continue };
            for (file, parts) in &mut touched {
                parts.iter().for_each(|(batch, rows)| file.append(at, *column, &batch.sales, rows));
            }
        }
        for lookup in Lookup::EACH.into_iter().filter(|lookup| self.shape.coded[*lookup as usize]) {
            for (file, parts) in &mut touched {
                for (batch, rows) in parts {
                    file.note_codes(&self.shape, lookup, &batch.sales, &batch.seen, rows);
                }
            }
        }
        for (file, parts) in touched {
            parts.iter().for_each(|(batch, rows)| file.end_rows(&self.shape, &batch.sales, rows, batch.file_id));
            self.memory += file.memory();
        }
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
        let started = Instant::now();
        self.spread();
        self.job.profile.add(&self.stages[0], started);
        for slot in 0..self.files.len() {
            self.close(slot).await?;
        }
        self.puts.finish().await
    }
}
