//! Values of Arrow columns as SQLite keeps them, and the order in which it sorts them. Made for a million rows a publication: no
//! value of a usual row is put on the heap.

use super::trouble::Tried;
use crate::bind::{self, Source};
use crate::day;
use crate::refusal::promise;
use arrow::array::{Array, ArrayRef};
use rusqlite::types::{Null, ToSqlOutput, ValueRef};
use rusqlite::{Statement, ToSql};
use std::cell::Cell;
use std::cmp::Ordering;
use tillmart_model::money::Decimal;

/// Letters of a [`Short`] text: a sign, nineteen digits and a point, and some to spare.
const SHORT_BYTES: usize = 24;

/// Fraction digits up to which an amount is a [`Short`] text.
const SHORT_SCALE: u32 = 18;

/// A text made on the way: a date or an amount.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Short {
    buffer: [u8; SHORT_BYTES],
    start: usize,
}

impl Short {
    /// An amount with all digits of its scale, which is at most [`SHORT_SCALE`].
    fn amount(unscaled: i64, scale: u32) -> Short {
        let (mut buffer, mut start, mut digits) = ([b'0'; SHORT_BYTES], SHORT_BYTES, 0);
        let mut rest = unscaled.unsigned_abs();
        while rest > 0 || digits <= scale {
            start -= 1;
            // One digit: it fits a byte.
            buffer[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
            digits += 1;
            if digits == scale {
                start -= 1;
                buffer[start] = b'.';
            }
        }
        if unscaled < 0 {
            start -= 1;
            buffer[start] = b'-';
        }
        Short { buffer, start }
    }

    fn of(text: &str) -> Option<Short> {
        let start = SHORT_BYTES.checked_sub(text.len())?;
        let mut buffer = [0; SHORT_BYTES];
        buffer[start..].copy_from_slice(text.as_bytes());
        Some(Short { buffer, start })
    }

    fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}

/// A value as SQLite keeps it: dates and decimals are text.
pub(super) enum Kept<'a> {
    Null,
    Integer(i64),
    Text(&'a [u8]),
    Short(Short),
    Long(String),
}

impl Kept<'_> {
    /// The same, on its own.
    pub(super) fn owned(self) -> Kept<'static> {
        match self {
            Kept::Null => Kept::Null,
            Kept::Integer(value) => Kept::Integer(value),
            Kept::Short(text) => Kept::Short(text),
            // It came from a text.
            Kept::Text(text) => Kept::Long(String::from_utf8_lossy(text).into_owned()),
            Kept::Long(text) => Kept::Long(text),
        }
    }

    pub(super) fn value(&self) -> ValueRef<'_> {
        match self {
            Kept::Null => ValueRef::Null,
            Kept::Integer(value) => ValueRef::Integer(*value),
            Kept::Text(text) => ValueRef::Text(text),
            Kept::Short(text) => ValueRef::Text(text.bytes()),
            Kept::Long(text) => ValueRef::Text(text.as_bytes()),
        }
    }
}

impl ToSql for Kept<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.value()))
    }
}

/// SQLite's order of values without a collation: NULL, numbers, text byte by byte, blobs.
pub(super) fn order(one: ValueRef<'_>, other: ValueRef<'_>) -> Ordering {
    let rank = |value: ValueRef<'_>| match value {
        ValueRef::Null => 0,
        ValueRef::Integer(_) => 1,
        // No column of a mart holds one: its tables are strict.
        ValueRef::Real(_) => 2,
        ValueRef::Text(_) => 3,
        ValueRef::Blob(_) => 4,
    };
    match (one, other) {
        (ValueRef::Integer(one), ValueRef::Integer(other)) => one.cmp(&other),
        (ValueRef::Text(one), ValueRef::Text(other)) | (ValueRef::Blob(one), ValueRef::Blob(other)) => one.cmp(other),
        _ => rank(one).cmp(&rank(other)),
    }
}

