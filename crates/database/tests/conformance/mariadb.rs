//! MariaDB's setting, and promises that only make sense on a server.

use crate::scene::{
    FEED, alive, archive, at, claimed, committed, found, landing, leased, migrated, paid, refused, sums, team_state,
    team_target, today, ttl, versions,
};
use crate::{Database, Setting};
use arrow::array::AsArray;
use std::sync::Arc;
use tillmart_database::{Dimension, MySql, Schema};
use tillmart_model::{BatchKind, FaultKind, MySqlServer, Secret, SourceFile, TlsMode};
use tillmart_testkit::{MariaDb, MariaDbOptions};

/// A database of its own, on a server that the tests of a process share.
pub(crate) struct Fresh {
    pub(crate) server: Arc<MariaDb>,
    pub(crate) database: String,
}

impl Fresh {
    pub(crate) fn new() -> Self {
        Fresh::on(MariaDb::shared().unwrap_or_else(|said| panic!("{said}")))
    }

    /// On a server that no other test uses.
    pub(crate) fn alone(options: MariaDbOptions) -> Self {
        Fresh::on(Arc::new(MariaDb::start(options).unwrap_or_else(|said| panic!("{said}"))))
    }

    fn on(server: Arc<MariaDb>) -> Self {
        let database = server.database().expect("a database");
        Fresh { server, database }
    }

    /// How the database is reached.
    pub(crate) fn reached(&self) -> MySqlServer {
        MySqlServer {
            host: MariaDb::HOST.to_owned(),
            port: self.server.port(),
            user: MariaDb::USER.to_owned(),
            password: Some(Secret::new(MariaDb::PASSWORD)),
            database: self.database.clone(),
            tls: TlsMode::Preferred,
            authorities: None,
            // The fewest that settings allow: one publishes while another prolongs the lease.
            connections: 2,
        }
    }

    /// What another program does with the database; what it prints are rows, fields between tabs.
    pub(crate) fn by_hand(&self, sql: &str) -> String {
        self.server.sql(&format!("USE {}; {sql}", self.database)).expect("executed")
    }

    pub(crate) fn opened(&self) -> MySql {
        MySql::open(&self.reached()).expect("opened")
    }
}

#[async_trait::async_trait]
impl Setting for Fresh {
    async fn open(&self) -> Arc<dyn Database> {
        Arc::new(self.opened())
    }
}

/// What a server is configured to must not change what a statement means.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_odd_habits_keeps_the_promises() {
    let odd = MariaDb::start(MariaDbOptions::default()).unwrap_or_else(|said| panic!("{said}"));
    odd.sql(
        "SET GLOBAL sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,PAD_CHAR_TO_FULL_LENGTH'; SET GLOBAL time_zone = '+05:30'; \
         SET GLOBAL autocommit = 0; SET GLOBAL character_set_server = latin1; SET GLOBAL tx_isolation = 'SERIALIZABLE'; \
         SET GLOBAL sql_select_limit = 1",
    )
    .expect("set");
    let odd = Arc::new(odd);
    crate::ledger::outcomes_and_money_come_back_as_written(&Fresh::on(Arc::clone(&odd))).await;
    crate::ledger::one_of_two_gets_the_lease(&Fresh::on(Arc::clone(&odd))).await;
    crate::publishing::replace_changes_only_what_differs(&Fresh::on(Arc::clone(&odd))).await;
    crate::publishing::an_overflow_is_refused_and_leaves_nothing(&Fresh::on(Arc::clone(&odd))).await;
    crate::dimensions::a_file_is_loaded_and_read_back_exactly(&Fresh::on(odd)).await;
}

/// Programs choose their runtime: one of a single thread serves as well.
#[tokio::test(flavor = "current_thread")]
async fn a_single_threaded_runtime_is_enough() {
    crate::publishing::a_dropped_publication_leaves_no_trace(&Fresh::new()).await;
    crate::publishing::a_renewal_during_a_publication_is_carried(&Fresh::new()).await;
}

