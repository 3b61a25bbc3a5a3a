//! The figures of a daily report, fetched from the marts of days.

use crate::marts::{OFF_LIST, names};
use crate::reports::answer::{Answer, Line};
use crate::reports::reader::{Reader, at_hand};
use crate::shop::Pipeline;
use arrow::array::{ArrayRef, Date32Array, StringArray};
use arrow::datatypes::Date32Type;
use chrono::NaiveDate;
use std::collections::BTreeMap;
use std::sync::Arc;
use tillmart_database::{Dimension, TargetRange};
use tillmart_engine::Relation;
use tillmart_model::Result;
use tillmart_report::daily::{
    Compared, Daily, ExpiredSold, MissingStore, Periods, PersonSold, ProductSold, Sold, Span, StoreSold, Top,
};

/// The mart of what each sales person sold in each store on each day.
const PERSON_DAY: &str = "sales_person_day_data_mart";
/// The mart of what was sold of each product on each day.
const PRODUCT_DAY: &str = "product_day_data_mart";

/// The stores that the store table knows, with their managers.
pub(in crate::reports) type Managers = BTreeMap<i32, Option<String>>;

impl Pipeline {
    /// Everything but what the report is about, and the stores that there are.
    pub(super) async fn fetch_daily(&self, periods: Periods, store: Option<i32>) -> Result<(Daily, Managers)> {
        let mut marts = vec![PERSON_DAY, PRODUCT_DAY];
        // A project that was made before this mart gets it with the next run; one with a sales mart of its own may have none.
        let is_made = self.seams.schema.tables().await?.iter().any(|table| table == OFF_LIST);
        let tells_off_list = is_made && names(&self.options)?.rollups.iter().any(|(name, _)| name == OFF_LIST);
        marts.extend(tells_off_list.then_some(OFF_LIST));
        let reader = self.reader_of_store_days(&marts).await?;
        let managers = self.managers(&reader).await?;
        let period = period_relation(&periods)?;
        let ranges = periods.to_read().map(|span| days(span, store));
        let store_day = self.store_days(&reader, &ranges).await?;
        let stores = self.stores(&store_day, &period, &managers).await?;
        let all = stores.iter().fold(Compared::default(), |all, store| together(&all, &store.sold));
        let missing = self.missing(&store_day, &period, &periods, &managers).await?;
        let watch = self.watch(&periods, store, missing).await?;
        let day = Span { first: periods.day, last: periods.day };
        let person_day = reader.rows(PERSON_DAY, "person_day", &[days(day, store)]).await?;
        let product_day = match store {
            None => reader.rows(PRODUCT_DAY, "product_day", &[days(day, None)]).await?,
            Some(store) => self.store_products(&reader, store, periods.day).await?,
        };
        let off_list = match tells_off_list {
            true => Some(self.off_list(&reader, &person_day, days(day, store), &managers).await?),
            false => None,
        };
        let products = reader.dimension(Dimension::Product).await?;
        let report = Daily {
            periods,
            store,
            about: Vec::new(),
            of_baskets: self.options.contract.names_baskets(),
            all,
            stores,
            days: self.days_sold(&store_day, &period, &["weeks"]).await?,
            products: self.products(&product_day).await?,
            persons: self.persons(&person_day).await?,
            off_list,
            expired: self.expired(&product_day, &products, &period).await?,
            watch,
        };
        Ok((report, managers))
    }

    pub(in crate::reports) async fn managers(&self, reader: &Reader<'_>) -> Result<Managers> {
        let stores = reader.dimension(Dimension::Store).await?;
        let answer = self.answer(&[&stores], include_str!("../../../../../sql/reports/store_managers.sql")).await?;
        answer.lines().map(|line| Ok((store_of(line)?, line.text("store_manager_name")?))).collect()
    }

    async fn stores(&self, store_day: &Relation, period: &Relation, managers: &Managers) -> Result<Vec<StoreSold>> {
        let sql = include_str!("../../../../../sql/reports/store_periods.sql");
        let answer = self.answer(&[store_day, period], sql).await?;
        let mut stores: BTreeMap<i32, Compared> = BTreeMap::new();
        for line in answer.lines() {
            let sold = stores.entry(store_of(line)?).or_default();
            let of_period = Some(sold_in(line, true)?);
            match line.text("period")?.as_deref() {
                Some("day") => sold.day = of_period,
                Some("last_week") => sold.last_week = of_period,
                Some("month") => sold.month = of_period,
                Some("month_before") => sold.month_before = of_period,
                Some("year_before") => sold.year_before = of_period,
                _ => {}
            }
        }
        let told = |(store, sold): (i32, Compared)| StoreSold { store, manager: manager_of(managers, store), sold };
        Ok(stores.into_iter().filter(|(_, sold)| *sold != Compared::default()).map(told).collect())
    }

