//! SQLite plays every role on one local file: the embedded default.
//!
//! - WAL, so that readers never wait for a writer; `synchronous = FULL`, so that a commit is on disk when it returns.
//! - One connection serves the ledger; bulk work (dimensions, publications) opens its own.
//! - SQLite blocks, so every call runs on tokio's blocking threads.

mod coupons;
mod dimensions;
mod kept;
mod lease;
mod ledger;
mod load;
mod merge;
mod migrate;
mod order;
mod overwrite;
mod publish;
mod puts;
mod rekey;
mod replace;
mod reports;
mod rows;
mod scopes;
mod seek;
mod statements;
mod sums;
mod tables;
mod trouble;

use crate::gate::{Gates, lock};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tillmart_model::{Fault, FaultKind, Result};
use trouble::{Tried, Trouble};

/// How long a statement waits for another process's transaction.
const BUSY_WAIT: Duration = Duration::from_secs(10);

/// A SQLite file as ledger, dimensions, publisher and schema. Clones share one ledger connection.
#[derive(Clone)]
pub struct Sqlite {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    ledger: Mutex<Connection>,
    /// By feed and token: keeps a lease's renewal and its publication apart.
    gates: Gates,
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sqlite").field("path", &self.shared.path).finish_non_exhaustive()
    }
}

impl Sqlite {
    /// Opens the database file, creating an empty one in an existing folder. Tables come with
    /// [`crate::Schema::migrate`].
    ///
    /// # Errors
    /// A `Database` fault with the path if the file cannot be opened or is no SQLite database.
    #[allow(
        clippy::result_large_err,
        reason = "called once a process; every other fallible call returns a boxed future"
    )]
    pub fn open(path: &Path) -> Result<Self> {
        let connection = connect(path).map_err(|trouble| trouble.told(path))?;
        let (ledger, gates) = (Mutex::new(connection), Gates::default());
        Ok(Sqlite { shared: Arc::new(Shared { path: path.to_owned(), ledger, gates }) })
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Runs short work on the ledger's connection.
    async fn ledger<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Tried<T> + Send + 'static,
    ) -> Result<T> {
        let shared = Arc::clone(&self.shared);
        let done = blocking(move || work(&mut lock(&shared.ledger))).await;
        done.map_err(|trouble| trouble.told(&self.shared.path))
    }

    /// Runs one write transaction on the ledger's connection; it commits if `work` succeeds.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Tried<T> + Send + 'static,
    ) -> Result<T> {
        self.ledger(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
        .await
    }

    /// Runs long work on a connection of its own, so that the ledger does not wait for it.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Tried<T> + Send + 'static,
    ) -> Result<T> {
        let shared = Arc::clone(&self.shared);
        let done = blocking(move || work(&mut connect(&shared.path)?)).await;
        done.map_err(|trouble| trouble.told(&self.shared.path))
    }
}

/// Opens a connection with Tillmart's settings.
fn connect(path: &Path) -> Tried<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_WAIT)?;
    write_ahead(&connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // 16 MiB: bulk work walks its b-trees in their order, and ends with the pages that it has passed.
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Turns write-ahead logging on. It stays on in the file; the first to open a new file may meet others who do the
/// same, and SQLite does not wait in that one case, so it is tried again for as long as a statement would wait.
fn write_ahead(connection: &Connection) -> Tried<()> {
    let pause = Duration::from_millis(20);
    let mut tries = BUSY_WAIT.as_millis() / pause.as_millis();
    loop {
        let mode = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                let fault = Fault::new(FaultKind::Database, "the database cannot keep a write-ahead log")
                    .expected("journal mode wal (a local file system, and a file that may be written to)")
                    .found(mode);
                return Err(fault.into());
            }
            Err(error) if tries > 0 && trouble::is_locked(&error) => tries -= 1,
            Err(error) => return Err(error.into()),
        }
        std::thread::sleep(pause);
    }
}

/// Runs work that blocks where it may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Tried<T> + Send + 'static) -> Tried<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(stopped) => Err(Trouble::from(
            Fault::new(FaultKind::Database, "the work on the database stopped half-way").found(stopped),
        )),
    }
}
