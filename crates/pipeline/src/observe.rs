//! Whoever watches a run: a progress bar, a log, or a test that stops the process at a named point.

use std::sync::Arc;
use tillmart_engine::Progress;

/// A named point between two effects. A process that dies at one loses time and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The batch is claimed; nothing is written.
    Claimed,
    /// Data files are written; nothing is recorded.
    Written,
    /// The manifest is stored; the ledger does not know it.
    ManifestStored,
    /// The ledger has the manifest.
    Landed,
    /// One table holds the batch; others may not yet.
    TableCommitted,
    /// Every table holds the batch, and the ledger knows.
    Committed,
    /// Everything is written in the open publication; nothing is visible.
    BeforePublish,
    /// The marts and the ledger hold the batch.
    Published,
    /// One source file has been copied; its original is still there.
    Copied,
    /// One source file's original is gone; the ledger does not know.
    Deleted,
    /// One source file is archived.
    Archived,
    /// What was stated of a dimension is kept; neither its table nor its versions show it.
    Stated,
    /// The dimension's table shows it; its versions do not.
    DimensionPut,
    /// The versions show it.
    VersionsKept,
}

impl Point {
    /// Every point in the order of the flow, with the name tests use.
    pub const ALL: [(Point, &'static str); 14] = [
        (Point::Claimed, "claimed"),
        (Point::Written, "written"),
        (Point::ManifestStored, "manifest-stored"),
        (Point::Landed, "landed"),
        (Point::TableCommitted, "table-committed"),
        (Point::Committed, "committed"),
        (Point::BeforePublish, "before-publish"),
        (Point::Published, "published"),
        (Point::Copied, "copied"),
        (Point::Deleted, "deleted"),
        (Point::Archived, "archived"),
        (Point::Stated, "stated"),
        (Point::DimensionPut, "dimension-put"),
        (Point::VersionsKept, "versions-kept"),
    ];

    /// The name tests use.
    pub fn name(self) -> &'static str {
        Point::ALL.iter().find(|(point, _)| *point == self).map_or("", |(_, name)| name)
    }
}

/// Told what happens, as it happens. Must not block.
pub trait Observer: Send + Sync {
    /// A sentence about what is done now.
    fn doing(&self, what: &str);

    /// Landing begins: this many bytes in this many files; `progress` moves while it runs.
    fn landing(&self, bytes: u64, files: u64, progress: Arc<Progress>);

    /// Landing is over.
    fn landed(&self);

    /// A named point has been passed.
    fn reached(&self, point: Point);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {
    fn doing(&self, _: &str) {}
    fn landing(&self, _: u64, _: u64, _: Arc<Progress>) {}
    fn landed(&self) {}
    fn reached(&self, _: Point) {}
}
