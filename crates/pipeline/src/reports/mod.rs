//! Reports: figures fetched from the published marts by range, and put into a document.
//!
//! A report never reads a mart as a whole, nor the landed rows of one, so that it takes as long after ten years as on the first day. What it
//! reads it joins and sums with SQL of its own (`sql/reports`), the same on every database.

mod answer;
mod daily;
mod incentives;
mod monthly;
mod reader;
mod store_days;
mod write;

pub use daily::DailyRequest;
pub use incentives::IncentivesRequest;
pub use monthly::MonthlyRequest;
pub(crate) use write::Written;
pub use write::{ReportOptions, WrittenReport};

use crate::moment::Standing;
use crate::shop::Pipeline;
use tillmart_model::{Fault, FaultKind, Result};

/// How often a report is begun, when batches are published while it is made.
const ATTEMPTS: usize = 3;

impl Pipeline {
    /// Figures of one moment: they are fetched anew if a batch was published between the first and the last, so that no report shows
    /// half of it.
    async fn of_one_moment<T>(&self, mut fetch: impl AsyncFnMut() -> Result<T>) -> Result<(T, Standing)> {
        for _ in 0..ATTEMPTS {
            let before = self.standing().await?;
            let figures = fetch().await?;
            if self.standing().await? == before {
                return Ok((figures, before));
            }
        }
        Err(Fault::new(FaultKind::Busy, "runs publish faster than a report is made")
            .hint("make it again when the run has ended"))
    }
}
