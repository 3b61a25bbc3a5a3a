//! Sums as a small Parquet file beside the manifest.

use super::keys::{Column, Keys};
use super::table::Table;
use crate::land::{LandJob, store_fault, write_fault};
use crate::mart::Summing;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use object_store::{ObjectStoreExt, PutPayload};
use std::sync::Arc;
use tillmart_datafile::{Integers, Texts, Width};
use tillmart_model::{DeltaFile, Result};
use uuid::Uuid;

/// The columns of a file of sums: the state's keys as they are, the sums as whole numbers of the smallest unit.
pub(crate) fn delta_schema(state: &SchemaRef, keys: usize) -> SchemaRef {
    let field = |(at, field): (usize, &Arc<Field>)| {
        let data_type = if at < keys { field.data_type().clone() } else { DataType::Int64 };
        Field::new(field.name(), data_type, true)
    };
    Arc::new(Schema::new(state.fields().iter().enumerate().map(field).collect::<Vec<_>>()))
}

/// Writes sums in the order of their keys. Without any there is no file.
pub(super) async fn part(job: &LandJob, summing: &Summing, keys: &Keys, table: Table) -> Result<Option<DeltaFile>> {
    let (packed, sums) = table.sorted();
    if packed.is_empty() {
        return Ok(None);
    }
    let mut columns = Vec::with_capacity(keys_and_sums(summing));
    for column in keys.columns(&packed) {
        columns.push(match column {
            Column::Int32(values) => integers(Width::Int32, values.into_iter().map(i64::from)),
            Column::Int64(values) => integers(Width::Int64, values.into_iter()),
            Column::Text(values) => {
                let mut texts = Texts::default();
                texts.extend(values.iter().map(|value| Some(value.as_str())));
                texts.finish()
            }
        });
    }
    columns.extend(sums.into_iter().map(|values| integers(Width::Int64, values.into_iter())));
    let schema = delta_schema(&summing.state_schema, summing.keys.len());
    let rows = packed.len() as u64;
    let created_by = concat!("tillmart ", env!("CARGO_PKG_VERSION"));
    let (pieces, _) = tillmart_datafile::file(&schema, columns, rows, created_by)
        .map_err(|error| write_fault(&summing.mart, error))?;
    let path = format!("{}-{}-{}.parquet", job.deltas, summing.mart, Uuid::new_v4().simple());
    let payload = PutPayload::from_iter(pieces);
    let (place, size) = (job.path(&path)?, payload.content_length() as u64);
    job.objects.put(&place, payload).await.map_err(|error| store_fault("write", place.as_ref(), error))?;
    Ok(Some(DeltaFile { mart: summing.mart.clone(), path, size, rows, merge_digest: summing.merge_digest.clone() }))
}

fn keys_and_sums(summing: &Summing) -> usize {
    summing.keys.len() + summing.width()
}

fn integers(width: Width, values: impl Iterator<Item = i64>) -> tillmart_datafile::Column {
    let mut column = Integers::new(width);
    column.extend(values);
    column.finish()
}
