//! Renew: months whose incentives stand by an earlier plan, or by earlier managers, are computed anew by those of today. Nobody's pay
//! moves because a setting changed; somebody has to ask for it, and is shown what it does.

use crate::marts::Marts;
use crate::publish::shape;
use crate::reports::Written;
use crate::shop::{Pipeline, Prepared};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, Decimal128Type, Int32Type, Int64Type};
use arrow::error::ArrowError;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use tillmart_database::Publication;
use tillmart_engine::mart::Rollup;
use tillmart_model::{BatchKind, Fault, FaultKind, Result, money};

/// The mart that payroll reads.
pub(crate) const TEAM: &str = "sales_team_data_mart";

/// What one person is paid for one store and month, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PayChange {
    /// The store.
    pub store_id: i32,
    /// The month, `YYYY-MM`.
    pub sales_month: String,
    /// Who is paid.
    pub sales_person_id: i64,
    /// What was published, with two fraction digits.
    pub before: String,
    /// What today's plan and managers make of it.
    pub after: String,
}

/// Months that were computed anew, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Renewal {
    /// The plan that they are computed by.
    pub plan: String,
    /// The months, `YYYY-MM`.
    pub months: Vec<String>,
    /// Whether they were, or only would be.
    pub done: bool,
    /// Everybody whose pay changes.
    pub changes: Vec<PayChange>,
    /// Reports that were written anew, by path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<String>,
    /// Reports that could not be written, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reports_failed: BTreeMap<String, String>,
}

/// Cents by store, month and person.
type Pay = BTreeMap<(i32, String, i64), i128>;

impl Pipeline {
    /// What renewing would change. An empty list of months means all of them.
    ///
    /// # Errors
    /// `Settings`: a month without sales, or managers in a circle. `Table`: nothing was published yet.
    pub async fn would_renew(&self, months: &[String]) -> Result<Renewal> {
        self.seams.schema.check().await?;
        let prepared = self.prepare().await?;
        let (team, before) = self.published_pay(&prepared).await?;
        let months = known_months(months, &before)?;
        let basis = self.basis(&prepared.dimensions)?;
        let (state, _) = Marts::database_tables(&team);
        let kept = of_months(&self.seams.publisher.read_state(&state).await?, &months).map_err(shape)?;
        let after = pay(&self.finish(&team, kept, &prepared.dimensions, &basis).await?).map_err(shape)?;
        Ok(Renewal {
            plan: basis.plan(),
            changes: changes(&before, &after, &months),
            months,
            done: false,
            reports: Vec::new(),
            reports_failed: BTreeMap::new(),
        })
    }

    /// Computes the incentives of months anew, as a batch of its own, and writes the reports that settings name of them. An empty list of
    /// months means all of them.
    ///
    /// # Errors
    /// As [`Pipeline::would_renew`] and [`Pipeline::run`].
    pub async fn renew(&self, months: &[String]) -> Result<Renewal> {
        self.seams.schema.check().await?;
        let prepared = self.prepare().await?;
        let (_, before) = self.published_pay(&prepared).await?;
        let months = known_months(months, &before)?;
        // Those that are to be filled first are computed by the months' plans then.
        let added = self.added_marts().await?;
        let is_whole = |rollup: &&Rollup| rollup.reads_payments && !added.contains(&rollup.name);
        let paying = prepared.marts.rollups.iter().filter(is_whole);
        let marts = paying.map(|rollup| rollup.name.clone()).collect();
        let summary = self.run_batch(&BatchKind::Fill { marts, months: months.clone() }).await?;
        let (_, after) = self.published_pay(&prepared).await?;
        let plan = self.options.incentive.to_string();
        let Written { reports, failed } = self.write_touched(&summary.touched).await;
        let changes = changes(&before, &after, &months);
        Ok(Renewal { plan, months, done: true, changes, reports, reports_failed: failed })
    }

