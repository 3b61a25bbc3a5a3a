//! `generate --to`: the end of a period or the place to write to, told apart by what it looks like.

use super::GenerateArgs;
use chrono::NaiveDate;
use tillmart_model::{Fault, FaultKind, Result};

/// What `generate --to` means: a period ends there, or files go there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum To {
    /// The last business day.
    Day(NaiveDate),
    /// A folder or URL.
    Place(String),
}

// The error is clap's kind: a sentence.
pub(super) fn to(text: &str) -> Result<To, String> {
    match text.parse() {
        Ok(day) => Ok(To::Day(day)),
        // A date that is none, not a folder of that name.
        Err(error) if text.chars().all(|letter| letter.is_ascii_digit() || letter == '-') => {
            Err(format!("{error}; a date looks like 2024-07-01"))
        }
        Err(_) => Ok(To::Place(text.to_owned())),
    }
}

impl GenerateArgs {
    /// The last business day.
    ///
    /// # Errors
    /// `Settings` when two are given.
    pub(crate) fn last_day(&self) -> Result<NaiveDate> {
        let days = self.to.iter().filter_map(|to| match to {
            To::Day(day) => Some(*day),
            To::Place(_) => None,
        });
        let days: Vec<NaiveDate> = self.day.into_iter().chain(days).collect();
        match days.as_slice() {
            [] => Ok(usual_last_day()),
            [day] => Ok(*day),
            _ => Err(twice("the last business day", "--to DATE, or --day DATE")),
        }
    }

    /// Where to write, if it is not the project.
    ///
    /// # Errors
    /// `Settings` when two places are given.
    pub(crate) fn place(&self) -> Result<Option<&str>> {
        let places = self.to.iter().filter_map(|to| match to {
            To::Place(place) => Some(place.as_str()),
            To::Day(_) => None,
        });
        let places: Vec<&str> = self.out.as_deref().into_iter().chain(places).collect();
        match places.as_slice() {
            [] => Ok(None),
            [place] => Ok(Some(place)),
            _ => Err(twice("where to write", "--to PATH|URL, or --out PATH|URL")),
        }
    }
}

fn usual_last_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 7, 1).unwrap_or_default()
}

fn twice(what: &str, expected: &str) -> Fault {
    Fault::new(FaultKind::Settings, format!("{what} is told twice"))
        .expected(format!("one of {expected}"))
        .hint("take one of them away")
}
