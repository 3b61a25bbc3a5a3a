//! What the cases are played with.

use crate::{Database, Setting};
use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;
use tillmart_database::{Lease, StateTable, TargetTable};
use tillmart_model::{Batch, BatchKind, Fault, FaultKind, FileOutcome, Found, SourceFile, Tally};

pub(crate) const FEED: &str = "sales";

/// The `minute`-th minute of the day the cases play on.
pub(crate) fn at(minute: i64) -> DateTime<Utc> {
    let start = DateTime::parse_from_rfc3339("2024-07-01T08:00:00.000000001Z").expect("a time").with_timezone(&Utc);
    start + Duration::minutes(minute)
}

pub(crate) fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 7, 1).expect("a date")
}

pub(crate) fn ttl() -> Duration {
    Duration::minutes(10)
}

pub(crate) fn alive(_: &str) -> bool {
    false
}

pub(crate) async fn migrated(setting: &dyn Setting) -> Arc<dyn Database> {
    let database = setting.open().await;
    database.migrate().await.expect("migrated");
    database
}

pub(crate) async fn leased(database: &dyn Database) -> Lease {
    database.acquire(FEED, "host 1, process 1", at(0), ttl(), &alive).await.expect("the lease")
}

pub(crate) fn found(path: &str, size: u64) -> Found {
    Found { path: path.to_owned(), size, etag: Some(format!("etag of {path}")), modified: at(-60) }
}

pub(crate) async fn claimed(database: &dyn Database, lease: &Lease, paths: &[&str]) -> Batch {
    let files: Vec<Found> = paths.iter().map(|path| found(path, 100 + path.len() as u64)).collect();
    database.claim(lease, &BatchKind::Load, today(), "sales_data", &files, at(1)).await.expect("claimed")
}

/// A decision that lands a file with a digest made of its path.
pub(crate) fn landing(file: &SourceFile) -> SourceFile {
    let tally = Tally { rows_read: 10, rows_landed: 10, money_cents: 12_345, ..Tally::default() };
    SourceFile {
        outcome: FileOutcome::Landed,
        digest: Some(format!("digest of {}", file.found.path)),
        tally,
        header: Some(b"a,b".to_vec()),
        ..file.clone()
    }
}

pub(crate) fn versions() -> BTreeMap<String, u64> {
    BTreeMap::from([("sales_data_mart".to_owned(), 7), ("sales_rejects".to_owned(), 3)])
}

pub(crate) async fn landed(database: &dyn Database, lease: &Lease, batch: &Batch) {
    let files: Vec<SourceFile> = batch.files.iter().map(landing).collect();
    database.landed(lease, batch.id, "manifests/1.json", &files, at(2)).await.expect("landed");
}

pub(crate) async fn committed(database: &dyn Database, lease: &Lease, paths: &[&str]) -> Batch {
    let batch = claimed(database, lease, paths).await;
    landed(database, lease, &batch).await;
    database.committed(lease, batch.id, &versions(), at(3)).await.expect("committed");
    batch
}

pub(crate) async fn published(database: &dyn Database, lease: &Lease, paths: &[&str]) -> Batch {
    let batch = committed(database, lease, paths).await;
    database.begin(lease, batch.id).await.expect("begun").commit(at(4)).await.expect("published");
    batch
}

pub(crate) async fn archive(database: &dyn Database, lease: &Lease, batch: &Batch) {
    for file in &batch.files {
        let location = format!("sales_data_processed/{}", file.found.path);
        database.archived(lease, &[(file.id, location)], at(5)).await.expect("archived");
    }
    database.finished(lease, batch.id, at(6)).await.expect("finished");
}

pub(crate) async fn finished(database: &dyn Database, lease: &Lease, paths: &[&str]) -> Batch {
    let batch = published(database, lease, paths).await;
    archive(database, lease, &batch).await;
    batch
}

/// The fault of a call that must fail, held against its kind.
pub(crate) fn refused<T>(result: Result<T, Fault>, kind: FaultKind) -> Fault {
    match result {
        Ok(_) => panic!("it succeeded; a fault of kind {kind:?} was expected"),
        Err(fault) => {
            assert_eq!(fault.kind, kind, "{fault}");
            fault
        }
    }
}

