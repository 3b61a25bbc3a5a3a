//! Rows of a table as Arrow batches. Nothing is converted that would not convert back exactly.

use crate::day;
use crate::refusal::{Checked, database};
use arrow::array::{
    Array, ArrayBuilder, ArrayRef, BinaryBuilder, Date32Builder, Decimal128Builder, Int32Builder, Int64Builder,
    RecordBatch, RecordBatchOptions, StringBuilder, new_empty_array,
};
use arrow::compute::concat;
use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use std::borrow::Cow;
use std::sync::Arc;
use tillmart_model::{Fault, money};

/// A value as a database gives it.
pub(crate) enum Cell<'a> {
    Null,
    Integer(i64),
    /// Any binary floating-point number: nothing exact.
    Real,
    Text(Cow<'a, [u8]>),
    Bytes(Cow<'a, [u8]>),
    /// What no column of ours takes.
    Odd,
}

/// Rows of one batch: bounds what a reader holds beside the builders.
const BATCH_ROWS: usize = 65_536;

/// How a table keeps decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecimalForm {
    /// Text with exactly the digits of the scale, as Tillmart publishes it.
    Published,
    /// Any exact decimal text or whole number, as people fill dimension tables.
    Typed,
    /// The unscaled integer, as sums are kept.
    Unscaled,
}

/// All batches of a table as one, column by column, so that only one column is in memory twice.
pub(crate) fn join(table: &str, schema: &SchemaRef, batches: Vec<RecordBatch>) -> Checked<RecordBatch> {
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let mut pieces: Vec<Vec<ArrayRef>> = vec![Vec::with_capacity(batches.len()); schema.fields().len()];
    for batch in batches {
        for (column, pieces) in batch.columns().iter().zip(&mut pieces) {
            pieces.push(Arc::clone(column));
        }
    }
    let whole = |(pieces, field): (Vec<ArrayRef>, &FieldRef)| {
        let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
        if pieces.is_empty() { Ok(new_empty_array(field.data_type())) } else { concat(&pieces) }
    };
    let columns = pieces.into_iter().zip(schema.fields()).map(whole).collect::<Result<Vec<_>, _>>();
    let count = RecordBatchOptions::new().with_row_count(Some(rows));
    let joined = columns.and_then(|columns| RecordBatch::try_new_with_options(Arc::clone(schema), columns, &count));
    Ok(joined.map_err(|error| database(format!("`{table}` does not fit in one batch")).found(error))?)
}

/// A column being filled.
enum Column {
    Int32(Int32Builder),
    Int64(Int64Builder),
    Text(StringBuilder),
    Date(Date32Builder),
    Decimal(Decimal128Builder, u8, u32, DecimalForm),
    Binary(BinaryBuilder),
}

/// Collects the rows of one table.
pub(crate) struct Frame {
    table: String,
    schema: SchemaRef,
    /// The columns that name a row in a message.
    keys: Vec<usize>,
    columns: Vec<Column>,
    rows: usize,
    done: Vec<RecordBatch>,
}

impl Frame {
    /// A frame for rows whose columns stand in the order of `schema`.
    pub(crate) fn new(table: &str, schema: SchemaRef, keys: usize, form: DecimalForm) -> Checked<Self> {
        let columns =
            schema.fields().iter().map(|field| Column::new(field.data_type(), form)).collect::<Checked<_>>()?;
        let keys = (0..keys).collect();
        Ok(Frame { table: table.to_owned(), schema, keys, columns, rows: 0, done: Vec::new() })
    }

    /// Names rows by other columns than the first.
    pub(crate) fn name_rows_by(&mut self, key: &[&str]) {
        let at = key.iter().filter_map(|name| self.schema.fields().iter().position(|field| field.name() == name));
        self.keys = at.collect();
    }

