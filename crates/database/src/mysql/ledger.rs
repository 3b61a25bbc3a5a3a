//! The ledger's batches and source files.

use super::bulk::literal;
use super::link::Link;
use super::rows::{number_at, text_at};
use super::trouble::Tried;
use super::{MySql, lease, statements};
use crate::bind::Datum;
use crate::records::{self, moment_text, stored};
use crate::rules::{self, Claim, Decision, as_json, illegal, no_file, same_decision};
use crate::{FileFilter, Lease, Ledger};
use async_trait::async_trait;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use mysql_async::Value;
use std::collections::BTreeMap;
use tillmart_model::{Batch, BatchKind, BatchState, Found, Result, SourceFile};

/// Files of one INSERT: at most a megabyte of paths and places.
const FILES_MOST: usize = 200;

/// A time as people read it in the staging table, in UTC.
fn people_time(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

#[async_trait]
impl Ledger for MySql {
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
        self.write(move |link| {
            lease::current(link, &lease)?;
            let claim = Claim { lease: &lease, kind: &kind, claim_date, area: &area, files: &files, now };
            write_claim(link, &claim)
        })
        .await
    }

    async fn unfinished(&self, feed: &str) -> Result<Option<Batch>> {
        let feed = feed.to_owned();
        self.read(move |link| unfinished(link, &feed)).await
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
        self.write(move |link| {
            let batch = own_batch(link, &lease, batch_id)?;
            let batch = with_files(link, batch)?;
            match &batch.state {
                BatchState::Claimed => {
                    rules::decided_each_once(&batch, &files)?;
                    for file in &files {
                        decide(link, file, now)?;
                    }
                    move_to(link, batch_id, "landed", Some(&manifest), None, now)
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
        self.write(move |link| {
            let batch = own_batch(link, &lease, batch_id)?;
            match &batch.state {
                BatchState::Landed { .. } => {
                    move_to(link, batch_id, "committed", None, Some(&as_json(&versions)?), now)
                }
                BatchState::Committed { versions: before, .. } if *before == versions => Ok(()),
                _ => Err(illegal(&batch, "committed").into()),
            }
        })
        .await
    }

    async fn archived(&self, lease: &Lease, files: &[(i64, String)], now: DateTime<Utc>) -> Result<()> {
        let (lease, files) = (lease.clone(), files.to_vec());
        self.write(move |link| {
            lease::current(link, &lease)?;
            for (file_id, location) in &files {
                archive(link, &lease, *file_id, location, now)?;
            }
            Ok(())
        })
        .await
    }

    async fn finished(&self, lease: &Lease, batch_id: i64, now: DateTime<Utc>) -> Result<()> {
        let lease = lease.clone();
        self.write(move |link| {
            let batch = own_batch(link, &lease, batch_id)?;
            let batch = with_files(link, batch)?;
            match &batch.state {
                BatchState::Published { .. } => {
                    rules::all_archived(&batch)?;
                    move_to(link, batch_id, "finished", None, None, now)
                }
                BatchState::Finished { .. } => Ok(()),
                _ => Err(illegal(&batch, "finished").into()),
            }
        })
        .await
    }

    async fn file(&self, file_id: i64) -> Result<Option<SourceFile>> {
        self.read(move |link| file(link, file_id)).await
    }

    async fn files(&self, feed: &str, filter: &FileFilter) -> Result<Vec<SourceFile>> {
        let (feed, filter) = (feed.to_owned(), filter.clone());
        self.read(move |link| {
            let (mut terms, mut values): (String, Vec<Value>) = ("feed = ?".to_owned(), vec![feed.as_str().into()]);
            if let Some(batch) = filter.batch_id {
                terms.push_str(" AND batch_id = ?");
                values.push(batch.into());
            }
            if let Some(outcome) = &filter.outcome {
                terms.push_str(" AND outcome = ?");
                values.push(outcome.as_str().into());
            }
            let limit = filter.newest.map_or_else(String::new, |newest| format!(" LIMIT {newest}"));
            select_files(link, &format!("WHERE {terms} ORDER BY id DESC{limit}"), values)
        })
        .await
    }

    async fn files_claimed(&self, feed: &str, first: NaiveDate, last: NaiveDate) -> Result<Vec<SourceFile>> {
        let values: [Value; 3] = [feed.into(), first.to_string().into(), last.to_string().into()];
        self.read(move |link| {
            let claimed = "WHERE batch_id IN (SELECT id FROM tillmart_batch WHERE feed = ? AND claim_date BETWEEN ? AND ?) \
                           ORDER BY id DESC";
            select_files(link, claimed, values.to_vec())
        })
        .await
    }

    async fn files_of_ids(&self, feed: &str, ids: &[i64]) -> Result<Vec<SourceFile>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let feed = feed.to_owned();
        let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
        let of_ids = format!("WHERE feed = ? AND id IN ({}) ORDER BY id DESC", ids.join(", "));
        self.read(move |link| select_files(link, &of_ids, vec![feed.as_str().into()])).await
    }

    async fn landed_with_digest(&self, feed: &str, digest: &str) -> Result<Option<i64>> {
        let (feed, digest) = (feed.to_owned(), digest.to_owned());
        self.read(move |link| {
            let sql = "SELECT id FROM product_staging_table WHERE feed = ? AND landed_digest = ?";
            link.number(sql, vec![feed.as_str().into(), digest.as_str().into()])
        })
        .await
    }

    async fn landed_with_path(&self, feed: &str, path: &str) -> Result<Option<SourceFile>> {
        let (feed, path) = (feed.to_owned(), path.to_owned());
        self.read(move |link| {
            let newest = "WHERE feed = ? AND path_hash = ? AND outcome = 'landed' ORDER BY id DESC LIMIT 1";
            Ok(select_files(link, newest, vec![feed.as_str().into(), hash_of(&path)])?.pop())
        })
        .await
    }

    async fn landed_sizes(&self, feed: &str, sizes: &[u64]) -> Result<Vec<u64>> {
        // A size that the server cannot hold was never stored.
        let sizes: Vec<i64> = sizes.iter().filter_map(|size| i64::try_from(*size).ok()).collect();
        let feed = feed.to_owned();
        self.read(move |link| {
            let mut found = std::collections::BTreeSet::new();
            for part in sizes.chunks(1_000) {
                let list: Vec<String> = part.iter().map(i64::to_string).collect();
                let sql = format!(
                    "SELECT DISTINCT size FROM product_staging_table \
                     WHERE feed = ? AND outcome = 'landed' AND size IN ({})",
                    list.join(", ")
                );
                link.select(&sql, vec![feed.as_str().into()], |row| {
                    found.extend(number_at(row, 0).and_then(|size| u64::try_from(size).ok()));
                    Ok(())
                })?;
            }
            Ok(found.into_iter().collect())
        })
        .await
    }

    async fn kept_in_place(&self, feed: &str) -> Result<Vec<Found>> {
        let feed = feed.to_owned();
        self.read(move |link| {
            let mut kept = Vec::new();
            link.select(statements::FILES_KEPT_IN_PLACE, vec![feed.as_str().into()], |row| {
                kept.push(records::found(row)?);
                Ok(())
            })?;
            Ok(kept)
        })
        .await
    }

    async fn batches(&self, feed: &str, newest: u32) -> Result<Vec<Batch>> {
        let feed = feed.to_owned();
        self.read(move |link| {
            let sql = format!("SELECT * FROM tillmart_batch WHERE feed = ? ORDER BY id DESC LIMIT {newest}");
            select_batches(link, &sql, vec![feed.as_str().into()])
        })
        .await
    }

    async fn last_published(&self, feed: &str) -> Result<Option<Batch>> {
        let feed = feed.to_owned();
        self.read(move |link| {
            Ok(select_batches(link, statements::BATCH_LAST_PUBLISHED, vec![feed.as_str().into()])?.pop())
        })
        .await
    }

    async fn marts_standing(&self, feed: &str) -> Result<BTreeMap<String, i64>> {
        let feed = feed.to_owned();
        self.read(move |link| {
            let mut standing = BTreeMap::new();
            link.select(statements::MARTS_STANDING, vec![feed.as_str().into()], |row| {
                standing.insert(text_at(row, 0), number_at(row, 1).unwrap_or_default());
                Ok(())
            })?;
            Ok(standing)
        })
        .await
    }
}

fn hash_of(path: &str) -> Value {
    Value::Bytes(blake3::hash(path.as_bytes()).as_bytes().to_vec())
}

fn write_claim(link: &mut Link, claim: &Claim<'_>) -> Tried<Batch> {
    if let Some(open) = unfinished(link, &claim.lease.feed)? {
        return Ok(claim.meets(open)?);
    }
    let now = moment_text(claim.now);
    let values = vec![
        claim.lease.feed.as_str().into(),
        claim.lease.token.into(),
        claim.kind.word().into(),
        as_json(claim.kind)?.into(),
        claim.claim_date.to_string().into(),
        now.as_str().into(),
        now.as_str().into(),
    ];
    link.execute(statements::BATCH_CLAIM, values)?;
    let batch_id = link.last_id()?;
    for files in claim.files.chunks(FILES_MOST) {
        let mut sql = statements::FILE_CLAIM.trim_end().to_owned();
        for (at, found) in files.iter().enumerate() {
            sql.push_str(if at == 0 { " (" } else { ", (" });
            claim_row(&mut sql, claim, found, batch_id)?;
            sql.push(')');
        }
        link.run(&sql)?;
    }
    let batch = bare_batch(link, batch_id)?;
    with_files(link, batch)
}

/// A file's row, in the order of `file_claim.sql`.
fn claim_row(sql: &mut String, claim: &Claim<'_>, found: &Found, batch_id: i64) -> Tried<()> {
    let (location, size) = (claim.location(found), stored(found.size)?);
    let (people, exact, modified) = (people_time(claim.now), moment_text(claim.now), moment_text(found.modified));
    let texts = [rules::name_of(found), &location, &location, &people, &people, &exact, &exact, "A", &claim.lease.feed];
    for text in texts {
        literal(sql, &Datum::Text(text));
        sql.push_str(", ");
    }
    literal(sql, &Datum::Integer(batch_id));
    sql.push_str(", ");
    literal(sql, &Datum::Text(&found.path));
    sql.push_str(&format!(", x'{}', {size}, ", blake3::hash(found.path.as_bytes()).to_hex()));
    literal(sql, &found.etag.as_deref().map_or(Datum::Null, Datum::Text));
    sql.push_str(", ");
    literal(sql, &Datum::Text(&modified));
    sql.push_str(", 'pending', '{}'");
    Ok(())
}

fn archive(link: &mut Link, lease: &Lease, file_id: i64, location: &str, now: DateTime<Utc>) -> Tried<()> {
    let file = file(link, file_id)?.ok_or_else(|| no_file(file_id))?;
    let batch = rules::of_feed(bare_batch(link, file.batch_id)?, lease)?;
    if !file.active && file.location == location {
        return Ok(());
    }
    if !file.active || !matches!(batch.state, BatchState::Published { .. }) {
        return Err(illegal(&batch, &format!("archived (source file {file_id})")).into());
    }
    // An active file lies where it was delivered.
    let kept = file.location == location;
    let values = vec![location.into(), kept.into(), people_time(now).into(), moment_text(now).into(), file_id.into()];
    link.execute(statements::FILE_ARCHIVED, values)?;
    Ok(())
}

fn decide(link: &mut Link, file: &SourceFile, now: DateTime<Utc>) -> Tried<()> {
    let decided = Decision::of(file)?;
    let values = vec![
        file.outcome.word().into(),
        decided.reason.into(),
        decided.message.into(),
        decided.line.into(),
        decided.duplicate_of.into(),
        file.digest.as_deref().into(),
        decided.rows_read.into(),
        decided.rows_landed.into(),
        decided.rows_anonymous.into(),
        decided.rows_rejected.into(),
        decided.rejected_json.into(),
        decided.rows_unknown_product.into(),
        decided.money.into(),
        file.header.clone().into(),
        people_time(now).into(),
        moment_text(now).into(),
        file.id.into(),
    ];
    match link.execute(statements::FILE_LANDED, values) {
        Ok(_) => Ok(()),
        Err(trouble) => match trouble.constraint() {
            Some(error) => Err(rules::refused_decision(file, &error.message).into()),
            None => Err(trouble),
        },
    }
}

/// The batch that a write names, without its files, if the lease is current and is of the batch's feed.
pub(super) fn own_batch(link: &mut Link, lease: &Lease, batch_id: i64) -> Tried<Batch> {
    lease::current(link, lease)?;
    Ok(rules::of_feed(bare_batch(link, batch_id)?, lease)?)
}

pub(super) fn move_to(
    link: &mut Link,
    batch_id: i64,
    state: &str,
    manifest: Option<&str>,
    versions: Option<&str>,
    now: DateTime<Utc>,
) -> Tried<()> {
    let values = vec![state.into(), manifest.into(), versions.into(), moment_text(now).into(), batch_id.into()];
    link.execute(statements::BATCH_MOVE, values)?;
    Ok(())
}

/// One source file of ours; a row of another pipeline is none.
pub(super) fn file(link: &mut Link, file_id: i64) -> Tried<Option<SourceFile>> {
    Ok(select_files(link, "WHERE id = ? AND feed IS NOT NULL", vec![file_id.into()])?.pop())
}

fn select_files(link: &mut Link, which: &str, values: Vec<Value>) -> Tried<Vec<SourceFile>> {
    let mut files = Vec::new();
    link.select(&format!("{}{which}", statements::FILE_COLUMNS), values, |row| {
        files.push(records::source_file(row)?);
        Ok(())
    })?;
    Ok(files)
}

fn unfinished(link: &mut Link, feed: &str) -> Tried<Option<Batch>> {
    Ok(select_batches(link, "SELECT * FROM tillmart_batch WHERE open_feed = ?", vec![feed.into()])?.pop())
}

/// A batch without its files: a write for each of a hundred thousand files must not read them all every time.
pub(super) fn bare_batch(link: &mut Link, batch_id: i64) -> Tried<Batch> {
    let found = bare_batches(link, "SELECT * FROM tillmart_batch WHERE id = ?", vec![batch_id.into()])?.pop();
    found.ok_or_else(|| rules::no_batch(batch_id).into())
}

fn with_files(link: &mut Link, mut batch: Batch) -> Tried<Batch> {
    batch.files = select_files(link, "WHERE batch_id = ?", vec![batch.id.into()])?;
    // Byte order, which is no collation's.
    batch.files.sort_by(|a, b| a.found.path.cmp(&b.found.path));
    Ok(batch)
}

fn bare_batches(link: &mut Link, sql: &str, values: Vec<Value>) -> Tried<Vec<Batch>> {
    let mut batches = Vec::new();
    link.select(sql, values, |row| {
        batches.push(records::batch(row)?);
        Ok(())
    })?;
    Ok(batches)
}

fn select_batches(link: &mut Link, sql: &str, values: Vec<Value>) -> Tried<Vec<Batch>> {
    let bare = bare_batches(link, sql, values)?;
    bare.into_iter().map(|batch| with_files(link, batch)).collect()
}
