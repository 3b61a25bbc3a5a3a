//! Keeps a lease's renewals and its publication apart within a process.

use crate::Lease;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whether a publication of this process is open under a lease. It holds the lease's lock for as long as it
/// takes, so a renewal that comes meanwhile is left here, and carried by the publication's own transaction.
#[derive(Debug, Default)]
pub(crate) enum Gate {
    #[default]
    NoPublication,
    Publishing {
        renewal: Option<DateTime<Utc>>,
    },
}

/// A gate for each feed and token.
#[derive(Debug, Default)]
pub(crate) struct Gates(Mutex<ByLease>);

type ByLease = BTreeMap<(String, i64), Arc<Mutex<Gate>>>;

impl Gates {
    pub(crate) fn of(&self, lease: &Lease) -> Arc<Mutex<Gate>> {
        Arc::clone(lock(&self.0).entry((lease.feed.clone(), lease.token)).or_default())
    }
}

/// What is behind a lock of ours is sound even when its last user panicked: it is only ever replaced whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
