//! The dimension tables: read whole, counted, loaded from CSV.

use super::rows::take;
use super::tables::{describe, list, quoted};
use super::trouble::{Tried, is_locked};
use super::{Sqlite, connect, load};
use crate::columns::{DecimalForm, Frame, Room, Whole, join};
use crate::gate::lock;
use crate::marts::names;
use crate::refusal::database;
use crate::{Dimension, Dimensions, Upserted};
use arrow::array::RecordBatch;
use async_trait::async_trait;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tillmart_model::Result;

/// Keys below which a second reader costs more than it saves.
const KEYS_FOR_TWO: i64 = 100_000;

/// Parts of a large table, each of which is in memory twice for a moment.
const PARTS: i64 = 16;

/// Pages in memory of a connection that reads a table once.
const CACHE_KIB: i64 = 512;

#[async_trait]
impl Dimensions for Sqlite {
    async fn read(&self, dimension: Dimension) -> Result<RecordBatch> {
        let path = self.path().to_owned();
        self.apart(move |connection| {
            let parts = parts(connection, dimension)?;
            let readers = if parts.len() > 1 { two_readers(&path)? } else { None };
            match readers {
                None => {
                    let rows = Reader::new(connection, dimension)?.read("")?;
                    Ok(join(dimension.name(), &dimension.schema(), rows)?)
                }
                Some((first, second)) => read_parts(first, second, dimension, &parts),
            }
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

/// Reads rows of a table by key.
struct Reader<'c> {
    connection: &'c Connection,
    dimension: Dimension,
    frame: Frame,
}

impl<'c> Reader<'c> {
    fn new(connection: &'c Connection, dimension: Dimension) -> Tried<Self> {
        // Each page is looked at once, so that few need be kept.
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        let frame = Frame::new(dimension.name(), dimension.schema(), 1, DecimalForm::Typed)?;
        Ok(Reader { connection, dimension, frame })
    }

    /// All rows, or those whose key is in a `range`.
    fn read(&mut self, range: &str) -> Tried<Vec<RecordBatch>> {
        let schema = self.frame.schema();
        let columns = list(names(&schema))?;
        let (table, key) = (quoted(self.dimension.name())?, quoted(self.dimension.key())?);
        let which = if range.is_empty() { String::new() } else { format!("WHERE {key} {range}") };
        let sql = format!("SELECT {columns} FROM main.{table} {which} ORDER BY {key}");
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            take(&mut self.frame, row)?;
        }
        Ok(self.frame.drain()?)
    }
}

/// Ranges of about as many keys that a large table is read in, in their order. Only whole numbers that cannot be NULL can be cut: a
/// table that is there may be otherwise.
fn parts(connection: &Connection, dimension: Dimension) -> Tried<Vec<String>> {
    let columns = describe(connection, dimension.name())?;
    let mut keys = columns.iter().filter(|column| column.key > 0);
    let is_whole = keys.next().is_some_and(|key| key.name == dimension.key() && key.declared == "INTEGER");
    if !is_whole || keys.next().is_some() {
        return Ok(Vec::new());
    }
    let key = quoted(dimension.key())?;
    // Each end is a look of its own into the table: asked together they would walk all of it.
    let sql = format!(
        "SELECT (SELECT min({key}) FROM main.{0}), (SELECT max({key}) FROM main.{0})",
        quoted(dimension.name())?
    );
    let ends =
        connection.query_row(&sql, [], |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?)))?;
    let (Some(first), Some(last)) = ends else { return Ok(Vec::new()) };
    let Some(span) = last.checked_sub(first).filter(|span| *span >= KEYS_FOR_TWO) else { return Ok(Vec::new()) };
    let cut = |nth: i64| first + span / PARTS * nth;
    let range = |nth: i64| match nth {
        0 => format!("< {}", cut(1)),
        _ if nth == PARTS - 1 => format!(">= {}", cut(nth)),
        _ => format!("BETWEEN {} AND {}", cut(nth), cut(nth + 1) - 1),
    };
    Ok((0..PARTS).map(range).collect())
}

/// Two readers take part after part, and put them together in their order.
fn read_parts(first: Connection, second: Connection, dimension: Dimension, parts: &[String]) -> Tried<RecordBatch> {
    let next = AtomicUsize::new(0);
    let (pages, bytes): (usize, usize) =
        first.query_row("SELECT page_count, page_size FROM pragma_page_count, pragma_page_size", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let room = Room { parts: parts.len(), most: pages.saturating_mul(bytes) };
    let together = Mutex::new(Together {
        whole: Whole::new(dimension.name(), dimension.schema()),
        waiting: BTreeMap::new(),
        next: 0,
    });
    let read_some = |connection: Connection| -> Tried<()> {
        let mut reader = Reader::new(&connection, dimension)?;
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            let Some(part) = parts.get(nth) else { return Ok(()) };
            // After a fault the other reader need not go on.
            let rows = reader.read(part).inspect_err(|_| next.store(parts.len(), Ordering::Relaxed))?;
            lock(&together).take(nth, rows, room)?;
        }
    };
    std::thread::scope(|scope| {
        let others = scope.spawn(|| read_some(second));
        read_some(first)?;
        others.join().map_err(|_| database("a reader of the database stopped half-way"))?
    })?;
    let together = together.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(together.whole.finish()?)
}

/// Parts of a table, put together as far as they follow each other.
struct Together {
    whole: Whole,
    waiting: BTreeMap<usize, Vec<RecordBatch>>,
    next: usize,
}

impl Together {
    fn take(&mut self, nth: usize, rows: Vec<RecordBatch>, room: Room) -> Tried<()> {
        self.waiting.insert(nth, rows);
        while let Some(rows) = self.waiting.remove(&self.next) {
            self.whole.take(rows, room)?;
            self.next += 1;
        }
        Ok(())
    }
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
