//! The dimension tables: read whole, counted, loaded from CSV.

use super::merge::types_of;
use super::rows::take;
use super::tables::{list, quoted};
use super::{MySql, load};
use crate::columns::{DecimalForm, Frame, join};
use crate::marts::names;
use crate::{Dimension, Dimensions, Upserted};
use arrow::array::RecordBatch;
use async_trait::async_trait;
use std::path::Path;
use tillmart_model::Result;

#[async_trait]
impl Dimensions for MySql {
    async fn read(&self, dimension: Dimension) -> Result<RecordBatch> {
        MySql::read(self, move |link| {
            let schema = dimension.schema();
            let (columns, types) = (list(names(&schema))?, types_of(&schema));
            let (table, key) = (quoted(dimension.name())?, quoted(dimension.key())?);
            let mut frame = Frame::new(dimension.name(), schema.clone(), 1, DecimalForm::Typed)?;
            let sql = format!("SELECT {columns} FROM {table} ORDER BY {key}");
            link.select(&sql, Vec::new(), |row| take(&mut frame, &types, row))?;
            Ok(join(dimension.name(), &schema, frame.finish()?)?)
        })
        .await
    }

    async fn count(&self, dimension: Dimension) -> Result<u64> {
        MySql::read(self, move |link| {
            let rows = link.number(&format!("SELECT COUNT(*) FROM {}", quoted(dimension.name())?), Vec::new())?;
            Ok(rows.unwrap_or_default().unsigned_abs())
        })
        .await
    }

    async fn load_csv(&self, dimension: Dimension, file: &Path) -> Result<Upserted> {
        let file = file.to_owned();
        MySql::read(self, move |link| load::load(link, dimension, &file)).await
    }

    async fn put(&self, dimension: Dimension, rows: &RecordBatch) -> Result<Upserted> {
        let rows = rows.clone();
        MySql::read(self, move |link| load::put(link, dimension, &rows)).await
    }
}
