//! Filling row-level marts that were added later: their rows are made from the sales mart, which carries every column of
//! the sale.

use super::task::Task;
use super::{store_fault, take_back, whole};
use crate::mart::landing_schema;
use futures::TryStreamExt;
use std::sync::Arc;
use tillmart_model::{Result, SplitReport};

/// Evaluates the job's marts over the sales of one data file of the sales mart. Lineage stays that of the landing.
pub(super) async fn land(
    task: &mut Task,
    mut report: SplitReport,
    table: &str,
    data_file: &str,
    partition: &[(String, Option<String>)],
) -> Result<SplitReport> {
    let job = Arc::clone(&task.job);
    let schema = landing_schema();
    let mut file = take_back::open(&job, table, data_file).await?;
    while let Some(batch) = file.try_next().await.map_err(|error| store_fault("read", data_file, error))? {
        let sales = whole::rows(table, &batch, partition, &schema)?;
        report.tally.rows_read += sales.num_rows() as u64;
        task.evaluate(sales).await?;
    }
    Ok(report)
}
