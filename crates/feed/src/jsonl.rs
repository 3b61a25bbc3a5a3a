//! JSON lines: one object a line. Numbers stay the text that they are.

use crate::check::{Cell, Row};
use crate::extras::Extras;
use crate::sorter::{Place, Sorter, TakesRows};
use memchr::memchr;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use tillmart_model::{Column, Contract, Encoding, FileFault, FileReason, RowReason, SalesColumn};

/// Bytes taken in at a time, so that the buffer stays small however large the pushed pieces are.
const PIECE_BYTES: usize = 128 << 10;

/// Keys of an object whose column is remembered, at most.
const PLACES_REMEMBERED: usize = 64;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Splits pushed text into lines and judges each.
pub(crate) struct JsonLines {
    rows: JsonRows,
    buffer: Vec<u8>,
    /// Bytes of the buffer that surely hold no line end.
    searched: usize,
    offset: u64,
    line: u64,
    /// A line that begins here or behind is left alone.
    end: u64,
    line_bytes_max: usize,
}

impl JsonLines {
    pub(crate) fn new(contract: Arc<Contract>) -> Self {
        let line_bytes_max = usize::try_from(contract.record_bytes_max).unwrap_or(usize::MAX);
        JsonLines {
            rows: JsonRows::new(contract, DateTexts::OfContract),
            buffer: Vec::new(),
            searched: 0,
            offset: 0,
            line: 0,
            end: u64::MAX,
            line_bytes_max,
        }
    }

    /// From now on the text is that of a file from the physical line `line` on, which begins at `offset`.
    pub(crate) fn start_at(&mut self, offset: u64, line: u64) {
        (self.offset, self.line) = (offset, line - 1);
    }

    /// Leaves alone the lines that begin at `offset` or behind it.
    pub(crate) fn end_at(&mut self, offset: u64) {
        self.end = offset;
    }

    /// Offset of the first byte that is not taken.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes text in.
    ///
    /// # Errors
    /// `unreadable` for a line longer than the longest record.
    pub(crate) fn push(&mut self, text: &[u8], sorter: &mut Sorter) -> Result<(), FileFault> {
        for piece in text.chunks(PIECE_BYTES) {
            if self.offset >= self.end {
                return Ok(());
            }
            self.buffer.extend_from_slice(piece);
            let buffer = std::mem::take(&mut self.buffer);
            let mut at = 0;
            while self.offset < self.end
                && let Some(found) = memchr(b'\n', &buffer[at + self.searched..])
            {
                let stop = at + self.searched + found;
                self.searched = 0;
                self.one_line(&buffer[at..stop], stop + 1 - at, sorter)?;
                at = stop + 1;
            }
            self.buffer = buffer;
            self.buffer.drain(..at);
            self.searched = self.buffer.len();
            if self.offset >= self.end {
                return Ok(());
            }
            self.refuse_longer(self.buffer.len(), 1, self.line + 1)?;
        }
        Ok(())
    }

    /// Judges a last line without line end.
    ///
    /// # Errors
    /// As [`JsonLines::push`].
    pub(crate) fn finish(&mut self, sorter: &mut Sorter) -> Result<(), FileFault> {
        let rest = std::mem::take(&mut self.buffer);
        if rest.is_empty() || self.offset >= self.end { Ok(()) } else { self.one_line(&rest, rest.len(), sorter) }
    }

    /// `spare` is room for half a line end.
    fn refuse_longer(&self, bytes: usize, spare: usize, line: u64) -> Result<(), FileFault> {
        if bytes <= self.line_bytes_max.saturating_add(spare) {
            return Ok(());
        }
        let message = format!(
            "line {line} is longer than record_bytes_max; expected one JSON object a line, of at most {} bytes",
            self.line_bytes_max
        );
        Err(FileFault { reason: FileReason::Unreadable, message, line: Some(line) })
    }

    fn one_line(&mut self, line: &[u8], length: usize, sorter: &mut Sorter) -> Result<(), FileFault> {
        let mut offset = self.offset;
        self.offset += length as u64;
        self.line += 1;
        let mut raw = line.strip_suffix(b"\r").unwrap_or(line);
        self.refuse_longer(raw.len(), 0, self.line)?;
        if self.line == 1 && raw.starts_with(BOM) {
            raw = &raw[BOM.len()..];
            offset += BOM.len() as u64;
        }
        if !raw.trim_ascii().is_empty() {
            let place = Place { line: Some(self.line), byte_offset: Some(offset) };
            self.rows.row(raw, place, sorter);
        }
        Ok(())
    }
}

/// How date texts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DateTexts {
    /// In the contract's formats.
    OfContract,
    /// First of all as `YYYY-MM-DD`: rows of Parquet files, whose dates had a type.
    Plain,
}

/// Judges JSON objects.
pub(crate) struct JsonRows {
    contract: Arc<Contract>,
    dates: DateTexts,
    extras: Extras,
    /// The keys of the latest objects by place, and which of the contract's columns each is: most objects of a file have
    /// the same keys in the same order.
    order: Vec<(String, Option<usize>)>,
}

