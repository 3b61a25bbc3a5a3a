//! Finished rows on their way into a published table: joined with what is published of their scopes, so that only what differs is
//! written.

use super::kept::Columns;
use super::order::{Keys, Place, ascending, is_strictly_ascending, kept};
use super::overwrite::Overwrite;
use super::puts::{Puts, Values};
use super::scopes::{Touched, each_is_given};
use super::seek::{Seek, Walked};
use super::statements;
use super::tables::{by_scope, list, quoted};
use super::trouble::Tried;

use crate::bind;
use crate::marts::{broken, doubled, names, outside, unlike_scopes};
use crate::{Finish, StateTable, TargetTable};
use arrow::array::{Array, ArrayRef, RecordBatch};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, Statement};
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::mpsc::sync_channel;

/// Scopes of one row each that are compared before what differs is written.
const SCOPES_AT_ONCE: usize = 4_096;

/// Makes the published rows of the touched scopes equal to `rows`; returns how many changed.
pub(super) fn replace(
    connection: &Connection,
    touched: &Touched,
    target: &TargetTable,
    rows: &[RecordBatch],
) -> Tried<u64> {
    let plan = TargetPlan::new(touched.state(), target)?;
    let finished = Finished::of(&plan, rows)?;
    touched.with_scopes(|scopes| replace_scopes(connection, &plan, scopes, &finished))
}

/// Makes the published rows of the touched scopes equal to what `finish` makes of their state rows. Where each state row is a scope of
/// its own, it makes some of them while others are being written.
pub(super) fn replace_each(
    connection: &Connection,
    touched: &Touched,
    target: &TargetTable,
    finish: &Finish,
) -> Tried<u64> {
    let Some((count, batches)) = touched.rows_in_order()? else {
        let rows = touched.rows(connection)?;
        let finished = rows.into_iter().map(|rows| finish(rows)).collect::<Result<Vec<_>, _>>()?;
        return replace(connection, touched, target, &finished);
    };
    let plan = &TargetPlan::new(touched.state(), target)?;
    let (finished, next) = sync_channel::<Tried<(RecordBatch, Finished)>>(1);
    std::thread::scope(|scope| {
        let (touched, plan) = (&*touched, plan);
        scope.spawn(move || {
            for batch in batches {
                let made = batch.and_then(|batch| {
                    let rows = finish(touched.standing(&batch)?)?;
                    Ok((batch, Finished::of(plan, &[rows])?))
                });
                // Nobody waits for more: the other side has met a fault.
                if finished.send(made).is_err() {
                    return;
                }
            }
        });
        let (mut done, mut changed) = (0, 0);
        for made in next {
            let (batch, finished) = made?;
            changed += touched.with_scopes_of(&batch, |scopes| replace_scopes(connection, plan, scopes, &finished))?;
            done += 1;
        }
        if done < count {
            return Err(broken(&target.name, "`finish` stopped half-way").into());
        }
        Ok(changed)
    })
}

/// Finished rows, held against the table's columns and in the order of its key.
struct Finished {
    batches: Vec<Vec<ArrayRef>>,
    places: Vec<Place>,
}

impl Finished {
    fn of(plan: &TargetPlan<'_>, rows: &[RecordBatch]) -> Tried<Self> {
        let columns = plan.columns_of(rows)?;
        let batches = columns.iter().map(|columns| Columns::of(columns)).collect::<Tried<Vec<_>>>()?;
        let places = ascending(&batches, &plan.order[..plan.key]);
        if !is_strictly_ascending(&batches, &plan.order[..plan.key]) {
            plan.refuse_doubled(&Keys { batches: &batches, at: &plan.order[..plan.key], places: &places })?;
        }
        drop(batches);
        Ok(Finished { batches: columns, places })
    }
}

fn replace_scopes(
    connection: &Connection,
    plan: &TargetPlan<'_>,
    scopes: &Keys<'_, '_>,
    finished: &Finished,
) -> Tried<u64> {
    let batches = finished.batches.iter().map(|columns| Columns::of(columns)).collect::<Tried<Vec<_>>>()?;
    let finished = Keys { batches: &batches, at: &plan.order[..plan.key], places: &finished.places };
    let mut writing = Writing::new(connection, plan, &finished)?;
    if plan.scope == plan.key {
        writing.row_by_row(connection, scopes)?;
    } else {
        writing.scope_by_scope(connection, scopes)?;
    }
    Ok(writing.changed)
}

