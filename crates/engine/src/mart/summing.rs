//! A `merge` that sums columns of the sale by columns of the sale: its sums are made in the pass that lands the sales, so that
//! nothing has to be read again. Any other `merge` runs over the landed files.

use super::off_list::OffList;
use super::{Rollup, RowMart};
use crate::session::session;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::datasource::empty::EmptyTable;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, Operator};
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

impl SumKey {
    /// Whether it tells when.
    pub(crate) fn is_time(self) -> bool {
        self == SumKey::Date || self.is_month()
    }

    /// Whether it tells the month, and not the day.
    pub(crate) fn is_month(self) -> bool {
        matches!(self, SumKey::Month | SumKey::MonthStart)
    }
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

/// Kinds of sales, as a set: a bit for each of the four kinds that quantity and customer make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kinds(u8);

impl Kinds {
    /// Every sale.
    pub(crate) const ALL: Kinds = Kinds(0b1111);
    /// Returns: sales of a negative quantity.
    pub(crate) const RETURNS: Kinds = Kinds(0b1010);
    /// Sales without a customer.
    pub(crate) const ANONYMOUS: Kinds = Kinds(0b1100);

    /// The number of a sale's kind.
    #[inline]
    pub(crate) fn of(quantity: i32, is_anonymous: bool) -> u8 {
        u8::from(quantity < 0) | u8::from(is_anonymous) << 1
    }

    /// How many kinds there are.
    pub(crate) const COUNT: usize = 4;

    /// Whether sales of a kind are among these.
    pub(crate) fn has(self, kind: usize) -> bool {
        self.0 >> kind & 1 == 1
    }

    /// Whether there are none.
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that are among both.
    pub(crate) fn and(self, other: Kinds) -> Kinds {
        Kinds(self.0 & other.0)
    }

    pub(crate) fn others(self) -> Kinds {
        Kinds(!self.0 & Kinds::ALL.0)
    }
}

/// A column of sums: what is summed up, over which sales.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Measure {
    pub(crate) of: SumOf,
    pub(crate) over: Kinds,
}

/// A rollup whose `merge` is made in the landing pass.
#[derive(Debug, Clone)]
pub struct Summing {
    /// The mart.
    pub mart: String,
    /// Digest of its `merge`: sums made by another one are of no use.
    pub merge_digest: String,
    pub(crate) keys: Vec<SumKey>,
    pub(crate) sums: Vec<Measure>,
    /// Sales without a customer do not count.
    pub(crate) skips_anonymous: bool,
    /// It sums up sales off the list price, and nothing else.
    pub(crate) off_list: Option<OffList>,
    /// Keys and sums, as the state has them.
    pub(crate) state_schema: SchemaRef,
}

impl Summing {
    /// Number of sums.
    pub(crate) fn width(&self) -> usize {
        self.off_list.as_ref().map_or(self.sums.len(), |off_list| off_list.sums.len())
    }
}

impl Rollup {
    /// Settles whether the rollup's sums are made in the landing pass, and whether they hang on attributes of dimensions. `sales` is
    /// the sales mart, which its `merge` reads.
    pub async fn sum_in_passing(&mut self, sales: &RowMart) {
        let plan = self.merge_plan(sales).await;
        let is_of_sales = |plan: &LogicalPlan| plan_columns(plan).iter().all(|name| sales.is_sale_column(name));
        self.sums_attributes = !plan.as_ref().is_some_and(is_of_sales);
        self.summing = plan.and_then(|plan| self.summing_over(&plan, sales)).map(Arc::new);
    }

    async fn merge_plan(&self, sales: &RowMart) -> Option<LogicalPlan> {
        let context = session(1, 64 << 20).ok()?;
        context.register_table("sales", Arc::new(EmptyTable::new(Arc::clone(&sales.schema)))).ok()?;
        context.state().create_logical_plan(&self.merge.sql).await.ok()
    }

