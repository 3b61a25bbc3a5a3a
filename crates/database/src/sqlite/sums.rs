//! Deltas on their way into a state table: sorted as the table is, they are joined with it in passing, added up here and put back.

use super::kept::{Columns, Kept};
use super::order::{Keys, Place, ascending, is_strictly_ascending};
use super::overwrite::Overwrite;
use super::puts::{Puts, Values};
use super::seek::{Seek, Walked};
use super::tables::{INTEGER_DIGITS, list, quoted};
use super::trouble::Tried;
use crate::StateTable;
use crate::bind;
use crate::marts::{broken, names, out_of_range, state_key, state_name};
use arrow::array::{Array, ArrayRef, BooleanArray, Decimal128Array, Int64Array, RecordBatch, UInt32Array};
use arrow::compute::{filter_record_batch, take};
use arrow::datatypes::DataType;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use std::cmp::Ordering;
use std::sync::Arc;
use tillmart_model::money;

/// Keys that are read, added up and put back at once.
const KEYS_AT_ONCE: usize = 4_096;

/// How a mart's state is kept.
pub(super) struct StatePlan {
    pub(super) state: StateTable,
    /// The table, quoted, with its schema's name.
    pub(super) table: String,
    /// Columns of the primary key, as positions in the state's schema: the scope leads.
    pub(super) key: Vec<usize>,
    /// Smallest and largest value of each sum and of `landed_rows`.
    ranges: Vec<(i64, i64)>,
}

impl StatePlan {
    pub(super) fn new(state: &StateTable) -> Tried<Self> {
        let all = names(&state.schema);
        let key = state_key(state)?;
        let key = key.iter().filter_map(|name| all.iter().position(|other| other == name)).collect();
        let ranges = state.schema.fields()[state.keys..].iter().map(|field| range(field.data_type())).collect();
        let table = format!("main.{}", quoted(&state_name(state))?);
        Ok(StatePlan { state: state.clone(), table, key, ranges })
    }

    /// Names of the primary key's columns.
    pub(super) fn key_names(&self) -> Vec<&str> {
        let all = names(&self.state.schema);
        self.key.iter().map(|at| all[*at]).collect()
    }

    /// Names of the sums, `landed_rows` last.
    pub(super) fn sum_names(&self) -> Vec<&str> {
        names(&self.state.schema).split_off(self.state.keys)
    }

    /// Adds a delta to the state, `sign` times. Returns the state rows that it changed, by primary key.
    pub(super) fn add(&self, connection: &Connection, delta: &RecordBatch, sign: i64) -> Tried<RecordBatch> {
        let columns = bind::conform(&state_name(&self.state), &self.state.schema, delta)?;
        let all = names(&self.state.schema);
        if let Some(at) = columns.iter().position(|column| column.null_count() > 0) {
            return Err(broken(&self.state.mart, &format!("NULL in column `{}`", all[at])).into());
        }
        let batches = [Columns::of(&columns)?];
        let places = ascending(&batches, &self.key);
        let rows = Keys { batches: &batches, at: &self.key, places: &places };
        // The first row of each key, and the end.
        let is_distinct = is_strictly_ascending(&batches, &self.key);
        let is_first = |at: &usize| is_distinct || *at == 0 || rows.order(*at, &rows, at - 1) != Ordering::Equal;
        let mut firsts: Vec<usize> = (0..places.len()).filter(is_first).collect();
        let distinct: Vec<Place> = firsts.iter().map(|at| places[*at]).collect();
        firsts.push(places.len());
        let adding = Adding { plan: self, rows, keys: Keys { places: &distinct, ..rows }, firsts: &firsts, sign };
        let sums = adding.all(connection)?;
        self.changed(&columns, &distinct, sums)
    }

