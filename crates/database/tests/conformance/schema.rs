//! Migrations, and the look at the tables.

use crate::Setting;
use crate::scene::{FEED, alive, at, migrated, refused, team_state, team_target, ttl};
use arrow::datatypes::DataType;
use tillmart_database::Dimension;
use tillmart_model::FaultKind;

pub(crate) async fn nothing_works_before_migrate_and_says_so(setting: &dyn Setting) {
    let database = setting.open().await;
    let faults = [
        refused(database.check().await, FaultKind::Database),
        refused(database.acquire(FEED, "me", at(0), ttl(), &alive).await, FaultKind::Database),
        refused(database.unfinished(FEED).await, FaultKind::Database),
        refused(database.read(Dimension::Customer).await, FaultKind::Database),
        refused(database.count(Dimension::Store).await, FaultKind::Database),
        refused(database.read_table("customers_data_mart").await, FaultKind::Database),
    ];
    for fault in faults {
        assert_eq!(fault.hint.as_deref(), Some("run `tillmart db migrate`"), "{fault}");
        assert!(fault.place.is_some(), "{fault}");
    }
}

pub(crate) async fn migrate_is_idempotent_and_checked(setting: &dyn Setting) {
    let database = setting.open().await;
    let first = database.migrate().await.expect("migrated");
    assert!(!first.is_empty() && first.iter().all(|step| !step.applied), "{first:?}");
    let reopened = setting.open().await;
    reopened.check().await.expect("complete");
    let second = reopened.migrate().await.expect("again");
    assert!(second.iter().all(|step| step.applied), "{second:?}");
    assert_eq!(first.len(), second.len());
}

pub(crate) async fn two_may_migrate_at_once(setting: &dyn Setting) {
    let (one, two) = (setting.open().await, setting.open().await);
    let tasks = [tokio::spawn(async move { one.migrate().await }), tokio::spawn(async move { two.migrate().await })];
    let mut applied = Vec::new();
    for task in tasks {
        let steps = task.await.expect("no panic").expect("migrated");
        applied.extend(steps.into_iter().filter(|step| !step.applied).map(|step| step.number));
    }
    applied.sort_unstable();
    let mut once = applied.clone();
    once.dedup();
    assert_eq!(applied, once, "each step was applied by one of the two");
    setting.open().await.check().await.expect("complete");
}

pub(crate) async fn tables_are_told_and_read(setting: &dyn Setting) {
    let database = migrated(setting).await;
    database.prepare(&team_state(), &team_target()).await.expect("prepared");
    let tables = database.tables().await.expect("tables");
    for table in ["customer", "product", "product_staging_table", "sales_team", "sales_team_data_mart", "store"] {
        assert!(tables.iter().any(|name| name == table), "{table} in {tables:?}");
    }
    for table in &tables {
        let rows = database.read_table(table).await.unwrap_or_else(|fault| panic!("{table}: {fault}"));
        assert_eq!(database.columns(table).await.expect("columns"), rows.schema(), "{table}");
    }
    let staging = database.read_table("product_staging_table").await.expect("read");
    let data_type = |name: &str| staging.schema().field_with_name(name).expect("the column").data_type().clone();
    assert_eq!(data_type("id"), DataType::Int64);
    assert_eq!(data_type("status"), DataType::Utf8);
    assert_eq!(data_type("header"), DataType::Binary);
    refused(database.columns("nowhere").await, FaultKind::Database);
    refused(database.read_table("no\"such; DROP TABLE customer").await, FaultKind::Database);
}
