//! Short ways to make the pieces of a document, and the one way to compare two figures.

use crate::document::{
    Align, Change, Column, Comparison, Fact, Figure, Note, Part, Row, Section, Series, Table, Tone, Value,
};
use tillmart_model::money::divide_half_away;

/// Fraction digits of a share: millionths.
const SHARE_SCALE: u32 = 6;

impl Value {
    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// What share of `whole` this is, in millionths, rounded half away from zero; [`Value::Missing`] where there is no whole,
    /// or one of zero or less, or either is no number.
    #[must_use]
    pub fn share_of(&self, whole: &Self) -> Self {
        match (self.scaled(), whole.scaled()) {
            (Some(part), Some(whole)) => ratio(part, whole).map_or(Self::Missing, Self::Share),
            _ => Self::Missing,
        }
    }

    /// A number as unscaled digits and how many of them are fraction digits; `None` for what is no number.
    pub(crate) fn scaled(&self) -> Option<(i128, u32)> {
        match self {
            Self::Money(cents) => Some((*cents, 2)),
            Self::Count(count) => Some((i128::from(*count), 0)),
            Self::Decimal(unscaled, scale) => Some((*unscaled, u32::from(*scale))),
            Self::Share(millionths) | Self::Change(Change::Share(millionths) | Change::Points(millionths)) => {
                Some((i128::from(*millionths), SHARE_SCALE))
            }
            Self::Change(Change::None)
            | Self::Id(_)
            | Self::Text(_)
            | Self::Day(_)
            | Self::Month(_)
            | Self::Missing => None,
        }
    }
}

impl Change {
    /// The change from `then` to `now`: points between two shares, else the share of the figure then, rounded half away from
    /// zero. [`Change::None`] where either is missing, where `then` was zero or less, and where it would be too large to tell.
    #[must_use]
    pub fn between(now: &Value, then: &Value) -> Self {
        if let (Value::Share(now), Value::Share(then)) = (now, then) {
            return now.checked_sub(*then).map_or(Self::None, Self::Points);
        }
        let (Some(now), Some(then)) = (now.scaled(), then.scaled()) else { return Self::None };
        let scale = now.1.max(then.1);
        let whole = |(unscaled, own): (i128, u32)| times_ten_to(unscaled, scale - own);
        let difference = whole(now).zip(whole(then)).and_then(|(now, then)| now.checked_sub(then));
        difference.and_then(|difference| ratio((difference, scale), then)).map_or(Self::None, Self::Share)
    }
}

/// `part / whole` in millionths, if the whole is more than zero.
fn ratio(part: (i128, u32), whole: (i128, u32)) -> Option<i64> {
    let dividend = times_ten_to(part.0, SHARE_SCALE + whole.1)?;
    let divisor = times_ten_to(whole.0, part.1)?;
    if divisor <= 0 { None } else { i64::try_from(divide_half_away(dividend, divisor)).ok() }
}

fn times_ten_to(unscaled: i128, power: u32) -> Option<i128> {
    unscaled.checked_mul(10_i128.checked_pow(power)?)
}

impl Fact {
    /// Something told about the report.
    pub fn new(name: &str, label: &str, value: Value) -> Self {
        Self { name: name.to_owned(), label: label.to_owned(), value }
    }
}

impl Section {
    /// A section without parts yet.
    pub fn new(name: &str, title: impl Into<String>) -> Self {
        Self { name: name.to_owned(), title: title.into(), parts: Vec::new() }
    }

    /// The section with one more part.
    #[must_use]
    pub fn with(mut self, part: impl Into<Part>) -> Self {
        self.parts.push(part.into());
        self
    }
}

impl Figure {
    /// A figure that is compared to nothing yet.
    pub fn new(name: &str, label: &str, value: Value) -> Self {
        Self { name: name.to_owned(), label: label.to_owned(), value, comparisons: Vec::new() }
    }

    /// The figure, compared to what it was at another time.
    #[must_use]
    pub fn compared(mut self, name: &str, label: impl Into<String>, then: Value) -> Self {
        let change = Change::between(&self.value, &then);
        self.comparisons.push(Comparison { name: name.to_owned(), label: label.into(), value: then, change });
        self
    }
}

