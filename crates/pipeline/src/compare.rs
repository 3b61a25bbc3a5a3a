//! Comparing rows as sets.

use crate::verify::Verified;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::SchemaRef;
use arrow::row::{RowConverter, SortField};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use std::sync::Arc;
use tillmart_model::{Fault, FaultKind, Result};

/// Compares rows as sets, typed value by typed value.
pub(crate) fn compare(
    table: &str,
    schema: &SchemaRef,
    expected: &[RecordBatch],
    found: &[RecordBatch],
    verified: &mut Verified,
) -> Result<()> {
    let fault = |error: arrow::error::ArrowError| {
        Fault::new(FaultKind::Promise, format!("the rows of {table} cannot be compared")).found(error)
    };
    let (expected, found) = (one(schema, expected).map_err(fault)?, one(schema, found).map_err(fault)?);
    let fields = schema.fields().iter().map(|field| SortField::new(field.data_type().clone())).collect();
    let converter = RowConverter::new(fields).map_err(fault)?;
    let (left, right) = (
        converter.convert_columns(expected.columns()).map_err(fault)?,
        converter.convert_columns(found.columns()).map_err(fault)?,
    );
    let order = |count: usize, rows: &arrow::row::Rows| {
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_unstable_by(|one, other| rows.row(*one).cmp(&rows.row(*other)));
        order
    };
    let (left_order, right_order) = (order(expected.num_rows(), &left), order(found.num_rows(), &right));
    *verified.compared.entry(table.to_owned()).or_default() += expected.num_rows() as u64;
    let (mut at_left, mut at_right) = (0, 0);
    while at_left < left_order.len() || at_right < right_order.len() {
        let ordering = match (left_order.get(at_left), right_order.get(at_right)) {
            (Some(one), Some(other)) => left.row(*one).cmp(&right.row(*other)),
            (Some(_), None) => std::cmp::Ordering::Less,
            _ => std::cmp::Ordering::Greater,
        };
        match ordering {
            std::cmp::Ordering::Equal => {
                at_left += 1;
                at_right += 1;
            }
            std::cmp::Ordering::Less => {
                verified.differs(table, told(&expected, left_order[at_left]), "no such row".to_owned());
                at_left += 1;
            }
            std::cmp::Ordering::Greater => {
                verified.differs(table, "no such row".to_owned(), told(&found, right_order[at_right]));
                at_right += 1;
            }
        }
    }
    Ok(())
}

/// All rows as one batch of this schema.
pub(crate) fn one(
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> std::result::Result<RecordBatch, arrow::error::ArrowError> {
    let fitted = batches
        .iter()
        .map(|batch| {
            let columns: Vec<ArrayRef> = batch
                .columns()
                .iter()
                .zip(schema.fields())
                .map(|(column, field)| cast(column, field.data_type()))
                .collect::<std::result::Result<_, _>>()?;
            RecordBatch::try_new(Arc::clone(schema), columns)
        })
        .collect::<std::result::Result<Vec<_>, _>>()?;
    concat_batches(schema, &fitted)
}

/// A row in words. Columns that may tell who a customer is are left out: differences end up in logs.
fn told(batch: &RecordBatch, row: usize) -> String {
    const PERSONAL: [&str; 3] = ["full_name", "address", "phone_number"];
    let options = FormatOptions::default().with_null("NULL");
    let mut words = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if PERSONAL.contains(&field.name().as_str()) {
            continue;
        }
        if let Ok(formatter) = ArrayFormatter::try_new(column.as_ref(), &options) {
            words.push(format!("{}={}", field.name(), formatter.value(row)));
        }
    }
    words.join(" ")
}
