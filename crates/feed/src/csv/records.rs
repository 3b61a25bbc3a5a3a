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
/// Blank lines are skipped. Line ends are LF or CRLF; a lone CR is data. Pushed text is read where it lies: only
/// the record that a push leaves unfinished is kept, which is no longer than the longest record.
#[derive(Debug)]
pub struct Records {
    delimiter: u8,
    quote: u8,
    record_bytes_max: usize,
    /// The record that the last push left unfinished.
    tail: Vec<u8>,
    /// Bytes of the tail before which another look is useless; `None` while all it waits for is a line end.
    needed: Option<usize>,
    /// Offset in the text of the first byte that is looked at: the tail's, if there is one.
    offset: u64,
    /// Physical line of the next piece.
    line: u64,
    /// A piece that begins here or behind is left alone.
    end: u64,
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
            tail: Vec::new(),
            needed: None,
            offset: 0,
            line: 1,
            end: u64::MAX,
            width: None,
            started: false,
            fields: Fields::default(),
        }
    }

    /// From now on the text is that of a file whose header is known, from the record on that begins at `offset`, in physical
    /// line `line`. To be called before any text is taken in.
    pub(crate) fn go_on_at(&mut self, offset: u64, line: u64, width: usize) {
        (self.offset, self.line, self.width, self.started) = (offset, line, Some(width), true);
    }

    /// The text begins at another offset than was said. To be called before any text is taken in.
    pub(crate) fn begin_at(&mut self, offset: u64) {
        self.offset = offset;
    }

    /// Leaves alone what begins at `offset` or behind it.
    pub(crate) fn end_at(&mut self, offset: u64) {
        self.end = offset;
    }

    /// Offset of the first byte that is not taken: where the next piece begins, unless more bytes are needed to tell.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
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
        self.push_by(bytes, &mut |records, text| records.pieces(text, false, sink))
    }

    /// Takes text in and has `read` take the pieces out of it: it gets text that begins where a piece begins, and
    /// returns how many of its bytes it took with [`Records::piece`] and [`Records::skip`].
    pub(super) fn push_by(
        &mut self,
        mut bytes: &[u8],
        read: &mut impl FnMut(&mut Self, &[u8]) -> Result<usize, FileFault>,
    ) -> Result<(), FileFault> {
        while !bytes.is_empty() {
            if self.tail.is_empty() {
                let taken = read(self, bytes)?;
                self.keep(bytes, taken);
                return Ok(());
            }
            let (head, rest) = bytes.split_at(self.wanted(bytes));
            self.tail.extend_from_slice(head);
            bytes = rest;
            let enough = match self.needed {
                Some(needed) => self.tail.len() >= needed,
                None => head.ends_with(b"\n") || self.tail.len() >= self.window_bytes(),
            };
            if enough {
                let tail = std::mem::take(&mut self.tail);
                let taken = read(self, &tail)?;
                self.keep(&tail, taken);
            }
        }
        Ok(())
    }

    /// Hands over what is left at the end of the text.
    ///
    /// # Errors
    /// As for [`Records::push`].
    pub fn finish(&mut self, sink: &mut impl FnMut(Piece<'_>) -> Result<(), FileFault>) -> Result<(), FileFault> {
        let tail = std::mem::take(&mut self.tail);
        let taken = self.pieces(&tail, true, sink)?;
        self.keep(&tail, taken);
        Ok(())
    }

    /// Two bytes more than the longest record: room for its line end.
    fn window_bytes(&self) -> usize {
        self.record_bytes_max + 2
    }

    /// How many of `bytes` the tail should get before another look.
    fn wanted(&self, bytes: &[u8]) -> usize {
        let most = match self.needed {
            Some(needed) => needed,
            None => memchr(b'\n', bytes).map_or(usize::MAX, |stop| self.tail.len() + stop + 1),
        };
        most.min(self.window_bytes()).saturating_sub(self.tail.len()).clamp(1, bytes.len())
    }

    /// Keeps what was not taken of `text`.
    fn keep(&mut self, text: &[u8], taken: usize) {
        self.offset += taken as u64;
        let rest = text.get(taken..).unwrap_or_default();
        // Looking again only when the bytes have doubled keeps tiny pushes linear.
        let open = memchr(b'\n', rest).is_some();
        self.needed = open.then(|| (rest.len() * 2).min(self.window_bytes()));
        self.tail.extend_from_slice(rest);
    }

    /// Hands over the pieces of `text` and returns the bytes they took.
    fn pieces(
        &mut self,
        text: &[u8],
        at_end: bool,
        sink: &mut impl FnMut(Piece<'_>) -> Result<(), FileFault>,
    ) -> Result<usize, FileFault> {
        let mut at = 0;
        while at < text.len()
            && let Some(length) = self.piece(text, at, at_end, sink)?
        {
            at += length;
        }
        Ok(at)
    }

    /// Hands over the piece that begins at `at`, if it is a piece and no blank line, and returns the bytes it took;
    /// `None` when more bytes are needed.
    ///
    /// # Errors
    /// As for [`Records::push`].
    pub(super) fn piece(
        &mut self,
        text: &[u8],
        at: usize,
        at_end: bool,
        sink: &mut impl FnMut(Piece<'_>) -> Result<(), FileFault>,
    ) -> Result<Option<usize>, FileFault> {
        if self.offset + at as u64 >= self.end {
            return Ok(None);
        }
        if !self.started {
            if !at_end && text.len() < BOM.len() && BOM.starts_with(text) {
                return Ok(None);
            }
            self.started = true;
            if text.starts_with(BOM) {
                return Ok(Some(BOM.len()));
            }
        }
        let window = &text[at..text.len().min(at + self.window_bytes())];
        let reaches_end = at_end && at + window.len() == text.len();
        match memchr2(b'\n', self.quote, window) {
            Some(stop) if window[stop] == b'\n' => self.plain_line(window, stop, stop + 1, at as u64, sink),
            None if reaches_end => self.plain_line(window, window.len(), window.len(), at as u64, sink),
            Some(_) => self.quoted_record(window, reaches_end, at as u64, sink),
            None if window.len() == self.window_bytes() => Err(self.line_too_long(window)),
            None => Ok(None),
        }
    }

    /// Counts pieces of one line each that were taken without [`Records::piece`].
    pub(super) fn skip(&mut self, lines: u64) {
        self.line += lines;
    }

    /// The physical line of the next piece.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The longest record allowed.
    pub(super) fn record_bytes_max(&self) -> usize {
        self.record_bytes_max
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
        let full = window.len() == self.window_bytes();
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
            None if window.len() == self.window_bytes() => return Err(self.line_too_long(window)),
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

/// Reads bytes that are one record without its line end.
pub(crate) fn single_record<'a>(
    fields: &'a mut Fields,
    raw: &'a [u8],
    delimiter: u8,
    quote: u8,
    line: u64,
) -> Result<Record<'a>, QuotingFault> {
    match fields.scan(raw, delimiter, quote, End::Record) {
        Scan::Closed { next, .. } if next == raw.len() => Ok(Record::new(raw, fields, line)),
        // A line end outside of quotes: these bytes never were one record under today's quote.
        Scan::Closed { .. } => Err(QuotingFault::NeverClosed { field: fields.len() }),
        Scan::Broken(fault) => Err(fault),
        Scan::Open { field } => Err(QuotingFault::NeverClosed { field }),
    }
}
