//! A batch: the unit of commit and of recovery.

use crate::SourceFile;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a batch does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BatchKind {
    /// Loads the source files it claimed.
    Load,
    /// Lands open rejects whose fault has been mended. Empty lists mean: all.
    Replay {
        /// Only rejects of these source files.
        file_ids: Vec<i64>,
        /// Only rejects with these codes.
        codes: Vec<String>,
    },
    /// Takes landed source files back out of everything.
    Revoke {
        /// The files to take back.
        file_ids: Vec<i64>,
    },
    /// Gives landed rows the attributes whose dimension row was unknown when they landed and is known now; or, in some months, all
    /// attributes as the history knows them now of the day of each sale.
    Complete {
        /// Only these months, `YYYY-MM`, of which every row is enriched anew. Empty: what was unknown, wherever it is.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        months: Vec<String>,
    },
    /// Makes marts that were added after sales had landed, and fills them with everything landed; or computes months of rollups anew
    /// from the sums that are there.
    Fill {
        /// Names of the marts, of either kind. Until this batch is committed no other batch writes them.
        marts: Vec<String>,
        /// Only these months, `YYYY-MM`, of rollups that have their sums. Empty: everything, of marts that were added.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        months: Vec<String>,
    },
}

impl BatchKind {
    /// The word in the ledger.
    pub const fn word(&self) -> &'static str {
        match self {
            BatchKind::Load => "load",
            BatchKind::Replay { .. } => "replay",
            BatchKind::Revoke { .. } => "revoke",
            BatchKind::Complete { .. } => "complete",
            BatchKind::Fill { .. } => "fill",
        }
    }
}

/// How far a batch has come. Each state carries only what is known in it; every move is one
/// fenced database transaction, and a batch never moves back.
///
/// ```text
/// Claimed ──land, check──▶ Landed ──commit──▶ Committed ──derive, publish──▶ Published ──archive──▶ Finished
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum BatchState {
    /// Files are claimed; whatever was written for it so far is an orphan nobody sees.
    Claimed,
    /// The manifest at this key is the one truth of what the batch commits.
    Landed {
        /// Key of the manifest below the storage root.
        manifest: String,
    },
    /// Every Delta table holds the batch.
    Committed {
        /// Key of the manifest below the storage root.
        manifest: String,
        /// Delta version of each table that the batch wrote, by table name.
        versions: BTreeMap<String, u64>,
    },
    /// The relational marts hold the batch.
    Published {
        /// Delta version of each table that the batch wrote, by table name.
        versions: BTreeMap<String, u64>,
    },
    /// Every source file is archived.
    Finished {
        /// Delta version of each table that the batch wrote, by table name.
        versions: BTreeMap<String, u64>,
    },
}

impl BatchState {
    /// The word in the ledger.
    pub const fn word(&self) -> &'static str {
        match self {
            BatchState::Claimed => "claimed",
            BatchState::Landed { .. } => "landed",
            BatchState::Committed { .. } => "committed",
            BatchState::Published { .. } => "published",
            BatchState::Finished { .. } => "finished",
        }
    }
}

/// A batch as the ledger knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Rising number within the ledger: the Delta transaction version.
    pub id: i64,
    /// The feed it belongs to.
    pub feed: String,
    /// What it does.
    pub kind: BatchKind,
    /// How far it has come.
    pub state: BatchState,
    /// The day `future_date` is judged against, in the feed's time zone.
    pub claim_date: NaiveDate,
    /// When it was claimed.
    pub created: DateTime<Utc>,
    /// Its source files, by path; empty for batches of every other kind than `Load`.
    pub files: Vec<SourceFile>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_former_ledgers_are_read() {
        let read = |json: &str| serde_json::from_str::<BatchKind>(json).ok();
        let (complete, fill) = (r#"{"kind":"complete"}"#, r#"{"kind":"fill","marts":["a"]}"#);
        assert_eq!(read(complete), Some(BatchKind::Complete { months: Vec::new() }));
        assert_eq!(read(fill), Some(BatchKind::Fill { marts: vec!["a".to_owned()], months: Vec::new() }));
        let written = |kind: &BatchKind| serde_json::to_string(kind).ok();
        assert_eq!(written(&BatchKind::Complete { months: Vec::new() }).as_deref(), Some(complete));
        let of_may = BatchKind::Complete { months: vec!["2024-05".to_owned()] };
        assert_eq!(written(&of_may).and_then(|json| read(&json)), Some(of_may));
    }
}
