//! The header: which field of the file holds which column of a sale.

use super::Record;
use crate::check::shown;
use tillmart_model::{Contract, Encoding, FileFault, FileReason, SalesColumn};

/// Names listed in a message at most.
const NAMES_SHOWN: usize = 40;

/// Where the text of a sales column comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A field of the record, from 0.
    Field(usize),
    /// The contract's constant.
    Constant(Vec<u8>),
    /// Nowhere: blank in every row.
    Absent,
}

/// A column that the contract does not name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Extra {
    /// Field of the record, from 0.
    pub(crate) field: usize,
    /// Its name, made unique within the file.
    pub(crate) name: String,
}

/// How the fields of a file map to a sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapping {
    /// By position of the column in [`SalesColumn::ALL`].
    pub(crate) sources: [Source; SalesColumn::ALL.len()],
    /// The other fields, in file order.
    pub(crate) extras: Vec<Extra>,
    /// Number of fields.
    pub(crate) width: usize,
}

impl Mapping {
    /// Reads a CSV header record.
    pub(crate) fn of_header(contract: &Contract, header: &Record<'_>) -> Result<Mapping, FileFault> {
        let unreadable =
            |message: String| FileFault { reason: FileReason::Unreadable, message, line: Some(header.line) };
        if header.raw.starts_with(b"\x1f\x8b") || header.raw.starts_with(b"\x28\xb5\x2f\xfd") {
            return Err(unreadable("the bytes are packed, but the name does not end in .gz or .zst".to_owned()));
        }
        if header.raw.contains(&0) {
            return Err(unreadable(
                "the header holds zero bytes; expected text in UTF-8 or Latin-1 (UTF-16 or a binary file?)".to_owned(),
            ));
        }
        let mut names = Vec::with_capacity(header.len());
        for field in header.fields() {
            let name = match contract.encoding {
                Encoding::Utf8 => std::str::from_utf8(field).map(str::to_owned).map_err(|_| {
                    unreadable(format!(
                        "the header's column {} is not UTF-8; if the file is Latin-1, the contract must say so",
                        shown(field)
                    ))
                })?,
                Encoding::Latin1 => field.iter().map(|byte| char::from(*byte)).collect(),
            };
            names.push(name.trim_matches(|c: char| c.is_ascii_whitespace()).to_owned());
        }
        Mapping::new(contract, &names).map_err(|mut fault| {
            fault.line = Some(header.line);
            fault.message.push_str(only_cr_hint(header.raw));
            fault
        })
    }

    /// Maps trimmed column names, in file order.
    ///
    /// # Errors
    /// `missing_column` naming all that are missing; `unreadable` for a contract column that is there twice.
    pub(crate) fn new(contract: &Contract, names: &[String]) -> Result<Mapping, FileFault> {
        let mut sources: [Source; SalesColumn::ALL.len()] = std::array::from_fn(|_| Source::Absent);
        let mut taken = vec![false; names.len()];
        let mut missing = Vec::new();
        for column in &contract.columns {
            let mut found = names.iter().enumerate().filter(|(_, name)| **name == column.source).map(|(at, _)| at);
            sources[column.column as usize] = match (found.next(), &column.constant) {
                (Some(field), _) => {
                    if let Some(again) = found.next() {
                        return Err(FileFault::new(
                            FileReason::Unreadable,
                            format!(
                                "column {} stands in the header twice, as field {} and {}; expected it once",
                                shown(column.source.as_bytes()),
                                field + 1,
                                again + 1
                            ),
                        ));
                    }
                    taken[field] = true;
                    Source::Field(field)
                }
                (None, Some(constant)) => Source::Constant(constant.clone().into_bytes()),
                (None, None) => {
                    if column.mandatory {
                        missing.push(column.source.as_str());
                    }
                    Source::Absent
                }
            };
        }
        if !missing.is_empty() {
            return Err(FileFault::new(FileReason::MissingColumn, missing_message(&missing, names)));
        }
        let mut extras: Vec<Extra> = Vec::new();
        for (field, name) in names.iter().enumerate().filter(|(field, _)| !taken[*field]) {
            let name = unique(name, &extras);
            extras.push(Extra { field, name });
        }
        Ok(Mapping { sources, extras, width: names.len() })
    }

    /// Field of a sales column, if the file has one.
    pub(crate) fn field(&self, column: SalesColumn) -> Option<usize> {
        match self.sources[column as usize] {
            Source::Field(field) => Some(field),
            _ => None,
        }
    }
}

/// What to say about a header that cannot be used, and holds CRs but no LF.
pub(crate) fn only_cr_hint(raw: &[u8]) -> &'static str {
    if raw.contains(&b'\r') && !raw.contains(&b'\n') {
        "; line ends look like CR only, expected LF or CRLF"
    } else {
        ""
    }
}

/// `name`, or `name_2`, `name_3`, … when an earlier column has that name: no value may hide another.
fn unique(name: &str, earlier: &[Extra]) -> String {
    let free = |name: &str| earlier.iter().all(|extra| extra.name != name);
    if free(name) {
        return name.to_owned();
    }
    (2..).map(|number| format!("{name}_{number}")).find(|name| free(name)).unwrap_or_default()
}

fn missing_message(missing: &[&str], names: &[String]) -> String {
    let mut found: Vec<String> = names.iter().take(NAMES_SHOWN).map(|name| shown_plain(name)).collect();
    if names.len() > NAMES_SHOWN {
        found.push(format!("and {} more", names.len() - NAMES_SHOWN));
    }
    format!(
        "mandatory {} missing; found {}; if a column goes by another name there, give that name as its \
         `source` in the feed's contract",
        if missing.len() == 1 {
            format!("column {} is", missing[0])
        } else {
            format!("columns {} are", missing.join(", "))
        },
        found.join(", ")
    )
}

/// A column's name as it may stand in a message: short, and without control characters.
fn shown_plain(name: &str) -> String {
    shown(name.as_bytes()).trim_matches('"').to_owned()
}