    async fn missing(
        &self,
        store_day: &Relation,
        period: &Relation,
        periods: &Periods,
        managers: &Managers,
    ) -> Result<Vec<MissingStore>> {
        let weekdays = at_hand("weekday_before", vec![("day", dates(periods.weekdays_before()))])?;
        let sql = include_str!("../../../../../sql/reports/daily_missing_stores.sql");
        let answer = self.answer(&[store_day, period, &weekdays], sql).await?;
        let missing = |line: Line<'_>| {
            let store = store_of(line)?;
            Ok(MissingStore {
                store,
                manager: manager_of(managers, store),
                weekdays_sold: line.count("weekdays_sold")?,
                usual_cents: line.number("usual_net")?,
                last_sold: line.day("last_sold")?,
            })
        };
        answer.lines().map(missing).collect()
    }

    async fn products(&self, product_day: &Relation) -> Result<Top<ProductSold>> {
        let sql = include_str!("../../../../../sql/reports/daily_products.sql");
        let answer = self.answer(&[product_day], sql).await?;
        top(&answer, |line| {
            Ok(ProductSold { name: line.text("product_name")?.unwrap_or_default(), sold: sold_in(line, false)? })
        })
    }

    async fn persons(&self, person_day: &Relation) -> Result<Top<PersonSold>> {
        let sql = include_str!("../../../../../sql/reports/daily_persons.sql");
        let answer = self.answer(&[person_day], sql).await?;
        top(&answer, |line| {
            Ok(PersonSold {
                person: line.count("sales_person_id")?,
                name: line.text("full_name")?,
                store: store_of(line)?,
                sold: sold_in(line, true)?,
            })
        })
    }

    async fn expired(
        &self,
        product_day: &Relation,
        products: &Relation,
        period: &Relation,
    ) -> Result<Top<ExpiredSold>> {
        let sql = include_str!("../../../../../sql/reports/daily_expired.sql");
        let answer = self.answer(&[product_day, products, period], sql).await?;
        top(&answer, |line| {
            Ok(ExpiredSold {
                name: line.text("product_name")?.unwrap_or_default(),
                expired: line.day("expiry_date")?.unwrap_or_default(),
                sold: sold_in(line, false)?,
            })
        })
    }
}

/// The published rows of these days.
pub(in crate::reports) fn days(span: Span, store: Option<i32>) -> TargetRange {
    TargetRange {
        column: "sales_date".to_owned(),
        first: span.first.to_string(),
        last: span.last.to_string(),
        only: store.map(|store| ("store_id".to_owned(), i64::from(store))),
    }
}

pub(in crate::reports) fn dates(days: impl Iterator<Item = NaiveDate>) -> ArrayRef {
    Arc::new(days.map(|day| Some(Date32Type::from_naive_date(day))).collect::<Date32Array>())
}

fn period_relation(periods: &Periods) -> Result<Relation> {
    let one = |day: NaiveDate| Span { first: day, last: day };
    let spans = [
        ("day", one(periods.day)),
        ("last_week", one(periods.last_week)),
        ("month", periods.month),
        ("month_before", periods.month_before),
        ("year_before", periods.year_before),
        ("weeks", periods.weeks),
    ];
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(spans.iter().map(|(name, _)| *name)));
    let first = dates(spans.iter().map(|(_, span)| span.first));
    let last = dates(spans.iter().map(|(_, span)| span.last));
    at_hand("period", vec![("period", names), ("first_day", first), ("last_day", last)])
}

pub(in crate::reports) fn store_of(line: Line<'_>) -> Result<i32> {
    // Store numbers have 32 bits in every table.
    Ok(i32::try_from(line.count("store_id")?).unwrap_or_default())
}

pub(in crate::reports) fn manager_of(managers: &Managers, store: i32) -> Option<String> {
    managers.get(&store).cloned().flatten()
}

pub(in crate::reports) fn sold_in(line: Line<'_>, tells_anonymous: bool) -> Result<Sold> {
    Ok(Sold {
        sales: line.count("sales")?,
        return_rows: line.count("return_rows")?,
        gross: line.number("gross")?,
        returned: line.number("returned")?,
        units_sold: line.count("units_sold")?,
        units_returned: line.count("units_returned")?,
        anonymous_sales: if tells_anonymous { line.count("anonymous_sales")? } else { 0 },
    })
}

/// The rows of an answer that tells in each how many there are in all.
pub(super) fn top<T>(answer: &Answer, item: impl Fn(Line<'_>) -> Result<T>) -> Result<Top<T>> {
    let of = answer.lines().next().map_or(Ok(0), |line| line.count("in_all"))?;
    Ok(Top { first: answer.lines().map(item).collect::<Result<_>>()?, of })
}

/// Two stores' figures together.
fn together(one: &Compared, other: &Compared) -> Compared {
    let both = |one: Option<Sold>, other: Option<Sold>| match (one, other) {
        (Some(one), Some(other)) => Some(one.and(&other)),
        (one, other) => one.or(other),
    };
    Compared {
        day: both(one.day, other.day),
        last_week: both(one.last_week, other.last_week),
        month: both(one.month, other.month),
        month_before: both(one.month_before, other.month_before),
        year_before: both(one.year_before, other.year_before),
    }
}
