//! How fast a million changed customer months are published to MariaDB, by each way that a server offers.
//!
//! `cargo run --release -p tillmart-database --example publish_speed [ROWS]`

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a measurement, read by the person who started it")]
#![allow(clippy::disallowed_methods, reason = "it measures time")]

mod customer_months;

use arrow::array::RecordBatch;
use bytes::Bytes;
use chrono::{DateTime, Duration, Utc};
use customer_months::{MAY, delta};
use futures::StreamExt;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder};
use std::fmt::Write;
use std::future::Future;
use std::time::Instant;
use tillmart_database::{Lease, Ledger, MySql, Publisher, Schema as _, StateTable, TargetTable};
use tillmart_model::{BatchKind, MySqlServer, Secret, TlsMode};
use tillmart_testkit::{MariaDb, MariaDbOptions};

const STATE: &str = "tillmart_state_customer_spend";

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let rows: i64 = std::env::args().nth(1).and_then(|rows| rows.parse().ok()).unwrap_or(1_000_000);
    let options =
        MariaDbOptions { durable: true, buffer_pool_mb: 1_024, redo_log_mb: 512, ..MariaDbOptions::default() };
    let server = MariaDb::start(options).expect("a server");
    let database = server.database().expect("a database");
    let shop = Shop::open(&server, &database, rows).await;
    println!("{rows} customer months, MariaDB with a durable commit, on loopback");
    shop.publish("first publication: every row is new", 100).await;
    shop.publish("second publication: every row is changed", 200).await;
    shop.publish_some("third publication: one row in a hundred is changed", 300).await;

    let opts = OptsBuilder::default().ip_or_hostname(MariaDb::HOST).tcp_port(server.port()).prefer_socket(false);
    let opts = opts.user(Some(MariaDb::USER)).pass(Some(MariaDb::PASSWORD)).db_name(Some(&database));
    let mut conn = Conn::new(opts).await.expect("connected");
    for size in [100, 1_000, 5_000] {
        let name = format!("state by multi-row upserts, {size} rows a statement");
        timed(&name, rows, upserts(&mut conn, rows, size)).await;
    }
    timed(
        "state by LOAD DATA LOCAL into a temporary table, then one upsert from it",
        rows,
        load(&mut conn, rows, true),
    )
    .await;
    timed(
        "state by LOAD DATA LOCAL into a temporary table, then one joined update",
        rows,
        load(&mut conn, rows, false),
    )
    .await;
    let counted: Option<(i64, i64)> =
        conn.query_first(format!("SELECT COUNT(*), MIN(landed_rows) FROM {STATE}")).await.expect("counted");
    assert_eq!(counted.map(|counted| counted.0), Some(rows), "every way changed the rows that were there");
    conn.disconnect().await.expect("closed");
}

async fn timed(name: &str, rows: i64, work: impl Future<Output = ()>) {
    let start = Instant::now();
    work.await;
    let took = start.elapsed();
    println!("{:>7.2} s {:>9} rows/s  {name}", took.as_secs_f64(), rows as u128 * 1_000 / took.as_millis().max(1));
}

/// Upserts as Tillmart sends them.
async fn upserts(conn: &mut Conn, rows: i64, size: i64) {
    conn.query_drop("START TRANSACTION").await.expect("begun");
    let mut next = 0;
    while next < rows {
        let end = (next + size).min(rows);
        let mut sql = format!("INSERT INTO {STATE} (customer_id, sales_date_month, total_sales, landed_rows) VALUES ");
        for customer in next..end {
            let comma = if customer == next { "" } else { ", " };
            let _ = write!(sql, "{comma}({customer}, '2024-05-01', 0.25, 1)");
        }
        sql.push_str(
            " ON DUPLICATE KEY UPDATE total_sales = total_sales + VALUES(total_sales), landed_rows = landed_rows + VALUES(landed_rows)",
        );
        conn.query_drop(sql).await.expect("upserted");
        next = end;
    }
    conn.query_drop("COMMIT").await.expect("committed");
}

