//! Figures of customers, from the customer mart at one version of it, a bucket after the other.

use super::CouponRules;
use crate::marts::CUSTOMER_MART;
use crate::moment::Moment;
use crate::shop::{Pipeline, Prepared};
use arrow::array::{Array, ArrayRef, AsArray, Date32Array, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Field, Int64Type, Schema};
use arrow::temporal_conversions::date32_to_datetime;
use chrono::NaiveDate;
use std::collections::BTreeMap;
use std::sync::Arc;
use tillmart_coupon::{Figures, Month, Who};
use tillmart_engine::{LandedFile, Relation};
use tillmart_lake::ActiveFile;
use tillmart_model::{Fault, FaultKind, Result};

/// What was looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Looked {
    /// Customers with sales.
    pub(super) customers: u64,
    /// Whether one of them has sales in the month itself.
    pub(super) month_has_sales: bool,
    /// The last day on which a customer bought.
    pub(super) last_day: Option<NaiveDate>,
}

/// The days that the rules look at.
struct Span {
    since: NaiveDate,
    before_from: NaiveDate,
    window_from: NaiveDate,
    first_day: NaiveDate,
    last_day: NaiveDate,
}

impl Span {
    fn of(rules: &CouponRules, month: Month) -> Span {
        let (before_from, window_from) =
            (month.before(3).first_day(), month.before(rules.scale.months - 1).first_day());
        let since = rules.rules.iter().map(|rule| match rule.who {
            Who::Spend { .. } => month.first_day(),
            Who::Drop { .. } => before_from,
            Who::Score { .. } => window_from,
            Who::FirstPurchase | Who::Lapsed { .. } => NaiveDate::MIN,
        });
        let since = since.min().unwrap_or(month.first_day());
        Span { since, before_from, window_from, first_day: month.first_day(), last_day: month.last_day() }
    }

    /// Whether a data file may hold a sale of these days, as far as its statistics tell.
    fn touches(&self, file: &ActiveFile) -> bool {
        let stats: Option<serde_json::Value> = file.stats.as_deref().and_then(|stats| serde_json::from_str(stats).ok());
        let day = |which: &str| -> Option<NaiveDate> {
            stats.as_ref()?.get(which)?.get("sales_date")?.as_str()?.parse().ok()
        };
        day("maxValues").is_none_or(|last| last >= self.since)
            && day("minValues").is_none_or(|first| first <= self.last_day)
    }

    /// One row, under the name that the SQL knows.
    fn relation(&self) -> Result<Relation> {
        let days = [
            ("since", self.since),
            ("before_from", self.before_from),
            ("window_from", self.window_from),
            ("first_day", self.first_day),
            ("last_day", self.last_day),
        ];
        let fields: Vec<Field> = days.iter().map(|(name, _)| Field::new(*name, DataType::Date32, false)).collect();
        let column =
            |day: NaiveDate| -> ArrayRef { Arc::new(Date32Array::from(vec![Date32Type::from_naive_date(day)])) };
        let schema = Arc::new(Schema::new(fields));
        RecordBatch::try_new(Arc::clone(&schema), days.iter().map(|(_, day)| column(*day)).collect())
            .map_err(tillmart_engine::PlanError::from)
            .and_then(|row| Relation::rows("period", schema, vec![row]))
            .map_err(|error| Fault::new(FaultKind::Promise, "the days of a month are no relation").found(error))
    }
}

