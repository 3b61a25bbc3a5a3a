//! CSV: physical lines to records, records to fields, fields to the cells of a sale.
//!
//! There are two ways, and one answer. The exact way (`records`, `fields`, `rows`) takes record by record, and alone says
//! what is wrong with one. The plain way (`structure`, `plain`, `numbers`) reads whole blocks of records column by column, and leaves
//! to the exact way every record that is not plainly good. `text` leads the bytes to either.

mod fields;
mod header;
mod numbers;
mod plain;
mod records;
mod rows;
mod structure;
mod text;

#[cfg(test)]
mod tests;

pub use fields::QuotingFault;
pub use records::{Broken, Piece, Record, Records};

pub(crate) use fields::Fields;
pub(crate) use header::{Mapping, Source};
pub(crate) use records::single_record;
pub(crate) use rows::CsvRows;
pub(crate) use text::CsvText;
