//! Decoding kept rejects again, with today's contract and dimensions.
//!
//! The rejects file is written anew with the landed rows closed, so that the batch that lands them takes them out of the
//! open ones. Rows that are still at fault stay as they were.

use super::files::FileWriter;
use super::task::Task;
use super::{LandJob, store_fault, take_back, write_fault};
use arrow::array::{Array, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use std::collections::BTreeMap;
use std::sync::Arc;
use tillmart_feed::ReplayDecoder;
use tillmart_model::{FileReason, RemovedFile, Result, RowReason, SplitReport, Tally};

/// Which rejects to try; empty lists mean all.
pub(super) struct Wanted<'a> {
    pub(super) file_ids: &'a [i64],
    pub(super) codes: &'a [String],
}

/// Replays the open rejects of one data file of the rejects table.
pub(super) async fn land(
    task: &mut Task,
    mut report: SplitReport,
    rejects_file: &str,
    wanted: &Wanted<'_>,
) -> Result<SplitReport> {
    let job = Arc::clone(&task.job);
    let table = job.rejects_table.clone();
    let mut rows = take_back::open(&job, &table, rejects_file).await?;
    let mut writer = FileWriter::open(&table, Vec::new(), super::rejects_schema())?;
    while let Some(batch) = rows.try_next().await.map_err(|error| store_fault("read", rejects_file, error))? {
        let landed = replay_batch(task, &batch, wanted, &mut report).await?;
        writer.write(&close(&batch, &landed, job.batch_id, &table)?)?;
    }
    if report.tally.rows_landed == 0 {
        return Ok(report);
    }
    task.files.push(writer.finish(&job, true).await?);
    task.removed.push(RemovedFile { table, path: rejects_file.to_owned(), size: 0, partition: Vec::new() });
    Ok(report)
}

/// Tries every wanted open row of a batch; returns which of them landed.
async fn replay_batch(
    task: &mut Task,
    batch: &RecordBatch,
    wanted: &Wanted<'_>,
    report: &mut SplitReport,
) -> Result<Vec<bool>> {
    let job = Arc::clone(&task.job);
    let bad = |_| write_fault(&job.rejects_table, "the rejects table has other columns than it should");
    let integers = |name: &str| {
        batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int64Type>()).ok_or(()).map_err(bad)
    };
    let (ids, lines, closed) = (integers("source_file_id")?, integers("line")?, integers("replayed_batch_id")?);
    let codes = batch.column_by_name("code").and_then(|codes| codes.as_string_opt::<i32>()).ok_or(()).map_err(bad)?;
    let raws = batch.column_by_name("raw").and_then(|raws| raws.as_binary_opt::<i32>()).ok_or(()).map_err(bad)?;
    let mut landed = vec![false; batch.num_rows()];
    let mut decoders: BTreeMap<i64, ReplayDecoder> = BTreeMap::new();
    for (row, landed) in landed.iter_mut().enumerate() {
        let (id, code) = (ids.value(row), codes.value(row));
        let open = closed.is_null(row) && !raws.is_null(row) && FileReason::from_code(code).is_none();
        let asked = (wanted.file_ids.is_empty() || wanted.file_ids.contains(&id))
            && (wanted.codes.is_empty() || wanted.codes.iter().any(|wanted| wanted == code));
        // A row that repeats a key of its file is not mended by anything that a replay can see.
        let repeats = code == RowReason::DuplicateKey.code() && !job.contract.key.is_empty();
        if !open || !asked || repeats {
            continue;
        }
        if let std::collections::btree_map::Entry::Vacant(vacant) = decoders.entry(id) {
            let Some(decoder) = decoder(&job, id) else { continue };
            vacant.insert(decoder);
        }
        let Some(decoder) = decoders.get_mut(&id) else { continue };
        report.tally.rows_read += 1;
        let line = (!lines.is_null(row)).then(|| lines.value(row).cast_unsigned());
        if let Ok(sale) = decoder.try_record(raws.value(row), line) {
            *landed = true;
            let mut one = Tally { rows_landed: 1, money_cents: sale.money_cents, ..Tally::default() };
            one.rows_anonymous = u64::from(sale.anonymous);
            one.rows_unknown_product = u64::from(sale.unknown_product);
            report.landed_by_file.entry(id).or_default().add(&one);
            report.tally.add(&one);
        }
    }
    for (id, mut decoder) in decoders {
        let sales = decoder.take();
        report.rows_written += sales.rows() as u64;
        task.write(id, sales).await?;
    }
    Ok(landed)
}

fn decoder(job: &LandJob, file_id: i64) -> Option<ReplayDecoder> {
    let file = job.replay_files.get(&file_id)?;
    let known = job.dimensions.known_keys();
    ReplayDecoder::new(Arc::clone(&job.contract), file.kind.format, file.header.as_deref(), known, job.claim_date).ok()
}

fn close(batch: &RecordBatch, landed: &[bool], batch_id: i64, table: &str) -> Result<RecordBatch> {
    let fail = |error: arrow::error::ArrowError| write_fault(table, error);
    let column = batch.schema().index_of("replayed_batch_id").map_err(fail)?;
    let before = batch.column(column).as_primitive::<Int64Type>();
    let closed: Int64Array = landed
        .iter()
        .enumerate()
        .map(|(row, landed)| if *landed { Some(batch_id) } else { before.is_valid(row).then(|| before.value(row)) })
        .collect();
    let mut columns = batch.columns().to_vec();
    columns[column] = Arc::new(closed);
    RecordBatch::try_new(super::rejects_schema(), columns).map_err(fail)
}
