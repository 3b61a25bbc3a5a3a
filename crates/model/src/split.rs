//! Splits: the work of landing as data, so that it can run on threads here or as tasks elsewhere.

use crate::{FileFault, Kind};
use serde::{Deserialize, Serialize};

/// One piece of landing work. Every split of a batch appears in exactly one accepted manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "split", rename_all = "snake_case")]
pub enum Split {
    /// Decode a source file.
    Source {
        /// Lineage of its rows.
        file_id: i64,
        /// Path below the storage root.
        path: String,
        /// The claimed version of its bytes.
        etag: Option<String>,
        /// Bytes as delivered.
        size: u64,
        /// Format and packing.
        kind: Kind,
        /// Only this part of it; none: all of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stretch: Option<Box<Stretch>>,
    },
    /// Look over one part of a large source file: its digest, its line ends, and where its first record begins.
    Survey {
        /// The source file.
        file_id: i64,
        /// Path below the storage root.
        path: String,
        /// The claimed version of its bytes.
        etag: Option<String>,
        /// Bytes of the whole file.
        size: u64,
        /// Format; nothing packed.
        kind: Kind,
        /// Offset of the part's first byte: a multiple of `unit`.
        from: u64,
        /// Bytes of the part, fewer at the end of the file: a power of two, at least [`Split::SURVEY_UNIT_MIN`].
        unit: u64,
        /// The CSV header as it stands in the file; looked for by the survey of the first part.
        header: Option<Vec<u8>>,
    },
    /// Keep a whole rejected file among the rejects.
    RejectFile {
        /// The source file.
        file_id: i64,
        /// Path below the storage root.
        path: String,
        /// Why.
        fault: FileFault,
    },
    /// Decode again the open rejects that one data file of the rejects table holds,
    /// and write that file anew with the landed ones closed.
    Replay {
        /// Path of the data file within the rejects table.
        rejects_file: String,
        /// Only rejects of these source files; empty: all.
        file_ids: Vec<i64>,
        /// Only rejects with these codes; empty: all.
        codes: Vec<String>,
    },
    /// Write one data file of a table anew without the rows of some source files.
    TakeBack {
        /// The table.
        table: String,
        /// Path of the data file within the table.
        data_file: String,
        /// Its bytes.
        size: u64,
        /// The partition of the data file, as the table's log tells it.
        partition: Vec<(String, Option<String>)>,
        /// Rows of these source files are left out.
        file_ids: Vec<i64>,
    },
    /// Write several small data files of one partition as one.
    Compact {
        /// The table.
        table: String,
        /// Paths within the table, and their bytes.
        data_files: Vec<(String, u64)>,
        /// Their partition.
        partition: Vec<(String, Option<String>)>,
    },
    /// Write one data file of a row-level mart anew, with the attributes that were unknown when its rows landed and are
    /// known now; a file without such rows is left as it is.
    Complete {
        /// The mart's table.
        table: String,
        /// Path of the data file within the table.
        data_file: String,
        /// Its bytes.
        size: u64,
        /// Its partition.
        partition: Vec<(String, Option<String>)>,
        /// Months, `YYYY-MM`, whose rows get every attribute as it is known now of the day of the sale. Empty: what was unknown.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        months: Vec<String>,
    },
    /// Write the rows that the batch's marts make of one data file of the sales mart.
    Fill {
        /// The sales mart.
        table: String,
        /// Path of the data file within the sales mart.
        data_file: String,
        /// Its bytes.
        size: u64,
        /// Its partition.
        partition: Vec<(String, Option<String>)>,
    },
}

/// A part of a source file that is decoded on its own: the records that begin in it.
///
/// Where its first record begins is found by looking at the bytes before it, and is proved afterwards: the stretch before must
/// have ended there ([`crate::StretchReport`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// Its number in the file, from 0.
    pub number: u32,
    /// Stretches of the file.
    pub of: u32,
    /// Offset of its first record.
    pub from: u64,
    /// Physical line of its first record, 1-based.
    pub line: u64,
    /// Records that begin at this offset or behind it are the next stretch's.
    pub until: u64,
    /// The CSV header as it stands in the file.
    pub header: Option<Vec<u8>>,
    /// BLAKE3 of the whole file in hex.
    pub digest: String,
}

impl Split {
    /// The least `unit`: BLAKE3 cannot hash less apart.
    pub const SURVEY_UNIT_MIN: u64 = 1 << 10;

    /// A name unique within a batch: what the driver counts to see that every split is there once.
    pub fn name(&self) -> String {
        match self {
            Split::Source { file_id, stretch: None, .. } => format!("source:{file_id}"),
            Split::Source { file_id, stretch: Some(stretch), .. } => format!("source:{file_id}:{}", stretch.number),
            Split::Survey { file_id, from, .. } => format!("survey:{file_id}:{from}"),
            Split::RejectFile { file_id, .. } => format!("reject-file:{file_id}"),
            Split::Replay { rejects_file, .. } => format!("replay:{rejects_file}"),
            Split::TakeBack { table, data_file, .. } => format!("take-back:{table}/{data_file}"),
            Split::Compact { table, data_files, .. } => {
                format!("compact:{table}/{}", data_files.first().map_or("", |(path, _)| path.as_str()))
            }
            Split::Complete { table, data_file, .. } => format!("complete:{table}/{data_file}"),
            Split::Fill { table, data_file, .. } => format!("fill:{table}/{data_file}"),
        }
    }

    /// Bytes to read: what progress and the spreading over tasks go by.
    pub fn weight(&self) -> u64 {
        match self {
            Split::Source { stretch: Some(stretch), .. } => stretch.until.saturating_sub(stretch.from),
            Split::Source { size, .. } => *size,
            Split::Survey { size, from, unit, .. } => size.saturating_sub(*from).min(*unit),
            Split::TakeBack { size, .. } | Split::Complete { size, .. } | Split::Fill { size, .. } => *size,
            Split::Compact { data_files, .. } => data_files.iter().map(|(_, size)| size).sum(),
            Split::RejectFile { .. } | Split::Replay { .. } => 1 << 20,
        }
    }
}
