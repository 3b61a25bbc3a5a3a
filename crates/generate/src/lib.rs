//! Makes all that a sales pipeline is tried with: sales of any size, dirty rows of every reason, files that
//! must be refused, and dimensions that know every customer, store and sales person of the clean sales.
//!
//! Seeded: the same [`Plan`] gives the same bytes, whatever the number of threads, because every chunk of rows
//! draws its chance from the seed and its own position. Streaming: chunks are made in parallel and written in
//! order, so that one file of 15 GB takes no more memory than one of 15 MB.
//!
//! ```text
//! Plan ─▶ Shop (who sells what, where) ─▶ layout (which rows in which file) ─▶ chunks ─▶ object store
//! ```

mod aside;
mod chance;
mod dimensions;
mod dirt;
mod layout;
mod names;
mod plan;
mod row;
mod sales;
mod shop;
mod write;

pub use dimensions::dimensions;
pub use dirt::{JSONL_REASONS, ROW_REASONS};
pub use plan::{Cut, DEFAULT_SEED, OutputFormat, Plan, Size};
pub use sales::{Made, sales};