/// The columns of one batch.
pub(super) struct Columns<'a> {
    sources: Vec<Source<'a>>,
    rows: usize,
    /// The last day that was asked for: mostly the next one, too.
    day: Cell<Option<(i32, Short)>>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(columns: &'a [ArrayRef]) -> Tried<Self> {
        let rows = columns.first().map_or(0, |column| column.len());
        Ok(Columns { sources: bind::sources(columns)?, rows, day: Cell::new(None) })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn sources(&self) -> &[Source<'a>] {
        &self.sources
    }

    /// The value as it stands in keys and published tables.
    pub(super) fn kept(&self, column: usize, row: usize) -> Tried<Kept<'a>> {
        let source = &self.sources[column];
        if source.is_null(row) {
            return Ok(Kept::Null);
        }
        Ok(match source {
            Source::Int32(array) => Kept::Integer(i64::from(array.value(row))),
            Source::Int64(array) => Kept::Integer(array.value(row)),
            Source::Text(array) => Kept::Text(array.value(row).as_bytes()),
            Source::Date(array) => Kept::Short(self.day(array.value(row))?),
            Source::Decimal(array, scale) => amount(array.value(row), *scale)?,
        })
    }

    /// Puts what [`Columns::kept`] tells into a parameter of a statement, for some millions of values, most of which need not be made first. `bound`
    /// tells the day whose text stands in the parameter already, if any: mostly it is this one.
    pub(super) fn bind(
        &self,
        (column, row): (usize, usize),
        statement: &mut Statement<'_>,
        parameter: usize,
        bound: &mut Option<i32>,
    ) -> Tried<()> {
        let source = &self.sources[column];
        if source.is_null(row) {
            *bound = None;
            return Ok(statement.raw_bind_parameter(parameter, Null)?);
        }
        match source {
            Source::Int32(array) => statement.raw_bind_parameter(parameter, array.value(row))?,
            Source::Int64(array) => statement.raw_bind_parameter(parameter, array.value(row))?,
            Source::Text(array) => statement.raw_bind_parameter(parameter, array.value(row))?,
            Source::Date(array) => {
                let day = array.value(row);
                if *bound != Some(day) {
                    statement.raw_bind_parameter(parameter, Kept::Short(self.day(day)?))?;
                    *bound = Some(day);
                }
            }
            Source::Decimal(array, scale) => {
                statement.raw_bind_parameter(parameter, amount(array.value(row), *scale)?)?;
            }
        }
        Ok(())
    }

    /// Whether a column holds whole numbers, each larger than the one before it: its rows are in order, and no two have one key.
    pub(super) fn is_strictly_ascending(&self, column: usize) -> bool {
        match &self.sources[column] {
            Source::Int32(array) => array.null_count() == 0 && array.values().is_sorted_by(|one, next| one < next),
            Source::Int64(array) => array.null_count() == 0 && array.values().is_sorted_by(|one, next| one < next),
            _ => false,
        }
    }

    /// Whether a column holds one number or day in all rows. Of texts it is not asked.
    pub(super) fn is_constant(&self, column: usize) -> bool {
        fn all_same<T: PartialEq>(values: &[T]) -> bool {
            values.split_first().is_none_or(|(first, rest)| rest.iter().all(|value| value == first))
        }
        match &self.sources[column] {
            Source::Int32(array) => array.null_count() == 0 && all_same(array.values()),
            Source::Int64(array) => array.null_count() == 0 && all_same(array.values()),
            Source::Date(array) => array.null_count() == 0 && all_same(array.values()),
            Source::Text(_) | Source::Decimal(..) => false,
        }
    }

    fn day(&self, day: i32) -> Tried<Short> {
        if let Some((known, text)) = self.day.get()
            && known == day
        {
            return Ok(text);
        }
        let text = day::text(day).as_deref().and_then(Short::of);
        let text =
            text.ok_or_else(|| promise("a date lies outside the years 0000 to 9999").found(format!("day {day}")))?;
        self.day.set(Some((day, text)));
        Ok(text)
    }

    /// The order of two rows by columns of each, in the order of the values as they are kept. No value may be NULL.
    pub(super) fn order(&self, row: usize, at: &[usize], other: (&Columns<'_>, usize, &[usize])) -> Ordering {
        let (others, other_row, other_at) = other;
        for (mine, theirs) in at.iter().zip(other_at) {
            let ordering = match (&self.sources[*mine], &others.sources[*theirs]) {
                (Source::Int64(one), Source::Int64(two)) => one.value(row).cmp(&two.value(other_row)),
                (Source::Int32(one), Source::Int32(two)) => one.value(row).cmp(&two.value(other_row)),
                // Within four-digit years the text sorts as the day does; others are refused when they are kept.
                (Source::Date(one), Source::Date(two)) => one.value(row).cmp(&two.value(other_row)),
                (Source::Text(one), Source::Text(two)) => one.value(row).cmp(two.value(other_row)),
                _ => match (self.kept(*mine, row), others.kept(*theirs, other_row)) {
                    (Ok(one), Ok(two)) => order(one.value(), two.value()),
                    // What cannot be kept is refused when it is put.
                    _ => Ordering::Equal,
                },
            };
            if ordering != Ordering::Equal {
                return ordering;
            }
        }
        Ordering::Equal
    }
}

