//! Bytes of source files to checked sales: CSV, JSON lines, Parquet, gzip, zstd.
//!
//! Pure and synchronous: bytes are pushed in, checked sales and rejects are taken out, in bounded
//! memory and whatever the size of the pieces. The modules below stand in the order of the flow.

pub mod csv;

mod unpack;

mod jsonl;

mod parquet_rows;

mod extras;

mod check;

mod texts;

mod sales;

mod sorter;

mod decode;

mod replay;

pub use check::KnownKeys;
pub use decode::SalesDecoder;
pub use replay::{Landed, ReplayDecoder};
pub use sales::{ANONYMOUS, Sales, UNKNOWN, sales_schema};
pub use sorter::{Checked, Reject};
pub use texts::{OptionalTexts, Texts};
