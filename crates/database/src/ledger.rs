//! The ledger: runs, batches and source files, and the lease that keeps runs apart.

use async_trait::async_trait;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use std::collections::BTreeMap;
use tillmart_model::{Batch, BatchKind, Found, Result, SourceFile};

/// The right to write a feed's ledger. Made by [`Ledger::acquire`]; every later write names it,
/// and is refused once a successor holds a higher token (fencing).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The feed.
    pub feed: String,
    /// Rises with every acquisition of the feed's lease, and never repeats.
    pub token: i64,
    /// Who holds it, in words that a person can act on (host and process id).
    pub holder: String,
}

/// Which source files to tell of.
#[derive(Debug, Clone, Default)]
pub struct FileFilter {
    /// Only this batch.
    pub batch_id: Option<i64>,
    /// Only this outcome (`landed`, `duplicate`, `rejected`, `revoked`, `pending`).
    pub outcome: Option<String>,
    /// At most this many, the newest first.
    pub newest: Option<u32>,
}

/// What happened to every source file and batch.
///
/// Every write is one transaction, durable when it returns, and refused with
/// [`tillmart_model::FaultKind::Busy`] when the lease is no longer the feed's current one.
/// Repeating the last write of a batch (same arguments) changes nothing and succeeds,
/// so that a caller who lost the answer may ask again.
/// A batch moves only along the arrows of [`tillmart_model::BatchState`]; any other move is a
/// [`tillmart_model::FaultKind::Promise`] fault.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Takes the feed's lease until `now + ttl`. Of two callers exactly one gets it.
    /// A lease that has run out, or whose holder `is_gone` (told the recorded holder), is taken over
    /// with a higher token. Otherwise: a `Busy` fault that names the holder and until when.
    async fn acquire(
        &self,
        feed: &str,
        holder: &str,
        now: DateTime<Utc>,
        ttl: Duration,
        is_gone: &(dyn for<'h> Fn(&'h str) -> bool + Send + Sync),
    ) -> Result<Lease>;

    /// Prolongs the lease to `now + ttl`; `Busy` if a successor has taken it.
    async fn renew(&self, lease: &Lease, now: DateTime<Utc>, ttl: Duration) -> Result<()>;

    /// Who holds the feed's lease at `now`, in the words given to [`Ledger::acquire`]; `None` when it is free or has run out.
    async fn holder(&self, feed: &str, now: DateTime<Utc>) -> Result<Option<String>>;

    /// Gives the lease back. A lease that was taken over is left alone, without an error.
    async fn release(&self, lease: &Lease) -> Result<()>;

    /// Writes a new batch in state `Claimed` with its files (status `A`, outcome pending, location
    /// `incoming_area/path`). A `Promise` fault while another batch of the feed is unfinished.
    async fn claim(
        &self,
        lease: &Lease,
        kind: &BatchKind,
        claim_date: NaiveDate,
        incoming_area: &str,
        files: &[Found],
        now: DateTime<Utc>,
    ) -> Result<Batch>;

    /// The feed's batch that is not `Finished`, with its files; there is at most one.
    async fn unfinished(&self, feed: &str) -> Result<Option<Batch>>;

    /// `Claimed` → `Landed`: keeps the manifest's key and what the check decided of each file
    /// (outcome, digest, tally, header of each of `files`, which are all the batch's files).
    async fn landed(
        &self,
        lease: &Lease,
        batch_id: i64,
        manifest: &str,
        files: &[SourceFile],
        now: DateTime<Utc>,
    ) -> Result<()>;

    /// `Landed` → `Committed`: keeps the Delta version of each table.
    async fn committed(
        &self,
        lease: &Lease,
        batch_id: i64,
        versions: &BTreeMap<String, u64>,
        now: DateTime<Utc>,
    ) -> Result<()>;

    /// Status `I` and the new location of source files of a `Published` batch, by id: of all of them, or of none.
    async fn archived(&self, lease: &Lease, files: &[(i64, String)], now: DateTime<Utc>) -> Result<()>;

    /// `Published` → `Finished`; a `Promise` fault while a file of the batch is still active.
    async fn finished(&self, lease: &Lease, batch_id: i64, now: DateTime<Utc>) -> Result<()>;

    /// One source file.
    async fn file(&self, file_id: i64) -> Result<Option<SourceFile>>;

    /// Source files of the feed, newest first.
    async fn files(&self, feed: &str, filter: &FileFilter) -> Result<Vec<SourceFile>>;

    /// Source files of the feed's batches whose claim date is from one day to another, both among them; newest first.
    async fn files_claimed(&self, feed: &str, first: NaiveDate, last: NaiveDate) -> Result<Vec<SourceFile>>;

    /// The feed's source files of these ids, newest first; ids that it does not have are left out.
    async fn files_of_ids(&self, feed: &str, ids: &[i64]) -> Result<Vec<SourceFile>>;

    /// The source file that landed these bytes, if its rows are still in the marts: revoked files do not count.
    async fn landed_with_digest(&self, feed: &str, digest: &str) -> Result<Option<i64>>;

    /// The newest landed, not revoked source file of this path.
    async fn landed_with_path(&self, feed: &str, path: &str) -> Result<Option<SourceFile>>;

    /// Which of these sizes a landed, not revoked source file has: those files are hashed before they are decoded.
    async fn landed_sizes(&self, feed: &str, sizes: &[u64]) -> Result<Vec<u64>>;

    /// Paths and versions (ETag or size) of finished files that still lie where they were delivered
    /// (`archive = "keep"`): they are not new deliveries.
    async fn kept_in_place(&self, feed: &str) -> Result<Vec<Found>>;

    /// Batches of the feed, newest first, with their files.
    async fn batches(&self, feed: &str, newest: u32) -> Result<Vec<Batch>>;

    /// The newest batch that is `Published` or `Finished`.
    async fn last_published(&self, feed: &str) -> Result<Option<Batch>>;

    /// Up to which batch each mart of the feed holds everything that landed, as [`crate::Publication::stands`] noted it. A mart that it
    /// never noted is left out.
    async fn marts_standing(&self, feed: &str) -> Result<BTreeMap<String, i64>>;
}
