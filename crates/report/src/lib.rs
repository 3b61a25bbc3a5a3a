//! What people act on: a report as a document, and the document in every format that people and programs read.
//!
//! A report is built once, as a [`Document`]; every format shows the same document, so that no two of them can differ in a figure.
//! Pure: figures come in, text goes out.

mod build;
pub mod daily;
mod document;
mod incentives;
pub mod monthly;
mod render;

pub use document::{
    Align, Change, Chart, ChartKind, Column, Comparison, Document, Fact, Figure, Note, Part, Row, Section, Series,
    Table, Tone, Value,
};
pub use incentives::{IncentiveLine, Incentives};
pub use render::{Format, Look, UnknownFormat, render};
