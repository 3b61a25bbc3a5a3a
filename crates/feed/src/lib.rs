//! Bytes of source files to checked sales: CSV, JSON lines, Parquet, gzip, zstd.
//!
//! Pure and synchronous: bytes are pushed in, checked sales and rejects are taken out, in bounded
//! memory and whatever the size of the pieces. The modules below stand in the order of the flow.

pub mod csv;

mod unpack;

mod jsonl;

mod parquet_rows;

mod extras;

mod known;

mod check;

mod texts;

mod sales;

mod sorter;

mod decode;

mod first_record;

mod raw_rows;

mod replay;

mod glance;

pub use decode::{SalesDecoder, Start};
pub use first_record::{FirstRecord, header_of};
pub use glance::{Glance, Glancer};
pub use known::{IndexedKeys, KeyIndex, KnownKeys, NameIndex};
pub use replay::{Landed, ReplayDecoder};
pub use sales::{ANONYMOUS, Sales, UNKNOWN, sales_schema};
pub use sorter::{Checked, Reject};
pub use texts::{OptionalTexts, Texts};

/// The seed of a random unit test: TILLMART_SEED, or chance. Tell it with every failure.
#[cfg(test)]
fn test_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let given = std::env::var("TILLMART_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| std::hash::RandomState::new().build_hasher().finish())
}
