//! Writers beside each other: the open files of each row-level mart, and the sums of all rollups, each on a lane of its own.
//!
//! Every lane is given the same sales in the same order; a slow one holds up the others only when [`WAITING`] batches wait for it.
//! A lane is a thread: it computes, and what it allocated goes back to the system when it ends.

use super::plain::{PlainWriter, finishing};
use super::sums::{Sums, keep_small};
use super::worker::thread;
use super::write::PartitionedWriter;
use super::{LandJob, write_fault};
use crate::mart::RowMart;
use arrow::array::RecordBatch;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tillmart_feed::Sales;
use tillmart_model::{DataFile, DeltaFile, Fault, FaultKind, Result};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Batches that wait for a lane: as many as pass while another one closes a file.
const WAITING: usize = 8;

/// What is passed to every lane.
pub(super) enum Passed {
    /// Checked sales of one source file.
    Sales {
        file_id: i64,
        sales: Arc<Sales>,
        /// The same sales in the columns of `landing_schema`, if there is a mart that is not plain.
        rows: Option<RecordBatch>,
    },
    /// Sales in the columns of `landing_schema` for all row-level marts, and for no sums: they have landed before.
    Rows(RecordBatch),
}

/// What the lanes have left.
#[derive(Default)]
pub(super) struct Written {
    pub(super) files: Vec<DataFile>,
    pub(super) deltas: Vec<DeltaFile>,
    /// Sales in the sums, by rollup.
    pub(super) rows_summed: BTreeMap<String, u64>,
}

/// The lanes of a task. Dropped before they are finished, they end and leave orphans.
pub(super) struct Lanes {
    lanes: Vec<Sender<Arc<Passed>>>,
    working: JoinSet<Result<Written>>,
    needs_rows: bool,
    /// Nobody waits for what is left in open files.
    is_dropped: Arc<AtomicBool>,
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.is_dropped.store(true, Ordering::Relaxed);
    }
}

impl Lanes {
    pub(super) fn open(job: &Arc<LandJob>) -> Result<Lanes> {
        let share = job.memory_bytes / job.row_marts.len().max(1);
        let mut opened =
            Lanes { lanes: Vec::new(), working: JoinSet::new(), needs_rows: false, is_dropped: Arc::default() };
        let finishing = finishing()?;
        for mart in &job.row_marts {
            let plain = PlainWriter::open(job, mart, share, &finishing)?;
            opened.needs_rows |= plain.is_none();
            let general = PartitionedWriter::open(job, mart, share);
            let lane = MartLane { job: Arc::clone(job), mart: Arc::clone(mart), plain, general };
            opened.start("mart", |passed| lane.run(passed))?;
        }
        if !job.summings.is_empty() {
            let job = Arc::clone(job);
            opened.start("sums", |passed| sum(job, passed))?;
        }
        Ok(opened)
    }

    fn start<W: Future<Output = Result<Written>>>(
        &mut self,
        name: &str,
        work: impl FnOnce(PassedOn) -> W + Send + 'static,
    ) -> Result<()> {
        let (pass, batches) = channel(WAITING);
        let (tell, told) = oneshot::channel();
        let passed = PassedOn { batches, is_dropped: Arc::clone(&self.is_dropped) };
        let runtime = Handle::current();
        thread(name, move || {
            // Nobody waits any more: the task ended.
            let _ = tell.send(runtime.block_on(work(passed)));
        })?;
        self.lanes.push(pass);
        self.working.spawn(async move { told.await.unwrap_or_else(|error| Err(gave_up(&error))) });
        Ok(())
    }

    /// Whether sales have to be passed as rows, too.
    pub(super) fn needs_rows(&self) -> bool {
        self.needs_rows
    }

    /// Passes sales to every lane; waits while one of them is busy.
    pub(super) async fn pass(&mut self, passed: Passed) -> Result<()> {
        let passed = Arc::new(passed);
        for lane in &self.lanes {
            if lane.send(Arc::clone(&passed)).await.is_err() {
                return Err(self.trouble().await);
            }
        }
        Ok(())
    }

