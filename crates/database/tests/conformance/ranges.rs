//! Published rows of some days or months: what reports read.

use crate::scene::{Paid, at, committed, leased, migrated, paid, refused, sums, team_state, team_target, whole};
use crate::{Database, Setting};
use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use std::sync::Arc;
use tillmart_database::{StateTable, TargetRange, TargetTable};
use tillmart_model::FaultKind;

/// 2024-02-28: its month ends on a 29th.
const FIRST_DAY: i32 = 19_781;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn day_state() -> StateTable {
    let schema = Schema::new(vec![
        Field::new("sales_date", DataType::Date32, false),
        Field::new("store_id", DataType::Int32, false),
        Field::new("net", DataType::Decimal128(24, 2), false),
        Field::new("landed_rows", DataType::Int64, false),
    ]);
    StateTable {
        mart: "store_day".to_owned(),
        schema: Arc::new(schema),
        keys: 2,
        scope: names(&["sales_date", "store_id"]),
    }
}

fn day_target() -> TargetTable {
    let schema = Schema::new(vec![
        Field::new("sales_date", DataType::Date32, false),
        Field::new("store_id", DataType::Int32, false),
        Field::new("net", DataType::Decimal128(16, 2), true),
    ]);
    TargetTable {
        name: "store_day".to_owned(),
        schema: Arc::new(schema),
        key: names(&["sales_date", "store_id"]),
        scope: names(&["sales_date", "store_id"]),
    }
}

/// Day and store.
type Sold = (i32, i32);

fn columns(rows: &[Sold], net: DataType) -> Vec<ArrayRef> {
    let cents = Decimal128Array::from_iter_values(rows.iter().map(|(day, store)| i128::from(day - store) * 7));
    vec![
        Arc::new(Date32Array::from_iter_values(rows.iter().map(|row| row.0))),
        Arc::new(Int32Array::from_iter_values(rows.iter().map(|row| row.1))),
        Arc::new(cents.with_data_type(net)),
    ]
}

fn published(rows: &[Sold]) -> RecordBatch {
    RecordBatch::try_new(day_target().schema, columns(rows, DataType::Decimal128(16, 2))).expect("a batch")
}

/// Three stores on each of six days, and what each month came to.
async fn filled(setting: &dyn Setting) -> (Arc<dyn Database>, Vec<Sold>) {
    let database = migrated(setting).await;
    database.prepare(&day_state(), &day_target()).await.expect("prepared");
    database.prepare(&team_state(), &team_target()).await.expect("prepared");
    let rows: Vec<Sold> = (0..6).flat_map(|day| [-1, 4, 12].map(|store| (FIRST_DAY + day, store))).collect();
    let mut state = columns(&rows, DataType::Decimal128(24, 2));
    state.push(Arc::new(Int64Array::from(vec![1; rows.len()])));
    let state = RecordBatch::try_new(day_state().schema, state).expect("a batch");
    let lease = leased(&*database).await;
    let batch = committed(&*database, &lease, &[]).await;
    let mut publication = database.begin(&lease, batch.id).await.expect("begun");
    publication.merge(&day_state(), &state, 1).await.expect("merged");
    publication.replace(&day_state(), &day_target(), &[published(&rows)]).await.expect("replaced");
    let months = MONTHS.map(|(store, person, _, month, cents)| (person, month, store, 19_700, cents, 1, 1));
    publication.merge(&team_state(), &sums(&months), 1).await.expect("merged");
    publication.replace(&team_state(), &team_target(), &[paid(&MONTHS)]).await.expect("replaced");
    publication.commit(at(4)).await.expect("published");
    (database, rows)
}

const MONTHS: [Paid; 4] = [
    (1, 7, Some("Ann"), "2023-12", 100),
    (1, 7, Some("Ann"), "2024-01", 250),
    (1, 9, None, "2024-01", -10),
    (2, 7, Some("Ann"), "2024-02", 5),
];

fn range(column: &str, first: &str, last: &str, only: Option<(&str, i64)>) -> TargetRange {
    let only = only.map(|(column, value)| (column.to_owned(), value));
    TargetRange { column: column.to_owned(), first: first.to_owned(), last: last.to_owned(), only }
}

pub(crate) async fn days_and_months_are_read_by_range(setting: &dyn Setting) {
    let (database, rows) = filled(setting).await;
    let days = async |first: &str, last: &str, only: Option<(&str, i64)>| {
        let read = database.read_range(&day_target(), &range("sales_date", first, last, only)).await.expect("read");
        whole(&day_target().schema, &read)
    };
    assert_eq!(
        days("2024-02-29", "2024-03-01", None).await,
        published(&rows[3..9]),
        "both ends are in it, in key order"
    );
    assert_eq!(days("2024-02-29", "2024-03-01", Some(("store_id", -1))).await, published(&[rows[3], rows[6]]));
    assert_eq!(days("0001-01-01", "9999-12-31", None).await, published(&rows));
    assert_eq!(days("2024-03-01", "2024-02-29", None).await.num_rows(), 0, "nothing is between them");
    assert_eq!(days("2024-02-29", "2024-02-29", Some(("store_id", 5))).await.num_rows(), 0);
    let months = async |first: &str, last: &str, only: Option<(&str, i64)>| {
        let read = database.read_range(&team_target(), &range("sales_month", first, last, only)).await.expect("read");
        whole(&team_target().schema, &read)
    };
    assert_eq!(months("2024-01", "2024-02", None).await, paid(&MONTHS[1..]));
    assert_eq!(months("2024-01", "2024-01", Some(("sales_person_id", 9))).await, paid(&MONTHS[2..3]));
}

pub(crate) async fn a_range_that_a_table_cannot_have_is_refused(setting: &dyn Setting) {
    let (database, _) = filled(setting).await;
    let wrong = [
        range("sold_on", "2024-02-29", "2024-02-29", None),
        range("net", "1", "2", None),
        range("sales_date", "2024-02", "2024-03-01", None),
        range("sales_date", "2023-02-29", "2024-03-01", None),
        range("sales_date", "2024-02-29", "2024-02-29", Some(("net", 1))),
        range("sales_date", "2024-02-29", "2024-02-29", Some(("store_id = store_id OR 1", 1))),
    ];
    for range in wrong {
        let fault = refused(database.read_range(&day_target(), &range).await, FaultKind::Mart);
        assert!(fault.to_string().contains("store_day"), "{fault}");
    }
}
