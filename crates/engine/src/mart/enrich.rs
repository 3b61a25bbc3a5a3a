//! Enriching landed rows anew: every attribute as the history of the dimensions knows it now of the day of the sale.
//!
//! Unlike completing, this changes what a row had found when it landed. Nothing that was known is lost: where a key is in no dimension
//! table any more, the row stays as it is.

use super::RowMart;
use super::row::Source;
use crate::dimensions::DimensionTables;
use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::kernels::cmp::distinct;
use arrow::compute::kernels::zip::zip;
use arrow::compute::{and, is_not_null, or};
use arrow::datatypes::Date32Type;
use chrono::{Months, NaiveDate};
use datafusion::common::Result as PlanResult;
use std::collections::BTreeMap;
use std::ops::Range;

/// Rows as they are now, how many of them changed, and how many values of each column.
pub type Enriched = (RecordBatch, u64, BTreeMap<String, u64>);

impl RowMart {
    /// Whether rows of this mart can be enriched anew; else why not, in words.
    ///
    /// # Errors
    /// As [`RowMart::completable`]; and a mart without the day of the sale.
    pub fn enrichable(&self) -> Result<(), String> {
        self.completable()?;
        match self.as_of.and_then(|day| self.carried(day)) {
            Some(_) => Ok(()),
            None if self.lookups.is_empty() => Ok(()),
            None => Err("sales_date is not among its columns, so nobody can tell what was true on the day".to_owned()),
        }
    }

    /// The same rows with what is known now of the days of their sales, in these months (`YYYY-MM`); `None` where nothing changes.
    ///
    /// # Errors
    /// An expression that fails on these rows.
    pub fn enrich(
        &self,
        rows: &RecordBatch,
        dimensions: &DimensionTables,
        months: &[String],
    ) -> PlanResult<Option<Enriched>> {
        let found = self.found(rows, dimensions, false)?;
        let now = self.wide(rows, |lookup, column| self.looked(lookup, column, dimensions, &found[lookup]))?;
        // A look-up by an attribute tells all there is to tell where that attribute is known, be it that there is nothing.
        let mut known: Vec<BooleanArray> = Vec::with_capacity(found.len());
        for (lookup, found) in self.lookups.iter().zip(&found) {
            known.push(match &lookup.key {
                Source::Looked { lookup, .. } => known[*lookup].clone(),
                Source::Sale(_) => is_not_null(found)?,
            });
        }
        let within = self.within(rows, months);
        let mut columns = rows.columns().to_vec();
        let mut changed = BooleanArray::from(vec![false; rows.num_rows()]);
        let mut by_column = BTreeMap::new();
        for (output, made_from) in self.made_from.iter().enumerate() {
            let mut may_change = within.clone();
            let mut is_attribute = false;
            for source in made_from {
                if let Source::Looked { lookup, .. } = self.sources[*source] {
                    is_attribute = true;
                    may_change = and(&may_change, &known[lookup])?;
                }
            }
            if !is_attribute {
                continue;
            }
            let value = self.output(output, &now)?;
            let differs = and(&may_change, &distinct(&columns[output], &value)?)?;
            if differs.true_count() > 0 {
                by_column.insert(self.schema.field(output).name().clone(), differs.true_count() as u64);
                columns[output] = zip(&differs, &value, &columns[output])?;
                changed = or(&changed, &differs)?;
            }
        }
        match changed.true_count() as u64 {
            0 => Ok(None),
            count => Ok(Some((RecordBatch::try_new(rows.schema(), columns)?, count, by_column))),
        }
    }

    /// The rows whose day is in one of the months.
    fn within(&self, rows: &RecordBatch, months: &[String]) -> BooleanArray {
        let days = self.as_of.and_then(|day| self.carried(day)).map(|output| rows.column(output));
        let Some(days) = days.and_then(|days| days.as_primitive_opt::<Date32Type>()) else {
            return BooleanArray::from(vec![false; rows.num_rows()]);
        };
        let spans: Vec<Range<i32>> = months.iter().filter_map(|month| days_of(month)).collect();
        (0..days.len())
            .map(|row| Some(days.is_valid(row) && spans.iter().any(|span| span.contains(&days.value(row)))))
            .collect()
    }
}

/// The days of a month, `YYYY-MM`.
fn days_of(month: &str) -> Option<Range<i32>> {
    let first: NaiveDate = format!("{month}-01").parse().ok()?;
    let next = first.checked_add_months(Months::new(1))?;
    Some(Date32Type::from_naive_date(first)..Date32Type::from_naive_date(next))
}
