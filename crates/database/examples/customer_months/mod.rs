//! The customer months that both measurements publish: the tables of the built-in mart, and rows for them.

#![allow(clippy::expect_used, reason = "part of a measurement, read by the person who started it")]

use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use std::sync::Arc;
use tillmart_database::{StateTable, TargetTable};

/// 2024-05-01.
pub(crate) const MAY: i32 = 19_844;

/// The state under the name of a mart.
pub(crate) fn state(mart: &str, scope: &[&str]) -> StateTable {
    let schema = Schema::new(vec![
        Field::new("customer_id", DataType::Int64, false),
        Field::new("sales_date_month", DataType::Date32, false),
        Field::new("total_sales", DataType::Decimal128(24, 2), false),
        Field::new("landed_rows", DataType::Int64, false),
    ]);
    StateTable { mart: mart.to_owned(), schema: Arc::new(schema), keys: 2, scope: names(scope) }
}

/// The published table.
pub(crate) fn target(scope: &[&str]) -> TargetTable {
    let schema = Schema::new(vec![
        Field::new("customer_id", DataType::Int64, false),
        Field::new("full_name", DataType::Utf8, true),
        Field::new("address", DataType::Utf8, true),
        Field::new("phone_number", DataType::Utf8, true),
        Field::new("sales_date_month", DataType::Date32, false),
        Field::new("total_sales", DataType::Decimal128(16, 2), true),
    ]);
    TargetTable {
        name: "customers_data_mart".to_owned(),
        schema: Arc::new(schema),
        key: names(&["sales_date_month", "customer_id"]),
        scope: names(scope),
    }
}

/// What a batch adds to the state of these customers in one month; `sales` each.
pub(crate) fn delta(state: &StateTable, customers: &[i64], month: i32, cents: i128, sales: i64) -> RecordBatch {
    let totals = Decimal128Array::from_iter_values(customers.iter().map(|customer| cents + i128::from(customer % 90)));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(customers.to_vec())),
        Arc::new(Date32Array::from(vec![month; customers.len()])),
        Arc::new(totals.with_data_type(DataType::Decimal128(24, 2))),
        Arc::new(Int64Array::from(vec![sales; customers.len()])),
    ];
    RecordBatch::try_new(Arc::clone(&state.schema), columns).expect("a batch")
}

/// What the mart's `finish` would make of state rows.
pub(crate) fn finish(target: &TargetTable, sums: &RecordBatch) -> RecordBatch {
    let customers: &Int64Array = sums.column(0).as_any().downcast_ref().expect("customers");
    let totals: &Decimal128Array = sums.column(2).as_any().downcast_ref().expect("totals");
    let text = |of: &dyn Fn(i64) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(customers.values().iter().map(|customer| of(*customer))))
    };
    let totals = Decimal128Array::from_iter_values(totals.values().iter().copied());
    let columns: Vec<ArrayRef> = vec![
        Arc::clone(sums.column(0)),
        text(&|customer| format!("Saanvi Number {customer}")),
        text(&|customer| format!("{customer} Long Street, Some Town")),
        text(&|customer| format!("+91 98{customer:08}")),
        Arc::clone(sums.column(1)),
        Arc::new(totals.with_data_type(DataType::Decimal128(16, 2))),
    ];
    RecordBatch::try_new(Arc::clone(&target.schema), columns).expect("a batch")
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
