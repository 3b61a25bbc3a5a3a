//! What happens inside one publication, on the connection that holds its transaction.

use super::rows::{output, take};
use super::tables::{self, Layout, equal, list, quoted};
use super::trouble::{Tried, is_constraint};
use super::{connect, lease, ledger, statements};
use crate::bind::{self, Source};
use crate::columns::{DecimalForm, Frame};
use crate::marts::{broken, doubled, names, out_of_range, outside, state_name, taken_back_too_much, unlike_scopes};
use crate::records::stored;
use crate::rules;
use crate::{Lease, StateTable, TargetTable};
use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use tillmart_model::{Batch, BatchState, Tally};

/// An open transaction and what it has touched. Dropping the connection rolls it back.
pub(super) struct Session {
    connection: Connection,
    batch: Batch,
    marts: BTreeMap<String, Touched>,
}

/// What was merged into one mart's state.
struct Touched {
    state: StateTable,
    /// Scopes that stand in the temporary table already.
    scopes: HashSet<Vec<u8>>,
    /// Rows were merged since the state was last settled.
    unsettled: bool,
}

impl Session {
    /// Opens the transaction for a batch in state `Committed`.
    pub(super) fn begin(path: &Path, lease: &Lease, batch_id: i64) -> Tried<Self> {
        let connection = connect(path)?;
        // Scratch tables of a publication may be as large as a month of customers: SQLite spills them to a file.
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let batch = ledger::own_batch(&connection, lease, batch_id)?;
        if !matches!(batch.state, BatchState::Committed { .. }) {
            return Err(rules::illegal(&batch, "published").into());
        }
        Ok(Session { connection, batch, marts: BTreeMap::new() })
    }

