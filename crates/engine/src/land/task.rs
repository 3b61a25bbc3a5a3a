//! One task: its splits one after the other, its open files shared by them, one manifest at the end.

use super::ahead::{Ahead, Decoding};
use super::lanes::{Lanes, Passed, Written};
use super::rejects::RejectsWriter;
use super::source::Delivered;
use super::{LandJob, compact, complete, fill, replay, source, survey, take_back, write_fault};
use crate::mart::landing_schema;
use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Date32Type;
use chrono::{Datelike, NaiveDate};
use std::sync::Arc;
use tillmart_feed::{Reject, Sales, SalesDecoder, Start};
use tillmart_model::{DataFile, Format, Manifest, RemovedFile, Result, Split, SplitReport, Tally};

/// A task at work.
pub(super) struct Task {
    pub(super) job: Arc<LandJob>,
    lanes: Lanes,
    decoding: Decoding,
    rejects: RejectsWriter,
    pub(super) files: Vec<DataFile>,
    pub(super) removed: Vec<RemovedFile>,
}

/// Runs a task's splits.
pub(super) async fn run(job: Arc<LandJob>, splits: Vec<Split>) -> Result<Manifest> {
    let mut task = Task::open(Arc::clone(&job))?;
    let mut reports = Vec::with_capacity(splits.len());
    let mut begun = splits.first().and_then(|split| task.begin(split));
    for (at, split) in splits.iter().enumerate() {
        let ahead = begun.take();
        // Decoding goes on into the next file while the writers have not come to the end of this one.
        begun = splits.get(at + 1).and_then(|next| task.begin(next));
        reports.push(task.run_split(split, ahead).await?);
    }
    let Task { lanes, rejects, mut files, removed, .. } = task;
    let Written { files: written, deltas, rows_summed } = lanes.finish().await?;
    files.extend(written);
    files.extend(rejects.finish().await?);
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
        columns_changed: Default::default(),
        fault: None,
        header: None,
        samples: Vec::new(),
        months: Default::default(),
        stores: Default::default(),
        stretch: None,
        survey: None,
    }
}

impl Task {
    fn open(job: Arc<LandJob>) -> Result<Task> {
        Ok(Task {
            lanes: Lanes::open(&job)?,
            decoding: Decoding::start("decode", 1)?,
            rejects: RejectsWriter::open(&job),
            files: Vec::new(),
            removed: Vec::new(),
            job,
        })
    }

    /// A decoder for one source file.
    pub(super) fn decoder(&self, file: &Delivered) -> SalesDecoder {
        let job = &self.job;
        let mut decoder =
            SalesDecoder::new(Arc::clone(&job.contract), file.kind, job.dimensions.known_keys(), job.claim_date);
        if let Some(stretch) = &file.stretch {
            decoder.end_at(stretch.until);
            if stretch.number > 0 {
                let header = stretch.header.as_deref();
                // A fault comes back with the first bytes.
                let _ = decoder.start_at(Start { offset: stretch.from, line: stretch.line, header });
            }
        }
        decoder
    }

    /// Begins to decode a source file of a text format.
    fn begin(&self, split: &Split) -> Option<Ahead> {
        let (_, file) = delivered(split)?;
        (file.kind.format != Format::Parquet)
            .then(|| Ahead::start(&self.job, &self.decoding, &file, self.decoder(&file)))
    }

    async fn run_split(&mut self, split: &Split, ahead: Option<Ahead>) -> Result<SplitReport> {
        match split {
            Split::Source { .. } => {
                let mut report = report(split);
                if let Some((file_id, file)) = delivered(split) {
                    report.file_id = Some(file_id);
                    source::land(self, &mut report, file_id, &file, ahead).await?;
                }
                Ok(report)
            }
            Split::Survey { file_id, path, etag, size, kind, from, unit, header } => {
                let file =
                    Delivered { path: path.clone(), etag: etag.clone(), size: *size, kind: *kind, stretch: None };
                let part = survey::Part { file: &file, from: *from, unit: *unit, header: header.as_deref() };
                let mut report = report(split);
                report.file_id = Some(*file_id);
                survey::look_over(&self.job, &mut report, &part).await?;
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
            Split::Complete { table, data_file, size, partition, months } => {
                let old = complete::Old { table, data_file, size: *size, partition, months };
                complete::land(self, report(split), &old).await
            }
            Split::Fill { table, data_file, partition, .. } => {
                fill::land(self, report(split), table, data_file, partition).await
            }
        }
    }

    /// Passes checked rows of one source file to every row-level mart and to the sums.
    pub(super) async fn write(&mut self, file_id: i64, sales: Sales) -> Result<()> {
        if sales.rows() == 0 || self.job.dry_run {
            return Ok(());
        }
        let rows = self.lanes.needs_rows().then(|| {
            let rows = sales.to_batch(&self.job.dimensions.product_names());
            with_lineage(&rows, file_id, self.job.batch_id).map_err(|error| write_fault("sales", error))
        });
        self.lanes.pass(Passed::Sales { file_id, sales: Arc::new(sales), rows: rows.transpose()? }).await
    }

    /// Writes what every row-level mart of the job makes of these sales ([`landing_schema`]).
    pub(super) async fn evaluate(&mut self, sales: RecordBatch) -> Result<()> {
        self.lanes.pass(Passed::Rows(sales)).await
    }

    /// Keeps rejected rows of one source file.
    pub(super) async fn reject(&mut self, file_id: i64, path: &str, rejects: &[Reject]) -> Result<()> {
        if self.job.dry_run {
            return Ok(());
        }
        self.rejects.write(file_id, path, rejects).await
    }
}

/// The source file that a split names.
fn delivered(split: &Split) -> Option<(i64, Delivered)> {
    let Split::Source { file_id, path, etag, size, kind, stretch } = split else { return None };
    let (path, etag, stretch) = (path.clone(), etag.clone(), stretch.clone());
    Some((*file_id, Delivered { path, etag, size: *size, kind: *kind, stretch }))
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
