//! The ledger's batches and source files.

use super::trouble::{Tried, is_constraint};
use super::{Sqlite, lease, statements};
use crate::records::{self, moment_text, stored};
use crate::rules::{self, Claim, Decision, as_json, illegal, no_file, same_decision};
use crate::{FileFilter, Lease, Ledger};
use async_trait::async_trait;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use rusqlite::{Connection, Params, params};
use std::collections::BTreeMap;
use tillmart_model::{Batch, BatchKind, BatchState, Found, Result, SourceFile};

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
            write_claim(transaction, &claim)
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

    async fn archived(&self, lease: &Lease, files: &[(i64, String)], now: DateTime<Utc>) -> Result<()> {
        let (lease, files) = (lease.clone(), files.to_vec());
        self.write(move |transaction| {
            lease::current(transaction, &lease)?;
            for (file_id, location) in &files {
                archive(transaction, &lease, *file_id, location, now)?;
            }
            Ok(())
        })
        .await
    }

    async fn finished(&self, lease: &Lease, batch_id: i64, now: DateTime<Utc>) -> Result<()> {
        let lease = lease.clone();
        self.write(move |transaction| {
            let batch = with_files(transaction, own_batch(transaction, &lease, batch_id)?)?;
            match &batch.state {
                BatchState::Published { .. } => {
                    rules::all_archived(&batch)?;
                    move_to(transaction, batch_id, "finished", None, None, now)
                }
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

    async fn files_claimed(&self, feed: &str, first: NaiveDate, last: NaiveDate) -> Result<Vec<SourceFile>> {
        let values = [feed.to_owned(), first.to_string(), last.to_string()];
        self.ledger(move |connection| select_files(connection, statements::FILES_CLAIMED, values)).await
    }

    async fn files_of_ids(&self, feed: &str, ids: &[i64]) -> Result<Vec<SourceFile>> {
        let values = [feed.to_owned(), format!("{ids:?}")];
        self.ledger(move |connection| select_files(connection, statements::FILES_OF_IDS, values)).await
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
                kept.push(records::found(row)?);
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

    async fn marts_standing(&self, feed: &str) -> Result<BTreeMap<String, i64>> {
        let feed = feed.to_owned();
        self.ledger(move |connection| {
            let mut statement = connection.prepare_cached(statements::MARTS_STANDING)?;
            let standing = statement.query_map([feed], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(standing.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

fn write_claim(connection: &Connection, claim: &Claim<'_>) -> Tried<Batch> {
    if let Some(open) = unfinished(connection, &claim.lease.feed)? {
        return Ok(claim.meets(open)?);
    }
    let now = moment_text(claim.now);
    let (feed, kind) = (&claim.lease.feed, claim.kind.word());
    connection.prepare_cached(statements::BATCH_CLAIM)?.execute(params![
        feed,
        claim.lease.token,
        kind,
        as_json(claim.kind)?,
        claim.claim_date.to_string(),
        now
    ])?;
    let batch_id = connection.last_insert_rowid();
    let mut statement = connection.prepare_cached(statements::FILE_CLAIM)?;
    for found in claim.files {
        let (location, size) = (claim.location(found), stored(found.size)?);
        let (name, modified) = (rules::name_of(found), moment_text(found.modified));
        let row = params![name, location, now, feed, batch_id, found.path, size, found.etag, modified];
        statement.execute(row)?;
    }
    with_files(connection, bare_batch(connection, batch_id)?)
}

fn archive(connection: &Connection, lease: &Lease, file_id: i64, location: &str, now: DateTime<Utc>) -> Tried<()> {
    let file = file(connection, file_id)?.ok_or_else(|| no_file(file_id))?;
    let batch = rules::of_feed(bare_batch(connection, file.batch_id)?, lease)?;
    if !file.active && file.location == location {
        return Ok(());
    }
    if !file.active || !matches!(batch.state, BatchState::Published { .. }) {
        return Err(illegal(&batch, &format!("archived (source file {file_id})")).into());
    }
    let mut statement = connection.prepare_cached(statements::FILE_ARCHIVED)?;
    statement.execute(params![file_id, location, moment_text(now)])?;
    Ok(())
}

/// Writes what the check decided of every file of the batch.
fn decide(connection: &Connection, batch: &Batch, files: &[SourceFile], now: DateTime<Utc>) -> Tried<()> {
    rules::decided_each_once(batch, files)?;
    for file in files {
        decide_one(connection, file, now)?;
    }
    Ok(())
}

fn decide_one(connection: &Connection, file: &SourceFile, now: DateTime<Utc>) -> Tried<()> {
    let decided = Decision::of(file)?;
    let mut statement = connection.prepare_cached(statements::FILE_LANDED)?;
    let written = statement.execute(params![
        file.id,
        file.outcome.word(),
        decided.reason,
        decided.message,
        decided.line,
        decided.duplicate_of,
        file.digest,
        decided.rows_read,
        decided.rows_landed,
        decided.rows_anonymous,
        decided.rows_rejected,
        decided.rejected_json,
        decided.rows_unknown_product,
        decided.money,
        file.header,
        moment_text(now),
    ]);
    match written {
        Ok(_) => Ok(()),
        Err(error) if is_constraint(&error) => Err(rules::refused_decision(file, &error.to_string()).into()),
        Err(error) => Err(error.into()),
    }
}

/// The batch that a write names, without its files, if the lease is current and is of the batch's feed.
pub(super) fn own_batch(connection: &Connection, lease: &Lease, batch_id: i64) -> Tried<Batch> {
    lease::current(connection, lease)?;
    Ok(rules::of_feed(bare_batch(connection, batch_id)?, lease)?)
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

pub(super) fn file(connection: &Connection, file_id: i64) -> Tried<Option<SourceFile>> {
    Ok(select_files(connection, "SELECT * FROM product_staging_table WHERE id = ?1", [file_id])?.pop())
}

fn select_files(connection: &Connection, sql: &str, params: impl Params) -> Tried<Vec<SourceFile>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut files = Vec::new();
    while let Some(row) = rows.next()? {
        files.push(records::source_file(row)?);
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
        Some(row) => records::batch(row),
        None => Err(rules::no_batch(batch_id).into()),
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
        batches.push(with_files(connection, records::batch(row)?)?);
    }
    Ok(batches)
}
