//! A relation whose rows are read when a plan asks for them, and of these only those that the plan's conditions can mean.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Date32Type, SchemaRef};
use async_trait::async_trait;
use chrono::Datelike;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use std::fmt::Debug;
use std::sync::Arc;

/// Days that a table may hold.
const DAYS: (&str, &str) = ("0001-01-01", "9999-12-31");
/// Texts before and behind all others.
const TEXTS: (&str, &str) = ("", "\u{10FFFF}");
/// What the names of columns end with that hold months as texts, `YYYY-MM`.
const MONTH: &str = "_month";

/// What a plan can mean of a relation's rows: those from one day or month to another, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The column of days, or of months as texts.
    pub column: String,
    /// The first, `YYYY-MM-DD` or `YYYY-MM`.
    pub first: String,
    /// The last.
    pub last: String,
    /// Only rows that hold this whole number in this column.
    pub only: Option<(String, i64)>,
}

/// Rows that can be read as often as they are asked for.
#[async_trait]
pub trait ReadRows: Debug + Send + Sync {
    /// All rows, or those that are asked for and perhaps more: whoever asks looks at each of them again.
    async fn read(&self, asked: Option<&Asked>) -> tillmart_model::Result<Vec<RecordBatch>>;
}

/// The relation.
#[derive(Debug)]
pub(crate) struct AskedRows {
    pub(crate) schema: SchemaRef,
    pub(crate) rows: Arc<dyn ReadRows>,
}

#[async_trait]
impl TableProvider for AskedRows {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // Rows are filtered again: here they are only not read.
        let told = |filter: &&Expr| match condition(&self.schema, filter).is_some() {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(told).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let asked = asked(&self.schema, filters);
        let rows = self.rows.read(asked.as_ref()).await;
        let rows = rows.map_err(|fault| DataFusionError::External(Box::new(fault)))?;
        MemTable::try_new(Arc::clone(&self.schema), vec![rows])?.scan(state, projection, &[], None).await
    }
}

/// A condition on one column.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    /// At least this day or month.
    From(String),
    /// At most this one.
    To(String),
    /// Just this one.
    At(String),
    /// Just this whole number.
    Number(i64),
}

/// What filters that hold all together ask for; `None` where they name no day and no month.
fn asked(schema: &SchemaRef, filters: &[Expr]) -> Option<Asked> {
    let conditions: Vec<(String, Condition)> = filters.iter().filter_map(|filter| condition(schema, filter)).collect();
    let bounds = |column: &str| {
        let of_column = conditions.iter().filter(|(name, _)| name == column).map(|(_, condition)| condition);
        let (mut first, mut last): (Option<&String>, Option<&String>) = (None, None);
        for condition in of_column {
            let (from, to) = match condition {
                Condition::From(from) => (Some(from), None),
                Condition::To(to) => (None, Some(to)),
                Condition::At(at) => (Some(at), Some(at)),
                Condition::Number(_) => (None, None),
            };
            first = first.max(from);
            last = match (last, to) {
                (Some(last), Some(to)) => Some(last.min(to)),
                (last, to) => last.or(to),
            };
        }
        (first, last)
    };
    let is_bound = |column: &&String| bounds(column) != (None, None);
    let mut columns: Vec<&String> = conditions.iter().map(|(name, _)| name).filter(is_bound).collect();
    // A range with two ends before one with one.
    columns.sort_by_key(|column| matches!(bounds(column), (None, _) | (_, None)));
    let column = (*columns.first()?).clone();
    let (first, last) = bounds(&column);
    let is_day = schema.field_with_name(&column).is_ok_and(|field| *field.data_type() == DataType::Date32);
    let all = if is_day { DAYS } else { TEXTS };
    let only = conditions.iter().find_map(|(name, condition)| match condition {
        Condition::Number(number) => Some((name.clone(), *number)),
        _ => None,
    });
    Some(Asked {
        first: first.map_or_else(|| all.0.to_owned(), Clone::clone),
        last: last.map_or_else(|| all.1.to_owned(), Clone::clone),
        column,
        only,
    })
}

/// A filter as a condition on a column, where it is a plain one; a range without its end is told with it.
fn condition(schema: &SchemaRef, filter: &Expr) -> Option<(String, Condition)> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else { return None };
    let (column, op, value) = match (&**left, &**right) {
        (Expr::Column(column), Expr::Literal(value, _)) => (column, *op, value),
        (Expr::Literal(value, _), Expr::Column(column)) => (column, op.swap()?, value),
        _ => return None,
    };
    let field = schema.field_with_name(&column.name).ok()?;
    let found = match (field.data_type(), value) {
        (DataType::Int32, ScalarValue::Int32(Some(number))) if op == Operator::Eq => {
            Condition::Number(i64::from(*number))
        }
        (DataType::Int64, ScalarValue::Int64(Some(number))) if op == Operator::Eq => Condition::Number(*number),
        (DataType::Date32, ScalarValue::Date32(Some(day))) => {
            let day = Date32Type::to_naive_date_opt(*day).filter(|day| (1..=9999).contains(&day.year()))?;
            range(op, day.to_string())?
        }
        (DataType::Utf8, ScalarValue::Utf8(Some(month))) if field.name().ends_with(MONTH) && is_month(month) => {
            range(op, month.clone())?
        }
        _ => return None,
    };
    Some((column.name.clone(), found))
}

