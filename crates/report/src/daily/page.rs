//! The daily report as a document.

use super::periods::{day_label, span_label};
use super::{Compared, Daily, Sold, StoreSold, lists, off_list, sold, watch};
use crate::{Change, Chart, ChartKind, Column, Document, Figure, Note, Row, Section, Series, Table, Value};

/// Stores that a chart shows; more would be too thin to read.
const STORES_CHARTED: usize = 20;

/// Makes the document.
pub fn daily(report: &Daily) -> Document {
    let of = report.store.map_or_else(String::new, |store| format!(", store {store}"));
    let mut sections = vec![the_day(report), the_month(report), watch::section(report)];
    if report.store.is_none() {
        sections.push(stores(report));
    }
    sections.extend([weeks(report), lists::products(report), lists::persons(report), off_list::section(report)]);
    Document {
        kind: "daily".to_owned(),
        title: format!("Daily report, {}{of}", report.periods.day.format("%A %-d %B %Y")),
        about: report.about.clone(),
        sections,
    }
}

/// A figure's name, its label, and how it follows from sums.
type Measure = (&'static str, &'static str, fn(&Sold) -> Value);

const MEASURES: [Measure; 9] = [
    ("net_sales", "Net sales", Sold::net),
    ("gross_sales", "Gross sales", |sold| Value::Money(sold.gross)),
    ("returns", "Returns", |sold| Value::Money(sold.returned)),
    ("sales", "Number of sales", |sold| Value::Count(sold.sales)),
    ("returned_sales", "Number of returns", |sold| Value::Count(sold.return_rows)),
    ("units", "Units", Sold::units),
    ("average_sale", "Average sale", Sold::average_sale),
    ("units_per_sale", "Units per sale", Sold::units_per_sale),
    ("anonymous_share", "Sales without a customer", Sold::anonymous_share),
];

fn told(sold: Option<Sold>, measure: fn(&Sold) -> Value) -> Value {
    sold.map_or(Value::Missing, |sold| measure(&sold))
}

fn the_day(report: &Daily) -> Section {
    let (all, periods) = (&report.all, &report.periods);
    let mut section = Section::new("day", "The day");
    for note in watch::in_short(report) {
        section = section.with(note);
    }
    // A day of which nothing landed has no average; its sums are zero, and are told so.
    let day = Some(all.day.unwrap_or_default());
    let figure = |(name, label, measure): Measure| {
        let figure = Figure::new(name, sold::label(label, report.of_baskets), told(day, measure));
        figure.compared("last_week", day_label(periods.last_week), told(all.last_week, measure))
    };
    section.with(MEASURES.map(figure).to_vec())
}

fn the_month(report: &Daily) -> Section {
    let (all, periods) = (&report.all, &report.periods);
    let figure = |(name, label, measure): Measure| {
        Figure::new(name, sold::label(label, report.of_baskets), told(Some(all.month.unwrap_or_default()), measure))
            .compared("month_before", span_label(periods.month_before), told(all.month_before, measure))
            .compared("year_before", span_label(periods.year_before), told(all.year_before, measure))
    };
    Section::new("month", format!("The month so far, {}", span_label(periods.month)))
        .with(MEASURES.map(figure).to_vec())
}

