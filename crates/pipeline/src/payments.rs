//! What the incentive plan pays: the relation `payments` of a `finish`.
//!
//! Months that are computed now are paid by today's plan and by who manages whom today. What was published before keeps the plan
//! and the managers that it was computed with ([`LINES`] tells them), so that neither `verify` nor `dimensions complete` takes a
//! changed setting, or somebody's new manager, for a change of what was paid.

use crate::marts::Marts;
use crate::shop::{Pipeline, Prepared};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Int32Type, Int64Type};
use arrow::error::ArrowError;
use std::collections::BTreeMap;
use tillmart_database::Dimension;
use tillmart_engine::mart::{PaidScope, Rollup};
use tillmart_engine::{DimensionTables, Relation};
use tillmart_model::incentive::{Managers, pay};
use tillmart_model::{Fault, FaultKind, Incentive, Result};

/// The mart that keeps every line of every payment.
pub(crate) const LINES: &str = "incentive_data_mart";

/// A store and a month, `YYYY-MM`.
pub(crate) type StoreMonth = (i32, String);

/// By which plan and which managers months are paid.
#[derive(Debug, Clone)]
pub(crate) struct Basis {
    plan: Incentive,
    managers: Managers,
    /// Those that were published, with what they were computed with.
    pub(crate) published: BTreeMap<StoreMonth, Published>,
}

/// What a published store and month was computed with.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    /// The plan as its lines tell it.
    pub(crate) plan: String,
    /// The managers above each seller.
    above: BTreeMap<i64, Vec<i64>>,
}

impl Pipeline {
    /// Today's plan, and who manages whom today.
    ///
    /// # Errors
    /// `Settings`: persons of the sales team manage each other in a circle, and the plan pays managers.
    pub(crate) fn basis(&self, dimensions: &DimensionTables) -> Result<Basis> {
        let plan = self.options.incentive.clone();
        let managers = match plan.overrides.is_empty() {
            true => Managers::default(),
            false => managers(dimensions)?,
        };
        Ok(Basis { plan, managers, published: BTreeMap::new() })
    }

    /// As [`Pipeline::basis`], and what published months were computed with.
    pub(crate) async fn published_basis(&self, prepared: &Prepared) -> Result<Basis> {
        let mut basis = self.basis(&prepared.dimensions)?;
        let lines = prepared.marts.rollups.iter().find(|rollup| rollup.name == LINES && rollup.reads_payments);
        if let Some(lines) = lines
            && self.not_whole(LINES).await?.is_none()
        {
            let (_, target) = Marts::database_tables(lines);
            for rows in self.seams.publisher.read_target(&target).await? {
                basis.add_published(&rows).map_err(unreadable)?;
            }
        }
        Ok(basis)
    }
}

impl Basis {
    /// Lines of another form, which a mart of the user's own may have, tell nothing.
    fn add_published(&mut self, rows: &RecordBatch) -> std::result::Result<(), ArrowError> {
        let column = |name: &str, data_type: &DataType| rows.column_by_name(name).map(|column| cast(column, data_type));
        let (Some(stores), Some(months), Some(sellers), Some(levels), Some(managers), Some(plans)) = (
            column("store_id", &DataType::Int32).transpose()?,
            column("sales_month", &DataType::Utf8).transpose()?,
            column("seller_id", &DataType::Int64).transpose()?,
            column("level", &DataType::Int32).transpose()?,
            column("managers", &DataType::Utf8).transpose()?,
            column("plan", &DataType::Utf8).transpose()?,
        ) else {
            return Ok(());
        };
        let (months, managers, plans) =
            (months.as_string::<i32>(), managers.as_string::<i32>(), plans.as_string::<i32>());
        for row in 0..rows.num_rows() {
            if levels.as_primitive::<Int32Type>().value(row) != 0 || plans.is_null(row) {
                continue;
            }
            let scope = (stores.as_primitive::<Int32Type>().value(row), months.value(row).to_owned());
            let published = self.published.entry(scope);
            let published =
                published.or_insert_with(|| Published { plan: plans.value(row).to_owned(), above: BTreeMap::new() });
            let above = managers.value(row).split_whitespace().filter_map(|id| id.parse().ok()).collect();
            published.above.insert(sellers.as_primitive::<Int64Type>().value(row), above);
        }
        Ok(())
    }

    /// Today's plan as text.
    pub(crate) fn plan(&self) -> String {
        self.plan.to_string()
    }

    /// Whether a seller was published with other managers than those of today.
    pub(crate) fn has_other_managers(&self, published: &Published) -> bool {
        let levels = self.plan.overrides.len();
        published.plan == self.plan()
            && published.above.iter().any(|(seller, above)| *above != self.managers.above(*seller, levels))
    }

