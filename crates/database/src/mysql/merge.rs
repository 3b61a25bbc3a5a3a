//! What happens inside one publication, on the connection that holds its transaction.

use super::bulk::{Bulk, literal};
use super::link::Link;
use super::pool::{Lent, Pool};
use super::rows::take;
use super::tables::{list, quoted};
use super::trouble::{Tried, Trouble};
use super::{lease, ledger, statements};
use crate::bind::{self, Datum, Source};
use crate::columns::{DecimalForm, Frame};
use crate::marts::{broken, names, out_of_range, state_name, taken_back_too_much, unlike_scopes};
use crate::range::check_range;
use crate::records::stored;
use crate::rules;
use crate::{Lease, StateTable, TargetRange, TargetTable};
use arrow::array::RecordBatch;
use arrow::compute::{SortColumn, concat_batches, lexsort_to_indices, take_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use chrono::{DateTime, Utc};
use mysql_async::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tillmart_model::money::Decimal;
use tillmart_model::{Batch, BatchState, Tally};
use tokio::runtime::Handle;

/// Scopes named in one statement: enough to save round trips, few enough for the server to look each up in its index.
const SCOPES_MOST: usize = 100;

/// An open transaction and what it has touched. Dropping the connection rolls it back.
pub(super) struct Session {
    lent: Lent,
    batch: Batch,
    marts: BTreeMap<String, Touched>,
}

/// What was merged into one mart's state.
pub(super) struct Touched {
    state: StateTable,
    /// The values of the scope's columns, as text.
    scopes: BTreeSet<Vec<String>>,
    /// Rows were taken back since the state was last settled.
    unsettled: bool,
}

impl Touched {
    pub(super) fn has(&self, scope: &Vec<String>) -> bool {
        self.scopes.contains(scope)
    }

    /// Conditions that a row's `columns` name a touched scope, each for some of them. Without a scope the mart is one.
    pub(super) fn conditions(&self, columns: &[String]) -> Tried<Vec<String>> {
        if columns.len() != self.state.scope.len() {
            return Err(unlike_scopes(&self.state).into());
        }
        if columns.is_empty() {
            return Ok(vec!["1 = 1".to_owned()]);
        }
        let mut types = Vec::new();
        for name in &self.state.scope {
            types.push(self.state.schema.field_with_name(name).map_or(&DataType::Utf8, |field| field.data_type()));
        }
        let scopes: Vec<&Vec<String>> = self.scopes.iter().collect();
        let mut conditions = Vec::new();
        for part in scopes.chunks(SCOPES_MOST) {
            let mut terms = Vec::with_capacity(part.len());
            for scope in part {
                let mut equal = Vec::with_capacity(columns.len());
                for ((column, text), data_type) in columns.iter().zip(*scope).zip(&types) {
                    equal.push(format!("{} = {}", quoted(column)?, of_text(text, data_type)));
                }
                terms.push(format!("({})", equal.join(" AND ")));
            }
            conditions.push(terms.join(" OR "));
        }
        Ok(conditions)
    }
}

/// A value that was written as text, as SQL writes it.
fn of_text(text: &str, data_type: &DataType) -> String {
    match data_type {
        DataType::Int32 | DataType::Int64 => text.to_owned(),
        _ => {
            let mut sql = String::new();
            literal(&mut sql, &Datum::Text(text));
            sql
        }
    }
}

impl Session {
    /// Opens the transaction for a batch in state `Committed`.
    pub(super) fn begin(pool: &Arc<Pool>, runtime: &Handle, lease: &Lease, batch_id: i64) -> Tried<Self> {
        let mut lent = pool.lend(runtime)?;
        let link = lent.link()?;
        link.run("START TRANSACTION")?;
        let checked = ledger::own_batch(link, lease, batch_id).and_then(|batch| match &batch.state {
            BatchState::Committed { .. } => Ok(batch),
            _ => Err(rules::illegal(&batch, "published").into()),
        });
        match checked {
            Ok(batch) => Ok(Session { lent, batch, marts: BTreeMap::new() }),
            Err(trouble) => {
                if !matches!(trouble, Trouble::Lost(_)) && link.run("ROLLBACK").is_ok() {
                    lent.give_back();
                }
                Err(trouble)
            }
        }
    }

    pub(super) fn batch_id(&self) -> i64 {
        self.batch.id
    }

    /// What was touched of a mart, and the connection.
    pub(super) fn parts(&mut self, mart: &str) -> Tried<Option<(&Touched, &mut Link)>> {
        let link = self.lent.link()?;
        Ok(self.marts.get(mart).map(|touched| (touched, link)))
    }

    pub(super) fn merge(&mut self, state: &StateTable, delta: &RecordBatch, sign: i64) -> Tried<()> {
        let fresh = || Touched { state: state.clone(), scopes: BTreeSet::new(), unsettled: false };
        let touched = self.marts.entry(state.mart.clone()).or_insert_with(fresh);
        let columns = bind::conform(&state_name(state), &state.schema, delta)?;
        let sources = bind::sources(&columns)?;
        let all = names(&state.schema);
        let scope_at: Vec<usize> =
            state.scope.iter().filter_map(|scope| all.iter().position(|name| name == scope)).collect();
        let (head, tail) = upsert_sql(state)?;
        let mut bulk = Bulk::new(head, tail);
        let link = self.lent.link()?;
        let mut refused = |row: usize, trouble: Trouble| refused_sum(state, &all, &sources, row, trouble);
        let mut last: Vec<String> = Vec::new();
        for row in 0..delta.num_rows() {
            let values = delta_row(state, &all, &sources, row, sign)?;
            if let Some(Datum::Integer(landed)) = values.last() {
                touched.unsettled |= *landed <= 0;
            }
            let mut scope = Vec::with_capacity(scope_at.len());
            for at in &scope_at {
                scope.push(values[*at].to_string());
            }
            if scope != last && !touched.scopes.contains(&scope) {
                touched.scopes.insert(scope.clone());
            }
            last = scope;
            bulk.push(link, values, row, &mut refused)?;
        }
        bulk.flush(link, &mut refused)?;
        Ok(())
    }

    pub(super) fn touched(&mut self, state: &StateTable) -> Tried<Vec<RecordBatch>> {
        if !self.marts.contains_key(&state.mart) {
            return Ok(Vec::new());
        }
        self.settle(&state.mart)?;
        let Some((touched, link)) = self.parts(&state.mart)? else { return Ok(Vec::new()) };
        let all = names(&state.schema);
        let mut frame = Frame::new(&state_name(state), state.schema.clone(), state.keys, DecimalForm::Published)?;
        let (columns, table) = (list(all.iter().copied())?, quoted(&state_name(state))?);
        let types = types_of(&state.schema);
        for condition in touched.conditions(&state.scope)? {
            let sql = format!("SELECT {columns} FROM {table} WHERE {condition}");
            link.select_text(&sql, |row| take(&mut frame, &types, row))?;
        }
        sorted(&state.schema, &all[..state.keys], &frame.finish()?)
    }

    /// Ends a merge: a row behind which nothing is landed any more must hold nothing, and goes.
    fn settle(&mut self, mart: &str) -> Tried<()> {
        let link = self.lent.link()?;
        let Some(touched) = self.marts.get_mut(mart).filter(|touched| touched.unsettled) else {
            return Ok(());
        };
        let state = &touched.state;
        let table = quoted(&state_name(state))?;
        let all = names(&state.schema);
        let mut wrong = vec!["`landed_rows` < 0".to_owned()];
        for sum in &all[state.keys..all.len() - 1] {
            wrong.push(format!("(`landed_rows` = 0 AND {} <> 0)", quoted(sum)?));
        }
        let wrong = wrong.join(" OR ");
        let keys = list(all[..state.keys].iter().copied())?;
        for scope in touched.conditions(&state.scope)? {
            let mut odd = None;
            link.select_text(&format!("SELECT {keys} FROM {table} WHERE ({scope}) AND ({wrong}) LIMIT 1"), |row| {
                let named = all[..state.keys].iter().enumerate();
                let key: Vec<String> =
                    named.map(|(at, name)| format!("{name} {}", super::rows::text_at(row, at))).collect();
                odd = Some(key.join(", "));
                Ok(())
            })?;
            if let Some(key) = odd {
                return Err(taken_back_too_much(mart, &key).into());
            }
            link.run(&format!("DELETE FROM {table} WHERE ({scope}) AND `landed_rows` = 0"))?;
        }
        touched.unsettled = false;
        Ok(())
    }

    pub(super) fn replayed(&mut self, file_id: i64, tally: &Tally) -> Tried<()> {
        let link = self.lent.link()?;
        let file = ledger::file(link, file_id)?.ok_or_else(|| rules::no_file(file_id))?;
        let money = rules::replayed(&file, tally)?;
        let values = vec![
            stored(tally.rows_landed)?.into(),
            stored(tally.rows_anonymous)?.into(),
            stored(tally.rows_unknown_product)?.into(),
            money.into(),
            file_id.into(),
        ];
        link.execute(statements::FILE_REPLAYED, values)?;
        Ok(())
    }

    pub(super) fn revoked(&mut self, file_id: i64) -> Tried<()> {
        let link = self.lent.link()?;
        let file = ledger::file(link, file_id)?.ok_or_else(|| rules::no_file(file_id))?;
        if rules::to_revoke(&file, self.batch.id)? {
            let sql = "UPDATE product_staging_table SET outcome = 'revoked', revoked_by = ? WHERE id = ?";
            link.execute(sql, vec![self.batch.id.into(), file_id.into()])?;
        }
        Ok(())
    }

    /// Empties tables of marts into which nothing was merged yet.
    pub(super) fn clear(&mut self, tables: &[String]) -> Tried<()> {
        let link = self.lent.link()?;
        for table in tables {
            link.run(&format!("DELETE FROM {}", quoted(table)?))?;
        }
        Ok(())
    }

    pub(super) fn stands(&mut self, marts: &[String]) -> Tried<()> {
        let link = self.lent.link()?;
        for mart in marts {
            let values = vec![self.batch.feed.as_str().into(), mart.as_str().into(), self.batch.id.into()];
            link.execute(statements::MART_STANDS, values)?;
        }
        Ok(())
    }

    /// Marks the batch published and commits; `renewal` is a renewal of the lease that came in meanwhile.
    pub(super) fn commit(mut self, lease: &Lease, renewal: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Tried<()> {
        let marts: Vec<String> = self.marts.keys().cloned().collect();
        for mart in marts {
            self.settle(&mart)?;
        }
        let link = self.lent.link()?;
        ledger::move_to(link, self.batch.id, "published", None, None, now)?;
        if let Some(until) = renewal {
            lease::prolong(link, lease, until)?;
        }
        link.run("COMMIT")?;
        self.lent.give_back();
        Ok(())
    }
}

/// One row of deltas: keys as they are, sums with their sign.
fn delta_row<'s>(
    state: &StateTable,
    all: &[&str],
    sources: &[Source<'s>],
    row: usize,
    sign: i64,
) -> Tried<Vec<Datum<'s>>> {
    let mut values = Vec::with_capacity(sources.len());
    for (at, source) in sources.iter().enumerate() {
        if source.is_null(row) {
            return Err(broken(&state.mart, &format!("NULL in column `{}`", all[at])).into());
        }
        if at < state.keys {
            values.push(source.value(row)?);
            continue;
        }
        let signed = source.unscaled(row).and_then(|value| value.checked_mul(i128::from(sign)));
        let fits = match (signed, source) {
            (Some(unscaled), Source::Decimal(_, scale)) => Some(Datum::Decimal(Decimal { unscaled, scale: *scale })),
            (Some(value), _) => i64::try_from(value).ok().map(Datum::Integer),
            (None, _) => None,
        };
        values.push(fits.ok_or_else(|| out_of_range(state, all, sources, row))?);
    }
    Ok(values)
}

fn refused_sum(state: &StateTable, all: &[&str], sources: &[Source<'_>], row: usize, trouble: Trouble) -> Tried<()> {
    if trouble.out_of_range().is_some() {
        return Err(out_of_range(state, all, sources, row).into());
    }
    match trouble.misfit() {
        Some(error) => {
            let fault = broken(&state.mart, "a key does not fit its column")
                .expected("texts of at most some hundred letters")
                .found(format!("{}: {}", super::trouble::column(error).unwrap_or("?"), error.code))
                .hint("the key of this mart holds texts that are too long to be a key");
            Err(fault.into())
        }
        None => Err(trouble),
    }
}

fn upsert_sql(state: &StateTable) -> Tried<(String, String)> {
    let all = names(&state.schema);
    let mut adds = Vec::new();
    for sum in &all[state.keys..] {
        let sum = quoted(sum)?;
        adds.push(format!("{sum} = {sum} + VALUES({sum})"));
    }
    let (table, columns) = (quoted(&state_name(state))?, list(all.iter().copied())?);
    let head = format!("INSERT INTO {table} ({columns}) VALUES");
    Ok((head, format!("ON DUPLICATE KEY UPDATE {}", adds.join(", "))))
}

pub(super) fn types_of(schema: &SchemaRef) -> Vec<DataType> {
    schema.fields().iter().map(|field| field.data_type().clone()).collect()
}

/// All rows in the order of a key, by value and byte: a server sorts by its collations.
fn sorted(schema: &SchemaRef, key: &[&str], batches: &[RecordBatch]) -> Tried<Vec<RecordBatch>> {
    if batches.is_empty() {
        return Ok(Vec::new());
    }
    let failed = |error: arrow::error::ArrowError| crate::refusal::database("rows cannot be sorted").found(error);
    let whole = concat_batches(schema, batches).map_err(failed)?;
    let columns: Vec<SortColumn> = key
        .iter()
        .filter_map(|name| whole.column_by_name(name))
        .map(|values| SortColumn { values: Arc::clone(values), options: None })
        .collect();
    let order = lexsort_to_indices(&columns, None).map_err(failed)?;
    Ok(vec![take_record_batch(&whole, &order).map_err(failed)?])
}

/// Reads a whole table in key order.
pub(super) fn read_all(link: &mut Link, table: &str, schema: &SchemaRef, key: &[&str]) -> Tried<Vec<RecordBatch>> {
    read(link, table, schema, key, ("", Vec::new()))
}

/// Reads the rows of a published table that are in a range, in key order.
pub(super) fn read_range(link: &mut Link, target: &TargetTable, range: &TargetRange) -> Tried<Vec<RecordBatch>> {
    check_range(target, range)?;
    let mut condition = format!(" WHERE {} BETWEEN ? AND ?", quoted(&range.column)?);
    let mut values: Vec<Value> = vec![range.first.as_str().into(), range.last.as_str().into()];
    if let Some((column, value)) = &range.only {
        condition.push_str(&format!(" AND {} = ?", quoted(column)?));
        values.push((*value).into());
    }
    let key: Vec<&str> = target.key.iter().map(String::as_str).collect();
    read(link, &target.name, &target.schema, &key, (&condition, values))
}

fn read(
    link: &mut Link,
    table: &str,
    schema: &SchemaRef,
    key: &[&str],
    (condition, values): (&str, Vec<Value>),
) -> Tried<Vec<RecordBatch>> {
    let mut frame = Frame::new(table, schema.clone(), 0, DecimalForm::Published)?;
    frame.name_rows_by(key);
    let types = types_of(schema);
    let sql = format!("SELECT {} FROM {}{condition}", list(names(schema))?, quoted(table)?);
    link.select(&sql, values, |row| take(&mut frame, &types, row))?;
    sorted(schema, key, &frame.finish()?)
}
