//! Rows as an aligned table.

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, TableComponent, presets};
use tillmart_model::{Fault, FaultKind, Result};

/// A table of texts; columns named in `right` are set to the right.
pub(crate) fn table(headers: &[&str], right: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_style(TableComponent::HeaderLines, '─').set_style(TableComponent::MiddleHeaderIntersections, '─');
    table.set_header(headers.iter().map(|name| Cell::new(name).set_alignment(alignment(right.contains(name)))));
    for row in rows {
        table.add_row(
            row.iter()
                .zip(headers)
                .map(|(text, name)| Cell::new(visible(text)).set_alignment(alignment(right.contains(name)))),
        );
    }
    table.to_string()
}

/// A text cut to what fits a line of a table; the whole of it is told elsewhere.
pub(crate) fn short(text: &str) -> String {
    const LETTERS_MAX: usize = 100;
    let first = text.lines().next().unwrap_or_default();
    if first.chars().count() <= LETTERS_MAX {
        first.to_owned()
    } else {
        first.chars().take(LETTERS_MAX - 1).chain(['…']).collect()
    }
}

/// Control characters could move the cursor of whoever looks: they are shown, not sent.
pub(crate) fn visible(text: &str) -> String {
    text.chars()
        .flat_map(|letter| if letter.is_control() { letter.escape_default().collect() } else { vec![letter] })
        .collect()
}

fn alignment(right: bool) -> CellAlignment {
    if right { CellAlignment::Right } else { CellAlignment::Left }
}

/// Rows of a query.
///
/// # Errors
/// A type that cannot be shown; none that a query returns.
pub(crate) fn batches(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<String> {
    let fault =
        |error: arrow::error::ArrowError| Fault::new(FaultKind::Promise, "the rows cannot be shown").found(error);
    let options = FormatOptions::default();
    let headers: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let right: Vec<&str> = schema
        .fields()
        .iter()
        .filter(|field| field.data_type().is_numeric() || matches!(field.data_type(), DataType::Decimal128(_, _)))
        .map(|field| field.name().as_str())
        .collect();
    let mut rows = Vec::new();
    for batch in batches {
        let formatters: Vec<ArrayFormatter<'_>> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<std::result::Result<_, _>>()
            .map_err(fault)?;
        for row in 0..batch.num_rows() {
            let texts = formatters.iter().zip(batch.columns());
            rows.push(
                texts
                    .map(|(cell, column)| if column.is_null(row) { String::new() } else { cell.value(row).to_string() })
                    .collect(),
            );
        }
    }
    Ok(table(&headers, &right, &rows))
}
