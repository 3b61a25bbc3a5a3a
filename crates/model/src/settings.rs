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

/// Who is paid when several sales persons share a rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ties {
    /// Each is paid in full.
    All,
    /// They share one payment, to the cent.
    Split,
}

/// The incentive of a store's best sellers of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incentive {
    /// Share of the seller's own total, in millionths (1 % is 10,000).
    pub rate_millionths: i64,
    /// Who is paid at a tie.
    pub ties: Ties,
    /// How many ranks are paid, from the best.
    pub top: u32,
}

impl Default for Incentive {
    fn default() -> Self {
        Incentive { rate_millionths: 10_000, ties: Ties::All, top: 1 }
    }
}
