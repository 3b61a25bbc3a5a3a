//! Columns of sales to the bytes of one Parquet data file: what the general writer does, for the columns that sales have.
//!
//! Pure and synchronous: values are pushed in column by column and packed as they come, so that an open file holds little more
//! than the bytes it will have; at the end finished columns are put together to a file of one row group. Every column is
//! optional, compressed with Snappy and readable by any Parquet reader; [`Lookups`] tells what is unusual about it.

mod bits;
mod chunks;
mod distinct;
mod file;
mod integers;
mod levels;
mod lookups;
mod page;
mod pieces;
mod texts;

pub use chunks::Chunks;
pub use distinct::Distinct;
pub use file::file;
pub use integers::{Integers, Width};
pub use lookups::{Lookups, UNKNOWN, WholeTexts};
pub use page::Column;
pub use texts::Texts;
