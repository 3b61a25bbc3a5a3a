//! Landing one source file: stream, hash, decode, check; write once it is known not to be rejected whole.

use super::LandJob;
use super::ahead::{Ahead, BATCH_ROWS, Decoded};
use super::read::{Chunk, PinnedFile, PinnedRead};
use super::task::Task;
use futures::{FutureExt, StreamExt};
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;
use tillmart_feed::{Checked, SalesDecoder};
use tillmart_model::{FileFault, FileReason, Kind, Result, SplitReport, Stretch, StretchReport, Tally};

/// Rows of a file held back before the first is written: most files that will be rejected whole are known by then,
/// and their task is spared a second pass.
const HELD_ROWS: usize = 128 << 10;

/// Rejected rows told in a rejected file's report.
const SAMPLES: usize = 20;

/// Rejects held back with the rows; beyond that they are written.
const HELD_REJECTS: usize = 16 << 10;

/// A source file as it was claimed.
#[derive(Clone)]
pub(super) struct Delivered {
    pub(super) path: String,
    pub(super) etag: Option<String>,
    pub(super) size: u64,
    pub(super) kind: Kind,
    pub(super) stretch: Option<Box<Stretch>>,
}

impl Delivered {
    /// The bytes to read: of a stretch those up to where the longest record that begins in it must have ended, and some more.
    pub(super) fn range(&self, record_bytes_max: u64) -> Range<u64> {
        match &self.stretch {
            Some(stretch) => stretch.from..self.size.min(stretch.until.saturating_add(2 * (record_bytes_max + 2))),
            None => 0..self.size,
        }
    }
}

/// The delivered bytes in order, hashed and counted as they pass.
struct Hashed<'a> {
    read: PinnedRead,
    hasher: blake3::Hasher,
    job: &'a LandJob,
}

impl<'a> Hashed<'a> {
    fn open(job: &'a LandJob, file: &Delivered) -> Result<Hashed<'a>> {
        let read = PinnedRead::open(job, file)?;
        Ok(Hashed { read, hasher: blake3::Hasher::new(), job })
    }

    async fn next(&mut self) -> Result<Chunk> {
        let started = Instant::now();
        let chunk = self.read.next().await?;
        self.job.profile.add("wait for bytes", started);
        if let Chunk::Bytes(bytes) = &chunk {
            self.job.profile.time("hash", || self.hasher.update(bytes));
            self.job.progress.add_bytes(bytes.len() as u64);
        }
        Ok(chunk)
    }

    /// Of all bytes that have passed.
    fn digest(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }
}

/// Rows decoded and not yet written.
#[derive(Default)]
struct Held {
    batches: Vec<Checked>,
    rows: usize,
    rejects: usize,
    rows_seen: u64,
}

/// Lands one source file into the task's open files, and reports on it. `ahead` is its decoding where that has begun, as it has
/// for every text format.
pub(super) async fn land(
    task: &mut Task,
    report: &mut SplitReport,
    file_id: i64,
    file: &Delivered,
    ahead: Option<Ahead>,
) -> Result<()> {
    let job = Arc::clone(&task.job);
    let mut held = Held::default();
    let (mut decoder, fault) = match ahead {
        Some(ahead) => text(task, report, file_id, file, ahead, &mut held).await?,
        None => {
            let mut decoder = task.decoder(file);
            let fault = parquet(task, report, file_id, file, &mut decoder, &mut held).await?;
            (decoder, fault)
        }
    };
    report.tally = decoder.tally().clone();
    report.rows_orphan = decoder.rows_orphan();
    report.header = decoder.header().map(<[u8]>::to_vec);
    report.stretch = file.stretch.as_deref().map(|stretch| StretchReport {
        number: stretch.number,
        of: stretch.of,
        from: stretch.from,
        ended_at: decoder.ended_at(),
    });
    // How many of a file's rows are at fault, a part of it cannot tell.
    let is_whole = file.stretch.is_none();
    report.fault = fault.or_else(|| too_many_rejects(job.max_reject_millionths, &report.tally).filter(|_| is_whole));
    while let Some(rest) = decoder.take_ready(0) {
        held.push(job.dry_run, report, rest);
    }
    if report.fault.is_none() {
        held.write(task, report, file_id, &file.path).await?;
    }
    Ok(())
}

/// Writes what the decoder hands on; gives back the decoder.
async fn text(
    task: &mut Task,
    report: &mut SplitReport,
    file_id: i64,
    file: &Delivered,
    mut ahead: Ahead,
    held: &mut Held,
) -> Result<(SalesDecoder, Option<FileFault>)> {
    while let Some(checked) = ahead.checked.recv().await {
        held.take(task, report, file_id, &file.path, checked).await?;
    }
    let Decoded { mut decoder, digest, fault, is_overwritten } = ahead.finish(&file.path).await?;
    if is_overwritten {
        return Ok((decoder, Some(overwritten())));
    }
    report.digest = Some(digest);
    let is_over = decoder.ended_at().is_some() || file.range(task.job.contract.record_bytes_max).end == file.size;
    let fault = match fault {
        None if is_over => decoder.finish().err(),
        fault => fault,
    };
    Ok((decoder, fault))
}

async fn parquet(
    task: &mut Task,
    report: &mut SplitReport,
    file_id: i64,
    file: &Delivered,
    decoder: &mut SalesDecoder,
    held: &mut Held,
) -> Result<Option<FileFault>> {
    let job = Arc::clone(&task.job);
    // A Parquet file is read from its end: its bytes are hashed in a pass of their own.
    let mut bytes_of = Hashed::open(&job, file)?;
    loop {
        match bytes_of.next().await? {
            Chunk::Bytes(_) => {}
            Chunk::End => break,
            Chunk::Overwritten => return Ok(Some(overwritten())),
        }
    }
    report.digest = Some(bytes_of.digest());
    if file.size == 0 {
        return Ok(decoder.finish().err());
    }
    let pinned = PinnedFile {
        objects: Arc::clone(&job.objects),
        path: job.path(&file.path)?,
        etag: file.etag.clone(),
        size: file.size,
    };
    // The reader is not ours: should it panic on a broken file, the file is unreadable and the run goes on.
    let opened = AssertUnwindSafe(ParquetRecordBatchStreamBuilder::new(pinned)).catch_unwind().await;
    let stream = match opened.map(|opened| opened.and_then(|builder| builder.with_batch_size(BATCH_ROWS).build())) {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Ok(Some(unreadable(&error))),
        Err(_) => return Ok(Some(unreadable(&"the Parquet reader gave up"))),
    };
    if let Err(fault) = decoder.expect_schema(stream.schema()) {
        return Ok(Some(fault));
    }
    let mut stream = Box::pin(stream);
    loop {
        match AssertUnwindSafe(stream.next()).catch_unwind().await {
            Ok(None) => break,
            Ok(Some(Ok(batch))) => {
                if let Err(fault) = decoder.push_batch(&batch) {
                    return Ok(Some(fault));
                }
                while let Some(checked) = decoder.take_ready(BATCH_ROWS) {
                    held.take(task, report, file_id, &file.path, checked).await?;
                }
            }
            Ok(Some(Err(error))) => return Ok(Some(unreadable(&error))),
            Err(_) => return Ok(Some(unreadable(&"the Parquet reader gave up"))),
        }
    }
    Ok(decoder.finish().err())
}

impl Held {
    fn push(&mut self, task_is_dry: bool, report: &mut SplitReport, checked: Checked) {
        for reject in checked.rejects.iter().take(SAMPLES.saturating_sub(report.samples.len())) {
            let line = reject.line.map_or_else(String::new, |line| format!("line {line}: "));
            report.samples.push(format!("{line}{}: {}", reject.reason, reject.message));
        }
        if task_is_dry {
            super::task::note_places(report, &checked.sales);
        }
        self.rows += checked.sales.rows();
        self.rejects += checked.rejects.len();
        self.rows_seen += (checked.sales.rows() + checked.rejects.len()) as u64;
        self.batches.push(checked);
    }

