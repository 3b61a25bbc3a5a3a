//! The ledger's batches and source files.

use super::rows::{self, moment_text, stored};
use super::trouble::{Tried, Trouble, is_constraint, promise};
use super::{Sqlite, lease, statements};
use crate::{FileFilter, Lease, Ledger};
use async_trait::async_trait;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use rusqlite::{Connection, Params, params};
use std::collections::BTreeMap;
use tillmart_model::{Batch, BatchKind, BatchState, Fault, FileOutcome, Found, Result, SourceFile};

#[async_trait]
impl Ledger for Sqlite {
    async fn acquire(
        &self,
        feed: &str,
        holder: &str,
        now: DateTime<Utc>,
        ttl: Duration,
        is_gone: &(dyn for<'h> Fn(&'h str) -> bool + Send + Sync),
    ) -> Result<Lease> {
        self.take_lease(feed, holder, now, ttl, is_gone).await
    }

    async fn renew(&self, lease: &Lease, now: DateTime<Utc>, ttl: Duration) -> Result<()> {
        self.renew_lease(lease, now, ttl).await
    }

    async fn holder(&self, feed: &str, now: DateTime<Utc>) -> Result<Option<String>> {
        self.lease_holder(feed, now).await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        self.give_lease_back(lease).await
    }

    async fn claim(
        &self,
        lease: &Lease,
        kind: &BatchKind,
        claim_date: NaiveDate,
        incoming_area: &str,
        files: &[Found],
        now: DateTime<Utc>,
    ) -> Result<Batch> {
        let (lease, kind, area, files) = (lease.clone(), kind.clone(), incoming_area.to_owned(), files.to_vec());
        self.write(move |transaction| {
            lease::current(transaction, &lease)?;
            let claim = Claim { lease: &lease, kind: &kind, claim_date, area: &area, files: &files, now };
            claim.write(transaction)
        })
        .await
    }

    async fn unfinished(&self, feed: &str) -> Result<Option<Batch>> {
        let feed = feed.to_owned();
        self.ledger(move |connection| unfinished(connection, &feed)).await
    }

    async fn landed(
        &self,
        lease: &Lease,
        batch_id: i64,
        manifest: &str,
        files: &[SourceFile],
        now: DateTime<Utc>,
    ) -> Result<()> {
        let (lease, manifest, files) = (lease.clone(), manifest.to_owned(), files.to_vec());
        self.write(move |transaction| {
            let batch = with_files(transaction, own_batch(transaction, &lease, batch_id)?)?;
            match &batch.state {
                BatchState::Claimed => {
                    decide(transaction, &batch, &files, now)?;
                    move_to(transaction, batch_id, "landed", Some(&manifest), None, now)
                }
                BatchState::Landed { manifest: before }
                    if *before == manifest && same_decision(&batch.files, &files) =>
                {
                    Ok(())
                }
                _ => Err(illegal(&batch, "landed").into()),
            }
        })
        .await
    }

    async fn committed(
        &self,
        lease: &Lease,
        batch_id: i64,
        versions: &BTreeMap<String, u64>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let (lease, versions) = (lease.clone(), versions.clone());
        self.write(move |transaction| {
            let batch = own_batch(transaction, &lease, batch_id)?;
            match &batch.state {
                BatchState::Landed { .. } => {
                    move_to(transaction, batch_id, "committed", None, Some(&as_json(&versions)?), now)
                }
                BatchState::Committed { versions: before, .. } if *before == versions => Ok(()),
                _ => Err(illegal(&batch, "committed").into()),
            }
        })
        .await
    }

    async fn archived(&self, lease: &Lease, file_id: i64, location: &str, now: DateTime<Utc>) -> Result<()> {
        let (lease, location) = (lease.clone(), location.to_owned());
        self.write(move |transaction| {
            lease::current(transaction, &lease)?;
            let file = file(transaction, file_id)?.ok_or_else(|| no_file(file_id))?;
            let batch = own_batch(transaction, &lease, file.batch_id)?;
            if !file.active && file.location == location {
                return Ok(());
            }
            if !file.active || !matches!(batch.state, BatchState::Published { .. }) {
                return Err(illegal(&batch, &format!("archived (source file {file_id})")).into());
            }
            let mut statement = transaction.prepare_cached(statements::FILE_ARCHIVED)?;
            statement.execute(params![file_id, location, moment_text(now)])?;
            Ok(())
        })
        .await
    }

    async fn finished(&self, lease: &Lease, batch_id: i64, now: DateTime<Utc>) -> Result<()> {
        let lease = lease.clone();
        self.write(move |transaction| {
            let batch = with_files(transaction, own_batch(transaction, &lease, batch_id)?)?;
            match &batch.state {
                BatchState::Published { .. } => match batch.files.iter().find(|file| file.active) {
                    None => move_to(transaction, batch_id, "finished", None, None, now),
                    Some(file) => {
                        let active = format!("source file {} ({}) is still active", file.id, file.found.path);
                        Err(illegal(&batch, "finished").found(active).into())
                    }
                },
                BatchState::Finished { .. } => Ok(()),
                _ => Err(illegal(&batch, "finished").into()),
            }
        })
        .await
    }

    async fn file(&self, file_id: i64) -> Result<Option<SourceFile>> {
        self.ledger(move |connection| file(connection, file_id)).await
    }

    async fn files(&self, feed: &str, filter: &FileFilter) -> Result<Vec<SourceFile>> {
        let (feed, filter) = (feed.to_owned(), filter.clone());
        self.ledger(move |connection| {
            select_files(connection, statements::FILES, params![feed, filter.batch_id, filter.outcome, filter.newest])
        })
        .await
    }

    async fn landed_with_digest(&self, feed: &str, digest: &str) -> Result<Option<i64>> {
        let (feed, digest) = (feed.to_owned(), digest.to_owned());
        self.ledger(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id FROM product_staging_table WHERE feed = ?1 AND digest = ?2 AND outcome = 'landed'",
            )?;
            let mut rows = statement.query([feed, digest])?;
            Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
        })
        .await
    }

    async fn landed_with_path(&self, feed: &str, path: &str) -> Result<Option<SourceFile>> {
        let (feed, path) = (feed.to_owned(), path.to_owned());
        self.ledger(move |connection| {
            Ok(select_files(connection, statements::FILE_LANDED_WITH_PATH, [feed, path])?.pop())
        })
        .await
    }

    async fn landed_sizes(&self, feed: &str, sizes: &[u64]) -> Result<Vec<u64>> {
        // A size that SQLite cannot hold was never stored.
        let sizes: Vec<i64> = sizes.iter().filter_map(|size| i64::try_from(*size).ok()).collect();
        let feed = feed.to_owned();
        self.ledger(move |connection| {
            let mut statement = connection.prepare_cached(statements::FILE_LANDED_SIZES)?;
            let sizes = statement.query_map(params![feed, as_json(&sizes)?], |row| row.get::<_, i64>(0))?;
            let sizes = sizes.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(sizes.into_iter().filter_map(|size| u64::try_from(size).ok()).collect())
        })
        .await
    }

    async fn kept_in_place(&self, feed: &str) -> Result<Vec<Found>> {
        let feed = feed.to_owned();
        self.ledger(move |connection| {
            let mut statement = connection.prepare_cached(statements::FILES_KEPT_IN_PLACE)?;
            let mut rows = statement.query([feed])?;
            let mut kept = Vec::new();
            while let Some(row) = rows.next()? {
                kept.push(rows::found(row)?);
            }
            Ok(kept)
        })
        .await
    }

    async fn batches(&self, feed: &str, newest: u32) -> Result<Vec<Batch>> {
        let feed = feed.to_owned();
        self.ledger(move |connection| {
            let newest_first = "SELECT * FROM tillmart_batch WHERE feed = ?1 ORDER BY id DESC LIMIT ?2";
            select_batches(connection, newest_first, params![feed, newest])
        })
        .await
    }

    async fn last_published(&self, feed: &str) -> Result<Option<Batch>> {
        let feed = feed.to_owned();
        self.ledger(move |connection| Ok(select_batches(connection, statements::BATCH_LAST_PUBLISHED, [feed])?.pop()))
            .await
    }
}

