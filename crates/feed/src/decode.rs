//! One source file, from its delivered bytes to checked sales and rejects.

use crate::check::Checker;
use crate::csv::CsvText;
use crate::jsonl::JsonLines;
use crate::known::KnownKeys;
use crate::parquet_rows::ParquetRows;
use crate::sorter::{Checked, Sorter};
use crate::unpack::Unpacker;
use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use chrono::NaiveDate;
use std::sync::Arc;
use tillmart_model::{Contract, FileFault, FileReason, Format, Kind, Tally};

/// Decodes one source file.
///
/// ```text
/// push … push, finish        delivered bytes (push_batch for Parquet)
///   └ take_ready …           after every push, until it gives None; after finish with 0
/// ```
/// The answers do not depend on how the bytes are cut into pushes. Packed bytes are kept as they are
/// while enough rows wait to be taken, so that a small file that unpacks to a huge one costs no memory.
/// After a [`FileFault`] every further call returns the same fault.
pub struct SalesDecoder {
    unpacker: Unpacker,
    /// Packed bytes not yet unpacked.
    packed: Vec<u8>,
    packed_at: usize,
    /// The unpacker may make more text of the bytes it has taken in already.
    more_text: bool,
    any_bytes: bool,
    text: TextSink,
    /// Offset of the next byte that is pushed, and where its stretch of the file ends, if it does not decode the whole file.
    pushed: u64,
    end: Option<u64>,
    fault: Option<FileFault>,
    finished: bool,
}

/// A record in the middle of a file, where decoding can begin: see [`SalesDecoder::start_at`].
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// Offset of its first byte.
    pub offset: u64,
    /// The physical line it begins in, 1-based.
    pub line: u64,
    /// The file's header record without its line end and byte order mark (CSV).
    pub header: Option<&'a [u8]>,
}

/// What becomes of text (or record batches).
struct TextSink {
    rows: Rows,
    sorter: Sorter,
}

enum Rows {
    Csv(Box<CsvText>),
    Jsonl(Box<JsonLines>),
    Parquet(Box<ParquetRows>),
}

impl TextSink {
    fn push(&mut self, text: &[u8]) -> Result<(), FileFault> {
        let sorter = &mut self.sorter;
        match &mut self.rows {
            Rows::Csv(csv) => csv.push(text, sorter),
            Rows::Jsonl(lines) => lines.push(text, sorter),
            Rows::Parquet(_) => Err(misuse("Parquet is decoded from record batches, not from bytes")),
        }
    }

    fn end_at(&mut self, offset: u64) {
        match &mut self.rows {
            Rows::Csv(csv) => csv.end_at(offset),
            Rows::Jsonl(lines) => lines.end_at(offset),
            Rows::Parquet(_) => {}
        }
    }

    /// Offset of the first byte that is not taken.
    fn offset(&self) -> Option<u64> {
        match &self.rows {
            Rows::Csv(csv) => Some(csv.offset()),
            Rows::Jsonl(lines) => Some(lines.offset()),
            Rows::Parquet(_) => None,
        }
    }

    fn finish(&mut self, is_whole: bool) -> Result<(), FileFault> {
        let sorter = &mut self.sorter;
        match &mut self.rows {
            Rows::Csv(csv) => {
                csv.finish(sorter)?;
                if csv.header().is_none() { Err(empty()) } else { Ok(()) }
            }
            Rows::Jsonl(lines) => {
                lines.finish(sorter)?;
                if sorter.tally().rows_read == 0 && is_whole { Err(empty()) } else { Ok(()) }
            }
            Rows::Parquet(_) => Ok(()),
        }
    }
}

