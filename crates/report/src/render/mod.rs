//! A document in every format.

mod csv;
mod html;
mod json;
mod md;
mod plot;
mod terminal;
mod words;

pub(crate) use words::shown;

use crate::document::Document;
use std::fmt;
use std::str::FromStr;

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Aligned tables for a terminal, and for a mail in plain text.
    Terminal,
    /// One page that needs nothing else.
    Html,
    /// One flat table.
    Csv,
    /// One object.
    Json,
    /// Markdown, as GitHub and many wikis read it.
    Md,
}

impl Format {
    /// Every format, the one for people at a terminal first.
    pub const ALL: [Self; 5] = [Self::Terminal, Self::Html, Self::Csv, Self::Json, Self::Md];

    /// Its name in settings and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Md => "md",
        }
    }

    /// What the name of a file ends with that holds it, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Terminal => "txt",
            other => other.name(),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No format has this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownFormat(pub String);

impl fmt::Display for UnknownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
        write!(f, "no report format is called {:?}; there are {}", self.0, names.join(", "))
    }
}

impl std::error::Error for UnknownFormat {}

impl FromStr for Format {
    type Err = UnknownFormat;

    /// # Errors
    /// A name that no format has; it is told with the names that there are.
    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

/// How a report looks on a terminal. The other formats are the same everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns that a line may take.
    pub width: usize,
    /// Whether bold and coloured letters are wanted.
    pub colour: bool,
}

impl Look {
    /// The width of a file, a pipe, or a terminal that does not tell its own.
    pub const WIDTH: usize = 100;
    /// Wider lines are hard to follow with the eye.
    pub const WIDTH_MAX: usize = 120;

    /// How a report looks where it is written to.
    ///
    /// `terminal` is the width of the terminal in columns, [`None`] where a file or another program takes the text. `no_colour` is the variable
    /// `NO_COLOR`: set to anything but nothing, it asks for none (<https://no-color.org>).
    #[must_use]
    pub fn of(terminal: Option<usize>, no_colour: Option<&str>) -> Self {
        let width = terminal.filter(|&columns| columns > 0).unwrap_or(Self::WIDTH).min(Self::WIDTH_MAX);
        Self { width, colour: terminal.is_some() && no_colour.is_none_or(str::is_empty) }
    }
}

impl Default for Look {
    fn default() -> Self {
        Self::of(None, None)
    }
}

/// The document in a format, with a line end at its end. `look` matters to [`Format::Terminal`] alone.
#[must_use]
pub fn render(document: &Document, format: Format, look: &Look) -> String {
    match format {
        Format::Terminal => terminal::text(document, *look),
        Format::Html => html::page(document),
        Format::Csv => csv::rows(document),
        Format::Json => json::object(document),
        Format::Md => md::text(document),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_found_by_name() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
        let told = "pdf".parse::<Format>().unwrap_err().to_string();
        assert_eq!(told, "no report format is called \"pdf\"; there are terminal, html, csv, json, md");
    }

    #[test]
    fn colour_is_for_terminals_whose_owner_did_not_decline() {
        assert!(Look::of(Some(80), None).colour);
        assert!(Look::of(Some(80), Some("")).colour);
        assert!(!Look::of(Some(80), Some("1")).colour);
        assert!(!Look::of(None, None).colour);
        assert_eq!(Look::of(Some(300), None).width, 120);
        assert_eq!(Look::of(Some(80), None).width, 80);
        assert_eq!(Look::of(Some(0), None).width, 100);
        assert_eq!(Look::of(None, None).width, 100);
    }
}
