//! SQLite's setting, and promises that only make sense there.

use crate::scene::{
    archive, at, committed, leased, migrated, paid, refused, sums, target_rows, team_state, team_target,
};
use crate::{Database, Setting};
use arrow::array::{AsArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tillmart_database::{Dimension, Sqlite, TargetTable};
use tillmart_model::FaultKind;

/// A database file in a folder of its own.
pub(crate) struct Fresh {
    folder: TempDir,
}

impl Fresh {
    pub(crate) fn new() -> Self {
        Fresh { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("tillmart.db")
    }

    /// How another program would be answered.
    pub(crate) fn plan(&self, question: &str) -> String {
        let connection = rusqlite::Connection::open(self.path()).expect("opened");
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {question}")).expect("prepared");
        let lines = statement.query_map([], |row| row.get::<_, String>(3)).expect("a plan");
        lines.map(|line| line.expect("a line")).collect::<Vec<_>>().join("; ")
    }

    /// What another program would do with the file.
    pub(crate) fn by_hand(&self, sql: &str) {
        rusqlite::Connection::open(self.path()).expect("opened").execute_batch(sql).expect("executed");
    }
}

#[async_trait::async_trait]
impl Setting for Fresh {
    async fn open(&self) -> Arc<dyn Database> {
        Arc::new(Sqlite::open(&self.path()).expect("opened"))
    }
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let fresh = Fresh::new();
    std::fs::write(
        fresh.path(),
        "this is a text, and long enough to be taken for a header of a database file. ".repeat(20),
    )
    .expect("written");
    let fault = refused(Sqlite::open(&fresh.path()), FaultKind::Database);
    assert!(fault.what.contains("no SQLite database"), "{fault}");
    assert!(fault.to_string().contains("tillmart.db"), "{fault}");
    let fault = refused(Sqlite::open(Path::new("no-such-folder/tillmart.db")), FaultKind::Database);
    assert!(fault.what.contains("cannot be opened") && fault.place.is_some(), "{fault}");
}

#[tokio::test]
async fn a_float_is_no_price() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    fresh.by_hand("DROP TABLE product; CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT, current_price, old_price, created_date TEXT, updated_date TEXT, expiry_date TEXT);
        INSERT INTO product (id, name, current_price, old_price) VALUES (1, 'tea', '1.5', 2), (7, 'jam', 12.5, NULL);");
    let fault = refused(database.read(Dimension::Product).await, FaultKind::Database);
    let told = fault.to_string();
    for part in ["`current_price`", "`product`", "id = 7", "floating-point", "decimal(14,4)"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    fresh.by_hand("UPDATE product SET current_price = '12.5' WHERE id = 7");
    assert_eq!(database.read(Dimension::Product).await.expect("exact now").num_rows(), 2);
}

#[tokio::test]
async fn a_value_that_does_not_fit_names_table_key_and_column() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    fresh.by_hand("INSERT INTO store (id) VALUES (3000000000)");
    let fault = refused(database.read(Dimension::Store).await, FaultKind::Database);
    assert!(fault.to_string().contains("`id` of table `store`") && fault.to_string().contains("3000000000"), "{fault}");
    fresh.by_hand("DELETE FROM store; INSERT INTO store (id, store_opening_date) VALUES (4, '01.02.2020')");
    let fault = refused(database.read(Dimension::Store).await, FaultKind::Database);
    assert!(fault.to_string().contains("`store_opening_date`") && fault.to_string().contains("id = 4"), "{fault}");
}

#[tokio::test]
async fn an_edited_amount_is_noticed() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    database.prepare(&team_state(), &team_target()).await.expect("prepared");
    let insert = "INSERT INTO sales_team_data_mart (store_id, sales_person_id, sales_month, total_sales) VALUES ";
    fresh.by_hand(&format!("{insert} (1, 2, '2024-07', '12.5')"));
    let fault = refused(database.read_target(&team_target()).await, FaultKind::Database);
    assert!(fault.to_string().contains("total_sales") && fault.to_string().contains("sales_person_id = 2"), "{fault}");
}

#[tokio::test]
async fn published_money_sums_exactly_in_plain_sql() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    database.prepare(&team_state(), &team_target()).await.expect("prepared");
    let rows = paid(&[]);
    assert_eq!(rows.num_rows(), 0);
    let insert =
        "INSERT INTO sales_team_data_mart (store_id, sales_person_id, sales_month, total_sales, mean_price) VALUES ";
    fresh.by_hand(&format!("{insert} (1, 2, '2024-07', '-12.05', '0.0001'), (1, 3, '2024-07', '100.10', '2.0000')"));
    let table = database.read_table("sales_team_data_mart").await.expect("read");
    let column = |name: &str| {
        let column = table.column_by_name(name).unwrap_or_else(|| panic!("no column {name}"));
        column.as_any().downcast_ref::<arrow::array::Int64Array>().expect("integers").values().to_vec()
    };
    assert_eq!(column("total_sales_cents"), [-1_205, 10_010]);
    assert_eq!(column("mean_price_unscaled"), [1, 20_000]);
}

