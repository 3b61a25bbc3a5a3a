//! How much CPU and time a day's publication to SQLite and the reading of the customers take, and how much memory.
//!
//! `cargo run --release -p tillmart-database --example sqlite_speed [CUSTOMERS] [DAYS] [MONTHS]`

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a measurement, read by the person who started it")]
#![allow(clippy::disallowed_methods, reason = "it measures time")]

mod customer_months;

use arrow::array::RecordBatch;
use chrono::{DateTime, Duration, Utc};
use customer_months::{MAY, delta};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tillmart_database::{
    Dimension, Dimensions, Lease, Ledger, Publisher, Schema as _, Sqlite, StateTable, TargetTable,
};
use tillmart_model::BatchKind;

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let argument =
        |at: usize, default: i64| std::env::args().nth(at).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (customers, days) = (argument(1, 1_000_000), argument(2, 4));
    let folder = tempfile::tempdir().expect("a folder");
    let shop = Shop::open(&folder.path().join("tillmart.db"), customers).await;
    println!("{customers} customers, {days} days of all of them, then one of every hundredth");
    println!("   wall s     CPU s   MiB now  MiB peak");
    shop.read_customers(folder.path()).await;
    let all: Vec<i64> = (0..customers).collect();
    for day in 1..=days {
        shop.publish(&format!("day {day}: every customer buys"), &all, MAY, 100 + i128::from(day)).await;
    }
    let some: Vec<i64> = (0..customers).step_by(100).collect();
    shop.publish("the next day: one customer in a hundred buys", &some, MAY, 300).await;
    shop.publish("the next month: every customer buys", &all, JUNE, 100).await;
    shop.publish("its second day: every customer buys", &all, JUNE, 100).await;
    for month in 2..argument(3, 2) {
        let month_start = MAY + 31 * i32::try_from(month).expect("a month");
        shop.publish(&format!("month {month}, first day: every customer buys"), &all, month_start, 100).await;
        shop.publish(&format!("month {month}, second day: every customer buys"), &all, month_start, 100).await;
        shop.publish(&format!("month {month}, third day: one in seven"), &one_in_seven(customers), month_start, 100)
            .await;
    }
    let bytes = std::fs::metadata(shop.database.path()).expect("the file").len();
    println!("{:>9} MiB  database file", bytes >> 20);
}

/// Wall and CPU seconds of a piece of work.
struct Watch {
    wall: Instant,
    cpu: f64,
}

impl Watch {
    fn start() -> Watch {
        Watch { wall: Instant::now(), cpu: cpu_seconds() }
    }

    #[allow(clippy::float_arithmetic, reason = "seconds, not money")]
    fn told(&self, name: &str) {
        let (wall, cpu) = (self.wall.elapsed().as_secs_f64(), cpu_seconds() - self.cpu);
        println!("{wall:>9.2} {cpu:>9.2} {:>9} {:>9}  {name}", memory_mib("VmRSS:"), memory_mib("VmHWM:"));
    }
}

/// Of the whole process, in steps of a hundredth.
#[allow(clippy::float_arithmetic, reason = "seconds, not money")]
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = stat.rsplit(") ").next().expect("fields");
    let ticks: u32 = after_name.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
    f64::from(ticks) / 100.0
}

/// Resident memory of the process.
fn memory_mib(which: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with(which)).expect("a line");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") >> 10
}

/// Publications as a run makes them.
struct Shop {
    database: Sqlite,
    lease: Lease,
    customers: i64,
}

impl Shop {
    async fn open(file: &Path, customers: i64) -> Shop {
        let database = Sqlite::open(file).expect("opened");
        database.migrate().await.expect("migrated");
        database.prepare(&state(), &target()).await.expect("prepared");
        let lease = database.acquire("sales", "speed", now(), Duration::hours(9), &|_| false).await.expect("the lease");
        Shop { database, lease, customers }
    }

    async fn read_customers(&self, folder: &Path) {
        let csv = folder.join("customer.csv");
        write_customers(&csv, self.customers);
        let watch = Watch::start();
        self.database.load_csv(Dimension::Customer, &csv).await.expect("loaded");
        watch.told("customers loaded from CSV");
        for _ in 0..3 {
            let watch = Watch::start();
            let read = self.database.read(Dimension::Customer).await.expect("read");
            watch.told(&format!("customers read, {} MiB", read.get_array_memory_size() >> 20));
        }
    }

    async fn publish(&self, name: &str, customers: &[i64], month: i32, cents: i128) {
        println!("{name}");
        let (database, lease, changed) = (&self.database, &self.lease, customers.len() as u64);
        let batch = database.claim(lease, &BatchKind::Load, now().date_naive(), "", &[], now()).await.expect("claimed");
        database.landed(lease, batch.id, "m", &[], now()).await.expect("landed");
        database.committed(lease, batch.id, &Default::default(), now()).await.expect("committed");
        let deltas: Vec<RecordBatch> =
            customers.chunks(8_192).map(|part| delta(&state(), part, month, cents, 14)).collect();
        let whole = Watch::start();
        let mut publication = database.begin(lease, batch.id).await.expect("begun");
        let watch = Watch::start();
        for delta in &deltas {
            publication.merge(&state(), delta, 1).await.expect("merged");
        }
        watch.told("  merge of the changed rows into the state");
        let watch = Watch::start();
        let finish = |sums: RecordBatch| Ok(customer_months::finish(&target(), &sums));
        let replaced = publication.replace_each(&state(), &target(), Arc::new(finish)).await.expect("replaced");
        watch.told("  published table made equal (and its rows made by this program)");
        assert_eq!(replaced, changed, "every row that changed is published");
        let watch = Watch::start();
        publication.commit(now()).await.expect("published");
        watch.told("  commit");
        database.finished(lease, batch.id, now()).await.expect("finished");
        whole.told("  in all");
    }
}

fn write_customers(file: &Path, customers: i64) {
    let mut out = std::io::BufWriter::new(std::fs::File::create(file).expect("a file"));
    let mut line =
        String::from("customer_id,first_name,last_name,address,pincode,phone_number,customer_joining_date\n");
    for customer in 0..customers {
        let _ = writeln!(
            line,
            "{customer},Saanvi,Number {customer},\"{customer} Long Street, Some Town\",56{:04},+91 98{customer:08},2021-03-04",
            customer % 10_000
        );
        out.write_all(line.as_bytes()).expect("written");
        line.clear();
    }
    out.flush().expect("written");
}

fn one_in_seven(customers: i64) -> Vec<i64> {
    (0..customers).step_by(7).collect()
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_720_000_000, 0).expect("a time")
}

/// Every customer month is finished on its own.
const SCOPE: [&str; 2] = ["sales_date_month", "customer_id"];

fn state() -> StateTable {
    customer_months::state("customers_data_mart", &SCOPE)
}

fn target() -> TargetTable {
    customer_months::target(&SCOPE)
}

/// 2024-06-01.
const JUNE: i32 = 19_875;
