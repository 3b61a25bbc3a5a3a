//! What stores sold by day: what both reports begin with.

use super::reader::Reader;
use crate::shop::Pipeline;
use tillmart_database::TargetRange;
use tillmart_engine::Relation;
use tillmart_model::Result;
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

    /// What a report calls a sale, where that is not a row.
    pub(super) fn what_a_sale_is(&self) -> Option<Fact> {
        let basket = "a basket: what a store sold on a day under one transaction id";
        self.options.contract.names_baskets().then(|| Fact::new("a_sale_is", "A sale is", Value::text(basket)))
    }
}
