//! What every ledger refuses or takes for a repetition, whatever it is kept in.

use crate::Lease;
use crate::records::{cents_stored, stored};
use crate::refusal::{Checked, database, promise};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use std::collections::BTreeMap;
use tillmart_model::{Batch, BatchKind, BatchState, Fault, FaultKind, FileOutcome, Found, SourceFile, Tally};

/// The arguments of a claim.
pub(crate) struct Claim<'a> {
    pub(crate) lease: &'a Lease,
    pub(crate) kind: &'a BatchKind,
    pub(crate) claim_date: NaiveDate,
    pub(crate) area: &'a str,
    pub(crate) files: &'a [Found],
    pub(crate) now: DateTime<Utc>,
}

impl Claim<'_> {
    /// What to do with the feed's open batch: it is this very claim, asked for again because the answer was lost, or
    /// it has to be finished first.
    pub(crate) fn meets(&self, open: Batch) -> Checked<Batch> {
        if self.is(&open) {
            return Ok(open);
        }
        let fault = promise(format!("feed `{}` has an unfinished batch", self.lease.feed))
            .expected("the batch before to be finished first")
            .found(format!("batch {} in state {}", open.id, open.state.word()));
        Err(fault.into())
    }

    fn is(&self, open: &Batch) -> bool {
        let mut wanted: Vec<(&Found, String)> = self.files.iter().map(|found| (found, self.location(found))).collect();
        wanted.sort_by(|a, b| a.0.path.cmp(&b.0.path));
        open.state == BatchState::Claimed
            && open.kind == *self.kind
            && open.claim_date == self.claim_date
            && open.created == self.now
            && open.files.iter().map(|file| (&file.found, file.location.clone())).eq(wanted)
    }
    /// Where a file was delivered, below the storage root.
    pub(crate) fn location(&self, found: &Found) -> String {
        let area = self.area.trim_end_matches('/');
        if area.is_empty() { found.path.clone() } else { format!("{area}/{}", found.path) }
    }
}

/// The last part of a path.
pub(crate) fn name_of(found: &Found) -> &str {
    found.path.rsplit('/').next().unwrap_or(&found.path)
}

/// Refuses a check that did not decide of every file of the batch, each once.
pub(crate) fn decided_each_once(batch: &Batch, files: &[SourceFile]) -> Checked<()> {
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
    Ok(())
}

/// What the check decided of one source file, as the ledger keeps it.
pub(crate) struct Decision<'a> {
    pub(crate) reason: Option<&'static str>,
    pub(crate) message: Option<&'a str>,
    pub(crate) line: Option<i64>,
    pub(crate) duplicate_of: Option<i64>,
    pub(crate) rows_read: i64,
    pub(crate) rows_landed: i64,
    pub(crate) rows_anonymous: i64,
    pub(crate) rows_rejected: i64,
    pub(crate) rejected_json: String,
    pub(crate) rows_unknown_product: i64,
    pub(crate) money: String,
}

impl<'a> Decision<'a> {
    /// Refuses what no check decides, and rows that do not add up.
    pub(crate) fn of(file: &'a SourceFile) -> Checked<Self> {
        let (mut reason, mut message, mut line, mut duplicate_of) = (None, None, None, None);
        let tally = &file.tally;
        match &file.outcome {
            FileOutcome::Landed if tally.rows_read != tally.rows_landed + tally.rows_rejected() => {
                let found = format!(
                    "{} read, {} landed, {} rejected",
                    tally.rows_read,
                    tally.rows_landed,
                    tally.rows_rejected()
                );
                let fault = promise(format!("the rows of source file {} ({}) do not add up", file.id, file.found.path));
                return Err(fault.expected("read = landed + rejected").found(found).into());
            }
            FileOutcome::Landed => {}
            FileOutcome::Duplicate { of: first } => duplicate_of = Some(*first),
            FileOutcome::Rejected(fault) => {
                (reason, message) = (Some(fault.reason.code()), Some(fault.message.as_str()));
                line = fault.line.map(stored).transpose()?;
            }
            FileOutcome::Pending | FileOutcome::Revoked { .. } => {
                let fault = promise(format!("the check cannot leave source file {} {}", file.id, file.outcome.word()));
                return Err(fault.expected("landed, duplicate or rejected").into());
            }
        }
        Ok(Decision {
            reason,
            message,
            line,
            duplicate_of,
            rows_read: stored(tally.rows_read)?,
            rows_landed: stored(tally.rows_landed)?,
            rows_anonymous: stored(tally.rows_anonymous)?,
            rows_rejected: stored(tally.rows_rejected())?,
            rejected_json: as_json(&tally.rejected)?,
            rows_unknown_product: stored(tally.rows_unknown_product)?,
            money: cents_stored(tally.money_cents)?,
        })
    }
}

/// The database's own constraint refused a decision.
pub(crate) fn refused_decision(file: &SourceFile, said: &str) -> Fault {
    promise(format!("the ledger refused what was decided of source file {}", file.id))
        .expected("a landed file to have a digest that did not land before, a duplicate to name its first")
        .found(format!("{} ({}): {said}", file.outcome.word(), file.found.path))
}