    /// The relation `payments` for merged sums.
    pub(crate) fn relation(&self, rollup: &Rollup, merged: &[RecordBatch]) -> Result<Relation> {
        let scopes: Vec<PaidScope> =
            totals(merged).map_err(unreadable)?.into_iter().map(|(scope, totals)| self.paid(scope, &totals)).collect();
        Relation::payments(&scopes).map_err(|error| rollup.fault(&rollup.finish, &error))
    }

    fn paid(&self, scope: StoreMonth, totals: &BTreeMap<i64, i128>) -> PaidScope {
        let published = self.published.get(&scope);
        // A plan that cannot be read was not written by Tillmart; `verify` tells of it.
        let earlier: Option<Incentive> = published.and_then(|published| published.plan.parse().ok());
        let plan = earlier.as_ref().unwrap_or(&self.plan);
        let above = |seller: i64| match published.and_then(|published| published.above.get(&seller)) {
            Some(above) => above.clone(),
            None => self.managers.above(seller, plan.overrides.len()),
        };
        let lines = pay(plan, totals, &above).into_iter().map(|line| {
            let ids: Vec<String> = match line.level {
                0 => above(line.seller).iter().map(i64::to_string).collect(),
                _ => Vec::new(),
            };
            (line, ids.join(" "))
        });
        PaidScope { store_id: scope.0, sales_month: scope.1, lines: lines.collect(), plan: plan.to_string() }
    }
}

/// Totals in cents by sales person, of each store and month.
fn totals(merged: &[RecordBatch]) -> std::result::Result<BTreeMap<StoreMonth, BTreeMap<i64, i128>>, ArrowError> {
    let mut totals: BTreeMap<StoreMonth, BTreeMap<i64, i128>> = BTreeMap::new();
    for rows in merged {
        let column = |name: &str, data_type: &DataType| match rows.column_by_name(name) {
            Some(column) => cast(column, data_type),
            None => Err(ArrowError::SchemaError(format!("no column {name}"))),
        };
        let (stores, months) = (column("store_id", &DataType::Int32)?, column("sales_month", &DataType::Utf8)?);
        let (persons, cents) =
            (column("sales_person_id", &DataType::Int64)?, column("total_sales", &DataType::Decimal128(38, 2))?);
        let (stores, months) = (stores.as_primitive::<Int32Type>(), months.as_string::<i32>());
        let (persons, cents) = (persons.as_primitive::<Int64Type>(), cents.as_primitive::<Decimal128Type>());
        for row in 0..rows.num_rows() {
            let scope = (stores.value(row), months.value(row).to_owned());
            *totals.entry(scope).or_default().entry(persons.value(row)).or_default() += cents.value(row);
        }
    }
    Ok(totals)
}

/// Who manages whom, by the dimension `sales_team`.
///
/// # Errors
/// `Settings`, with the persons of every circle.
pub(crate) fn managers(dimensions: &DimensionTables) -> Result<Managers> {
    let mut team = BTreeMap::new();
    if let Some(rows) = dimensions.table(Dimension::SalesTeam.name()) {
        let text = |name: &str, row: usize| {
            let column = rows.column_by_name(name)?.as_string_opt::<i32>()?;
            column.is_valid(row).then(|| column.value(row).to_owned())
        };
        let number = |name: &str, row: usize| {
            let column = rows.column_by_name(name)?.as_primitive_opt::<Int64Type>()?;
            column.is_valid(row).then(|| column.value(row))
        };
        for row in 0..rows.num_rows() {
            let Some(id) = number("id", row) else { continue };
            let name: Vec<String> = [text("first_name", row), text("last_name", row)].into_iter().flatten().collect();
            team.insert(id, (number("manager_id", row), name.join(" ")));
        }
    }
    Managers::new(team.iter().map(|(id, (manager, _))| (*id, *manager))).map_err(|cycles| {
        let told = |id: &i64| match team.get(id).map(|(_, name)| name.as_str()) {
            None | Some("") => id.to_string(),
            Some(name) => format!("{id} {name}"),
        };
        let circle = |cycle: &Vec<i64>| cycle.iter().chain(cycle.first()).map(told).collect::<Vec<_>>().join(" -> ");
        Fault::new(FaultKind::Settings, "persons of the sales team manage each other in a circle")
            .at("sales_team.manager_id")
            .expected("managers with managers, up to one who has none")
            .found(cycles.iter().map(circle).collect::<Vec<_>>().join("\n"))
            .hint(
                "mend manager_id and load it with `tillmart dimensions load`; until then nobody can tell who is paid for whom \
                 (marts.incentive.overrides)",
            )
    })
}

fn unreadable(error: ArrowError) -> Fault {
    Fault::new(FaultKind::Promise, "the totals or lines of incentives cannot be read").found(error)
}