/// Keys of an object store: 1,024 bytes, blanks at the end, upper and lower case, and letters that some collations take
/// for others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_are_compared_byte_by_byte() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    let lease = leased(&*database).await;
    let long = format!("{}.csv", "\u{1F9FE}".repeat(255));
    assert_eq!(long.len(), 1_024);
    let paths = [
        "a.csv",
        "A.csv",
        "a.csv ",
        "\u{e4}.csv",
        "a\u{308}.csv",
        "a/it's 100 % \\ \"so\" + '; DROP TABLE product_staging_table; --.csv",
        &long,
        &format!("{}y.csv", "\u{1F9FE}".repeat(254)),
    ];
    let batch = claimed(&*database, &lease, &paths).await;
    let decided = |file: &SourceFile| SourceFile { digest: Some(format!("{:064x}", file.id)), ..landing(file) };
    let files: Vec<SourceFile> = batch.files.iter().map(decided).collect();
    database.landed(&lease, batch.id, "m", &files, at(2)).await.expect("landed");
    database.committed(&lease, batch.id, &versions(), at(3)).await.expect("committed");
    database.begin(&lease, batch.id).await.expect("begun").commit(at(4)).await.expect("published");
    archive(&*database, &lease, &batch).await;
    let mut sorted: Vec<&str> = paths.to_vec();
    sorted.sort_unstable();
    let kept: Vec<&str> = batch.files.iter().map(|file| file.found.path.as_str()).collect();
    assert_eq!(kept, sorted);
    for path in paths {
        let found = database.landed_with_path(FEED, path).await.expect("read").expect("one");
        assert_eq!(found.found.path, path);
        assert_eq!(found.location, format!("sales_data_processed/{path}"));
    }
    assert_eq!(database.landed_with_path(FEED, "a.csv  ").await.expect("read"), None);
}

/// A database that such a pipeline has used for years, with its usual tables.
const USED: &str = "
    CREATE TABLE customer (customer_id INT AUTO_INCREMENT PRIMARY KEY, first_name VARCHAR(50), last_name VARCHAR(50),
        address VARCHAR(255), pincode VARCHAR(10), phone_number VARCHAR(20), customer_joining_date DATE);
    CREATE TABLE store (id INT PRIMARY KEY, address VARCHAR(255), store_pincode VARCHAR(10),
        store_manager_name VARCHAR(100), store_opening_date DATE, reviews TEXT);
    CREATE TABLE product (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255), current_price DECIMAL(10, 2),
        old_price DECIMAL(10, 2), created_date TIMESTAMP NULL, updated_date TIMESTAMP NULL, expiry_date DATE,
        UNIQUE KEY (name));
    CREATE TABLE sales_team (id INT AUTO_INCREMENT PRIMARY KEY, first_name VARCHAR(50), last_name VARCHAR(50),
        manager_id INT, is_manager CHAR(1), address VARCHAR(255), pincode VARCHAR(10), joining_date DATE);
    CREATE TABLE product_staging_table (id INT AUTO_INCREMENT PRIMARY KEY, file_name VARCHAR(255) NOT NULL,
        file_location VARCHAR(255) NOT NULL, created_date TIMESTAMP NOT NULL, updated_date TIMESTAMP NULL,
        status VARCHAR(1));
    INSERT INTO product_staging_table (file_name, file_location, created_date, status) VALUES
        ('old.csv', 's3://old/old.csv', '2023-01-02 03:04:05', 'A'), ('done.csv', 's3://old/done.csv', '2023-01-02 03:04:06', 'I');
    INSERT INTO customer (customer_id, first_name) VALUES (7, 'Zo\u{eb}');
    INSERT INTO product (id, name, current_price, created_date) VALUES (3, 'tea', 12.50, '2024-02-29 00:00:00');";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_used_database_is_taken_over_and_its_rows_stay_its_own() {
    let fresh = Fresh::new();
    fresh.by_hand(USED);
    let database = migrated(&fresh).await;
    database.check().await.expect("complete");
    let before = "1\told.csv\ts3://old/old.csv\t2023-01-02 03:04:05\tA\tNULL\n2\tdone.csv\ts3://old/done.csv\t2023-01-02 03:04:06\tI\tNULL\n";
    let old = "SELECT id, file_name, file_location, created_date, status, feed FROM product_staging_table WHERE id < 3";
    assert_eq!(fresh.by_hand(old), before);
    assert_eq!(database.unfinished(FEED).await.expect("read"), None, "the old A row is another pipeline's");
    assert_eq!(database.file(1).await.expect("read"), None);

    let lease = leased(&*database).await;
    let long = format!("{}.csv", "x".repeat(1_020));
    let batch = claimed(&*database, &lease, &["old.csv", &long]).await;
    assert!(batch.files.iter().all(|file| file.id > 2), "{batch:?}");
    assert_eq!(fresh.by_hand(old), before, "and stays so");
    let told =
        fresh.by_hand("SELECT file_name, status, created_date FROM product_staging_table WHERE path = 'old.csv'");
    assert_eq!(told, "old.csv\tA\t2024-07-01 08:01:00\n", "as such pipelines read it");

    let customers = database.read(Dimension::Customer).await.expect("read");
    assert_eq!(customers.column(1).as_string::<i32>().value(0), "Zo\u{eb}");
    let products = database.read(Dimension::Product).await.expect("read");
    assert_eq!(products.column(4).as_string::<i32>().value(0), "2024-02-29 00:00:00");
    let prices = products.column(2).as_primitive::<arrow::datatypes::Decimal128Type>();
    assert_eq!(prices.value(0), 125_000, "12.50 with four fraction digits");
}

