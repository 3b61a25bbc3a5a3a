//! What stores sold by day: what both reports begin with.

use super::daily::sold_in;
use super::reader::Reader;
use crate::shop::Pipeline;
use chrono::NaiveDate;
use std::collections::BTreeMap;
use tillmart_database::TargetRange;
use tillmart_engine::Relation;
use tillmart_model::Result;
use tillmart_report::daily::Sold;
use tillmart_report::{Fact, Value};

/// The mart of what each store sold on each day.
const STORE_DAY: &str = "store_day_data_mart";
/// The mart of the baskets of each store and day, where the contract names what a basket is known by.
const BASKET_DAY: &str = "basket_day_data_mart";

impl Pipeline {
    /// A reader of what stores sold by day, and of further marts.
    pub(super) async fn reader_of_store_days(&self, marts: &[&str]) -> Result<Reader<'_>> {
        let baskets = self.options.contract.names_baskets().then_some(&BASKET_DAY);
        let all: Vec<&str> = [&STORE_DAY].into_iter().chain(baskets).chain(marts).copied().collect();
        self.reader(&all).await
    }

    /// What each store sold on these days, as the relation `store_day`. Its number of sales is that of baskets, where they are known.
    pub(super) async fn store_days(&self, reader: &Reader<'_>, ranges: &[TargetRange]) -> Result<Relation> {
        let store_day = reader.rows(STORE_DAY, "store_day", ranges).await?;
        if !self.options.contract.names_baskets() {
            return Ok(store_day);
        }
        let baskets = reader.rows(BASKET_DAY, "basket_day", ranges).await?;
        let sql = include_str!("../../../../sql/reports/store_day_of_baskets.sql");
        self.answer_as("store_day", &[&store_day, &baskets], sql).await
    }

    /// What was sold on each day of some periods, which do not overlap, of the relation `period`.
    pub(super) async fn days_sold(
        &self,
        store_day: &Relation,
        period: &Relation,
        periods: &[&str],
    ) -> Result<BTreeMap<NaiveDate, Sold>> {
        let answer =
            self.answer(&[store_day, period], include_str!("../../../../sql/reports/days_of_periods.sql")).await?;
        let mut days = BTreeMap::new();
        for line in answer.lines() {
            let is_wanted = line.text("period")?.is_some_and(|period| periods.contains(&period.as_str()));
            if let (true, Some(day)) = (is_wanted, line.day("sales_date")?) {
                days.insert(day, sold_in(line, true)?);
            }
        }
        Ok(days)
    }

    /// What a report calls a sale, where that is not a row.
    pub(super) fn what_a_sale_is(&self) -> Option<Fact> {
        let basket = "a basket: what a store sold on a day under one transaction id";
        self.options.contract.names_baskets().then(|| Fact::new("a_sale_is", "A sale is", Value::text(basket)))
    }
}
