//! Enriching months anew: landed rows get every attribute as the history of the dimensions knows it now of the day of the sale, as a
//! batch of kind `Complete` with months. No row comes or goes, and no money moves; somebody has to ask for it, and is shown the difference.

use crate::compare::one;
use crate::marts::{Marts, SALES_MART};
use crate::shop::{Pipeline, Prepared};
use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use tillmart_coupon::Month;
use tillmart_database::{TargetRange, TargetTable};
use tillmart_engine::mart::Rollup;
use tillmart_model::{BatchKind, Fault, FaultKind, Result};

/// Columns of a row, by name, as text; `None` is NULL.
type Columns = BTreeMap<String, Option<String>>;

/// What changed in a row-level mart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RowsChanged {
    /// Rows of which at least one value is another now.
    pub rows: u64,
    /// Values that are others now, by column.
    pub columns: BTreeMap<String, u64>,
}

/// A published row that is another now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublishedChange {
    /// The mart.
    pub mart: String,
    /// Its key.
    pub key: Columns,
    /// What was published, of the columns that changed; `None` where there was no such row.
    pub before: Option<Columns>,
    /// What is published now; `None` where there is no such row any more.
    pub after: Option<Columns>,
}

/// Months that were enriched anew, and the difference that it made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReEnriched {
    /// The months, `YYYY-MM`.
    pub months: Vec<String>,
    /// What changed in row-level marts; those in which nothing did are left out.
    pub rows_changed: BTreeMap<String, RowsChanged>,
    /// Published rows that are others now.
    pub published_changed: Vec<PublishedChange>,
    /// Row-level marts that cannot be enriched anew, and why.
    pub left_out: BTreeMap<String, String>,
    /// Reports that were written anew, by path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<String>,
    /// Reports that could not be written, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reports_failed: BTreeMap<String, String>,
}

/// Published rows by mart and key.
type Published = BTreeMap<String, BTreeMap<Columns, Columns>>;

impl Pipeline {
    /// Gives every landed row of these months the attributes that the history knows now of the day of its sale, and moves the sums that
    /// hang on them; then writes the reports that settings name of them. A second time changes nothing.
    ///
    /// # Errors
    /// `Settings` for a month without landed sales; else as [`Pipeline::run`].
    pub async fn re_enrich(&self, months: &[String]) -> Result<ReEnriched> {
        self.seams.schema.check().await?;
        let months = self.landed_months(months).await?;
        let prepared = self.prepare().await?;
        let before = self.published_sums(&prepared, &months).await?;
        let summary = self.run_batch(&BatchKind::Complete { months: months.clone() }).await?;
        let after = self.published_sums(&prepared, &months).await?;
        let mut done = ReEnriched { months, published_changed: changes(&before, &after), ..ReEnriched::default() };
        for mart in &prepared.marts.rows {
            if let Err(because) = mart.enrichable() {
                done.left_out.insert(mart.name.clone(), because);
            }
            if let Some(rows) = summary.rows_completed.get(&mart.name) {
                let columns = summary.columns_changed.get(&mart.name).cloned().unwrap_or_default();
                done.rows_changed.insert(mart.name.clone(), RowsChanged { rows: *rows, columns });
            }
        }
        let written = self.write_touched(&summary.touched).await;
        (done.reports, done.reports_failed) = (written.reports, written.failed);
        Ok(done)
    }

    /// The months as they were asked for, each of which has landed sales.
    async fn landed_months(&self, asked: &[String]) -> Result<Vec<String>> {
        let snapshot = self.lake.snapshot(SALES_MART, None).await?;
        let files = || snapshot.iter().flat_map(|snapshot| &snapshot.files);
        let months = files().filter_map(|file| file.partition.iter().find(|(column, _)| column == "sales_month"));
        let landed: BTreeSet<&String> = months.filter_map(|(_, month)| month.as_ref()).collect();
        let asked: BTreeSet<&String> = asked.iter().collect();
        let missing: Vec<&str> = asked.difference(&landed).map(|month| month.as_str()).collect();
        // A sales mart of somebody's own may be partitioned by something else.
        if missing.is_empty() || (landed.is_empty() && files().next().is_some()) {
            return Ok(asked.into_iter().cloned().collect());
        }
        let found = match (landed.first(), landed.last()) {
            (Some(first), Some(last)) => format!("sales from {first} to {last}"),
            _ => "no sales at all".to_owned(),
        };
        Err(Fault::new(FaultKind::Settings, format!("nothing was sold in {}", missing.join(", ")))
            .expected("a month with landed sales, YYYY-MM")
            .found(found)
            .hint("nothing was changed"))
    }

