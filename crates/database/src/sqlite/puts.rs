//! Writes rows several at a time: half of what a statement of one row costs is the statement.

use super::kept::Columns;
use super::order::Place;
use super::trouble::Tried;
use rusqlite::{Connection, Statement};
use std::ops::Range;

/// Values of one statement: each copies the pages that it changes, in case it fails half-way, and beyond some hundred nothing is gained.
const VALUES_MOST: usize = 512;

/// The values of one column of the rows that are put.
pub(super) enum Values<'v, 'a> {
    /// Of a column of the batches that the rows lie in.
    Column { batches: &'v [Columns<'a>], at: usize },
    /// Whole numbers, one for each row.
    Integers(&'v [i64]),
}

/// A prepared `INSERT` of many rows, and one of a single row for what is left over.
pub(super) struct Puts<'c> {
    many: Prepared<'c>,
    one: Prepared<'c>,
    rows: usize,
}

struct Prepared<'c> {
    statement: Statement<'c>,
    /// The days whose texts stand in the parameters.
    bound: Vec<Option<i32>>,
}

impl<'c> Puts<'c> {
    /// `before` and `after` are the statement's text around its `VALUES`.
    pub(super) fn new(connection: &'c Connection, before: &str, columns: usize, after: &str) -> Tried<Self> {
        let rows = (VALUES_MOST / columns.max(1)).max(1);
        let row = format!("({})", vec!["?"; columns].join(", "));
        let prepared = |rows: usize| -> Tried<Prepared<'c>> {
            let values = vec![row.as_str(); rows].join(", ");
            let statement = connection.prepare(&format!("{before} VALUES {values} {after}"))?;
            Ok(Prepared { statement, bound: vec![None; rows * columns] })
        };
        Ok(Puts { many: prepared(rows)?, one: prepared(1)?, rows })
    }

    /// Puts the rows at these places; `columns` tells their values in the order of the statement's columns.
    pub(super) fn put(&mut self, places: &[Place], columns: &[Values<'_, '_>]) -> Tried<()> {
        let many = places.len() / self.rows * self.rows;
        for first in (0..many).step_by(self.rows) {
            self.many.put(places, first..first + self.rows, columns)?;
        }
        for nth in many..places.len() {
            self.one.put(places, nth..nth + 1, columns)?;
        }
        Ok(())
    }
}

impl Prepared<'_> {
    fn put(&mut self, places: &[Place], rows: Range<usize>, columns: &[Values<'_, '_>]) -> Tried<()> {
        for (column, values) in columns.iter().enumerate() {
            for (nth, row) in rows.clone().enumerate() {
                let parameter = nth * columns.len() + column;
                match values {
                    Values::Integers(values) => self.statement.raw_bind_parameter(parameter + 1, values[row])?,
                    Values::Column { batches, at } => {
                        let Place { batch, row } = places[row];
                        let cell = (*at, row as usize);
                        let bound = &mut self.bound[parameter];
                        batches[batch as usize].bind(cell, &mut self.statement, parameter + 1, bound)?;
                    }
                }
            }
        }
        self.statement.raw_execute()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Date32Array};
    use std::sync::Arc;

    #[test]
    fn a_value_that_stands_in_its_place_is_put_all_the_same() {
        let connection = Connection::open_in_memory().expect("opened");
        connection.execute_batch("CREATE TABLE days (day TEXT, other TEXT)").expect("made");
        let mut puts = Puts::new(&connection, "INSERT INTO days", 2, "").expect("prepared");
        let period = puts.rows;
        // The same day in the same place of each statement, another day, none, and the first day again.
        let of_statement = [Some(19_844), Some(19_844), Some(19_875), None, Some(19_844)];
        let days: Vec<Option<i32>> = of_statement.iter().flat_map(|day| vec![*day; period]).collect();
        let columns: Vec<ArrayRef> = vec![Arc::new(Date32Array::from(days.clone()))];
        let batches = [Columns::of(&columns).expect("a date")];
        let places: Vec<Place> = (0..days.len() as u32).map(|row| Place { batch: 0, row }).collect();
        let both = || Values::Column { batches: &batches, at: 0 };
        puts.put(&places, &[both(), both()]).expect("put");
        let mut read = connection.prepare("SELECT day, other FROM days ORDER BY rowid").expect("prepared");
        let found = read.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("read");
        let found: Vec<(Option<String>, Option<String>)> = found.collect::<Result<_, _>>().expect("texts");
        let wanted: Vec<Option<String>> = days.iter().map(|day| day.and_then(crate::day::text)).collect();
        assert_eq!(found, wanted.iter().map(|day| (day.clone(), day.clone())).collect::<Vec<_>>());
    }
}
