//! Writing several small data files of one partition as one. No row comes or goes, and lineage stays as it is.

use super::files::FileWriter;
use super::task::Task;
use super::{store_fault, take_back};
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
    let mut whole: Option<FileWriter> = None;
    for (path, size) in data_files {
        let mut rows = take_back::open(&job, table, path).await?;
        while let Some(batch) = rows.try_next().await.map_err(|error| store_fault("read", path, error))? {
            report.rows_written += batch.num_rows() as u64;
            let writer = match &mut whole {
                Some(writer) => writer,
                None => whole.insert(FileWriter::open(table, partition.to_vec(), batch.schema())?),
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
    if let Some(writer) = whole {
        task.files.push(writer.finish(&job, true).await?);
    }
    Ok(report)
}