impl Pipeline {
    /// Shows every customer's figures at the end of a month, each once. Only the bucket at hand is in memory.
    pub(super) async fn customer_figures(
        &self,
        rules: &CouponRules,
        month: Month,
        prepared: &Prepared,
        moment: &Moment,
        mut each: impl FnMut(&Figures),
    ) -> Result<Looked> {
        let mut looked = Looked::default();
        let Some(version) = moment.pinned.get(CUSTOMER_MART).copied() else { return Ok(looked) };
        let specs = prepared.marts.table_specs();
        let (Some(spec), Some(snapshot)) = (
            specs.iter().find(|spec| spec.name == CUSTOMER_MART),
            self.lake.snapshot(CUSTOMER_MART, Some(version)).await?,
        ) else {
            return Ok(looked);
        };
        let span = Span::of(rules, month);
        // All sales of a customer are in one bucket, unless the mart is one of the user's own and has other ones.
        let own = prepared.marts.rows.iter().find(|mart| mart.name == CUSTOMER_MART);
        let by_customer = own.and_then(|mart| mart.bucket.as_ref()).is_some_and(|bucket| bucket.of == "customer_id");
        let mut buckets: BTreeMap<Vec<Option<String>>, Vec<LandedFile>> = BTreeMap::new();
        for file in snapshot.files.iter().filter(|file| span.touches(file)) {
            let partition = file.partition.iter().map(|(_, value)| value.clone());
            let bucket = if by_customer { partition.collect() } else { Vec::new() };
            let path = self.seams.store.path(&format!("{CUSTOMER_MART}/{}", file.path))?;
            buckets.entry(bucket).or_default().push(LandedFile {
                path,
                size: file.size,
                partition: file.partition.clone(),
            });
        }
        let known = prepared.dimensions.table("customer").map(known_customers).unwrap_or_default();
        let unreadable = |error: tillmart_engine::PlanError| {
            Fault::new(FaultKind::Table, format!("cannot add up the table {CUSTOMER_MART}"))
                .expected("columns customer_id (int64), sales_date (date) and total_cost (decimal)")
                .found(error.strip_backtrace())
        };
        for files in buckets.values() {
            let (schema, columns) = (Arc::clone(&spec.schema), &spec.partition_columns);
            let sales = Relation::landed(CUSTOMER_MART, &self.objects(), schema, columns, files).map_err(unreadable)?;
            let sql = include_str!("../../../../sql/coupons/customers.sql");
            let relations = vec![sales, span.relation()?];
            let (_, rows) = self.seams.engine.select(relations, sql).await.map_err(unreadable)?;
            for batch in &rows {
                show(batch, &known, &mut looked, &mut each)?;
            }
        }
        Ok(looked)
    }
}

/// The numbers of known customers, rising.
fn known_customers(rows: &RecordBatch) -> Vec<i64> {
    let column = rows.column_by_name("customer_id").and_then(|column| column.as_primitive_opt::<Int64Type>());
    let mut ids: Vec<i64> = column.map(|ids| ids.values().to_vec()).unwrap_or_default();
    ids.sort_unstable();
    ids
}

fn show(batch: &RecordBatch, known: &[i64], looked: &mut Looked, each: &mut impl FnMut(&Figures)) -> Result<()> {
    let odd = || {
        Fault::new(FaultKind::Table, format!("the columns of {CUSTOMER_MART} are not those that coupons need"))
            .expected("customer_id int64, sales_date date, total_cost decimal(14,2)")
            .hint("take a mart of your own of that name out of the marts folder")
    };
    let whole = |at: usize| batch.column(at).as_primitive_opt::<Int64Type>().ok_or_else(odd);
    let money = |at: usize| batch.column(at).as_primitive_opt::<Decimal128Type>().ok_or_else(odd);
    let days = |at: usize| batch.column(at).as_primitive_opt::<Date32Type>().ok_or_else(odd);
    let (customers, window_days, month_days) = (whole(0)?, whole(5)?, whole(8)?);
    let (spend, before, window, lifetime) = (money(1)?, money(2)?, money(6)?, money(7)?);
    let (first, last) = (days(3)?, days(4)?);
    let day = |days: &Date32Array, row: usize| {
        let value = days.is_valid(row).then(|| days.value(row));
        value.and_then(date32_to_datetime).map(|moment| moment.date())
    };
    // The SQL has cast to 18 digits, which are within 64 bits.
    let cents = |value: i128| i64::try_from(value).map_err(|_| odd());
    for row in 0..batch.num_rows() {
        if customers.is_null(row) {
            continue;
        }
        let customer_id = customers.value(row);
        let figures = Figures {
            customer_id,
            is_known: known.binary_search(&customer_id).is_ok(),
            spend_cents: cents(spend.value(row))?,
            before_cents: cents(before.value(row))?,
            first_purchase: day(first, row),
            last_purchase: day(last, row),
            window_days: window_days.value(row),
            window_cents: cents(window.value(row))?,
            lifetime_cents: cents(lifetime.value(row))?,
        };
        looked.customers += 1;
        looked.month_has_sales |= month_days.value(row) > 0;
        looked.last_day = looked.last_day.max(figures.last_purchase);
        each(&figures);
    }
    Ok(())
}
