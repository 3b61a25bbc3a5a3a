//! The order that the rows of a mart lie in.

use crate::scene::{leased, migrated, refused};
use crate::spend::{CUSTOMER_FIRST, MONTH_FIRST, Order, Spent, month, publish, spend_state, spend_target, told};
use crate::{Database, Setting, mariadb, sqlite};
use arrow::datatypes::Date32Type;
use std::sync::Arc;
use tillmart_database::Lease;
use tillmart_model::FaultKind;

const SPRING: [Spent; 4] = [(1, "2024-03", 100), (1, "2024-04", 200), (2, "2024-03", 300), (3, "2024-04", -400)];
const MAY: [Spent; 2] = [(1, "2024-05", 7), (4, "2024-05", 8)];

fn in_order(spent: &[Spent]) -> Vec<(i64, i32, i128)> {
    let days = |text: &str| Date32Type::from_naive_date(month(text));
    let mut rows: Vec<_> = spent.iter().map(|row| (row.0, days(row.1), row.2)).collect();
    rows.sort_by_key(|row| (row.1, row.0));
    rows
}

async fn prepared(setting: &dyn Setting, order: Order) -> (Arc<dyn Database>, Lease) {
    let database = migrated(setting).await;
    database.prepare(&spend_state(order), &spend_target(order)).await.expect("prepared");
    let lease = leased(&*database).await;
    (database, lease)
}

async fn check(database: &dyn Database, spent: &[Spent]) {
    let state = database.read_state(&spend_state(MONTH_FIRST)).await.expect("the state");
    assert_eq!(told(&state), in_order(spent), "the state");
    let published = database.read_target(&spend_target(MONTH_FIRST)).await.expect("the table");
    assert_eq!(told(&published), in_order(spent), "the published table");
}

/// Tables that were made for another order of the key keep their rows, and are published to as before.
pub(crate) async fn another_order_of_the_key_keeps_all_rows(setting: &dyn Setting) {
    let (database, lease) = prepared(setting, CUSTOMER_FIRST).await;
    publish(&*database, &lease, CUSTOMER_FIRST, &SPRING).await;
    for _ in 0..2 {
        database.prepare(&spend_state(MONTH_FIRST), &spend_target(MONTH_FIRST)).await.expect("prepared");
        check(&*database, &SPRING).await;
    }
    publish(&*database, &lease, MONTH_FIRST, &MAY).await;
    check(&*setting.open().await, &[SPRING.as_slice(), MAY.as_slice()].concat()).await;
}

/// What a day adds to its month costs what it cost in the first month: months that are over are not written again.
#[tokio::test]
async fn months_that_are_over_are_not_written_again() {
    let fresh = sqlite::Fresh::new();
    let (database, lease) = prepared(&fresh, MONTH_FIRST).await;
    let mut logs = Vec::new();
    for name in ["2024-01", "2024-02", "2024-03", "2024-04", "2024-05", "2024-06"] {
        let spent: Vec<Spent> = (1..=20_000).map(|customer| (customer, name, 100)).collect();
        fresh.by_hand("PRAGMA wal_checkpoint(TRUNCATE)");
        publish(&*database, &lease, MONTH_FIRST, &spent).await;
        // A checkpoint copies the log and leaves it as long as it is.
        logs.push(std::fs::metadata(fresh.path().with_extension("db-wal")).expect("the log").len());
    }
    let (first, last) = (logs[0], logs[logs.len() - 1]);
    assert!(first > 1 << 20, "the first month is more than a few pages: {logs:?}");
    assert!(last <= first + first / 8, "no month wrote much more than the first: {logs:?}");
}

#[tokio::test]
async fn what_was_made_for_a_table_stays_when_it_is_put_in_order() {
    let fresh = sqlite::Fresh::new();
    let (database, lease) = prepared(&fresh, CUSTOMER_FIRST).await;
    publish(&*database, &lease, CUSTOMER_FIRST, &SPRING).await;
    fresh.by_hand(
        "CREATE INDEX by_money ON customers_data_mart (total_sales_cents);
         CREATE TABLE seen (customer_id INTEGER);
         CREATE TRIGGER note AFTER INSERT ON customers_data_mart BEGIN INSERT INTO seen VALUES (new.customer_id); END;
         CREATE TRIGGER gone AFTER DELETE ON customers_data_mart BEGIN INSERT INTO seen VALUES (-old.customer_id); END;
         CREATE VIEW rich AS SELECT customer_id FROM customers_data_mart WHERE total_sales_cents > 250;",
    );
    database.prepare(&spend_state(MONTH_FIRST), &spend_target(MONTH_FIRST)).await.expect("prepared");
    check(&*database, &SPRING).await;
    assert_eq!(database.read_table("seen").await.expect("read").num_rows(), 0, "no row came or went");
    assert_eq!(database.read_table("rich").await.expect("read").num_rows(), 1);
    let plan = fresh.plan("SELECT customer_id FROM customers_data_mart WHERE total_sales_cents = 300");
    assert!(plan.contains("by_money"), "{plan}");
    publish(&*database, &lease, MONTH_FIRST, &MAY).await;
    assert_eq!(database.read_table("seen").await.expect("read").num_rows(), MAY.len());
}

