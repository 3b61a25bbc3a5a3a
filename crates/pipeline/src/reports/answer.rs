//! What a report's SQL answered, row by row, as exact values.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int64Type};
use chrono::NaiveDate;
use tillmart_model::{Fault, FaultKind, Result};

/// The rows of an answer.
pub(crate) struct Answer(pub(crate) Vec<RecordBatch>);

/// One row of it.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    batch: &'a RecordBatch,
    row: usize,
}

impl Answer {
    /// Every row, in the order of the answer.
    pub(crate) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.0.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| Line { batch, row }))
    }
}

impl Line<'_> {
    fn column(&self, name: &str) -> Result<&ArrayRef> {
        self.batch.column_by_name(name).ok_or_else(|| wrong(name, &"no such column"))
    }

    /// A whole number, or the unscaled value of a decimal: cents of money. NULL, as a sum over no row is, is zero.
    pub(crate) fn number(&self, name: &str) -> Result<i128> {
        let column = self.column(name)?;
        if column.is_null(self.row) {
            return Ok(0);
        }
        if let Some(decimals) = column.as_primitive_opt::<Decimal128Type>() {
            return Ok(decimals.value(self.row));
        }
        let wide = cast(&column.slice(self.row, 1), &DataType::Int64).map_err(|error| wrong(name, &error))?;
        Ok(i128::from(wide.as_primitive::<Int64Type>().value(0)))
    }

    /// A whole number of 64 bits.
    pub(crate) fn count(&self, name: &str) -> Result<i64> {
        i64::try_from(self.number(name)?).map_err(|error| wrong(name, &error))
    }

    /// A text; `None` for NULL.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>> {
        let column = self.column(name)?;
        let texts = column.as_string_opt::<i32>().ok_or_else(|| wrong(name, column.data_type()))?;
        Ok(texts.is_valid(self.row).then(|| texts.value(self.row).to_owned()))
    }

    /// A day; `None` for NULL.
    pub(crate) fn day(&self, name: &str) -> Result<Option<NaiveDate>> {
        let column = self.column(name)?;
        let days = column.as_primitive_opt::<Date32Type>().ok_or_else(|| wrong(name, column.data_type()))?;
        Ok(days.is_valid(self.row).then(|| Date32Type::to_naive_date_opt(days.value(self.row))).flatten())
    }
}

fn wrong(column: &str, found: &dyn std::fmt::Display) -> Fault {
    Fault::new(FaultKind::Promise, format!("a report's answer does not hold its column {column}")).found(found)
}
