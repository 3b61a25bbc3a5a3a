//! Records to rows: the first record is the header, every other one a sale or a reject.

use super::header::{Source, only_cr_hint};
use super::{Broken, Mapping, Piece, Record};
use crate::check::{Cell, Row};
use crate::extras::Extras;
use crate::sorter::{Place, Sorter, TakesRows};
use std::sync::Arc;
use tillmart_model::{Contract, Encoding, FileFault, FileReason, RowReason, SalesColumn};

/// What a CSV file's rows need beside the sorter.
#[derive(Debug)]
pub(crate) struct CsvRows {
    contract: Arc<Contract>,
    header: Option<Vec<u8>>,
    mapping: Option<Mapping>,
    extras: Extras,
    latin: LatinText,
}

impl CsvRows {
    pub(crate) fn new(contract: Arc<Contract>) -> Self {
        let extras = Extras::new(contract.extra_columns);
        CsvRows { contract, header: None, mapping: None, extras, latin: LatinText::default() }
    }

    /// The header record as it stood in the file, once it was read.
    pub(crate) fn header(&self) -> Option<&[u8]> {
        self.header.as_deref()
    }

    /// Where the columns are, once the header was read.
    pub(super) fn mapping(&self) -> Option<&Mapping> {
        self.mapping.as_ref()
    }

    /// Takes the next piece of the file: the header first, then rows.
    ///
    /// # Errors
    /// Faults of the header; rows have none.
    pub(crate) fn piece(&mut self, piece: Piece<'_>, sorter: &mut Sorter) -> Result<(), FileFault> {
        match piece {
            Piece::Record(record) if self.mapping.is_none() => self.read_header(&record),
            Piece::Record(record) => {
                self.row(&record, sorter);
                Ok(())
            }
            Piece::Broken(broken) if self.mapping.is_none() => Err(FileFault {
                reason: FileReason::Unreadable,
                message: format!("the header cannot be read: {}{}", broken.fault, only_cr_hint(broken.raw)),
                line: Some(broken.line),
            }),
            Piece::Broken(broken) => {
                reject_broken(&broken, sorter);
                Ok(())
            }
        }
    }

    /// Takes `header` as the header.
    ///
    /// # Errors
    /// As [`Mapping::of_header`].
    pub(crate) fn read_header(&mut self, header: &Record<'_>) -> Result<(), FileFault> {
        self.header = Some(header.raw.to_vec());
        self.mapping = Some(Mapping::of_header(&self.contract, header)?);
        Ok(())
    }

    /// Judges one record.
    pub(crate) fn row(&mut self, record: &Record<'_>, sorter: &mut impl TakesRows) {
        let Some(mapping) = &self.mapping else { return };
        let place = Place { line: Some(record.line), byte_offset: Some(record.offset) };
        if record.len() != mapping.width {
            let (reason, word) = if record.len() < mapping.width {
                (RowReason::TooFewFields, "fewer")
            } else {
                (RowReason::TooManyFields, "more")
            };
            let message = format!("{} fields, {word} than the header; expected {}", record.len(), mapping.width);
            sorter.reject(place, reason, None, message, record.raw.to_vec());
            return;
        }
        let latin = self.contract.encoding == Encoding::Latin1 && !record.raw.is_ascii();
        if latin {
            self.latin.transcode(record);
        }
        let field = |index| if latin { self.latin.field(index) } else { record.field(index) };
        let cells: [Cell<'_>; SalesColumn::ALL.len()] = std::array::from_fn(|at| match &mapping.sources[at] {
            Source::Field(index) => Cell::text(field(*index)),
            Source::Constant(text) => Cell::text(text),
            Source::Absent => Cell::text(&[]),
        });
        let mut undecodable_extra = None;
        self.extras.clear();
        for extra in &mapping.extras {
            match std::str::from_utf8(field(extra.field)) {
                Ok(text) => self.extras.add_text(&extra.name, text),
                Err(_) => undecodable_extra = undecodable_extra.or(Some(extra.name.as_str())),
            }
        }
        let row = Row { cells, extras: self.extras.end(), undecodable_extra };
        sorter.row(&row, place, || record.raw.to_vec());
    }
}

/// Rejects a broken line.
pub(crate) fn reject_broken(broken: &Broken<'_>, sorter: &mut Sorter) {
    let place = Place { line: Some(broken.line), byte_offset: Some(broken.offset) };
    sorter.reject(place, RowReason::BadQuoting, None, broken.fault.to_string(), broken.raw.to_vec());
}

/// The fields of a Latin-1 record in UTF-8; reused from record to record.
#[derive(Debug, Default)]
struct LatinText {
    text: String,
    ends: Vec<usize>,
}

impl LatinText {
    fn transcode(&mut self, record: &Record<'_>) {
        self.text.clear();
        self.ends.clear();
        for field in record.fields() {
            self.text.extend(field.iter().map(|byte| char::from(*byte)));
            self.ends.push(self.text.len());
        }
    }

    fn field(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(index).copied().unwrap_or(start);
        self.text.as_bytes().get(start..end).unwrap_or_default()
    }
}
