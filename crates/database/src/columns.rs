//! Rows of a table as Arrow batches. Nothing is converted that would not convert back exactly.

use crate::day;
use crate::refusal::{Checked, database};
use arrow::array::{
    Array, ArrayBuilder, ArrayRef, AsArray, BinaryBuilder, Date32Builder, Decimal128Builder, Int32Builder,
    Int64Builder, RecordBatch, RecordBatchOptions, StringBuilder,
};
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

/// All batches of a table as one.
pub(crate) fn join(table: &str, schema: &SchemaRef, batches: Vec<RecordBatch>) -> Checked<RecordBatch> {
    let mut whole = Whole::new(table, Arc::clone(schema));
    whole.take(batches, Room::ENOUGH)?;
    whole.finish()
}

/// How much room a table is given when the first of its rows are there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// How many times as much as these rows is to come in all.
    pub(crate) parts: usize,
    /// Bytes that no column will hold more of: the first rows may stand for most of the table.
    pub(crate) most: usize,
}

impl Room {
    /// These rows are all.
    const ENOUGH: Room = Room { parts: 1, most: usize::MAX };

    /// Room for values of which there are so many now, each of so many bytes.
    fn of(self, now: usize, bytes: usize) -> usize {
        if self.parts == 1 {
            return now;
        }
        let spare = now.saturating_mul(self.parts) / 16;
        now.saturating_mul(self.parts).saturating_add(spare).min(self.most / bytes).max(now)
    }
}

/// A table as one batch, put together of batches that go as they are taken: it is never in memory twice.
pub(crate) struct Whole {
    table: String,
    schema: SchemaRef,
    /// None before the first batches tell how much room will be needed.
    columns: Option<Vec<Column>>,
    rows: usize,
}

impl Whole {
    /// Nothing yet of a table of these columns.
    pub(crate) fn new(table: &str, schema: SchemaRef) -> Self {
        Whole { table: table.to_owned(), schema, columns: None, rows: 0 }
    }

    /// Takes the next rows. The first ones tell how much room is made, which is memory only where rows come to lie in it.
    pub(crate) fn take(&mut self, batches: Vec<RecordBatch>, room: Room) -> Checked<()> {
        let (table, schema) = (&self.table, &self.schema);
        let no_fit =
            |error: arrow::error::ArrowError| database(format!("`{table}` does not fit in one batch")).found(error);
        let columns = match &mut self.columns {
            Some(columns) => columns,
            None => {
                let roomy = |(at, field): (usize, &FieldRef)| {
                    let pieces = batches.iter().map(|batch| batch.column(at));
                    Column::roomy(field.data_type(), pieces, room)
                };
                self.columns.insert(schema.fields().iter().enumerate().map(roomy).collect::<Checked<_>>()?)
            }
        };
        for batch in batches {
            self.rows += batch.num_rows();
            for (column, piece) in columns.iter_mut().zip(batch.columns()) {
                column.append(piece).map_err(no_fit)?;
            }
        }
        Ok(())
    }

    /// All rows that were taken.
    pub(crate) fn finish(mut self) -> Checked<RecordBatch> {
        // A table without a row has columns, too.
        self.take(Vec::new(), Room::ENOUGH)?;
        let columns = self.columns.into_iter().flatten().map(Column::finish).collect::<Result<Vec<_>, _>>();
        let count = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let whole = columns.and_then(|columns| RecordBatch::try_new_with_options(self.schema, columns, &count));
        Ok(whole.map_err(|error| database(format!("`{}` does not fit in one batch", self.table)).found(error))?)
    }
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

    /// All rows since the last time, in batches; none for no row. There is room for as many more then.
    pub(crate) fn drain(&mut self) -> Checked<Vec<RecordBatch>> {
        if self.rows > 0 {
            self.close()?;
        }
        Ok(std::mem::take(&mut self.done))
    }

    /// All rows, in batches; none for no row.
    pub(crate) fn finish(mut self) -> Checked<Vec<RecordBatch>> {
        self.drain()
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

    /// An empty column with room for as much as these pieces say of a table.
    fn roomy<'p>(data_type: &DataType, pieces: impl Iterator<Item = &'p ArrayRef>, room: Room) -> Checked<Self> {
        let (mut rows, mut text) = (0, 0);
        for piece in pieces {
            rows += piece.len();
            text += piece.as_string_opt::<i32>().map_or(0, |texts| texts.value_data().len());
        }
        Ok(match Column::new(data_type, DecimalForm::Typed)? {
            Column::Int32(_) => Column::Int32(Int32Builder::with_capacity(room.of(rows, 4))),
            Column::Int64(_) => Column::Int64(Int64Builder::with_capacity(room.of(rows, 8))),
            Column::Text(_) => Column::Text(StringBuilder::with_capacity(room.of(rows, 4), room.of(text, 1))),
            Column::Date(_) => Column::Date(Date32Builder::with_capacity(room.of(rows, 4))),
            other => other,
        })
    }

    /// Takes all values of an array of the column's type.
    fn append(&mut self, piece: &ArrayRef) -> Result<(), arrow::error::ArrowError> {
        match self {
            Column::Int32(builder) => builder.append_array(piece.as_primitive()),
            Column::Int64(builder) => builder.append_array(piece.as_primitive()),
            Column::Text(builder) => builder.append_array(piece.as_string())?,
            Column::Date(builder) => builder.append_array(piece.as_primitive()),
            Column::Decimal(builder, ..) => builder.append_array(piece.as_primitive()),
            Column::Binary(builder) => builder.append_array(piece.as_binary())?,
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_made_for_what_is_to_come_and_for_no_more_than_there_can_be() {
        let room = Room { parts: 16, most: 100_000 };
        assert_eq!(room.of(0, 1), 0);
        assert_eq!(room.of(100, 1), 1_700, "sixteen times as much, and a sixteenth of that to spare");
        assert_eq!(room.of(50_000, 1), 100_000, "most of the table came first");
        assert_eq!(room.of(50_000, 4), 50_000, "at least what is there");
        assert_eq!(Room { parts: usize::MAX, ..room }.of(usize::MAX / 2, 8), usize::MAX / 2);
        assert_eq!(Room::ENOUGH.of(100, 1), 100);
    }
}
