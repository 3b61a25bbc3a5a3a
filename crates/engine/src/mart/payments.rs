//! The relation `payments`: what the incentive plan pays for merged sums, computed outside of SQL and line by line, so that the marts
//! that publish it and whoever explains it cannot differ.

use super::Section;
use super::file::fault;
use arrow::array::{Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use std::sync::Arc;
use tillmart_model::Result;
use tillmart_model::incentive::Payment;

/// Its name in SQL.
pub(crate) const NAME: &str = "payments";

const MONEY: DataType = DataType::Decimal128(16, 2);

/// What is paid for one store and month, and by which plan.
#[derive(Debug, Clone)]
pub struct PaidScope {
    /// The store.
    pub store_id: i32,
    /// The month, `YYYY-MM`.
    pub sales_month: String,
    /// The plan as text.
    pub plan: String,
    /// The lines, each seller's with the managers above that the plan may pay: ids, the direct manager first.
    pub lines: Vec<(Payment, String)>,
}

/// The columns that the state needs, so that there is something to pay for.
fn needed() -> [(&'static str, DataType); 3] {
    [("store_id", DataType::Int32), ("sales_month", DataType::Utf8), ("sales_person_id", DataType::Int64)]
}

/// Refuses a `finish` that reads `payments` over sums which do not tell what each sales person sold in each store and month.
pub(super) fn check(path: &str, finish: &Section, state: &SchemaRef, scope: &[String]) -> Result<()> {
    let has = |name: &str, fits: &dyn Fn(&DataType) -> bool| {
        state.field_with_name(name).is_ok_and(|field| fits(field.data_type()))
    };
    let has_keys = needed().iter().all(|(name, data_type)| has(name, &|found| found == data_type));
    let has_total = has("total_sales", &|found| matches!(found, DataType::Decimal128(_, 2)));
    if has_keys && has_total && scope.iter().all(|column| column == "store_id" || column == "sales_month") {
        return Ok(());
    }
    let names: Vec<&str> = state.fields().iter().map(|field| field.name().as_str()).collect();
    Err(fault(path, finish.first_line, "`payments` needs the totals of every sales person of a store and month")
        .expected("state columns store_id, sales_month and sales_person_id, the sum total_sales, and a scope of store_id and sales_month")
        .found(format!("{}; scope {}", names.join(", "), scope.join(", "))))
}

/// Its columns.
pub(crate) fn schema() -> SchemaRef {
    let number = |name: &str, data_type: DataType| Field::new(name, data_type, false);
    Arc::new(Schema::new(vec![
        number("store_id", DataType::Int32),
        number("sales_month", DataType::Utf8),
        number("sales_person_id", DataType::Int64),
        number("seller_id", DataType::Int64),
        number("level", DataType::Int32),
        number("why", DataType::Utf8),
        number("place", DataType::Int32),
        number("ranked", DataType::Int32),
        number("sharers", DataType::Int32),
        number("basis", MONEY),
        Field::new("rate", DataType::Decimal128(9, 6), true),
        number("payment", MONEY),
        number("share", MONEY),
        number("paid", MONEY),
        number("managers", DataType::Utf8),
        number("plan", DataType::Utf8),
    ]))
}

/// The lines of these scopes.
pub(crate) fn rows(scopes: &[PaidScope]) -> std::result::Result<RecordBatch, ArrowError> {
    let all = || scopes.iter().flat_map(|scope| scope.lines.iter().map(move |(line, above)| (scope, line, above)));
    let long = |of: &dyn Fn(&Payment) -> i64| Arc::new(all().map(|(_, line, _)| of(line)).collect::<Int64Array>());
    let short = |of: &dyn Fn(&Payment) -> u32| {
        let numbers = all().map(|(_, line, _)| i32::try_from(of(line)).ok());
        Arc::new(numbers.collect::<Int32Array>())
    };
    let money = |of: &dyn Fn(&Payment) -> i128| {
        let cents = all().map(|(_, line, _)| Some(of(line)));
        cents.collect::<Decimal128Array>().with_precision_and_scale(16, 2).map(Arc::new)
    };
    let rates = all().map(|(_, line, _)| line.rate.map(i128::from)).collect::<Decimal128Array>();
    RecordBatch::try_new(
        schema(),
        vec![
            Arc::new(all().map(|(scope, _, _)| Some(scope.store_id)).collect::<Int32Array>()),
            Arc::new(all().map(|(scope, _, _)| Some(scope.sales_month.as_str())).collect::<StringArray>()),
            long(&|line| line.person),
            long(&|line| line.seller),
            short(&|line| line.level),
            Arc::new(all().map(|(_, line, _)| Some(line.why.word())).collect::<StringArray>()),
            short(&|line| line.place),
            short(&|line| line.ranked),
            short(&|line| line.sharers),
            money(&|line| line.basis)?,
            Arc::new(rates.with_precision_and_scale(9, 6)?),
            money(&|line| line.payment)?,
            money(&|line| line.share)?,
            money(&|line| line.paid)?,
            Arc::new(all().map(|(_, _, above)| Some(above.as_str())).collect::<StringArray>()),
            Arc::new(all().map(|(scope, _, _)| Some(scope.plan.as_str())).collect::<StringArray>()),
        ],
    )
}