/// The arguments of a claim.
struct Claim<'a> {
    lease: &'a Lease,
    kind: &'a BatchKind,
    claim_date: NaiveDate,
    area: &'a str,
    files: &'a [Found],
    now: DateTime<Utc>,
}

impl Claim<'_> {
    fn write(&self, connection: &Connection) -> Tried<Batch> {
        if let Some(open) = unfinished(connection, &self.lease.feed)? {
            if self.is(&open) {
                return Ok(open);
            }
            let fault = promise(format!("feed `{}` has an unfinished batch", self.lease.feed))
                .expected("the batch before to be finished first")
                .found(format!("batch {} in state {}", open.id, open.state.word()));
            return Err(fault.into());
        }
        let now = moment_text(self.now);
        let (feed, kind) = (&self.lease.feed, self.kind.word());
        connection.prepare_cached(statements::BATCH_CLAIM)?.execute(params![
            feed,
            self.lease.token,
            kind,
            as_json(self.kind)?,
            self.claim_date.to_string(),
            now
        ])?;
        let batch_id = connection.last_insert_rowid();
        let mut statement = connection.prepare_cached(statements::FILE_CLAIM)?;
        for found in self.files {
            let name = found.path.rsplit('/').next().unwrap_or(&found.path);
            let (location, size) = (self.location(found), stored(found.size)?);
            let modified = moment_text(found.modified);
            let row = params![name, location, now, feed, batch_id, found.path, size, found.etag, modified];
            statement.execute(row)?;
        }
        with_files(connection, bare_batch(connection, batch_id)?)
    }

    /// Whether an open batch is this very claim, asked for again because the answer was lost.
    fn is(&self, open: &Batch) -> bool {
        let mut wanted: Vec<(&Found, String)> = self.files.iter().map(|found| (found, self.location(found))).collect();
        wanted.sort_by(|a, b| a.0.path.cmp(&b.0.path));
        open.state == BatchState::Claimed
            && open.kind == *self.kind
            && open.claim_date == self.claim_date
            && open.created == self.now
            && open.files.iter().map(|file| (&file.found, file.location.clone())).eq(wanted)
    }

    fn location(&self, found: &Found) -> String {
        let area = self.area.trim_end_matches('/');
        if area.is_empty() { found.path.clone() } else { format!("{area}/{}", found.path) }
    }
}