    async fn published_pay(&self, prepared: &Prepared) -> Result<(Rollup, Pay)> {
        let team = prepared.marts.rollups.iter().find(|rollup| rollup.name == TEAM && rollup.reads_payments);
        let Some(team) = team else {
            return Err(Fault::new(FaultKind::Mart, format!("your own {TEAM} pays by no incentive plan"))
                .expected("a finish that reads `payments`"));
        };
        self.is_made(TEAM).await?;
        let (_, target) = Marts::database_tables(team);
        let published = self.seams.publisher.read_target(&target).await?;
        Ok((team.clone(), pay(&published).map_err(shape)?))
    }

    /// Touches the state rows of these months, so that they are finished anew.
    pub(crate) async fn touch_months(
        &self,
        publication: &mut dyn Publication,
        rollup: &Rollup,
        months: &[String],
    ) -> Result<()> {
        let (state, _) = Marts::database_tables(rollup);
        for rows in of_months(&self.seams.publisher.read_state(&state).await?, months).map_err(shape)? {
            let touch = crate::complete::nothing_of(&state, &rows).map_err(shape)?;
            publication.merge(&state, &touch, 1).await?;
        }
        Ok(())
    }
}

/// The months as asked for, or all.
fn known_months(asked: &[String], pay: &Pay) -> Result<Vec<String>> {
    let known: BTreeSet<&String> = pay.keys().map(|(_, month, _)| month).collect();
    let unknown: Vec<&str> = asked.iter().filter(|month| !known.contains(month)).map(String::as_str).collect();
    if !unknown.is_empty() {
        let range = known.first().zip(known.last());
        return Err(Fault::new(FaultKind::Settings, format!("nothing was sold in {}", unknown.join(", ")))
            .expected("a month with landed sales, YYYY-MM")
            .found(
                range.map_or_else(
                    || "no sales at all".to_owned(),
                    |(first, last)| format!("sales from {first} to {last}"),
                ),
            )
            .hint("nothing was changed"));
    }
    let asked: BTreeSet<&String> = asked.iter().collect();
    Ok(if asked.is_empty() { known } else { asked }.into_iter().cloned().collect())
}

fn of_months(rows: &[RecordBatch], months: &[String]) -> std::result::Result<Vec<RecordBatch>, ArrowError> {
    let within = |rows: &RecordBatch| {
        let column = rows.column_by_name("sales_month").map(|column| cast(column, &DataType::Utf8)).transpose()?;
        let Some(column) = column else { return Ok(rows.slice(0, 0)) };
        let mask = column
            .as_string::<i32>()
            .iter()
            .map(|month| Some(month.is_some_and(|month| months.iter().any(|wanted| wanted == month))));
        filter_record_batch(rows, &mask.collect())
    };
    rows.iter().map(within).collect()
}

fn pay(rows: &[RecordBatch]) -> std::result::Result<Pay, ArrowError> {
    let mut pay = Pay::new();
    for rows in rows {
        let column = |name: &str, data_type: &DataType| match rows.column_by_name(name) {
            Some(column) => cast(column, data_type),
            None => Err(ArrowError::SchemaError(format!("{TEAM} has no column {name}"))),
        };
        let (stores, months) = (column("store_id", &DataType::Int32)?, column("sales_month", &DataType::Utf8)?);
        let (persons, paid) =
            (column("sales_person_id", &DataType::Int64)?, column("incentive", &DataType::Decimal128(38, 2))?);
        for row in 0..rows.num_rows() {
            let key = (
                stores.as_primitive::<Int32Type>().value(row),
                months.as_string::<i32>().value(row).to_owned(),
                persons.as_primitive::<Int64Type>().value(row),
            );
            let paid = paid.as_primitive::<Decimal128Type>();
            pay.insert(key, if paid.is_null(row) { 0 } else { paid.value(row) });
        }
    }
    Ok(pay)
}

fn changes(before: &Pay, after: &Pay, months: &[String]) -> Vec<PayChange> {
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).filter(|(_, month, _)| months.contains(month)).collect();
    let of = |pay: &Pay, key: &(i32, String, i64)| pay.get(key).copied().unwrap_or(0);
    let moved = keys.into_iter().filter(|key| of(before, key) != of(after, key));
    moved
        .map(|key| PayChange {
            store_id: key.0,
            sales_month: key.1.clone(),
            sales_person_id: key.2,
            before: money::cents_text(of(before, key)),
            after: money::cents_text(of(after, key)),
        })
        .collect()
}