    pub(super) fn merge(&mut self, state: &StateTable, delta: &RecordBatch, sign: i64) -> Tried<()> {
        let touched = match self.marts.entry(state.mart.clone()) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(fresh) => {
                make_scopes(&self.connection, state)?;
                fresh.insert(Touched { state: state.clone(), scopes: HashSet::new(), unsettled: false })
            }
        };
        touched.unsettled = true;
        let columns = bind::conform(&state_name(state), &state.schema, delta)?;
        let sources = bind::sources(&columns)?;
        let mut scopes = Scopes::new(&self.connection, state)?;
        let mut upsert = self.connection.prepare_cached(&upsert_sql(state)?)?;
        let all = names(&state.schema);
        for row in 0..delta.num_rows() {
            for (at, source) in sources.iter().enumerate() {
                if source.is_null(row) {
                    return Err(broken(&state.mart, &format!("NULL in column `{}`", all[at])).into());
                }
                if at < state.keys {
                    upsert.raw_bind_parameter(at + 1, output(source.value(row)?)?)?;
                } else {
                    let signed = source.unscaled(row).and_then(|value| value.checked_mul(i128::from(sign)));
                    let fits = signed.and_then(|value| i64::try_from(value).ok());
                    let value = fits.ok_or_else(|| out_of_range(state, &all, &sources, row))?;
                    upsert.raw_bind_parameter(at + 1, value)?;
                }
            }
            match upsert.raw_execute() {
                Ok(_) => {}
                Err(error) if is_constraint(&error) => return Err(out_of_range(state, &all, &sources, row).into()),
                Err(error) => return Err(error.into()),
            }
            scopes.note(&sources, row, &mut touched.scopes)?;
        }
        Ok(())
    }

    pub(super) fn touched(&mut self, state: &StateTable) -> Tried<Vec<RecordBatch>> {
        let mut frame = Frame::new(&state_name(state), state.schema.clone(), state.keys, DecimalForm::Unscaled)?;
        if !self.marts.contains_key(&state.mart) {
            return Ok(frame.finish()?);
        }
        self.settle(&state.mart)?;
        let all = names(&state.schema);
        let sql = format!(
            "SELECT {} FROM main.{} WHERE {} ORDER BY {}",
            list(all.iter().copied())?,
            quoted(&state_name(state))?,
            in_scope(state, &state.scope)?,
            list(all[..state.keys].iter().copied())?,
        );
        let mut statement = self.connection.prepare(&sql)?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            take(&mut frame, row)?;
        }
        Ok(frame.finish()?)
    }

    /// Ends a merge: a row behind which nothing is landed any more must hold nothing, and goes.
    fn settle(&mut self, mart: &str) -> Tried<()> {
        let Some(touched) = self.marts.get_mut(mart).filter(|touched| touched.unsettled) else {
            return Ok(());
        };
        let state = &touched.state;
        let (table, scope) = (quoted(&state_name(state))?, in_scope(state, &state.scope)?);
        let all = names(&state.schema);
        let mut wrong = vec!["landed_rows < 0".to_owned()];
        for sum in &all[state.keys..all.len() - 1] {
            wrong.push(format!("(landed_rows = 0 AND {} <> 0)", quoted(sum)?));
        }
        let wrong = wrong.join(" OR ");
        let keys = list(all[..state.keys].iter().copied())?;
        let mut check =
            self.connection.prepare(&format!("SELECT {keys} FROM main.{table} WHERE {scope} AND ({wrong}) LIMIT 1"))?;
        let mut found = check.query([])?;
        if let Some(row) = found.next()? {
            let mut key = Vec::new();
            for (at, name) in all[..state.keys].iter().enumerate() {
                let value: rusqlite::types::Value = row.get(at)?;
                key.push(match value {
                    rusqlite::types::Value::Integer(value) => format!("{name} {value}"),
                    rusqlite::types::Value::Text(value) => format!("{name} {value}"),
                    _ => format!("{name} ?"),
                });
            }
            return Err(taken_back_too_much(mart, &key.join(", ")).into());
        }
        self.connection.execute_batch(&format!("DELETE FROM main.{table} WHERE {scope} AND landed_rows = 0;"))?;
        touched.unsettled = false;
        Ok(())
    }

    pub(super) fn replace(&mut self, state: &StateTable, target: &TargetTable, rows: &[RecordBatch]) -> Tried<u64> {
        if !self.marts.contains_key(&state.mart) {
            return if rows.iter().all(|batch| batch.num_rows() == 0) { Ok(0) } else { Err(outside(target).into()) };
        }
        let layout = Layout::target(target)?;
        let twin = quoted(&format!("new_{}", target.name))?;
        layout.make_twin(&self.connection, &twin)?;
        fill_twin(&self.connection, target, &twin, rows)?;
        let scope = in_scope(state, &target.scope)?;
        let strangers = format!("SELECT count(*) FROM temp.{twin} WHERE ({scope}) IS NOT 1");
        if self.connection.query_row(&strangers, [], |row| row.get::<_, i64>(0))? > 0 {
            return Err(outside(target).into());
        }
        let (table, all) = (quoted(&target.name)?, names(&target.schema));
        let key = || target.key.iter().map(String::as_str);
        let same_key = equal("n", table.as_str(), key())?;
        let gone = self.connection.execute(
            &format!(
                "DELETE FROM {} WHERE {scope} AND NOT EXISTS (SELECT 1 FROM temp.{twin} AS n WHERE {same_key})",
                tables::by_scope(target)?
            ),
            [],
        )?;
        let columns = list(all.iter().copied())?;
        let conflict = differing(&all, target)?;
        let put = self.connection.execute(
            &format!(
                "INSERT INTO main.{table} AS o ({columns}) SELECT {columns} FROM temp.{twin} WHERE 1 \
                 ON CONFLICT ({}) DO {conflict}",
                list(key())?
            ),
            [],
        )?;
        self.connection.execute_batch(&format!("DROP TABLE temp.{twin};"))?;
        Ok((gone + put) as u64)
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

    /// Marks the batch published and commits; `renewal` is a renewal of the lease that came in meanwhile.
    pub(super) fn commit(mut self, lease: &Lease, renewal: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Tried<()> {
        let marts: Vec<String> = self.marts.keys().cloned().collect();
        for mart in marts {
            self.settle(&mart)?;
        }
        ledger::move_to(&self.connection, self.batch.id, "published", None, None, now)?;
        if let Some(until) = renewal {
            lease::prolong(&self.connection, &lease.feed, lease.token, until)?;
        }
        self.connection.execute_batch("COMMIT")?;
        Ok(())
    }
}

/// The temporary table of the scopes that a publication touched.
fn scopes_name(state: &StateTable) -> Tried<String> {
    quoted(&format!("touched_{}", state.mart))
}

fn make_scopes(connection: &Connection, state: &StateTable) -> Tried<()> {
    if state.scope.is_empty() {
        return Ok(());
    }
    let columns = list(state.scope.iter().map(String::as_str))?;
    let table = scopes_name(state)?;
    connection
        .execute_batch(&format!("CREATE TEMP TABLE {table} ({columns}, PRIMARY KEY ({columns})) WITHOUT ROWID;"))?;
    Ok(())
}

/// The condition that a row's `columns` name a touched scope. Without a scope the whole mart is one.
fn in_scope(state: &StateTable, columns: &[String]) -> Tried<String> {
    if columns.len() != state.scope.len() {
        return Err(unlike_scopes(state).into());
    }
    if columns.is_empty() {
        return Ok("1".to_owned());
    }
    let (columns, scope) = (list(columns.iter().map(String::as_str))?, list(state.scope.iter().map(String::as_str))?);
    Ok(format!("({columns}) IN (SELECT {scope} FROM temp.{})", scopes_name(state)?))
}

/// Notes each scope once.
struct Scopes<'c> {
    insert: Option<rusqlite::CachedStatement<'c>>,
    /// Where the scope's columns stand in the state's schema.
    at: Vec<usize>,
    encoded: Vec<u8>,
}