/// A column of theirs under a name of ours is told, and nothing is taken for done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_staging_table_with_a_column_of_our_name_is_refused() {
    let fresh = Fresh::new();
    fresh.by_hand(USED);
    fresh.by_hand("ALTER TABLE product_staging_table ADD COLUMN size INT");
    for _ in 0..2 {
        let fault = refused(fresh.opened().migrate().await, FaultKind::Database);
        assert!(fault.to_string().contains("size") && fault.to_string().contains("rename"), "{fault}");
    }
    fresh.by_hand("ALTER TABLE product_staging_table RENAME COLUMN size TO their_size");
    fresh.opened().migrate().await.expect("migrated");
}

/// An upsert goes by the key alone: another unique key of the table must not turn it to another row.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dimension_is_loaded_by_its_key_alone() {
    let fresh = Fresh::new();
    fresh.by_hand(USED);
    let database = migrated(&fresh).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("product.csv");
    std::fs::write(&file, "id,name,current_price\n0,jam,1\n4,tea,9.99\n").expect("written");
    let fault = refused(database.load_csv(Dimension::Product, &file).await, FaultKind::Database);
    assert!(fault.to_string().contains("key 'name'") && !fault.to_string().contains("tea"), "{fault}");
    assert_eq!(fresh.by_hand("SELECT id, name, current_price FROM product"), "3\ttea\t12.50\n", "nothing was loaded");
    std::fs::write(&file, "id,name,current_price\n0,jam,1\n3,TEA,9.99\n").expect("written");
    let upserted = database.load_csv(Dimension::Product, &file).await.expect("loaded");
    assert_eq!((upserted.added, upserted.changed), (1, 1), "another case is another name");
    std::fs::write(&file, format!("id,name\n5,{}\n", "x".repeat(300))).expect("written");
    let fault = refused(database.load_csv(Dimension::Product, &file).await, FaultKind::Database);
    assert!(fault.to_string().contains("`name`") && fault.to_string().contains("line 2"), "{fault}");
    let told = fresh.by_hand("SELECT id, name, current_price FROM product ORDER BY id");
    assert_eq!(told, "0\tjam\t1.00\n3\tTEA\t9.99\n", "a key of 0 is 0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_cannot_take_part_in_a_transaction_is_refused() {
    let fresh = Fresh::new();
    fresh.by_hand("CREATE TABLE product_staging_table (id INT AUTO_INCREMENT PRIMARY KEY, file_name VARCHAR(255), file_location VARCHAR(255), created_date DATETIME, updated_date DATETIME, status CHAR(1)) ENGINE = MyISAM");
    let fault = refused(fresh.opened().migrate().await, FaultKind::Database);
    let statement = fault.hint.as_deref().and_then(|hint| hint.strip_prefix("run: ")).expect("a statement");
    fresh.by_hand(statement);
    fresh.opened().migrate().await.expect("migrated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mart_that_cannot_take_part_in_a_transaction_is_refused_with_the_statement() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    database.prepare(&team_state(), &team_target()).await.expect("prepared");
    for table in ["sales_team_data_mart", "tillmart_state_team"] {
        // The other engines' keys are shorter.
        let month = "MODIFY sales_month VARCHAR(70) COLLATE utf8mb4_nopad_bin NOT NULL";
        fresh.by_hand(&format!("ALTER TABLE {table} {month}, ENGINE = MyISAM"));
        let fault = refused(database.prepare(&team_state(), &team_target()).await, FaultKind::Database);
        assert!(fault.what.contains(table) && fault.found.as_deref() == Some("MyISAM"), "{fault}");
        let statement = fault.hint.as_deref().and_then(|hint| hint.strip_prefix("run: ")).expect("a statement");
        fresh.by_hand(statement);
        database.prepare(&team_state(), &team_target()).await.expect("now it is welcome");
    }
}

/// After a restore of one table without the other: a token that was given once is never given again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_is_behind_its_runs_gets_a_new_token() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    let mut last = leased(&*database).await.token;
    for damage in
        ["DELETE FROM tillmart_lease", "UPDATE tillmart_lease SET token = 1, holder = NULL, held_until = NULL"]
    {
        fresh.by_hand(damage);
        let token = database.acquire(FEED, "two", at(0), ttl(), &alive).await.expect("the lease").token;
        assert!(token > last, "{token} after {last}: {damage}");
        last = token;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mart_without_its_unique_key_is_refused_with_the_statement() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    fresh.by_hand("CREATE TABLE sales_team_data_mart (store_id INT NOT NULL, sales_person_id BIGINT NOT NULL, full_name VARCHAR(100), sales_month VARCHAR(7) COLLATE utf8mb4_bin NOT NULL, first_day DATE, total_sales DECIMAL(16, 2), mean_price DECIMAL(14, 4))");
    let fault = refused(database.prepare(&team_state(), &team_target()).await, FaultKind::Database);
    let statement = fault.hint.as_deref().and_then(|hint| hint.strip_prefix("run: ")).expect("a statement");
    fresh.by_hand(statement);
    database.prepare(&team_state(), &team_target()).await.expect("with its key it is welcome");

    fresh.by_hand("ALTER TABLE sales_team_data_mart ADD UNIQUE KEY by_name (full_name)");
    let fault = refused(database.prepare(&team_state(), &team_target()).await, FaultKind::Database);
    let statement = fault.hint.as_deref().and_then(|hint| hint.strip_prefix("run: ")).expect("a statement");
    fresh.by_hand(statement);
    database.prepare(&team_state(), &team_target()).await.expect("without the other key it is welcome");

    for wrong in [
        "MODIFY sales_month VARCHAR(7) COLLATE utf8mb4_general_ci NOT NULL",
        "MODIFY total_sales DECIMAL(16, 1)",
        "MODIFY total_sales DOUBLE",
        "MODIFY first_day DATETIME",
    ] {
        fresh.by_hand("DROP TABLE IF EXISTS kept; CREATE TABLE kept LIKE sales_team_data_mart");
        fresh.by_hand(&format!("ALTER TABLE sales_team_data_mart {wrong}"));
        let fault = refused(database.prepare(&team_state(), &team_target()).await, FaultKind::Database);
        let column = wrong.split(' ').nth(1).expect("a column");
        assert!(fault.found.as_deref().is_some_and(|found| found.contains(column)), "{fault}");
        fresh.by_hand("DROP TABLE sales_team_data_mart; RENAME TABLE kept TO sales_team_data_mart");
    }
}

/// A table that was there before may take a blank at the end, or another case, for nothing; a scope is its bytes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_a_scope_that_only_looks_the_same_stay() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    fresh.by_hand("CREATE TABLE sales_team_data_mart (store_id INT NOT NULL, sales_person_id BIGINT NOT NULL, full_name VARCHAR(100), sales_month VARCHAR(70) COLLATE utf8mb4_bin NOT NULL, first_day DATE, total_sales DECIMAL(16, 2), mean_price DECIMAL(14, 4), PRIMARY KEY (store_id, sales_person_id, sales_month)); INSERT INTO sales_team_data_mart (store_id, sales_person_id, sales_month) VALUES (1, 8, 'may '), (1, 9, 'may')");
    database.prepare(&team_state(), &team_target()).await.expect("prepared");
    let lease = leased(&*database).await;
    let batch = committed(&*database, &lease, &[]).await;
    let mut publication = database.begin(&lease, batch.id).await.expect("begun");
    publication.merge(&team_state(), &sums(&[(7, "may", 1, 19_850, 100, 1, 1)]), 1).await.expect("merged");
    let rows = [paid(&[(1, 7, None, "may", 100)])];
    let changed = publication.replace(&team_state(), &team_target(), &rows).await.expect("replaced");
    assert_eq!(changed, 2, "one comes, one goes");
    publication.commit(at(4)).await.expect("published");
    let left = fresh.by_hand("SELECT sales_person_id FROM sales_team_data_mart ORDER BY 1");
    assert_eq!(left, "7\n8\n", "the other scope's row stays");
}

