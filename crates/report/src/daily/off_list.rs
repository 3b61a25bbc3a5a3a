//! Sales of a day whose price was not the list price: discounts or mistakes, by store and sales person.

use super::periods::day_label;
use super::{Daily, Top};
use crate::{Column, Figure, Note, Row, Section, Table, Value};

/// What was sold off the list price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OffListSold {
    /// Sales below the list price.
    pub below_sales: i64,
    /// Sales above it.
    pub above_sales: i64,
    /// What the sales below came to, less what they would have come to at the list price, in cents: zero or less.
    pub below: i128,
    /// The same of the sales above: zero or more.
    pub above: i128,
    /// Both together. Each of the three is rounded once, so that they may differ by a cent.
    pub difference: i128,
}

/// A store's sales off the list price.
#[derive(Debug, Clone)]
pub struct OffListStore {
    /// Its number.
    pub store: i32,
    /// Its manager, where the store table names one.
    pub manager: Option<String>,
    /// What was sold.
    pub sold: OffListSold,
}

/// A sales person's sales off the list price in one store.
#[derive(Debug, Clone)]
pub struct OffListPerson {
    /// Their number.
    pub person: i64,
    /// Their name, where the sales team's table has one.
    pub name: Option<String>,
    /// The store they sold in.
    pub store: i32,
    /// What they sold.
    pub sold: OffListSold,
}

/// Sales of the day off the list price.
#[derive(Debug, Clone)]
pub struct OffList {
    /// All of them.
    pub all: OffListSold,
    /// By store, those that had any.
    pub stores: Vec<OffListStore>,
    /// By sales person, the largest difference first.
    pub persons: Top<OffListPerson>,
}

impl OffList {
    /// Sales persons that a report of all stores names; one of a store names everybody.
    pub const PERSONS_SHOWN: usize = 20;
}

fn columns(first: Vec<Column>) -> Vec<Column> {
    let mut columns = first;
    columns.extend([
        Column::numbers("below_sales", "Sales below"),
        Column::numbers("below", "Money below"),
        Column::numbers("above_sales", "Sales above"),
        Column::numbers("above", "Money above"),
        Column::numbers("difference", "Difference"),
    ]);
    columns
}

fn values(sold: &OffListSold) -> [Value; 5] {
    let OffListSold { below_sales, above_sales, below, above, difference } = *sold;
    [
        Value::Count(below_sales),
        Value::Money(below),
        Value::Count(above_sales),
        Value::Money(above),
        Value::Money(difference),
    ]
}

fn words(text: Option<&String>) -> Value {
    text.map_or(Value::Missing, Value::text)
}

/// The section.
pub(super) fn section(report: &Daily) -> Section {
    let section = Section::new("off_list", "Off the list price");
    let Some(off_list) = &report.off_list else {
        return section.with(Note::plain(
            "Nothing is known of list prices: the next run makes the mart off_list_day_data_mart, unless the setting \
             marts.leave_out names it, or sales_data_mart is a mart of your own without the column list_price.",
        ));
    };
    let (all, day) = (&off_list.all, day_label(report.periods.day));
    let figures = vec![
        Figure::new("below_sales", "Sales below the list price", Value::Count(all.below_sales)),
        Figure::new("above_sales", "Sales above the list price", Value::Count(all.above_sales)),
        Figure::new("difference", "Difference to the list price", Value::Money(all.difference)),
    ];
    let section = section.with(figures);
    let section = if report.store.is_none() { section.with(stores(off_list, &day)) } else { section };
    section.with(persons(off_list, &day))
}

fn stores(off_list: &OffList, day: &str) -> Table {
    let mut table = Table::new(
        "off_list_stores",
        "Off the list price by store",
        columns(vec![Column::numbers("store", "Store"), Column::words("manager", "Manager")]),
        format!("Nothing was sold off the list price on {day}."),
    );
    for OffListStore { store, manager, sold } in &off_list.stores {
        let mut row = vec![Value::Id(i64::from(*store)), words(manager.as_ref())];
        row.extend(values(sold));
        table.rows.push(Row::new(row));
    }
    if off_list.stores.len() > 1 {
        let mut row = vec![Value::text("All"), Value::Missing];
        row.extend(values(&off_list.all));
        table.rows.push(Row::total(row));
    }
    table
}

fn persons(off_list: &OffList, day: &str) -> Table {
    let mut table = Table::new(
        "off_list_persons",
        super::lists::title("Off the list price by sales person", &off_list.persons),
        columns(vec![
            Column::numbers("sales_person", "Number"),
            Column::words("name", "Name"),
            Column::numbers("store", "Store"),
        ]),
        format!("Nobody sold anything off the list price on {day}."),
    );
    for OffListPerson { person, name, store, sold } in &off_list.persons.first {
        let mut row = vec![Value::Id(*person), words(name.as_ref()), Value::Id(i64::from(*store))];
        row.extend(values(sold));
        table.rows.push(Row::new(row));
    }
    table
}