    /// The changed rows in the state's schema.
    fn changed(&self, delta: &[ArrayRef], distinct: &[Place], sums: Vec<Vec<i64>>) -> Tried<RecordBatch> {
        let rows: UInt32Array = distinct.iter().map(|place| Some(place.row)).collect();
        let is_as_it_came = delta.first().is_some_and(|column| column.len() == distinct.len())
            && (0..).zip(distinct).all(|(at, place)| place.row == at);
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(delta.len());
        for key in &delta[..self.state.keys] {
            columns.push(if is_as_it_came { Arc::clone(key) } else { take(key, &rows, None).map_err(unfit)? });
        }
        for (sum, field) in sums.into_iter().zip(&self.state.schema.fields()[self.state.keys..]) {
            columns.push(match field.data_type() {
                DataType::Decimal128(..) => Arc::new(
                    Decimal128Array::from_iter_values(sum.into_iter().map(i128::from))
                        .with_data_type(field.data_type().clone()),
                ),
                _ => Arc::new(Int64Array::from(sum)),
            });
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.state.schema), columns).map_err(unfit)?)
    }

    /// Rows behind which nothing, or less, is landed by now: what more comes in this publication decides of them.
    pub(super) fn doubtful(&self, changed: &RecordBatch) -> Tried<Option<RecordBatch>> {
        self.where_landed(changed, |landed| landed <= 0)
    }

    /// Rows behind which something is landed.
    pub(super) fn standing(&self, changed: &RecordBatch) -> Tried<Option<RecordBatch>> {
        self.where_landed(changed, |landed| landed != 0)
    }

    fn where_landed(&self, changed: &RecordBatch, wanted: impl Fn(i64) -> bool) -> Tried<Option<RecordBatch>> {
        let landed = changed.column(changed.num_columns() - 1);
        let Some(landed) = landed.as_any().downcast_ref::<Int64Array>() else { return Ok(None) };
        let mask: BooleanArray = landed.values().iter().map(|landed| Some(wanted(*landed))).collect();
        match mask.true_count() {
            0 => Ok(None),
            all if all == changed.num_rows() => Ok(Some(changed.clone())),
            _ => Ok(Some(filter_record_batch(changed, &mask).map_err(unfit)?)),
        }
    }
}

/// One delta being added.
struct Adding<'p, 'a> {
    plan: &'p StatePlan,
    /// Every row of the delta, by key.
    rows: Keys<'p, 'a>,
    /// The first row of each key.
    keys: Keys<'p, 'a>,
    /// Where the rows of each key begin among all of them, and the end.
    firsts: &'p [usize],
    sign: i64,
}

impl Adding<'_, '_> {
    /// Adds every key up and puts it back; returns the new sums, column by column.
    fn all(&self, connection: &Connection) -> Tried<Vec<Vec<i64>>> {
        let (plan, sums) = (self.plan, self.plan.ranges.len());
        let mut seek = Seek::new(connection, &plan.table, &plan.key_names(), &plan.sum_names())?;
        let columns: Vec<&str> = plan.key_names().into_iter().chain(plan.sum_names()).collect();
        // There is no other key and no trigger on a state table: to replace a row is to write it, without a look before.
        let insert = format!("INSERT OR REPLACE INTO {} ({})", plan.table, list(columns.iter().copied())?);
        let mut puts = Puts::new(connection, &insert, columns.len(), "")?;
        let mut all: Vec<Vec<i64>> = vec![Vec::with_capacity(self.keys.len()); sums];
        let mut overwrite = Overwrite::new(connection, &plan.table, &plan.key_names())?;
        for first in (0..self.keys.len()).step_by(KEYS_AT_ONCE) {
            let end = self.keys.len().min(first + KEYS_AT_ONCE);
            let keys = self.keys.part(first..end);
            let mut news = self.deltas(first..end)?;
            let mut is_old = vec![false; keys.len()];
            let walked = seek.find(&keys, |nth, row| {
                is_old[nth] = true;
                self.add_row(&mut news[nth * sums..][..sums], row)
            })?;
            for (nth, news) in news.chunks(sums).enumerate() {
                for ((new, range), sum) in news.iter().zip(&plan.ranges).zip(&mut all) {
                    let fits = i64::try_from(*new).ok().filter(|new| (range.0..=range.1).contains(new));
                    sum.push(fits.ok_or_else(|| self.out_of_range(first + nth))?);
                }
            }
            let news: Vec<&[i64]> = all.iter().map(|sum| &sum[first..end]).collect();
            self.put(&keys, &news, (&is_old, walked), &mut overwrite, &mut puts)?;
        }
        Ok(all)
    }

