//! `query`.

use super::Outcome;
use crate::cli::{Cli, QueryArgs};
use crate::{screen, wiring};
use arrow::array::RecordBatch;
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
    let batches: Vec<&RecordBatch> = batches.iter().collect();
    writer.write_batches(&batches).and_then(|()| writer.finish()).map_err(|error| unwritable(&error))?;
    let bytes = writer.into_inner();
    Ok(if bytes.is_empty() { "[]".to_owned() } else { String::from_utf8_lossy(&bytes).into_owned() })
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
