//! A report before it has a format.

use chrono::NaiveDate;

/// One value of a report, exact. How it is written is the format's affair: `1,234.50` for people, `1234.50` for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Money in cents.
    Money(i128),
    /// A number of things.
    Count(i64),
    /// The number by which a thing is known: of a store, a sales person, a batch. Never summed, never set apart by thousands.
    Id(i64),
    /// A decimal number: unscaled digits and how many of them are fraction digits.
    Decimal(i128, u8),
    /// A share in millionths: 12,345 is 1.2345 %.
    Share(i64),
    /// Words.
    Text(String),
    /// A day.
    Day(NaiveDate),
    /// A month, `YYYY-MM`.
    Month(String),
    /// A change, in a table that compares; shown with sign and arrow.
    Change(Change),
    /// There is no such figure, and that is no zero: nothing was sold, or nothing is known.
    Missing,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What kind of report it is, for programs: `daily`, `monthly`, `incentives`.
    pub kind: String,
    /// Its title: `Daily report, Monday 14 November 2011`.
    pub title: String,
    /// What it is about and where it comes from: feed, store, newest batch, time of making.
    pub about: Vec<Fact>,
    /// Its sections, the most important first.
    pub sections: Vec<Section>,
}

/// Something that is told about a report as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Name for programs, in snake case; unique in the report.
    pub name: String,
    /// Label for people.
    pub label: String,
    /// What is told.
    pub value: Value,
}

/// A part of a report with a heading of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Name for programs and for links within the page, in snake case; unique in the report.
    pub name: String,
    /// Heading.
    pub title: String,
    /// What it holds.
    pub parts: Vec<Part>,
}

/// A piece of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The figures to see first, each with what it is compared to.
    Figures(Vec<Figure>),
    /// A table.
    Table(Table),
    /// A chart of figures that a table of the same report, or its text alternative, tells as well.
    Chart(Chart),
    /// A sentence to the reader.
    Note(Note),
}

/// One figure and what it is compared to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Name for programs, in snake case; unique in the section.
    pub name: String,
    /// Label for people.
    pub label: String,
    /// The figure.
    pub value: Value,
    /// The same figure of other times.
    pub comparisons: Vec<Comparison>,
}

/// The same figure of another time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Name for programs: `last_week`.
    pub name: String,
    /// What it is: `Mon 7 Nov 2011`.
    pub label: String,
    /// The figure then.
    pub value: Value,
    /// How much it changed since.
    pub change: Change,
}

/// A change between two figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Up or down by this share of the figure then, in millionths.
    Share(i64),
    /// Up or down by so many millionths, where both figures are shares themselves: from 12 % to 15 % is 3 points, 30,000.
    Points(i64),
    /// There is nothing to compare with, or the figure then was zero or less.
    None,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Name for programs, in snake case; unique in the report.
    pub name: String,
    /// Caption.
    pub title: String,
    /// Columns.
    pub columns: Vec<Column>,
    /// Rows, each with a value for every column.
    pub rows: Vec<Row>,
    /// What is said instead of a table without rows.
    pub empty: String,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name for programs, in snake case.
    pub name: String,
    /// Heading for people.
    pub label: String,
    /// Where its values stand.
    pub align: Align,
}

/// Where the values of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// A value for every column.
    pub values: Vec<Value>,
    /// A row that sums up the others.
    pub is_total: bool,
}

/// A chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// Name for programs, in snake case; unique in the report.
    pub name: String,
    /// Caption.
    pub title: String,
    /// What there is to see, in words: for who does not see it.
    pub alternative: String,
    /// Its form.
    pub kind: ChartKind,
    /// Labels along the axis.
    pub labels: Vec<String>,
    /// One or several series with a value for every label, [`Value::Missing`] where there is none.
    pub series: Vec<Series>,
}

/// The form of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartKind {
    /// Days or months along the axis.
    Lines,
    /// Upright bars.
    Columns,
    /// Lying bars, for labels of some length.
    Bars,
}

/// Values of a chart that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Name for programs, in snake case; unique in the chart.
    pub name: String,
    /// What they are.
    pub label: String,
    /// The values.
    pub values: Vec<Value>,
}

/// A sentence to the reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// How much it matters.
    pub tone: Tone,
    /// What is said.
    pub text: String,
}

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// To be known.
    Plain,
    /// All is as it should be.
    Good,
    /// Somebody should look into it.
    Warning,
}
