//! Overwrites rows that lie close together in one pass over them: where most rows of a stretch of a table change, to walk along it costs less
//! than to search each row from the root, and a row of the same length is changed in its place.
//!
//! One `UPDATE` visits the stretch in the order of its key. It asks a function of ours which rows are meant, and another what they become. That is right only while
//! SQLite writes each row before it looks at the next ("one pass"), which it does for such a table and says nowhere: the functions
//! notice any other way, the statement then fails and leaves no trace, and the rows are written in the usual way.

use super::kept::Kept;
use super::order::Keys;
use super::seek::Walked;
use super::tables::{key_compares, list, quoted};
use super::trouble::Tried;
use crate::refusal::promise;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::{Connection, Statement};
use std::sync::{Arc, Mutex, PoisonError};

/// Fewer rows are written one by one.
const ROWS_LEAST: usize = 64;

/// Rows that are passed for each that changes, at most.
const PASSED_MOST: usize = 4;

/// Columns that change, at most: each costs a call for each row, and a search is not worth more.
const COLUMNS_MOST: usize = 3;

/// Names of the two functions, on the connection of a publication alone.
const IS_MEANT: &str = "tillmart_is_meant";
const BECOMES: &str = "tillmart_becomes";

/// Rows of one table, by key.
pub(super) struct Overwrite<'c> {
    connection: &'c Connection,
    table: String,
    key: Vec<String>,
    given: Arc<Mutex<Given>>,
    /// Leading columns of the key that all rows have alike, the columns that change, and the statement for them.
    prepared: Option<(usize, Vec<String>, Statement<'c>)>,
    /// SQLite did otherwise once: it is not asked again.
    is_off: bool,
}

/// What the functions know.
#[derive(Default)]
struct Given {
    /// Keys of the rows that are meant, ascending, row by row: the columns in which they differ.
    keys: Vec<Kept<'static>>,
    /// What they become, row by row.
    values: Vec<Kept<'static>>,
    /// Columns of the key in which they differ, and columns that change.
    key_columns: usize,
    columns: usize,
    /// Rows that were met.
    met: usize,
    /// Values that were told of the last of them.
    told: usize,
    /// A row was met before the one before it was written.
    is_out_of_step: bool,
}

impl Given {
    /// Whether the row that SQLite looks at is the next that is meant. Every row that is meant is there, so that one look at each tells.
    fn is_meant(&mut self, context: &Context<'_>) -> rusqlite::Result<bool> {
        if self.told != self.columns {
            return self.out_of_step();
        }
        let first = self.met * self.key_columns;
        let Some(key) = self.keys.get(first..first + self.key_columns) else { return Ok(false) };
        // Last column first: the leading ones are mostly alike.
        let is_meant = (0..self.key_columns).rev().all(|column| context.get_raw(column) == key[column].value());
        if is_meant {
            (self.met, self.told) = (self.met + 1, 0);
        }
        Ok(is_meant)
    }

    fn becomes(&mut self, context: &Context<'_>) -> rusqlite::Result<Kept<'static>> {
        let column: usize = context.get(0)?;
        let Some(row) = self.met.checked_sub(1).filter(|_| self.told < self.columns) else { return self.out_of_step() };
        self.told += 1;
        match self.values.get_mut(row * self.columns + column) {
            Some(value) => Ok(std::mem::replace(value, Kept::Null)),
            None => self.out_of_step(),
        }
    }

    fn out_of_step<T>(&mut self) -> rusqlite::Result<T> {
        self.is_out_of_step = true;
        Err(rusqlite::Error::UserFunctionError("rows are not written one after the other".into()))
    }
}

impl<'c> Overwrite<'c> {
    /// For a table, quoted with its schema's name, and the columns of its primary key.
    pub(super) fn new(connection: &'c Connection, table: &str, key: &[&str]) -> Tried<Self> {
        let given = Arc::new(Mutex::new(Given::default()));
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
        let asked = Arc::clone(&given);
        connection.create_scalar_function(IS_MEANT, -1, flags, move |context| {
            asked.lock().unwrap_or_else(PoisonError::into_inner).is_meant(context)
        })?;
        let asked = Arc::clone(&given);
        connection.create_scalar_function(BECOMES, 1, flags, move |context| {
            asked.lock().unwrap_or_else(PoisonError::into_inner).becomes(context)
        })?;
        let key = key.iter().map(|name| (*name).to_owned()).collect();
        Ok(Overwrite { connection, table: table.to_owned(), key, given, prepared: None, is_off: false })
    }

