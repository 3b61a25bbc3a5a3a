//! Values between the server and what all databases share.

use super::trouble::{Tried, Trouble};
use crate::columns::{Cell, Frame};
use crate::records::Record;
use crate::refusal::database;
use arrow::datatypes::DataType;
use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::{Row, Value};
use std::borrow::Cow;

/// Puts a row into a frame whose columns have these types.
pub(super) fn take(frame: &mut Frame, wanted: &[DataType], row: &Row) -> Tried<()> {
    Ok(frame.push(|at| cell(row, at, wanted.get(at)))?)
}

fn cell<'r>(row: &'r Row, at: usize, wanted: Option<&DataType>) -> Cell<'r> {
    let Some(value) = row.as_ref(at) else { return Cell::Odd };
    match value {
        Value::NULL => Cell::Null,
        Value::Int(value) => Cell::Integer(*value),
        Value::UInt(value) => match i64::try_from(*value) {
            Ok(value) => Cell::Integer(value),
            Err(_) => Cell::Text(Cow::Owned(value.to_string().into_bytes())),
        },
        Value::Float(_) | Value::Double(_) => Cell::Real,
        // As the server writes it, where `sql` went as it stood.
        Value::Bytes(bytes) if is_whole(row, at) => {
            match std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<i64>().ok()) {
                Some(value) => Cell::Integer(value),
                None => Cell::Text(Cow::Borrowed(bytes)),
            }
        }
        Value::Bytes(bytes) if is_binary(row, at) => Cell::Bytes(Cow::Borrowed(bytes)),
        Value::Bytes(bytes) => Cell::Text(Cow::Borrowed(bytes)),
        Value::Date(..) | Value::Time(..) => {
            let day = wanted == Some(&DataType::Date32);
            Cell::Text(Cow::Owned(time_text(value, day || is_day(row, at)).into_bytes()))
        }
    }
}

/// A date or time as text; `day` leaves midnight away.
fn time_text(value: &Value, day: bool) -> String {
    match value {
        Value::Date(year, month, date, 0, 0, 0, 0) if day => format!("{year:04}-{month:02}-{date:02}"),
        Value::Date(year, month, date, hour, minute, second, micro) => {
            let fraction = if *micro == 0 { String::new() } else { format!(".{micro:06}") };
            format!("{year:04}-{month:02}-{date:02} {hour:02}:{minute:02}:{second:02}{fraction}")
        }
        Value::Time(negative, days, hours, minutes, seconds, micros) => {
            let (sign, hours) = (if *negative { "-" } else { "" }, days * 24 + u32::from(*hours));
            let fraction = if *micros == 0 { String::new() } else { format!(".{micros:06}") };
            format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{fraction}")
        }
        _ => String::new(),
    }
}

fn is_day(row: &Row, at: usize) -> bool {
    row.columns_ref().get(at).is_some_and(|column| column.column_type() == ColumnType::MYSQL_TYPE_DATE)
}

/// Whether a column holds whole numbers.
fn is_whole(row: &Row, at: usize) -> bool {
    row.columns_ref().get(at).is_some_and(|column| {
        matches!(
            column.column_type(),
            ColumnType::MYSQL_TYPE_TINY
                | ColumnType::MYSQL_TYPE_SHORT
                | ColumnType::MYSQL_TYPE_INT24
                | ColumnType::MYSQL_TYPE_LONG
                | ColumnType::MYSQL_TYPE_LONGLONG
        )
    })
}

/// Whether a column holds bytes rather than text: character set 63 is `binary`, which numbers and dates have too.
fn is_binary(row: &Row, at: usize) -> bool {
    row.columns_ref().get(at).is_some_and(|column| {
        let of_letters = matches!(
            column.column_type(),
            ColumnType::MYSQL_TYPE_STRING
                | ColumnType::MYSQL_TYPE_VAR_STRING
                | ColumnType::MYSQL_TYPE_VARCHAR
                | ColumnType::MYSQL_TYPE_TINY_BLOB
                | ColumnType::MYSQL_TYPE_MEDIUM_BLOB
                | ColumnType::MYSQL_TYPE_LONG_BLOB
                | ColumnType::MYSQL_TYPE_BLOB
                | ColumnType::MYSQL_TYPE_BIT
                | ColumnType::MYSQL_TYPE_GEOMETRY
        );
        of_letters && column.character_set() == 63 && column.flags().contains(ColumnFlags::BINARY_FLAG)
    })
}

/// A value of a row by its column's name.
fn named<'r>(row: &'r Row, column: &str) -> Tried<&'r Value> {
    let at = row.columns_ref().iter().position(|found| found.name_str() == column);
    at.and_then(|at| row.as_ref(at)).ok_or_else(|| {
        let fault = database("a table of the database has other columns than this Tillmart knows");
        fault.found(format!("no column `{column}`")).hint("run `tillmart db migrate`").into()
    })
}

fn unlike(column: &str, expected: &str) -> Trouble {
    let fault = database(format!("the ledger's column `{column}` holds what Tillmart did not write"));
    fault.expected(expected).hint("somebody changed the ledger's tables: restore them from a backup").into()
}

impl Record for Row {
    type Trouble = Trouble;

    fn text(&self, column: &str) -> Tried<Option<String>> {
        match named(self, column)? {
            Value::NULL => Ok(None),
            Value::Bytes(bytes) => match String::from_utf8(bytes.clone()) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(unlike(column, "text in UTF-8")),
            },
            value @ Value::Date(..) => Ok(Some(time_text(value, true))),
            _ => Err(unlike(column, "text")),
        }
    }

    fn integer(&self, column: &str) -> Tried<Option<i64>> {
        match named(self, column)? {
            Value::NULL => Ok(None),
            Value::Int(value) => Ok(Some(*value)),
            Value::UInt(value) => i64::try_from(*value).map(Some).map_err(|_| unlike(column, "64 bits with sign")),
            _ => Err(unlike(column, "a whole number")),
        }
    }

    fn bytes(&self, column: &str) -> Tried<Option<Vec<u8>>> {
        match named(self, column)? {
            Value::NULL => Ok(None),
            Value::Bytes(bytes) => Ok(Some(bytes.clone())),
            _ => Err(unlike(column, "bytes")),
        }
    }
}

/// The text of an answer's column, empty for NULL.
pub(super) fn text_at(row: &Row, at: usize) -> String {
    match row.as_ref(at) {
        Some(Value::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        Some(Value::Int(value)) => value.to_string(),
        Some(Value::UInt(value)) => value.to_string(),
        _ => String::new(),
    }
}

/// The whole number of an answer's column, if it is one.
pub(super) fn number_at(row: &Row, at: usize) -> Option<i64> {
    match row.as_ref(at) {
        Some(Value::Int(value)) => Some(*value),
        Some(Value::UInt(value)) => i64::try_from(*value).ok(),
        _ => None,
    }
}
