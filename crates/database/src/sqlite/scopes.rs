//! What a publication touched: scopes, and where a scope is one state row, the rows themselves.

use super::kept::Columns;
use super::order::{Keys, Place, ascending};
use super::rows::take;
use super::sums::{StatePlan, unfit};
use super::tables::list;
use super::trouble::Tried;
use crate::StateTable;
use crate::bind::key_words;
use crate::columns::{DecimalForm, Frame};
use crate::marts::{names, state_name, taken_back_too_much};
use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{interleave_record_batch, take_record_batch};
use rusqlite::Connection;
use std::cmp::Ordering;

/// Rows that are put in order at once, where they were merged in another.
const ROWS_AT_ONCE: usize = 32_768;

/// What was merged into one mart's state.
pub(super) struct Touched {
    plan: StatePlan,
    /// Changed rows, by primary key in each batch: whole ones where a scope is one row, else one row of each scope.
    changed: Vec<RecordBatch>,
    /// No key is in two batches, and each batch lies behind the one before it.
    is_ascending: bool,
    /// Rows behind which nothing seemed to be landed when they were changed.
    doubtful: Vec<RecordBatch>,
}

impl Touched {
    pub(super) fn new(state: &StateTable) -> Tried<Self> {
        let plan = StatePlan::new(state)?;
        Ok(Touched { plan, changed: Vec::new(), is_ascending: true, doubtful: Vec::new() })
    }

    pub(super) fn merge(&mut self, connection: &Connection, delta: &RecordBatch, sign: i64) -> Tried<()> {
        if delta.num_rows() == 0 {
            // Its columns must be right all the same.
            crate::bind::conform(&state_name(&self.plan.state), &self.plan.state.schema, delta)?;
            return Ok(());
        }
        let changed = self.plan.add(connection, delta, sign)?;
        self.doubtful.extend(self.plan.doubtful(&changed)?);
        let changed = if self.is_row_by_row() { changed } else { self.one_of_each_scope(&changed)? };
        if let Some(last) = self.changed.last() {
            self.is_ascending = self.is_ascending && self.is_behind(last, &changed)?;
        }
        self.changed.push(changed);
        Ok(())
    }

    pub(super) fn state(&self) -> &StateTable {
        &self.plan.state
    }

    /// Whether each state row is a scope of its own.
    fn is_row_by_row(&self) -> bool {
        self.plan.state.scope.len() == self.plan.state.keys
    }

    /// Columns of the scope, as positions in the state's schema.
    fn scope(&self) -> &[usize] {
        // The scope leads the primary key.
        &self.plan.key[..self.plan.state.scope.len()]
    }

    fn one_of_each_scope(&self, changed: &RecordBatch) -> Tried<RecordBatch> {
        let batches = [Columns::of(changed.columns())?];
        let places = ascending(&batches, self.scope());
        let rows = Keys { batches: &batches, at: self.scope(), places: &places };
        let firsts = (0..places.len()).filter(|at| *at == 0 || rows.order(*at, &rows, at - 1) != Ordering::Equal);
        let firsts: UInt32Array = firsts.map(|at| Some(places[at].row)).collect();
        Ok(take_record_batch(changed, &firsts).map_err(unfit)?)
    }

    fn is_behind(&self, last: &RecordBatch, next: &RecordBatch) -> Tried<bool> {
        let batches = [Columns::of(last.columns())?, Columns::of(next.columns())?];
        let places = [(0, last.num_rows() - 1), (1, 0)].map(|(batch, row)| Place { batch, row: row as u32 });
        let rows = Keys { batches: &batches, at: self.scope(), places: &places };
        Ok(rows.order(0, &rows, 1) == Ordering::Less)
    }

    /// Hands the touched scopes to `work`, each once and ascending, their columns at the positions it is told.
    pub(super) fn with_scopes<T>(&self, work: impl FnOnce(&Keys<'_, '_>) -> Tried<T>) -> Tried<T> {
        if self.scope().is_empty() {
            // The whole mart is one scope, of which no column tells.
            let none = RecordBatch::new_empty(self.plan.state.schema.clone());
            let (batches, places) = ([Columns::of(none.columns())?], [Place { batch: 0, row: 0 }]);
            return work(&Keys { batches: &batches, at: &[], places: &places });
        }
        let batches = self.changed.iter().map(|batch| Columns::of(batch.columns())).collect::<Tried<Vec<_>>>()?;
        let mut places = ascending(&batches, self.scope());
        if !self.is_ascending {
            let all = std::mem::take(&mut places);
            let rows = Keys { batches: &batches, at: self.scope(), places: &all };
            let is_first = |at: &usize| *at == 0 || rows.order(*at, &rows, at - 1) != Ordering::Equal;
            places = (0..all.len()).filter(is_first).map(|at| all[at]).collect();
        }
        work(&Keys { batches: &batches, at: self.scope(), places: &places })
    }