    /// Whether it is worth it for so many rows, of which so many columns change, after this walk along them.
    pub(super) fn is_worth_it(&self, rows: usize, columns: usize, walked: Walked) -> bool {
        let close = walked.read <= rows * PASSED_MOST && walked.searches <= 1 + rows / ROWS_LEAST;
        !self.is_off && rows >= ROWS_LEAST && columns <= COLUMNS_MOST && close
    }

    /// Overwrites these columns of rows that are there, ascending by key. False if SQLite went another way, and nothing is written.
    ///
    /// `keys` are at least one, and `value` tells what a column of the nth row becomes.
    pub(super) fn put(
        &mut self,
        columns: &[&str],
        keys: &Keys<'_, '_>,
        value: impl Fn(usize, usize) -> Tried<Kept<'static>>,
    ) -> Tried<bool> {
        let (rows, alike) = (keys.len(), keys.alike()?);
        let mut given = Given { key_columns: self.key.len() - alike, columns: columns.len(), ..Given::default() };
        given.told = given.columns;
        for row in 0..rows {
            for column in alike..self.key.len() {
                given.keys.push(keys.kept(row, column)?.owned());
            }
            for column in 0..columns.len() {
                given.values.push(value(row, column)?);
            }
        }
        let from = (0..self.key.len()).map(|column| keys.kept(0, column));
        let to = (alike..self.key.len()).map(|column| keys.kept(rows - 1, column));
        let ends = from.chain(to).collect::<Tried<Vec<_>>>()?;
        *self.given.lock().unwrap_or_else(PoisonError::into_inner) = given;
        let done = self.statement(alike, columns)?.execute(rusqlite::params_from_iter(&ends));
        let is_out_of_step = self.given.lock().unwrap_or_else(PoisonError::into_inner).is_out_of_step;
        match done {
            Err(_) if is_out_of_step => {
                self.is_off = true;
                Ok(false)
            }
            Err(error) => Err(error.into()),
            Ok(changed) if changed == rows => Ok(true),
            Ok(changed) => Err(promise(format!("rows of table {} went while they were overwritten", self.table))
                .expected(format!("{rows} rows"))
                .found(format!("{changed} rows"))
                .into()),
        }
    }

    fn statement(&mut self, alike: usize, columns: &[&str]) -> Tried<&mut Statement<'c>> {
        let prepared = match self.prepared.take() {
            Some(known) if known.0 == alike && known.1 == columns => known,
            _ => {
                let mut sets = Vec::with_capacity(columns.len());
                for (at, column) in columns.iter().enumerate() {
                    sets.push(format!("{} = {BECOMES}({at})", quoted(column)?));
                }
                let key: Vec<&str> = self.key.iter().map(String::as_str).collect();
                let sql = format!(
                    "UPDATE {} SET {} WHERE {} AND {} AND {IS_MEANT}({})",
                    self.table,
                    sets.join(", "),
                    key_compares(&key, alike, ">=")?,
                    key_compares(&key[alike..], 0, "<=")?,
                    list(key[alike..].iter().copied())?,
                );
                let columns = columns.iter().map(|name| (*name).to_owned()).collect();
                (alike, columns, self.connection.prepare(&sql)?)
            }
        };
        Ok(&mut self.prepared.insert(prepared).2)
    }
}

#[cfg(test)]
mod tests {
    use super::super::kept::Columns;
    use super::super::order::Place;
    use super::*;
    use arrow::array::{ArrayRef, Date32Array, Int64Array, StringArray};

    /// Two hundred customers in each of two months; the money and the name of each are its number.
    const MADE: &str = "CREATE TABLE spend (month TEXT NOT NULL, id INTEGER NOT NULL, name TEXT, cents INTEGER, PRIMARY KEY (month, id))
             STRICT, WITHOUT ROWID;
         WITH RECURSIVE number (id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM number WHERE id < 199)
         INSERT INTO spend SELECT month, id, 'No. ' || id, id FROM number, (SELECT '2024-05-01' AS month UNION SELECT '2024-06-01');";

