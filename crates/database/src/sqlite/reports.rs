//! Reports in SQLite.

use super::trouble::Tried;
use super::{Sqlite, statements};
use crate::records::moment_text;
use crate::reports::{CustomersOfMonth, KeptMonth, Reports, StoreMonth, kept, lapsed, spenders, tier_bounds, to_keep};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Connection, params};
use tillmart_model::Result;

#[async_trait]
impl Reports for Sqlite {
    async fn customers_of_month(
        &self,
        month: NaiveDate,
        month_before: NaiveDate,
        tiers: &[i64],
    ) -> Result<CustomersOfMonth> {
        let tiers = tiers.to_vec();
        self.apart(move |connection| {
            let [a, b, c, d, e, f, g, h] = tier_bounds(&tiers)?;
            let (month, before) = (month.to_string(), month_before.to_string());
            let mut found = CustomersOfMonth::default();
            let mut statement = connection.prepare(statements::REPORT_CUSTOMERS)?;
            let mut rows = statement.query(params![month, a, b, c, d, e, f, g, h])?;
            while let Some(row) = rows.next()? {
                found.spenders.push(spenders(row)?);
            }
            let mut statement = connection.prepare(statements::REPORT_CUSTOMERS_LAPSED)?;
            let mut rows = statement.query([month, before])?;
            if let Some(row) = rows.next()? {
                (found.lapsed, found.lapsed_cents) = lapsed(row)?;
            }
            Ok(found)
        })
        .await
    }

    async fn kept_months(&self, month: &str) -> Result<Vec<KeptMonth>> {
        let month = month.to_owned();
        self.ledger(move |connection| versions(connection, &month)).await
    }

    async fn keep_month(
        &self,
        month: &str,
        figures: &[StoreMonth],
        batch_id: Option<i64>,
        now: DateTime<Utc>,
    ) -> Result<Vec<KeptMonth>> {
        let (month, figures) = (month.to_owned(), figures.to_vec());
        self.write(move |transaction| {
            let before = versions(transaction, &month)?;
            let mut statement = transaction.prepare_cached(statements::REPORT_MONTH_PUT)?;
            for (version, new) in to_keep(&before, &figures, batch_id) {
                statement.execute(params![
                    month,
                    new.store_id,
                    version,
                    moment_text(now),
                    batch_id,
                    new.sales,
                    new.units,
                    new.gross_cents,
                    new.returned_cents,
                    new.incentive_cents
                ])?;
            }
            versions(transaction, &month)
        })
        .await
    }
}

fn versions(connection: &Connection, month: &str) -> Tried<Vec<KeptMonth>> {
    let mut statement = connection.prepare_cached(statements::REPORT_MONTHS)?;
    let mut rows = statement.query([month])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(kept(row)?);
    }
    Ok(found)
}
