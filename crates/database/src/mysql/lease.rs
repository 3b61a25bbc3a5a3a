//! The lease: who may write a feed's ledger, and how a run that was thought dead is kept out.

use super::link::Link;
use super::trouble::{Tried, Trouble};
use super::{MySql, statements};
use crate::Lease;
use crate::gate::{Gate, lock};
use crate::records::moment_text;
use crate::refusal::database;
use crate::rules::{self, Held, busy, until};
use chrono::{DateTime, Duration, Utc};
use mysql_async::{Row, Value};
use std::sync::Arc;
use tillmart_model::Result;

/// How often a lease that changed meanwhile is judged anew: each time somebody else was faster.
const JUDGED_MOST: usize = 50;

/// The feed's lease, locked until the transaction ends.
fn locked(link: &mut Link, feed: &str) -> Tried<Option<Held>> {
    seen(link, statements::LEASE_SEEN, feed)
}

fn seen(link: &mut Link, sql: &str, feed: &str) -> Tried<Option<Held>> {
    let mut held = None;
    link.select(sql, vec![feed.into()], |row| {
        held = Some(of_row(row));
        Ok(())
    })?;
    Ok(held)
}

fn of_row(row: &Row) -> Held {
    let text = |at| match row.as_ref(at) {
        Some(Value::Bytes(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    };
    Held { token: super::rows::number_at(row, 0).unwrap_or_default(), holder: text(1), until: text(2) }
}

/// Refuses the write of a run whose lease is not the feed's current one, and holds the lease to the end of the write's
/// transaction.
pub(super) fn current(link: &mut Link, lease: &Lease) -> Tried<()> {
    let held = locked(link, &lease.feed)?;
    Ok(rules::current(lease, held)?)
}

pub(super) fn prolong(link: &mut Link, lease: &Lease, until: DateTime<Utc>) -> Tried<()> {
    let sql = "UPDATE tillmart_lease SET held_until = ? WHERE feed = ? AND token = ?";
    link.execute(sql, vec![moment_text(until).into(), lease.feed.as_str().into(), lease.token.into()])?;
    Ok(())
}

/// What a run asks for.
struct Wish {
    feed: String,
    holder: String,
    now: DateTime<Utc>,
    until: String,
}

impl Wish {
    fn got(&self, token: i64) -> Lease {
        Lease { feed: self.feed.clone(), token, holder: self.holder.clone() }
    }
}

impl MySql {
    pub(super) async fn take_lease(
        &self,
        feed: &str,
        holder: &str,
        now: DateTime<Utc>,
        ttl: Duration,
        is_gone: &(dyn for<'h> Fn(&'h str) -> bool + Send + Sync),
    ) -> Result<Lease> {
        let until = match until(now, ttl) {
            Ok(until) => moment_text(until),
            Err(fault) => return Err(*fault),
        };
        let wish = Arc::new(Wish { feed: feed.to_owned(), holder: holder.to_owned(), now, until });
        // Look without a lock, judge, then take it only if it is still what was judged.
        for _ in 0..JUDGED_MOST {
            let judged = self.look_at_lease(feed).await?;
            if let Some(held) = &judged
                && let Some(other) = held.in_force(now)
                && !is_gone(other)
            {
                return Err(busy(feed, other, held.until.as_deref().unwrap_or_default()));
            }
            let (wish, judged) = (Arc::clone(&wish), judged.unwrap_or_else(Held::nobody));
            if let Some(lease) = self.write(move |link| take(link, &wish, &judged)).await? {
                return Ok(lease);
            }
        }
        let fault = database(format!("the lease of feed `{feed}` changes faster than it can be taken"));
        Err(fault.hint("look who else takes it: see tables `tillmart_lease` and `tillmart_run`; then run again"))
    }

    /// The feed's lease, without waiting for whoever writes it.
    async fn look_at_lease(&self, feed: &str) -> Result<Option<Held>> {
        let feed = feed.to_owned();
        let look = "SELECT token, holder, held_until FROM tillmart_lease WHERE feed = ?";
        self.read(move |link| seen(link, look, &feed)).await
    }

    pub(super) async fn lease_holder(&self, feed: &str, now: DateTime<Utc>) -> Result<Option<String>> {
        let held = self.look_at_lease(feed).await?;
        Ok(held.and_then(|held| held.in_force(now).map(str::to_owned)))
    }

    pub(super) async fn renew_lease(&self, lease: &Lease, now: DateTime<Utc>, ttl: Duration) -> Result<()> {
        let lease = lease.clone();
        self.blocking(move |shared, runtime| {
            let until = until(now, ttl)?;
            // Held to the end: a publication of ours begins before this renewal or after it.
            let gate = shared.gates.of(&lease);
            let mut gate = lock(&gate);
            if let Gate::Publishing { renewal } = &mut *gate {
                // It holds the lease's lock: nobody can take it meanwhile, and its commit prolongs it.
                *renewal = Some(until);
                return Ok(());
            }
            shared.repeated(|| {
                shared.write(runtime, |link| {
                    current(link, &lease)?;
                    prolong(link, &lease, until)
                })
            })
        })
        .await
    }

    pub(super) async fn give_lease_back(&self, lease: &Lease) -> Result<()> {
        let lease = lease.clone();
        self.write(move |link| {
            let sql = "UPDATE tillmart_lease SET holder = NULL, held_until = NULL WHERE feed = ? AND token = ?";
            link.execute(sql, vec![lease.feed.as_str().into(), lease.token.into()])?;
            Ok(())
        })
        .await
    }
}

/// Takes the lease if it is still as it was judged; `None` if somebody was faster.
fn take(link: &mut Link, wish: &Wish, judged: &Held) -> Tried<Option<Lease>> {
    // The lease's row may be lost, or older than its runs, after a restore. Read before the lock: whoever takes the lease
    // after this is seen in the locked row, or has the number that we will ask for.
    let noted = "SELECT MAX(token) FROM tillmart_run WHERE feed = ?";
    let last_run = link.number(noted, vec![wish.feed.as_str().into()])?.unwrap_or_default();
    // Its holder may be in the midst of a long publication, which prolongs the lease at its end: no waiting for that.
    link.run("SET SESSION innodb_lock_wait_timeout = 2")?;
    let locked = locked(link, &wish.feed);
    if !matches!(locked, Err(Trouble::Lost(_))) {
        link.run("SET SESSION innodb_lock_wait_timeout = 20")?;
    }
    let held = match locked {
        Err(Trouble::Server(error)) if error.code == 1205 && judged.holder.is_some() => {
            let (holder, until) = (judged.holder.as_deref().unwrap_or_default(), judged.until.as_deref());
            return Err(busy(&wish.feed, holder, until.unwrap_or_default()).into());
        }
        held => held?.unwrap_or_else(Held::nobody),
    };
    // An earlier try of ours whose answer was lost.
    let ours = held.holder.as_ref() == Some(&wish.holder) && held.until.as_ref() == Some(&wish.until);
    if ours && held.token > judged.token {
        return Ok(Some(wish.got(held.token)));
    }
    if held != *judged {
        return Ok(None);
    }
    let token = held.token.max(last_run) + 1;
    let (feed, holder) = (wish.feed.as_str(), wish.holder.as_str());
    // Of two first runs of a feed, who both found no row, the second is refused this number.
    let run = "INSERT INTO tillmart_run (feed, token, holder, started_date) VALUES (?, ?, ?, ?)";
    let noted = link.execute(run, vec![feed.into(), token.into(), holder.into(), moment_text(wish.now).into()]);
    match noted {
        Err(trouble) if trouble.doubled().is_some() => return Ok(None),
        noted => noted?,
    };
    link.execute(statements::LEASE_PUT, vec![feed.into(), token.into(), holder.into(), wish.until.as_str().into()])?;
    Ok(Some(wish.got(token)))
}
