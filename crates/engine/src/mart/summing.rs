//! A `merge` that sums columns of the sale by columns of the sale: its sums are made in the pass that lands the sales, so that
//! nothing has to be read again. Any other `merge` runs over the landed files.

use super::{Rollup, RowMart};
use crate::session::session;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::datasource::empty::EmptyTable;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan};
use std::sync::Arc;

/// A key of a rollup's state, as the decoder knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SumKey {
    Customer,
    Store,
    SalesPerson,
    Product,
    Date,
    /// The month as text, `YYYY-MM`.
    Month,
    /// The first day of the month.
    MonthStart,
}

/// What is summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SumOf {
    TotalCost,
    Quantity,
    Price,
    /// One for each row.
    Rows,
}

/// A rollup whose `merge` is made in the landing pass.
#[derive(Debug, Clone)]
pub struct Summing {
    /// The mart.
    pub mart: String,
    /// Digest of its `merge`: sums made by another one are of no use.
    pub merge_digest: String,
    pub(crate) keys: Vec<SumKey>,
    pub(crate) sums: Vec<SumOf>,
    /// Sales without a customer do not count.
    pub(crate) skips_anonymous: bool,
    /// Keys and sums, as the state has them.
    pub(crate) state_schema: SchemaRef,
}

impl Rollup {
    /// Settles whether the rollup's sums are made in the landing pass. `sales` is the sales mart, which its `merge` reads.
    pub async fn sum_in_passing(&mut self, sales: &RowMart) {
        self.summing = self.summing_over(sales).await.map(Arc::new);
    }

    async fn summing_over(&self, sales: &RowMart) -> Option<Summing> {
        let context = session(1, 64 << 20).ok()?;
        context.register_table("sales", Arc::new(EmptyTable::new(Arc::clone(&sales.schema)))).ok()?;
        let plan = context.state().create_logical_plan(&self.merge.sql).await.ok()?;
        let width = self.state_schema.fields().len();
        let mut summing = Summing {
            mart: self.name.clone(),
            merge_digest: blake3::hash(self.merge.sql.as_bytes()).to_hex().to_string(),
            keys: Vec::new(),
            sums: Vec::new(),
            skips_anonymous: false,
            state_schema: Arc::clone(&self.state_schema),
        };
        // A sales mart of the user's own may hold something else under these names, or not every sale.
        let named = plan_columns(&plan);
        if !sales.takes_every_sale() || !named.iter().all(|name| sales.is_sale_column(name)) {
            return None;
        }
        for at in 0..width {
            let (aggregate, output) = aggregated(&plan, at)?;
            if at == 0 {
                summing.skips_anonymous = filter(&aggregate.input)?;
            }
            match output.checked_sub(aggregate.group_expr.len()) {
                None if at < self.state_keys => summing.keys.push(key(aggregate.group_expr.get(output)?)?),
                Some(call) if at >= self.state_keys => summing.sums.push(sum(aggregate.aggr_expr.get(call)?)?),
                _ => return None,
            }
        }
        // Every group must be a key: sums by more than is told would be several rows of one key.
        let groups = aggregated(&plan, 0)?.0.group_expr.len();
        let by_customer = summing.keys.contains(&SumKey::Customer);
        (groups == summing.keys.len() && (!by_customer || summing.skips_anonymous)).then_some(summing)
    }
}

/// Columns of `sales` that a plan names.
fn plan_columns(plan: &LogicalPlan) -> Vec<String> {
    let mut names = Vec::new();
    let mut plans = vec![plan];
    while let Some(plan) = plans.pop() {
        plans.extend(plan.inputs());
        if let LogicalPlan::Aggregate(aggregate) = plan {
            let exprs = aggregate.group_expr.iter().chain(&aggregate.aggr_expr);
            names.extend(exprs.flat_map(|expr| expr.column_refs()).map(|column| column.name.clone()));
        }
        if let LogicalPlan::Filter(filter) = plan {
            names.extend(filter.predicate.column_refs().into_iter().map(|column| column.name.clone()));
        }
    }
    names
}

/// The aggregate that a column comes from, and its place among the aggregate's outputs.
fn aggregated(plan: &LogicalPlan, at: usize) -> Option<(&Aggregate, usize)> {
    match plan {
        LogicalPlan::Projection(projection) => match projection.expr.get(at)?.clone().unalias_nested().data {
            Expr::Column(column) => {
                aggregated(&projection.input, projection.input.schema().maybe_index_of_column(&column)?)
            }
            _ => None,
        },
        LogicalPlan::Aggregate(aggregate) => Some((aggregate, at)),
        _ => None,
    }
}

/// Whether sales without a customer are left out; `None` for any other filter.
fn filter(plan: &LogicalPlan) -> Option<bool> {
    match plan {
        LogicalPlan::Filter(filter) => {
            let Expr::IsNotNull(tested) = &filter.predicate else { return None };
            (name(tested)? == "customer_id" && !filter_below(&filter.input)).then_some(true)
        }
        _ => (!filter_below(plan)).then_some(false),
    }
}

fn filter_below(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::SubqueryAlias(aliased) => filter_below(&aliased.input),
        LogicalPlan::TableScan(scan) => !scan.filters.is_empty() || scan.fetch.is_some(),
        _ => true,
    }
}

fn name(expr: &Expr) -> Option<String> {
    match expr.clone().unalias_nested().data {
        Expr::Column(column) => Some(column.name),
        _ => None,
    }
}

fn key(expr: &Expr) -> Option<SumKey> {
    if let Some(name) = name(expr) {
        return Some(match name.as_str() {
            "customer_id" => SumKey::Customer,
            "store_id" => SumKey::Store,
            "sales_person_id" => SumKey::SalesPerson,
            "product_name" => SumKey::Product,
            "sales_date" => SumKey::Date,
            "sales_month" => SumKey::Month,
            _ => return None,
        });
    }
    let Expr::Cast(cast) = expr.clone().unalias_nested().data else { return None };
    let Expr::ScalarFunction(call) = cast.expr.as_ref() else { return None };
    let [Expr::Literal(unit, _), date] = call.args.as_slice() else { return None };
    let is_month = matches!(unit, ScalarValue::Utf8(Some(unit)) if unit.eq_ignore_ascii_case("month"));
    let to_date = cast.field.data_type() == &DataType::Date32;
    (is_month && to_date && call.name() == "date_trunc" && name(date)? == "sales_date").then_some(SumKey::MonthStart)
}

fn sum(expr: &Expr) -> Option<SumOf> {
    let Expr::AggregateFunction(call) = expr.clone().unalias_nested().data else { return None };
    let params = &call.params;
    if params.distinct || params.filter.is_some() || !params.order_by.is_empty() || params.null_treatment.is_some() {
        return None;
    }
    match (call.func.name(), params.args.as_slice()) {
        ("count", [Expr::Literal(value, _)]) if !value.is_null() => Some(SumOf::Rows),
        ("sum", [column]) => Some(match name(column)?.as_str() {
            "total_cost" => SumOf::TotalCost,
            "quantity" => SumOf::Quantity,
            "price" => SumOf::Price,
            _ => return None,
        }),
        _ => None,
    }
}