/// A mart by month, store and person; the total is decimal(12,2).
pub(crate) fn team_state() -> StateTable {
    let schema = Schema::new(vec![
        Field::new("sales_person_id", DataType::Int64, false),
        Field::new("sales_month", DataType::Utf8, false),
        Field::new("store_id", DataType::Int32, false),
        Field::new("sales_date", DataType::Date32, false),
        Field::new("total", DataType::Decimal128(12, 2), false),
        Field::new("items", DataType::Int64, false),
        Field::new("landed_rows", DataType::Int64, false),
    ]);
    let scope = vec!["sales_month".to_owned(), "store_id".to_owned()];
    StateTable { mart: "team".to_owned(), schema: Arc::new(schema), keys: 4, scope }
}

/// A row of [`team_state`]: person, month, store, day, cents, items, rows.
pub(crate) type Sum = (i64, &'static str, i32, i32, i128, i64, i64);

pub(crate) fn sums(rows: &[Sum]) -> RecordBatch {
    let cents = Decimal128Array::from_iter_values(rows.iter().map(|row| row.4));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.0))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.1))),
        Arc::new(Int32Array::from_iter_values(rows.iter().map(|row| row.2))),
        Arc::new(Date32Array::from_iter_values(rows.iter().map(|row| row.3))),
        Arc::new(cents.with_data_type(DataType::Decimal128(12, 2))),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.5))),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.6))),
    ];
    RecordBatch::try_new(team_state().schema, columns).expect("a batch")
}

/// What people read: one row per person, store and month.
pub(crate) fn team_target() -> TargetTable {
    let schema = Schema::new(vec![
        Field::new("store_id", DataType::Int32, false),
        Field::new("sales_person_id", DataType::Int64, false),
        Field::new("full_name", DataType::Utf8, true),
        Field::new("sales_month", DataType::Utf8, false),
        Field::new("first_day", DataType::Date32, true),
        Field::new("total_sales", DataType::Decimal128(12, 2), true),
        Field::new("mean_price", DataType::Decimal128(14, 4), true),
    ]);
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    TargetTable {
        name: "sales_team_data_mart".to_owned(),
        schema: Arc::new(schema),
        key: names(&["store_id", "sales_person_id", "sales_month"]),
        scope: names(&["sales_month", "store_id"]),
    }
}

/// A row of [`team_target`]: store, person, name, month, cents.
pub(crate) type Paid = (i32, i64, Option<&'static str>, &'static str, i128);

pub(crate) fn paid(rows: &[Paid]) -> RecordBatch {
    let cents = Decimal128Array::from_iter_values(rows.iter().map(|row| row.4));
    let mean = Decimal128Array::from_iter_values(rows.iter().map(|row| row.4 * 100));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from_iter_values(rows.iter().map(|row| row.0))),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1))),
        Arc::new(StringArray::from_iter(rows.iter().map(|row| row.2))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.3))),
        Arc::new(Date32Array::from_iter(rows.iter().map(|_| Some(19_000)))),
        Arc::new(cents.with_data_type(DataType::Decimal128(12, 2))),
        Arc::new(mean.with_data_type(DataType::Decimal128(14, 4))),
    ];
    RecordBatch::try_new(team_target().schema, columns).expect("a batch")
}

/// Several batches as one, to be compared.
pub(crate) fn whole(schema: &arrow::datatypes::SchemaRef, batches: &[RecordBatch]) -> RecordBatch {
    arrow::compute::concat_batches(schema, batches).expect("one schema")
}

pub(crate) async fn state_rows(database: &dyn Database) -> RecordBatch {
    let state = team_state();
    whole(&state.schema, &database.read_state(&state).await.expect("the state"))
}

pub(crate) async fn target_rows(database: &dyn Database) -> RecordBatch {
    let target = team_target();
    whole(&target.schema, &database.read_target(&target).await.expect("the target"))
}
