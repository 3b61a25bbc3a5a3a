//! What reports ask of the database, and what they leave in it.

use crate::scene::{at, leased, migrated, refused};
use crate::spend::{MONTH_FIRST, Spent, month, names, publish, spend_state, spend_target};
use crate::{Database, Setting};
use std::sync::Arc;
use tillmart_database::{CustomersOfMonth, Spenders, StoreMonth};
use tillmart_model::FaultKind;

const SPENT: [Spent; 12] = [
    (1, "2024-03", 9_999),
    (1, "2023-11", 1),
    (2, "2024-03", 10_000),
    (3, "2024-03", 50_001),
    (3, "2024-02", 700),
    (4, "2024-03", 49_999),
    // What was bought before and taken back whole was not bought.
    (4, "2024-01", 0),
    // More came back than was bought: no customer of this month, and lapsed.
    (5, "2024-03", -5),
    (5, "2024-02", 1_234),
    (6, "2024-02", 66),
    (7, "2024-02", -66),
    // Later months are not known yet in March.
    (2, "2024-04", 5),
];

fn spenders(tier: usize, returning: bool, customers: u64, cents: i64) -> Spenders {
    Spenders { tier, returning, customers, cents }
}

async fn filled(setting: &dyn Setting, spent: &[Spent]) -> Arc<dyn Database> {
    let database = migrated(setting).await;
    database.prepare(&spend_state(MONTH_FIRST), &spend_target(MONTH_FIRST)).await.expect("prepared");
    publish(&*database, &leased(&*database).await, MONTH_FIRST, spent).await;
    database
}

pub(crate) async fn customers_are_told_by_tier_and_whether_they_came_back(setting: &dyn Setting) {
    let database = filled(setting, &SPENT).await;
    let ask = async |of: &str, before: &str, tiers: &[i64]| {
        database.customers_of_month(month(of), month(before), tiers).await.expect("customers")
    };
    let march = ask("2024-03", "2024-02", &[10_000, 50_000]).await;
    let expected = vec![spenders(0, true, 1, 9_999), spenders(1, false, 2, 59_999), spenders(2, true, 1, 50_001)];
    assert_eq!(march, CustomersOfMonth { spenders: expected, lapsed: 2, lapsed_cents: 1_300 });
    let without = ask("2024-03", "2024-02", &[]).await;
    assert_eq!(without.spenders, [spenders(0, false, 2, 59_999), spenders(0, true, 2, 60_000)]);
    let empty = ask("2024-05", "2024-04", &[1, 2, 3, 4, 5, 6, 7, 8]).await;
    assert_eq!(empty, CustomersOfMonth { spenders: Vec::new(), lapsed: 1, lapsed_cents: 5 });
    let nine = database.customers_of_month(month("2024-03"), month("2024-02"), &[1; 9]).await;
    refused(nine, FaultKind::Database);
}

pub(crate) async fn an_index_is_made_once(setting: &dyn Setting) {
    let database = filled(setting, &SPENT).await;
    let columns = names(&["sales_date_month", "customer_id"]);
    for _ in 0..2 {
        database.index(&spend_target(MONTH_FIRST), &columns).await.expect("an index");
    }
    let march = database.customers_of_month(month("2024-03"), month("2024-02"), &[]).await.expect("customers");
    assert_eq!(march.lapsed, 2);
    let nobody = database.index(&spend_target(MONTH_FIRST), &names(&["nobody"])).await;
    refused(nobody, FaultKind::Mart);
}

fn figures(store_id: i32, sales: i64, gross_cents: i64) -> StoreMonth {
    StoreMonth {
        sales,
        gross_cents,
        returned_cents: -7,
        units: -2,
        incentive_cents: 3,
        ..StoreMonth::nothing(store_id)
    }
}

pub(crate) async fn figures_are_kept_when_they_change(setting: &dyn Setting) {
    let database = migrated(setting).await;
    assert!(database.kept_months("2024-03").await.expect("none").is_empty());
    let keep = async |figures: &[StoreMonth], batch: Option<i64>, minute: i64| {
        let kept = database.keep_month("2024-03", figures, batch, at(minute)).await.expect("kept");
        kept.iter().map(|kept| (kept.figures, kept.version, kept.batch_id, kept.made)).collect::<Vec<_>>()
    };
    let (seven, nine) = (figures(7, 10, 1_000), figures(-9, 20, i64::MAX));
    let first = keep(&[seven, nine], Some(1), 1).await;
    assert_eq!(first, [(nine, 1, Some(1), at(1)), (seven, 1, Some(1), at(1))]);
    assert_eq!(keep(&[seven, nine], Some(2), 2).await, first, "nothing changed, nothing is written");
    let changed = figures(7, 11, 1_000);
    let second = keep(&[changed, nine], Some(2), 3).await;
    assert_eq!(second, [first[0], first[1], (changed, 2, Some(2), at(3))]);
    assert_eq!(keep(&[seven], Some(1), 4).await, second, "a report of an earlier batch is old");
    let back = keep(&[seven], Some(3), 5).await;
    assert_eq!(back.last(), Some(&(seven, 3, Some(3), at(5))), "what was told before is a change again");
    assert!(database.kept_months("2024-04").await.expect("none").is_empty(), "months are apart");
    let again = setting.open().await.kept_months("2024-03").await.expect("kept");
    assert_eq!(again.len(), 4);
}

/// Two that keep at once meet in some months only: so many are tried that every run of these tests sees it.
fn months() -> impl Iterator<Item = String> {
    (2020..2024).flat_map(|year| (1..13).map(move |month| format!("{year}-{month:02}")))
}

/// Two that find nothing kept have no row to wait for: they meet at the first one that they write.
pub(crate) async fn one_of_two_reports_keeps_figures(setting: &dyn Setting) {
    let databases = [migrated(setting).await, setting.open().await];
    let all: Vec<StoreMonth> = (1..40).map(|store| figures(store, i64::from(store), 5)).collect();
    for month in months() {
        let [one, other] = databases.each_ref().map(|database| database.keep_month(&month, &all, Some(1), at(1)));
        let (one, other) = tokio::join!(one, other);
        let (one, other) = (one.expect("kept"), other.expect("kept"));
        assert_eq!(one, other);
        assert_eq!(one.len(), all.len());
        assert!(one.iter().all(|kept| kept.version == 1));
    }
}

/// Newer figures are kept behind older ones, whichever of the two is faster.
pub(crate) async fn a_report_that_was_overtaken_is_judged_anew(setting: &dyn Setting) {
    let databases = [migrated(setting).await, setting.open().await];
    for month in months() {
        let (old, new) = ([figures(1, 1, 5), figures(2, 1, 5)], [figures(2, 2, 6), figures(1, 2, 6)]);
        let one = databases[0].keep_month(&month, &old, Some(1), at(1));
        let other = databases[1].keep_month(&month, &new, Some(2), at(2));
        let (one, other) = tokio::join!(one, other);
        one.expect("kept");
        other.expect("kept");
        let kept = databases[0].kept_months(&month).await.expect("kept");
        for store in new {
            let newest =
                kept.iter().filter(|kept| kept.figures.store_id == store.store_id).max_by_key(|kept| kept.version);
            assert_eq!(newest.map(|kept| (kept.figures, kept.batch_id)), Some((store, Some(2))), "{month}");
        }
    }
}
