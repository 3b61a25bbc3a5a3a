//! What a `finish` may be: rows that depend on the merged sums, the dimensions and the settings alone, of types that a published
//! table keeps.

use super::Section;
use super::fault::output_fault;
use super::place::{Sought, refused_at, words_of};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::Result as PlanResult;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan, Volatility};
use std::sync::Arc;
use tillmart_model::Result;

/// Functions whose result is another one in another order of rows.
const ORDERED: [&str; 9] =
    ["row_number", "ntile", "lag", "lead", "first_value", "last_value", "nth_value", "array_agg", "string_agg"];

/// Refuses what would give other rows for the same sums: a later batch, or `verify`, would find the mart wrong.
pub(super) fn check(plan: &LogicalPlan) -> PlanResult<()> {
    plan.apply_with_subqueries(|node| {
        match node {
            LogicalPlan::Limit(_) => {
                return refused_at(
                    words_of(node),
                    "finish takes no LIMIT or OFFSET: it runs over the scopes that a batch touched, and would leave others out each \
                     time; rank the rows within their scope, and take WHERE place <= …",
                );
            }
            LogicalPlan::Distinct(Distinct::On(_)) => {
                return refused_at(
                    Sought::Phrases(&[&["DISTINCT", "ON"], &["DISTINCT"]]),
                    "finish takes no DISTINCT ON: which row of several it keeps is left to chance",
                );
            }
            _ => {}
        }
        steady(node)?;
        node.apply_expressions(|expr| expr.apply(|part| is_ordered(part).map(|()| TreeNodeRecursion::Continue)))
    })?;
    Ok(())
}

/// Refuses functions that give another result at another time.
pub(super) fn steady(node: &LogicalPlan) -> PlanResult<()> {
    node.apply_expressions(|expr| {
        expr.apply(|part| match part {
            Expr::ScalarFunction(call) if call.func.signature().volatility != Volatility::Immutable => {
                refused(format!(
                    "'{}' gives another result at another time; a mart tells the same whenever it is made",
                    call.func.name()
                ))
            }
            _ => Ok(TreeNodeRecursion::Continue),
        })
    })?;
    Ok(())
}

fn is_ordered(part: &Expr) -> PlanResult<()> {
    let (name, is_unordered) = match part {
        Expr::WindowFunction(call) => (call.fun.name().to_owned(), call.params.order_by.is_empty()),
        Expr::AggregateFunction(call) => (call.func.name().to_owned(), call.params.order_by.is_empty()),
        _ => return Ok(()),
    };
    if is_unordered && ORDERED.contains(&name.as_str()) {
        return refused(format!("'{name}' needs an ORDER BY: without one its result is left to chance"));
    }
    Ok(())
}

fn refused<T>(message: String) -> PlanResult<T> {
    Err(datafusion::common::DataFusionError::Plan(message))
}

/// The columns of the published table: whole numbers and texts of any width as one that it keeps, other types refused.
pub(super) fn columns(path: &str, finish: &Section, schema: &Schema) -> Result<SchemaRef> {
    let mut fields = Vec::with_capacity(schema.fields().len());
    for (at, field) in schema.fields().iter().enumerate() {
        let name = field.name();
        let Some(kept) = kept(field.data_type()) else {
            let what = match field.data_type().is_floating() {
                true => "a published column is a float",
                false => "a published column has a type that cannot be kept",
            };
            return Err(output_fault(path, finish, (at, name), what)
                .expected("a whole number, a text, a date or a decimal")
                .found(format!("{name}: {}", field.data_type()))
                .hint(format!("{}; then run again: nothing was changed", advice(name, field.data_type()))));
        };
        fields.push(Field::new(name, kept, true));
    }
    Ok(Arc::new(Schema::new(fields)))
}

fn kept(data_type: &DataType) -> Option<DataType> {
    Some(match data_type {
        DataType::Int8 | DataType::Int16 | DataType::UInt8 | DataType::UInt16 | DataType::Int32 => DataType::Int32,
        DataType::UInt32 | DataType::UInt64 | DataType::Int64 => DataType::Int64,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Dictionary(_, values) => return kept(values),
        DataType::Date32 => DataType::Date32,
        DataType::Decimal128(precision, scale) if *scale >= 0 => DataType::Decimal128(*precision, *scale),
        _ => return None,
    })
}

fn advice(name: &str, data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => {
            format!("write CASE WHEN … THEN 'yes' ELSE 'no' END AS {name}, or CAST(… AS INT) AS {name}")
        }
        DataType::Timestamp(..) | DataType::Date64 => format!("write CAST(… AS DATE) AS {name}"),
        DataType::Null => format!("say of which type it is: CAST(NULL AS VARCHAR) AS {name}"),
        _ if data_type.is_numeric() => format!("write CAST(… AS DECIMAL(16, 2)) AS {name}, or cents(…)"),
        _ => format!("write CAST(… AS VARCHAR) AS {name}"),
    }
}