/// People see cents beside each amount: a table without them is another one.
#[tokio::test]
async fn cents_stand_beside_each_amount() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    database.prepare(&team_state(), &team_target()).await.expect("prepared");
    let mut fields = team_target().schema.fields().to_vec();
    fields.push(Arc::new(Field::new("incentive", DataType::Decimal128(16, 2), true)));
    let wider = TargetTable { schema: Arc::new(Schema::new(fields)), ..team_target() };
    let fault = refused(database.prepare(&team_state(), &wider).await, FaultKind::Database);
    assert!(fault.to_string().contains("incentive_cents INTEGER"), "{fault}");
}

#[tokio::test]
async fn a_changed_migration_is_refused() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    fresh.by_hand("UPDATE tillmart_migration SET checksum = 'edited' WHERE number = 1");
    let fault = refused(database.migrate().await, FaultKind::Database);
    assert!(fault.what.contains("migration 1"), "{fault}");
    refused(database.check().await, FaultKind::Database);
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    fresh.by_hand("INSERT INTO tillmart_migration VALUES (99, 'future', 'x', 'y')");
    for fault in [
        refused(database.migrate().await.map(drop), FaultKind::Database),
        refused(database.check().await, FaultKind::Database),
    ] {
        assert!(fault.what.contains("newer") && fault.to_string().contains("future"), "{fault}");
    }
}

/// The questions of the ledger and of a finished scope walk an index, whatever the size of the tables.
#[tokio::test]
async fn scopes_are_found_by_index() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    database.prepare(&team_state(), &team_target()).await.expect("prepared");
    let connection = rusqlite::Connection::open(fresh.path()).expect("opened");
    let key = "sales_month, store_id, sales_person_id";
    for (table, rest) in [
        ("tillmart_state_team", "sales_person_id, sales_date"),
        ("sales_team_data_mart INDEXED BY sales_team_data_mart_scope", "sales_person_id"),
    ] {
        for (question, wanted) in [
            (format!("sales_month = ? AND store_id = ? ORDER BY {rest}"), "sales_month=? AND store_id=?"),
            (format!("({key}) >= (?, ?, ?) ORDER BY {key}"), "(sales_month,store_id,sales_person_id)>(?,?,?)"),
        ] {
            let sql = format!("EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE {question}");
            let mut statement = connection.prepare(&sql).expect("prepared");
            let values = rusqlite::params_from_iter(question.matches('?').map(|_| ""));
            let lines = statement.query_map(values, |row| row.get::<_, String>(3)).expect("a plan");
            let plan: Vec<String> = lines.map(|row| row.expect("a line")).collect();
            assert!(plan.len() == 1 && plan[0].starts_with("SEARCH") && plan[0].contains(wanted), "{plan:?}");
        }
    }
}

