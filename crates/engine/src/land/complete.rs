//! Writing a data file of a row-level mart anew, with attributes that were unknown when its rows landed.

use super::files::FileWriter;
use super::task::Task;
use super::{LandJob, store_fault, take_back, whole, write_fault};
use crate::mart::RowMart;
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Decimal128Type;
use futures::TryStreamExt;
use std::sync::Arc;
use tillmart_model::{Fault, FaultKind, RemovedFile, Result, SplitReport};

/// A data file of a row-level mart.
pub(super) struct Old<'a> {
    pub(super) table: &'a str,
    pub(super) data_file: &'a str,
    pub(super) size: u64,
    pub(super) partition: &'a [(String, Option<String>)],
}

/// Completes one data file. It is read once to see whether a row of it changes, and a second time only if one does.
pub(super) async fn land(task: &mut Task, mut report: SplitReport, old: &Old<'_>) -> Result<SplitReport> {
    let job = Arc::clone(&task.job);
    let mart = job.row_marts.iter().find(|mart| mart.name == old.table).ok_or_else(|| {
        Fault::new(FaultKind::Promise, format!("{} is to be completed and is no mart of the batch", old.table))
    })?;
    let (changes, money) = completed(&job, mart, old, None).await?;
    if changes == 0 {
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
    report.rows_completed.insert(old.table.to_owned(), changes);
    Ok(report)
}

/// Counts the rows that are completed, and the money of all rows as they stand; with a `writer`, writes every row of the file as
/// it is then.
async fn completed(
    job: &LandJob,
    mart: &RowMart,
    old: &Old<'_>,
    mut writer: Option<&mut Option<FileWriter>>,
) -> Result<(u64, i128)> {
    let mut file = take_back::open(job, old.table, old.data_file).await?;
    let schema = whole::data_schema(mart);
    let (mut changes, mut money) = (0, 0);
    while let Some(batch) = file.try_next().await.map_err(|error| store_fault("read", old.data_file, error))? {
        money += cents(&batch);
        let rows = whole::rows(old.table, &batch, old.partition, &mart.schema)?;
        let done = mart.complete(&rows, &job.dimensions).map_err(|error| write_fault(old.table, error))?;
        let rows = match done {
            Some((rows, count)) => {
                changes += count;
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