/// The same by a file that the server asks for.
async fn load(conn: &mut Conn, rows: i64, upsert: bool) {
    conn.query_drop(
        "CREATE OR REPLACE TEMPORARY TABLE incoming (customer_id BIGINT, sales_date_month DATE, total_sales DECIMAL(16, 2), \
         landed_rows BIGINT, PRIMARY KEY (customer_id, sales_date_month)) ENGINE = InnoDB"
    )
    .await
    .expect("made");
    conn.query_drop("START TRANSACTION").await.expect("begun");
    let pieces = (0..rows).step_by(10_000).map(move |start| {
        let mut piece = String::new();
        for customer in start..(start + 10_000).min(rows) {
            let _ = writeln!(piece, "{customer}\t2024-05-01\t0.25\t1");
        }
        Ok(Bytes::from(piece))
    });
    let pieces: Vec<std::io::Result<Bytes>> = pieces.collect();
    conn.set_infile_handler(async move { Ok(futures::stream::iter(pieces).boxed()) });
    conn.query_drop("LOAD DATA LOCAL INFILE 'incoming' INTO TABLE incoming CHARACTER SET utf8mb4")
        .await
        .expect("loaded");
    let merge = if upsert {
        format!(
            "INSERT INTO {STATE} (customer_id, sales_date_month, total_sales, landed_rows) SELECT * FROM incoming ON DUPLICATE \
             KEY UPDATE total_sales = {STATE}.total_sales + VALUES(total_sales), landed_rows = {STATE}.landed_rows + VALUES(landed_rows)"
        )
    } else {
        format!(
            "UPDATE {STATE} AS s JOIN incoming AS i USING (customer_id, sales_date_month) \
             SET s.total_sales = s.total_sales + i.total_sales, s.landed_rows = s.landed_rows + i.landed_rows"
        )
    };
    conn.query_drop(merge).await.expect("merged");
    conn.query_drop("COMMIT").await.expect("committed");
}

/// Publications as a run makes them.
struct Shop {
    database: MySql,
    lease: Lease,
    rows: i64,
}

impl Shop {
    async fn open(server: &MariaDb, database: &str, rows: i64) -> Shop {
        let server = MySqlServer {
            host: MariaDb::HOST.to_owned(),
            port: server.port(),
            user: MariaDb::USER.to_owned(),
            password: Some(Secret::new(MariaDb::PASSWORD)),
            database: database.to_owned(),
            tls: TlsMode::Disabled,
            authorities: None,
            connections: 2,
        };
        let database = MySql::open(&server).expect("opened");
        database.migrate().await.expect("migrated");
        database.prepare(&state(), &target()).await.expect("prepared");
        let lease = database.acquire("sales", "speed", now(), Duration::hours(1), &|_| false).await.expect("the lease");
        Shop { database, lease, rows }
    }

    async fn publish(&self, name: &str, cents: i128) {
        self.publish_rows(name, cents, (0..self.rows).collect()).await;
    }

    async fn publish_some(&self, name: &str, cents: i128) {
        self.publish_rows(name, cents, (0..self.rows).step_by(100).collect()).await;
    }

    async fn publish_rows(&self, name: &str, cents: i128, customers: Vec<i64>) {
        println!("{name}");
        let (database, lease, changed) = (&self.database, &self.lease, customers.len() as i64);
        let batch = database.claim(lease, &BatchKind::Load, now().date_naive(), "", &[], now()).await.expect("claimed");
        database.landed(lease, batch.id, "m", &[], now()).await.expect("landed");
        database.committed(lease, batch.id, &Default::default(), now()).await.expect("committed");
        let deltas: Vec<RecordBatch> =
            customers.chunks(8_192).map(|part| delta(&state(), part, MAY, cents, 1)).collect();
        let start = Instant::now();
        let mut publication = database.begin(lease, batch.id).await.expect("begun");
        timed("  merge of the changed rows into the state", changed, async {
            for delta in &deltas {
                publication.merge(&state(), delta, 1).await.expect("merged");
            }
        })
        .await;
        let mut sums = Vec::new();
        timed("  touched state rows read", self.rows, async {
            sums = publication.touched(&state()).await.expect("touched");
        })
        .await;
        let finished: Vec<RecordBatch> = sums.iter().map(|sums| customer_months::finish(&target(), sums)).collect();
        timed("  published table made equal", changed, async {
            let replaced = publication.replace(&state(), &target(), &finished).await.expect("replaced");
            assert_eq!(replaced, changed as u64);
        })
        .await;
        timed("  commit", changed, async { publication.commit(now()).await.expect("published") }).await;
        database.finished(lease, batch.id, now()).await.expect("finished");
        let took = start.elapsed();
        println!(
            "{:>7.2} s {:>9} changed rows/s  in all",
            took.as_secs_f64(),
            changed as u128 * 1_000 / took.as_millis().max(1)
        );
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_720_000_000, 0).expect("a time")
}

/// A month is finished as a whole: the server has much to read.
const SCOPE: [&str; 1] = ["sales_date_month"];

fn state() -> StateTable {
    customer_months::state("customer_spend", &SCOPE)
}

fn target() -> TargetTable {
    customer_months::target(&SCOPE)
}