impl<'c> Scopes<'c> {
    fn new(connection: &'c Connection, state: &StateTable) -> Tried<Self> {
        let all = names(&state.schema);
        let at = state.scope.iter().filter_map(|scope| all.iter().position(|name| name == scope)).collect::<Vec<_>>();
        let marks = vec!["?"; at.len()].join(", ");
        let insert = if at.is_empty() {
            None
        } else {
            Some(
                connection
                    .prepare_cached(&format!("INSERT OR IGNORE INTO temp.{} VALUES ({marks})", scopes_name(state)?))?,
            )
        };
        Ok(Scopes { insert, at, encoded: Vec::new() })
    }

    fn note(&mut self, sources: &[Source<'_>], row: usize, known: &mut HashSet<Vec<u8>>) -> Tried<()> {
        let Some(insert) = &mut self.insert else { return Ok(()) };
        self.encoded.clear();
        for at in &self.at {
            match &sources[*at] {
                Source::Int32(array) => self.encoded.extend(array.value(row).to_le_bytes()),
                Source::Int64(array) => self.encoded.extend(array.value(row).to_le_bytes()),
                Source::Date(array) => self.encoded.extend(array.value(row).to_le_bytes()),
                Source::Decimal(array, _) => self.encoded.extend(array.value(row).to_le_bytes()),
                Source::Text(array) => {
                    self.encoded.extend(array.value(row).len().to_le_bytes());
                    self.encoded.extend(array.value(row).as_bytes());
                }
            }
        }
        if !known.contains(self.encoded.as_slice()) {
            for (place, at) in self.at.iter().enumerate() {
                insert.raw_bind_parameter(place + 1, output(sources[*at].value(row)?)?)?;
            }
            insert.raw_execute()?;
            known.insert(self.encoded.clone());
        }
        Ok(())
    }
}

fn upsert_sql(state: &StateTable) -> Tried<String> {
    let all = names(&state.schema);
    let (keys, sums) = all.split_at(state.keys);
    let mut adds = Vec::new();
    for sum in sums {
        let sum = quoted(sum)?;
        adds.push(format!("{sum} = {sum} + excluded.{sum}"));
    }
    let layout = Layout::state(state)?;
    let marks = vec!["?"; all.len()].join(", ");
    let (table, columns, keys) = (quoted(&layout.name)?, list(all.iter().copied())?, list(keys.iter().copied())?);
    Ok(format!(
        "INSERT INTO main.{table} ({columns}) VALUES ({marks}) ON CONFLICT ({keys}) DO UPDATE SET {}",
        adds.join(", ")
    ))
}

fn fill_twin(connection: &Connection, target: &TargetTable, twin: &str, rows: &[RecordBatch]) -> Tried<()> {
    let all = names(&target.schema);
    let marks = vec!["?"; all.len()].join(", ");
    let sql = format!("INSERT INTO temp.{twin} ({}) VALUES ({marks})", list(all.iter().copied())?);
    let mut insert = connection.prepare(&sql)?;
    for batch in rows {
        let columns = bind::conform(&target.name, &target.schema, batch)?;
        let sources = bind::sources(&columns)?;
        for row in 0..batch.num_rows() {
            for (place, source) in sources.iter().enumerate() {
                bind::check_precision(&target.name, target.schema.field(place), source, row)?;
                insert.raw_bind_parameter(place + 1, output(source.value(row)?)?)?;
            }
            match insert.raw_execute() {
                Ok(_) => {}
                Err(error) if is_constraint(&error) => return Err(doubled(target, &sources, row).into()),
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// What an upsert does with a row that is there: nothing, unless a value differs.
fn differing(all: &[&str], target: &TargetTable) -> Tried<String> {
    let values: Vec<&str> = all.iter().filter(|name| !target.key.iter().any(|key| key == **name)).copied().collect();
    let (mut sets, mut terms) = (Vec::new(), Vec::new());
    for name in values {
        let name = quoted(name)?;
        sets.push(format!("{name} = excluded.{name}"));
        terms.push(format!("o.{name} IS NOT excluded.{name}"));
    }
    if sets.is_empty() {
        return Ok("NOTHING".to_owned());
    }
    Ok(format!("UPDATE SET {} WHERE {}", sets.join(", "), terms.join(" OR ")))
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
    let all = names(schema);
    let columns = list(all.iter().copied())?;
    let sql = format!("SELECT {columns} FROM main.{} ORDER BY {}", tables::quoted(table)?, list(key.iter().copied())?);
    let mut statement = connection.prepare(&sql)?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        take(&mut frame, row)?;
    }
    Ok(frame.finish()?)
}
