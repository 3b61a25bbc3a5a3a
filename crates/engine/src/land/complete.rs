//! Writing a data file of a row-level mart anew, with attributes that were unknown when its rows landed.

use super::files::FileWriter;
use super::task::Task;
use super::{LandJob, store_fault, take_back, whole, write_fault};
use crate::mart::RowMart;
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Decimal128Type;
use futures::TryStreamExt;
use std::collections::BTreeMap;
use std::sync::Arc;
use tillmart_model::{Fault, FaultKind, RemovedFile, Result, SplitReport};

/// A data file of a row-level mart.
pub(super) struct Old<'a> {
    pub(super) table: &'a str,
    pub(super) data_file: &'a str,
    pub(super) size: u64,
    pub(super) partition: &'a [(String, Option<String>)],
    /// Months that are enriched anew; empty where only what was unknown is completed.
    pub(super) months: &'a [String],
}

/// Completes one data file. It is read once to see whether a row of it changes, and a second time only if one does.
pub(super) async fn land(task: &mut Task, mut report: SplitReport, old: &Old<'_>) -> Result<SplitReport> {
    let job = Arc::clone(&task.job);
    let mart = job.row_marts.iter().find(|mart| mart.name == old.table).ok_or_else(|| {
        Fault::new(FaultKind::Promise, format!("{} is to be completed and is no mart of the batch", old.table))
    })?;
    let (changes, money) = completed(&job, mart, old, None).await?;
    if changes.rows == 0 {
        return Ok(report);
    }
    let mut writer = None;
    completed(&job, mart, old, Some(&mut writer)).await?;
    if let Some(writer) = writer {
        task.files.push(writer.finish(&job, true).await?);
    }
    task.removed.push(RemovedFile {
        table: old.table.to_owned(),
        path: old.data_file.to_owned(),
        size: old.size,
        partition: old.partition.to_vec(),
    });
    report.tally.money_cents = money;
    report.rows_completed.insert(old.table.to_owned(), changes.rows);
    if !changes.columns.is_empty() {
        report.columns_changed.insert(old.table.to_owned(), changes.columns);
    }
    Ok(report)
}

/// What of a file changes.
#[derive(Default)]
struct Changes {
    rows: u64,
    /// Values by column, of rows that are enriched anew.
    columns: BTreeMap<String, u64>,
}

/// Counts the rows that are completed, and the money of all rows as they stand; with a `writer`, writes every row of the file as
/// it is then.
async fn completed(
    job: &LandJob,
    mart: &RowMart,
    old: &Old<'_>,
    mut writer: Option<&mut Option<FileWriter>>,
) -> Result<(Changes, i128)> {
    let mut file = take_back::open(job, old.table, old.data_file).await?;
    let schema = whole::data_schema(mart);
    let (mut changes, mut money) = (Changes::default(), 0);
    while let Some(batch) = file.try_next().await.map_err(|error| store_fault("read", old.data_file, error))? {
        money += cents(&batch);
        let rows = whole::rows(old.table, &batch, old.partition, &mart.schema)?;
        let done = match old.months {
            [] => mart
                .complete(&rows, &job.dimensions)
                .map(|done| done.map(|(rows, count)| (rows, count, BTreeMap::new()))),
            months => mart.enrich(&rows, &job.dimensions, months),
        };
        let rows = match done.map_err(|error| write_fault(old.table, error))? {
            Some((rows, count, columns)) => {
                changes.rows += count;
                columns.into_iter().for_each(|(column, count)| *changes.columns.entry(column).or_default() += count);
                rows
            }
            None => rows,
        };
        let now = whole::rows(old.table, &rows, &[], &schema)?;
        if let Some(writer) = &mut writer {
            let writer = match writer {
                Some(writer) => writer,
                None => writer.insert(FileWriter::open(old.table, old.partition.to_vec(), now.schema())?),
            };
            writer.write(&now)?;
        }
    }
    Ok((changes, money))
}

fn cents(batch: &RecordBatch) -> i128 {
    let totals = batch.column_by_name("total_cost").and_then(|totals| totals.as_primitive_opt::<Decimal128Type>());
    totals.and_then(arrow::compute::sum).unwrap_or(0)
}
