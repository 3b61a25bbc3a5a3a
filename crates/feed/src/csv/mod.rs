//! CSV: physical lines to records, records to fields, fields to the cells of a sale.

mod fields;
mod header;
mod records;
mod rows;

#[cfg(test)]
mod tests;

pub use fields::QuotingFault;
pub use records::{Broken, Piece, Record, Records};

pub(crate) use fields::{End, Fields, Scan};
pub(crate) use header::{Mapping, Source};
pub(crate) use rows::CsvRows;
