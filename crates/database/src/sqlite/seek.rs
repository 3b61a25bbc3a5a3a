//! Looks up ascending keys in a table: where they lie close together by walking, elsewhere by searching.

use super::order::Keys;
use super::tables::{key_compares, list};
use super::trouble::Tried;
use rusqlite::{Connection, Row, Statement};
use std::cmp::Ordering;

/// Rows that are passed over before the next key is searched: about as many as a search costs.
const PASSED_MOST: usize = 8;

/// How rows were found.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Walked {
    /// Rows that were read.
    pub(super) read: usize,
    pub(super) searches: usize,
}

/// Reads rows of one table by key.
pub(super) struct Seek<'c> {
    connection: &'c Connection,
    table: String,
    key: Vec<String>,
    /// Columns that are read, the key's first.
    columns: String,
    /// The statement for keys that are alike in so many leading columns.
    prepared: Option<(usize, Statement<'c>)>,
}

impl<'c> Seek<'c> {
    /// For a table whose primary key begins with `key`. Rows are read as the key's columns, then `others`.
    pub(super) fn new(connection: &'c Connection, table: &str, key: &[&str], others: &[&str]) -> Tried<Self> {
        let columns = list(key.iter().chain(others).copied())?;
        let key = key.iter().map(|name| (*name).to_owned()).collect();
        Ok(Seek { connection, table: table.to_owned(), key, columns, prepared: None })
    }

    /// Tells the rows of these keys, which ascend and do not repeat. Nothing may be written to the table meanwhile.
    pub(super) fn find(
        &mut self,
        keys: &Keys<'_, '_>,
        mut found: impl FnMut(usize, &Row<'_>) -> Tried<()>,
    ) -> Tried<Walked> {
        let (mut next, mut walked, alike) = (0, Walked::default(), keys.alike()?);
        let statement = self.statement(alike)?;
        while next < keys.len() {
            for column in 0..keys.at.len() {
                statement.raw_bind_parameter(column + 1, keys.kept(next, column)?)?;
            }
            let mut rows = statement.raw_query();
            walked.searches += 1;
            let mut passed = 0;
            while passed < PASSED_MOST && next < keys.len() {
                let Some(row) = rows.next()? else { return Ok(walked) };
                walked.read += 1;
                passed += 1;
                while next < keys.len() {
                    match keys.order_from(alike, next, row, 0)? {
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
        Ok(walked)
    }

    fn statement(&mut self, alike: usize) -> Tried<&mut Statement<'c>> {
        let prepared = match self.prepared.take() {
            Some(known) if known.0 == alike => known,
            _ => {
                let key: Vec<&str> = self.key.iter().map(String::as_str).collect();
                let (by, order) = (key_compares(&key, alike, ">=")?, list(key.iter().copied())?);
                let sql = format!("SELECT {} FROM {} WHERE {by} ORDER BY {order}", self.columns, self.table);
                (alike, self.connection.prepare(&sql)?)
            }
        };
        Ok(&mut self.prepared.insert(prepared).1)
    }
}
