//! One flat table, for spreadsheets and programs. Its shape is documented in docs/reports.md and does not change within a version.

use super::words::{plain, type_name};
use crate::document::{Chart, Document, Figure, Part, Section, Table, Tone, Value};

const HEADER: [&str; 8] = ["section", "part", "name", "row", "label", "column", "type", "value"];

/// The document as rows of one value each.
pub(super) fn rows(document: &Document) -> String {
    let mut rows = Rows { writer: csv::WriterBuilder::new().from_writer(Vec::new()) };
    rows.put(HEADER);
    let about = |rows: &mut Rows, name: &str, label: &str, value: &Value| {
        rows.value(&Place { section: "", part: "about", name, row: "", label, column: "value" }, value);
    };
    about(&mut rows, "report", "Report", &Value::text(&document.kind));
    about(&mut rows, "title", "Title", &Value::text(&document.title));
    for fact in &document.about {
        about(&mut rows, &fact.name, &fact.label, &fact.value);
    }
    for section in &document.sections {
        rows.section(section);
    }
    rows.text()
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    section: &'a str,
    part: &'a str,
    name: &'a str,
    row: &'a str,
    label: &'a str,
    column: &'a str,
}

struct Rows {
    writer: csv::Writer<Vec<u8>>,
}

impl Rows {
    fn put(&mut self, cells: [&str; 8]) {
        #[expect(clippy::expect_used, reason = "memory takes every byte, and every row has eight cells")]
        self.writer.write_record(cells).expect("a row written to memory");
    }

    fn value(&mut self, place: &Place<'_>, value: &Value) {
        let text = plain(value);
        let text = if matches!(value, Value::Text(_) | Value::Month(_)) { harmless(&text) } else { text };
        let (label, column) = (harmless(place.label), harmless(place.column));
        self.put([place.section, place.part, place.name, place.row, &label, &column, type_name(value), &text]);
    }

    fn section(&mut self, section: &Section) {
        for part in &section.parts {
            match part {
                Part::Figures(figures) => figures.iter().for_each(|figure| self.figure(&section.name, figure)),
                Part::Table(table) => self.table(&section.name, table),
                Part::Chart(chart) => self.chart(&section.name, chart),
                Part::Note(note) => {
                    let name = match note.tone {
                        Tone::Plain => "plain",
                        Tone::Good => "good",
                        Tone::Warning => "warning",
                    };
                    let place =
                        Place { section: &section.name, part: "note", name, row: "", label: "", column: "value" };
                    self.value(&place, &Value::text(&note.text));
                }
            }
        }
    }

    fn figure(&mut self, section: &str, figure: &Figure) {
        let place =
            Place { section, part: "figure", name: &figure.name, row: "", label: &figure.label, column: "value" };
        self.value(&place, &figure.value);
        for comparison in &figure.comparisons {
            let place = Place { label: &comparison.label, column: &comparison.name, ..place };
            self.value(&place, &comparison.value);
            let column = format!("{}_change", comparison.name);
            self.value(&Place { column: &column, ..place }, &Value::Change(comparison.change));
        }
    }

    fn table(&mut self, section: &str, table: &Table) {
        let place = Place { section, part: "table", name: &table.name, row: "", label: "", column: "" };
        if table.rows.is_empty() {
            let place = Place { part: "empty", label: &table.title, column: "value", ..place };
            self.value(&place, &Value::text(&table.empty));
        }
        for (at, row) in table.rows.iter().enumerate() {
            let number = (at + 1).to_string();
            let label = row.values.first().map(plain).unwrap_or_default();
            let part = if row.is_total { "total" } else { "table" };
            for (column, value) in table.columns.iter().zip(&row.values) {
                self.value(&Place { part, row: &number, label: &label, column: &column.name, ..place }, value);
            }
        }
    }

    fn chart(&mut self, section: &str, chart: &Chart) {
        let place = Place { section, part: "chart", name: &chart.name, row: "", label: "", column: "" };
        for series in &chart.series {
            for (at, (label, value)) in chart.labels.iter().zip(&series.values).enumerate() {
                let number = (at + 1).to_string();
                self.value(&Place { row: &number, label, column: &series.name, ..place }, value);
            }
        }
    }

    fn text(self) -> String {
        #[expect(clippy::expect_used, reason = "memory takes every byte, and every cell is text")]
        let text = String::from_utf8(self.writer.into_inner().expect("memory takes all")).expect("text of texts");
        text
    }
}

/// A text that no spreadsheet takes for a formula: one that begins like a formula, blanks and quotes aside, gets an apostrophe before it.
fn harmless(text: &str) -> String {
    let begins = text.trim_start_matches([' ', '\u{a0}', '"', '\'']).chars().next();
    let formula = matches!(begins, Some('=' | '+' | '-' | '@' | '|' | '%' | '＝' | '＋' | '－' | '＠'));
    if formula || text.starts_with(['\t', '\r', '\n']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_formula() {
        for text in ["=1+1", "+1", "-2+3", "@SUM(A1)", "=cmd|'/c calc'!A0", "\t=1", "\r=1", " =1", "\"=1", "＝1", "|x"]
        {
            assert_eq!(harmless(text), format!("'{text}"), "{text:?}");
        }
        for text in ["", "1-2", "a=b", "White mug", "x@y", "5 %", "É"] {
            assert_eq!(harmless(text), text);
        }
    }
}
