//! Faults of what every implementation refuses alike.

use tillmart_model::{Fault, FaultKind};

/// What no database has a say in: done, or a fault that its caller only passes on.
pub(crate) type Checked<T> = Result<T, Box<Fault>>;

/// A fault of kind `Database`.
pub(crate) fn database(what: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Database, what)
}

/// A fault of kind `Promise`.
pub(crate) fn promise(what: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Promise, what)
}

/// What is said of a table that `tillmart db migrate` would have made.
pub(crate) fn missing_table(table: &str) -> Fault {
    database(format!("the database has no table `{table}`")).hint("run `tillmart db migrate`")
}

/// A publication that a fault has ended.
pub(crate) fn over() -> Fault {
    database("this publication was rolled back by an earlier fault").hint("begin it anew")
}
