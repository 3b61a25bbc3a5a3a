//! Arrow columns as values for statements.

use crate::day;
use crate::refusal::{Checked, promise};
use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Field, Int32Type, Int64Type, Schema};
use std::fmt;
use tillmart_model::money::{Decimal, power_of_ten};

/// The columns of a batch in the types of `schema`. Text may come in any of Arrow's text layouts; everything else
/// must be of the declared type, because a silent conversion could change money.
pub(crate) fn conform(what: &str, schema: &Schema, batch: &RecordBatch) -> Checked<Vec<ArrayRef>> {
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
pub(crate) enum Source<'a> {
    Int32(&'a Int32Array),
    Int64(&'a Int64Array),
    Text(&'a StringArray),
    Date(&'a Date32Array),
    Decimal(&'a Decimal128Array, u32),
}

impl<'a> Source<'a> {
    pub(crate) fn of(array: &'a ArrayRef) -> Checked<Self> {
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

    #[inline]
    pub(crate) fn is_null(&self, row: usize) -> bool {
        match self {
            Source::Int32(array) => array.is_null(row),
            Source::Int64(array) => array.is_null(row),
            Source::Text(array) => array.is_null(row),
            Source::Date(array) => array.is_null(row),
            Source::Decimal(array, _) => array.is_null(row),
        }
    }

    /// The value as it stands in keys and published tables.
    pub(crate) fn value(&self, row: usize) -> Checked<Datum<'a>> {
        if self.is_null(row) {
            return Ok(Datum::Null);
        }
        Ok(match self {
            Source::Int32(array) => Datum::Integer(i64::from(array.value(row))),
            Source::Int64(array) => Datum::Integer(array.value(row)),
            Source::Text(array) => Datum::Text(array.value(row)),
            Source::Date(array) => Datum::Day(day::text(array.value(row)).ok_or_else(|| {
                promise("a date lies outside the years 0000 to 9999").found(format!("day {}", array.value(row)))
            })?),
            Source::Decimal(array, scale) => Datum::Decimal(Decimal { unscaled: array.value(row), scale: *scale }),
        })
    }

    /// A sum as a scaled integer, `None` if it is NULL or no number.
    pub(crate) fn unscaled(&self, row: usize) -> Option<i128> {
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

/// One value on its way into a statement.
pub(crate) enum Datum<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    /// `YYYY-MM-DD`.
    Day(String),
    /// All digits of its scale.
    Decimal(Decimal),
}

impl fmt::Display for Datum<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Datum::Null => out.write_str("NULL"),
            Datum::Integer(value) => write!(out, "{value}"),
            Datum::Text(text) => out.write_str(text),
            Datum::Day(text) => out.write_str(text),
            Datum::Decimal(value) => write!(out, "{value}"),
        }
    }
}

/// All columns, ready.
pub(crate) fn sources(columns: &[ArrayRef]) -> Checked<Vec<Source<'_>>> {
    columns.iter().map(Source::of).collect()
}

/// A key in words, for messages.
pub(crate) fn key_words(names: &[&str], sources: &[Source<'_>], row: usize) -> String {
    let word = |source: &Source<'_>| source.value(row).unwrap_or(Datum::Null).to_string();
    let words: Vec<String> =
        names.iter().zip(sources).map(|(name, source)| format!("{name} {}", word(source))).collect();
    words.join(", ")
}

/// Refuses values that have left their column's precision: Arrow does not hold decimals against it.
pub(crate) fn check_precision(what: &str, field: &Field, source: &Source<'_>) -> Checked<()> {
    if let (Source::Decimal(array, _), DataType::Decimal128(precision, _)) = (source, field.data_type()) {
        let most = power_of_ten(u32::from(*precision)).unsigned_abs();
        let is_out = |value: &i128| value.unsigned_abs() >= most;
        // Mostly none is; of those that are, what lies below a NULL is no value.
        if array.values().iter().any(is_out) && array.iter().flatten().any(|value| is_out(&value)) {
            let fault = promise(format!("column `{}` leaves its range in mart `{what}`", field.name()));
            return Err(fault.expected(field.data_type().to_string()).into());
        }
    }
    Ok(())
}
