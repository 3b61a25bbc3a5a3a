//! Looks up ascending keys in a table: where they lie close together by walking, elsewhere by searching.

use super::order::Keys;
use super::tables::list;
use super::trouble::Tried;
use rusqlite::{Connection, Row, Statement};
use std::cmp::Ordering;

/// Rows that are passed over before the next key is searched: about as many as a search costs.
const PASSED_MOST: usize = 8;

/// Reads rows of one table by key.
pub(super) struct Seek<'c> {
    statement: Statement<'c>,
}

impl<'c> Seek<'c> {
    /// For a table whose primary key begins with `key`. Rows are read as the key's columns, then `others`.
    pub(super) fn new(connection: &'c Connection, table: &str, key: &[&str], others: &[&str]) -> Tried<Self> {
        let (keys, columns) = (list(key.iter().copied())?, list(key.iter().chain(others).copied())?);
        let marks = vec!["?"; key.len()].join(", ");
        let sql = format!("SELECT {columns} FROM {table} WHERE ({keys}) >= ({marks}) ORDER BY {keys}");
        Ok(Seek { statement: connection.prepare(&sql)? })
    }

    /// Tells the rows of these keys, which ascend and do not repeat. Nothing may be written to the table meanwhile.
    pub(super) fn find(
        &mut self,
        keys: &Keys<'_, '_>,
        mut found: impl FnMut(usize, &Row<'_>) -> Tried<()>,
    ) -> Tried<()> {
        let mut next = 0;
        while next < keys.len() {
            for column in 0..keys.at.len() {
                self.statement.raw_bind_parameter(column + 1, keys.kept(next, column)?)?;
            }
            let mut rows = self.statement.raw_query();
            let mut passed = 0;
            while passed < PASSED_MOST && next < keys.len() {
                let Some(row) = rows.next()? else { return Ok(()) };
                passed += 1;
                while next < keys.len() {
                    match keys.order_of_row(next, row, 0)? {
                        Ordering::Less => next += 1,
                        Ordering::Equal => {
                            found(next, row)?;
                            (next, passed) = (next + 1, 0);
                            break;
                        }
                        Ordering::Greater => break,
                    }
                }
            }
        }
        Ok(())
    }
}
