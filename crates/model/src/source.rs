//! A source file: one delivery, with a ledger row of its own.

use crate::{FileReason, Tally};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What lies in the incoming area, as the listing told it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Path below the incoming area, `/`-separated, as object stores name it.
    pub path: String,
    /// Bytes as delivered.
    pub size: u64,
    /// The store's version of the bytes; reads are pinned to it where the store tells one.
    pub etag: Option<String>,
    /// When the store last saw it written.
    pub modified: DateTime<Utc>,
}

/// The format of the rows in a source file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Delimited text with a header.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
}

/// How the bytes of a text format are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, one or several members.
    Gzip,
    /// Zstandard, one or several frames.
    Zstd,
}

/// A format and its packing, told by the file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kind {
    /// Format of the rows.
    pub format: Format,
    /// Packing of the bytes; always [`Compression::None`] for Parquet.
    pub compression: Compression,
}

impl Kind {
    /// The kind that a file name tells, or `None` for a foreign file. Case does not matter.
    pub fn of(path: &str) -> Option<Kind> {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        let (stem, compression) = if let Some(stem) = name.strip_suffix(".gz") {
            (stem, Compression::Gzip)
        } else if let Some(stem) = name.strip_suffix(".zst") {
            (stem, Compression::Zstd)
        } else {
            (name.as_str(), Compression::None)
        };
        let format = match stem.rsplit_once('.')?.1 {
            "csv" => Format::Csv,
            "jsonl" | "ndjson" | "json" => Format::Jsonl,
            "parquet" if compression == Compression::None => Format::Parquet,
            _ => return None,
        };
        Some(Kind { format, compression })
    }
}

/// Why a whole file is rejected, in words for its report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFault {
    /// The code.
    pub reason: FileReason,
    /// What was expected and found, in a sentence.
    pub message: String,
    /// The physical line it was found at, 1-based, where there is one.
    pub line: Option<u64>,
}

impl FileFault {
    /// A fault without a line.
    pub fn new(reason: FileReason, message: impl Into<String>) -> Self {
        FileFault { reason, message: message.into(), line: None }
    }
}

/// What became of a source file. Decided by the check of its batch, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum FileOutcome {
    /// Claimed; nothing is decided yet.
    Pending,
    /// Its good rows are in the batch.
    Landed,
    /// Its digest landed before: no row of it lands.
    Duplicate {
        /// The source file that landed these bytes first.
        of: i64,
    },
    /// Rejected whole: no row of it lands.
    Rejected(FileFault),
    /// Landed once, and taken back out of everything later.
    Revoked {
        /// The batch that took it back.
        by_batch: i64,
    },
}

impl FileOutcome {
    /// The word in the ledger's `outcome` column.
    pub const fn word(&self) -> &'static str {
        match self {
            FileOutcome::Pending => "pending",
            FileOutcome::Landed => "landed",
            FileOutcome::Duplicate { .. } => "duplicate",
            FileOutcome::Rejected(_) => "rejected",
            FileOutcome::Revoked { .. } => "revoked",
        }
    }
}

/// A source file as the ledger knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// The ledger's id: lineage of every row (`source_file_id`).
    pub id: i64,
    /// The batch that claimed it.
    pub batch_id: i64,
    /// What the listing told when it was claimed.
    pub found: Found,
    /// Status `A`: being loaded, or failed on the way. `I` once finished.
    pub active: bool,
    /// What became of it.
    pub outcome: FileOutcome,
    /// BLAKE3 of the delivered bytes in hex, known once it has been read.
    pub digest: Option<String>,
    /// Counts and money of its rows.
    pub tally: Tally,
    /// Rejected rows of it that were landed later by a replay.
    pub rows_replayed: u64,
    /// The header as it stood in the file (CSV): what a replay decodes raw rows with.
    pub header: Option<Vec<u8>>,
    /// Where it lies now, below the storage root.
    pub location: String,
    /// When it was claimed.
    pub created: DateTime<Utc>,
    /// When its row last changed.
    pub updated: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_format_and_packing() {
        let kind = |format, compression| Some(Kind { format, compression });
        assert_eq!(Kind::of("a/b/day.csv"), kind(Format::Csv, Compression::None));
        assert_eq!(Kind::of("DAY.CSV.GZ"), kind(Format::Csv, Compression::Gzip));
        assert_eq!(Kind::of("x.jsonl.zst"), kind(Format::Jsonl, Compression::Zstd));
        assert_eq!(Kind::of("x.parquet"), kind(Format::Parquet, Compression::None));
        for foreign in ["x.parquet.gz", "x.pdf", "csv", "x.csv.zip", "dir.csv/readme"] {
            assert_eq!(Kind::of(foreign), None, "{foreign}");
        }
    }
}
