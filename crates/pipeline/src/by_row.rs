//! Finished rows of a mart that only looks things up for each state row: a million of them need no join.

use crate::publish::{fit, shape};
use crate::shop::Pipeline;
use arrow::array::RecordBatch;
use futures::{StreamExt, TryStreamExt};
use std::sync::Arc;
use tillmart_engine::DimensionTables;
use tillmart_engine::mart::{Rollup, RowMart};
use tillmart_model::{Fault, FaultKind, Result};

/// State rows that are looked up at once.
const ROWS_AT_ONCE: usize = 65_536;

impl Pipeline {
    /// As [`Pipeline::finish`], by look-ups where the mart's SQL is no more than that.
    pub(crate) async fn finished(
        &self,
        rollup: &Rollup,
        merged: Vec<RecordBatch>,
        dimensions: &Arc<DimensionTables>,
    ) -> Result<Vec<RecordBatch>> {
        let Some(plan) = rollup.finish_by_row(dimensions) else {
            return self.finish(rollup, merged, dimensions).await;
        };
        let pieces = merged.into_iter().flat_map(|rows| {
            let starts = (0..rows.num_rows()).step_by(ROWS_AT_ONCE);
            starts.map(move |start| rows.slice(start, ROWS_AT_ONCE.min(rows.num_rows() - start))).collect::<Vec<_>>()
        });
        let looked_up = pieces.map(|rows| self.look_up(rollup, &plan, rows, dimensions));
        futures::stream::iter(looked_up).buffered(self.seams.engine.tasks().max(1)).try_collect().await
    }

    async fn look_up(
        &self,
        rollup: &Rollup,
        plan: &Arc<RowMart>,
        rows: RecordBatch,
        dimensions: &Arc<DimensionTables>,
    ) -> Result<RecordBatch> {
        let rows = fit(&rows, &rollup.state_schema).map_err(shape)?;
        let (plan, dimensions) = (Arc::clone(plan), Arc::clone(dimensions));
        let looked_up = tokio::task::spawn_blocking(move || plan.evaluate(&rows, &dimensions)).await;
        let looked_up = looked_up
            .map_err(|stopped| Fault::new(FaultKind::Promise, "a mart's finish stopped half-way").found(stopped))?;
        let finished = looked_up.map_err(|error| rollup.fault(&rollup.finish, &error))?;
        fit(&finished, &rollup.target_schema).map_err(shape)
    }
}
