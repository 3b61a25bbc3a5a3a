//! The dimension tables: read whole, counted, loaded from CSV.

use super::rows::take;
use super::tables::{describe, list, quoted};
use super::trouble::{Tried, is_locked};
use super::{Sqlite, connect, load};
use crate::columns::{DecimalForm, Frame, join};
use crate::marts::names;
use crate::refusal::database;
use crate::{Dimension, Dimensions, Upserted};
use arrow::array::RecordBatch;
use async_trait::async_trait;
use rusqlite::Connection;
use std::path::Path;
use std::time::Duration;
use tillmart_model::Result;

/// Keys below which a second reader costs more than it saves.
const KEYS_FOR_TWO: i64 = 100_000;

/// Pages in memory of a connection that reads a table once.
const CACHE_KIB: i64 = 512;

#[async_trait]
impl Dimensions for Sqlite {
    async fn read(&self, dimension: Dimension) -> Result<RecordBatch> {
        let path = self.path().to_owned();
        self.apart(move |connection| {
            let middle = middle_key(connection, dimension)?;
            let readers = match middle {
                Some(_) => two_readers(&path)?,
                None => None,
            };
            let batches = match middle.zip(readers) {
                None => read(connection, dimension, "")?,
                Some((middle, (first, second))) => {
                    let (below, above) = (format!("< {middle}"), format!(">= {middle}"));
                    let (some, others) = std::thread::scope(|scope| {
                        let others = scope.spawn(move || read(&second, dimension, &above));
                        (read(&first, dimension, &below), others.join())
                    });
                    let mut batches = some?;
                    batches.extend(others.map_err(|_| database("a reader of the database stopped half-way"))??);
                    batches
                }
            };
            Ok(join(dimension.name(), &dimension.schema(), batches)?)
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

    async fn put(&self, dimension: Dimension, rows: &RecordBatch) -> Result<Upserted> {
        let rows = rows.clone();
        self.apart(move |connection| load::put(connection, dimension, &rows)).await
    }
}

/// Rows of a table by key, all of them, or those whose key is in a `range`.
fn read(connection: &Connection, dimension: Dimension, range: &str) -> Tried<Vec<RecordBatch>> {
    // Each page is looked at once, so that few need be kept.
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    let schema = dimension.schema();
    let columns = list(names(&schema))?;
    let (table, key) = (quoted(dimension.name())?, quoted(dimension.key())?);
    let which = if range.is_empty() { String::new() } else { format!("WHERE {key} {range}") };
    let mut statement = connection.prepare(&format!("SELECT {columns} FROM main.{table} {which} ORDER BY {key}"))?;
    let mut rows = statement.query([])?;
    let mut frame = Frame::new(dimension.name(), schema, 1, DecimalForm::Typed)?;
    while let Some(row) = rows.next()? {
        take(&mut frame, row)?;
    }
    Ok(frame.finish()?)
}

/// A key that about halves a large table. Only whole numbers that cannot be NULL can be halved: a table that is there may be otherwise.
fn middle_key(connection: &Connection, dimension: Dimension) -> Tried<Option<i64>> {
    let columns = describe(connection, dimension.name())?;
    let mut keys = columns.iter().filter(|column| column.key > 0);
    let is_whole = keys.next().is_some_and(|key| key.name == dimension.key() && key.declared == "INTEGER");
    if !is_whole || keys.next().is_some() {
        return Ok(None);
    }
    let key = quoted(dimension.key())?;
    // Each end is a look of its own into the table: asked together they would walk all of it.
    let sql = format!(
        "SELECT (SELECT min({key}) FROM main.{0}), (SELECT max({key}) FROM main.{0})",
        quoted(dimension.name())?
    );
    let ends =
        connection.query_row(&sql, [], |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?)))?;
    let (Some(first), Some(last)) = ends else { return Ok(None) };
    let span = last.checked_sub(first).filter(|span| *span >= KEYS_FOR_TWO);
    Ok(span.map(|span| first + span / 2))
}

/// Two connections that see the database at one and the same moment: while they begin to read, a third keeps writers out. `None` when
/// somebody is writing; readers wait for nobody.
fn two_readers(path: &Path) -> Tried<Option<(Connection, Connection)>> {
    let keeper = connect(path)?;
    keeper.busy_timeout(Duration::ZERO)?;
    match keeper.execute_batch("BEGIN IMMEDIATE") {
        Err(error) if is_locked(&error) => return Ok(None),
        begun => begun?,
    }
    let reader = || -> Tried<Connection> {
        let connection = connect(path)?;
        connection.execute_batch("BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1;")?;
        Ok(connection)
    };
    let readers = (reader()?, reader()?);
    keeper.execute_batch("ROLLBACK")?;
    Ok(Some(readers))
}
