//! Whether figures changed since a report first told them.

use super::{Monthly, ToldMonth};
use crate::{Column, Note, Row, Section, Table, Value};
use std::collections::BTreeMap;

/// More changes than this are for a program: the newest are shown.
const SHOWN: usize = 60;

/// A figure of a month, as it was told.
type Told = fn(&ToldMonth) -> Value;

/// A figure that is kept: its name for people.
const FIGURES: [(&str, Told); 6] = [
    ("Net sales", |told| Value::Money(i128::from(told.gross) + i128::from(told.returned))),
    ("Gross sales", |told| Value::Money(i128::from(told.gross))),
    ("Returns", |told| Value::Money(i128::from(told.returned))),
    ("Number of sales", |told| Value::Count(told.sales)),
    ("Units", |told| Value::Count(told.units)),
    ("Incentives", |told| Value::Money(i128::from(told.incentive))),
];

/// Two versions of a store's month that follow each other.
fn steps(told: &[ToldMonth]) -> Vec<(&ToldMonth, &ToldMonth)> {
    let mut stores: BTreeMap<i32, Vec<&ToldMonth>> = BTreeMap::new();
    for version in told {
        stores.entry(version.store).or_default().push(version);
    }
    let mut steps = Vec::new();
    for versions in stores.values_mut() {
        versions.sort_by_key(|version| version.version);
        steps.extend(versions.windows(2).map(|pair| (pair[0], pair[1])));
    }
    // The newest first; a stable sort keeps stores in order.
    steps.sort_by_key(|(_, after)| std::cmp::Reverse(after.made));
    steps
}

/// What a reader should know before the figures.
pub(super) fn in_short(report: &Monthly) -> Option<Note> {
    let told = report.told.as_ref()?;
    let stores: std::collections::BTreeSet<i32> = steps(told).iter().map(|(_, after)| after.store).collect();
    if stores.is_empty() {
        return None;
    }
    let of = if stores.len() == 1 { "1 store".to_owned() } else { format!("{} stores", stores.len()) };
    Some(Note::warning(format!(
        "Figures of {of} have changed since this report was first made: see the section on changes."
    )))
}

pub(super) fn section(report: &Monthly) -> Section {
    let section = Section::new("changes", "Changes since the report was first made");
    let Some(told) = &report.told else {
        return section.with(Note::plain(
            "The month is not over: changes are told of months that are, from their first report on.",
        ));
    };
    let steps = steps(told);
    let first = told.iter().map(|version| version.made).min();
    if steps.is_empty() {
        let since = first.map_or_else(String::new, |first| format!(", on {}", first.format("%-d %B %Y at %H:%M %Z")));
        return section.with(Note::good(format!("No figure has changed since this report was first made{since}.")));
    }
    let columns = vec![
        Column::numbers("store", "Store"),
        Column::words("figure", "Figure"),
        Column::numbers("before", "Before"),
        Column::numbers("after", "After"),
        Column::numbers("difference", "Difference"),
        Column::words("found", "Found by the report of"),
        Column::words("before_found", "Told before by that of"),
        Column::words("batch", "Newest batch"),
    ];
    let mut table = Table::new("changes", "Figures that changed", columns, "No figure has changed.");
    let mut more = 0;
    for (before, after) in steps {
        for (label, figure) in FIGURES {
            let (old, new) = (figure(before), figure(after));
            if old == new {
                continue;
            }
            if table.rows.len() >= SHOWN {
                more += 1;
                continue;
            }
            let made = |told: &ToldMonth| Value::text(told.made.format("%Y-%m-%d %H:%M %Z").to_string());
            table.rows.push(Row::new(vec![
                Value::Id(i64::from(after.store)),
                Value::text(label),
                old.clone(),
                new.clone(),
                difference(&old, &new),
                made(after),
                made(before),
                after.batch.map_or(Value::Missing, Value::Id),
            ]));
        }
    }
    let section = section.with(table);
    match more {
        0 => section,
        more => section
            .with(Note::plain(format!("{more} older changes are not shown. A report of one store shows its own."))),
    }
}

fn difference(before: &Value, after: &Value) -> Value {
    match (before, after) {
        (Value::Money(before), Value::Money(after)) => Value::Money(after - before),
        (Value::Count(before), Value::Count(after)) => Value::Count(after - before),
        _ => Value::Missing,
    }
}
