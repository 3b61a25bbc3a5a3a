//! The monthly report as a document.

use super::spans::label;
use super::{MonthSold, Monthly, MonthsSold, StoreMonths, changes, coupons, customers, team};
use crate::daily::{Sold, sold};
use crate::{Change, Chart, ChartKind, Column, Document, Figure, Note, Row, Section, Series, Table, Value};
use chrono::{Datelike, NaiveDate};

/// Makes the document.
#[must_use]
pub fn monthly(report: &Monthly) -> Document {
    let of = report.store.map_or_else(String::new, |store| format!(", store {store}"));
    let mut sections = vec![the_month(report)];
    if report.store.is_none() {
        sections.push(stores(report));
    }
    sections.extend([days(report), team::section(report)]);
    sections.extend(report.customers.as_ref().map(|customers| customers::section(report, customers)));
    sections.extend(report.coupons.as_ref().map(|issued| coupons::section(report, issued)));
    sections.push(changes::section(report));
    Document {
        kind: "monthly".to_owned(),
        title: format!("Monthly report, {}{of}", label(report.spans.month, report.spans.is_over)),
        about: report.about.clone(),
        sections,
    }
}

/// A figure's name, its label, and how it follows from sums.
type Measure = (&'static str, &'static str, fn(&MonthSold) -> Value);

const MEASURES: [Measure; 9] = [
    ("net_sales", "Net sales", |month| month.sold.net()),
    ("gross_sales", "Gross sales", |month| Value::Money(month.sold.gross)),
    ("returns", "Returns", |month| Value::Money(month.sold.returned)),
    ("sales", "Number of sales", |month| Value::Count(month.sold.sales)),
    ("returned_sales", "Number of returns", |month| Value::Count(month.sold.return_rows)),
    ("units", "Units", |month| month.sold.units()),
    ("average_sale", "Average sale", |month| month.sold.average_sale()),
    ("anonymous_sales_share", "Sales without a customer", |month| month.sold.anonymous_share()),
    ("anonymous_net_share", "Net sales without a customer", |month| {
        Value::Money(month.anonymous_net).share_of(&month.sold.net())
    }),
];

fn told(month: Option<MonthSold>, measure: fn(&MonthSold) -> Value) -> Value {
    month.map_or(Value::Missing, |month| measure(&month))
}

fn the_month(report: &Monthly) -> Section {
    let (all, spans) = (&report.all, &report.spans);
    let figure = |(name, label_of, measure): Measure| {
        Figure::new(name, sold::label(label_of, report.of_baskets), told(Some(all.month.unwrap_or_default()), measure))
            .compared("month_before", label(spans.before, spans.is_over), told(all.before, measure))
            .compared("year_before", label(spans.year_before, spans.is_over), told(all.year_before, measure))
    };
    let mut section = Section::new("month", "The month");
    if !spans.is_over {
        section = section.with(Note::warning(format!(
            "The month is not over. Its figures are those up to {}, and are compared with the other months to the same day.",
            spans.month.last.format("%-d %B")
        )));
    }
    if let Some(note) = changes::in_short(report) {
        section = section.with(note);
    }
    section.with(MEASURES.map(figure).to_vec())
}

fn stores(report: &Monthly) -> Section {
    let columns = vec![
        Column::numbers("store", "Store"),
        Column::words("manager", "Manager"),
        Column::numbers("net_sales", "Net sales"),
        Column::numbers("change_month_before", "to month before"),
        Column::numbers("change_year_before", "to year before"),
        Column::numbers("gross_sales", "Gross"),
        Column::numbers("returns", "Returns"),
        Column::numbers("sales", sold::label("Sales", report.of_baskets)),
        Column::numbers("units", "Units"),
        Column::numbers("average_sale", "Average"),
        Column::numbers("anonymous_sales_share", "No customer"),
    ];
    let mut table = Table::new(
        "stores",
        format!("Stores in {}", label(report.spans.month, report.spans.is_over)),
        columns,
        "No store sold anything in any of the months compared.",
    );
    let line = |store: Value, manager: Value, sold: &MonthsSold| {
        let month = Some(sold.month.unwrap_or_default());
        let net = |month: Option<MonthSold>| told(month, MEASURES[0].2);
        let changed = |then: Option<MonthSold>| Value::Change(Change::between(&net(month), &net(then)));
        let mut values = vec![store, manager, net(month), changed(sold.before), changed(sold.year_before)];
        values.extend([1, 2, 3, 5, 6, 7].map(|measure: usize| told(month, MEASURES[measure].2)));
        values
    };
    for StoreMonths { store, manager, sold } in &report.stores {
        let manager = manager.clone().map_or(Value::Missing, Value::Text);
        table.rows.push(Row::new(line(Value::Id(i64::from(*store)), manager, sold)));
    }
    if report.stores.len() > 1 {
        table.rows.push(Row::total(line(Value::text("All"), Value::Missing, &report.all)));
    }
    Section::new("stores", "Stores").with(table)
}

/// The month day by day, above the month before.
fn days(report: &Monthly) -> Section {
    let (month, before) = (report.spans.month, report.spans.before);
    let net = |day: Option<NaiveDate>| {
        let sold = day.and_then(|day| report.days.get(&day));
        sold.map_or(Value::Missing, Sold::net)
    };
    let numbers = 1..=month.last.day().max(before.last.day());
    let of = |first: NaiveDate, last: NaiveDate| -> Vec<Value> {
        numbers.clone().map(|number| net(first.with_day(number).filter(|day| *day <= last))).collect()
    };
    let section = Section::new("days", "Day by day");
    let within = || report.days.iter().filter(|(day, _)| **day >= month.first && **day <= month.last);
    let Some((best, sold)) = within().max_by_key(|(day, sold)| (sold.net_cents(), std::cmp::Reverse(**day))) else {
        return section.with(Note::plain("No sale of this month has landed."));
    };
    let chart = Chart {
        name: "net_sales_by_day".to_owned(),
        title: "Net sales by day of the month".to_owned(),
        alternative: format!(
            "Lines of net sales by day. The best day was {} with {}. The table has every figure.",
            best.format("%A %-d %B"),
            crate::render::shown(&sold.net())
        ),
        kind: ChartKind::Lines,
        labels: numbers.clone().map(|number| number.to_string()).collect(),
        series: vec![
            Series::new("month", month.first.format("%B %Y").to_string(), of(month.first, month.last)),
            Series::new("month_before", before.first.format("%B %Y").to_string(), of(before.first, before.last)),
        ],
    };
    let columns = vec![
        Column::words("day", "Day"),
        Column::words("weekday", "Weekday"),
        Column::numbers("net_sales", "Net sales"),
        Column::numbers("gross_sales", "Gross"),
        Column::numbers("returns", "Returns"),
        Column::numbers("sales", sold::label("Sales", report.of_baskets)),
        Column::numbers("units", "Units"),
    ];
    let mut table = Table::new("days", "Days of the month", columns, "No sale of this month has landed.");
    for (day, sold) in within() {
        table.rows.push(Row::new(vec![
            Value::Day(*day),
            Value::text(day.format("%A").to_string()),
            sold.net(),
            Value::Money(sold.gross),
            Value::Money(sold.returned),
            Value::Count(sold.sales),
            sold.units(),
        ]));
    }
    section.with(chart).with(table)
}