/// MySQL commits at every DDL statement: a migration may stop between any two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_was_killed_is_finished_by_the_next() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    let lease = leased(&*database).await;
    claimed(&*database, &lease, &["a.csv"]).await;
    fresh.by_hand("DELETE FROM tillmart_migration; DROP TABLE sales_team");
    refused(database.check().await, FaultKind::Database);
    let steps = fresh.opened().migrate().await.expect("migrated again");
    assert!(steps.iter().all(|step| !step.applied), "{steps:?}");
    assert_eq!(database.unfinished(FEED).await.expect("read").expect("kept").files.len(), 1);
    database.check().await.expect("complete");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_migration_and_a_newer_database_are_refused() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    fresh.by_hand("INSERT INTO tillmart_migration VALUES (99, 'future', 'x', 'y')");
    let fault = refused(database.migrate().await, FaultKind::Database);
    assert!(fault.what.contains("newer") && fault.to_string().contains("future"), "{fault}");
    fresh.by_hand("DELETE FROM tillmart_migration WHERE number = 99; UPDATE tillmart_migration SET checksum = 'edited' WHERE number = 1");
    let fault = refused(database.check().await, FaultKind::Database);
    assert!(fault.what.contains("migration 1"), "{fault}");
}

/// The questions of a finished scope walk an index, whatever the size of the tables.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scopes_are_found_by_index() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    database.prepare(&team_state(), &team_target()).await.expect("prepared");
    fresh.by_hand(
        "INSERT INTO sales_team_data_mart (store_id, sales_person_id, sales_month)
             SELECT seq % 50, seq, CONCAT('2024-', LPAD(seq % 12 + 1, 2, '0')) FROM seq_1_to_6000;
         INSERT INTO tillmart_state_team SELECT seq, CONCAT('2024-', LPAD(seq % 12 + 1, 2, '0')), seq % 50, '2024-01-01', 1, 1, 1
             FROM seq_1_to_6000; ANALYZE TABLE sales_team_data_mart, tillmart_state_team",
    );
    let scopes = "(sales_month = '2024-05' AND store_id = 1) OR (sales_month = '2024-07' AND store_id = 3)";
    for table in ["sales_team_data_mart", "tillmart_state_team"] {
        let plan = fresh.by_hand(&format!("EXPLAIN SELECT * FROM {table} WHERE {scopes}"));
        assert!(plan.contains("\trange\t"), "{plan}");
    }
}

