//! Rollup state and published marts: moved together with the ledger, in one transaction.

use crate::{Lease, TargetRange};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use tillmart_model::{Result, Tally};

/// The state of a rollup: sums by key, to be merged with a batch's deltas.
///
/// In the database it is the table `tillmart_state_<mart>`: key columns, sum columns that add up exactly (decimals are
/// scaled integers in SQLite, DECIMAL in MySQL) and `landed_rows`, the number of landed rows behind the sums.
/// A state row whose `landed_rows` falls to zero is gone: nothing landed there any more, so its sums must be zero too.
#[derive(Debug, Clone)]
pub struct StateTable {
    /// The mart's name.
    pub mart: String,
    /// Keys, then sums, then `landed_rows` (int64, last). Keys are int32, int64, utf8 or date32 and never NULL;
    /// sums are int64 or decimal128.
    pub schema: SchemaRef,
    /// How many of the first columns are keys.
    pub keys: usize,
    /// The key columns that `finish` treats independently of each other (e.g. month and store).
    pub scope: Vec<String>,
}

impl StateTable {
    /// The name of the table that holds a mart's state.
    pub fn name_of(mart: &str) -> String {
        format!("tillmart_state_{mart}")
    }
}

/// A mart's table in the database, as people query it.
#[derive(Debug, Clone)]
pub struct TargetTable {
    /// Table name.
    pub name: String,
    /// Columns. Decimals are stored exactly (MySQL: DECIMAL; SQLite: TEXT with the scale's digits, and for each such column `c` a
    /// virtual column `c_cents`, or `c_unscaled` for a scale other than 2, that sorts and sums exactly).
    pub schema: SchemaRef,
    /// The primary key: the mart's grain.
    pub key: Vec<String>,
    /// The columns that say which rows a finished scope owns, in the order of [`StateTable::scope`].
    pub scope: Vec<String>,
}

/// Opens publications, and reads what was published.
#[async_trait]
pub trait Publisher: Send + Sync {
    /// Creates the mart's tables where they are missing; a table that has other columns, or lacks its key,
    /// is refused with what was expected. One of Tillmart's own whose key has another order is put in order, with all rows.
    async fn prepare(&self, state: &StateTable, target: &TargetTable) -> Result<()>;

    /// Lets readers ask a target table by these columns: by an index, made if there is none, or by its key where that serves as well.
    async fn index(&self, target: &TargetTable, columns: &[String]) -> Result<()>;

    /// Opens the one transaction that publishes a `Committed` batch. `Busy` if the lease is not current;
    /// a `Promise` fault if the batch is in another state (a published one is never published again).
    async fn begin(&self, lease: &Lease, batch_id: i64) -> Result<Box<dyn Publication>>;

    /// Whether nothing was merged into the state yet, as with a mart that was added later: its first batch then takes in
    /// everything that has landed. A missing table is empty.
    async fn is_empty(&self, state: &StateTable) -> Result<bool>;

    /// All rows of a state table, in key order.
    async fn read_state(&self, state: &StateTable) -> Result<Vec<RecordBatch>>;

    /// All rows of a target table, in key order, in its schema. A money value that is no exact decimal is a fault.
    async fn read_target(&self, target: &TargetTable) -> Result<Vec<RecordBatch>>;

    /// The rows of a target table that are in this range, as [`Publisher::read_target`] reads all of them. A range over columns that the
    /// table does not have is a `Mart` fault.
    async fn read_range(&self, target: &TargetTable, range: &TargetRange) -> Result<Vec<RecordBatch>>;
}

/// Makes published rows of state rows.
pub type Finish = Arc<dyn Fn(RecordBatch) -> Result<RecordBatch> + Send + Sync>;

/// One open publication. Dropped without [`Publication::commit`], it leaves no trace; after a fault of any of its
/// methods it can only be dropped, and begun anew. While it is open, its lease can be renewed but not taken over.
#[async_trait]
pub trait Publication: Send {
    /// Adds deltas (`state.schema`) to the state, `sign` times (1, or −1 to take back). Sums that leave their type's
    /// range are a fault. Keys may repeat within and between calls.
    async fn merge(&mut self, state: &StateTable, delta: &RecordBatch, sign: i64) -> Result<()>;

    /// Every state row of every scope that `merge` touched in this publication, once each, in `state.schema`.
    async fn touched(&mut self, state: &StateTable) -> Result<Vec<RecordBatch>>;

    /// Makes the target's rows of the touched scopes equal to `rows`: inserts, updates what differs,
    /// deletes what is no longer there. Returns how many rows changed.
    async fn replace(&mut self, state: &StateTable, target: &TargetTable, rows: &[RecordBatch]) -> Result<u64>;

    /// `touched`, `finish` of each of its batches, and `replace` with what they make, for a `finish` that looks at one state row at a
    /// time. Not all of the rows need be in memory at once.
    async fn replace_each(&mut self, state: &StateTable, target: &TargetTable, finish: Finish) -> Result<u64> {
        let touched = self.touched(state).await?;
        let finished = touched.into_iter().map(|rows| finish(rows)).collect::<Result<Vec<_>>>()?;
        self.replace(state, target, &finished).await
    }

    /// Counts rows of a file's rejects that this batch landed: `rows_replayed` grows by the tally's `rows_landed`, and the
    /// file's money, anonymous rows and unknown products by the tally's. `rows_landed` and `rejected` stay as the file's
    /// own batch counted them. More than the file's rejects are a `Promise` fault.
    async fn replayed(&mut self, file_id: i64, tally: &Tally) -> Result<()>;

    /// Marks a landed file as revoked by this batch; a file that did not land is a `Promise` fault.
    async fn revoked(&mut self, file_id: i64) -> Result<()>;

    /// Empties a published table, and the state if it is given, for a mart that is filled anew. Before anything is merged into that state.
    async fn clear(&mut self, state: Option<&StateTable>, target: &TargetTable) -> Result<()>;

    /// Notes that these marts, rows and rollups, hold everything up to this batch ([`crate::Ledger::marts_standing`]).
    async fn stands(&mut self, marts: &[String]) -> Result<()>;

    /// Marks the batch `Published` and commits everything.
    async fn commit(self: Box<Self>, now: DateTime<Utc>) -> Result<()>;
}
