//! Runs plans: the landing operator over split descriptors, and mart SQL, on DataFusion.
//!
//! - [`mart`]: a mart's `.sql` file, understood and checked.
//! - [`DimensionTables`]: customers, stores, products, sales team, indexed by key.
//! - [`land`]: one operator: decode, check, look up, write Parquet, leave a manifest.
//! - [`LandedFiles`]: a plain Parquet scan over the active files of a table.
//! - [`Engine`]: where plans run; [`Embedded`] runs them in this process.

mod asked;
mod cents;
mod dimensions;
mod engine;
mod fingerprint;
mod former;
pub mod land;
pub mod mart;
mod place;
mod question;
mod scan;
mod session;

pub use asked::{Asked, ReadRows};
pub use datafusion::common::DataFusionError as PlanError;
pub use dimensions::{DimensionTables, KeyIndex};
pub use engine::{Embedded, Engine, Relation, RowStream};
pub use land::{LandJob, Progress, ReplayFile, too_many_rejects};
pub use question::{Question, functions, query_fault, question, tables_of, unknown_table};
pub use scan::{LandedFile, LandedFiles, Objects};
pub use tillmart_feed::{Glance, Glancer};