fn stores(report: &Daily) -> Section {
    let label = |label| sold::label(label, report.of_baskets);
    let columns = vec![
        Column::numbers("store", "Store"),
        Column::words("manager", "Manager"),
        Column::numbers("net_sales", "Net sales"),
        Column::numbers("change_last_week", "to last week"),
        Column::numbers("gross_sales", "Gross"),
        Column::numbers("returns", "Returns"),
        Column::numbers("sales", label("Sales")),
        Column::numbers("units", "Units"),
        Column::numbers("average_sale", "Average"),
        Column::numbers("units_per_sale", label("Units per sale")),
        Column::numbers("anonymous_share", "No customer"),
        Column::numbers("month_net_sales", "Month so far"),
        Column::numbers("change_month_before", "to month before"),
        Column::numbers("change_year_before", "to year before"),
    ];
    let title = format!("Stores on {}", day_label(report.periods.day));
    let mut table = Table::new("stores", title, columns, "No store sold anything in any of the periods compared.");
    let line = |store: Value, manager: Value, sold: &Compared| {
        let day = Some(sold.day.unwrap_or_default());
        let net = |sold: Option<Sold>| told(sold, Sold::net);
        let month = net(Some(sold.month.unwrap_or_default()));
        let mut values = vec![store, manager, net(day), changed(&net(day), &net(sold.last_week))];
        values.extend([1, 2, 3, 5, 6, 7, 8].map(|measure: usize| told(day, MEASURES[measure].2)));
        let (before, year) = (net(sold.month_before), net(sold.year_before));
        values.extend([month.clone(), changed(&month, &before), changed(&month, &year)]);
        values
    };
    for StoreSold { store, manager, sold } in &report.stores {
        let manager = manager.clone().map_or(Value::Missing, Value::Text);
        table.rows.push(Row::new(line(Value::Id(i64::from(*store)), manager, sold)));
    }
    if report.stores.len() > 1 {
        table.rows.push(Row::total(line(Value::text("All"), Value::Missing, &report.all)));
    }
    let section = Section::new("stores", "Stores").with(table);
    match store_chart(report) {
        Some(chart) => section.with(chart),
        None => section,
    }
}

fn changed(now: &Value, then: &Value) -> Value {
    Value::Change(Change::between(now, then))
}

/// Net sales of the best stores; none for a single one.
fn store_chart(report: &Daily) -> Option<Chart> {
    let mut sold: Vec<(i32, i128)> =
        report.stores.iter().filter_map(|store| store.sold.day.map(|sold| (store.store, sold.net_cents()))).collect();
    if sold.len() < 2 {
        return None;
    }
    sold.sort_by_key(|(store, cents)| (-cents, *store));
    let all = sold.len();
    sold.truncate(STORES_CHARTED);
    let title = match all > STORES_CHARTED {
        true => format!("Net sales of the day: the best {STORES_CHARTED} of {all} stores"),
        false => "Net sales of the day by store".to_owned(),
    };
    let (best, least) = (sold.first()?.0, sold.last()?.0);
    Some(Chart {
        name: "store_net_sales".to_owned(),
        title,
        alternative: format!(
            "Bars of net sales, from store {best} with the most to store {least}; the table has every figure."
        ),
        kind: ChartKind::Bars,
        labels: sold.iter().map(|(store, _)| format!("Store {store}")).collect(),
        series: vec![Series::new(
            "net_sales",
            "Net sales",
            sold.iter().map(|(_, cents)| Value::Money(*cents)).collect(),
        )],
    })
}

fn weeks(report: &Daily) -> Section {
    let span = report.periods.weeks;
    let days: Vec<_> = span.first.iter_days().take_while(|day| *day <= span.last).collect();
    let net: Vec<Value> = days.iter().map(|day| told(report.days.get(day).copied(), Sold::net)).collect();
    let columns = vec![
        Column::words("day", "Day"),
        Column::numbers("net_sales", "Net sales"),
        Column::numbers("sales", sold::label("Sales", report.of_baskets)),
    ];
    let mut table = Table::new("days", "Net sales by day", columns, "Nothing was sold in these weeks.");
    for (day, sold) in &report.days {
        table.rows.push(Row::new(vec![Value::Day(*day), sold.net(), Value::Count(sold.sales)]));
    }
    let best = report.days.iter().max_by_key(|(day, sold)| (sold.net_cents(), std::cmp::Reverse(**day)));
    let section = Section::new("weeks", "The last weeks");
    let Some((best, _)) = best else {
        return section.with(Note::plain("No sale of these weeks has landed."));
    };
    let alternative = format!(
        "A line of net sales by day, {} to {}; {} was the best. The table has every figure.",
        day_label(span.first),
        day_label(span.last),
        day_label(*best)
    );
    let chart = Chart {
        name: "net_sales_by_day".to_owned(),
        title: "Net sales by day".to_owned(),
        alternative,
        kind: ChartKind::Lines,
        labels: days.iter().map(|day| day.format("%-d %b").to_string()).collect(),
        series: vec![Series::new("net_sales", "Net sales", net)],
    };
    section.with(chart).with(table)
}