/// What somebody has tied to the rows of a published table is theirs: no publication takes other rows away with its own.
#[tokio::test]
async fn rows_that_others_tied_to_a_mart_stay() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    database.prepare(&team_state(), &team_target()).await.expect("prepared");
    let lease = leased(&*database).await;
    let batch = committed(&*database, &lease, &[]).await;
    let state = sums(&[(7, "2024-05", 1, 19_850, 1_250, 2, 1), (8, "2024-05", 1, 19_850, 1_250, 2, 1)]);
    let rows = |name| paid(&[(1, 7, Some(name), "2024-05", 5), (1, 8, Some("Eight"), "2024-05", 5)]);
    let mut publication = database.begin(&lease, batch.id).await.expect("begun");
    publication.merge(&team_state(), &state, 1).await.expect("merged");
    publication.replace(&team_state(), &team_target(), &[rows("Seven")]).await.expect("replaced");
    publication.commit(at(4)).await.expect("published");
    archive(&*database, &lease, &batch).await;
    fresh.by_hand(
        "CREATE TABLE note (store_id INTEGER, person_id INTEGER, month TEXT,
             FOREIGN KEY (store_id, person_id, month)
             REFERENCES sales_team_data_mart (store_id, sales_person_id, sales_month) ON DELETE CASCADE);
         INSERT INTO note VALUES (1, 7, '2024-05');
         CREATE UNIQUE INDEX one_of_each_name ON sales_team_data_mart (full_name);",
    );
    let batch = committed(&*database, &lease, &[]).await;
    let mut publication = database.begin(&lease, batch.id).await.expect("begun");
    publication.merge(&team_state(), &state, 1).await.expect("merged");
    let fault =
        refused(publication.replace(&team_state(), &team_target(), &[rows("Eight")]).await, FaultKind::Database);
    assert!(fault.to_string().contains("full_name"), "{fault}");
    drop(publication);
    let mut publication = database.begin(&lease, batch.id).await.expect("begun");
    publication.merge(&team_state(), &state, 1).await.expect("merged");
    publication.replace(&team_state(), &team_target(), &[rows("renamed")]).await.expect("replaced");
    publication.commit(at(5)).await.expect("published");
    assert_eq!(database.read_table("note").await.expect("read").num_rows(), 1, "the row was changed, not deleted");
    assert_eq!(target_rows(&*database).await, rows("renamed"));
}

/// Large tables are read part by part: parts without a row, parts with most of the rows, texts and NULLs that begin late.
#[tokio::test]
async fn parts_of_a_dimension_come_together_as_one_table() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    let ids: Vec<i64> = [i64::from(i32::MIN), -5].into_iter().chain(0..70_000).chain([9_000_000_000]).collect();
    let address = |at: usize| (at > 40_000 && !at.is_multiple_of(7)).then(|| format!("{at} Long Road"));
    let rows = ids.iter().enumerate().map(|(at, id)| match address(at) {
        Some(address) => format!("({id}, '{address}')"),
        None => format!("({id}, NULL)"),
    });
    fresh.by_hand(&format!(
        "INSERT INTO customer (customer_id, address) VALUES {}",
        rows.collect::<Vec<_>>().join(", ")
    ));
    let read = database.read(Dimension::Customer).await.expect("read");
    let found: &Int64Array = read.column(0).as_primitive();
    assert_eq!(found.values().to_vec(), ids);
    let addresses: &StringArray = read.column(3).as_string();
    assert!(addresses.iter().enumerate().all(|(at, found)| found == address(at).as_deref()), "each at its place");
    // A value that does not fit, in a part that the other reader may be reading: told, and nobody waits for ever.
    fresh.by_hand("UPDATE customer SET address = CAST(x'ff' AS TEXT) WHERE customer_id = 9000000000");
    let fault = database.read(Dimension::Customer).await.expect_err("no UTF-8");
    assert!(format!("{fault}").contains("customer_id = 9000000000"), "{fault}");
}

/// Large tables are read by two at once, who must see one and the same moment, and wait for no writer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dimension_is_read_as_of_one_moment() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    let rows: Vec<String> = (-150..150).map(|at| format!("({}, '0')", at * 1_000)).collect();
    fresh.by_hand(&format!("INSERT INTO customer (customer_id, address) VALUES {}", rows.join(", ")));
    let is_over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writer = {
        let (path, is_over) = (fresh.path(), Arc::clone(&is_over));
        std::thread::spawn(move || {
            let connection = rusqlite::Connection::open(path).expect("opened");
            connection.busy_timeout(std::time::Duration::from_secs(10)).expect("set");
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                connection.execute("UPDATE customer SET address = address + 1", []).expect("written");
            }
        })
    };
    for _ in 0..100 {
        let read = database.read(Dimension::Customer).await.expect("read");
        let ids: &Int64Array = read.column(0).as_primitive();
        assert_eq!(ids.values().to_vec(), (-150..150).map(|at| at * 1_000).collect::<Vec<i64>>());
        let addresses: &StringArray = read.column(3).as_string();
        assert!(addresses.iter().all(|address| address == Some(addresses.value(0))), "one moment");
    }
    is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.join().expect("over");
    let writing = rusqlite::Connection::open(fresh.path()).expect("opened");
    writing.execute_batch("BEGIN IMMEDIATE; DELETE FROM customer;").expect("begun");
    assert_eq!(database.read(Dimension::Customer).await.expect("read").num_rows(), 300, "nobody waited");
}
