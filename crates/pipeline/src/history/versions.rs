//! Versions from statements: what held of a key on which day. A pure function, whose result does not hang on the order in which
//! statements about different days or columns arrived.

use super::shape::{BEGINNING, OF_STATEMENT, set_of, versions_schema};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, DynComparator, Int64Array, RecordBatch, UInt32Array,
    make_comparator,
};
use arrow::compute::{SortOptions, cast, concat, take};
use arrow::datatypes::{Date32Type, Int64Type};
use arrow::error::ArrowError;
use std::collections::HashMap;
use std::sync::Arc;
use tillmart_database::Dimension;

/// Keys that are looked at together: statements about whole ranges of keys are told apart once for all of them.
const KEYS_AT_ONCE: usize = 4096;

/// No value was stated.
const NONE: u32 = u32::MAX;

/// From a day on, the value at a place of a column's pool.
type Fact = (i32, u32);

/// The versions of these keys (rising, each once), by key and day: `versions_schema`. `statements` has all that was ever stated of
/// them.
///
/// # Errors
/// Statements of other columns than [`super::shape::statements_schema`].
pub(super) fn versions_of(
    dimension: Dimension,
    statements: &RecordBatch,
    touched: &[i64],
) -> Result<RecordBatch, ArrowError> {
    let said = Said::of(dimension, statements)?;
    let mut made = Made::new(&said);
    let mut next = 0;
    let mut events: Vec<(i64, u32)> = Vec::new();
    let mut facts: Vec<Vec<Fact>> = vec![Vec::new(); said.pools.len()];
    for keys in touched.chunks(KEYS_AT_ONCE) {
        let (Some(least), Some(greatest)) = (keys.first(), keys.last()) else { continue };
        let ranges = said.ranges_over(*least, *greatest);
        for key in keys {
            while said.of_one.get(next).is_some_and(|(of, ..)| of < key) {
                next += 1;
            }
            events.clear();
            while let Some((_, sequence, row)) = said.of_one.get(next).filter(|(of, ..)| of == key) {
                events.push((*sequence, *row));
                next += 1;
            }
            events.extend(ranges.iter().filter(|(first, last, ..)| (first..=last).contains(&key)).map(|range| range.2));
            events.sort_unstable();
            facts.iter_mut().for_each(Vec::clear);
            for (_, row) in &events {
                said.take_in(*row, &mut facts);
            }
            made.versions(*key, &facts, &said);
        }
    }
    made.finish(dimension, &said)
}

/// Statements, ready to be asked.
struct Said {
    from: Date32Array,
    as_it_was: BooleanArray,
    /// Which columns each row states.
    sets: Vec<u32>,
    /// Key, sequence and row of statements with values, in this order.
    of_one: Vec<(i64, i64, u32)>,
    /// First and last key, and sequence and row, of statements that all is as it was.
    of_many: Vec<(i64, i64, (i64, u32))>,
    /// The values of each column; behind those of `old_price` stand those of `current_price`, which it follows.
    pools: Vec<ArrayRef>,
    same: Vec<DynComparator>,
    /// Columns `current_price` and `old_price` of a product.
    prices: Option<(usize, usize)>,
    rows: u32,
}

impl Said {
    fn of(dimension: Dimension, statements: &RecordBatch) -> Result<Said, ArrowError> {
        let number = |at: usize| statements.column(at).as_primitive::<Int64Type>();
        let (sequence, first, last) = (number(0), number(2), number(3));
        let as_it_was = statements.column(5).as_boolean().clone();
        let stated = statements.column(4).as_string::<i32>();
        let mut known: HashMap<&str, u32> = HashMap::new();
        let sets: Vec<u32> = stated
            .iter()
            .map(|names| {
                let names = names.unwrap_or_default();
                *known.entry(names).or_insert_with(|| set_of(dimension, names))
            })
            .collect();
        let rows = u32::try_from(statements.num_rows()).map_err(|error| ArrowError::ComputeError(error.to_string()))?;
        let (mut of_one, mut of_many) = (Vec::new(), Vec::new());
        for row in 0..rows {
            let at = row as usize;
            if as_it_was.value(at) {
                of_many.push((first.value(at), last.value(at), (sequence.value(at), row)));
            } else {
                of_one.push((first.value(at), sequence.value(at), row));
            }
        }
        of_one.sort_unstable();
        let mut pools: Vec<ArrayRef> = statements.columns()[OF_STATEMENT..].to_vec();
        let place = |name: &str| dimension.columns().iter().skip(1).position(|column| column.name == name);
        let prices = place("current_price").zip(place("old_price"));
        if let Some((current, old)) = prices {
            pools[old] = concat(&[pools[old].as_ref(), pools[current].as_ref()])?;
        }
        let compare = |pool: &ArrayRef| make_comparator(pool.as_ref(), pool.as_ref(), SortOptions::default());
        let same = pools.iter().map(compare).collect::<Result<_, _>>()?;
        let from = statements.column(1).as_primitive::<Date32Type>().clone();
        Ok(Said { from, as_it_was, sets, of_one, of_many, pools, same, prices, rows })
    }

