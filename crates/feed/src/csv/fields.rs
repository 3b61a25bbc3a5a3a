//! The fields of one record: where each lies, unquoted without copying wherever possible.

use super::numbers::zero_bytes;
use memchr::{memchr, memchr_iter, memchr3};
use std::fmt;

/// What is wrong with the quotes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotingFault {
    /// A quote within a field that does not begin with one; the field counts from 1.
    QuoteInside {
        /// The field.
        field: usize,
    },
    /// Text between a closing quote and the next delimiter; the field counts from 1.
    TextAfterQuote {
        /// The field.
        field: usize,
    },
    /// A quote that is not closed before the end of the file, or within the longest record allowed.
    NeverClosed {
        /// The field.
        field: usize,
    },
    /// A quoted field runs over line ends, but the record so made has not the header's number of fields.
    WrongCount {
        /// Fields of the record.
        found: usize,
        /// Fields of the header.
        expected: usize,
    },
}

impl fmt::Display for QuotingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QuotingFault::QuoteInside { field } => {
                write!(f, "a quote within field {field}; expected the whole field in quotes, and quotes in it doubled")
            }
            QuotingFault::TextAfterQuote { field } => {
                write!(f, "text after the closing quote of field {field}; expected a delimiter or the line's end")
            }
            QuotingFault::NeverClosed { field } => {
                write!(f, "the quote that opens field {field} is never closed; expected a closing quote")
            }
            QuotingFault::WrongCount { found, expected } => write!(
                f,
                "a quoted field runs over the line's end and makes a record of {found} fields; expected {expected}"
            ),
        }
    }
}

/// What follows the bytes that are scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Perhaps more bytes.
    More,
    /// The end of the file: a last CR is half a line end.
    File,
    /// Nothing: the bytes are one record without its line end.
    Record,
}

/// How the scan of a record ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scan {
    /// At a line end (or the end of the file) outside of quotes.
    Closed {
        /// Bytes of the record without its line end.
        length: usize,
        /// Bytes to the start of the next record.
        next: usize,
        /// Physical lines of the record.
        lines: u64,
    },
    /// The quotes are wrong.
    Broken(QuotingFault),
    /// The bytes ended first, in this field (from 1).
    Open {
        /// The field.
        field: usize,
    },
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
    /// The text lies in the scratch buffer, because a doubled quote had to be undone.
    unescaped: bool,
}

/// The fields of the latest record; reused from record to record.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    spans: Vec<Span>,
    unescaped: Vec<u8>,
}

/// Where scanning goes on after a quoted field, or how it ended.
enum After {
    Delimiter(usize),
    Ended(Scan),
}