/// How a mart's rows are published.
struct TargetPlan<'t> {
    target: &'t TargetTable,
    /// Positions in the target's schema: scope, rest of the key, other columns.
    order: Vec<usize>,
    /// How many of them are the scope.
    scope: usize,
    /// How many of them are the key, the scope with it.
    key: usize,
}

impl<'t> TargetPlan<'t> {
    fn new(state: &StateTable, target: &'t TargetTable) -> Tried<Self> {
        if state.scope.len() != target.scope.len() {
            return Err(unlike_scopes(state).into());
        }
        let all = names(&target.schema);
        let scope = || target.scope.iter().map(String::as_str);
        let rest = target.key.iter().map(String::as_str).filter(|name| !scope().any(|scope| scope == *name));
        let key: Vec<&str> = scope().chain(rest).collect();
        let others = all.iter().filter(|name| !key.contains(name));
        let ordered = key.iter().chain(others);
        let order = ordered.filter_map(|name| all.iter().position(|other| other == name)).collect();
        Ok(TargetPlan { target, order, scope: target.scope.len(), key: key.len() })
    }

    /// Names of the columns, in this order.
    fn names(&self) -> Vec<&'t str> {
        let all = names(&self.target.schema);
        self.order.iter().map(|at| all[*at]).collect()
    }

    /// The columns of each batch, in the types that the table has.
    fn columns_of(&self, rows: &[RecordBatch]) -> Tried<Vec<Vec<ArrayRef>>> {
        let target = self.target;
        let mut batches = Vec::with_capacity(rows.len());
        for batch in rows {
            let columns = bind::conform(&target.name, &target.schema, batch)?;
            let sources = bind::sources(&columns)?;
            for (field, source) in target.schema.fields().iter().zip(&sources) {
                bind::check_precision(&target.name, field, source)?;
            }
            let is_null = |row: usize| self.order[..self.key].iter().any(|at| columns[*at].is_null(row));
            let some_null = self.order[..self.key].iter().any(|at| columns[*at].null_count() > 0);
            if let Some(row) = (0..batch.num_rows()).find(|row| some_null && is_null(*row)) {
                return Err(doubled(target, &sources, row).into());
            }
            batches.push(columns);
        }
        Ok(batches)
    }

    fn refuse_doubled(&self, finished: &Keys<'_, '_>) -> Tried<()> {
        match (1..finished.len()).find(|at| finished.order(*at, finished, at - 1) == Ordering::Equal) {
            None => Ok(()),
            Some(at) => {
                let Place { batch, row } = finished.places[at];
                Err(doubled(self.target, finished.batches[batch as usize].sources(), row as usize).into())
            }
        }
    }

    /// Whether a published row is the finished row of its key.
    fn is_same(&self, published: &Row<'_>, finished: &Keys<'_, '_>, nth: usize) -> Tried<bool> {
        for (column, at) in self.order.iter().enumerate().skip(self.key) {
            let wanted = kept(finished.batches, finished.places[nth], *at)?;
            if published.get_ref(column)? != wanted.value() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The same, and notes which columns differ, in this order.
    fn note_differing(
        &self,
        published: &Row<'_>,
        finished: &Keys<'_, '_>,
        nth: usize,
        differing: &mut [bool],
    ) -> Tried<bool> {
        let mut is_same = true;
        for (column, at) in self.order.iter().enumerate().skip(self.key) {
            let wanted = kept(finished.batches, finished.places[nth], *at)?;
            if published.get_ref(column)? != wanted.value() {
                (is_same, differing[column]) = (false, true);
            }
        }
        Ok(is_same)
    }

    /// What stands around the values of an `INSERT` that writes rows over those that are there. Mostly nothing hangs on a row but its key, and
    /// to replace it is to write it, without a look before; else it is tied.
    fn upsert(&self, is_tied: bool) -> Tried<(String, String)> {
        let (all, table) = (self.names(), quoted(&self.target.name)?);
        // In the order of the table: SQLite need not put the values of each row into another one.
        let columns = list(names(&self.target.schema))?;
        if !is_tied {
            return Ok((format!("INSERT OR REPLACE INTO main.{table} ({columns})"), String::new()));
        }
        let mut sets = Vec::new();
        for column in &all[self.key..] {
            let column = quoted(column)?;
            sets.push(format!("{column} = excluded.{column}"));
        }
        let key = list(all[..self.key].iter().copied())?;
        let then = if sets.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", sets.join(", ")) };
        Ok((format!("INSERT INTO main.{table} ({columns})"), format!("ON CONFLICT ({key}) DO {then}")))
    }
}

/// What is being written, and how far the finished rows are done.
struct Writing<'w, 'a> {
    plan: &'w TargetPlan<'w>,
    finished: &'w Keys<'w, 'a>,
    puts: Puts<'w>,
    /// None where something hangs on the rows.
    overwrite: Option<Overwrite<'w>>,
    delete: Statement<'w>,
    next: usize,
    changed: u64,
}

impl<'w, 'a> Writing<'w, 'a> {
    fn new(connection: &'w Connection, plan: &'w TargetPlan<'w>, finished: &'w Keys<'w, 'a>) -> Tried<Self> {
        let ties: i64 = connection.query_row(statements::TIES, [&plan.target.name], |row| row.get(0))?;
        let (before, after) = plan.upsert(ties > 0)?;
        let puts = Puts::new(connection, &before, plan.order.len(), &after)?;
        let (names, table) = (plan.names(), format!("main.{}", quoted(&plan.target.name)?));
        let overwrite = if ties > 0 { None } else { Some(Overwrite::new(connection, &table, &names[..plan.key])?) };
        let delete =
            connection.prepare(&format!("DELETE FROM {table} WHERE {}", each_is_given(&names[..plan.key])?))?;
        Ok(Writing { plan, finished, puts, overwrite, delete, next: 0, changed: 0 })
    }

    /// The finished rows of the next scope. Rows of a scope before it, which is touched by nothing, are refused.
    fn of_scope(&mut self, scopes: &Keys<'_, '_>, nth: usize) -> Tried<Range<usize>> {
        let scope = self.finished.by(&self.plan.order[..self.plan.scope]);
        let first = self.next;
        while self.next < scope.len() {
            match scope.order(self.next, scopes, nth) {
                Ordering::Less => return Err(outside(self.plan.target).into()),
                Ordering::Equal => {
                    self.next += 1;
                    // No two finished rows have one key.
                    if self.plan.scope == self.plan.key {
                        break;
                    }
                }
                Ordering::Greater => break,
            }
        }
        Ok(first..self.next)
    }

    fn refuse_rest(&self) -> Tried<()> {
        if self.next < self.finished.len() { Err(outside(self.plan.target).into()) } else { Ok(()) }
    }

    /// Overwrites, in passing, what differs in rows that are published. False if that is not worth it, or not to be done.
    fn overwrite(&mut self, rows: &[usize], differing: &[bool], walked: Walked) -> Tried<bool> {
        let (plan, finished, names) = (self.plan, self.finished, self.plan.names());
        let columns: Vec<usize> = (0..names.len()).filter(|column| differing[*column]).collect();
        let Some(overwrite) = self.overwrite.as_mut().filter(|it| it.is_worth_it(rows.len(), columns.len(), walked))
        else {
            return Ok(false);
        };
        let places: Vec<Place> = rows.iter().map(|nth| finished.places[*nth]).collect();
        let changed: Vec<&str> = columns.iter().map(|column| names[*column]).collect();
        let is_done = overwrite.put(&changed, &Keys { places: &places, ..*finished }, |nth, column| {
            Ok(kept(finished.batches, places[nth], plan.order[columns[column]])?.owned())
        })?;
        self.changed += if is_done { rows.len() as u64 } else { 0 };
        Ok(is_done)
    }

    fn put(&mut self, rows: &[usize]) -> Tried<()> {
        let finished = self.finished;
        let places: Vec<Place> = rows.iter().map(|nth| finished.places[*nth]).collect();
        // The statement's columns are those of the table, in its order.
        let columns = (0..self.plan.order.len()).map(|at| Values::Column { batches: finished.batches, at });
        self.puts.put(&places, &columns.collect::<Vec<_>>())?;
        self.changed += rows.len() as u64;
        Ok(())
    }

    /// Where each scope is one row at most.
    fn row_by_row(&mut self, connection: &Connection, scopes: &Keys<'_, '_>) -> Tried<()> {
        let (plan, finished) = (self.plan, self.finished);
        let (all, table) = (plan.names(), by_scope(plan.target)?);
        let mut seek = Seek::new(connection, &table, &all[..plan.key], &all[plan.key..])?;
        for first in (0..scopes.len()).step_by(SCOPES_AT_ONCE) {
            let some = scopes.part(first..scopes.len().min(first + SCOPES_AT_ONCE));
            let mut wanted = Vec::with_capacity(some.len());
            for nth in 0..some.len() {
                wanted.push(self.of_scope(&some, nth)?);
            }
            // Rows that are to be overwritten; what is left of the wanted ones is new.
            let (mut changed, mut gone, mut differing) = (Vec::new(), Vec::new(), vec![false; all.len()]);
            let walked = seek.find(&some, |nth, published| {
                match wanted[nth].next() {
                    Some(row) if plan.note_differing(published, finished, row, &mut differing)? => {}
                    Some(row) => changed.push(row),
                    None => gone.push(nth),
                }
                Ok(())
            })?;
            let mut rows: Vec<usize> = wanted.into_iter().flatten().collect();
            if !self.overwrite(&changed, &differing, walked)? {
                rows.extend(changed);
                rows.sort_unstable();
            }
            self.put(&rows)?;
            for nth in gone {
                for column in 0..plan.key {
                    self.delete.raw_bind_parameter(column + 1, some.kept(nth, column)?)?;
                }
                self.changed += self.delete.raw_execute()? as u64;
            }
        }
        self.refuse_rest()
    }

    /// Where a scope may have many rows.
    fn scope_by_scope(&mut self, connection: &Connection, scopes: &Keys<'_, '_>) -> Tried<()> {
        let (plan, all) = (self.plan, self.plan.names());
        let mut published = connection.prepare(&format!(
            "SELECT {} FROM {} WHERE {} ORDER BY {}",
            list(all.iter().copied())?,
            by_scope(plan.target)?,
            each_is_given(&all[..plan.scope])?,
            list(all[plan.scope..plan.key].iter().copied())?,
        ))?;
        for nth in 0..scopes.len() {
            for column in 0..plan.scope {
                published.raw_bind_parameter(column + 1, scopes.kept(nth, column)?)?;
            }
            let wanted = self.of_scope(scopes, nth)?;
            let (different, gone) = self.compare(&mut published, wanted)?;
            self.put(&different)?;
            for key in gone {
                for (parameter, value) in (1..).zip(key) {
                    self.delete.raw_bind_parameter(parameter, value)?;
                }
                self.changed += self.delete.raw_execute()? as u64;
            }
        }
        self.refuse_rest()
    }

    /// Which finished rows of a scope are not published just so, and the keys of published rows that are finished no more.
    fn compare(&self, published: &mut Statement<'_>, wanted: Range<usize>) -> Tried<(Vec<usize>, Vec<Vec<Value>>)> {
        let plan = self.plan;
        let rest = self.finished.by(&plan.order[plan.scope..plan.key]);
        let (mut different, mut gone) = (Vec::new(), Vec::new());
        let mut next = wanted.start;
        let mut rows = published.raw_query();
        while let Some(row) = rows.next()? {
            let mut ordering = Ordering::Greater;
            while next < wanted.end {
                ordering = rest.order_of_row(next, row, plan.scope)?;
                if ordering != Ordering::Less {
                    break;
                }
                different.push(next);
                next += 1;
            }
            if next < wanted.end && ordering == Ordering::Equal {
                if !plan.is_same(row, self.finished, next)? {
                    different.push(next);
                }
                next += 1;
            } else {
                gone.push((0..plan.key).map(|column| row.get(column)).collect::<rusqlite::Result<Vec<Value>>>()?);
            }
        }
        different.extend(next..wanted.end);
        Ok((different, gone))
    }
}
