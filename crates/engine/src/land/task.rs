//! One task: its splits one after the other, its open files shared by them, one manifest at the end.

use super::plain::PlainWriter;
use super::rejects::RejectsWriter;
use super::sums::Sums;
use super::write::PartitionedWriter;
use super::{LandJob, compact, complete, fill, replay, source, take_back, write_fault};
use crate::mart::{RowMart, landing_schema};
use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Date32Type;
use chrono::{Datelike, NaiveDate};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use tillmart_feed::{Reject, Sales};
use tillmart_model::{DataFile, Manifest, RemovedFile, Result, Split, SplitReport, Tally};

/// The open files of a task.
pub(super) struct Task {
    pub(super) job: Arc<LandJob>,
    marts: Vec<MartWriter>,
    sums: Vec<Sums>,
    rejects: RejectsWriter,
    pub(super) files: Vec<DataFile>,
    pub(super) removed: Vec<RemovedFile>,
}

/// A row-level mart's open files: those that decoded sales go to, if the mart is plain, and those of evaluated rows.
struct MartWriter {
    plain: Option<PlainWriter>,
    general: PartitionedWriter,
}

/// Runs a task's splits.
pub(super) async fn run(job: Arc<LandJob>, splits: Vec<Split>) -> Result<Manifest> {
    let mut task = Task::open(Arc::clone(&job));
    let mut reports = Vec::with_capacity(splits.len());
    for split in &splits {
        reports.push(task.run_split(split).await?);
    }
    let mut files = task.files;
    for writer in task.marts {
        if let Some(plain) = writer.plain {
            files.extend(plain.finish().await?);
        }
        files.extend(writer.general.finish().await?);
    }
    files.extend(task.rejects.finish().await?);
    let (mut deltas, mut rows_summed) = (Vec::new(), BTreeMap::new());
    for (sums, summing) in task.sums.into_iter().zip(&job.summings) {
        if let Some((written, rows)) = sums.finish(&job).await? {
            deltas.extend(written);
            rows_summed.insert(summing.mart.clone(), rows);
        }
    }
    let removed = task.removed;
    Ok(Manifest { batch_id: job.batch_id, splits: reports, files, removed, deltas, rows_summed, ..Manifest::default() })
}

/// A report with nothing counted yet.
pub(super) fn report(split: &Split) -> SplitReport {
    SplitReport {
        split: split.name(),
        file_id: None,
        digest: None,
        tally: Tally::default(),
        landed_by_file: Default::default(),
        rows_written: 0,
        rows_orphan: 0,
        rows_completed: Default::default(),
        fault: None,
        header: None,
        samples: Vec::new(),
        months: Default::default(),
        stores: Default::default(),
    }
}

impl Task {
    fn open(job: Arc<LandJob>) -> Task {
        let share = job.memory_bytes / job.row_marts.len().max(1);
        let writer = |mart: &Arc<RowMart>| MartWriter {
            plain: PlainWriter::open(&job, mart, share),
            general: PartitionedWriter::open(&job, mart, share),
        };
        let marts = job.row_marts.iter().map(writer).collect();
        let sums = job.summings.iter().map(|summing| Sums::open(&job, summing)).collect();
        Task { marts, sums, rejects: RejectsWriter::open(&job), files: Vec::new(), removed: Vec::new(), job }
    }

    async fn run_split(&mut self, split: &Split) -> Result<SplitReport> {
        match split {
            Split::Source { file_id, path, etag, size, kind } => {
                let mut report = report(split);
                report.file_id = Some(*file_id);
                source::land(
                    self,
                    &mut report,
                    *file_id,
                    &source::Delivered { path, etag: etag.as_deref(), size: *size, kind: *kind },
                )
                .await?;
                Ok(report)
            }
            Split::RejectFile { file_id, path, fault } => {
                self.rejects.write_file(*file_id, path, fault).await?;
                Ok(report(split))
            }
            Split::Replay { rejects_file, file_ids, codes } => {
                replay::land(self, report(split), rejects_file, &replay::Wanted { file_ids, codes }).await
            }
            Split::TakeBack { table, data_file, size, partition, file_ids } => {
                let old = take_back::Old { table, data_file, size: *size, partition, file_ids };
                take_back::land(self, report(split), &old).await
            }
            Split::Compact { table, data_files, partition } => {
                compact::land(self, report(split), table, data_files, partition).await
            }
            Split::Complete { table, data_file, size, partition } => {
                let old = complete::Old { table, data_file, size: *size, partition };
                complete::land(self, report(split), &old).await
            }
            Split::Fill { table, data_file, partition, .. } => {
                fill::land(self, report(split), table, data_file, partition).await
            }
        }
    }

