//! The nouns of Tillmart: money, contracts, source files, batches, splits, manifests, rejects, faults.
//!
//! No I/O and no async: every other crate speaks in these words, so that a thing has one name
//! from the first byte read to the last row published.

mod batch;
mod clock;
mod contract;
mod fault;
pub mod incentive;
mod manifest;
pub mod money;
mod near;
mod profile;
mod reason;
mod secret;
mod servers;
mod settings;
mod source;
mod split;

pub use batch::{Batch, BatchKind, BatchState};
pub use clock::Clock;
pub use contract::{BlankCustomer, Column, ColumnType, Contract, Encoding, ExtraColumns, Orphans, SalesColumn};
pub use fault::{Fault, FaultKind, Place};
pub use incentive::{Incentive, Ties};
pub use manifest::{DataFile, DeltaFile, Manifest, RemovedFile, SplitReport, StretchReport, SurveyReport, Tally};
pub use near::{near, nearest};
pub use profile::Profile;
pub use reason::{FileReason, RowReason};
pub use secret::Secret;
pub use servers::{Credentials, MySqlServer, StoreAccess, TlsMode};
pub use settings::{ArchivePolicy, Redelivery};
pub use source::{Compression, FileFault, FileOutcome, Format, Found, Kind, SourceFile};
pub use split::{Split, Stretch};

/// What every fallible step of Tillmart returns.
pub type Result<T, E = Fault> = std::result::Result<T, E>;
