//! Coupons on a server. Whoever issues for a month locks its row, and whoever redeems a coupon locks the coupon's: what is read
//! behind the lock is what the one before has left.

use super::bulk::Bulk;
use super::link::Link;
use super::rows::number_at;
use super::trouble::{Tried, Trouble};
use super::{MySql, statements};
use crate::bind::Datum;
use crate::coupons::{
    COUNTERS, CodeMaker, Coupons, NewIssue, Redeemed, Which, coupon, decide, issue, no_code, offer_columns,
};
use crate::records::{moment_text, stored};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mysql_async::Value;
use tillmart_coupon::{Code, Coupon, Issue, Month, Till};
use tillmart_model::Result;

#[async_trait]
impl Coupons for MySql {
    async fn issues(&self, month: Option<Month>) -> Result<Vec<Issue>> {
        self.read(move |link| {
            let month = month.map(|month| month.to_string());
            let mut issues = Vec::new();
            link.select(statements::COUPON_ISSUES, vec![month.clone().into(), month.into()], |row| {
                issues.push(issue(row)?);
                Ok(())
            })?;
            Ok(issues)
        })
        .await
    }

    async fn issued_to(&self, issue_id: i64) -> Result<Vec<i64>> {
        self.read(move |link| {
            let sql = "SELECT customer_id FROM tillmart_coupon WHERE issue_id = ?";
            numbers(link, sql, vec![issue_id.into()])
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
        self.write(move |link| {
            let month = month.to_string();
            link.execute(statements::COUPON_MONTH_LOCK, vec![month.as_str().into()])?;
            let sql = "SELECT id FROM tillmart_coupon_issue WHERE sales_month = ? ORDER BY id";
            if numbers(link, sql, vec![month.into()])? != seen {
                return Ok(false);
            }
            for issue in &new {
                put(link, issue, &code, now)?;
            }
            Ok(true)
        })
        .await
    }

    async fn coupon(&self, code: Code) -> Result<Option<Coupon>> {
        self.read(move |link| Ok(find(link, code)?.map(|(_, coupon)| coupon))).await
    }

    async fn coupons(&self, issue_id: i64, which: Which, after: Option<i64>, limit: u32) -> Result<Vec<Coupon>> {
        let Some(from) = after.map_or(Some(i64::MIN), |after| after.checked_add(1)) else { return Ok(Vec::new()) };
        self.read(move |link| {
            let which = which.number();
            let values: [i64; 6] = [issue_id, from, which, which, which, limit.into()];
            let mut coupons = Vec::new();
            link.select(statements::COUPON_PAGE, values.into_iter().map(Value::from).collect(), |row| {
                coupons.push(coupon(row)?.1);
                Ok(())
            })?;
            Ok(coupons)
        })
        .await
    }

    async fn redeem(&self, code: Code, till: &Till) -> Result<Redeemed> {
        let till = till.clone();
        self.write(move |link| {
            let lock = "SELECT issue_id FROM tillmart_coupon WHERE code = ? FOR UPDATE";
            link.number(lock, vec![code.symbols().into()])?;
            let Some((issue_id, coupon)) = find(link, code)? else { return Ok(Redeemed::Unknown) };
            let (new, told) = decide(coupon, &till);
            if let Some(new) = new {
                let values = vec![
                    code.symbols().into(),
                    issue_id.into(),
                    new.reference.into(),
                    moment_text(new.redeemed).into(),
                    new.basket_cents.into(),
                    new.discount_cents.into(),
                    new.store_id.into(),
                ];
                link.execute(statements::COUPON_REDEEM, values)?;
            }
            Ok(told)
        })
        .await
    }
}

fn numbers(link: &mut Link, sql: &str, values: Vec<Value>) -> Tried<Vec<i64>> {
    let mut numbers = Vec::new();
    link.select(sql, values, |row| {
        numbers.extend(number_at(row, 0));
        Ok(())
    })?;
    Ok(numbers)
}

fn put(link: &mut Link, issue: &NewIssue, code: &CodeMaker, now: DateTime<Utc>) -> Tried<()> {
    let terms = &issue.terms;
    let [percent, most, amount] = offer_columns(&terms.offer);
    let values = vec![
        terms.period.to_string().into(),
        terms.rule.as_str().into(),
        moment_text(now).into(),
        issue.batch_id.into(),
        issue.secret_name.as_str().into(),
        terms.valid_from.to_string().into(),
        terms.valid_until.to_string().into(),
        percent.into(),
        most.into(),
        amount.into(),
        terms.offer.min_basket_cents.into(),
        stored(issue.customers.len() as u64)?.into(),
        stored(issue.held_out)?.into(),
        issue.cost_bound_cents()?.into(),
        issue.budget_coupons.map(stored).transpose()?.into(),
        issue.budget_cents.into(),
    ];
    link.execute(statements::COUPON_ISSUE_PUT, values)?;
    let id = link.last_id()?;
    let mut waiting: Vec<i64> = issue.customers.clone();
    for counter in 0..COUNTERS {
        waiting = put_coupons(link, id, &waiting, &|customer| code(&terms.rule, customer, counter))?;
        if waiting.is_empty() {
            return Ok(());
        }
    }
    Err(no_code(&terms.rule).into())
}

/// Writes coupons, and returns the customers whose code belongs to another coupon.
fn put_coupons(link: &mut Link, issue_id: i64, customers: &[i64], code: &dyn Fn(i64) -> Code) -> Tried<Vec<i64>> {
    let mut taken = Vec::new();
    let mut refused = |at: usize, trouble: Trouble| match trouble.doubled() {
        Some(_) => {
            taken.push(customers[at]);
            Ok(())
        }
        None => Err(trouble),
    };
    let mut bulk = Bulk::new("INSERT INTO tillmart_coupon (issue_id, customer_id, code) VALUES", "");
    for (at, customer) in customers.iter().enumerate() {
        let symbols = code(*customer).symbols();
        let row = [Datum::Integer(issue_id), Datum::Integer(*customer), Datum::Text(&symbols)];
        bulk.push(link, row, at, &mut refused)?;
    }
    bulk.flush(link, &mut refused)?;
    Ok(taken)
}

fn find(link: &mut Link, code: Code) -> Tried<Option<(i64, Coupon)>> {
    let mut found = None;
    link.select(statements::COUPON_BY_CODE, vec![code.symbols().into()], |row| {
        found = Some(coupon(row)?);
        Ok(())
    })?;
    Ok(found)
}
