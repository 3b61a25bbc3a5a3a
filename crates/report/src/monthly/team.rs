//! The ranking of the sales team.

use super::{Monthly, Seller};
use crate::{Column, Figure, Note, Row, Section, Table, Value};

/// A report of the chain names those who are paid, and the best of every store down to this place.
const PLACES_SHOWN: i64 = 3;

pub(super) fn section(report: &Monthly) -> Section {
    let columns = vec![
        Column::numbers("store", "Store"),
        Column::numbers("place", "Place"),
        Column::numbers("sales_person", "Number"),
        Column::words("name", "Name"),
        Column::numbers("total_sales", "Total sales"),
        Column::numbers("store_share", "Share of store"),
        Column::numbers("rate", "Rate"),
        Column::numbers("incentive", "Incentive"),
    ];
    let is_shown = |seller: &&Seller| report.store.is_some() || seller.place <= PLACES_SHOWN || seller.incentive != 0;
    let shown: Vec<&Seller> = report.team.iter().filter(is_shown).collect();
    let title = if shown.len() == report.team.len() {
        "Sales persons by store".to_owned()
    } else {
        format!("Sales persons by store: {} of {}", shown.len(), report.team.len())
    };
    let mut table = Table::new("team", title, columns, "Nobody sold anything in this month.");
    for seller in shown {
        table.rows.push(Row::new(line(report, seller)));
    }
    let paid = report.team.iter().filter(|seller| seller.incentive != 0).count();
    let sum: i128 = report.team.iter().map(|seller| seller.incentive).sum();
    let section = Section::new("team", "Sales team")
        .with(vec![
            Figure::new("incentives", "Incentives", Value::Money(sum)),
            Figure::new("paid", "Sales persons paid", Value::Count(count(paid))),
            Figure::new("sellers", "Sales persons who sold, by store", Value::Count(count(report.team.len()))),
        ])
        .with(table);
    if report.store.is_some() {
        return section;
    }
    section.with(Note::plain(format!(
        "The best {PLACES_SHOWN} of each store are shown, and everybody who is paid; a report of one store shows all of it."
    )))
}

fn line(report: &Monthly, seller: &Seller) -> Vec<Value> {
    let store = report.stores.iter().find(|store| store.store == seller.store);
    let net = store.and_then(|store| store.sold.month).map_or(Value::Missing, |month| month.sold.net());
    let total = Value::Money(seller.total);
    let rate = if seller.incentive == 0 { Value::Missing } else { Value::Money(seller.incentive).share_of(&total) };
    vec![
        Value::Id(i64::from(seller.store)),
        Value::Count(seller.place),
        Value::Id(seller.person),
        seller.name.clone().map_or(Value::Missing, Value::Text),
        total.clone(),
        total.share_of(&net),
        rate,
        Value::Money(seller.incentive),
    ]
}

fn count(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}
