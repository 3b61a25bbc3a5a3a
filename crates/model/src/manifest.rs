//! Manifests: what landing leaves behind instead of rows.

use crate::{FileFault, RowReason};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Counts and money of the rows of one source file. Adds up: read = landed + rejected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Data rows read (blank lines and the header are none).
    pub rows_read: u64,
    /// Rows that broke no rule.
    pub rows_landed: u64,
    /// Landed rows without a customer.
    pub rows_anonymous: u64,
    /// Rejected rows by reason.
    pub rejected: BTreeMap<RowReason, u64>,
    /// Landed rows whose product is not in the dimension table: a warning, no reject.
    pub rows_unknown_product: u64,
    /// Sum of `total_cost` of the landed rows, in cents.
    pub money_cents: i128,
}

impl Tally {
    /// Rejected rows of every reason.
    pub fn rows_rejected(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Rejected rows that count in `max_reject_ratio`: orphans do not.
    pub fn rows_at_fault(&self) -> u64 {
        self.rejected.iter().filter(|(reason, _)| !reason.is_orphan()).map(|(_, rows)| rows).sum()
    }

    /// Adds another file's counts.
    pub fn add(&mut self, other: &Tally) {
        self.rows_read += other.rows_read;
        self.rows_landed += other.rows_landed;
        self.rows_anonymous += other.rows_anonymous;
        self.rows_unknown_product += other.rows_unknown_product;
        self.money_cents += other.money_cents;
        for (reason, rows) in &other.rejected {
            *self.rejected.entry(*reason).or_default() += rows;
        }
    }
}

/// What one split came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitReport {
    /// [`crate::Split::name`] of the split.
    pub split: String,
    /// The source file, for source splits.
    pub file_id: Option<i64>,
    /// BLAKE3 of the delivered bytes in hex, for source splits read to their end.
    pub digest: Option<String>,
    /// Counts of its rows.
    pub tally: Tally,
    /// Landed rows by source file, for replays: what each file's count of replayed rows grows by.
    pub landed_by_file: BTreeMap<i64, Tally>,
    /// Rows of this split that went into data files. A split with a fault must have none:
    /// otherwise its task is done again without it.
    pub rows_written: u64,
    /// Landed rows whose customer, store or sales person is unknown (`orphans = "keep"`).
    #[serde(default)]
    pub rows_orphan: u64,
    /// Rows of a row-level mart that got attributes which were unknown when they landed, by table.
    #[serde(default)]
    pub rows_completed: BTreeMap<String, u64>,
    /// Of rows that were enriched anew, how many have another value now, by table and column.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns_changed: BTreeMap<String, BTreeMap<String, u64>>,
    /// Why the whole file is rejected, if it is.
    pub fault: Option<FileFault>,
    /// The CSV header as it stood in the file, for replays.
    pub header: Option<Vec<u8>>,
    /// The first few rejected rows in words, for the report beside a rejected file.
    pub samples: Vec<String>,
    /// Months of its landed rows (`YYYY-MM`); filled by a dry run, which writes no data file that would tell.
    pub months: BTreeSet<String>,
    /// Stores of its landed rows; filled by a dry run.
    pub stores: BTreeSet<i32>,
    /// Which part of the file it was, if not all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stretch: Option<StretchReport>,
    /// What a survey found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub survey: Option<SurveyReport>,
}

/// The part of a source file that a split took in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StretchReport {
    /// Its number in the file, from 0.
    pub number: u32,
    /// Stretches of the file.
    pub of: u32,
    /// Offset where it began.
    pub from: u64,
    /// Offset behind its last record, where the next one must have begun; `None` when it came to no end.
    pub ended_at: Option<u64>,
}

/// What a survey found in one part of a source file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyReport {
    /// BLAKE3 chaining value of the part's bytes, as a subtree of the file's.
    pub chaining_value: [u8; 32],
    /// Line ends in the part.
    pub line_ends: u64,
    /// The first record that begins in the part, if it was found: its offset, and the line ends in the part before it.
    pub first_record: Option<(u64, u64)>,
}

/// A Parquet file that a task wrote, not visible to anybody until its batch commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// The table it is for.
    pub table: String,
    /// Path within the table.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Rows.
    pub rows: u64,
    /// The rows had landed before and were only written anew: no delta comes from this file.
    pub rewritten: bool,
    /// Partition columns and values, in the table's order; `None` is NULL.
    pub partition: Vec<(String, Option<String>)>,
    /// Delta statistics (`numRecords`, `minValues`, `maxValues`, `nullCount`) as JSON.
    pub stats: String,
    /// Sum of `total_cost` in cents where the table has that column: counted by the writer,
    /// independently of the decoder, so that the two can be held against each other.
    pub money_cents: Option<i128>,
}

/// A data file that a commit takes out of its table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedFile {
    /// The table it is in.
    pub table: String,
    /// Path within the table.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Partition columns and values.
    pub partition: Vec<(String, Option<String>)>,
}

/// Sums that a task made of its sales for one rollup: a Parquet file beside the manifest, with the state's keys and, as whole
/// numbers of the smallest unit, its sums. What publication adds to the state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeltaFile {
    /// The rollup.
    pub mart: String,
    /// Path below the storage root.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Keys in it, each once.
    pub rows: u64,
    /// Digest of the `merge` it was made by.
    pub merge_digest: String,
}

/// What one task did: returned to the driver and stored beside the data files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The batch.
    pub batch_id: i64,
    /// One report a split.
    pub splits: Vec<SplitReport>,
    /// Files written.
    pub files: Vec<DataFile>,
    /// Files replaced.
    pub removed: Vec<RemovedFile>,
    /// Source files whose rows the batch takes back; decided by the driver, empty in a task's own manifest.
    pub taken_back: Vec<i64>,
    /// Files of sums.
    #[serde(default)]
    pub deltas: Vec<DeltaFile>,
    /// The row-level marts that the batch feeds, whether it has a row for them or not; of a batch that fills marts, all those that it fills,
    /// rollups too. Decided by the driver; empty in manifests that are older than this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marts: Vec<String>,
    /// How many landed sales the sums of each rollup are made of. Sums of fewer than the batch added are of no use.
    #[serde(default)]
    pub rows_summed: BTreeMap<String, u64>,
}

impl Manifest {
    /// Takes in another task's manifest of the same batch.
    pub fn merge(&mut self, other: Manifest) {
        self.splits.extend(other.splits);
        self.files.extend(other.files);
        self.removed.extend(other.removed);
        self.deltas.extend(other.deltas);
        for (mart, rows) in other.rows_summed {
            *self.rows_summed.entry(mart).or_default() += rows;
        }
    }
}
