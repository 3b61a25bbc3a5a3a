//! The products and sales persons of a daily report.

use super::periods::day_label;
use super::{Daily, Sold, Top};
use crate::{Column, Note, Row, Section, Table, Value};

/// The title of a list: how many of how many there are in it.
pub(super) fn title<T>(what: &str, top: &Top<T>) -> String {
    match i64::try_from(top.first.len()) {
        Ok(shown) if shown < top.of => format!("{what}: the first {shown} of {}", top.of),
        _ => what.to_owned(),
    }
}

fn sums(sold: &Sold) -> [Value; 4] {
    [sold.net(), Value::Money(sold.returned), Value::Count(sold.sales), sold.units()]
}

/// A basket may hold several products, and be of several persons: theirs are its rows.
fn columns(report: &Daily, first: Vec<Column>) -> Vec<Column> {
    let sales = if report.of_baskets { "Rows sold" } else { "Sales" };
    let mut columns = first;
    columns.extend([
        Column::numbers("net_sales", "Net sales"),
        Column::numbers("returns", "Returns"),
        Column::numbers("sales", sales),
        Column::numbers("units", "Units"),
    ]);
    columns
}

/// Top products, and those that were sold after their expiry date.
pub(super) fn products(report: &Daily) -> Section {
    let day = day_label(report.periods.day);
    let mut named = columns(report, vec![Column::words("product", "Product")]);
    named.push(Column::numbers("share", "Share of net"));
    let all = report.all.day.map_or(Value::Missing, |sold| sold.net());
    let mut top = Table::new(
        "products",
        title("Products by net sales", &report.products),
        named,
        format!("No product was sold on {day}."),
    );
    for product in &report.products.first {
        let mut values = vec![Value::text(&product.name)];
        values.extend(sums(&product.sold));
        values.push(product.sold.net().share_of(&all));
        top.rows.push(Row::new(values));
    }
    let mut expired = Table::new(
        "expired_products",
        title("Sold after their expiry date", &report.expired),
        columns(report, vec![Column::words("product", "Product"), Column::words("expired", "Expired on")]),
        "No product was sold after its expiry date.",
    );
    for product in &report.expired.first {
        let mut values = vec![Value::text(&product.name), Value::Day(product.expired)];
        values.extend(sums(&product.sold));
        expired.rows.push(Row::new(values));
    }
    let section = Section::new("products", "Products").with(top);
    let section = match report.expired.of {
        0 => section,
        count => section.with(Note::warning(format!(
            "{} after the expiry date that the product table names.",
            if count == 1 { "1 product was sold".to_owned() } else { format!("{count} products were sold") }
        ))),
    };
    section.with(expired)
}

/// Top sales persons.
pub(super) fn persons(report: &Daily) -> Section {
    let mut table = Table::new(
        "sales_persons",
        title("Sales persons by net sales", &report.persons),
        columns(
            report,
            vec![
                Column::numbers("sales_person", "Number"),
                Column::words("name", "Name"),
                Column::numbers("store", "Store"),
            ],
        ),
        format!("Nobody sold anything on {}.", day_label(report.periods.day)),
    );
    for person in &report.persons.first {
        let name = person.name.clone().map_or(Value::Missing, Value::Text);
        let mut values = vec![Value::Id(person.person), name, Value::Id(i64::from(person.store))];
        values.extend(sums(&person.sold));
        table.rows.push(Row::new(values));
    }
    Section::new("sales_persons", "Sales persons").with(table)
}
