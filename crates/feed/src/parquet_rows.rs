//! Record batches of a Parquet file to rows: cells become text and pass the same checks as any other.

use crate::check::{Cell, Row};
use crate::csv::{Mapping, Source};
use crate::extras::{Extras, push_json_text};
use crate::sorter::{Place, Sorter};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use std::io::Write;
use std::sync::Arc;
use tillmart_model::{Contract, FileFault, FileReason, SalesColumn};

/// Columns that must be exact.
const MONEY: [SalesColumn; 3] = [SalesColumn::Price, SalesColumn::Quantity, SalesColumn::TotalCost];

/// Judges the rows of one Parquet file.
pub(crate) struct ParquetRows {
    contract: Arc<Contract>,
    mapping: Option<Mapping>,
    names: Vec<String>,
    extras: Extras,
    rows_seen: u64,
}

/// What the values of a column are, as JSON and as cells see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Whole numbers and decimals: exact.
    Number,
    Boolean,
    /// Days and moments.
    Day,
    Text,
}

/// A column of the batch at hand.
struct Values<'a> {
    class: Class,
    array: &'a dyn Array,
    reader: Reader<'a>,
}

enum Reader<'a> {
    /// Text that its writer did not mark as text.
    Bytes(&'a arrow::array::BinaryArray),
    Formatted(ArrayFormatter<'a>),
}

/// The texts of one row; reused from row to row.
#[derive(Default)]
struct RowText {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl RowText {
    fn get(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(index).copied().unwrap_or(start);
        self.text.get(start..end).unwrap_or_default()
    }
}

impl ParquetRows {
    pub(crate) fn new(contract: Arc<Contract>) -> Self {
        let extras = Extras::new(contract.extra_columns);
        ParquetRows { contract, mapping: None, names: Vec::new(), extras, rows_seen: 0 }
    }

    /// Judges the schema, once.
    pub(crate) fn expect_schema(&mut self, schema: &Schema) -> Result<(), FileFault> {
        if self.mapping.is_some() {
            return Ok(());
        }
        self.names = schema.fields().iter().map(|field| field.name().trim_ascii().to_owned()).collect();
        let mapping = Mapping::new(&self.contract, &self.names)?;
        for column in MONEY {
            let Some(field) = mapping.field(column) else { continue };
            let kind = schema.field(field).data_type();
            if kind.is_floating() {
                return Err(FileFault::new(
                    FileReason::Unreadable,
                    format!(
                        "column {} is a floating point number ({kind}); money needs DECIMAL, and a quantity a whole number",
                        self.names[field]
                    ),
                ));
            }
        }
        self.mapping = Some(mapping);
        Ok(())
    }

    /// Judges the rows of the next batch.
    pub(crate) fn push(&mut self, batch: &RecordBatch, sorter: &mut Sorter) -> Result<(), FileFault> {
        self.expect_schema(batch.schema_ref())?;
        let Some(mapping) = &self.mapping else { return Ok(()) };
        if batch.num_columns() != mapping.width {
            return Err(FileFault::new(FileReason::Unreadable, "the schema changes within the file"));
        }
        let readable = batch.columns().iter().map(readable_column).collect::<Result<Vec<ArrayRef>, _>>();
        let readable = readable.map_err(|error| unreadable(&error))?;
        let values = readable.iter().map(values_of).collect::<Result<Vec<Values<'_>>, _>>();
        let values = values.map_err(|error| unreadable(&error))?;
        let mut text = RowText::default();
        for row in 0..batch.num_rows() {
            self.rows_seen += 1;
            fill(&mut text, &values, row).map_err(|error| unreadable(&error))?;
            let place = Place { line: Some(self.rows_seen), byte_offset: None };
            judge_row(mapping, &self.names, &mut self.extras, &values, &text, row, place, sorter);
        }
        Ok(())
    }
}

fn unreadable(error: &ArrowError) -> FileFault {
    FileFault::new(FileReason::Unreadable, format!("a value of the Parquet file cannot be read: {error}"))
}

/// Binary of every make becomes one make; other columns stay as they are.
fn readable_column(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match column.data_type() {
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => cast(column, &DataType::Binary),
        DataType::Dictionary(_, value) => cast(column, value),
        _ => Ok(column.clone()),
    }
}

fn values_of(column: &ArrayRef) -> Result<Values<'_>, ArrowError> {
    static OPTIONS: FormatOptions<'static> = FormatOptions::new().with_display_error(false);
    let kind = column.data_type();
    let class = match kind {
        kind if kind.is_integer() => Class::Number,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            Class::Number
        }
        DataType::Boolean => Class::Boolean,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Class::Day,
        _ => Class::Text,
    };
    let reader = match column.as_binary_opt::<i32>() {
        Some(bytes) => Reader::Bytes(bytes),
        None => Reader::Formatted(ArrayFormatter::try_new(column.as_ref(), &OPTIONS)?),
    };
    Ok(Values { class, array: column.as_ref(), reader })
}

