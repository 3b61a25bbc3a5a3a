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
    /// How wide it may be; else as wide as the columns need.
    room: Option<u16>,
    /// How the first block was laid out, and the others are.
    layout: Option<Layout>,
    /// Rows that were shown.
    shown: u64,
}

/// Rows that are held to find the widths of columns.
const HELD_MAX: usize = 10_000;

/// Texts are folded to no less than this, their column's name and their longest word: a name that is cut in two can be neither read nor
/// copied.
const FOLDED_MIN: usize = 16;

/// How rows stand on the screen.
enum Layout {
    /// Columns as wide as these or wider.
    Line(Vec<u16>),
    /// Columns of these widths: texts are folded so that all columns fit.
    Folded(Vec<u16>),
    /// Row below row, a line for each column: so many columns do not fit beside each other.
    Records,
}

impl Rows {
    /// A table with these columns; numbers are set to the right.
    pub(crate) fn new(schema: &SchemaRef) -> Rows {
        let is_number = |data_type: &DataType| data_type.is_numeric();
        Rows {
            headers: schema.fields().iter().map(|field| field.name().clone()).collect(),
            right: schema.fields().iter().map(|field| is_number(field.data_type())).collect(),
            held: Vec::new(),
            room: None,
            layout: None,
            shown: 0,
        }
    }

    /// The same for a screen of so many columns: long texts are folded; what does not fit then either is shown row below row.
    pub(crate) fn within(schema: &SchemaRef, room: Option<u16>) -> Rows {
        Rows { room, ..Rows::new(schema) }
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
        if self.held.is_empty() && self.layout.is_some() { String::new() } else { self.block() }
    }

    fn block(&mut self) -> String {
        let mut table = bare();
        let aligned = |(text, right): (&String, &bool)| Cell::new(text).set_alignment(alignment(*right));
        if self.layout.is_none() {
            table.set_header(self.headers.iter().zip(&self.right).map(aligned));
        }
        let rows = std::mem::take(&mut self.held);
        for row in &rows {
            table.add_row(row.iter().zip(&self.right).map(aligned));
        }
        let is_first = self.layout.is_none();
        let layout = self.layout.get_or_insert_with(|| {
            layout(&table.column_max_content_widths(), &least(&self.headers, &self.right, &rows), self.room)
        });
        match layout {
            Layout::Line(_) if is_first => {}
            Layout::Line(widths) => {
                table.set_constraints(widths.iter().map(|width| ColumnConstraint::LowerBoundary(fixed(*width))));
            }
            Layout::Folded(widths) => {
                // A number is never folded.
                let folded = |(width, right): (&u16, &bool)| match right {
                    true => ColumnConstraint::LowerBoundary(fixed(*width)),
                    false => ColumnConstraint::Absolute(fixed(*width)),
                };
                table.set_constraints(widths.iter().zip(&self.right).map(folded));
            }
            Layout::Records => return self.records(&rows),
        }
        format!("{table}\n")
    }

    fn records(&mut self, rows: &[Vec<String>]) -> String {
        let widest = self.headers.iter().map(|name| name.chars().count()).max().unwrap_or_default();
        let mut text = String::new();
        for row in rows {
            self.shown += 1;
            let title = format!(" row {} ", self.shown);
            text.push_str(&format!("─{title:─<width$}\n", width = widest + 12));
            for (name, value) in self.headers.iter().zip(row) {
                let line = format!(" {name:<widest$}   {value}");
                text.push_str(line.trim_end());
                text.push('\n');
            }
        }
        text
    }
}

/// A column is as wide as its text and the blank on either side of it.
fn fixed(width: u16) -> Width {
    Width::Fixed(width.saturating_add(2))
}

