//! Which rows of a published table are read: those of some days or months, not all that were ever published.

use crate::TargetTable;
use crate::marts::wrong_mart;
use crate::refusal::Checked;
use arrow::datatypes::DataType;

/// The rows of a target table from one day or month to another.
///
/// It is read fast, whatever the history, where the table's key begins with the column (or with the column of `only`); of any other
/// table every row is looked at, though none is handed over that is not in the range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetRange {
    /// A column of days, or of texts that sort as they mean (`YYYY-MM`).
    pub column: String,
    /// The first that is read: `2024-05-01` of days, `2024-05` of months.
    pub first: String,
    /// The last that is read.
    pub last: String,
    /// Only rows that hold this whole number in this column: one store, say.
    pub only: Option<(String, i64)>,
}

/// Refuses a range over columns that the table does not have, or that hold something else.
pub(crate) fn check_range(target: &TargetTable, range: &TargetRange) -> Checked<()> {
    let type_of = |name: &str| target.schema.field_with_name(name).map(|field| field.data_type().clone()).ok();
    let told = |name: &str| {
        let found = type_of(name).map_or_else(|| "no such column".to_owned(), |kind| kind.to_string());
        format!("{name}: {found}")
    };
    let (first, last) = (range.first.as_bytes(), range.last.as_bytes());
    match type_of(&range.column) {
        Some(DataType::Utf8) => {}
        Some(DataType::Date32) if crate::day::parse(first).is_some() && crate::day::parse(last).is_some() => {}
        Some(DataType::Date32) => {
            let found = format!("{} to {}", range.first, range.last);
            return Err(wrong_mart(&target.name, "days from YYYY-MM-DD to YYYY-MM-DD", &found).into());
        }
        _ => return Err(wrong_mart(&target.name, "a column of days or texts to read by", &told(&range.column)).into()),
    }
    match &range.only {
        None => Ok(()),
        Some((name, _)) if matches!(type_of(name), Some(DataType::Int32 | DataType::Int64)) => Ok(()),
        Some((name, _)) => {
            Err(wrong_mart(&target.name, "a column of whole numbers to choose rows by", &told(name)).into())
        }
    }
}
