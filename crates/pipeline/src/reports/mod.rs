//! Reports: figures fetched from the published marts by range, and put into a document.
//!
//! A report never reads a mart as a whole, nor the landed rows of one, so that it takes as long after ten years as on the first day. What it
//! reads it joins and sums with SQL of its own (`sql/reports`), the same on every database.

mod answer;
mod daily;
mod incentives;
mod monthly;
mod reader;
mod write;

pub use daily::DailyRequest;
pub use incentives::IncentivesRequest;
pub use monthly::MonthlyRequest;
pub use write::{ReportOptions, WrittenReport};