/// An object's members in order, values as the text that they are.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfMap;
        impl<'de> Visitor<'de> for OfMap {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::with_capacity(SalesColumn::ALL.len() + 3);
                while let Some(Text(name)) = map.next_key()? {
                    members.push((name, map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(OfMap)
    }
}

/// A reason, its column, and its message.
type Refusal = (RowReason, Option<String>, String);

impl JsonRows {
    pub(crate) fn new(contract: Arc<Contract>, dates: DateTexts) -> Self {
        let extras = Extras::new(contract.extra_columns);
        JsonRows { contract, dates, extras, order: Vec::new() }
    }

    /// Judges one line.
    pub(crate) fn row(&mut self, raw: &[u8], place: Place, sorter: &mut impl TakesRows) {
        let judged = match utf8(raw, self.contract.encoding) {
            Ok(text) => self.object(&text, raw, place, sorter),
            Err(refusal) => Err(refusal),
        };
        if let Err((reason, column, message)) = judged {
            sorter.reject(place, reason, column, message, raw.to_vec());
        }
    }

    fn object(&mut self, text: &str, raw: &[u8], place: Place, sorter: &mut impl TakesRows) -> Result<(), Refusal> {
        let Members(members) = serde_json::from_str(text).map_err(|error| no_object(&error))?;
        let mut found: [Option<Cow<'_, str>>; SalesColumn::ALL.len()] = std::array::from_fn(|_| None);
        let mut is_string = [true; SalesColumn::ALL.len()];
        self.extras.clear();
        for (place, (name, value)) in members.iter().enumerate() {
            let column = column_at(&self.contract, &mut self.order, place, name);
            let string = value.get().starts_with('"');
            let refuse = |_| not_text(name);
            match column {
                None if string => self.extras.add_text(name, &unescaped(value).map_err(refuse)?),
                None => self.extras.add_json(name, value.get()),
                Some(column) => {
                    let at = column.column as usize;
                    if found[at].is_some() {
                        let message = format!("the key {} stands in the object twice; expected it once", column.source);
                        return Err((RowReason::BadQuoting, Some(column.column.name().to_owned()), message));
                    }
                    is_string[at] = string;
                    found[at] = Some(match value.get() {
                        "null" => Cow::Borrowed(""),
                        _ if string => unescaped(value).map_err(refuse)?,
                        plain => Cow::Borrowed(plain),
                    });
                }
            }
        }
        let mut cells = [Cell::text(&[]); SalesColumn::ALL.len()];
        for column in &self.contract.columns {
            let at = column.column as usize;
            let constant = column.constant.as_deref().unwrap_or_default();
            let plain_date = self.dates == DateTexts::Plain && column.column == SalesColumn::SalesDate;
            cells[at] = match &found[at] {
                None => Cell::text(constant.as_bytes()),
                Some(text) if is_string[at] && !plain_date => Cell::text(text.as_bytes()),
                Some(text) => Cell::plain(text.as_bytes()),
            };
        }
        let row = Row { cells, extras: self.extras.end(), undecodable_extra: None };
        sorter.row(&row, place, || raw.to_vec());
        Ok(())
    }
}

/// The contract's column of a key that stands at `place` of its object.
fn column_at<'a>(
    contract: &'a Contract,
    order: &mut Vec<(String, Option<usize>)>,
    place: usize,
    name: &str,
) -> Option<&'a Column> {
    let found = match order.get(place) {
        Some((latest, column)) if latest == name => *column,
        _ => {
            let found = contract.columns.iter().position(|column| column.source == name.trim_ascii());
            match order.get_mut(place) {
                Some(latest) => *latest = (name.to_owned(), found),
                None if place < PLACES_REMEMBERED => order.push((name.to_owned(), found)),
                None => {}
            }
            found
        }
    };
    contract.columns.get(found?)
}

fn utf8(raw: &[u8], encoding: Encoding) -> Result<Cow<'_, str>, Refusal> {
    match (std::str::from_utf8(raw), encoding) {
        (_, Encoding::Latin1) if !raw.is_ascii() => Ok(raw.iter().map(|byte| char::from(*byte)).collect()),
        (Ok(text), _) => Ok(Cow::Borrowed(text)),
        (Err(error), _) => {
            let message = format!(
                "byte {} of the line is no UTF-8; expected UTF-8 text, or a contract that says Latin-1",
                error.valid_up_to() + 1
            );
            Err((RowReason::BadEncoding, None, message))
        }
    }
}

/// The parser's own words may quote the row, so only its position is told.
fn no_object(error: &serde_json::Error) -> Refusal {
    let found = if error.is_data() {
        "found another JSON value".to_owned()
    } else {
        format!("no valid JSON at byte {}", error.column())
    };
    (RowReason::BadQuoting, None, format!("expected one JSON object a line; {found}"))
}

fn not_text(name: &str) -> Refusal {
    let message = format!("{name} holds escapes that are no text; expected Unicode");
    (RowReason::BadEncoding, Some(name.to_owned()), message)
}

fn unescaped(value: &RawValue) -> Result<Cow<'_, str>, serde_json::Error> {
    serde_json::from_str(value.get()).map(|Text(text)| text)
}
