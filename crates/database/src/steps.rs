//! Numbered steps of a database's schema: which were applied, and whether just so.

use crate::refusal::{Checked, database};
use std::collections::BTreeMap;

/// What was applied to a database: name and checksum by number.
pub(crate) type Applied = BTreeMap<u32, (String, String)>;

/// One step. A step that was released is never edited; what is to change is a new step.
pub(crate) struct Step {
    pub(crate) number: u32,
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

impl Step {
    /// Of the text with LF line ends: a checkout on another system is no change.
    pub(crate) fn checksum(&self) -> String {
        blake3::hash(self.sql.replace("\r\n", "\n").as_bytes()).to_hex().to_string()
    }

    /// Whether it was applied, and just so.
    pub(crate) fn is_applied(&self, applied: &Applied) -> Checked<bool> {
        match applied.get(&self.number) {
            None => Ok(false),
            Some((_, checksum)) if *checksum == self.checksum() => Ok(true),
            Some((name, checksum)) => {
                let fault =
                    database(format!("migration {} was applied to this database with another text", self.number))
                        .expected(format!("{} with checksum {}", self.name, self.checksum()))
                        .found(format!("{name} with checksum {checksum}"))
                        .hint("use the Tillmart that made this database, or restore a backup");
                Err(fault.into())
            }
        }
    }
}

/// A database that a later Tillmart has migrated must not be written by this one.
pub(crate) fn refuse_newer(steps: &[Step], applied: &Applied) -> Checked<()> {
    let known = steps.len();
    match applied.iter().find(|(number, _)| **number as usize > known) {
        None => Ok(()),
        Some((number, (name, _))) => {
            let fault = database("the database was made by a newer Tillmart")
                .expected(format!("migrations up to {known}"))
                .found(format!("migration {number} ({name})"))
                .hint("use that newer Tillmart");
            Err(fault.into())
        }
    }
}

/// Refuses a database that lacks a step.
pub(crate) fn complete(steps: &[Step], applied: &Applied) -> Checked<()> {
    refuse_newer(steps, applied)?;
    let mut missing = Vec::new();
    for step in steps {
        if !step.is_applied(applied)? {
            missing.push(format!("{} ({})", step.number, step.name));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let what = if applied.is_empty() { "the database is not set up" } else { "the database is not up to date" };
    let fault =
        database(what).found(format!("missing migrations: {}", missing.join(", "))).hint("run `tillmart db migrate`");
    Err(fault.into())
}
