//! What customers spend by month: tables in either order of their key, and rows.

use crate::Database;
use crate::scene::{archive, at, committed};
use arrow::array::{ArrayRef, AsArray, Date32Array, Decimal128Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Field, Int64Type, Schema};
use chrono::NaiveDate;
use std::sync::Arc;
use tillmart_database::{Lease, StateTable, TargetTable};

/// The order of a key.
pub(crate) type Order = [&'static str; 2];

/// The order that the built-in mart has.
pub(crate) const MONTH_FIRST: Order = ["sales_date_month", "customer_id"];
pub(crate) const CUSTOMER_FIRST: Order = ["customer_id", "sales_date_month"];

pub(crate) fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn key_field(name: &str) -> Field {
    let data_type = if name == "customer_id" { DataType::Int64 } else { DataType::Date32 };
    Field::new(name, data_type, false)
}

pub(crate) fn spend_state(order: Order) -> StateTable {
    let schema = Schema::new(vec![
        key_field(order[0]),
        key_field(order[1]),
        Field::new("total_sales", DataType::Decimal128(24, 2), false),
        Field::new("landed_rows", DataType::Int64, false),
    ]);
    StateTable { mart: "customers_data_mart".to_owned(), schema: Arc::new(schema), keys: 2, scope: names(&order) }
}

pub(crate) fn spend_target(order: Order) -> TargetTable {
    let schema = Schema::new(vec![
        key_field("customer_id"),
        key_field("sales_date_month"),
        Field::new("total_sales", DataType::Decimal128(16, 2), true),
    ]);
    let name = "customers_data_mart".to_owned();
    TargetTable { name, schema: Arc::new(schema), key: names(&order), scope: names(&order) }
}

pub(crate) fn month(text: &str) -> NaiveDate {
    format!("{text}-01").parse().expect("a month")
}

/// A customer, a month, and what they spent in it, in cents.
pub(crate) type Spent = (i64, &'static str, i128);

/// Publishes what a batch adds; each row stands for one sale, of a customer month that nothing was published of.
pub(crate) async fn publish(database: &dyn Database, lease: &Lease, order: Order, spent: &[Spent]) {
    let customers: ArrayRef = Arc::new(Int64Array::from_iter_values(spent.iter().map(|row| row.0)));
    let months = spent.iter().map(|row| Date32Type::from_naive_date(month(row.1)));
    let months: ArrayRef = Arc::new(Date32Array::from_iter_values(months));
    let money = |data_type: DataType| -> ArrayRef {
        let cents = Decimal128Array::from_iter_values(spent.iter().map(|row| row.2));
        Arc::new(cents.with_data_type(data_type))
    };
    let key = order.map(|name| if name == "customer_id" { Arc::clone(&customers) } else { Arc::clone(&months) });
    let ones: ArrayRef = Arc::new(Int64Array::from(vec![1; spent.len()]));
    let sums = [money(DataType::Decimal128(24, 2)), ones];
    let columns = key.into_iter().chain(sums).collect();
    let state = RecordBatch::try_new(spend_state(order).schema, columns).expect("a batch");
    let columns = vec![customers, months, money(DataType::Decimal128(16, 2))];
    let target = RecordBatch::try_new(spend_target(order).schema, columns).expect("a batch");
    let batch = committed(database, lease, &[]).await;
    let mut publication = database.begin(lease, batch.id).await.expect("begun");
    publication.merge(&spend_state(order), &state, 1).await.expect("merged");
    publication.replace(&spend_state(order), &spend_target(order), &[target]).await.expect("replaced");
    publication.commit(at(4)).await.expect("published");
    archive(database, lease, &batch).await;
}

/// Customer, month as days since 1970, and cents of every row, as they are read.
pub(crate) fn told(batches: &[RecordBatch]) -> Vec<(i64, i32, i128)> {
    let rows = |batch: &RecordBatch| -> Vec<(i64, i32, i128)> {
        let column = |name: &str| batch.column_by_name(name).expect("a column").as_ref();
        let customers = column("customer_id").as_primitive::<Int64Type>().values();
        let months = column("sales_date_month").as_primitive::<Date32Type>().values();
        let cents = column("total_sales").as_primitive::<Decimal128Type>().values();
        customers.iter().zip(months).zip(cents).map(|((customer, month), cents)| (*customer, *month, *cents)).collect()
    };
    batches.iter().flat_map(rows).collect()
}