    fn summing_over(&self, plan: &LogicalPlan, sales: &RowMart) -> Option<Summing> {
        let width = self.state_schema.fields().len();
        let mut summing = Summing {
            mart: self.name.clone(),
            merge_digest: blake3::hash(self.merge.sql.as_bytes()).to_hex().to_string(),
            keys: Vec::new(),
            sums: Vec::new(),
            skips_anonymous: false,
            off_list: None,
            state_schema: Arc::clone(&self.state_schema),
        };
        if !sales.takes_every_sale() {
            return None;
        }
        if self.sums_attributes {
            let (keys, off_list) = OffList::of(plan, (width, self.state_keys), sales)?;
            return Some(Summing { keys, off_list: Some(off_list), ..summing });
        }
        for at in 0..width {
            let (aggregate, output) = aggregated(plan, at)?;
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
        let groups = aggregated(plan, 0)?.0.group_expr.len();
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
pub(super) fn aggregated(plan: &LogicalPlan, at: usize) -> Option<(&Aggregate, usize)> {
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

/// Whether these are all rows of `sales`.
pub(super) fn unfiltered(plan: &LogicalPlan) -> bool {
    !filter_below(plan)
}

fn filter_below(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::SubqueryAlias(aliased) => filter_below(&aliased.input),
        LogicalPlan::TableScan(scan) => !scan.filters.is_empty() || scan.fetch.is_some(),
        _ => true,
    }
}

pub(super) fn name(expr: &Expr) -> Option<String> {
    match expr.clone().unalias_nested().data {
        Expr::Column(column) => Some(column.name),
        _ => None,
    }
}

pub(super) fn key(expr: &Expr) -> Option<SumKey> {
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

fn sum(expr: &Expr) -> Option<Measure> {
    let Expr::AggregateFunction(call) = expr.clone().unalias_nested().data else { return None };
    let params = &call.params;
    if params.distinct || !params.order_by.is_empty() || params.null_treatment.is_some() {
        return None;
    }
    match (call.func.name(), params.args.as_slice(), params.filter.as_deref()) {
        ("count", [Expr::Literal(value, _)], filter) if !value.is_null() => {
            Some(Measure { of: SumOf::Rows, over: filter.map_or(Some(Kinds::ALL), kinds)? })
        }
        ("sum", [summed], None) => {
            let summed = summed.clone().unalias_nested().data;
            let Expr::Case(case) = &summed else { return Some(Measure { of: column(&summed)?, over: Kinds::ALL }) };
            // Without ELSE 0 a key under which no sale is of these kinds has no sum at all.
            let ([(when, then)], Some(rest), None) = (case.when_then_expr.as_slice(), &case.else_expr, &case.expr)
            else {
                return None;
            };
            is_zero(rest).then_some(Measure { of: column(then)?, over: kinds(when)? })
        }
        _ => None,
    }
}

fn column(expr: &Expr) -> Option<SumOf> {
    Some(match name(expr)?.as_str() {
        "total_cost" => SumOf::TotalCost,
        "quantity" => SumOf::Quantity,
        "price" => SumOf::Price,
        _ => return None,
    })
}

fn is_zero(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(ScalarValue::Int64(Some(0)) | ScalarValue::Decimal128(Some(0), _, _), _))
}

/// The sales that a condition is true of; `None` for one that asks something else. None of it can be unknown: a sale has a quantity.
fn kinds(condition: &Expr) -> Option<Kinds> {
    Some(match condition {
        Expr::Not(other) => kinds(other)?.others(),
        Expr::IsNull(tested) if name(tested)? == "customer_id" => Kinds::ANONYMOUS,
        Expr::IsNotNull(tested) if name(tested)? == "customer_id" => Kinds::ANONYMOUS.others(),
        Expr::BinaryExpr(binary) => match (&binary.op, is_zero(&binary.right)) {
            (Operator::And, _) => kinds(&binary.left)?.and(kinds(&binary.right)?),
            (Operator::Or, _) => Kinds(kinds(&binary.left)?.0 | kinds(&binary.right)?.0),
            (Operator::Lt, true) if name(&binary.left)? == "quantity" => Kinds::RETURNS,
            (Operator::GtEq, true) if name(&binary.left)? == "quantity" => Kinds::RETURNS.others(),
            _ => return None,
        },
        _ => return None,
    })
}