    /// Touched rows in batches of which each lies behind the one before it, if each row is a scope of its own: those that went, too.
    /// How many batches, and the batches.
    pub(super) fn rows_in_order(&self) -> Tried<Option<(usize, impl Iterator<Item = Tried<RecordBatch>> + Send)>> {
        if !self.is_row_by_row() {
            return Ok(None);
        }
        let places = if self.is_ascending { Vec::new() } else { self.latest()? };
        let in_order = if self.is_ascending { self.changed.as_slice() } else { &[] };
        let parts = places.len().div_ceil(ROWS_AT_ONCE);
        let sorted = (0..parts).map(move |part| {
            let places = &places[part * ROWS_AT_ONCE..places.len().min((part + 1) * ROWS_AT_ONCE)];
            let rows: Vec<(usize, usize)> = places.iter().map(|at| (at.batch as usize, at.row as usize)).collect();
            Ok(interleave_record_batch(&self.changed.iter().collect::<Vec<_>>(), &rows).map_err(unfit)?)
        });
        Ok(Some((in_order.len() + parts, in_order.iter().cloned().map(Ok).chain(sorted))))
    }

    /// The last of the changed rows of each key, by key: each holds what the ones before it had come to.
    fn latest(&self) -> Tried<Vec<Place>> {
        let batches = self.changed.iter().map(|batch| Columns::of(batch.columns())).collect::<Tried<Vec<_>>>()?;
        let all = ascending(&batches, self.scope());
        let rows = Keys { batches: &batches, at: self.scope(), places: &all };
        let is_last = |at: &usize| at + 1 == all.len() || rows.order(*at, &rows, at + 1) != Ordering::Equal;
        Ok((0..all.len()).filter(is_last).map(|at| all[at]).collect())
    }

    /// Rows of such a batch that stand.
    pub(super) fn standing(&self, batch: &RecordBatch) -> Tried<RecordBatch> {
        Ok(self.plan.standing(batch)?.unwrap_or_else(|| batch.slice(0, 0)))
    }

    /// As [`Touched::with_scopes`], for the rows of such a batch.
    pub(super) fn with_scopes_of<T>(
        &self,
        batch: &RecordBatch,
        work: impl FnOnce(&Keys<'_, '_>) -> Tried<T>,
    ) -> Tried<T> {
        let batches = [Columns::of(batch.columns())?];
        let places = ascending(&batches, self.scope());
        work(&Keys { batches: &batches, at: self.scope(), places: &places })
    }

    /// Every state row of every touched scope.
    pub(super) fn rows(&self, connection: &Connection) -> Tried<Vec<RecordBatch>> {
        if let Some((_, batches)) = self.rows_in_order()? {
            let standing = batches.map(|batch| self.plan.standing(&batch?));
            return Ok(standing.collect::<Tried<Vec<_>>>()?.into_iter().flatten().collect());
        }
        let state = &self.plan.state;
        let all = names(&state.schema);
        let scope: Vec<&str> = self.scope().iter().map(|at| all[*at]).collect();
        let sql = format!(
            "SELECT {} FROM {} WHERE {} ORDER BY {}",
            list(all.iter().copied())?,
            self.plan.table,
            each_is_given(&scope)?,
            list(self.plan.key_names())?,
        );
        let mut statement = connection.prepare(&sql)?;
        let mut frame = Frame::new(&state_name(state), state.schema.clone(), state.keys, DecimalForm::Unscaled)?;
        self.with_scopes(|scopes| {
            for nth in 0..scopes.len() {
                for column in 0..scopes.at.len() {
                    statement.raw_bind_parameter(column + 1, scopes.kept(nth, column)?)?;
                }
                let mut found = statement.raw_query();
                while let Some(row) = found.next()? {
                    take(&mut frame, row)?;
                }
            }
            Ok(())
        })?;
        Ok(frame.finish()?)
    }

    /// Ends a merge: a row behind which nothing is landed any more must hold nothing, and goes.
    pub(super) fn settle(&mut self, connection: &Connection) -> Tried<()> {
        if self.doubtful.is_empty() {
            return Ok(());
        }
        let plan = &self.plan;
        let (key, sums) = (each_is_given(&plan.key_names())?, plan.sum_names());
        let (landed, sums) = sums.split_last().unwrap_or((&"landed_rows", &[]));
        let mut wrong = vec![format!("{landed} < 0")];
        for sum in sums {
            wrong.push(format!("({landed} = 0 AND {} <> 0)", super::tables::quoted(sum)?));
        }
        let wrong = wrong.join(" OR ");
        let mut check = connection.prepare(&format!("SELECT 1 FROM {} WHERE {key} AND ({wrong})", plan.table))?;
        let mut delete = connection.prepare(&format!("DELETE FROM {} WHERE {key} AND {landed} = 0", plan.table))?;
        for batch in std::mem::take(&mut self.doubtful) {
            let columns = Columns::of(batch.columns())?;
            for row in 0..batch.num_rows() {
                for (parameter, at) in (1..).zip(&plan.key) {
                    check.raw_bind_parameter(parameter, columns.kept(*at, row)?)?;
                    delete.raw_bind_parameter(parameter, columns.kept(*at, row)?)?;
                }
                if check.raw_query().next()?.is_some() {
                    let all = names(&plan.state.schema);
                    let words = key_words(&all[..plan.state.keys], columns.sources(), row);
                    return Err(taken_back_too_much(&plan.state.mart, &words).into());
                }
                delete.raw_execute()?;
            }
        }
        Ok(())
    }
}

/// `"a" = ? AND "b" = ?`, and what is always so for no column.
pub(super) fn each_is_given(columns: &[&str]) -> Tried<String> {
    let mut terms = Vec::new();
    for column in columns {
        terms.push(format!("{} = ?", super::tables::quoted(column)?));
    }
    Ok(if terms.is_empty() { "1".to_owned() } else { terms.join(" AND ") })
}