    fn ranges_over(&self, least: i64, greatest: i64) -> Vec<(i64, i64, (i64, u32))> {
        self.of_many.iter().filter(|(first, last, _)| *first <= greatest && *last >= least).copied().collect()
    }

    /// Adds what a statement says of a key to what is known of it. The later of two about one day and column counts.
    fn take_in(&self, row: u32, facts: &mut [Vec<Fact>]) {
        let at = row as usize;
        let day = self.from.value(at);
        for (column, facts) in facts.iter_mut().enumerate() {
            if self.sets[at] >> column & 1 == 0 {
                continue;
            }
            let value = if self.as_it_was.value(at) { held(facts, day, true) } else { row };
            // What nobody had stated before cannot be as it was.
            if self.as_it_was.value(at) && facts.is_empty() {
                continue;
            }
            let place = facts.partition_point(|(known, _)| *known < day);
            match facts.get_mut(place) {
                Some(fact) if fact.0 == day => fact.1 = value,
                _ => facts.insert(place, (day, value)),
            }
        }
    }

    fn is_same(&self, column: usize, one: u32, other: u32) -> bool {
        let null = |place: u32| place == NONE || self.pools[column].is_null(place as usize);
        match (null(one), null(other)) {
            (false, false) => (self.same[column])(one as usize, other as usize).is_eq(),
            (one, other) => one == other,
        }
    }

    /// What is known of `old_price`, where a new price that comes without an old one leaves the former price behind. Also whether
    /// the first of it holds for all time before.
    fn followed(&self, prices: &[Fact], old: &[Fact], column: usize) -> (Vec<Fact>, bool) {
        let mut all: Vec<Fact> = old.to_vec();
        for pair in prices.windows(2) {
            let (before, (day, price)) = (pair[0].1, pair[1]);
            if !self.is_same(column, before, price) && !old.iter().any(|(stated, _)| *stated == day) {
                all.push((day, self.rows + before));
            }
        }
        all.sort_unstable();
        let reaches_back = all.first().is_some_and(|fact| old.contains(fact));
        (all, reaches_back)
    }
}

/// The value that held on a day; before the first one that one, if it reaches back.
fn held(facts: &[Fact], day: i32, reaches_back: bool) -> u32 {
    match facts.partition_point(|(from, _)| *from <= day) {
        0 if reaches_back => facts.first().map_or(NONE, |(_, value)| *value),
        0 => NONE,
        after => facts[after - 1].1,
    }
}

/// Versions so far.
struct Made {
    keys: Vec<i64>,
    from: Vec<i32>,
    to: Vec<Option<i32>>,
    places: Vec<Vec<u32>>,
}

impl Made {
    fn new(said: &Said) -> Made {
        Made { keys: Vec::new(), from: Vec::new(), to: Vec::new(), places: vec![Vec::new(); said.pools.len()] }
    }

    /// Adds the versions of one key: one for each day on which something became another.
    fn versions(&mut self, key: i64, facts: &[Vec<Fact>], said: &Said) {
        let followed = said.prices.map(|(current, old)| (old, said.followed(&facts[current], &facts[old], current)));
        let of_column = |column: usize| match &followed {
            Some((old, (facts, reaches_back))) if *old == column => (facts.as_slice(), *reaches_back),
            _ => (facts[column].as_slice(), true),
        };
        let mut days: Vec<i32> =
            (0..facts.len()).flat_map(|column| of_column(column).0.iter().map(|(day, _)| *day)).collect();
        days.sort_unstable();
        days.dedup();
        let mut is_first = true;
        for day in std::iter::once(BEGINNING).chain(days) {
            let row: Vec<u32> = (0..facts.len())
                .map(|column| {
                    let (facts, reaches_back) = of_column(column);
                    held(facts, day, reaches_back)
                })
                .collect();
            let is_as_before = |(column, place): (usize, &u32)| {
                self.places[column].last().is_some_and(|before| said.is_same(column, *before, *place))
            };
            if !is_first {
                if row.iter().enumerate().all(is_as_before) {
                    continue;
                }
                if let Some(to) = self.to.last_mut() {
                    *to = Some(day);
                }
            }
            is_first = false;
            self.keys.push(key);
            self.from.push(day);
            self.to.push(None);
            for (places, place) in self.places.iter_mut().zip(row) {
                places.push(place);
            }
        }
    }

    fn finish(self, dimension: Dimension, said: &Said) -> Result<RecordBatch, ArrowError> {
        let schema = versions_schema(dimension);
        let keys: ArrayRef = Arc::new(Int64Array::from(self.keys));
        let mut columns = vec![cast(&keys, schema.field(0).data_type())?];
        for (pool, places) in said.pools.iter().zip(self.places) {
            let places: UInt32Array = places.into_iter().map(|place| (place != NONE).then_some(place)).collect();
            columns.push(take(pool, &places, None)?);
        }
        let is_current: BooleanArray = self.to.iter().map(|to| Some(to.is_none())).collect();
        columns.push(Arc::new(Date32Array::from(self.from)));
        columns.push(Arc::new(Date32Array::from(self.to)));
        columns.push(Arc::new(is_current));
        RecordBatch::try_new(schema, columns)
    }
}
