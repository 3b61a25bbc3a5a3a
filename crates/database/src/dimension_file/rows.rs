//! A dimension's CSV file as rows in memory: what it states, before any table takes it.

use super::Intake;
use crate::Dimension;
use crate::bind::Datum;
use crate::columns::{Cell, DecimalForm, Frame, join};
use crate::refusal::Checked;
use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use csv::ByteRecord;
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use tillmart_model::Result;

/// The rows of a dimension's CSV file, in its order, with the columns of the table that it has, in the table's order.
///
/// # Errors
/// As [`crate::Dimensions::load_csv`]: every fault of the file at once, each with its place.
pub fn rows_of_csv(dimension: Dimension, file: &Path) -> Result<RecordBatch> {
    rows(dimension, file).map_err(|fault| *fault)
}

fn rows(dimension: Dimension, file: &Path) -> Checked<RecordBatch> {
    let mut intake = Intake::open(dimension, file)?;
    let fields: Vec<Field> = intake
        .columns
        .iter()
        .map(|(column, _)| Field::new(column.name, column.data_type.clone(), column.nullable))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let mut frame = Frame::new(dimension.name(), Arc::clone(&schema), 1, DecimalForm::Typed)?;
    let mut met: HashMap<i64, (u64, u64)> = HashMap::new();
    let mut record = ByteRecord::new();
    while intake.next(&mut record)? {
        let Some(row) = intake.check(&record) else { continue };
        if let Some(Datum::Integer(key)) = row.values.first() {
            if let Some((line, byte)) = met.get(key) {
                let (line, byte) = (*line, *byte);
                intake.doubled(&record, line, byte);
                continue;
            }
            met.insert(*key, (row.line, row.byte));
        }
        frame.push(|at| row.values.get(at).map_or(Cell::Null, cell))?;
    }
    intake.close()?;
    join(dimension.name(), &schema, frame.finish()?)
}

fn cell<'v>(value: &'v Datum<'_>) -> Cell<'v> {
    match value {
        Datum::Null => Cell::Null,
        Datum::Integer(number) => Cell::Integer(*number),
        Datum::Text(text) => Cell::Text(Cow::Borrowed(text.as_bytes())),
        Datum::Day(day) => Cell::Text(Cow::Borrowed(day.as_bytes())),
        Datum::Decimal(decimal) => Cell::Text(Cow::Owned(decimal.to_string().into_bytes())),
    }
}