impl SalesDecoder {
    /// A decoder of one file. `today` is the batch's claim date: a later sale is a `future_date`.
    pub fn new(contract: Arc<Contract>, kind: Kind, known: Arc<dyn KnownKeys>, today: NaiveDate) -> Self {
        let sorter = Sorter::new(Checker::new(contract.clone(), known, today));
        let rows = match kind.format {
            Format::Csv => Rows::Csv(Box::new(CsvText::new(contract))),
            Format::Jsonl => Rows::Jsonl(Box::new(JsonLines::new(contract))),
            Format::Parquet => Rows::Parquet(Box::new(ParquetRows::new(contract))),
        };
        let (unpacker, fault) = match Unpacker::new(kind.compression) {
            Ok(unpacker) => (unpacker, None),
            Err(fault) => (Unpacker::Plain, Some(fault)),
        };
        SalesDecoder {
            unpacker,
            packed: Vec::new(),
            packed_at: 0,
            more_text: false,
            any_bytes: false,
            text: TextSink { rows, sorter },
            pushed: 0,
            end: None,
            fault,
            finished: false,
        }
    }

    /// The same decoder without its short ways: slow, and what the tests hold the short ways against.
    #[doc(hidden)]
    #[must_use]
    pub fn exactly(mut self) -> Self {
        if let Rows::Csv(csv) = &mut self.text.rows {
            csv.leave_short_ways();
        }
        self
    }

    /// Decodes from this record on: its first byte is the first that is pushed. Lines and offsets are those of the whole file.
    ///
    /// # Errors
    /// Faults of the header; `unreadable` for a kind of file that cannot be decoded from the middle.
    pub fn start_at(&mut self, start: Start<'_>) -> Result<(), FileFault> {
        self.unless_faulty(|decoder| {
            decoder.pushed = start.offset;
            match &mut decoder.text.rows {
                _ if !matches!(decoder.unpacker, Unpacker::Plain) => {
                    Err(misuse("packed bytes are decoded from their front"))
                }
                Rows::Csv(csv) => csv.start_at(start, &mut decoder.text.sorter),
                Rows::Jsonl(lines) => {
                    lines.start_at(start.offset, start.line);
                    Ok(())
                }
                Rows::Parquet(_) => Err(misuse("Parquet is decoded from record batches, not from bytes")),
            }
        })
    }

    /// Leaves alone the records that begin at this offset of the text or behind it: push bytes until
    /// [`SalesDecoder::ended_at`] tells where the first of them begins. To be called before any byte is pushed.
    pub fn end_at(&mut self, offset: u64) {
        self.end = Some(offset);
    }

    /// Where the first record behind [`SalesDecoder::end_at`] begins; `None` before that is known.
    pub fn ended_at(&self) -> Option<u64> {
        let end = self.end?;
        self.text.offset().filter(|offset| *offset >= end)
    }

