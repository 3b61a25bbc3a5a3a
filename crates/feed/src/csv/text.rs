//! Pushed text of one CSV file: plain records in blocks, all others one by one.

use super::plain::PlainRows;
use super::{CsvRows, Records};
use crate::sorter::Sorter;
use std::sync::Arc;
use tillmart_model::{Contract, FileFault};

/// Decodes the text of one CSV file.
pub(crate) struct CsvText {
    contract: Arc<Contract>,
    records: Records,
    rows: CsvRows,
    /// Known with the header; `None` where every record goes the exact way.
    plain: Option<PlainRows>,
    header_read: bool,
}

impl CsvText {
    pub(crate) fn new(contract: Arc<Contract>) -> Self {
        CsvText {
            records: Records::new(contract.delimiter, contract.quote, contract.record_bytes_max),
            rows: CsvRows::new(Arc::clone(&contract)),
            plain: None,
            header_read: false,
            contract,
        }
    }

    /// The header record as it stood in the file, once it was read.
    pub(crate) fn header(&self) -> Option<&[u8]> {
        self.rows.header()
    }

    /// From now on every record goes the exact way.
    pub(crate) fn leave_short_ways(&mut self) {
        self.plain = None;
        self.header_read = true;
    }

    /// Takes text in.
    ///
    /// # Errors
    /// Faults of the header; `unreadable` for a line longer than the longest record.
    pub(crate) fn push(&mut self, text: &[u8], sorter: &mut Sorter) -> Result<(), FileFault> {
        let CsvText { contract, records, rows, plain, header_read } = self;
        records.push_by(text, &mut |records, text| {
            let mut at = 0;
            while at < text.len() {
                if let Some(plain) = plain {
                    let taken = plain.block(text, at, records, rows, sorter)?;
                    if taken > 0 {
                        at += taken;
                        continue;
                    }
                }
                let Some(length) = records.piece(text, at, false, &mut |piece| rows.piece(piece, sorter))? else {
                    break;
                };
                at += length;
                if !*header_read && let Some(mapping) = rows.mapping() {
                    *header_read = true;
                    *plain = PlainRows::new(contract, mapping, sorter.checker());
                }
            }
            Ok(at)
        })
    }

    /// Takes what is left at the end of the text.
    ///
    /// # Errors
    /// As [`CsvText::push`].
    pub(crate) fn finish(&mut self, sorter: &mut Sorter) -> Result<(), FileFault> {
        let CsvText { records, rows, .. } = self;
        records.finish(&mut |piece| rows.piece(piece, sorter))
    }
}