fn amount<'a>(unscaled: i128, scale: u32) -> Tried<Kept<'a>> {
    // The virtual column beside it holds the same digits as a 64-bit integer.
    let Ok(short) = i64::try_from(unscaled) else {
        return Err(promise("a published amount is beyond 18 digits").found(unscaled).into());
    };
    Ok(if scale <= SHORT_SCALE {
        Kept::Short(Short::amount(short, scale))
    } else {
        Kept::Long(Decimal { unscaled, scale }.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Date32Array, Decimal128Array, Int32Array, Int64Array, StringArray};
    use arrow::datatypes::DataType;
    use rusqlite::Connection;
    use std::sync::Arc;

    #[test]
    fn amounts_read_as_everywhere_else() {
        for unscaled in [0, 1, -1, 9, 10, -10, 99, 100, -1_250, 123_456_789, i64::MAX, i64::MIN] {
            for scale in 0..=20 {
                let wanted = Decimal { unscaled: i128::from(unscaled), scale }.to_string();
                let kept = amount(i128::from(unscaled), scale).expect("within 64 bits");
                assert_eq!(kept.value(), ValueRef::Text(wanted.as_bytes()));
            }
        }
        assert!(amount(i128::from(i64::MAX) + 1, 2).is_err());
    }

    #[test]
    fn what_is_bound_is_what_is_kept() {
        let columns: [ArrayRef; 5] = [
            Arc::new(Int32Array::from(vec![Some(-1), None, Some(i32::MAX)])),
            Arc::new(Int64Array::from(vec![None, Some(i64::MIN), Some(7)])),
            Arc::new(StringArray::from(vec![Some(""), Some("Zo\u{eb}"), None])),
            Arc::new(Date32Array::from(vec![Some(19_844), None, Some(19_844)])),
            Arc::new(
                Decimal128Array::from(vec![Some(-105), Some(0), None]).with_data_type(DataType::Decimal128(16, 2)),
            ),
        ];
        let columns = Columns::of(&columns).expect("columns of a mart");
        let connection = Connection::open_in_memory().expect("opened");
        let mut statement = connection.prepare("SELECT ?").expect("prepared");
        for column in 0..5 {
            let mut bound = None;
            for row in 0..columns.rows() {
                columns.bind((column, row), &mut statement, 1, &mut bound).expect("bound");
                let mut found = statement.raw_query();
                let found = found.next().expect("asked").expect("a row");
                let kept = columns.kept(column, row).expect("kept");
                assert_eq!(found.get_ref(0).expect("a value"), kept.value(), "column {column}, row {row}");
            }
        }
    }

    #[test]
    fn values_sort_as_sqlite_sorts_them() {
        let sorted = [
            ValueRef::Null,
            ValueRef::Integer(-2),
            ValueRef::Integer(1),
            ValueRef::Text(b""),
            ValueRef::Text(b"B"),
            ValueRef::Text(b"a"),
            ValueRef::Text("\u{e9}".as_bytes()),
            ValueRef::Blob(b"a"),
        ];
        for (at, one) in sorted.iter().enumerate() {
            for (other_at, other) in sorted.iter().enumerate() {
                assert_eq!(order(*one, *other), at.cmp(&other_at));
            }
        }
    }
}
