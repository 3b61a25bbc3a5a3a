//! Finished rows of a mart that only looks things up for each state row: a million of them need no join, and never stand in memory
//! together.

use crate::publish::{fit, shape};
use crate::shop::Pipeline;
use std::sync::Arc;
use tillmart_database::Finish;
use tillmart_engine::DimensionTables;
use tillmart_engine::mart::Rollup;

impl Pipeline {
    /// As [`Pipeline::finish`], of any state rows, where the mart's SQL is no more than look-ups in these tables.
    pub(crate) fn finish_of_rows(&self, rollup: &Rollup, dimensions: &Arc<DimensionTables>) -> Option<Finish> {
        let plan = rollup.finish_by_row(dimensions)?;
        let (rollup, dimensions) = (rollup.clone(), Arc::clone(dimensions));
        Some(Arc::new(move |rows| {
            let rows = fit(&rows, &rollup.state_schema).map_err(shape)?;
            let finished = plan.evaluate(&rows, &dimensions).map_err(|error| rollup.fault(&rollup.finish, &error))?;
            fit(&finished, &rollup.target_schema).map_err(shape)
        }))
    }
}
