//! The ranking of the sales team.

use super::{Monthly, Seller};
use crate::incentives::{computed_by, in_short, unlike_the_team};
use crate::{Column, Figure, Note, Row, Section, Table, Value};
use std::collections::{BTreeMap, BTreeSet};
use tillmart_model::Incentive;
use tillmart_model::incentive::Payment;

/// A report of the chain names those who are paid, and the best of every store down to this place.
const PLACES_SHOWN: i64 = 3;

/// A store's published lines and the plan that they were computed by, which is one for all of them.
struct Paid<'a> {
    lines: Vec<&'a Payment>,
    plan: &'a str,
}

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
        Column::words("how", "How it was computed"),
    ];
    let is_shown = |seller: &&Seller| report.store.is_some() || seller.place <= PLACES_SHOWN || seller.incentive != 0;
    let shown: Vec<&Seller> = report.team.iter().filter(is_shown).collect();
    let title = if shown.len() == report.team.len() {
        "Sales persons by store".to_owned()
    } else {
        format!("Sales persons by store: {} of {}", shown.len(), report.team.len())
    };
    let paid_by_store = by_store(report);
    let hows = hows(report, &paid_by_store, &shown);
    let mut table = Table::new("team", title, columns, "Nobody sold anything in this month.");
    for (seller, how) in shown.into_iter().zip(hows) {
        table.rows.push(Row::new(line(report, seller, how)));
    }
    let paid = report.team.iter().filter(|seller| seller.incentive != 0).count();
    let sum: i128 = report.team.iter().map(|seller| seller.incentive).sum();
    let mut section = Section::new("team", "Sales team")
        .with(vec![
            Figure::new("incentives", "Incentives", Value::Money(sum)),
            Figure::new("paid", "Sales persons paid", Value::Count(count(paid))),
            Figure::new("sellers", "Sales persons who sold, by store", Value::Count(count(report.team.len()))),
        ])
        .with(table);
    for note in notes(report, &paid_by_store) {
        section = section.with(note);
    }
    if report.store.is_some() {
        return section;
    }
    section.with(Note::plain(format!(
        "The best {PLACES_SHOWN} of each store are shown, and everybody who is paid; a report of one store shows all of it."
    )))
}

fn line(report: &Monthly, seller: &Seller, how: Value) -> Vec<Value> {
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
        how,
    ]
}

fn by_store(report: &Monthly) -> BTreeMap<i32, Paid<'_>> {
    let mut stores: BTreeMap<i32, Paid<'_>> = BTreeMap::new();
    for line in report.payments.lines.iter().flatten() {
        let paid = stores.entry(line.store_id).or_insert_with(|| Paid { lines: Vec::new(), plan: &line.plan });
        paid.lines.push(&line.payment);
    }
    stores
}

/// How each of these came to what they are paid, as the published lines tell it.
fn hows(report: &Monthly, stores: &BTreeMap<i32, Paid<'_>>, shown: &[&Seller]) -> Vec<Value> {
    let names: BTreeMap<i64, &str> =
        report.team.iter().filter_map(|seller| Some((seller.person, seller.name.as_deref()?))).collect();
    let called = |person: i64| match names.get(&person) {
        Some(name) => format!("{name} ({person})"),
        None => person.to_string(),
    };
    let plans: BTreeMap<&str, Option<Incentive>> =
        stores.values().map(|paid| (paid.plan, paid.plan.parse().ok())).collect();
    let how = |seller: &&Seller| {
        let Some(Paid { lines, plan }) = stores.get(&seller.store) else { return Value::Missing };
        let plan = plans.get(plan).and_then(Option::as_ref);
        match in_short(lines, seller.person, plan, &called) {
            how if how.is_empty() => Value::Missing,
            how => Value::Text(how),
        }
    };
    shown.iter().map(how).collect()
}

/// By which plans it was computed, and whether lines and sums agree.
fn notes(report: &Monthly, stores: &BTreeMap<i32, Paid<'_>>) -> Vec<Note> {
    if let Err(because) = &report.payments.lines {
        return vec![Note::warning(format!("How incentives were computed cannot be told: {because}."))];
    }
    let mut plans: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
    for (store, paid) in stores {
        plans.entry(paid.plan).or_default().insert(*store);
    }
    let whose = |of: &BTreeSet<i32>| match (plans.len(), of.len()) {
        (1, _) => "Plan".to_owned(),
        (_, 1) => format!("Plan of store {}", of.first().copied().unwrap_or_default()),
        (_, several) if several > 10 => format!("Plan of {several} stores"),
        _ => format!("Plan of stores {}", of.iter().map(i32::to_string).collect::<Vec<_>>().join(", ")),
    };
    let mut notes: Vec<Note> =
        plans.iter().map(|(plan, of)| computed_by(&whose(of), plan, &report.payments.plan_today)).collect();
    let mut sums: BTreeMap<(i32, i64), i128> = BTreeMap::new();
    for (store, paid) in stores {
        for line in &paid.lines {
            *sums.entry((*store, line.person)).or_default() += line.paid;
        }
    }
    let differ = |seller: &&Seller| sums.get(&(seller.store, seller.person)).copied().unwrap_or(0) != seller.incentive;
    for seller in report.team.iter().filter(differ) {
        let called = seller.name.as_deref().map_or_else(String::new, |name| format!("{name} "));
        notes.push(unlike_the_team(&format!("{called}({}) in store {}", seller.person, seller.store)));
    }
    notes
}

fn count(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}