    /// Enriches checked rows of one source file and writes them to every row-level mart.
    pub(super) async fn write(&mut self, file_id: i64, sales: &Sales) -> Result<()> {
        if sales.rows() == 0 || self.job.dry_run {
            return Ok(());
        }
        for sums in &mut self.sums {
            let started = Instant::now();
            sums.add(&self.job, sales).await?;
            self.job.profile.add(sums.stage(), started);
        }
        for writer in self.marts.iter_mut().filter_map(|writer| writer.plain.as_mut()) {
            writer.write(file_id, sales).await?;
        }
        if self.marts.iter().all(|writer| writer.plain.is_some()) {
            return Ok(());
        }
        let rows = sales.to_batch(&self.job.dimensions.product_names());
        let rows = with_lineage(&rows, file_id, self.job.batch_id).map_err(|error| write_fault("sales", error))?;
        self.evaluate_into(&rows, |writer| writer.plain.is_none()).await
    }

    /// Writes what every row-level mart of the job makes of these sales ([`landing_schema`]).
    pub(super) async fn evaluate(&mut self, sales: &RecordBatch) -> Result<()> {
        self.evaluate_into(sales, |_| true).await
    }

    async fn evaluate_into(&mut self, sales: &RecordBatch, takes: impl Fn(&MartWriter) -> bool) -> Result<()> {
        let job = Arc::clone(&self.job);
        for (writer, mart) in self.marts.iter_mut().zip(&job.row_marts).filter(|(writer, _)| takes(writer)) {
            let started = Instant::now();
            let rows = mart.evaluate(sales, &job.dimensions).map_err(|error| write_fault(&mart.name, error))?;
            writer.general.write(&rows).await?;
            job.profile.add(&format!("write {}", mart.name), started);
        }
        Ok(())
    }

    /// Keeps rejected rows of one source file.
    pub(super) async fn reject(&mut self, file_id: i64, path: &str, rejects: &[Reject]) -> Result<()> {
        if self.job.dry_run {
            return Ok(());
        }
        self.rejects.write(file_id, path, rejects).await
    }
}

/// Adds month and lineage: [`landing_schema`].
fn with_lineage(
    rows: &RecordBatch,
    file_id: i64,
    batch_id: i64,
) -> std::result::Result<RecordBatch, arrow::error::ArrowError> {
    let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
    let dates = rows
        .column_by_name("sales_date")
        .ok_or_else(|| arrow::error::ArrowError::SchemaError("sales without sales_date".to_owned()))?
        .as_primitive::<Date32Type>();
    let (mut last, mut month) = (i32::MIN, String::new());
    let mut months = arrow::array::StringBuilder::with_capacity(dates.len(), dates.len() * 7);
    for day in dates.values() {
        if *day != last {
            last = *day;
            month = month_of(*day);
        }
        months.append_value(&month);
    }
    let months: StringArray = months.finish();
    columns.push(Arc::new(months));
    columns.push(Arc::new(Int64Array::from(vec![file_id; rows.num_rows()])));
    columns.push(Arc::new(Int64Array::from(vec![batch_id; rows.num_rows()])));
    RecordBatch::try_new(landing_schema(), columns)
}

/// Notes which months and stores rows belong to: what a dry run tells.
pub(super) fn note_places(report: &mut SplitReport, sales: &Sales) {
    for day in &sales.sales_date {
        let month = month_of(*day);
        if !report.months.contains(&month) {
            report.months.insert(month);
        }
    }
    report.stores.extend(sales.store_id.iter().copied());
}

/// `YYYY-MM` of a day counted from 1970-01-01.
fn month_of(day: i32) -> String {
    month_text(month_number(day))
}

/// Months from the beginning of year 0 to a day counted from 1970-01-01.
pub(super) fn month_number(day: i32) -> i32 {
    Date32Type::to_naive_date_opt(day).map_or(0, |date| date.year() * 12 + date.month0().cast_signed())
}

/// `YYYY-MM` of a [`month_number`].
pub(super) fn month_text(month: i32) -> String {
    format!("{:04}-{:02}", month / 12, month % 12 + 1)
}

/// The first day of a [`month_number`], counted from 1970-01-01.
pub(super) fn month_start(month: i32) -> i32 {
    let first = NaiveDate::from_ymd_opt(month / 12, (month % 12 + 1).cast_unsigned(), 1);
    first.map_or(0, Date32Type::from_naive_date)
}
