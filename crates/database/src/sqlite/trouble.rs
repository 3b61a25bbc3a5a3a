//! From what SQLite says to what a person can act on.

use crate::refusal::{database, missing_table};
use rusqlite::{Error, ErrorCode};
use std::path::Path;
use tillmart_model::{Fault, FaultKind};

/// What can go wrong below the traits: SQLite's own errors become faults at the edge, where the path is known.
#[derive(Debug)]
pub(crate) enum Trouble {
    Sqlite(Error),
    Fault(Box<Fault>),
}

pub(crate) type Tried<T> = Result<T, Trouble>;

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Sqlite(error)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Trouble::Fault(Box::new(fault))
    }
}

impl From<Box<Fault>> for Trouble {
    fn from(fault: Box<Fault>) -> Self {
        Trouble::Fault(fault)
    }
}

impl Trouble {
    /// The fault a person reads.
    pub(super) fn told(self, path: &Path) -> Fault {
        match self {
            Trouble::Fault(fault) if fault.place.is_none() && fault.kind == FaultKind::Database => {
                fault.at(path.display().to_string())
            }
            Trouble::Fault(fault) => *fault,
            Trouble::Sqlite(error) => tell(&error).at(path.display().to_string()),
        }
    }
}

/// Another connection holds the lock.
pub(super) fn is_locked(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// A CHECK, UNIQUE, foreign key or type constraint refused.
pub(super) fn is_constraint(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

fn tell(error: &Error) -> Fault {
    let said = error.to_string();
    if let Some((_, table)) = said.split_once("no such table: ") {
        let table = table.split([' ', '\n']).next().unwrap_or(table);
        return missing_table(table.trim_start_matches("main."));
    }
    if said.contains("no such column") || said.contains("has no column named") {
        return database("a table of the database has other columns than this Tillmart knows")
            .found(said)
            .hint("run `tillmart db migrate`");
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => database("the database is locked")
            .found("another process has been writing to it for more than 10 seconds")
            .hint("try again when that process is done"),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => database("the database cannot be written to")
            .hint("give this user the right to write the file and its folder"),
        Some(ErrorCode::CannotOpen) => database("the database cannot be opened")
            .expected("a file, or a place for one, in an existing folder that this user may write to")
            .hint("check `database` in tillmart.toml"),
        Some(ErrorCode::NotADatabase) => {
            database("the file is no SQLite database").hint("check `database` in tillmart.toml")
        }
        Some(ErrorCode::DatabaseCorrupt) => database("the database file is damaged")
            .found(said)
            .hint("restore it from a backup, together with the lake"),
        Some(ErrorCode::DiskFull) => database("the disk is full").hint("make room; nothing was committed"),
        _ => database("the database refused").found(said),
    }
}
