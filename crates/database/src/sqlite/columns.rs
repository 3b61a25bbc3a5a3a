//! SQLite rows as Arrow batches. Nothing is converted that would not convert back exactly.

use super::day;
use super::trouble::{Tried, database};
use arrow::array::{
    ArrayRef, BinaryBuilder, Date32Builder, Decimal128Builder, Int32Builder, Int64Builder, RecordBatch, StringBuilder,
};
use arrow::datatypes::{DataType, SchemaRef};
use rusqlite::Row;
use rusqlite::types::{Type, ValueRef};
use std::sync::Arc;
use tillmart_model::{Fault, money};

/// Rows of one batch: bounds what a reader holds beside the builders.
const BATCH_ROWS: usize = 65_536;

/// How a table keeps decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DecimalForm {
    /// Text with exactly the digits of the scale, as Tillmart publishes it.
    Published,
    /// Any exact decimal text or whole number, as people fill dimension tables.
    Typed,
    /// The unscaled integer, as sums are kept.
    Unscaled,
}

/// All batches of a table as one.
pub(super) fn join(table: &str, schema: &SchemaRef, batches: &[RecordBatch]) -> Tried<RecordBatch> {
    let joined = arrow::compute::concat_batches(schema, batches);
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
pub(super) struct Frame {
    table: String,
    schema: SchemaRef,
    /// The columns that name a row in a message.
    keys: Vec<usize>,
    form: DecimalForm,
    columns: Vec<Column>,
    rows: usize,
    done: Vec<RecordBatch>,
}

impl Frame {
    /// A frame for rows whose columns stand in the order of `schema`.
    pub(super) fn new(table: &str, schema: SchemaRef, keys: usize, form: DecimalForm) -> Tried<Self> {
        let columns = schema.fields().iter().map(|field| Column::new(field.data_type(), form)).collect::<Tried<_>>()?;
        let keys = (0..keys).collect();
        Ok(Frame { table: table.to_owned(), schema, keys, form, columns, rows: 0, done: Vec::new() })
    }

    /// Names rows by other columns than the first.
    pub(super) fn name_rows_by(&mut self, key: &[&str]) {
        let at = key.iter().filter_map(|name| self.schema.fields().iter().position(|field| field.name() == name));
        self.keys = at.collect();
    }

    /// Takes one row.
    pub(super) fn push(&mut self, row: &Row<'_>) -> Tried<()> {
        for (at, column) in self.columns.iter_mut().enumerate() {
            let value = row.get_ref(at)?;
            let field = self.schema.field(at);
            let taken = match value {
                ValueRef::Null if field.is_nullable() => {
                    column.push_null();
                    true
                }
                value => column.push(value),
            };
            if !taken {
                let place = RowName { table: &self.table, schema: &self.schema, keys: &self.keys };
                return Err(place.misfit(row, at).into());
            }
        }
        self.rows += 1;
        if self.rows == BATCH_ROWS {
            self.close()?;
        }
        Ok(())
    }

    fn close(&mut self) -> Tried<()> {
        let fields = self.schema.fields().iter();
        let fresh = fields.map(|field| Column::new(field.data_type(), self.form));
        let full = std::mem::replace(&mut self.columns, fresh.collect::<Tried<_>>()?);
        let arrays = full.into_iter().map(Column::finish).collect::<Result<Vec<_>, _>>();
        let batch = arrays.and_then(|arrays| RecordBatch::try_new(self.schema.clone(), arrays));
        self.done.push(batch.map_err(|error| database(format!("`{}` cannot be read", self.table)).found(error))?);
        self.rows = 0;
        Ok(())
    }

    /// All rows, in batches; none for no row.
    pub(super) fn finish(mut self) -> Tried<Vec<RecordBatch>> {
        if self.rows > 0 {
            self.close()?;
        }
        Ok(self.done)
    }
}

impl Column {
    fn new(data_type: &DataType, form: DecimalForm) -> Tried<Self> {
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
            other => return Err(database(format!("a column of type {other} cannot be kept in SQLite")).into()),
        })
    }

    /// Takes a value, unless it does not fit exactly.
    fn push(&mut self, value: ValueRef<'_>) -> bool {
        match (self, value) {
            (Column::Int32(builder), ValueRef::Integer(value)) => match i32::try_from(value) {
                Ok(value) => builder.append_value(value),
                Err(_) => return false,
            },
            (Column::Int64(builder), ValueRef::Integer(value)) => builder.append_value(value),
            (Column::Text(builder), ValueRef::Text(text)) => match std::str::from_utf8(text) {
                Ok(text) => builder.append_value(text),
                Err(_) => return false,
            },
            // Pin codes and the like in tables that somebody else declared as numbers.
            (Column::Text(builder), ValueRef::Integer(value)) => builder.append_value(value.to_string()),
            (Column::Date(builder), ValueRef::Text(text)) => match day::parse(text) {
                Some(day) => builder.append_value(day),
                None => return false,
            },
            (Column::Binary(builder), ValueRef::Blob(bytes) | ValueRef::Text(bytes)) => builder.append_value(bytes),
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

fn unscaled(value: ValueRef<'_>, precision: u32, scale: u32, form: DecimalForm) -> Option<i128> {
    let value = match (form, value) {
        (DecimalForm::Unscaled, ValueRef::Integer(value)) => i128::from(value),
        (DecimalForm::Typed, ValueRef::Integer(value)) => i128::from(value).checked_mul(money::power_of_ten(scale))?,
        (DecimalForm::Typed, ValueRef::Text(text)) => money::parse_decimal(text, b'.', precision, scale).ok()?,
        (DecimalForm::Published, ValueRef::Text(text)) => {
            // The virtual column beside it reads the digits as they stand, so their number must be right.
            let fraction = text.iter().position(|byte| *byte == b'.').map_or(0, |at| text.len() - at - 1);
            if u32::try_from(fraction).ok()? != scale {
                return None;
            }
            money::parse_decimal(text, b'.', precision, scale).ok()?
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
    fn misfit(&self, row: &Row<'_>, at: usize) -> Fault {
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
        let found = match row.get_ref(at).map(|value| value.data_type()) {
            Ok(Type::Null) => "NULL",
            Ok(Type::Integer) => "an integer that does not fit",
            Ok(Type::Real) => "a floating-point number, which cannot hold an exact value",
            Ok(Type::Text) => "text that does not read so",
            Ok(Type::Blob) => "a blob",
            Err(_) => "nothing",
        };
        let key: Vec<String> = self.keys.iter().map(|key| self.key(row, *key)).collect();
        let row = if key.is_empty() { String::new() } else { format!(" where {}", key.join(" and ")) };
        database(format!("column `{}` of table `{}` holds a value that does not fit{row}", field.name(), self.table))
            .expected(expected)
            .found(found)
            .hint("mend the value in the database and run again")
    }

    fn key(&self, row: &Row<'_>, at: usize) -> String {
        let name = self.schema.field(at).name();
        match row.get_ref(at) {
            Ok(ValueRef::Integer(value)) => format!("{name} = {value}"),
            Ok(ValueRef::Text(text)) => format!("{name} = '{}'", String::from_utf8_lossy(text)),
            _ => format!("{name} is no integer or text"),
        }
    }
}
