//! What a person reads about a rejected row: what was expected, what was found.

use super::values::expected_total;
use super::{Checker, Finding, Form, Judgement, Row, TEXT_LETTERS};
use tillmart_model::money::cents_text;
use tillmart_model::{ColumnType, RowReason, SalesColumn};

/// Characters of a found value that a message shows at most.
const CHARS_SHOWN: usize = 60;

/// A found value in quotes, short and without control characters.
pub(crate) fn shown(bytes: &[u8]) -> String {
    // Four bytes a character at most, so the cut below never shows less than it could.
    let head = &bytes[..bytes.len().min(CHARS_SHOWN * 4 + 4)];
    let text = String::from_utf8_lossy(head);
    let mut shown = String::from("\"");
    let mut chars = text.chars();
    for char in chars.by_ref().take(CHARS_SHOWN) {
        if char.is_control() {
            shown.extend(char.escape_default());
        } else {
            shown.push(char);
        }
    }
    shown.push_str(if chars.next().is_some() || head.len() < bytes.len() { "…\"" } else { "\"" });
    shown
}

/// The verdict on a row with at least one finding, sorted by reason.
pub(crate) fn judgement(checker: &Checker, row: &Row<'_>) -> Judgement {
    let Some((first, others)) = checker.findings.split_first() else {
        // Unreachable by the caller's contract; still a reject that says where to look.
        let message = "no fault was noted for this row: please report it".to_owned();
        return Judgement { reason: RowReason::MissingValue, column: None, message };
    };
    let mut message = sentence(checker, row, *first);
    if !others.is_empty() {
        let others: Vec<String> = others.iter().map(|finding| short(row, *finding)).collect();
        message.push_str(" (also ");
        message.push_str(&others.join(", "));
        message.push(')');
    }
    Judgement { reason: first.reason, column: column_name(row, *first), message }
}

fn column_name(row: &Row<'_>, finding: Finding) -> Option<String> {
    match (finding.column, finding.reason) {
        (Some(column), _) => Some(column.name().to_owned()),
        (None, RowReason::BadEncoding) => row.undecodable_extra.map(str::to_owned),
        (None, _) => None,
    }
}

fn short(row: &Row<'_>, finding: Finding) -> String {
    match column_name(row, finding) {
        Some(column) => format!("{} in {column}", finding.reason),
        None => finding.reason.to_string(),
    }
}

fn sentence(checker: &Checker, row: &Row<'_>, finding: Finding) -> String {
    let name = column_name(row, finding).unwrap_or_default();
    let found = finding.column.map(|column| shown(row.cell(column).bytes)).unwrap_or_default();
    match finding.reason {
        RowReason::MissingValue => format!("{name} is blank; expected a value"),
        RowReason::BadInteger => format!("{name} is {found}; expected a whole number such as 3"),
        RowReason::BadDecimal => {
            let comma = checker.contract.decimal_comma
                && finding.column.is_some_and(|column| row.cell(column).form == Form::Contract);
            format!("{name} is {found}; expected a decimal such as {}", if comma { "12,50" } else { "12.50" })
        }
        RowReason::BadDate => {
            format!("{name} is {found}; expected a date like {}", checker.dates.names().join(" or "))
        }
        RowReason::OutOfRange => {
            format!("{name} is {found}; expected {}", finding.column.map(range).unwrap_or_default())
        }
        RowReason::BadEncoding => {
            format!("{name} holds bytes that are no UTF-8; expected UTF-8 text, or a contract that says Latin-1")
        }
        RowReason::NegativePrice => {
            format!("{name} is {found}; expected no price below zero (a return has a negative quantity)")
        }
        RowReason::TotalMismatch => total_sentence(checker, row, &found),
        RowReason::FutureDate => format!("{name} is {found}; expected no day after {}", checker.today),
        RowReason::DuplicateKey => {
            let columns: Vec<&str> = checker.contract.key.iter().map(|column| column.name()).collect();
            format!("the key ({}) appeared earlier in this file; expected it once", columns.join(", "))
        }
        RowReason::UnknownCustomer => format!("{name} is {found}; expected a customer of the customer table"),
        RowReason::UnknownStore => format!("{name} is {found}; expected a store of the store table"),
        RowReason::UnknownSalesPerson => {
            format!("{name} is {found}; expected a sales person of the sales_team table")
        }
        RowReason::TooFewFields | RowReason::TooManyFields | RowReason::BadQuoting => finding.reason.to_string(),
    }
}

fn range(column: SalesColumn) -> String {
    match column.kind() {
        ColumnType::Int32 => format!("a whole number from {} to {}", i32::MIN, i32::MAX),
        ColumnType::Int64 => format!("a whole number from {} to {}", i64::MIN, i64::MAX),
        ColumnType::Decimal { precision, scale } => {
            format!("at most {} digits before and {scale} after the decimal point", precision - scale)
        }
        ColumnType::Text => format!("a text of at most {TEXT_LETTERS} letters"),
        ColumnType::Date => String::new(),
    }
}

fn total_sentence(checker: &Checker, row: &Row<'_>, found: &str) -> String {
    let (price, quantity) = (row.cell(SalesColumn::Price).bytes, row.cell(SalesColumn::Quantity).bytes);
    let total = checker.refused_total.map(|(price, quantity)| cents_text(expected_total(price, quantity)));
    let tolerance = match checker.contract.total_tolerance_cents {
        0 => String::new(),
        cents => format!(", give or take {}", cents_text(cents.into())),
    };
    format!(
        "total_cost is {found}; expected {}{tolerance}, which is price {} × quantity {}",
        total.unwrap_or_default(),
        shown(price.trim_ascii()).trim_matches('"'),
        shown(quantity.trim_ascii()).trim_matches('"'),
    )
}
