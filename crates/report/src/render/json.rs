//! One object, for programs. Its shape is documented in docs/reports.md and does not change within a version of it.

use super::words::plain;
use crate::document::{Change, Chart, Document, Figure, Note, Part, Row, Section, Table, Tone, Value};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// The version of the shape: a program that finds another one should stop and say so. New members do not change it.
const SHAPE: u32 = 1;

/// The document as an object, with two blanks a level.
pub(super) fn object(document: &Document) -> String {
    #[expect(clippy::expect_used, reason = "every key is text and no value can fail")]
    let text = serde_json::to_string_pretty(&Whole(document)).expect("a document as JSON");
    text + "\n"
}

/// Members in the order of the report, which a map of serde_json would sort by name.
struct Members<F>(F);

impl<K: Serialize, V: Serialize, I: Iterator<Item = (K, V)>, F: Fn() -> I> Serialize for Members<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map((self.0)())
    }
}

/// Items in order.
struct Items<F>(F);

impl<V: Serialize, I: Iterator<Item = V>, F: Fn() -> I> Serialize for Items<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

struct Whole<'a>(&'a Document);

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let document = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("report", &document.kind)?;
        map.serialize_entry("shape", &SHAPE)?;
        map.serialize_entry("title", &document.title)?;
        let about = Members(|| document.about.iter().map(|fact| (&fact.name, Exact(&fact.value))));
        map.serialize_entry("about", &about)?;
        let sections = Members(|| document.sections.iter().map(|section| (&section.name, Chapter(section))));
        map.serialize_entry("sections", &sections)?;
        map.end()
    }
}

struct Chapter<'a>(&'a Section);

impl Serialize for Chapter<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parts = &self.0.parts;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("title", &self.0.title)?;
        let figures = || {
            parts
                .iter()
                .filter_map(|part| if let Part::Figures(figures) = part { Some(figures) } else { None })
                .flatten()
        };
        map.serialize_entry("figures", &Members(|| figures().map(|figure| (&figure.name, One(figure)))))?;
        let tables = || parts.iter().filter_map(|part| if let Part::Table(table) = part { Some(table) } else { None });
        map.serialize_entry("tables", &Members(|| tables().map(|table| (&table.name, Grid(table)))))?;
        let charts = || parts.iter().filter_map(|part| if let Part::Chart(chart) = part { Some(chart) } else { None });
        map.serialize_entry("charts", &Members(|| charts().map(|chart| (&chart.name, Picture(chart)))))?;
        let notes = || parts.iter().filter_map(|part| if let Part::Note(note) = part { Some(note) } else { None });
        map.serialize_entry("notes", &Items(|| notes().map(Said)))?;
        map.end()
    }
}

struct One<'a>(&'a Figure);

impl Serialize for One<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("label", &self.0.label)?;
        map.serialize_entry("value", &Exact(&self.0.value))?;
        let compared = Members(|| self.0.comparisons.iter().map(|other| (&other.name, Then(other))));
        map.serialize_entry("compared", &compared)?;
        map.end()
    }
}

struct Then<'a>(&'a crate::document::Comparison);

impl Serialize for Then<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("label", &self.0.label)?;
        map.serialize_entry("value", &Exact(&self.0.value))?;
        map.serialize_entry("change", &Exact(&Value::Change(self.0.change)))?;
        map.end()
    }
}

struct Grid<'a>(&'a Table);

impl Serialize for Grid<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let table = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("title", &table.title)?;
        map.serialize_entry("columns", &Members(|| table.columns.iter().map(|column| (&column.name, &column.label))))?;
        let rows = |totals: bool| {
            Items(move || {
                let rows = table.rows.iter().filter(move |row| row.is_total == totals);
                rows.map(|row| Line { table, row })
            })
        };
        map.serialize_entry("rows", &rows(false))?;
        map.serialize_entry("totals", &rows(true))?;
        map.end()
    }
}

struct Line<'a> {
    table: &'a Table,
    row: &'a Row,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cells = self.table.columns.iter().zip(&self.row.values);
        serializer.collect_map(cells.map(|(column, value)| (&column.name, Exact(value))))
    }
}

struct Picture<'a>(&'a Chart);

impl Serialize for Picture<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let chart = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("title", &chart.title)?;
        map.serialize_entry("alternative", &chart.alternative)?;
        map.serialize_entry("labels", &chart.labels)?;
        let series = || chart.series.iter();
        map.serialize_entry(
            "series",
            &Members(|| series().map(|one| (&one.name, Items(|| one.values.iter().map(Exact))))),
        )?;
        map.end()
    }
}

struct Said<'a>(&'a Note);

impl Serialize for Said<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        let tone = match self.0.tone {
            Tone::Plain => "plain",
            Tone::Good => "good",
            Tone::Warning => "warning",
        };
        map.serialize_entry("tone", tone)?;
        map.serialize_entry("text", &self.0.text)?;
        map.end()
    }
}

/// A value that no reader can round: counts and ids are numbers, everything with a fraction is text, and what is missing is null.
struct Exact<'a>(&'a Value);

impl Serialize for Exact<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Missing | Value::Change(Change::None) => serializer.serialize_none(),
            Value::Count(number) | Value::Id(number) => serializer.serialize_i64(*number),
            other => serializer.serialize_str(&plain(other)),
        }
    }
}