/// Whether the files of a batch stand as decided: the caller lost our answer and asks again.
pub(crate) fn same_decision(stored: &[SourceFile], told: &[SourceFile]) -> bool {
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

/// Refuses a batch of another feed than the lease's.
pub(crate) fn of_feed(batch: Batch, lease: &Lease) -> Checked<Batch> {
    if batch.feed == lease.feed {
        return Ok(batch);
    }
    let fault = promise(format!("batch {} is of feed `{}`, the lease of feed `{}`", batch.id, batch.feed, lease.feed));
    Err(fault.into())
}

/// A move that is no arrow of the batch's life, or repeats one with other arguments.
pub(crate) fn illegal(batch: &Batch, wanted: &str) -> Fault {
    promise(format!("batch {} of feed `{}` is {} and cannot become {wanted}", batch.id, batch.feed, batch.state.word()))
        .expected("claimed, landed, committed, published, finished: one after the other, each once")
}

/// Refuses to finish a batch with a file that is still active.
pub(crate) fn all_archived(batch: &Batch) -> Checked<()> {
    match batch.files.iter().find(|file| file.active) {
        None => Ok(()),
        Some(file) => {
            let active = format!("source file {} ({}) is still active", file.id, file.found.path);
            Err(illegal(batch, "finished").found(active).into())
        }
    }
}

pub(crate) fn no_file(file_id: i64) -> Fault {
    promise(format!("the ledger has no source file {file_id}"))
}

pub(crate) fn no_batch(batch_id: i64) -> Fault {
    promise(format!("the ledger has no batch {batch_id}"))
}

/// Refuses a replay of more rows than the file has rejects; returns the file's money afterwards, as the ledger keeps it.
pub(crate) fn replayed(file: &SourceFile, tally: &Tally) -> Checked<String> {
    if file.rows_replayed + tally.rows_landed > file.tally.rows_rejected() {
        let fault = promise(format!("more rejects of source file {} were landed than it has", file.id))
            .expected(format!("at most {} of {}", file.tally.rows_rejected(), file.found.path))
            .found(format!("{} before, {} now", file.rows_replayed, tally.rows_landed));
        return Err(fault.into());
    }
    cents_stored(file.tally.money_cents + tally.money_cents)
}

/// Whether a revocation by `batch_id` has to be written; one of a file that did not land is refused.
pub(crate) fn to_revoke(file: &SourceFile, batch_id: i64) -> Checked<bool> {
    match &file.outcome {
        FileOutcome::Revoked { by_batch } if *by_batch == batch_id => Ok(false),
        FileOutcome::Landed => Ok(true),
        other => {
            let fault = promise(format!("source file {} ({}) cannot be revoked", file.id, file.found.path));
            Err(fault.expected("a landed file").found(other.word()).into())
        }
    }
}

/// A lease as it stands in the ledger.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) token: i64,
    pub(crate) holder: Option<String>,
    pub(crate) until: Option<String>,
}

impl Held {
    /// What stands there before anybody held it.
    pub(crate) fn nobody() -> Held {
        Held { token: 0, holder: None, until: None }
    }

    /// The holder, if the lease is in force at `now`; a time nobody can read counts as run out.
    pub(crate) fn in_force(&self, now: DateTime<Utc>) -> Option<&str> {
        let until = DateTime::parse_from_rfc3339(self.until.as_deref()?).ok()?;
        if until > now { self.holder.as_deref() } else { None }
    }
}

/// Refuses the write of a run whose lease is not the feed's current one.
pub(crate) fn current(lease: &Lease, held: Option<Held>) -> Checked<()> {
    let feed = &lease.feed;
    match held {
        Some(Held { token, holder: Some(_), .. }) if token == lease.token => Ok(()),
        Some(Held { token, holder: Some(holder), .. }) if token > lease.token => {
            let fault = Fault::new(FaultKind::Busy, format!("another run has taken over the lease of feed `{feed}`"))
                .found(format!("lease {token} of {holder}; ours was {}", lease.token))
                .hint("nothing of this write was kept; the other run goes on from the ledger");
            Err(fault.into())
        }
        _ => {
            let fault = Fault::new(FaultKind::Busy, format!("the lease of feed `{feed}` is no longer held"))
                .found(format!("lease {} was given back", lease.token))
                .hint("start another run");
            Err(fault.into())
        }
    }
}

pub(crate) fn until(now: DateTime<Utc>, ttl: Duration) -> Checked<DateTime<Utc>> {
    Ok(now.checked_add_signed(ttl).ok_or_else(|| database("a lease cannot last that long").found(ttl))?)
}

pub(crate) fn busy(feed: &str, holder: &str, until: &str) -> Fault {
    Fault::new(FaultKind::Busy, format!("another run holds the lease of feed `{feed}`"))
        .found(format!("held by {holder} until {until}"))
        .hint("try again when it is done; a run that died gives way when its lease has run out")
}

pub(crate) fn as_json<T: serde::Serialize>(value: &T) -> Checked<String> {
    let json = serde_json::to_string(value);
    Ok(json.map_err(|error| database("a value of the ledger is no JSON").found(error))?)
}
