//! Writes rows several at a time: half of what a statement of one row costs is the statement.

use super::kept::{Kept, Short};
use super::trouble::Tried;
use rusqlite::{Connection, Statement};

/// Values of one statement: each copies the pages that it changes, in case it fails half-way, and beyond some hundred nothing is gained.
const VALUES_MOST: usize = 512;

/// A prepared `INSERT` of many rows, and one of a single row for what is left over.
pub(super) struct Puts<'c> {
    many: Statement<'c>,
    one: Statement<'c>,
    columns: usize,
    rows: usize,
    /// The dates and amounts that stand in the parameters of `many`: a date is mostly the one that is there already.
    bound: Vec<Option<Short>>,
}

impl<'c> Puts<'c> {
    /// `before` and `after` are the statement's text around its `VALUES`.
    pub(super) fn new(connection: &'c Connection, before: &str, columns: usize, after: &str) -> Tried<Self> {
        let rows = (VALUES_MOST / columns.max(1)).max(1);
        let row = format!("({})", vec!["?"; columns].join(", "));
        let prepared = |rows: usize| {
            let values = vec![row.as_str(); rows].join(", ");
            connection.prepare(&format!("{before} VALUES {values} {after}"))
        };
        Ok(Puts { many: prepared(rows)?, one: prepared(1)?, columns, rows, bound: vec![None; rows * columns] })
    }

    /// Puts a row for each item; `value` tells its values column by column.
    pub(super) fn put<'v, T>(&mut self, items: &[T], value: impl Fn(&T, usize) -> Tried<Kept<'v>>) -> Tried<()> {
        let mut full = items.chunks_exact(self.rows);
        for some in &mut full {
            let mut parameter = 0;
            for item in some {
                for column in 0..self.columns {
                    let value = value(item, column)?;
                    parameter += 1;
                    let short = if let Kept::Short(text) = &value { Some(*text) } else { None };
                    let bound = std::mem::replace(&mut self.bound[parameter - 1], short);
                    if short.is_some() && bound == short {
                        continue;
                    }
                    self.many.raw_bind_parameter(parameter, value)?;
                }
            }
            self.many.raw_execute()?;
        }
        for item in full.remainder() {
            for column in 0..self.columns {
                self.one.raw_bind_parameter(column + 1, value(item, column)?)?;
            }
            self.one.raw_execute()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::kept::Columns;
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
        let columns = Columns::of(&columns).expect("a date");
        let rows: Vec<usize> = (0..days.len()).collect();
        puts.put(&rows, |row, _| columns.kept(0, *row)).expect("put");
        let mut read = connection.prepare("SELECT day, other FROM days ORDER BY rowid").expect("prepared");
        let found = read.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("read");
        let found: Vec<(Option<String>, Option<String>)> = found.collect::<Result<_, _>>().expect("texts");
        let wanted: Vec<Option<String>> = days.iter().map(|day| day.and_then(crate::day::text)).collect();
        assert_eq!(found, wanted.iter().map(|day| (day.clone(), day.clone())).collect::<Vec<_>>());
    }
}