impl Table {
    /// A table without rows yet; `empty` is said if it gets none.
    pub fn new(name: &str, title: impl Into<String>, columns: Vec<Column>, empty: impl Into<String>) -> Self {
        Self { name: name.to_owned(), title: title.into(), columns, rows: Vec::new(), empty: empty.into() }
    }
}

impl Column {
    /// A column of words.
    pub fn words(name: &str, label: impl Into<String>) -> Self {
        Self { name: name.to_owned(), label: label.into(), align: Align::Left }
    }

    /// A column of numbers.
    pub fn numbers(name: &str, label: impl Into<String>) -> Self {
        Self { name: name.to_owned(), label: label.into(), align: Align::Right }
    }
}

impl Row {
    /// A row.
    pub fn new(values: Vec<Value>) -> Self {
        Self { values, is_total: false }
    }

    /// A row that sums up the others.
    pub fn total(values: Vec<Value>) -> Self {
        Self { values, is_total: true }
    }
}

impl Series {
    /// Values of a chart.
    pub fn new(name: &str, label: impl Into<String>, values: Vec<Value>) -> Self {
        Self { name: name.to_owned(), label: label.into(), values }
    }
}

impl Note {
    /// To be known.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { tone: Tone::Plain, text: text.into() }
    }

    /// All is as it should be.
    pub fn good(text: impl Into<String>) -> Self {
        Self { tone: Tone::Good, text: text.into() }
    }

    /// Somebody should look into it.
    pub fn warning(text: impl Into<String>) -> Self {
        Self { tone: Tone::Warning, text: text.into() }
    }
}

impl From<Vec<Figure>> for Part {
    fn from(figures: Vec<Figure>) -> Self {
        Self::Figures(figures)
    }
}

impl From<Table> for Part {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}

impl From<crate::document::Chart> for Part {
    fn from(chart: crate::document::Chart) -> Self {
        Self::Chart(chart)
    }
}

impl From<Note> for Part {
    fn from(note: Note) -> Self {
        Self::Note(note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_exact_and_told_only_where_there_is_something_to_compare_with() {
        let money = Value::Money;
        assert_eq!(Change::between(&money(11_000), &money(10_000)), Change::Share(100_000));
        assert_eq!(Change::between(&money(0), &money(10_000)), Change::Share(-1_000_000));
        assert_eq!(
            Change::between(&money(-5_000), &money(10_000)),
            Change::Share(-1_500_000),
            "returns took it below zero"
        );
        assert_eq!(Change::between(&money(200), &money(300)), Change::Share(-333_333), "rounded half away");
        assert_eq!(Change::between(&Value::Count(5), &Value::Count(0)), Change::None);
        assert_eq!(Change::between(&money(5), &money(-5)), Change::None, "a share of a loss says nothing");
        assert_eq!(Change::between(&Value::Missing, &money(5)), Change::None);
        assert_eq!(Change::between(&money(5), &Value::Missing), Change::None);
        assert_eq!(Change::between(&Value::Share(150_000), &Value::Share(120_000)), Change::Points(30_000));
        assert_eq!(Change::between(&Value::Decimal(1_500, 3), &Value::Decimal(12, 1)), Change::Share(250_000));
        assert_eq!(Change::between(&money(i128::MAX), &money(1)), Change::None, "too large to tell");
        assert_eq!(Change::between(&Value::Decimal(1, 255), &money(1)), Change::None);
        assert_eq!(Change::between(&Value::text("a"), &Value::text("b")), Change::None);
    }

    #[test]
    fn shares_are_rounded_half_away_and_missing_without_a_whole() {
        assert_eq!(Value::Money(1).share_of(&Value::Money(3)), Value::Share(333_333));
        assert_eq!(Value::Count(2).share_of(&Value::Count(3)), Value::Share(666_667));
        assert_eq!(Value::Count(2).share_of(&Value::Count(0)), Value::Missing);
        assert_eq!(Value::Missing.share_of(&Value::Count(1)), Value::Missing);
    }
}
