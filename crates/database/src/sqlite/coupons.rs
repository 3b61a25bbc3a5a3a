//! Coupons in SQLite. A write begins by taking the write lock, so two of them come one after the other.

use super::trouble::Tried;
use super::{Sqlite, statements};
use crate::coupons::{
    COUNTERS, CodeMaker, Coupons, NewIssue, Redeemed, Which, coupon, decide, issue, no_code, offer_columns,
};
use crate::records::{moment_text, stored};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use tillmart_coupon::{Code, Coupon, Issue, Month, Till};
use tillmart_model::Result;

#[async_trait]
impl Coupons for Sqlite {
    async fn issues(&self, month: Option<Month>) -> Result<Vec<Issue>> {
        self.ledger(move |connection| {
            let mut statement = connection.prepare_cached(statements::COUPON_ISSUES)?;
            let mut rows = statement.query([month.map(|month| month.to_string())])?;
            let mut issues = Vec::new();
            while let Some(row) = rows.next()? {
                issues.push(issue(row)?);
            }
            Ok(issues)
        })
        .await
    }

    async fn issued_to(&self, issue_id: i64) -> Result<Vec<i64>> {
        self.apart(move |connection| {
            let mut statement = connection.prepare("SELECT customer_id FROM tillmart_coupon WHERE issue_id = ?1")?;
            let customers = statement.query_map([issue_id], |row| row.get(0))?;
            Ok(customers.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn issue(
        &self,
        month: Month,
        seen: &[i64],
        new: Vec<NewIssue>,
        code: CodeMaker,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let seen = seen.to_vec();
        self.write(move |transaction| {
            if issue_ids(transaction, month)? != seen {
                return Ok(false);
            }
            for issue in &new {
                put(transaction, issue, &code, now)?;
            }
            Ok(true)
        })
        .await
    }

    async fn coupon(&self, code: Code) -> Result<Option<Coupon>> {
        self.ledger(move |connection| Ok(find(connection, code)?.map(|(_, coupon)| coupon))).await
    }

    async fn coupons(&self, issue_id: i64, which: Which, after: Option<i64>, limit: u32) -> Result<Vec<Coupon>> {
        let Some(from) = after.map_or(Some(i64::MIN), |after| after.checked_add(1)) else { return Ok(Vec::new()) };
        self.ledger(move |connection| {
            let mut statement = connection.prepare_cached(statements::COUPON_PAGE)?;
            let mut rows = statement.query(params![issue_id, from, which.number(), limit])?;
            let mut coupons = Vec::new();
            while let Some(row) = rows.next()? {
                coupons.push(coupon(row)?.1);
            }
            Ok(coupons)
        })
        .await
    }

    async fn redeem(&self, code: Code, till: &Till) -> Result<Redeemed> {
        let till = till.clone();
        self.write(move |transaction| {
            let Some((issue_id, coupon)) = find(transaction, code)? else { return Ok(Redeemed::Unknown) };
            let (new, told) = decide(coupon, &till);
            if let Some(new) = new {
                transaction.prepare_cached(statements::COUPON_REDEEM)?.execute(params![
                    code.symbols(),
                    issue_id,
                    new.reference,
                    moment_text(new.redeemed),
                    new.basket_cents,
                    new.discount_cents,
                    new.store_id
                ])?;
            }
            Ok(told)
        })
        .await
    }
}

fn issue_ids(transaction: &Transaction<'_>, month: Month) -> Tried<Vec<i64>> {
    let mut statement =
        transaction.prepare_cached("SELECT id FROM tillmart_coupon_issue WHERE sales_month = ?1 ORDER BY id")?;
    let ids = statement.query_map([month.to_string()], |row| row.get(0))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

fn put(transaction: &Transaction<'_>, issue: &NewIssue, code: &CodeMaker, now: DateTime<Utc>) -> Tried<()> {
    let terms = &issue.terms;
    let [percent, most, amount] = offer_columns(&terms.offer);
    transaction.prepare_cached(statements::COUPON_ISSUE_PUT)?.execute(params![
        terms.period.to_string(),
        terms.rule,
        moment_text(now),
        issue.batch_id,
        issue.secret_name,
        terms.valid_from.to_string(),
        terms.valid_until.to_string(),
        percent,
        most,
        amount,
        terms.offer.min_basket_cents,
        stored(issue.customers.len() as u64)?,
        stored(issue.held_out)?,
        issue.cost_bound_cents()?,
        issue.budget_coupons.map(stored).transpose()?,
        issue.budget_cents,
    ])?;
    let id = transaction.last_insert_rowid();
    let mut statement = transaction.prepare_cached(statements::COUPON_PUT)?;
    for customer in &issue.customers {
        let mut counter = 0;
        while statement.execute(params![id, customer, code(&terms.rule, *customer, counter).symbols()])? == 0 {
            counter += 1;
            if counter == COUNTERS {
                return Err(no_code(&terms.rule).into());
            }
        }
    }
    Ok(())
}

fn find(connection: &Connection, code: Code) -> Tried<Option<(i64, Coupon)>> {
    let mut statement = connection.prepare_cached(statements::COUPON_BY_CODE)?;
    let found = statement.query_row([code.symbols()], |row| Ok(coupon(row))).optional()?;
    found.transpose()
}