    /// Why a lane ended before it was told to.
    async fn trouble(&mut self) -> Fault {
        match self.working.join_next().await {
            Some(Ok(Err(fault))) => fault,
            Some(Err(error)) => gave_up(&error),
            Some(Ok(Ok(_))) | None => gave_up(&"it ended early"),
        }
    }

    /// Closes all open files.
    pub(super) async fn finish(mut self) -> Result<Written> {
        self.lanes.clear();
        let mut all = Written::default();
        while let Some(written) = self.working.join_next().await {
            let written = written.map_err(|error| gave_up(&error))??;
            all.files.extend(written.files);
            all.deltas.extend(written.deltas);
            all.rows_summed.extend(written.rows_summed);
        }
        Ok(all)
    }
}

/// A lane's end of what is passed.
struct PassedOn {
    batches: Receiver<Arc<Passed>>,
    is_dropped: Arc<AtomicBool>,
}

impl PassedOn {
    /// What is passed next; `None` when everything was, and open files are to be closed.
    async fn next(&mut self) -> Result<Option<Arc<Passed>>> {
        let next = self.batches.recv().await;
        if next.is_none() && self.is_dropped.load(Ordering::Relaxed) {
            return Err(gave_up(&"its task ended"));
        }
        Ok(next)
    }
}

fn gave_up(error: &dyn std::fmt::Display) -> Fault {
    Fault::new(FaultKind::Promise, "a writer gave up")
        .found(error)
        .hint("nothing was committed; run again, and report this if it comes back")
}

/// A row-level mart's open files: those that decoded sales go to, if the mart is plain, and those of evaluated rows.
struct MartLane {
    job: Arc<LandJob>,
    mart: Arc<RowMart>,
    plain: Option<PlainWriter>,
    general: PartitionedWriter,
}

impl MartLane {
    async fn run(mut self, mut passed: PassedOn) -> Result<Written> {
        while let Some(passed) = passed.next().await? {
            match (passed.as_ref(), &mut self.plain) {
                (Passed::Sales { file_id, sales, .. }, Some(plain)) => plain.write(*file_id, sales).await?,
                (Passed::Sales { rows: Some(rows), .. }, None) | (Passed::Rows(rows), _) => self.evaluate(rows).await?,
                (Passed::Sales { rows: None, .. }, None) => return Err(gave_up(&"sales came without rows")),
            }
        }
        let mut files = Vec::new();
        if let Some(plain) = self.plain {
            files.extend(plain.finish().await?);
        }
        files.extend(self.general.finish().await?);
        Ok(Written { files, ..Written::default() })
    }

    async fn evaluate(&mut self, sales: &RecordBatch) -> Result<()> {
        let (job, mart, started) = (&self.job, &self.mart, Instant::now());
        let rows = mart.evaluate(sales, &job.dimensions).map_err(|error| write_fault(&mart.name, error))?;
        self.general.write(&rows).await?;
        job.profile.add(&format!("write {}", mart.name), started);
        Ok(())
    }
}

/// The lane of all rollups' sums.
async fn sum(job: Arc<LandJob>, mut passed: PassedOn) -> Result<Written> {
    let mut all = Sums::open(&job);
    while let Some(passed) = passed.next().await? {
        let Passed::Sales { sales, .. } = passed.as_ref() else { continue };
        for sums in &mut all {
            let started = Instant::now();
            sums.add(sales);
            job.profile.add(sums.stage(), started);
        }
        keep_small(&mut all, &job).await?;
    }
    let mut written = Written::default();
    for sums in all {
        for summed in sums.finish(&job).await? {
            written.deltas.extend(summed.files);
            written.rows_summed.insert(summed.mart, summed.rows);
        }
    }
    Ok(written)
}
