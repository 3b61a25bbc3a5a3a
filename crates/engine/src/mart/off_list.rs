//! A `merge` over the sales whose price is not the list price of their day: made in the landing pass, where the row of the product table
//! is known for each sale, and where one comparison tells that most sales are none of these.

use super::summing::{aggregated, key, name, unfiltered};
use super::{RowMart, SumKey};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator};

/// Which of the sales off the list price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Both,
    Below,
    Above,
}

/// What of them is summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OffSum {
    /// One for each sale.
    Rows,
    /// `(price - list price) * quantity`, in units of 0.0001.
    Difference,
}

/// Sums over sales (no returns) whose price is not the list price.
#[derive(Debug, Clone)]
pub(crate) struct OffList {
    /// The column of the product table that is the list price.
    pub(crate) price: usize,
    pub(crate) sums: Vec<(OffSum, Side)>,
}

impl OffList {
    /// Keys and sums of a `merge` of this kind, whose state has `width` columns, `keys` of them keys; `None` for any other.
    pub(super) fn of(
        plan: &LogicalPlan,
        (width, keys): (usize, usize),
        sales: &RowMart,
    ) -> Option<(Vec<SumKey>, OffList)> {
        let LogicalPlan::Filter(filter) = aggregated(plan, 0)?.0.input.as_ref() else { return None };
        let list = filtered(&filter.predicate)?;
        let price = unfiltered(&filter.input).then(|| sales.price_of_product(&list))??;
        let (mut by, mut sums) = (Vec::new(), Vec::new());
        for at in 0..width {
            let (aggregate, output) = aggregated(plan, at)?;
            match output.checked_sub(aggregate.group_expr.len()) {
                None if at < keys => by.push(key(aggregate.group_expr.get(output)?)?),
                Some(call) if at >= keys => sums.push(sum(aggregate.aggr_expr.get(call)?, &list)?),
                _ => return None,
            }
        }
        let groups = aggregated(plan, 0)?.0.group_expr.len();
        // Customers may be none, and products unknown: those are left to SQL.
        let is_told = |key: &SumKey| !matches!(key, SumKey::Customer | SumKey::Product);
        (groups == by.len() && by.iter().all(is_told)).then_some((by, OffList { price, sums }))
    }
}

/// The name of the list price in `quantity >= 0 AND price <> list price`.
fn filtered(predicate: &Expr) -> Option<String> {
    let mut list = None;
    let mut has_quantity = false;
    for condition in split_conjunction(predicate) {
        let Expr::BinaryExpr(BinaryExpr { left, op, right }) = condition else { return None };
        match (name(left)?.as_str(), op) {
            ("quantity", Operator::GtEq) if is_zero(right) => has_quantity = true,
            ("price", Operator::NotEq) if list.is_none() => list = Some(name(right)?),
            _ => return None,
        }
    }
    list.filter(|_| has_quantity)
}

fn sum(expr: &Expr, list: &str) -> Option<(OffSum, Side)> {
    let Expr::AggregateFunction(call) = expr.clone().unalias_nested().data else { return None };
    let params = &call.params;
    if params.distinct || !params.order_by.is_empty() || params.null_treatment.is_some() {
        return None;
    }
    match (call.func.name(), params.args.as_slice(), params.filter.as_deref()) {
        ("count", [Expr::Literal(value, _)], filter) if !value.is_null() => {
            Some((OffSum::Rows, filter.map_or(Some(Side::Both), |filter| side(filter, list))?))
        }
        ("sum", [summed], None) => {
            let summed = summed.clone().unalias_nested().data;
            let Expr::Case(case) = &summed else {
                return is_difference(&summed, list).then_some((OffSum::Difference, Side::Both));
            };
            let ([(when, then)], Some(rest), None) = (case.when_then_expr.as_slice(), &case.else_expr, &case.expr)
            else {
                return None;
            };
            (is_zero(rest) && is_difference(then, list)).then_some((OffSum::Difference, side(when, list)?))
        }
        _ => None,
    }
}

fn side(condition: &Expr, list: &str) -> Option<Side> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = condition else { return None };
    if name(left)? != "price" || name(right)? != list {
        return None;
    }
    match op {
        Operator::Lt => Some(Side::Below),
        Operator::Gt => Some(Side::Above),
        _ => None,
    }
}

/// `(price - list price) * quantity`
fn is_difference(expr: &Expr, list: &str) -> bool {
    let Expr::BinaryExpr(BinaryExpr { left: each, op: Operator::Multiply, right: times }) = expr else { return false };
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Minus, right }) = each.as_ref() else { return false };
    let is = |expr: &Expr, wanted: &str| name(expr).is_some_and(|name| name == wanted);
    is(left, "price") && is(right, list) && is(times, "quantity")
}

fn is_zero(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(ScalarValue::Int64(Some(0)) | ScalarValue::Decimal128(Some(0), _, _), _))
}