    /// Writes new sums, column by column, of keys of which some have a row already: those in passing, if they are many.
    fn put(
        &self,
        keys: &Keys<'_, '_>,
        news: &[&[i64]],
        (is_old, walked): (&[bool], Walked),
        overwrite: &mut Overwrite<'_>,
        puts: &mut Puts<'_>,
    ) -> Tried<()> {
        let old: Vec<usize> = (0..keys.len()).filter(|nth| is_old[*nth]).collect();
        let is_overwritten = overwrite.is_worth_it(old.len(), news.len(), walked) && {
            let places: Vec<Place> = old.iter().map(|nth| keys.places[*nth]).collect();
            let new = |nth: usize, column: usize| Ok(Kept::Integer(news[column][old[nth]]));
            overwrite.put(&self.plan.sum_names(), &Keys { places: &places, ..*keys }, new)?
        };
        let rest: Vec<usize> = (0..keys.len()).filter(|nth| !(is_overwritten && is_old[*nth])).collect();
        let places: Vec<Place> = rest.iter().map(|nth| keys.places[*nth]).collect();
        let sums: Vec<Vec<i64>> = news.iter().map(|sum| rest.iter().map(|nth| sum[*nth]).collect()).collect();
        let columns = keys.at.iter().map(|at| Values::Column { batches: keys.batches, at: *at });
        puts.put(&places, &columns.chain(sums.iter().map(|sum| Values::Integers(sum))).collect::<Vec<_>>())
    }

    /// What is added to each of these keys, sum by sum.
    fn deltas(&self, keys: std::ops::Range<usize>) -> Tried<Vec<i128>> {
        let (state, sign) = (&self.plan.state, i128::from(self.sign));
        let mut deltas = Vec::with_capacity(keys.len() * self.plan.ranges.len());
        for key in keys {
            for column in state.keys..state.keys + self.plan.ranges.len() {
                let sources = self.rows.batches[0].sources();
                let rows = self.rows.places[self.firsts[key]..self.firsts[key + 1]].iter();
                let delta = rows
                    .map(|place| sources[column].unscaled(place.row as usize))
                    .try_fold(0, |sum: i128, row| sum.checked_add(row?.checked_mul(sign)?));
                deltas.push(delta.ok_or_else(|| self.out_of_range(key))?);
            }
        }
        Ok(deltas)
    }

    /// Adds what the table holds of a key. A delta of 64 bits and a sum of 64 bits add up in 128; a delta of more never fits.
    fn add_row(&self, news: &mut [i128], row: &Row<'_>) -> Tried<()> {
        for (nth, new) in news.iter_mut().enumerate() {
            let ValueRef::Integer(old) = row.get_ref(self.plan.key.len() + nth)? else {
                return Err(broken(&self.plan.state.mart, "a sum of the state that is no integer").into());
            };
            *new = new.saturating_add(i128::from(old));
        }
        Ok(())
    }

    fn out_of_range(&self, key: usize) -> tillmart_model::Fault {
        let place = self.keys.places[key];
        let sources = self.keys.batches[0].sources();
        out_of_range(&self.plan.state, &names(&self.plan.state.schema), sources, place.row as usize)
    }
}

fn range(data_type: &DataType) -> (i64, i64) {
    match data_type {
        DataType::Decimal128(precision, _) if *precision <= INTEGER_DIGITS => {
            let most = i64::try_from(money::power_of_ten(u32::from(*precision)) - 1).unwrap_or(i64::MAX);
            (-most, most)
        }
        _ => (i64::MIN, i64::MAX),
    }
}

/// Arrow refused to put columns together that were held against the schema before.
pub(super) fn unfit(error: arrow::error::ArrowError) -> tillmart_model::Fault {
    crate::refusal::promise("rows of a mart do not fit its columns").found(error)
}
