//! Landing: one operator over split descriptors that leaves manifests. Nothing it writes is visible to anybody
//! until the driver has checked the manifests and committed them.

mod ahead;
mod compact;
mod complete;
mod exec;
mod files;
mod fill;
mod lanes;
mod plain;
mod read;
mod rejects;
mod replay;
mod source;
mod sums;
mod survey;
mod take_back;
mod task;
mod whole;
mod worker;
mod write;

pub use exec::LandExec;
pub(crate) use exec::manifests as exec_manifests;
pub(crate) use sums::delta_schema;

use crate::dimensions::DimensionTables;
use crate::mart::{RowMart, Summing};
use chrono::NaiveDate;
use object_store::ObjectStore;
use object_store::path::Path;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tillmart_model::{Contract, Fault, FaultKind, Kind, Profile, Result};

pub use files::put_rows;
pub use rejects::rejects_schema;
pub use source::too_many_rejects;

/// What a replay needs to know of a source file.
#[derive(Debug, Clone)]
pub struct ReplayFile {
    /// The header as it stood in the file (CSV).
    pub header: Option<Vec<u8>>,
    /// Format of its raw rows.
    pub kind: Kind,
}

/// How far the landing has come; read by whoever shows progress.
#[derive(Debug, Default)]
pub struct Progress {
    bytes: AtomicU64,
    rows: AtomicU64,
}

impl Progress {
    /// Bytes of source files read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Rows read so far.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    pub(crate) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn add_rows(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }
}

/// What all tasks of one landing share.
#[derive(Debug, Clone)]
pub struct LandJob {
    /// The batch.
    pub batch_id: i64,
    /// The day `future_date` is judged against.
    pub claim_date: NaiveDate,
    /// The feed's contract.
    pub contract: Arc<Contract>,
    /// More than this share of a file's rows at fault (in millionths) rejects the file.
    pub max_reject_millionths: u32,
    /// The dimension tables, as they are for the whole batch.
    pub dimensions: Arc<DimensionTables>,
    /// The row-level marts.
    pub row_marts: Vec<Arc<RowMart>>,
    /// The rollups whose sums are made in the landing pass.
    pub summings: Vec<Arc<Summing>>,
    /// What paths of files of sums begin with, below the storage root.
    pub deltas: String,
    /// The rejects table.
    pub rejects_table: String,
    /// The object store.
    pub objects: Arc<dyn ObjectStore>,
    /// The storage root in it.
    pub base: Path,
    /// Bytes that the open files of one task may hold.
    pub memory_bytes: usize,
    /// Source files whose rejects are replayed.
    pub replay_files: BTreeMap<i64, ReplayFile>,
    /// The marts' rows have landed before, and are only written into another table: no delta comes from them.
    pub rewritten: bool,
    /// Decode and check only: write nothing.
    pub dry_run: bool,
    /// Where to tell how far it has come.
    pub progress: Arc<Progress>,
    /// Where to tell what took how long.
    pub profile: Arc<Profile>,
}

impl LandJob {
    /// The store's path of a path below the storage root.
    pub(crate) fn path(&self, relative: &str) -> Result<Path> {
        let joined = format!("{}/{}", self.base, relative.trim_matches('/'));
        Path::parse(joined.trim_start_matches('/')).map_err(|error| {
            Fault::new(FaultKind::Store, "no object can have this path").at(relative.to_owned()).found(error)
        })
    }
}

pub(crate) fn store_fault(doing: &str, path: &str, error: impl std::fmt::Display) -> Fault {
    Fault::new(FaultKind::Store, format!("the object store would not {doing} an object"))
        .at(path.to_owned())
        .found(error)
        .hint("check access and free space of the storage root, then run again: nothing is lost")
}

pub(crate) fn write_fault(table: &str, error: impl std::fmt::Display) -> Fault {
    Fault::new(FaultKind::Table, format!("cannot write rows for the table {table}"))
        .at(table.to_owned())
        .found(error)
        .hint("nothing was committed; mend the cause and run again")
}