#[tokio::test]
async fn a_table_that_others_refer_to_is_not_put_in_order() {
    let fresh = sqlite::Fresh::new();
    let (database, lease) = prepared(&fresh, CUSTOMER_FIRST).await;
    publish(&*database, &lease, CUSTOMER_FIRST, &SPRING).await;
    fresh.by_hand(
        "CREATE TABLE letter (customer INTEGER, month TEXT, FOREIGN KEY (customer, month)
             REFERENCES customers_data_mart (customer_id, sales_date_month) ON DELETE CASCADE);
         INSERT INTO letter VALUES (1, '2024-03-01');",
    );
    let fault =
        refused(database.prepare(&spend_state(MONTH_FIRST), &spend_target(MONTH_FIRST)).await, FaultKind::Database);
    assert!(fault.to_string().contains("letter") && fault.hint.is_some(), "{fault}");
    assert_eq!(database.read_table("letter").await.expect("read").num_rows(), 1);
    fresh.by_hand("DROP TABLE letter");
    database.prepare(&spend_state(MONTH_FIRST), &spend_target(MONTH_FIRST)).await.expect("prepared");
    check(&*database, &SPRING).await;
}

/// Other programs look customers up: the key serves them, month by month, and no index is kept for it.
#[tokio::test]
async fn a_customer_is_found_month_by_month() {
    let fresh = sqlite::Fresh::new();
    let (database, lease) = prepared(&fresh, MONTH_FIRST).await;
    for _ in 0..2 {
        database.index(&spend_target(MONTH_FIRST), &["customer_id".to_owned()]).await.expect("served");
    }
    publish(&*database, &lease, MONTH_FIRST, &SPRING).await;
    let plan = fresh.plan("SELECT total_sales FROM customers_data_mart WHERE customer_id = 3");
    assert!(plan.contains("ANY(sales_date_month) AND customer_id=?"), "{plan}");
    // What somebody measured is left as it is.
    fresh.by_hand("ANALYZE customers_data_mart; CREATE TABLE measured AS SELECT stat FROM sqlite_stat1");
    database.index(&spend_target(MONTH_FIRST), &["customer_id".to_owned()]).await.expect("served");
    fresh.by_hand(
        "CREATE TABLE now AS SELECT stat FROM sqlite_stat1 WHERE stat NOT IN (SELECT stat FROM measured)
             OR (SELECT COUNT(*) FROM sqlite_stat1) <> 1",
    );
    assert_eq!(database.read_table("now").await.expect("read").num_rows(), 0);
}

/// On a server the state follows the mart's order; a published table may be somebody's own, and stays. Customers have an index.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_puts_the_state_in_order() {
    let fresh = mariadb::Fresh::new();
    let (database, lease) = prepared(&fresh, CUSTOMER_FIRST).await;
    publish(&*database, &lease, CUSTOMER_FIRST, &SPRING).await;
    database.prepare(&spend_state(MONTH_FIRST), &spend_target(MONTH_FIRST)).await.expect("prepared");
    check(&*database, &SPRING).await;
    let made = |table: &str| fresh.by_hand(&format!("SHOW CREATE TABLE {table}"));
    let state = made("tillmart_state_customers_data_mart");
    assert!(state.contains("PRIMARY KEY (`sales_date_month`,`customer_id`)"), "{state}");
    let published = made("customers_data_mart");
    assert!(published.contains("PRIMARY KEY (`customer_id`,`sales_date_month`)"), "{published}");
    database.index(&spend_target(MONTH_FIRST), &["customer_id".to_owned()]).await.expect("made");
    let published = made("customers_data_mart");
    assert!(published.contains("KEY `tillmart_by_customer_id` (`customer_id`)"), "{published}");
}