    /// Takes in delivered bytes of a CSV or JSON lines file; packed ones are unpacked here.
    ///
    /// # Errors
    /// The whole file is at fault: no row of it may land, those taken before included.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), FileFault> {
        self.unless_faulty(|decoder| {
            decoder.any_bytes |= !bytes.is_empty();
            if matches!(decoder.unpacker, Unpacker::Plain) {
                return decoder.push_text(bytes);
            }
            decoder.packed.drain(..decoder.packed_at);
            decoder.packed_at = 0;
            decoder.packed.extend_from_slice(bytes);
            decoder.unpack(Sorter::is_full)
        })
    }

    /// Takes in the next rows of a Parquet file. The schema is judged at the first batch.
    ///
    /// # Errors
    /// The whole file is at fault: no row of it may land, those taken before included.
    pub fn push_batch(&mut self, batch: &RecordBatch) -> Result<(), FileFault> {
        self.unless_faulty(|decoder| match &mut decoder.text.rows {
            Rows::Parquet(rows) => rows.push(batch, &mut decoder.text.sorter),
            Rows::Csv(..) | Rows::Jsonl(_) => {
                Err(misuse("text formats are decoded from bytes, not from record batches"))
            }
        })
    }

    /// Judges the schema of a Parquet file; needed only where it may have no row at all.
    ///
    /// # Errors
    /// `missing_column`, or `unreadable` for money that is a floating point number.
    pub fn expect_schema(&mut self, schema: &Schema) -> Result<(), FileFault> {
        self.unless_faulty(|decoder| match &mut decoder.text.rows {
            Rows::Parquet(rows) => rows.expect_schema(schema),
            Rows::Csv(..) | Rows::Jsonl(_) => Err(misuse("text formats have no schema")),
        })
    }

    /// The file has ended. Take the rest with [`SalesDecoder::take_ready`] and 0.
    ///
    /// # Errors
    /// `empty` for a file of nothing but blank lines, `unreadable` for one that was cut short; faults
    /// as of [`SalesDecoder::push`] of what was not decoded before.
    pub fn finish(&mut self) -> Result<(), FileFault> {
        self.unless_faulty(|decoder| {
            if std::mem::replace(&mut decoder.finished, true) {
                return Ok(());
            }
            decoder.unpack(|_| false)?;
            if decoder.any_bytes {
                decoder.unpacker.finish(&mut |text| decoder.text.push(text))?;
            }
            decoder.text.finish(decoder.end.is_none())
        })
    }

    /// Hands over what is decoded, once there are at least `min_rows` rows or very many rejects;
    /// with 0 whatever there is. `None` when there is less, or nothing.
    ///
    /// A fault met here, while packed bytes are decoded further, is returned by the next call that can.
    pub fn take_ready(&mut self, min_rows: usize) -> Option<Checked> {
        loop {
            if let Some(checked) = self.text.sorter.take(min_rows) {
                return Some(checked);
            }
            let waiting = self.more_text || self.packed_at < self.packed.len();
            if !waiting || self.fault.is_some() {
                return None;
            }
            if self.unless_faulty(|decoder| decoder.unpack(|sorter| sorter.is_ready(min_rows))).is_err() {
                return None;
            }
        }
    }

    /// Counts and money of the rows decoded so far, taken or not.
    pub fn tally(&self) -> &Tally {
        self.text.sorter.tally()
    }

    /// Landed rows so far whose customer, store or sales person is unknown: only `orphans = "keep"` lands such rows.
    pub fn rows_orphan(&self) -> u64 {
        self.text.sorter.rows_orphan()
    }

    /// The header record of a CSV file as it stood there, without its line end and byte order mark.
    pub fn header(&self) -> Option<&[u8]> {
        match &self.text.rows {
            Rows::Csv(csv) => csv.header(),
            Rows::Jsonl(_) | Rows::Parquet(_) => None,
        }
    }

    fn push_text(&mut self, bytes: &[u8]) -> Result<(), FileFault> {
        let Some(end) = self.end else { return self.text.push(bytes) };
        let own = usize::try_from(end.saturating_sub(self.pushed)).unwrap_or(usize::MAX).min(bytes.len());
        let (own, behind) = bytes.split_at(own);
        self.pushed += bytes.len() as u64;
        self.text.push(own)?;
        if behind.is_empty() || self.ended_at().is_some() {
            return Ok(());
        }
        self.text.end_at(end);
        self.text.push(behind)
    }

    /// Unpacks waiting bytes until there are none, or `enough`.
    fn unpack(&mut self, enough: impl Fn(&Sorter) -> bool) -> Result<(), FileFault> {
        while (self.more_text || self.packed_at < self.packed.len()) && !enough(&self.text.sorter) {
            let text = &mut self.text;
            let packed = &self.packed[self.packed_at..];
            let (taken, more_text) = self.unpacker.step(packed, &mut |bytes| text.push(bytes))?;
            self.packed_at += taken;
            self.more_text = more_text;
        }
        Ok(())
    }

    fn unless_faulty(&mut self, work: impl FnOnce(&mut Self) -> Result<(), FileFault>) -> Result<(), FileFault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        work(self).inspect_err(|fault| self.fault = Some(fault.clone()))
    }
}

fn empty() -> FileFault {
    FileFault::new(FileReason::Empty, "no byte, or nothing but blank lines; expected a header or rows")
}

fn misuse(what: &str) -> FileFault {
    FileFault::new(FileReason::Unreadable, what)
}