impl Fields {
    /// Number of fields.
    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// The text of a field of `record`, the bytes that were scanned last; empty when there is no such field.
    #[inline]
    pub(crate) fn get<'a>(&'a self, record: &'a [u8], index: usize) -> &'a [u8] {
        let Some(span) = self.spans.get(index) else { return &[] };
        let text = if span.unescaped { self.unescaped.as_slice() } else { record };
        text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// Splits a line that holds no quote.
    pub(crate) fn split_plain(&mut self, line: &[u8], delimiter: u8) {
        self.spans.clear();
        let pattern = u64::from(delimiter) * EACH_BYTE;
        let (words, rest) = line.as_chunks::<8>();
        let (mut start, mut base) = (0, 0);
        for word in words {
            // Eight bytes at a time: fields are too short for a search call each.
            let mut hits = zero_bytes(u64::from_le_bytes(*word) ^ pattern);
            while hits != 0 {
                let at = base + (hits.trailing_zeros() / 8) as usize;
                self.add(start, at);
                start = at + 1;
                hits &= hits - 1;
            }
            base += 8;
        }
        for (index, byte) in rest.iter().enumerate() {
            if *byte == delimiter {
                self.add(start, base + index);
                start = base + index + 1;
            }
        }
        self.add(start, line.len());
    }

    /// Scans one record that starts at the first byte of `text` and may hold quotes.
    pub(crate) fn scan(&mut self, text: &[u8], delimiter: u8, quote: u8, end: End) -> Scan {
        self.spans.clear();
        self.unescaped.clear();
        let (mut at, mut lines) = (0, 1);
        loop {
            if text.get(at) == Some(&quote) {
                match self.quoted(text, at + 1, delimiter, quote, end, &mut lines) {
                    After::Delimiter(next) => at = next,
                    After::Ended(scan) => return scan,
                }
                continue;
            }
            let Some(found) = memchr3(delimiter, b'\n', quote, &text[at..]) else {
                return self.last_field(text, at, end, lines);
            };
            let stop = at + found;
            match text[stop] {
                b'\n' => {
                    let length = without_cr(text, at, stop);
                    self.add(at, length);
                    return Scan::Closed { length, next: stop + 1, lines };
                }
                byte if byte == quote => {
                    return Scan::Broken(QuotingFault::QuoteInside { field: self.spans.len() + 1 });
                }
                _ => {
                    self.add(at, stop);
                    at = stop + 1;
                }
            }
        }
    }

    /// An unquoted field that runs to the end of the bytes.
    fn last_field(&mut self, text: &[u8], start: usize, end: End, lines: u64) -> Scan {
        let length = match end {
            End::More => return Scan::Open { field: self.spans.len() + 1 },
            End::File => without_cr(text, start, text.len()),
            End::Record => text.len(),
        };
        self.add(start, length);
        Scan::Closed { length, next: text.len(), lines }
    }

    /// A quoted field whose text starts at `start`, just after the quote.
    fn quoted(&mut self, text: &[u8], start: usize, delimiter: u8, quote: u8, end: End, lines: &mut u64) -> After {
        let field = self.spans.len() + 1;
        let scratch_start = self.unescaped.len();
        let mut copied = start;
        let mut at = start;
        let close = loop {
            let Some(found) = memchr(quote, &text[at..]) else { return After::Ended(Scan::Open { field }) };
            at += found;
            match text.get(at + 1) {
                Some(next) if *next == quote => {
                    self.unescaped.extend_from_slice(&text[copied..=at]);
                    at += 2;
                    copied = at;
                }
                None if end == End::More => return After::Ended(Scan::Open { field }),
                _ => break at,
            }
        };
        *lines += memchr_iter(b'\n', &text[start..close]).count() as u64;
        if copied == start {
            self.add(start, close);
        } else {
            self.unescaped.extend_from_slice(&text[copied..close]);
            self.add(scratch_start, self.unescaped.len());
            if let Some(span) = self.spans.last_mut() {
                span.unescaped = true;
            }
        }
        let length = close + 1;
        let closed = |next| After::Ended(Scan::Closed { length, next, lines: *lines });
        match (text.get(length), text.get(length + 1)) {
            (Some(byte), _) if *byte == delimiter => After::Delimiter(length + 1),
            (Some(b'\n'), _) => closed(length + 1),
            (Some(b'\r'), Some(b'\n')) => closed(length + 2),
            (Some(b'\r'), None) if end == End::More => After::Ended(Scan::Open { field }),
            (Some(b'\r'), None) if end == End::File => closed(length + 1),
            (None, _) => closed(length),
            _ => After::Ended(Scan::Broken(QuotingFault::TextAfterQuote { field })),
        }
    }

    #[inline]
    fn add(&mut self, start: usize, end: usize) {
        // Records are bounded far below 4 GiB (`Records::new`), so the casts lose nothing.
        self.spans.push(Span { start: start as u32, end: end as u32, unescaped: false });
    }
}

const EACH_BYTE: u64 = 0x0101_0101_0101_0101;

/// The end of a line that stops before `stop`, leaving out a CR; never before `start`.
pub(crate) fn without_cr(text: &[u8], start: usize, stop: usize) -> usize {
    if stop > start && text[stop - 1] == b'\r' { stop - 1 } else { stop }
}
