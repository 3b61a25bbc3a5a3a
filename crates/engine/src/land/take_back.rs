//! Writing a data file anew without the rows of some source files.

use super::files::FileWriter;
use super::read::PinnedFile;
use super::task::Task;
use super::{LandJob, store_fault, write_fault};
use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use parquet::arrow::async_reader::{ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder};
use std::sync::Arc;
use tillmart_model::{RemovedFile, Result, SplitReport};

/// A data file and what to leave out of it.
pub(super) struct Old<'a> {
    pub(super) table: &'a str,
    pub(super) data_file: &'a str,
    pub(super) size: u64,
    pub(super) partition: &'a [(String, Option<String>)],
    pub(super) file_ids: &'a [i64],
}

/// Opens a data file of one of our tables.
pub(super) async fn open(job: &LandJob, table: &str, data_file: &str) -> Result<ParquetRecordBatchStream<PinnedFile>> {
    let path = job.path(&format!("{table}/{data_file}"))?;
    let meta = job.objects.head(&path).await.map_err(|error| store_fault("read", path.as_ref(), error))?;
    let file = PinnedFile { objects: Arc::clone(&job.objects), path, etag: meta.e_tag, size: meta.size };
    ParquetRecordBatchStreamBuilder::new(file)
        .await
        .and_then(|builder| builder.with_batch_size(64 << 10).build())
        .map_err(|error| store_fault("read", &format!("{table}/{data_file}"), error))
}

/// Rewrites one data file; a file without such rows is left as it is.
pub(super) async fn land(task: &mut Task, report: SplitReport, old: &Old<'_>) -> Result<SplitReport> {
    let job = Arc::clone(&task.job);
    let mut rows = open(&job, old.table, old.data_file).await?;
    let mut kept: Option<FileWriter> = None;
    let mut taken = 0_usize;
    while let Some(batch) = rows.try_next().await.map_err(|error| store_fault("read", old.data_file, error))? {
        let mask = stays(&batch, old)?;
        taken += batch.num_rows() - mask.true_count();
        let batch = filter_record_batch(&batch, &mask).map_err(|error| write_fault(old.table, error))?;
        if batch.num_rows() > 0 {
            let writer = match &mut kept {
                Some(writer) => writer,
                None => kept.insert(FileWriter::open(old.table, old.partition.to_vec(), batch.schema())?),
            };
            writer.write(&batch)?;
        }
    }
    if taken == 0 {
        return Ok(report);
    }
    if let Some(writer) = kept {
        task.files.push(writer.finish(&job, true).await?);
    }
    task.removed.push(RemovedFile {
        table: old.table.to_owned(),
        path: old.data_file.to_owned(),
        size: old.size,
        partition: old.partition.to_vec(),
    });
    Ok(report)
}

fn stays(batch: &RecordBatch, old: &Old<'_>) -> Result<BooleanArray> {
    let ids = batch
        .column_by_name("source_file_id")
        .and_then(|ids| ids.as_primitive_opt::<Int64Type>())
        .ok_or_else(|| write_fault(old.table, "the file has no lineage column source_file_id"))?;
    Ok((0..ids.len()).map(|row| Some(ids.is_null(row) || !old.file_ids.contains(&ids.value(row)))).collect())
}
