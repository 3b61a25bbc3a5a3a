//! Connections, lent one at a time.

use super::connect::connect;
use super::link::Link;
use super::trouble::Tried;
use crate::gate::lock;
use crate::refusal::database;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tillmart_model::MySqlServer;
use tokio::runtime::Handle;

/// A connection that rested longer than this is asked whether it still lives before it is lent.
const REST: Duration = Duration::from_secs(20);

/// How long a caller waits for a connection that others hold.
const WAIT: Duration = Duration::from_secs(120);

/// At most so many connections as the settings allow, made when they are needed.
pub(super) struct Pool {
    pub(super) server: MySqlServer,
    free: Mutex<Free>,
    given_back: Condvar,
    /// The server has let us in before: when it is gone now, it will be back.
    known: AtomicBool,
}

struct Free {
    resting: Vec<Link>,
    /// How many more may be lent, resting ones included.
    places: u32,
}

impl Pool {
    pub(super) fn new(server: MySqlServer) -> Self {
        let free = Mutex::new(Free { resting: Vec::new(), places: server.connections.max(2) });
        Pool { server, free, given_back: Condvar::new(), known: AtomicBool::new(false) }
    }

    /// Whether a connection was ever made.
    pub(super) fn knows_its_server(&self) -> bool {
        self.known.load(Ordering::Relaxed)
    }

    /// Lends a connection; blocks while all are lent.
    pub(super) fn lend(self: &Arc<Self>, runtime: &Handle) -> Tried<Lent> {
        let resting = self.take_place()?;
        let mut lent = Lent { pool: Arc::clone(self), link: resting };
        if lent.link.as_mut().is_some_and(|link| link.used.elapsed() > REST && !link.is_alive()) {
            lent.link = None;
        }
        if lent.link.is_none() {
            lent.link = Some(connect(&self.server, runtime)?);
            self.known.store(true, Ordering::Relaxed);
        }
        Ok(lent)
    }

    fn take_place(&self) -> Tried<Option<Link>> {
        let free = lock(&self.free);
        let waited = self.given_back.wait_timeout_while(free, WAIT, |free| free.places == 0);
        let (mut free, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if free.places == 0 {
            let fault = database("all connections to the database are in use")
                .found(format!(
                    "{} connections, none given back within {} seconds",
                    self.server.connections,
                    WAIT.as_secs()
                ))
                .hint("raise `database.connections`");
            return Err(fault.into());
        }
        free.places -= 1;
        Ok(free.resting.pop())
    }
}

/// A lent connection. Dropped, it is closed, and the server rolls back what it had open; only [`Lent::give_back`] keeps it.
pub(super) struct Lent {
    pool: Arc<Pool>,
    link: Option<Link>,
}

impl Lent {
    /// The connection.
    pub(super) fn link(&mut self) -> Tried<&mut Link> {
        self.link.as_mut().ok_or_else(|| crate::refusal::over().into())
    }

    /// Keeps the connection for the next: it has nothing open.
    pub(super) fn give_back(mut self) {
        if let Some(mut link) = self.link.take() {
            link.used = Instant::now();
            lock(&self.pool.free).resting.push(link);
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.link = None;
        lock(&self.pool.free).places += 1;
        self.pool.given_back.notify_one();
    }
}
