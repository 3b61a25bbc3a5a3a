//! Pushed bytes to records, each with its physical line and byte offset.
//!
//! The resync rule: a record may run over several physical lines only when it is well formed, that
//! is, its quotes close properly and it has as many fields as the header. Otherwise its first
//! physical line alone is broken, and the next record starts at the next physical line. So a stray
//! quote costs the line it stands in and no other.

use super::fields::{End, Fields, QuotingFault, Scan, without_cr};
use memchr::{memchr, memchr2};
use tillmart_model::{FileFault, FileReason};

/// Records longer than this are refused whatever the contract says: positions within a record are 32-bit.
const RECORD_BYTES_LIMIT: u64 = 1 << 30;

/// Bytes taken in at a time, so that the buffer stays small however large the pushed pieces are.
const PIECE_BYTES: usize = 128 << 10;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// A record with well-formed quotes.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Its bytes without the line end.
    pub raw: &'a [u8],
    /// The physical line it starts at, 1-based.
    pub line: u64,
    /// The offset of its first byte in the text, a byte order mark counted.
    pub offset: u64,
    fields: &'a Fields,
}

impl<'a> Record<'a> {
    pub(crate) fn new(raw: &'a [u8], fields: &'a Fields, line: u64) -> Self {
        Record { raw, line, offset: 0, fields }
    }

    /// Number of fields: at least one.
    #[allow(clippy::len_without_is_empty, reason = "a record is never empty")]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// The text of a field (from 0) without its quotes; empty when there is no such field.
    pub fn field(&self, index: usize) -> &'a [u8] {
        self.fields.get(self.raw, index)
    }

    /// The text of every field.
    pub fn fields(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let record = *self;
        (0..record.len()).map(move |index| record.field(index))
    }
}

/// A physical line that is no record.
#[derive(Debug, Clone, Copy)]
pub struct Broken<'a> {
    /// Its bytes without the line end.
    pub raw: &'a [u8],
    /// The physical line, 1-based.
    pub line: u64,
    /// The offset of its first byte in the text, a byte order mark counted.
    pub offset: u64,
    /// What is wrong with it.
    pub fault: QuotingFault,
}

