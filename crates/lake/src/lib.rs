//! Objects and Delta tables: where bytes lie, and how a batch becomes visible in a table exactly once.
//!
//! - [`Store`]: the areas below one storage root, over any `object_store`.
//! - [`Lake`]: the Delta tables below that root; commits carry the batch's transaction id.

mod commit;
mod folder;
mod moves;
mod open;
mod probe;
mod profile;
mod remote;
mod store;
mod table;

pub use commit::{Commit, Committed};
pub use moves::Copy;
pub use probe::Permission;
pub use store::{Hidden, Listing, Store};
pub use table::{ActiveFile, Lake, TableSnapshot, TableSpec};
