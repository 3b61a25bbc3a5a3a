//! `query`.

use super::Outcome;
use crate::cli::{Cli, QueryArgs};
use crate::{screen, wiring};
use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use std::sync::Arc;
use tillmart_model::{Fault, FaultKind, Result};

pub(crate) fn run(cli: &Cli, args: &QueryArgs) -> Result<Outcome> {
    let project = wiring::open(cli)?;
    let (schema, batches) = project.runtime.block_on(project.pipeline.query(&args.sql))?;
    if cli.json {
        screen::data(&json(&batches)?);
    } else if args.csv {
        let empty = [RecordBatch::new_empty(schema)];
        screen::data(csv(if batches.is_empty() { &empty } else { &batches })?.trim_end_matches('\n'));
    } else {
        screen::data(&screen::table::batches(&schema, &batches)?);
    }
    Ok(Outcome::Done)
}

fn json(batches: &[RecordBatch]) -> Result<String> {
    let mut writer = arrow::json::ArrayWriter::new(Vec::new());
    let exact = batches.iter().map(money_as_text).collect::<std::result::Result<Vec<_>, _>>();
    let exact = exact.map_err(|error| unwritable(&error))?;
    let batches: Vec<&RecordBatch> = exact.iter().collect();
    writer.write_batches(&batches).and_then(|()| writer.finish()).map_err(|error| unwritable(&error))?;
    let bytes = writer.into_inner();
    Ok(if bytes.is_empty() { "[]".to_owned() } else { String::from_utf8_lossy(&bytes).into_owned() })
}

/// A JSON number is a float to most readers, and no float touches money.
fn money_as_text(batch: &RecordBatch) -> std::result::Result<RecordBatch, arrow::error::ArrowError> {
    let is_decimal =
        |column: &ArrayRef| matches!(column.data_type(), DataType::Decimal128(_, _) | DataType::Decimal256(_, _));
    let text = |column: &ArrayRef| if is_decimal(column) { cast(column, &DataType::Utf8) } else { Ok(column.clone()) };
    let columns: Vec<ArrayRef> = batch.columns().iter().map(text).collect::<std::result::Result<_, _>>()?;
    let schema = batch.schema();
    let fields = schema.fields().iter().zip(&columns);
    let fields: Vec<Field> =
        fields.map(|(field, column)| Field::new(field.name(), column.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn csv(batches: &[RecordBatch]) -> Result<String> {
    let mut bytes = Vec::new();
    let mut writer = arrow::csv::Writer::new(&mut bytes);
    for batch in batches {
        writer.write(batch).map_err(|error| unwritable(&error))?;
    }
    drop(writer);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn unwritable(error: &arrow::error::ArrowError) -> Fault {
    Fault::new(FaultKind::Settings, "the rows cannot be written in this format")
        .found(error)
        .hint("leave binary columns out, or take another format")
}
