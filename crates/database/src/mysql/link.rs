//! One connection, used from a thread that may block.

use super::trouble::{Tried, Trouble};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Params, Row, Value};
use std::time::Instant;
use tokio::runtime::Handle;

/// A connection with Tillmart's session settings. What it does blocks the thread, which is never one of the runtime's own.
pub(super) struct Link {
    conn: Conn,
    runtime: Handle,
    /// When it was last used.
    pub(super) used: Instant,
}

impl Link {
    pub(super) fn new(conn: Conn, runtime: Handle) -> Self {
        Link { conn, runtime, used: Instant::now() }
    }

    /// Whether its server answers.
    pub(super) fn is_alive(&mut self) -> bool {
        self.runtime.block_on(self.conn.ping()).is_ok()
    }

    /// Runs a statement as it stands and returns how many rows it changed.
    pub(super) fn run(&mut self, sql: &str) -> Tried<u64> {
        self.runtime.block_on(self.conn.query_drop(sql))?;
        Ok(self.conn.affected_rows())
    }

    /// Runs a statement with values in the place of its `?`, and returns how many rows it changed.
    pub(super) fn execute(&mut self, sql: &str, values: Vec<Value>) -> Tried<u64> {
        self.runtime.block_on(self.conn.exec_drop(trimmed(sql), params(values)))?;
        Ok(self.conn.affected_rows())
    }

    /// The number that the last INSERT was given.
    pub(super) fn last_id(&self) -> Tried<i64> {
        let id = self.conn.last_insert_id().and_then(|id| i64::try_from(id).ok());
        id.ok_or_else(|| Trouble::Lost("the server gave no number for a new row".to_owned()))
    }

    /// Every row of an answer, one after the other, as typed values. No text stands in `sql` itself: the client looks there
    /// for names of values, and takes a backslash for an escape, which the server does not. See [`Link::select_text`].
    pub(super) fn select(
        &mut self,
        sql: &str,
        values: Vec<Value>,
        mut each: impl FnMut(&Row) -> Tried<()>,
    ) -> Tried<()> {
        self.runtime.block_on(async {
            let mut found = self.conn.exec_iter(trimmed(sql), params(values)).await?;
            let mut kept = Ok(());
            while let Some(row) = found.next().await? {
                // The rest is read even after a fault: an answer that is left half read spoils the connection.
                if kept.is_ok() {
                    kept = each(&row);
                }
            }
            found.drop_result().await?;
            kept
        })
    }

    /// Every row of an answer as the server writes it: all values are texts. `sql` goes to the server as it stands.
    pub(super) fn select_text(&mut self, sql: &str, mut each: impl FnMut(&Row) -> Tried<()>) -> Tried<()> {
        self.runtime.block_on(async {
            let mut found = self.conn.query_iter(sql).await?;
            let mut kept = Ok(());
            while let Some(row) = found.next().await? {
                if kept.is_ok() {
                    kept = each(&row);
                }
            }
            found.drop_result().await?;
            kept
        })
    }

    /// The one number of an answer's one row, if there is a row.
    pub(super) fn number(&mut self, sql: &str, values: Vec<Value>) -> Tried<Option<i64>> {
        let mut number = None;
        self.select(sql, values, |row| {
            number = match row.as_ref(0) {
                Some(Value::Int(value)) => Some(*value),
                Some(Value::UInt(value)) => i64::try_from(*value).ok(),
                _ => None,
            };
            Ok(())
        })?;
        Ok(number)
    }
}

fn params(values: Vec<Value>) -> Params {
    if values.is_empty() { Params::Empty } else { Params::Positional(values) }
}

fn trimmed(sql: &str) -> &str {
    sql.trim_end().trim_end_matches(';')
}
