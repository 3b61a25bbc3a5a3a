//! Choices of the person who runs the pipeline that several crates act on.

use serde::{Deserialize, Serialize};

/// What becomes of a source file whose name landed before with other bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redelivery {
    /// New sales: they land beside the old ones.
    Append,
    /// A corrected file: the rows of the old version are taken back as the new ones come.
    Replace,
}

/// What becomes of a finished source file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchivePolicy {
    /// Moved to the processed or error area.
    Move,
    /// Left where it was delivered; the ledger knows it is done.
    Keep,
}