/// Writes what the check decided of every file of the batch.
fn decide(connection: &Connection, batch: &Batch, files: &[SourceFile], now: DateTime<Utc>) -> Tried<()> {
    let ids = |files: &[SourceFile]| {
        let mut ids: Vec<i64> = files.iter().map(|file| file.id).collect();
        ids.sort_unstable();
        ids
    };
    if ids(files) != ids(&batch.files) {
        let fault = promise(format!("the check of batch {} did not decide of its files, each once", batch.id))
            .expected(format!("source files {:?}", ids(&batch.files)))
            .found(format!("{:?}", ids(files)));
        return Err(fault.into());
    }
    for file in files {
        decide_one(connection, file, now)?;
    }
    Ok(())
}

fn decide_one(connection: &Connection, file: &SourceFile, now: DateTime<Utc>) -> Tried<()> {
    let (mut reason, mut message, mut line, mut of) = (None, None, None, None);
    let tally = &file.tally;
    match &file.outcome {
        FileOutcome::Landed if tally.rows_read != tally.rows_landed + tally.rows_rejected() => {
            let found =
                format!("{} read, {} landed, {} rejected", tally.rows_read, tally.rows_landed, tally.rows_rejected());
            let fault = promise(format!("the rows of source file {} ({}) do not add up", file.id, file.found.path));
            return Err(fault.expected("read = landed + rejected").found(found).into());
        }
        FileOutcome::Landed => {}
        FileOutcome::Duplicate { of: first } => of = Some(*first),
        FileOutcome::Rejected(fault) => {
            (reason, message) = (Some(fault.reason.code()), Some(&fault.message));
            line = fault.line.map(stored).transpose()?;
        }
        FileOutcome::Pending | FileOutcome::Revoked { .. } => {
            let fault = promise(format!("the check cannot leave source file {} {}", file.id, file.outcome.word()));
            return Err(fault.expected("landed, duplicate or rejected").into());
        }
    }
    let mut statement = connection.prepare_cached(statements::FILE_LANDED)?;
    let written = statement.execute(params![
        file.id,
        file.outcome.word(),
        reason,
        message,
        line,
        of,
        file.digest,
        stored(tally.rows_read)?,
        stored(tally.rows_landed)?,
        stored(tally.rows_anonymous)?,
        stored(tally.rows_rejected())?,
        as_json(&tally.rejected)?,
        stored(tally.rows_unknown_product)?,
        rows::cents_stored(tally.money_cents)?,
        file.header,
        moment_text(now),
    ]);
    match written {
        Ok(_) => Ok(()),
        Err(error) if is_constraint(&error) => {
            let fault = promise(format!("the ledger refused what was decided of source file {}", file.id))
                .expected("a landed file to have a digest that did not land before, a duplicate to name its first")
                .found(format!("{} ({}): {error}", file.outcome.word(), file.found.path));
            Err(fault.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether the files of a batch stand as decided: the caller lost our answer and asks again.
fn same_decision(stored: &[SourceFile], told: &[SourceFile]) -> bool {
    let told: BTreeMap<i64, &SourceFile> = told.iter().map(|file| (file.id, file)).collect();
    told.len() == stored.len()
        && stored.iter().all(|file| {
            told.get(&file.id).is_some_and(|other| {
                file.outcome == other.outcome
                    && file.digest == other.digest
                    && file.tally == other.tally
                    && file.header == other.header
            })
        })
}

/// The batch that a write names, without its files, if the lease is current and is of the batch's feed.
pub(super) fn own_batch(connection: &Connection, lease: &Lease, batch_id: i64) -> Tried<Batch> {
    lease::current(connection, lease)?;
    let batch = bare_batch(connection, batch_id)?;
    if batch.feed != lease.feed {
        let fault =
            promise(format!("batch {batch_id} is of feed `{}`, the lease of feed `{}`", batch.feed, lease.feed));
        return Err(fault.into());
    }
    Ok(batch)
}

pub(super) fn move_to(
    connection: &Connection,
    batch_id: i64,
    state: &str,
    manifest: Option<&str>,
    versions: Option<&str>,
    now: DateTime<Utc>,
) -> Tried<()> {
    let mut statement = connection.prepare_cached(statements::BATCH_MOVE)?;
    statement.execute(params![batch_id, state, manifest, versions, moment_text(now)])?;
    Ok(())
}

/// A move that is no arrow of the batch's life, or repeats one with other arguments.
pub(super) fn illegal(batch: &Batch, wanted: &str) -> Fault {
    promise(format!("batch {} of feed `{}` is {} and cannot become {wanted}", batch.id, batch.feed, batch.state.word()))
        .expected("claimed, landed, committed, published, finished: one after the other, each once")
}

pub(super) fn no_file(file_id: i64) -> Fault {
    promise(format!("the ledger has no source file {file_id}"))
}

pub(super) fn file(connection: &Connection, file_id: i64) -> Tried<Option<SourceFile>> {
    Ok(select_files(connection, "SELECT * FROM product_staging_table WHERE id = ?1", [file_id])?.pop())
}

fn select_files(connection: &Connection, sql: &str, params: impl Params) -> Tried<Vec<SourceFile>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut files = Vec::new();
    while let Some(row) = rows.next()? {
        files.push(rows::source_file(row)?);
    }
    Ok(files)
}

fn unfinished(connection: &Connection, feed: &str) -> Tried<Option<Batch>> {
    let open = "SELECT * FROM tillmart_batch WHERE feed = ?1 AND state <> 'finished'";
    Ok(select_batches(connection, open, [feed])?.pop())
}

/// A batch without its files: a write for each of a hundred thousand files must not read them all every time.
fn bare_batch(connection: &Connection, batch_id: i64) -> Tried<Batch> {
    let mut statement = connection.prepare_cached("SELECT * FROM tillmart_batch WHERE id = ?1")?;
    let mut rows = statement.query([batch_id])?;
    match rows.next()? {
        Some(row) => rows::batch(row),
        None => Err(promise(format!("the ledger has no batch {batch_id}")).into()),
    }
}

fn with_files(connection: &Connection, mut batch: Batch) -> Tried<Batch> {
    let of_batch = "SELECT * FROM product_staging_table WHERE batch_id = ?1 ORDER BY path";
    batch.files = select_files(connection, of_batch, [batch.id])?;
    Ok(batch)
}

fn select_batches(connection: &Connection, sql: &str, params: impl Params) -> Tried<Vec<Batch>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut batches = Vec::new();
    while let Some(row) = rows.next()? {
        batches.push(with_files(connection, rows::batch(row)?)?);
    }
    Ok(batches)
}

fn as_json<T: serde::Serialize>(value: &T) -> Tried<String> {
    serde_json::to_string(value)
        .map_err(|error| Trouble::from(super::trouble::database("a value of the ledger is no JSON").found(error)))
}
