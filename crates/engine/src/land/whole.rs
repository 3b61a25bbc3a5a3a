//! Rows of a data file with the columns that only its partition tells.

use super::write_fault;
use crate::mart::RowMart;
use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::ScalarValue;
use std::sync::Arc;
use tillmart_model::Result;

/// The columns of a mart that stand in its data files.
pub(super) fn data_schema(mart: &RowMart) -> SchemaRef {
    let fields = mart.schema.fields().iter().filter(|field| !mart.partition_by.contains(field.name()));
    Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>()))
}

/// The file's rows under `schema`, whose columns stand in the file or are told by its partition; a column that the table got
/// after the file was written is NULL.
pub(super) fn rows(
    table: &str,
    batch: &RecordBatch,
    partition: &[(String, Option<String>)],
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    let fail = |error: &dyn std::fmt::Display| write_fault(table, error);
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let column = match partition.iter().find(|(name, _)| name == field.name()) {
            Some((_, Some(value))) => ScalarValue::try_from_string(value.clone(), field.data_type())
                .and_then(|value| value.to_array_of_size(batch.num_rows()))
                .map_err(|error| fail(&error))?,
            Some((_, None)) => new_null_array(field.data_type(), batch.num_rows()),
            None => match batch.column_by_name(field.name()) {
                Some(column) => Arc::clone(column),
                None if field.is_nullable() => new_null_array(field.data_type(), batch.num_rows()),
                None => return Err(fail(&format!("the data file lacks the column {}", field.name()))),
            },
        };
        let fits = column.data_type() == field.data_type();
        columns.push(if fits { column } else { cast(&column, field.data_type()).map_err(|error| fail(&error))? });
    }
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(|error| fail(&error))
}
