//! Writing several small data files of one partition as one. No row comes or goes, and lineage stays as it is.

use super::files::FileWriter;
use super::task::Task;
use super::{store_fault, take_back, whole};
use futures::TryStreamExt;
use std::sync::Arc;
use tillmart_model::{RemovedFile, Result, SplitReport};

/// Reads the files in their order and writes one.
pub(super) async fn land(
    task: &mut Task,
    mut report: SplitReport,
    table: &str,
    data_files: &[(String, u64)],
    partition: &[(String, Option<String>)],
) -> Result<SplitReport> {
    let job = Arc::clone(&task.job);
    // Files that were written before the mart had all its columns get the others.
    let schema = job.row_marts.iter().find(|mart| mart.name == table).map(|mart| whole::data_schema(mart));
    let mut one: Option<FileWriter> = None;
    for (path, size) in data_files {
        let mut rows = take_back::open(&job, table, path).await?;
        while let Some(batch) = rows.try_next().await.map_err(|error| store_fault("read", path, error))? {
            report.rows_written += batch.num_rows() as u64;
            let batch = match &schema {
                Some(schema) if *schema != batch.schema() => whole::rows(table, &batch, &[], schema)?,
                _ => batch,
            };
            let writer = match &mut one {
                Some(writer) => writer,
                None => one.insert(FileWriter::open(table, partition.to_vec(), batch.schema())?),
            };
            writer.write(&batch)?;
        }
        task.removed.push(RemovedFile {
            table: table.to_owned(),
            path: path.clone(),
            size: *size,
            partition: partition.to_vec(),
        });
    }
    if let Some(writer) = one {
        task.files.push(writer.finish(&job, true).await?);
    }
    Ok(report)
}
