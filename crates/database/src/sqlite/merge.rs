//! What happens inside one publication, on the connection that holds its transaction.

use super::replace::{replace, replace_each};
use super::rows::take;
use super::scopes::Touched;
use super::tables::{list, quoted};
use super::trouble::Tried;
use super::{connect, lease, ledger, statements};
use crate::columns::{DecimalForm, Frame};
use crate::marts::{names, outside};
use crate::range::check_range;
use crate::records::stored;
use crate::rules;
use crate::{Finish, Lease, StateTable, TargetRange, TargetTable};
use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, ToSql, params};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use tillmart_model::{Batch, BatchState, Tally};

/// An open transaction and what it has touched. Dropping the connection rolls it back.
pub(super) struct Session {
    connection: Connection,
    batch: Batch,
    marts: BTreeMap<String, Touched>,
}

impl Session {
    /// Opens the transaction for a batch in state `Committed`.
    pub(super) fn begin(path: &Path, lease: &Lease, batch_id: i64) -> Tried<Self> {
        let connection = connect(path)?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let batch = ledger::own_batch(&connection, lease, batch_id)?;
        if !matches!(batch.state, BatchState::Committed { .. }) {
            return Err(rules::illegal(&batch, "published").into());
        }
        Ok(Session { connection, batch, marts: BTreeMap::new() })
    }

    pub(super) fn merge(&mut self, state: &StateTable, delta: &RecordBatch, sign: i64) -> Tried<()> {
        let touched = match self.marts.entry(state.mart.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(fresh) => fresh.insert(Touched::new(state)?),
        };
        touched.merge(&self.connection, delta, sign)
    }

    pub(super) fn touched(&mut self, state: &StateTable) -> Tried<Vec<RecordBatch>> {
        match self.marts.get_mut(&state.mart) {
            None => Ok(Vec::new()),
            Some(touched) => {
                touched.settle(&self.connection)?;
                touched.rows(&self.connection)
            }
        }
    }

    pub(super) fn replace(&mut self, state: &StateTable, target: &TargetTable, rows: &[RecordBatch]) -> Tried<u64> {
        match self.marts.get(&state.mart) {
            Some(touched) => replace(&self.connection, touched, target, rows),
            None if rows.iter().all(|batch| batch.num_rows() == 0) => Ok(0),
            None => Err(outside(target).into()),
        }
    }

    pub(super) fn replace_each(&mut self, state: &StateTable, target: &TargetTable, finish: &Finish) -> Tried<u64> {
        match self.marts.get_mut(&state.mart) {
            None => Ok(0),
            Some(touched) => {
                touched.settle(&self.connection)?;
                replace_each(&self.connection, touched, target, finish)
            }
        }
    }

    pub(super) fn replayed(&mut self, file_id: i64, tally: &Tally) -> Tried<()> {
        let file = ledger::file(&self.connection, file_id)?.ok_or_else(|| rules::no_file(file_id))?;
        let money = rules::replayed(&file, tally)?;
        let mut statement = self.connection.prepare_cached(statements::FILE_REPLAYED)?;
        let (landed, anonymous) = (stored(tally.rows_landed)?, stored(tally.rows_anonymous)?);
        statement.execute(params![file_id, landed, anonymous, stored(tally.rows_unknown_product)?, money])?;
        Ok(())
    }

    pub(super) fn revoked(&mut self, file_id: i64) -> Tried<()> {
        let file = ledger::file(&self.connection, file_id)?.ok_or_else(|| rules::no_file(file_id))?;
        if !rules::to_revoke(&file, self.batch.id)? {
            return Ok(());
        }
        let mut statement = self
            .connection
            .prepare_cached("UPDATE product_staging_table SET outcome = 'revoked', revoked_by = ?2 WHERE id = ?1")?;
        statement.execute([file_id, self.batch.id])?;
        Ok(())
    }

    /// Empties tables of marts into which nothing was merged yet.
    pub(super) fn clear(&mut self, tables: &[String]) -> Tried<()> {
        for table in tables {
            self.connection.execute(&format!("DELETE FROM main.{}", quoted(table)?), [])?;
        }
        Ok(())
    }

    pub(super) fn stands(&mut self, marts: &[String]) -> Tried<()> {
        let mut statement = self.connection.prepare_cached(statements::MART_STANDS)?;
        for mart in marts {
            statement.execute(params![self.batch.feed, mart, self.batch.id])?;
        }
        Ok(())
    }

    /// Marks the batch published and commits; `renewal` is a renewal of the lease that came in meanwhile.
    pub(super) fn commit(mut self, lease: &Lease, renewal: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Tried<()> {
        for touched in self.marts.values_mut() {
            touched.settle(&self.connection)?;
        }
        ledger::move_to(&self.connection, self.batch.id, "published", None, None, now)?;
        if let Some(until) = renewal {
            lease::prolong(&self.connection, &lease.feed, lease.token, until)?;
        }
        self.connection.execute_batch("COMMIT")?;
        Ok(())
    }
}

/// Reads a whole table in key order.
pub(super) fn read_all(
    connection: &Connection,
    table: &str,
    schema: &arrow::datatypes::SchemaRef,
    key: &[&str],
    form: DecimalForm,
) -> Tried<Vec<RecordBatch>> {
    let mut frame = Frame::new(table, schema.clone(), 0, form)?;
    frame.name_rows_by(key);
    read(connection, table, key, frame, ("", &[]))
}

/// Reads the rows of a published table that are in a range, in key order.
pub(super) fn read_range(
    connection: &Connection,
    target: &TargetTable,
    range: &TargetRange,
) -> Tried<Vec<RecordBatch>> {
    check_range(target, range)?;
    let key: Vec<&str> = target.key.iter().map(String::as_str).collect();
    let mut frame = Frame::new(&target.name, target.schema.clone(), 0, DecimalForm::Published)?;
    frame.name_rows_by(&key);
    let mut condition = format!(" WHERE {} BETWEEN ? AND ?", quoted(&range.column)?);
    let mut values: Vec<&dyn ToSql> = vec![&range.first, &range.last];
    if let Some((column, value)) = &range.only {
        condition.push_str(&format!(" AND {} = ?", quoted(column)?));
        values.push(value);
    }
    read(connection, &target.name, &key, frame, (&condition, &values))
}

fn read(
    connection: &Connection,
    table: &str,
    key: &[&str],
    mut frame: Frame,
    (condition, values): (&str, &[&dyn ToSql]),
) -> Tried<Vec<RecordBatch>> {
    let schema = frame.schema();
    let columns = list(names(&schema).iter().copied())?;
    let order = list(key.iter().copied())?;
    let sql = format!("SELECT {columns} FROM main.{}{condition} ORDER BY {order}", quoted(table)?);
    let mut statement = connection.prepare(&sql)?;
    let mut found = statement.query(values)?;
    while let Some(row) = found.next()? {
        take(&mut frame, row)?;
    }
    Ok(frame.finish()?)
}
