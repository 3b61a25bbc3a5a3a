//! Verify, row-level marts: each is computed once more from the landed sales, and compared source file by source file.

use crate::marts::SALES_MART;
use crate::moment::Pinned;
use crate::shop::{Pipeline, Prepared};
use crate::verify::{BEHIND, NOT_FILLED, Verified};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use arrow::util::display::array_value_to_string;
use std::collections::BTreeMap;
use tillmart_engine::mart::{RowMart, landing_schema};
use tillmart_engine::{PlanError, Relation};
use tillmart_model::{Fault, FaultKind, Result};

/// Rows of one source file: how many, their fingerprint, sums in words.
#[derive(Debug, Default, PartialEq, Eq)]
struct Marks {
    rows: i64,
    mark: i64,
    sums: Vec<String>,
}

impl Pipeline {
    /// Compares what the sale alone decides: attributes of dimensions are those of the day of landing, and a dimension that was loaded
    /// anew since makes no mart wrong.
    pub(crate) async fn verify_row_mart(
        &self,
        mart: &RowMart,
        prepared: &Prepared,
        pinned: &Pinned,
        verified: &mut Verified,
    ) -> Result<()> {
        let Some(version) = pinned.get(&mart.name) else {
            verified.leaves_out(&mart.name, NOT_FILLED);
            return Ok(());
        };
        if self.marts_standing().await?.lacks(&mart.name) {
            verified.leaves_out(&mart.name, BEHIND);
            return Ok(());
        }
        let sales_mart = prepared.marts.rows.first().filter(|sales| sales.name == SALES_MART);
        let lacking = sales_mart.and_then(|sales| sales.lacks());
        let because = match (&lacking, mart.recomputable()) {
            (Some(column), _) => format!("your own {SALES_MART} does not carry {column}"),
            (None, Err(because)) => because,
            (None, Ok(())) => String::new(),
        };
        if !because.is_empty() {
            verified.leaves_out(&mart.name, &because);
            return Ok(());
        }
        let own = self.table_relation(&prepared.marts, &mart.name, Some(*version)).await?;
        let found = self.marks(mart, vec![own], &mart.marks_of_table()).await?;
        let at = |error: PlanError| mart.fault(&error);
        let sales = self.table_relation(&prepared.marts, SALES_MART, pinned.get(SALES_MART).copied()).await?;
        let mut relations = Relation::dimensions(&prepared.dimensions).map_err(at)?;
        relations.push(sales.named("sales").only_columns(&landing_schema()).map_err(at)?);
        let expected = self.marks(mart, relations, &mart.marks_of_sales()).await?;
        let rows: i64 = expected.values().map(|marks| marks.rows).sum();
        *verified.compared.entry(mart.name.clone()).or_default() += rows.unsigned_abs();
        let nothing = Marks::default();
        let files: std::collections::BTreeSet<&Option<i64>> = expected.keys().chain(found.keys()).collect();
        for file in files {
            let (expected, found) = (expected.get(file).unwrap_or(&nothing), found.get(file).unwrap_or(&nothing));
            if expected != found {
                verified.differs(&mart.name, told(mart, *file, expected), told(mart, *file, found));
            }
        }
        Ok(())
    }

    async fn marks(&self, mart: &RowMart, relations: Vec<Relation>, sql: &str) -> Result<BTreeMap<Option<i64>, Marks>> {
        let selected = self.seams.engine.select(relations, sql).await;
        let (_, batches) = selected.map_err(|error| mart.fault(&error))?;
        let mut marks = BTreeMap::new();
        for batch in &batches {
            marks.extend(of_each(batch).map_err(|error| {
                Fault::new(FaultKind::Promise, format!("the rows of {} cannot be compared", mart.name)).found(error)
            })?);
        }
        Ok(marks)
    }
}

type Each = Vec<(Option<i64>, Marks)>;

fn of_each(batch: &RecordBatch) -> std::result::Result<Each, arrow::error::ArrowError> {
    let ids = arrow::compute::cast(batch.column(0), &DataType::Int64)?;
    let ids = ids.as_primitive::<Int64Type>();
    let whole = |column: usize| arrow::compute::cast(batch.column(column), &DataType::Int64);
    let (rows, marks) = (whole(1)?, whole(2)?);
    let (rows, marks) = (rows.as_primitive::<Int64Type>(), marks.as_primitive::<Int64Type>());
    let one = |row: usize| {
        let sums = (3..batch.num_columns()).map(|column| array_value_to_string(batch.column(column), row));
        let sums = sums.collect::<std::result::Result<_, _>>()?;
        let id = ids.is_valid(row).then(|| ids.value(row));
        Ok((id, Marks { rows: rows.value(row), mark: marks.value(row), sums }))
    };
    (0..batch.num_rows()).map(one).collect()
}

fn told(mart: &RowMart, file: Option<i64>, marks: &Marks) -> String {
    let file = file.map_or_else(|| "no source file".to_owned(), |id| format!("source file {id}"));
    let sums = mart.marked_decimals().into_iter().zip(&marks.sums).map(|(name, sum)| format!(", {name} {sum}"));
    format!("{file}: {} rows{}, fingerprint {:x}", marks.rows, sums.collect::<String>(), marks.mark)
}
