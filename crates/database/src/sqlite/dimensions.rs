//! The dimension tables: read whole, counted, loaded from CSV.

use super::rows::take;
use super::tables::{list, quoted};
use super::{Sqlite, load};
use crate::columns::{DecimalForm, Frame, join};
use crate::marts::names;
use crate::{Dimension, Dimensions, Upserted};
use arrow::array::RecordBatch;
use async_trait::async_trait;
use std::path::Path;
use tillmart_model::Result;

#[async_trait]
impl Dimensions for Sqlite {
    async fn read(&self, dimension: Dimension) -> Result<RecordBatch> {
        self.apart(move |connection| {
            let schema = dimension.schema();
            let columns = list(names(&schema))?;
            let (table, key) = (quoted(dimension.name())?, quoted(dimension.key())?);
            let mut statement = connection.prepare(&format!("SELECT {columns} FROM main.{table} ORDER BY {key}"))?;
            let mut rows = statement.query([])?;
            let mut frame = Frame::new(dimension.name(), schema.clone(), 1, DecimalForm::Typed)?;
            while let Some(row) = rows.next()? {
                take(&mut frame, row)?;
            }
            Ok(join(dimension.name(), &schema, &frame.finish()?)?)
        })
        .await
    }

    async fn count(&self, dimension: Dimension) -> Result<u64> {
        self.ledger(move |connection| {
            let sql = format!("SELECT count(*) FROM main.{}", quoted(dimension.name())?);
            let rows: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
            Ok(rows.unsigned_abs())
        })
        .await
    }

    async fn load_csv(&self, dimension: Dimension, file: &Path) -> Result<Upserted> {
        let file = file.to_owned();
        self.apart(move |connection| load::load(connection, dimension, &file)).await
    }
}