    /// The published rows of every rollup whose sums hang on attributes: those of the months, where its rows tell when, as no others change.
    async fn published_sums(&self, prepared: &Prepared, months: &[String]) -> Result<Published> {
        let mut published = Published::new();
        for rollup in prepared.marts.rollups.iter().filter(|rollup| rollup.sums_attributes) {
            if self.not_whole(&rollup.name).await?.is_none() {
                let (_, target) = Marts::database_tables(rollup);
                let mut rows = Vec::new();
                for month in months {
                    let Some(range) = of_month(rollup, &target, month) else {
                        rows = self.seams.publisher.read_target(&target).await?;
                        break;
                    };
                    rows.extend(self.seams.publisher.read_range(&target, &range).await?);
                }
                published.insert(rollup.name.clone(), in_words(&target, &rows).map_err(untold)?);
            }
        }
        Ok(published)
    }
}

/// The published rows of a month, where a day or month of the sale is a key of both state and published table.
fn of_month(rollup: &Rollup, target: &TargetTable, month: &str) -> Option<TargetRange> {
    let days: Month = month.parse().ok()?;
    let is_key = |name: &str, data_type: &DataType| {
        let keys = &rollup.state_schema.fields()[..rollup.state_keys];
        target.key.iter().any(|key| key == name)
            && keys.iter().any(|key| key.name() == name)
            && target.schema.field_with_name(name).is_ok_and(|field| field.data_type() == data_type)
    };
    let (column, first, last) = if is_key("sales_date", &DataType::Date32) {
        ("sales_date", days.first_day().to_string(), days.last_day().to_string())
    } else if is_key("sales_month", &DataType::Utf8) {
        ("sales_month", month.to_owned(), month.to_owned())
    } else {
        return None;
    };
    Some(TargetRange { column: column.to_owned(), first, last, only: None })
}

fn in_words(target: &TargetTable, rows: &[RecordBatch]) -> std::result::Result<BTreeMap<Columns, Columns>, ArrowError> {
    let rows = one(&target.schema, rows)?;
    let options = FormatOptions::default();
    let mut words = vec![(Columns::new(), Columns::new()); rows.num_rows()];
    for (field, column) in target.schema.fields().iter().zip(rows.columns()) {
        let formatter = ArrayFormatter::try_new(column.as_ref(), &options)?;
        let is_key = target.key.contains(field.name());
        for (row, (key, values)) in words.iter_mut().enumerate() {
            let value = column.is_valid(row).then(|| formatter.value(row).to_string());
            if is_key { key } else { values }.insert(field.name().clone(), value);
        }
    }
    Ok(words.into_iter().collect())
}

fn changes(before: &Published, after: &Published) -> Vec<PublishedChange> {
    let mut changes = Vec::new();
    let nothing = BTreeMap::new();
    for (mart, after) in after {
        let before = before.get(mart).unwrap_or(&nothing);
        let keys: BTreeSet<&Columns> = before.keys().chain(after.keys()).collect();
        for key in keys {
            let (was, is) = (before.get(key), after.get(key));
            if was == is {
                continue;
            }
            let of_changed = |columns: &Columns| -> Columns {
                let differs = |name: &String| was.and_then(|was| was.get(name)) != is.and_then(|is| is.get(name));
                columns
                    .iter()
                    .filter(|(name, _)| differs(name))
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect()
            };
            changes.push(PublishedChange {
                mart: mart.clone(),
                key: key.clone(),
                before: was.map(of_changed),
                after: is.map(of_changed),
            });
        }
    }
    changes
}

fn untold(error: ArrowError) -> Fault {
    Fault::new(FaultKind::Promise, "the rows of a mart cannot be compared").found(error)
}