    /// The columns that it takes.
    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Takes one row, whose value in a column is what `cell` says.
    pub(crate) fn push<'r>(&mut self, cell: impl Fn(usize) -> Cell<'r>) -> Checked<()> {
        for (at, column) in self.columns.iter_mut().enumerate() {
            let field = self.schema.field(at);
            let taken = match cell(at) {
                Cell::Null if field.is_nullable() => {
                    column.push_null();
                    true
                }
                value => column.push(value),
            };
            if !taken {
                let place = RowName { table: &self.table, schema: &self.schema, keys: &self.keys };
                return Err(place.misfit(cell, at).into());
            }
        }
        self.rows += 1;
        if self.rows == BATCH_ROWS {
            self.close()?;
        }
        Ok(())
    }

    fn close(&mut self) -> Checked<()> {
        let fresh = self.columns.iter().map(Column::next).collect();
        let full = std::mem::replace(&mut self.columns, fresh);
        let arrays = full.into_iter().map(Column::finish).collect::<Result<Vec<_>, _>>();
        let batch = arrays.and_then(|arrays| RecordBatch::try_new(self.schema.clone(), arrays));
        self.done.push(batch.map_err(|error| database(format!("`{}` cannot be read", self.table)).found(error))?);
        self.rows = 0;
        Ok(())
    }

    /// All rows, in batches; none for no row.
    pub(crate) fn finish(mut self) -> Checked<Vec<RecordBatch>> {
        if self.rows > 0 {
            self.close()?;
        }
        Ok(self.done)
    }
}

impl Column {
    fn new(data_type: &DataType, form: DecimalForm) -> Checked<Self> {
        Ok(match data_type {
            DataType::Int32 => Column::Int32(Int32Builder::new()),
            DataType::Int64 => Column::Int64(Int64Builder::new()),
            DataType::Utf8 => Column::Text(StringBuilder::new()),
            DataType::Date32 => Column::Date(Date32Builder::new()),
            DataType::Binary => Column::Binary(BinaryBuilder::new()),
            DataType::Decimal128(precision, scale) if *scale >= 0 => {
                let builder = Decimal128Builder::new().with_data_type(data_type.clone());
                Column::Decimal(builder, *precision, u32::from(scale.unsigned_abs()), form)
            }
            other => return Err(database(format!("a column of type {other} cannot be kept in the database")).into()),
        })
    }

    /// An empty column for the next rows, with room for as many and as long ones as this has.
    fn next(&self) -> Self {
        match self {
            Column::Int32(builder) => Column::Int32(Int32Builder::with_capacity(builder.len())),
            Column::Int64(builder) => Column::Int64(Int64Builder::with_capacity(builder.len())),
            Column::Text(builder) => {
                let bytes = builder.values_slice().len();
                Column::Text(StringBuilder::with_capacity(builder.len(), bytes + bytes / 16))
            }
            Column::Date(builder) => Column::Date(Date32Builder::with_capacity(builder.len())),
            Column::Binary(_) => Column::Binary(BinaryBuilder::new()),
            Column::Decimal(builder, precision, scale, form) => {
                let data_type = DataType::Decimal128(*precision, *scale as i8);
                let fresh = Decimal128Builder::with_capacity(builder.len()).with_data_type(data_type);
                Column::Decimal(fresh, *precision, *scale, *form)
            }
        }
    }

    /// Takes a value, unless it does not fit exactly.
    fn push(&mut self, value: Cell<'_>) -> bool {
        match (self, value) {
            (Column::Int32(builder), Cell::Integer(value)) => match i32::try_from(value) {
                Ok(value) => builder.append_value(value),
                Err(_) => return false,
            },
            (Column::Int64(builder), Cell::Integer(value)) => builder.append_value(value),
            (Column::Text(builder), Cell::Text(text)) => match std::str::from_utf8(&text) {
                Ok(text) => builder.append_value(text),
                Err(_) => return false,
            },
            // Pin codes and the like in tables that somebody else declared as numbers.
            (Column::Text(builder), Cell::Integer(value)) => builder.append_value(value.to_string()),
            (Column::Date(builder), Cell::Text(text)) => match day::parse(&text) {
                Some(day) => builder.append_value(day),
                None => return false,
            },
            (Column::Binary(builder), Cell::Bytes(bytes) | Cell::Text(bytes)) => builder.append_value(bytes.as_ref()),
            (Column::Decimal(builder, precision, scale, form), value) => {
                match unscaled(value, u32::from(*precision), *scale, *form) {
                    Some(value) => builder.append_value(value),
                    None => return false,
                }
            }
            _ => return false,
        }
        true
    }