    /// May and June: 19844 and 19875.
    fn keys(rows: &[(i32, i64)]) -> [ArrayRef; 2] {
        [
            Arc::new(Date32Array::from_iter_values(rows.iter().map(|row| row.0))),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1))),
        ]
    }

    /// Gives these rows another name and other money, and tells whether that was done.
    fn overwritten(connection: &Connection, overwrite: &mut Overwrite<'_>, rows: &[(i32, i64)]) -> Tried<bool> {
        let names: ArrayRef = Arc::new(StringArray::from_iter(rows.iter().map(|row| (row.1 % 3 > 0).then_some("new"))));
        let (keys, names) = (keys(rows), [names]);
        let (batches, names) = ([Columns::of(&keys).expect("keys")], Columns::of(&names).expect("names"));
        let places: Vec<Place> = (0..rows.len() as u32).map(|row| Place { batch: 0, row }).collect();
        let value = |nth: usize, column: usize| match column {
            0 => Ok(names.kept(0, nth)?.owned()),
            _ => Ok(Kept::Integer(-rows[nth].1)),
        };
        let keys = Keys { batches: &batches, at: &[0, 1], places: &places };
        let done = overwrite.put(&["name", "cents"], &keys, value);
        assert!(connection.is_autocommit(), "the statement is over");
        done
    }

    fn told(connection: &Connection) -> Vec<(String, i64, Option<String>, i64)> {
        let mut read =
            connection.prepare("SELECT month, id, name, cents FROM spend ORDER BY month, id").expect("a query");
        let rows = read.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).expect("rows");
        rows.collect::<Result<_, _>>().expect("read")
    }

    #[test]
    fn the_rows_that_are_meant_change_and_no_others() {
        let june: Vec<(i32, i64)> = (10..180).step_by(2).map(|id| (19_875, id)).collect();
        let both: Vec<(i32, i64)> = (150..200).map(|id| (19_844, id)).chain((0..60).map(|id| (19_875, id))).collect();
        for (rows, alike) in [(june, "one month"), (both, "two months"), (vec![(19_844, 7)], "one row")] {
            let connection = Connection::open_in_memory().expect("opened");
            connection.execute_batch(MADE).expect("made");
            let mut wanted = told(&connection);
            let mut overwrite = Overwrite::new(&connection, "main.\"spend\"", &["month", "id"]).expect("prepared");
            assert!(overwritten(&connection, &mut overwrite, &rows).expect("written"), "{alike}");
            for (month, id, name, cents) in &mut wanted {
                let day = if month == "2024-05-01" { 19_844 } else { 19_875 };
                if rows.contains(&(day, *id)) {
                    (*name, *cents) = ((*id % 3 > 0).then(|| "new".to_owned()), -*id);
                }
            }
            assert_eq!(told(&connection), wanted, "{alike}");
        }
    }

    /// A trigger makes SQLite collect the rows first: what each becomes would be told of another.
    #[test]
    fn another_way_of_writing_is_noticed_and_leaves_nothing() {
        let connection = Connection::open_in_memory().expect("opened");
        connection.execute_batch(MADE).expect("made");
        connection
            .execute_batch("CREATE TRIGGER seen AFTER UPDATE ON spend BEGIN SELECT RAISE(IGNORE) WHERE 0; END")
            .expect("made");
        let before = told(&connection);
        let mut overwrite = Overwrite::new(&connection, "main.\"spend\"", &["month", "id"]).expect("prepared");
        let walked = Walked { read: 200, searches: 1 };
        assert!(overwrite.is_worth_it(200, 2, walked));
        let rows: Vec<(i32, i64)> = (0..200).map(|id| (19_844, id)).collect();
        assert!(!overwritten(&connection, &mut overwrite, &rows).expect("given up"));
        assert_eq!(told(&connection), before);
        assert!(!overwrite.is_worth_it(200, 2, walked), "not tried again");
    }

    #[test]
    fn a_row_that_went_is_noticed() {
        let connection = Connection::open_in_memory().expect("opened");
        connection.execute_batch(MADE).expect("made");
        let mut overwrite = Overwrite::new(&connection, "main.\"spend\"", &["month", "id"]).expect("prepared");
        let fault = overwritten(&connection, &mut overwrite, &[(19_844, 3), (19_844, 200), (19_875, 0)]);
        assert!(matches!(fault, Err(ref trouble) if format!("{trouble:?}").contains("1 rows")), "{fault:?}");
    }
}
