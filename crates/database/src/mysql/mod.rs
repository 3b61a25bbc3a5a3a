//! MySQL 8 and MariaDB play every role on a server: what retailers run.
//!
//! - Statements keep to what both understand. Every session sets its own character set, mode, isolation and time zone.
//! - A write locks its feed's lease, checks the token and commits in one transaction. A deadlock or a lost connection has
//!   rolled it back or committed it; either way it is done again from the start, because every write of the ledger that is
//!   repeated finds itself done.
//! - Calls run on tokio's blocking threads, like SQLite's.

mod bulk;
mod connect;
mod coupons;
mod dimensions;
mod lease;
mod ledger;
mod link;
mod load;
mod merge;
mod migrate;
mod pool;
mod publish;
mod replace;
mod reports;
mod rows;
mod statements;
mod tables;
mod trouble;

use crate::gate::Gates;
use crate::refusal::database;
use link::Link;
use pool::Pool;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tillmart_model::{Fault, MySqlServer, Result};
use tokio::runtime::Handle;
use trouble::{Tried, Trouble};

/// The pause after the first try; each later one is twice as long, up to [`PAUSE_MOST`].
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_MOST: Duration = Duration::from_secs(3);

/// A database on a MySQL or MariaDB server as ledger, dimensions, publisher and schema. Clones share their connections.
#[derive(Clone)]
pub struct MySql {
    shared: Arc<Shared>,
}

struct Shared {
    pool: Arc<Pool>,
    /// The server and its database, for messages.
    place: String,
    gates: Gates,
}

impl std::fmt::Debug for MySql {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MySql").field("place", &self.shared.place).finish_non_exhaustive()
    }
}

impl MySql {
    /// Gets ready to use a server; the first call of another method makes the first connection. Tables come with
    /// [`crate::Schema::migrate`].
    ///
    /// # Errors
    /// A `Database` fault that names the setting, if the authorities' file cannot be read.
    #[allow(
        clippy::result_large_err,
        reason = "called once a process; every other fallible call returns a boxed future"
    )]
    pub fn open(server: &MySqlServer) -> Result<Self> {
        if let Some(file) = &server.authorities {
            check_authorities(file)?;
        }
        // A process has one provider of TLS's arithmetic; whoever comes first names it, and it is the same for all.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let place = format!("mysql://{}:{}/{}", server.host, server.port, server.database);
        let pool = Arc::new(Pool::new(server.clone()));
        Ok(MySql { shared: Arc::new(Shared { pool, place, gates: Gates::default() }) })
    }

    /// The server and its database, without user and password.
    pub fn place(&self) -> &str {
        &self.shared.place
    }

    /// Runs work on a lent connection. Work is done again when a passing fault ended it: it must be such that this is right.
    async fn read<T: Send + 'static>(&self, work: impl Fn(&mut Link) -> Tried<T> + Send + 'static) -> Result<T> {
        self.blocking(move |shared, runtime| {
            shared.repeated(|| {
                let mut lent = shared.pool.lend(runtime)?;
                let done = work(lent.link()?)?;
                lent.give_back();
                Ok(done)
            })
        })
        .await
    }

    /// Runs one write transaction; it commits if `work` succeeds. After a passing fault, or a commit whose answer was lost,
    /// the whole of it is done again: `work` finds in the ledger what was committed.
    async fn write<T: Send + 'static>(&self, work: impl Fn(&mut Link) -> Tried<T> + Send + 'static) -> Result<T> {
        self.blocking(move |shared, runtime| shared.repeated(|| shared.write(runtime, &work))).await
    }

    /// Runs work where it may block, and tells its faults.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Shared>, &Handle) -> Tried<T> + Send + 'static,
    ) -> Result<T> {
        let shared = Arc::clone(&self.shared);
        let runtime = Handle::current();
        let done = tokio::task::spawn_blocking(move || work(&shared, &runtime)).await;
        let done = done
            .unwrap_or_else(|stopped| Err(database("the work on the database stopped half-way").found(stopped).into()));
        done.map_err(|trouble| self.shared.told(trouble))
    }
}

/// Commits what `work` did, or rolls it back and tells why.
fn transaction<T>(link: &mut Link, work: impl Fn(&mut Link) -> Tried<T>) -> Tried<T> {
    link.run("START TRANSACTION")?;
    let done = work(link).and_then(|done| link.run("COMMIT").map(|_| done));
    match done {
        Ok(done) => Ok(done),
        Err(Trouble::Lost(said)) => Err(Trouble::Lost(said)),
        Err(trouble) => {
            link.run("ROLLBACK")?;
            Err(trouble)
        }
    }
}

impl Shared {
    /// Does work until it succeeds, its fault is one that stays, or it was tried often enough.
    fn repeated<T>(&self, mut work: impl FnMut() -> Tried<T>) -> Tried<T> {
        let (mut pause, mut tried) = (PAUSE, 0);
        loop {
            tried += 1;
            match work() {
                Err(Trouble::Absent(fault)) if !self.pool.knows_its_server() => return Err(Trouble::Absent(fault)),
                Err(trouble) if tried < trouble.tries() => {}
                done => return done,
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSE_MOST);
        }
    }

    /// One try of a write transaction.
    fn write<T>(&self, runtime: &Handle, work: impl Fn(&mut Link) -> Tried<T>) -> Tried<T> {
        let mut lent = self.pool.lend(runtime)?;
        let done = transaction(lent.link()?, work);
        if !matches!(done, Err(Trouble::Lost(_))) {
            lent.give_back();
        }
        done
    }

    fn told(&self, trouble: Trouble) -> Fault {
        trouble.told(&self.place, &self.pool.server.user)
    }
}

#[allow(clippy::result_large_err, reason = "see MySql::open")]
fn check_authorities(file: &Path) -> Result<()> {
    let fault = |found: String| {
        database("the file of trusted authorities cannot be used")
            .at(file.display().to_string())
            .expected("certificates in PEM form")
            .found(found)
            .hint("check `database.authorities`")
    };
    let text = std::fs::read(file).map_err(|error| fault(error.to_string()))?;
    let mark = b"-----BEGIN CERTIFICATE-----";
    if text.windows(mark.len()).any(|part| part == mark) { Ok(()) } else { Err(fault("no certificate".to_owned())) }
}