    async fn take(
        &mut self,
        task: &mut Task,
        report: &mut SplitReport,
        file_id: i64,
        path: &str,
        checked: Checked,
    ) -> Result<()> {
        let before = self.rows_seen;
        self.push(task.job.dry_run, report, checked);
        task.job.progress.add_rows(self.rows_seen - before);
        if self.rows >= HELD_ROWS || self.rejects >= HELD_REJECTS || report.rows_written > 0 {
            self.write(task, report, file_id, path).await?;
        }
        Ok(())
    }

    async fn write(&mut self, task: &mut Task, report: &mut SplitReport, file_id: i64, path: &str) -> Result<()> {
        for checked in self.batches.drain(..) {
            report.rows_written += (checked.sales.rows() + checked.rejects.len()) as u64;
            task.reject(file_id, path, &checked.rejects).await?;
            task.write(file_id, checked.sales).await?;
        }
        self.rows = 0;
        self.rejects = 0;
        Ok(())
    }
}

/// The fault of a file of which more than this share of rows, in millionths, is at fault.
pub fn too_many_rejects(max_reject_millionths: u32, tally: &Tally) -> Option<FileFault> {
    let at_fault = u128::from(tally.rows_at_fault());
    let allowed = u128::from(tally.rows_read) * u128::from(max_reject_millionths);
    (at_fault * 1_000_000 > allowed).then(|| {
        let rate = tillmart_model::money::Decimal { unscaled: i128::from(max_reject_millionths) / 100, scale: 2 };
        FileFault::new(
            FileReason::TooManyRejects,
            format!("{at_fault} of {} rows are at fault; at most {rate} % may be (max_reject_ratio)", tally.rows_read),
        )
    })
}

pub(super) fn overwritten() -> FileFault {
    FileFault::new(
        FileReason::Overwritten,
        "the file was overwritten or removed while it was read; what lies there now is taken by the next run",
    )
}

fn unreadable(error: &dyn std::fmt::Display) -> FileFault {
    FileFault::new(FileReason::Unreadable, format!("expected a whole Parquet file: {error}"))
}