fn range(op: Operator, value: String) -> Option<Condition> {
    match op {
        Operator::Eq => Some(Condition::At(value)),
        Operator::Gt | Operator::GtEq => Some(Condition::From(value)),
        Operator::Lt | Operator::LtEq => Some(Condition::To(value)),
        _ => None,
    }
}

/// `2024-05`: other texts may sort otherwise in a database than here.
fn is_month(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    bytes.len() == 7 && bytes[4] == b'-' && [0, 1, 2, 3, 5, 6].into_iter().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Date32Array, Int32Array, StringArray};
    use arrow::datatypes::{Field, Schema};
    use datafusion::prelude::SessionContext;
    use std::sync::Mutex;

    /// Every row, whatever is asked: that is allowed, and shows that the plan looks again.
    #[derive(Debug)]
    struct Everything {
        rows: RecordBatch,
        asked: Mutex<Vec<Option<Asked>>>,
    }

    #[async_trait]
    impl ReadRows for Everything {
        async fn read(&self, asked: Option<&Asked>) -> tillmart_model::Result<Vec<RecordBatch>> {
            self.asked.lock().unwrap().push(asked.cloned());
            Ok(vec![self.rows.clone()])
        }
    }

    /// What is asked for by this condition, and how many of four rows it finds.
    async fn of(filter: &str) -> (Option<Asked>, usize) {
        let schema = Arc::new(Schema::new(vec![
            Field::new("sales_date", DataType::Date32, true),
            Field::new("sales_month", DataType::Utf8, true),
            Field::new("product", DataType::Utf8, true),
            Field::new("store_id", DataType::Int32, true),
        ]));
        let day = |text: &str| Some(Date32Type::from_naive_date(text.parse().unwrap()));
        let days = [day("2024-05-01"), day("2024-05-31"), day("2024-06-30"), None];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Date32Array::from(days.to_vec())),
            Arc::new(StringArray::from(vec![Some("2024-05"), Some("2024-05"), Some("2024-06"), None])),
            Arc::new(StringArray::from(vec!["tea", "tea", "2024-05", "mug"])),
            Arc::new(Int32Array::from(vec![1, 2, 1, 2])),
        ];
        let rows = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
        let everything = Arc::new(Everything { rows, asked: Mutex::default() });
        let context = SessionContext::new();
        let table = AskedRows { schema, rows: everything.clone() };
        context.register_table("mart", Arc::new(table)).unwrap();
        let frame = context.sql(&format!("SELECT store_id FROM mart WHERE {filter}")).await.unwrap();
        let found: usize = frame.collect().await.unwrap().iter().map(RecordBatch::num_rows).sum();
        let asked = everything.asked.lock().unwrap().pop().unwrap();
        (asked, found)
    }

    fn asks(column: &str, first: &str, last: &str, only: Option<i64>) -> Option<Asked> {
        let only = only.map(|store| ("store_id".to_owned(), store));
        Some(Asked { column: column.to_owned(), first: first.to_owned(), last: last.to_owned(), only })
    }

    #[tokio::test]
    async fn plain_conditions_are_asked_for_and_looked_at_again() {
        let may = asks("sales_date", "2024-05-01", "2024-05-31", None);
        for (filter, asked, found) in [
            ("sales_date BETWEEN '2024-05-01' AND '2024-05-31'", may.clone(), 2),
            ("sales_date >= DATE '2024-05-01' AND DATE '2024-05-31' > sales_date", may, 1),
            ("sales_date = '2024-05-31'", asks("sales_date", "2024-05-31", "2024-05-31", None), 1),
            ("sales_date > '2024-05-31'", asks("sales_date", "2024-05-31", "9999-12-31", None), 1),
            ("sales_month = '2024-05'", asks("sales_month", "2024-05", "2024-05", None), 2),
            ("sales_month = '2024-05' AND store_id = 2", asks("sales_month", "2024-05", "2024-05", Some(2)), 1),
            ("sales_month <= '2024-05'", asks("sales_month", "", "2024-05", None), 2),
            ("sales_month > '2024-05' AND product LIKE '2%'", asks("sales_month", "2024-05", "\u{10FFFF}", None), 1),
            (
                "sales_month >= '2024-01' AND sales_date >= '2024-05-02' AND sales_date <= '2024-06-30'",
                asks("sales_date", "2024-05-02", "2024-06-30", None),
                2,
            ),
        ] {
            assert_eq!(of(filter).await, (asked, found), "{filter}");
        }
    }

    #[tokio::test]
    async fn what_may_mean_any_row_asks_for_all() {
        for (filter, found) in [
            ("store_id = 1", 2),
            ("sales_month = '2024-05' OR store_id = 2", 3),
            ("product = '2024-05'", 1),
            ("sales_month = 'May'", 0),
            ("sales_month IS NULL", 1),
            ("sales_month <> '2024-05'", 1),
            ("substr(sales_month, 1, 4) = '2024'", 3),
        ] {
            assert_eq!(of(filter).await, (None, found), "{filter}");
        }
    }
}
