//! Many rows in one statement.

use super::link::Link;
use super::trouble::{Tried, Trouble};
use crate::bind::Datum;
use std::fmt::Write;
use std::ops::Range;

/// Most rows of a statement: more of them hardly save a round trip.
const ROWS_MOST: usize = 1_000;

/// Most bytes of a statement, well below what any server accepts (`max_allowed_packet`).
const BYTES_MOST: usize = 900_000;

/// Appends a value as SQL writes it. A text is closed by `'` alone: see the session's mode.
pub(super) fn literal(sql: &mut String, datum: &Datum<'_>) {
    match datum {
        Datum::Null => sql.push_str("NULL"),
        Datum::Integer(value) => {
            let _ = write!(sql, "{value}");
        }
        Datum::Decimal(value) => {
            let _ = write!(sql, "{value}");
        }
        Datum::Text(text) => quoted(sql, text),
        Datum::Day(text) => quoted(sql, text),
    }
}

fn quoted(sql: &mut String, text: &str) {
    sql.push('\'');
    for (at, part) in text.split('\'').enumerate() {
        if at > 0 {
            sql.push_str("''");
        }
        sql.push_str(part);
    }
    sql.push('\'');
}

/// Gathers rows, and sends them in statements of a good size. The statements must be such that one that failed left
/// nothing: InnoDB rolls a statement back whole.
pub(super) struct Bulk {
    head: String,
    tail: String,
    rows: String,
    /// Where each gathered row ends.
    ends: Vec<usize>,
    /// What each gathered row is to the caller.
    marks: Vec<usize>,
}

impl Bulk {
    /// For statements `head (row), (row), … tail`.
    pub(super) fn new(head: impl Into<String>, tail: impl Into<String>) -> Self {
        Bulk { head: head.into(), tail: tail.into(), rows: String::new(), ends: Vec::new(), marks: Vec::new() }
    }

    /// Whether everything was sent.
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Gathers a row, which the caller knows by `mark`. Returns how many rows the server changed, if it was sent some.
    pub(super) fn push<'d>(
        &mut self,
        link: &mut Link,
        row: impl IntoIterator<Item = Datum<'d>>,
        mark: usize,
        refused: &mut impl FnMut(usize, Trouble) -> Tried<()>,
    ) -> Tried<u64> {
        self.rows.push('(');
        for (at, datum) in row.into_iter().enumerate() {
            if at > 0 {
                self.rows.push_str(", ");
            }
            literal(&mut self.rows, &datum);
        }
        self.rows.push(')');
        self.ends.push(self.rows.len());
        self.marks.push(mark);
        if self.ends.len() < ROWS_MOST && self.rows.len() < BYTES_MOST {
            return Ok(0);
        }
        self.flush(link, refused)
    }

    /// Sends what is gathered. A row that the server refuses is told to `refused` with its mark; if that makes nothing of
    /// it, the others go on.
    pub(super) fn flush(
        &mut self,
        link: &mut Link,
        refused: &mut impl FnMut(usize, Trouble) -> Tried<()>,
    ) -> Tried<u64> {
        let changed = self.send(link, 0..self.ends.len(), refused)?;
        self.rows.clear();
        self.ends.clear();
        self.marks.clear();
        Ok(changed)
    }

    fn send(
        &self,
        link: &mut Link,
        part: Range<usize>,
        refused: &mut impl FnMut(usize, Trouble) -> Tried<()>,
    ) -> Tried<u64> {
        if part.is_empty() {
            return Ok(0);
        }
        let mut sql = String::with_capacity(self.head.len() + self.rows.len() + self.tail.len() + 2 * part.len());
        sql.push_str(&self.head);
        for row in part.clone() {
            sql.push_str(if row == part.start { " " } else { ", " });
            let start = if row == 0 { 0 } else { self.ends[row - 1] };
            sql.push_str(&self.rows[start..self.ends[row]]);
        }
        sql.push(' ');
        sql.push_str(&self.tail);
        match link.run(&sql) {
            // The server does not say which row it means: halves are tried until there is one left.
            Err(trouble) if trouble.misfit().is_some() || trouble.constraint().is_some() => {
                if part.len() == 1 {
                    refused(self.marks[part.start], trouble)?;
                    return Ok(0);
                }
                let middle = part.start + part.len() / 2;
                Ok(self.send(link, part.start..middle, refused)? + self.send(link, middle..part.end, refused)?)
            }
            done => done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tillmart_model::money::Decimal;

    #[test]
    fn literals_close_where_they_should() {
        let written = |datum: Datum<'_>| {
            let mut sql = String::new();
            literal(&mut sql, &datum);
            sql
        };
        assert_eq!(written(Datum::Text("it's \\ 'so'")), "'it''s \\ ''so'''");
        assert_eq!(written(Datum::Text("")), "''");
        assert_eq!(written(Datum::Null), "NULL");
        assert_eq!(written(Datum::Integer(i64::MIN)), "-9223372036854775808");
        assert_eq!(written(Datum::Decimal(Decimal { unscaled: -5, scale: 2 })), "-0.05");
        assert_eq!(written(Datum::Day("2024-02-29".to_owned())), "'2024-02-29'");
    }
}
