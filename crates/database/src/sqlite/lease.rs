//! The lease: who may write a feed's ledger, and how a run that was thought dead is kept out.

use super::statements;
use super::trouble::{Tried, Trouble, is_locked};
use super::{Sqlite, blocking, lock};
use crate::Lease;
use crate::gate::Gate;
use crate::records::moment_text;
use crate::rules::{self, Held, busy, until};
use chrono::{DateTime, Duration, Utc};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::sync::Arc;
use tillmart_model::Result;

/// How many busy waits a renewal goes through: the run of another feed may be publishing for a minute.
const RENEW_TRIES: u32 = 6;

/// The feed's row of `tillmart_lease`.
fn held(connection: &Connection, feed: &str) -> Tried<Option<Held>> {
    let mut statement = connection.prepare_cached("SELECT token, holder, until FROM tillmart_lease WHERE feed = ?1")?;
    let held = statement
        .query_row([feed], |row| Ok(Held { token: row.get(0)?, holder: row.get(1)?, until: row.get(2)? }))
        .optional()?;
    Ok(held)
}

/// Refuses the write of a run whose lease is not the feed's current one. Called inside the write's transaction.
pub(super) fn current(connection: &Connection, lease: &Lease) -> Tried<()> {
    Ok(rules::current(lease, held(connection, &lease.feed)?)?)
}

pub(super) fn prolong(connection: &Connection, feed: &str, token: i64, until: DateTime<Utc>) -> Tried<()> {
    let mut statement =
        connection.prepare_cached("UPDATE tillmart_lease SET until = ?3 WHERE feed = ?1 AND token = ?2")?;
    statement.execute(params![feed, token, moment_text(until)])?;
    Ok(())
}

impl Sqlite {
    pub(super) async fn take_lease(
        &self,
        feed: &str,
        holder: &str,
        now: DateTime<Utc>,
        ttl: Duration,
        is_gone: &(dyn for<'h> Fn(&'h str) -> bool + Send + Sync),
    ) -> Result<Lease> {
        // Look without the write lock, judge, then take it only if it is still what was judged: a run that is
        // publishing holds the write lock for long, and the caller shall be told "busy" at once.
        loop {
            let (asked, wanted) = (feed.to_owned(), holder.to_owned());
            let seen = self.ledger(move |connection| held(connection, &asked)).await?;
            if let Some(held) = &seen
                && let Some(other) = held.in_force(now)
                && !is_gone(other)
            {
                return Err(busy(feed, other, held.until.as_deref().unwrap_or_default()));
            }
            let feed = feed.to_owned();
            let taken = self.ledger(move |connection| take(connection, &feed, &wanted, now, ttl, seen)).await?;
            if let Some(lease) = taken {
                return Ok(lease);
            }
        }
    }

    pub(super) async fn lease_holder(&self, feed: &str, now: DateTime<Utc>) -> Result<Option<String>> {
        let feed = feed.to_owned();
        let held = self.ledger(move |connection| held(connection, &feed)).await?;
        Ok(held.and_then(|held| held.in_force(now).map(str::to_owned)))
    }

    pub(super) async fn renew_lease(&self, lease: &Lease, now: DateTime<Utc>, ttl: Duration) -> Result<()> {
        let (shared, lease) = (Arc::clone(&self.shared), lease.clone());
        let renewed = blocking(move || {
            let until = until(now, ttl)?;
            // Held to the end: a publication of ours begins before this renewal or after it.
            let gate = shared.gates.of(&lease);
            let mut gate = lock(&gate);
            if let Gate::Publishing { renewal } = &mut *gate {
                // It holds the write lock: nobody can take the lease meanwhile, and its commit prolongs it.
                *renewal = Some(until);
                return Ok(());
            }
            let mut tries = RENEW_TRIES;
            loop {
                match renew(&mut lock(&shared.ledger), &lease, until) {
                    Err(Trouble::Sqlite(error)) if tries > 1 && is_locked(&error) => tries -= 1,
                    done => return done,
                }
            }
        });
        renewed.await.map_err(|trouble| trouble.told(self.path()))
    }

    pub(super) async fn give_lease_back(&self, lease: &Lease) -> Result<()> {
        let lease = lease.clone();
        self.write(move |transaction| {
            let mut statement = transaction.prepare_cached(
                "UPDATE tillmart_lease SET holder = NULL, until = NULL WHERE feed = ?1 AND token = ?2",
            )?;
            statement.execute(params![lease.feed, lease.token])?;
            Ok(())
        })
        .await
    }
}

fn renew(connection: &mut Connection, lease: &Lease, until: DateTime<Utc>) -> Tried<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    current(&transaction, lease)?;
    prolong(&transaction, &lease.feed, lease.token, until)?;
    transaction.commit()?;
    Ok(())
}

/// Takes the lease if it is still as `seen`.
fn take(
    connection: &mut Connection,
    feed: &str,
    holder: &str,
    now: DateTime<Utc>,
    ttl: Duration,
    seen: Option<Held>,
) -> Tried<Option<Lease>> {
    let until = moment_text(until(now, ttl)?);
    let seen = seen.unwrap_or_else(Held::nobody);
    let transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
        // Its holder may be in the midst of a long publication, which prolongs the lease at its end.
        Err(error) if is_locked(&error) && seen.holder.is_some() => {
            let (holder, until) = (seen.holder.unwrap_or_default(), seen.until.unwrap_or_default());
            return Err(busy(feed, &holder, &until).into());
        }
        begun => begun?,
    };
    let taken = transaction.prepare_cached(statements::LEASE_TAKE)?.execute(params![
        feed,
        holder,
        until,
        seen.token,
        seen.holder,
        seen.until
    ])?;
    if taken == 0 {
        return Ok(None);
    }
    let token = seen.token + 1;
    transaction
        .prepare_cached("INSERT INTO tillmart_run (feed, token, holder, started_date) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![feed, token, holder, moment_text(now)])?;
    transaction.commit()?;
    Ok(Some(Lease { feed: feed.to_owned(), token, holder: holder.to_owned() }))
}