/// How narrow columns may get; `None` for numbers, which are never folded.
fn least(headers: &[String], right: &[bool], rows: &[Vec<String>]) -> Vec<Option<usize>> {
    let mut least: Vec<usize> = headers.iter().map(|name| name.chars().count().max(FOLDED_MIN)).collect();
    for row in rows {
        for (least, text) in least.iter_mut().zip(row).filter(|(least, text)| text.len() > **least) {
            *least = text.split(' ').map(|word| word.chars().count()).fold(*least, usize::max);
        }
    }
    least.into_iter().zip(right).map(|(least, right)| (!right).then_some(least)).collect()
}

/// How columns of these widths are shown where there is so much room. Those with a least width give way, the widest first.
fn layout(widths: &[u16], least: &[Option<usize>], room: Option<u16>) -> Layout {
    // The blanks on either side of each text, and one between columns.
    let taken = |widths: &[u16]| widths.iter().map(|width| usize::from(*width) + 3).sum::<usize>().saturating_sub(1);
    let Some(room) = room.map(usize::from).filter(|room| taken(widths) > *room) else {
        return Layout::Line(widths.to_vec());
    };
    let folded = |most: u16| -> Vec<u16> {
        let fold = |(width, least): (&u16, &Option<usize>)| match least {
            Some(least) => u16::try_from(*least).map_or(*width, |least| most.max(least).min(*width)),
            None => *width,
        };
        widths.iter().zip(least).map(fold).collect()
    };
    let widest = widths.iter().copied().max().unwrap_or_default();
    match (0..widest).rev().map(folded).find(|folded| taken(folded) <= room) {
        Some(folded) => Layout::Folded(folded),
        None => Layout::Records,
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

    #[test]
    fn a_table_fits_its_screen() {
        let long = "one two three four five six seven eight";
        let both = batch(vec![long, "short"], vec![123_456, 5]);
        let shown = |room: Option<u16>| {
            let mut rows = Rows::within(&both.schema(), room);
            assert_eq!(rows.take(&both).unwrap(), None);
            rows.end()
        };
        let whole = shown(None);
        assert_eq!(whole.lines().nth(2), Some(" one two three four five six seven eight   1234.56 "));
        assert_eq!(shown(Some(51)), whole, "just as wide");

        let folded = shown(Some(50));
        let lines: Vec<&str> = folded.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() <= 50), "{folded}");
        let line = |text: &str, money: &str| format!(" {text:<38}   {money:>7} ");
        assert_eq!(lines[2], line("one two three four five six seven", "1234.56"));
        assert_eq!(lines[3..], [line("eight", ""), line("short", "0.05")]);

        let rule = "─".repeat(10);
        assert_eq!(
            shown(Some(27)),
            format!(
                "─ row 1 {rule}\n name    {long}\n money   1234.56\n─ row 2 {rule}\n name    short\n money   0.05\n"
            )
        );
    }

    #[test]
    fn words_are_not_cut() {
        let named = batch(vec!["a table_of_a_long_name", "b"], vec![1, 2]);
        for (room, is_beside) in [(32, true), (31, true), (30, true), (29, false)] {
            let mut rows = Rows::within(&named.schema(), Some(room));
            rows.take(&named).unwrap();
            let shown = rows.end();
            assert!(shown.contains("table_of_a_long_name"), "{shown}");
            assert_eq!(!shown.contains(" row 1 "), is_beside, "{room}: {shown}");
            assert!(!is_beside || shown.lines().all(|line| line.chars().count() <= usize::from(room)), "{shown}");
        }
    }

    #[test]
    fn blocks_that_follow_stand_as_the_first_one() {
        let first = batch(vec!["a name that is long"; HELD_MAX], vec![123_456; HELD_MAX]);
        let folded = format!(" {:<18}     -0.05", "b");
        for (room, last) in [(30, folded.as_str()), (20, " money   -0.05")] {
            let mut rows = Rows::within(&first.schema(), Some(room));
            rows.take(&first).unwrap().unwrap();
            rows.take(&batch(vec!["b"], vec![-5])).unwrap();
            let rest = rows.end();
            assert_eq!(rest.lines().last().map(str::trim_end), Some(last), "{rest}");
        }
    }
}
