//! The relational side of Tillmart: one small trait per role, each with its promises in prose.
//!
//! - [`Ledger`]: what happened to each source file and batch, and who may write now.
//! - [`Dimensions`]: customers, stores, products, sales team.
//! - [`Publisher`]: rollup state and published marts, moved in one transaction with the ledger.
//! - [`Coupons`]: what was issued to whom, and what was redeemed.
//! - [`Reports`]: what reports ask beyond published rows, and the figures they told.
//! - [`Schema`]: migrations, and what `doctor` and `query` need to know.
//!
//! [`Sqlite`] plays all six on one local file, [`MySql`] on a server. Every implementation passes `tests/conformance`.

mod bind;
mod columns;
mod coupons;
mod day;
mod dimension_file;
mod dimensions;
mod gate;
mod ledger;
mod marts;
mod mysql;
mod publish;
mod range;
mod records;
mod refusal;
mod reports;
mod rules;
mod schema;
mod sqlite;
mod steps;

pub use coupons::{CodeMaker, Coupons, NewIssue, Redeemed, Which};
pub use dimension_file::rows_of_csv;
pub use dimensions::{Dimension, DimensionColumn, Dimensions, Upserted};
pub use ledger::{FileFilter, Lease, Ledger};
pub use mysql::MySql;
pub use publish::{Finish, Publication, Publisher, StateTable, TargetTable};
pub use range::TargetRange;
pub use reports::{CustomersOfMonth, KeptMonth, Reports, Spenders, StoreMonth, TIERS_MAX};
pub use schema::{Migration, Schema};
pub use sqlite::Sqlite;
