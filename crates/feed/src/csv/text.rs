//! Pushed text of one CSV file: plain records in blocks, all others one by one.

use super::plain::PlainRows;
use super::{CsvRows, Fields, Records, single_record};
use crate::decode::Start;
use crate::sorter::Sorter;
use std::sync::Arc;
use tillmart_model::{Contract, FileFault, FileReason};

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

    /// From now on the text is that of a file with this header record, from the record on that begins at `start`.
    ///
    /// # Errors
    /// As those of the header of a whole file.
    pub(crate) fn start_at(&mut self, start: Start<'_>, sorter: &mut Sorter) -> Result<(), FileFault> {
        let mut fields = Fields::default();
        let header = start.header.unwrap_or_default();
        let header = single_record(&mut fields, header, self.contract.delimiter, self.contract.quote, 1)
            .map_err(|fault| FileFault::new(FileReason::Unreadable, format!("the header cannot be read: {fault}")))?;
        self.rows.read_header(&header)?;
        self.records.go_on_at(start.offset, start.line, header.len());
        let CsvText { contract, rows, plain, header_read, .. } = self;
        begin_plain(contract, rows, plain, header_read, sorter);
        Ok(())
    }

    /// Leaves alone the records that begin at `offset` or behind it. To be called when no byte from there on was taken in.
    pub(crate) fn end_at(&mut self, offset: u64) {
        self.records.end_at(offset);
        // Whole blocks do not look where each record begins.
        self.leave_short_ways();
    }

    /// Offset of the first byte that is not taken.
    pub(crate) fn offset(&self) -> u64 {
        self.records.offset()
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
                begin_plain(contract, rows, plain, header_read, sorter);
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

/// Begins to read plain records in blocks, once the header is known.
fn begin_plain(
    contract: &Contract,
    rows: &CsvRows,
    plain: &mut Option<PlainRows>,
    header_read: &mut bool,
    sorter: &mut Sorter,
) {
    if !*header_read && let Some(mapping) = rows.mapping() {
        *header_read = true;
        *plain = PlainRows::new(contract, mapping, sorter.checker());
    }
}
