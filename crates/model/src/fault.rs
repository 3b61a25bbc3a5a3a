//! A fault tells where it happened, what was expected, what was found, and who does what next.

use std::fmt;

/// What sort of thing went wrong: decides the exit code and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The settings, the command line or a file a person wrote: the person mends it.
    Settings,
    /// A mart's SQL is wrong.
    Mart,
    /// The relational database refused or is not set up.
    Database,
    /// The object store refused.
    Store,
    /// A Delta table refused, or holds something that Tillmart did not write.
    Table,
    /// Another run holds the feed's lease: exit 75, try again later.
    Busy,
    /// A check of Tillmart's own promise failed: nothing was committed.
    Promise,
}

/// A position in a file that a person can open. Lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Path or URL, as the person knows it.
    pub file: String,
    /// Line, 1-based.
    pub line: Option<u64>,
    /// Column in characters, 1-based; only with a line.
    pub column: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        Ok(())
    }
}

/// An error as a person reads it. Several faults of one kind can travel together (`others`),
/// so that all mistakes of a settings file are told at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Decides the exit code.
    pub kind: FaultKind,
    /// One line: what could not be done.
    pub what: String,
    /// Where to look.
    pub place: Option<Place>,
    /// What was expected there.
    pub expected: Option<String>,
    /// What was found instead; never a credential or a customer's data.
    pub found: Option<String>,
    /// Who does what next.
    pub hint: Option<String>,
    /// Further faults found in the same pass.
    pub others: Vec<Fault>,
}

impl Fault {
    /// A fault with only its headline; add the rest with the builder methods below.
    pub fn new(kind: FaultKind, what: impl Into<String>) -> Self {
        Fault { kind, what: what.into(), place: None, expected: None, found: None, hint: None, others: Vec::new() }
    }

    /// Names the file.
    #[must_use]
    pub fn at(mut self, file: impl Into<String>) -> Self {
        self.place = Some(Place { file: file.into(), line: None, column: None });
        self
    }

    /// Names the file and the line (1-based).
    #[must_use]
    pub fn at_line(mut self, file: impl Into<String>, line: u64) -> Self {
        self.place = Some(Place { file: file.into(), line: Some(line), column: None });
        self
    }

    /// Names the file, line and column (both 1-based).
    #[must_use]
    pub fn at_column(mut self, file: impl Into<String>, line: u64, column: u64) -> Self {
        self.place = Some(Place { file: file.into(), line: Some(line), column: Some(column) });
        self
    }

    /// Says what was expected.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Says what was found.
    #[must_use]
    pub fn found(mut self, found: impl fmt::Display) -> Self {
        self.found = Some(found.to_string());
        self
    }

    /// Says who does what next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Joins the faults of one pass into one; `None` when there are none.
    pub fn join(faults: Vec<Fault>) -> Option<Fault> {
        let mut faults = faults.into_iter();
        let mut first = faults.next()?;
        first.others.extend(faults);
        Some(first)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        if let Some(place) = &self.place {
            write!(f, "\n  --> {place}")?;
        }
        if let Some(expected) = &self.expected {
            write!(f, "\n   |  expected {}", expected.replace('\n', "\n   |  "))?;
        }
        if let Some(found) = &self.found {
            write!(f, "\n   |  found    {}", found.replace('\n', "\n   |  "))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        for other in &self.others {
            write!(f, "\n\nerror: {other}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}
