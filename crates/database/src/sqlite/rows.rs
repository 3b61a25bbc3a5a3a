//! Values between SQLite and what all databases share.

use super::trouble::{Tried, Trouble};
use crate::bind::Datum;
use crate::columns::{Cell, Frame};
use crate::records::Record;
use crate::refusal::promise;
use rusqlite::Row;
use rusqlite::types::{FromSql, ToSqlOutput, Value, ValueRef};
use std::borrow::Cow;

/// Puts a row into a frame.
pub(super) fn take(frame: &mut Frame, row: &Row<'_>) -> Tried<()> {
    Ok(frame.push(|at| match row.get_ref(at) {
        Ok(ValueRef::Null) => Cell::Null,
        Ok(ValueRef::Integer(value)) => Cell::Integer(value),
        Ok(ValueRef::Real(_)) => Cell::Real,
        Ok(ValueRef::Text(text)) => Cell::Text(Cow::Borrowed(text)),
        Ok(ValueRef::Blob(bytes)) => Cell::Bytes(Cow::Borrowed(bytes)),
        Err(_) => Cell::Odd,
    })?)
}

/// A value as SQLite keeps it: dates and decimals are text.
pub(super) fn output(datum: Datum<'_>) -> Tried<ToSqlOutput<'_>> {
    Ok(match datum {
        Datum::Null => ToSqlOutput::Owned(Value::Null),
        Datum::Integer(value) => ToSqlOutput::Owned(Value::Integer(value)),
        Datum::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        Datum::Day(text) => ToSqlOutput::Owned(Value::Text(text)),
        Datum::Decimal(value) => {
            // The virtual column beside it holds the same digits as a 64-bit integer.
            if i64::try_from(value.unscaled).is_err() {
                return Err(promise("a published amount is beyond 18 digits").found(value.unscaled).into());
            }
            ToSqlOutput::Owned(Value::Text(value.to_string()))
        }
    })
}

impl Record for Row<'_> {
    type Trouble = Trouble;

    fn text(&self, column: &str) -> Tried<Option<String>> {
        of(self, column)
    }

    fn integer(&self, column: &str) -> Tried<Option<i64>> {
        of(self, column)
    }

    fn bytes(&self, column: &str) -> Tried<Option<Vec<u8>>> {
        of(self, column)
    }
}

fn of<T: FromSql>(row: &Row<'_>, column: &str) -> Tried<Option<T>> {
    Ok(row.get(column)?)
}