/// Writes the texts of a row; NULL is the empty text.
fn fill(text: &mut RowText, values: &[Values<'_>], row: usize) -> Result<(), ArrowError> {
    text.text.clear();
    text.ends.clear();
    for column in values {
        if !column.array.is_null(row) {
            match &column.reader {
                Reader::Bytes(bytes) => text.text.extend_from_slice(bytes.value(row)),
                Reader::Formatted(formatter) => write!(text.text, "{}", formatter.value(row).try_to_string()?)?,
            }
        }
        text.ends.push(text.text.len());
    }
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "everything a row is judged by, borrowed apart")]
fn judge_row(
    mapping: &Mapping,
    names: &[String],
    extras: &mut Extras,
    values: &[Values<'_>],
    text: &RowText,
    row: usize,
    place: Place,
    sorter: &mut Sorter,
) {
    let cells: [Cell<'_>; SalesColumn::ALL.len()] = std::array::from_fn(|at| match &mapping.sources[at] {
        Source::Constant(constant) => Cell::text(constant),
        Source::Absent => Cell::text(&[]),
        Source::Field(field) => match values[*field].class {
            Class::Number | Class::Day => Cell::plain(text.get(*field)),
            Class::Boolean | Class::Text => Cell::text(text.get(*field)),
        },
    });
    extras.clear();
    let mut undecodable_extra = None;
    for extra in &mapping.extras {
        let column = &values[extra.field];
        match std::str::from_utf8(text.get(extra.field)) {
            Ok(_) if column.array.is_null(row) => extras.add_json(&extra.name, "null"),
            Ok(value) if matches!(column.class, Class::Number | Class::Boolean) => extras.add_json(&extra.name, value),
            Ok(value) => extras.add_text(&extra.name, value),
            Err(_) => undecodable_extra = undecodable_extra.or(Some(extra.name.as_str())),
        }
    }
    let judged = Row { cells, extras: extras.end(), undecodable_extra };
    sorter.row(&judged, place, || row_json(names, values, text, row));
}

/// A row as one JSON object, which a replay reads as it would read a line of JSON lines.
fn row_json(names: &[String], values: &[Values<'_>], text: &RowText, row: usize) -> Vec<u8> {
    let mut json = String::from("{");
    for (at, (name, column)) in names.iter().zip(values).enumerate() {
        if at > 0 {
            json.push(',');
        }
        push_json_text(&mut json, name);
        json.push(':');
        let value = String::from_utf8_lossy(text.get(at));
        match column.class {
            _ if column.array.is_null(row) => json.push_str("null"),
            Class::Number | Class::Boolean => json.push_str(&value),
            Class::Day | Class::Text => push_json_text(&mut json, &value),
        }
    }
    json.push('}');
    json.into_bytes()
}
