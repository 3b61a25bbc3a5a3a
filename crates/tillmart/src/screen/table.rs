//! Rows as an aligned table.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, TableComponent, Width, presets};

/// A table of texts; columns named in `right` are set to the right.
pub(crate) fn table(headers: &[&str], right: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = bare();
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

fn bare() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_style(TableComponent::HeaderLines, '─').set_style(TableComponent::MiddleHeaderIntersections, '─');
    table
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

/// Rows of a query, however many: the first of them say how wide columns are, and the others follow block by block.
pub(crate) struct Rows {
    headers: Vec<String>,
    right: Vec<bool>,
    held: Vec<Vec<String>>,
    /// As wide as the columns of what was shown already.
    widths: Option<Vec<u16>>,
}

/// Rows that are held to find the widths of columns.
const HELD_MAX: usize = 10_000;

impl Rows {
    /// A table with these columns; numbers are set to the right.
    pub(crate) fn new(schema: &SchemaRef) -> Rows {
        let is_number = |data_type: &DataType| data_type.is_numeric();
        Rows {
            headers: schema.fields().iter().map(|field| field.name().clone()).collect(),
            right: schema.fields().iter().map(|field| is_number(field.data_type())).collect(),
            held: Vec::new(),
            widths: None,
        }
    }

    /// Takes rows; what is to be shown by now.
    ///
    /// # Errors
    /// A type that cannot be shown; none that a query returns.
    pub(crate) fn take(&mut self, batch: &RecordBatch) -> std::result::Result<Option<String>, ArrowError> {
        let options = FormatOptions::default();
        let formatters: Vec<ArrayFormatter<'_>> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<std::result::Result<_, _>>()?;
        for row in 0..batch.num_rows() {
            let cell = |(at, column): (usize, &ArrayRef)| match column.as_binary_opt::<i32>() {
                _ if column.is_null(row) => String::new(),
                // Raw bytes of a reject: mostly text, and people read it.
                Some(bytes) => visible(&String::from_utf8_lossy(bytes.value(row))),
                None => visible(&formatters[at].value(row).to_string()),
            };
            self.held.push(batch.columns().iter().enumerate().map(cell).collect());
        }
        Ok((self.held.len() >= HELD_MAX).then(|| self.block()))
    }

    /// What is left; of a result without rows its columns.
    pub(crate) fn end(mut self) -> String {
        if self.held.is_empty() && self.widths.is_some() { String::new() } else { self.block() }
    }

    fn block(&mut self) -> String {
        let mut table = bare();
        let aligned = |(text, right): (&String, &bool)| Cell::new(text).set_alignment(alignment(*right));
        if self.widths.is_none() {
            table.set_header(self.headers.iter().zip(&self.right).map(aligned));
        }
        for row in std::mem::take(&mut self.held) {
            table.add_row(row.iter().zip(&self.right).map(aligned));
        }
        match &self.widths {
            None => self.widths = Some(table.column_max_content_widths()),
            Some(widths) => {
                // A column is as wide as its text and the blank on either side of it.
                let wide = widths.iter().map(|width| ColumnConstraint::LowerBoundary(Width::Fixed(width + 2)));
                table.set_constraints(wide);
            }
        }
        format!("{table}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{BinaryArray, Decimal128Array, StringArray};
    use arrow::datatypes::{Field, Schema};
    use std::sync::Arc;

    fn batch(names: Vec<&str>, cents: Vec<i128>) -> RecordBatch {
        let money = Decimal128Array::from(cents).with_precision_and_scale(16, 2).unwrap();
        let columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(names)), Arc::new(money)];
        let field = |name, at: usize| Field::new(name, columns[at].data_type().clone(), true);
        let schema = Schema::new(vec![field("name", 0), field("money", 1)]);
        RecordBatch::try_new(Arc::new(schema), columns).unwrap()
    }

    #[test]
    fn blocks_of_a_long_table_stand_in_line_and_are_not_held() {
        let first = batch(vec!["a long name"; HELD_MAX], vec![123_456; HELD_MAX]);
        let mut rows = Rows::new(&first.schema());
        assert_eq!(rows.take(&first.slice(0, 5)).unwrap(), None, "the first rows are held to find the widths");
        let shown = rows.take(&first.slice(5, HELD_MAX - 5)).unwrap().unwrap();
        assert_eq!(shown.lines().count(), HELD_MAX + 2, "a header, a line, rows");
        assert_eq!(rows.take(&batch(vec!["b"], vec![-5])).unwrap(), None);
        let rest = rows.end();
        assert_eq!(shown.lines().last(), Some(" a long name   1234.56 "));
        assert_eq!(rest, " b               -0.05 \n");
    }

    #[test]
    fn bytes_are_text_where_people_read_and_nothing_moves_the_cursor() {
        let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![Some(&b"a,b\xff\x1b[2J"[..]), None]));
        let schema = Arc::new(Schema::new(vec![Field::new("raw", DataType::Binary, true)]));
        let mut rows = Rows::new(&schema);
        assert_eq!(rows.take(&RecordBatch::try_new(schema, vec![bytes]).unwrap()).unwrap(), None);
        assert_eq!(rows.end().lines().nth(2), Some(" a,b\u{fffd}\\u{1b}[2J "));
    }
}