    fn push_null(&mut self) {
        match self {
            Column::Int32(builder) => builder.append_null(),
            Column::Int64(builder) => builder.append_null(),
            Column::Text(builder) => builder.append_null(),
            Column::Date(builder) => builder.append_null(),
            Column::Decimal(builder, ..) => builder.append_null(),
            Column::Binary(builder) => builder.append_null(),
        }
    }

    fn finish(self) -> Result<ArrayRef, arrow::error::ArrowError> {
        Ok(match self {
            Column::Int32(mut builder) => Arc::new(builder.finish()),
            Column::Int64(mut builder) => Arc::new(builder.finish()),
            Column::Text(mut builder) => Arc::new(builder.finish()),
            Column::Date(mut builder) => Arc::new(builder.finish()),
            Column::Decimal(mut builder, ..) => Arc::new(builder.finish()),
            Column::Binary(mut builder) => Arc::new(builder.finish()),
        })
    }
}

fn unscaled(value: Cell<'_>, precision: u32, scale: u32, form: DecimalForm) -> Option<i128> {
    let value = match (form, value) {
        (DecimalForm::Unscaled, Cell::Integer(value)) => i128::from(value),
        (DecimalForm::Typed, Cell::Integer(value)) => i128::from(value).checked_mul(money::power_of_ten(scale))?,
        (DecimalForm::Typed, Cell::Text(text)) => money::parse_decimal(&text, b'.', precision, scale).ok()?,
        (DecimalForm::Published, Cell::Text(text)) => {
            // The virtual column beside it reads the digits as they stand, so their number must be right.
            let fraction = text.iter().position(|byte| *byte == b'.').map_or(0, |at| text.len() - at - 1);
            if u32::try_from(fraction).ok()? != scale {
                return None;
            }
            money::parse_decimal(&text, b'.', precision, scale).ok()?
        }
        _ => return None,
    };
    (value.unsigned_abs() < money::power_of_ten(precision).unsigned_abs()).then_some(value)
}

/// Names a row and a column in a message.
struct RowName<'a> {
    table: &'a str,
    schema: &'a SchemaRef,
    keys: &'a [usize],
}

impl RowName<'_> {
    /// The value itself is not shown: it may be a customer's.
    fn misfit<'r>(&self, cell: impl Fn(usize) -> Cell<'r>, at: usize) -> Fault {
        let field = self.schema.field(at);
        let expected = match field.data_type() {
            DataType::Int32 => "a whole number of 32 bits".to_owned(),
            DataType::Int64 => "a whole number".to_owned(),
            DataType::Date32 => "a date as text, YYYY-MM-DD".to_owned(),
            DataType::Decimal128(precision, scale) => {
                format!(
                    "an exact decimal({precision},{scale}) as text, such as 12.{:0width$}",
                    5,
                    width = *scale as usize
                )
            }
            DataType::Binary => "bytes".to_owned(),
            _ => "text in UTF-8".to_owned(),
        };
        let found = match cell(at) {
            Cell::Null => "NULL",
            Cell::Integer(_) => "an integer that does not fit",
            Cell::Real => "a floating-point number, which cannot hold an exact value",
            Cell::Text(_) => "text that does not read so",
            Cell::Bytes(_) => "a blob",
            Cell::Odd => "a value of another type",
        };
        let key: Vec<String> = self.keys.iter().map(|key| self.key(&cell, *key)).collect();
        let row = if key.is_empty() { String::new() } else { format!(" where {}", key.join(" and ")) };
        database(format!("column `{}` of table `{}` holds a value that does not fit{row}", field.name(), self.table))
            .expected(expected)
            .found(found)
            .hint("mend the value in the database and run again")
    }

    fn key<'r>(&self, cell: &impl Fn(usize) -> Cell<'r>, at: usize) -> String {
        let name = self.schema.field(at).name();
        match cell(at) {
            Cell::Integer(value) => format!("{name} = {value}"),
            Cell::Text(text) => format!("{name} = '{}'", String::from_utf8_lossy(&text)),
            _ => format!("{name} is no integer or text"),
        }
    }
}
