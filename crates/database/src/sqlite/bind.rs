//! Arrow columns as SQLite values.

use super::day;
use super::trouble::{Tried, promise};
use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int32Type, Int64Type, Schema};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use tillmart_model::money::Decimal;

/// The columns of a batch in the types of `schema`. Text may come in any of Arrow's text layouts; everything else
/// must be of the declared type, because a silent conversion could change money.
pub(super) fn conform(what: &str, schema: &Schema, batch: &RecordBatch) -> Tried<Vec<ArrayRef>> {
    let shape = |schema: &Schema| {
        let columns: Vec<String> = schema.fields().iter().map(|f| format!("{} {}", f.name(), f.data_type())).collect();
        columns.join(", ")
    };
    let refused = || {
        promise(format!("rows for `{what}` have other columns than it"))
            .expected(shape(schema))
            .found(shape(batch.schema_ref()))
    };
    if schema.fields().len() != batch.num_columns() {
        return Err(refused().into());
    }
    let mut columns = Vec::with_capacity(batch.num_columns());
    for ((field, given), column) in schema.fields().iter().zip(batch.schema_ref().fields()).zip(batch.columns()) {
        let same_name = field.name() == given.name();
        if same_name && field.data_type() == column.data_type() {
            columns.push(column.clone());
        } else if same_name && field.data_type() == &DataType::Utf8 && is_text(column.data_type()) {
            columns.push(cast(column, &DataType::Utf8).map_err(|_| refused())?);
        } else {
            return Err(refused().into());
        }
    }
    Ok(columns)
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// One column, ready to give its values to a statement.
pub(super) enum Source<'a> {
    Int32(&'a Int32Array),
    Int64(&'a Int64Array),
    Text(&'a StringArray),
    Date(&'a Date32Array),
    Decimal(&'a Decimal128Array, u32),
}

impl<'a> Source<'a> {
    pub(super) fn of(array: &'a ArrayRef) -> Tried<Self> {
        Ok(match array.data_type() {
            DataType::Int32 => Source::Int32(array.as_primitive::<Int32Type>()),
            DataType::Int64 => Source::Int64(array.as_primitive::<Int64Type>()),
            DataType::Utf8 => Source::Text(array.as_string::<i32>()),
            DataType::Date32 => Source::Date(array.as_primitive::<Date32Type>()),
            DataType::Decimal128(_, scale) if *scale >= 0 => {
                Source::Decimal(array.as_primitive::<Decimal128Type>(), u32::from(scale.unsigned_abs()))
            }
            other => return Err(promise(format!("a mart cannot have a column of type {other}")).into()),
        })
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        match self {
            Source::Int32(array) => array.is_null(row),
            Source::Int64(array) => array.is_null(row),
            Source::Text(array) => array.is_null(row),
            Source::Date(array) => array.is_null(row),
            Source::Decimal(array, _) => array.is_null(row),
        }
    }

    /// The value as it stands in keys and published tables: dates `YYYY-MM-DD`, decimals with all digits of their scale.
    pub(super) fn value(&self, row: usize) -> Tried<ToSqlOutput<'a>> {
        if self.is_null(row) {
            return Ok(ToSqlOutput::Owned(Value::Null));
        }
        Ok(match self {
            Source::Int32(array) => ToSqlOutput::Owned(Value::Integer(i64::from(array.value(row)))),
            Source::Int64(array) => ToSqlOutput::Owned(Value::Integer(array.value(row))),
            Source::Text(array) => ToSqlOutput::Borrowed(ValueRef::Text(array.value(row).as_bytes())),
            Source::Date(array) => {
                let text = day::text(array.value(row)).ok_or_else(|| {
                    promise("a date lies outside the years 0000 to 9999").found(format!("day {}", array.value(row)))
                })?;
                ToSqlOutput::Owned(Value::Text(text))
            }
            Source::Decimal(array, scale) => {
                // The virtual column beside it holds the same digits as a 64-bit integer.
                let unscaled = array.value(row);
                if i64::try_from(unscaled).is_err() {
                    return Err(promise("a published amount is beyond 18 digits").found(unscaled).into());
                }
                ToSqlOutput::Owned(Value::Text(Decimal { unscaled, scale: *scale }.to_string()))
            }
        })
    }

    /// A sum as a scaled integer, `None` if it is NULL or no number.
    pub(super) fn unscaled(&self, row: usize) -> Option<i128> {
        if self.is_null(row) {
            return None;
        }
        match self {
            Source::Int32(array) => Some(i128::from(array.value(row))),
            Source::Int64(array) => Some(i128::from(array.value(row))),
            Source::Decimal(array, _) => Some(array.value(row)),
            Source::Text(_) | Source::Date(_) => None,
        }
    }
}

/// All columns, ready.
pub(super) fn sources(columns: &[ArrayRef]) -> Tried<Vec<Source<'_>>> {
    columns.iter().map(Source::of).collect()
}

/// A key in words, for messages.
pub(super) fn key_words(names: &[&str], sources: &[Source<'_>], row: usize) -> String {
    let word = |source: &Source<'_>| match source.value(row) {
        Ok(ToSqlOutput::Owned(Value::Integer(value))) => value.to_string(),
        Ok(ToSqlOutput::Owned(Value::Text(text))) => text,
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(text))) => String::from_utf8_lossy(text).into_owned(),
        _ => "NULL".to_owned(),
    };
    let words: Vec<String> =
        names.iter().zip(sources).map(|(name, source)| format!("{name} {}", word(source))).collect();
    words.join(", ")
}
