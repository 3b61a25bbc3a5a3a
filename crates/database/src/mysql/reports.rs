//! Reports on a server.

use super::link::Link;
use super::trouble::{Tried, Trouble};
use super::{MySql, statements};
use crate::records::moment_text;
use crate::reports::{CustomersOfMonth, KeptMonth, Reports, StoreMonth, kept, lapsed, spenders, tier_bounds, to_keep};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use mysql_async::Value;
use tillmart_model::Result;

#[async_trait]
impl Reports for MySql {
    async fn customers_of_month(
        &self,
        month: NaiveDate,
        month_before: NaiveDate,
        tiers: &[i64],
    ) -> Result<CustomersOfMonth> {
        let tiers = tiers.to_vec();
        self.read(move |link| {
            let (month, before): (Value, Value) = (month.to_string().into(), month_before.to_string().into());
            let mut values: Vec<Value> = tier_bounds(&tiers)?.into_iter().map(Value::from).collect();
            values.extend([month.clone(), month.clone()]);
            let mut found = CustomersOfMonth::default();
            link.select(statements::REPORT_CUSTOMERS, values, |row| {
                found.spenders.push(spenders(row)?);
                Ok(())
            })?;
            link.select(statements::REPORT_CUSTOMERS_LAPSED, vec![before, month], |row| {
                (found.lapsed, found.lapsed_cents) = lapsed(row)?;
                Ok(())
            })?;
            Ok(found)
        })
        .await
    }

    async fn kept_months(&self, month: &str) -> Result<Vec<KeptMonth>> {
        let month = month.to_owned();
        self.read(move |link| versions(link, statements::REPORT_MONTHS, &month)).await
    }

    async fn keep_month(
        &self,
        month: &str,
        figures: &[StoreMonth],
        batch_id: Option<i64>,
        now: DateTime<Utc>,
    ) -> Result<Vec<KeptMonth>> {
        let (month, figures) = (month.to_owned(), figures.to_vec());
        self.write(move |link| {
            let before = versions(link, statements::REPORT_MONTHS_LOCKED, &month)?;
            for (version, new) in to_keep(&before, &figures, batch_id) {
                let values = vec![
                    month.as_str().into(),
                    new.store_id.into(),
                    version.into(),
                    moment_text(now).into(),
                    batch_id.into(),
                    new.sales.into(),
                    new.units.into(),
                    new.gross_cents.into(),
                    new.returned_cents.into(),
                    new.incentive_cents.into(),
                ];
                // Of two who found no version of a store, and so no row to lock, the second looks anew.
                link.execute(statements::REPORT_MONTH_PUT, values).map_err(Trouble::or_overtaken)?;
            }
            versions(link, statements::REPORT_MONTHS, &month)
        })
        .await
    }
}

fn versions(link: &mut Link, sql: &str, month: &str) -> Tried<Vec<KeptMonth>> {
    let mut found = Vec::new();
    link.select(sql, vec![month.into()], |row| {
        found.push(kept(row)?);
        Ok(())
    })?;
    Ok(found)
}