/// Another program holds the lease's row for a moment: the write waits for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_is_held_for_a_moment_is_waited_for() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    let lease = leased(&*database).await;
    let (server, name) = (Arc::clone(&fresh.server), fresh.database.clone());
    let holding = std::thread::spawn(move || {
        server.sql(&format!("USE {name}; BEGIN; SELECT SLEEP(1) FROM tillmart_lease FOR UPDATE; COMMIT"))
    });
    let waiting =
        || fresh.by_hand("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%SLEEP(1)%FOR UPDATE'");
    while waiting().trim() == "0" && !holding.is_finished() {}
    claimed(&*database, &lease, &["a.csv"]).await;
    holding.join().expect("no panic").expect("held");
}

/// A deadlock rolls everything back; it is done again from the start, and in the end told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadlocks_are_tried_again() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    let lease = leased(&*database).await;
    // A counter that no rollback turns back makes the server say "deadlock" twice, then no more.
    fresh.by_hand(
        "CREATE TABLE counted (n INT) ENGINE = MyISAM; INSERT INTO counted VALUES (0);
         EXECUTE IMMEDIATE 'CREATE TRIGGER deadlock BEFORE INSERT ON product_staging_table FOR EACH ROW BEGIN
             UPDATE counted SET n = n + 1;
             IF (SELECT n FROM counted) < 3 THEN
                 SIGNAL SQLSTATE ''40001'' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = ''deadlock'';
             END IF;
         END'",
    );
    let batch = claimed(&*database, &lease, &["a.csv"]).await;
    assert_eq!(fresh.by_hand("SELECT n FROM counted"), "3\n");
    assert_eq!(
        fresh.by_hand("SELECT COUNT(*) FROM tillmart_batch; SELECT COUNT(*) FROM product_staging_table"),
        "1\n1\n"
    );
    assert_eq!(database.unfinished(FEED).await.expect("read"), Some(batch));
}

/// Whoever waits for a lease whose holder publishes is told so, and does not wait to the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overdue_lease_is_not_taken_from_a_publication() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    let lease = leased(&*database).await;
    let batch = committed(&*database, &lease, &[]).await;
    let publication = database.begin(&lease, batch.id).await.expect("begun");
    let other = fresh.open().await;
    let fault = refused(other.acquire(FEED, "two", at(60), ttl(), &alive).await, FaultKind::Busy);
    assert!(fault.to_string().contains("process 1"), "{fault}");
    publication.commit(at(60)).await.expect("published");
    other.acquire(FEED, "two", at(60), ttl(), &alive).await.expect("now it is free");
    let files = [found("a.csv", 1)];
    refused(database.claim(&lease, &BatchKind::Load, today(), "x", &files, at(61)).await, FaultKind::Busy);
}
