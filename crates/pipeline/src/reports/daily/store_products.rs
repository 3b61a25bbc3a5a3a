//! What one store sold of each product on a day: no mart keeps that, so the landed rows of its day tell.
//!
//! Only data files of the store's partition of that month are opened, and of those only the ones whose statistics do not rule the day out;
//! how much that is does not depend on the history.

use crate::marts::SALES_MART;
use crate::reports::reader::{Reader, unlike};
use crate::shop::Pipeline;
use chrono::NaiveDate;
use tillmart_engine::Relation;
use tillmart_lake::ActiveFile;
use tillmart_model::Result;

impl Pipeline {
    /// The products of a store's day, in the columns of `product_day`, at the version of the last published batch.
    pub(super) async fn store_products(&self, reader: &Reader<'_>, store: i32, day: NaiveDate) -> Result<Relation> {
        let version = self.published_version(SALES_MART).await?;
        let snapshot = self.lake.snapshot(SALES_MART, version).await?;
        let active = snapshot.map(|snapshot| snapshot.files).unwrap_or_default();
        let wanted = active.iter().filter(|file| may_hold(file, store, day));
        let files = self.landed_files(wanted.map(|file| (file.path.as_str(), file.size, file.partition.as_slice())))?;
        let (schema, partitions) = (reader.marts.sales_schema(), reader.marts.sales_partitions());
        let sales = Relation::landed("sales", &self.objects(), schema, partitions, &files)
            .and_then(|sales| sales.only("store_id", &[store]))
            .and_then(|sales| sales.on_day("sales_date", day))
            .map_err(unlike)?;
        let sql = include_str!("../../../../../sql/reports/daily_store_products.sql");
        let (schema, rows) = self.seams.engine.select(vec![sales], sql).await.map_err(unlike)?;
        Relation::rows("product_day", schema, rows).map_err(unlike)
    }
}

/// Whether a data file may hold sales of a store's day, by its partition and statistics.
fn may_hold(file: &ActiveFile, store: i32, day: NaiveDate) -> bool {
    let (store, day) = (store.to_string(), day.to_string());
    let fits = |(column, value): &(String, Option<String>)| match column.as_str() {
        "store_id" => value.as_deref() == Some(store.as_str()),
        "sales_month" => value.as_deref() == day.get(..7),
        _ => true,
    };
    let stats = file.stats.as_deref().and_then(|stats| serde_json::from_str::<serde_json::Value>(stats).ok());
    let bound = |which: &str| stats.as_ref()?.get(which)?.get("sales_date")?.as_str().map(str::to_owned);
    let is_before = bound("maxValues").is_some_and(|last| last < day);
    let is_after = bound("minValues").is_some_and(|first| first > day);
    file.partition.iter().all(fits) && !is_before && !is_after
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(month: &str, store: &str, stats: Option<&str>) -> ActiveFile {
        let value = |column: &str, value: &str| (column.to_owned(), Some(value.to_owned()));
        ActiveFile {
            path: "a.parquet".to_owned(),
            size: 1,
            rows: None,
            partition: vec![value("sales_month", month), value("store_id", store)],
            stats: stats.map(str::to_owned),
        }
    }

    #[test]
    fn only_files_that_may_hold_the_day_are_opened() {
        let day = NaiveDate::from_ymd_opt(2024, 5, 9).expect("a day");
        let stats = |first: &str, last: &str| {
            format!("{{\"minValues\":{{\"sales_date\":\"{first}\"}},\"maxValues\":{{\"sales_date\":\"{last}\"}}}}")
        };
        assert!(may_hold(&file("2024-05", "7", None), 7, day), "without statistics it must be looked into");
        assert!(may_hold(&file("2024-05", "7", Some(&stats("2024-05-09", "2024-05-09"))), 7, day));
        assert!(may_hold(&file("2024-05", "7", Some(&stats("2024-05-01", "2024-05-31"))), 7, day));
        assert!(!may_hold(&file("2024-05", "7", Some(&stats("2024-05-10", "2024-05-31"))), 7, day));
        assert!(!may_hold(&file("2024-05", "7", Some(&stats("2024-05-01", "2024-05-08"))), 7, day));
        assert!(!may_hold(&file("2024-05", "77", None), 7, day));
        assert!(!may_hold(&file("2024-06", "7", None), 7, day));
    }
}