/// What the text falls into.
#[derive(Debug, Clone, Copy)]
pub enum Piece<'a> {
    /// A record; the first one is the header. A record of one line may have another number of fields.
    Record(Record<'a>),
    /// A broken line.
    Broken(Broken<'a>),
}

/// Splits pushed text into records. The pieces do not depend on how the text is cut into pushes.
///
/// Blank lines are skipped. Line ends are LF or CRLF; a lone CR is data. Never holds more than the
/// longest record and one small piece.
#[derive(Debug)]
pub struct Records {
    delimiter: u8,
    quote: u8,
    record_bytes_max: usize,
    buffer: Vec<u8>,
    /// Buffered bytes before which another look is useless.
    needed: usize,
    /// Offset in the text of the buffer's first byte.
    offset: u64,
    /// Physical line of the buffer's first byte.
    line: u64,
    /// Fields of the header, once it is known.
    width: Option<usize>,
    started: bool,
    fields: Fields,
}

impl Records {
    /// Records of at most `record_bytes_max` bytes.
    pub fn new(delimiter: u8, quote: u8, record_bytes_max: u64) -> Self {
        Records {
            delimiter,
            quote,
            record_bytes_max: record_bytes_max.min(RECORD_BYTES_LIMIT) as usize,
            buffer: Vec::new(),
            needed: 0,
            offset: 0,
            line: 1,
            width: None,
            started: false,
            fields: Fields::default(),
        }
    }

    /// Takes text in and hands every piece that is complete to `sink`, in order.
    ///
    /// # Errors
    /// `unreadable` for a physical line longer than the longest record; whatever `sink` returns.
    pub fn push(
        &mut self,
        bytes: &[u8],
        sink: &mut impl FnMut(Piece<'_>) -> Result<(), FileFault>,
    ) -> Result<(), FileFault> {
        for piece in bytes.chunks(PIECE_BYTES) {
            self.buffer.extend_from_slice(piece);
            if self.buffer.len() >= self.needed {
                self.drain(false, sink)?;
            }
        }
        Ok(())
    }

    /// Hands over what is left at the end of the text.
    ///
    /// # Errors
    /// As for [`Records::push`].
    pub fn finish(&mut self, sink: &mut impl FnMut(Piece<'_>) -> Result<(), FileFault>) -> Result<(), FileFault> {
        self.drain(true, sink)
    }

    fn drain(
        &mut self,
        at_end: bool,
        sink: &mut impl FnMut(Piece<'_>) -> Result<(), FileFault>,
    ) -> Result<(), FileFault> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let consumed = self.pieces(&buffer, at_end, sink)?;
        buffer.drain(..consumed);
        self.offset += consumed as u64;
        self.buffer = buffer;
        // Looking again only when the bytes have doubled keeps tiny pushes linear.
        self.needed = (self.buffer.len() * 2).min(self.record_bytes_max + 2);
        Ok(())
    }

    /// Hands over the pieces of `text` and returns the bytes they took.
    fn pieces(
        &mut self,
        text: &[u8],
        at_end: bool,
        sink: &mut impl FnMut(Piece<'_>) -> Result<(), FileFault>,
    ) -> Result<usize, FileFault> {
        let mut at = 0;
        if !self.started {
            if !at_end && text.len() < BOM.len() && BOM.starts_with(text) {
                return Ok(0);
            }
            self.started = true;
            at = if text.starts_with(BOM) { BOM.len() } else { 0 };
        }
        while at < text.len() {
            // Two bytes more than the longest record: room for its line end.
            let window = &text[at..text.len().min(at + self.record_bytes_max + 2)];
            let reaches_end = at_end && at + window.len() == text.len();
            let step = match memchr2(b'\n', self.quote, window) {
                Some(stop) if window[stop] == b'\n' => self.plain_line(window, stop, stop + 1, at as u64, sink)?,
                None if reaches_end => self.plain_line(window, window.len(), window.len(), at as u64, sink)?,
                Some(_) => self.quoted_record(window, reaches_end, at as u64, sink)?,
                None if window.len() == self.record_bytes_max + 2 => return Err(self.line_too_long(window)),
                None => None,
            };
            let Some(step) = step else { break };
            at += step;
        }
        Ok(at)
    }

    /// A physical line without quotes that stops before `stop`.
    fn plain_line(
        &mut self,
        window: &[u8],
        stop: usize,
        next: usize,
        at: u64,
        sink: &mut impl FnMut(Piece<'_>) -> Result<(), FileFault>,
    ) -> Result<Option<usize>, FileFault> {
        let raw = &window[..without_cr(window, 0, stop)];
        if raw.len() > self.record_bytes_max {
            return Err(self.line_too_long(raw));
        }
        let line = self.line;
        self.line += 1;
        if !raw.is_empty() {
            self.fields.split_plain(raw, self.delimiter);
            self.width.get_or_insert(self.fields.len());
            sink(Piece::Record(Record { raw, line, offset: self.offset + at, fields: &self.fields }))?;
        }
        Ok(Some(next))
    }

    /// A record whose first physical line holds a quote; `None` when more bytes are needed.
    fn quoted_record(
        &mut self,
        window: &[u8],
        reaches_end: bool,
        at: u64,
        sink: &mut impl FnMut(Piece<'_>) -> Result<(), FileFault>,
    ) -> Result<Option<usize>, FileFault> {
        let end = if reaches_end { End::File } else { End::More };
        let full = window.len() == self.record_bytes_max + 2;
        let fault = match self.fields.scan(window, self.delimiter, self.quote, end) {
            Scan::Closed { length, next, lines } if length <= self.record_bytes_max => {
                let found = self.fields.len();
                let expected = *self.width.get_or_insert(found);
                if lines == 1 || found == expected {
                    let raw = &window[..length];
                    let record = Record { raw, line: self.line, offset: self.offset + at, fields: &self.fields };
                    self.line += lines;
                    sink(Piece::Record(record))?;
                    return Ok(Some(next));
                }
                QuotingFault::WrongCount { found, expected }
            }
            Scan::Closed { .. } => QuotingFault::NeverClosed { field: self.fields.len() },
            Scan::Broken(fault) => fault,
            Scan::Open { .. } if !reaches_end && !full => return Ok(None),
            Scan::Open { field } => QuotingFault::NeverClosed { field },
        };
        self.broken_line(window, reaches_end, at, fault, sink)
    }

    /// Gives up the first physical line of `window` alone.
    fn broken_line(
        &mut self,
        window: &[u8],
        reaches_end: bool,
        at: u64,
        fault: QuotingFault,
        sink: &mut impl FnMut(Piece<'_>) -> Result<(), FileFault>,
    ) -> Result<Option<usize>, FileFault> {
        let (stop, next) = match memchr(b'\n', window) {
            Some(stop) => (stop, stop + 1),
            None if reaches_end => (window.len(), window.len()),
            None if window.len() == self.record_bytes_max + 2 => return Err(self.line_too_long(window)),
            None => return Ok(None),
        };
        let raw = &window[..without_cr(window, 0, stop)];
        if raw.len() > self.record_bytes_max {
            return Err(self.line_too_long(raw));
        }
        let line = self.line;
        self.line += 1;
        sink(Piece::Broken(Broken { raw, line, offset: self.offset + at, fault }))?;
        Ok(Some(next))
    }

    fn line_too_long(&self, found: &[u8]) -> FileFault {
        let hint =
            if memchr(b'\r', found).is_some() { "; line ends look like CR only, expected LF or CRLF" } else { "" };
        FileFault {
            reason: FileReason::Unreadable,
            message: format!(
                "line {} is longer than record_bytes_max; expected at most {} bytes{hint}",
                self.line, self.record_bytes_max
            ),
            line: Some(self.line),
        }
    }
}
