//! Coupons: issued once for a rule and month, redeemed once.

use crate::records::{Read, Record, count, integer, moment, odd, text};
use crate::refusal::{Checked, promise};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use std::sync::Arc;
use tillmart_coupon::{Code, Coupon, Issue, Month, Offer, Redemption, Refusal, Terms, Till, Value};
use tillmart_model::{Fault, Result};

/// The code of a customer's coupon of a rule. The counter is above 0 when another coupon has the codes of the lower ones.
pub type CodeMaker = Arc<dyn Fn(&str, i64, u32) -> Code + Send + Sync>;

/// Counters that are tried for a coupon: with codes of 40 bits a second one is rare and a fourth is not met in this world.
pub(crate) const COUNTERS: u32 = 32;

/// A rule that is about to be issued for a month.
#[derive(Debug, Clone)]
pub struct NewIssue {
    /// What its coupons have in common.
    pub terms: Terms,
    /// The batch up to which sales are published.
    pub batch_id: Option<i64>,
    /// The name of the secret that codes are made with.
    pub secret_name: String,
    /// Most that the coupons may cost together, in cents.
    pub budget_cents: Option<i64>,
    /// Most coupons.
    pub budget_coupons: Option<u64>,
    /// How many customers were held out.
    pub held_out: u64,
    /// Who gets a coupon: at least one, none twice.
    pub customers: Vec<i64>,
}

impl NewIssue {
    /// Most that its coupons cost together, in cents.
    pub(crate) fn cost_bound_cents(&self) -> Checked<i64> {
        let coupons = i64::try_from(self.customers.len()).ok();
        let bound = coupons.and_then(|coupons| coupons.checked_mul(self.terms.offer.cost_bound_cents()));
        Ok(bound.ok_or_else(|| promise("the cost bound of an issue leaves 64 bits").found(&self.terms.rule))?)
    }
}

/// Which coupons of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// Those that were redeemed.
    Redeemed,
    /// Those that were not.
    Unredeemed,
}

impl Which {
    /// The number that stands for it in statements.
    pub(crate) fn number(self) -> i64 {
        match self {
            Which::All => 0,
            Which::Redeemed => 1,
            Which::Unredeemed => 2,
        }
    }
}

/// How a redemption ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redeemed {
    /// There is no coupon with this code.
    Unknown,
    /// It is redeemed now, or was under this very reference.
    Done(Box<Coupon>),
    /// It is not, and why.
    Refused(Box<Coupon>, Box<Refusal>),
}

/// Coupons that were issued, and their redemptions.
#[async_trait]
pub trait Coupons: Send + Sync {
    /// What was issued for a month, or for every month, in the order of issue.
    async fn issues(&self, month: Option<Month>) -> Result<Vec<Issue>>;

    /// The customers who have a coupon of an issue.
    async fn issued_to(&self, issue_id: i64) -> Result<Vec<i64>>;

    /// Issues rules for a month, all in one transaction. Returns false, and has changed nothing, if the month's issues are others than
    /// `seen`: whoever decided who gets what did not know of them. Of two that issue at once, one is done and the other sees it.
    ///
    /// # Errors
    /// A rule that is issued already, a customer twice, more than a budget; nothing is issued then.
    async fn issue(
        &self,
        month: Month,
        seen: &[i64],
        new: Vec<NewIssue>,
        code: CodeMaker,
        now: DateTime<Utc>,
    ) -> Result<bool>;

    /// The coupon with this code.
    async fn coupon(&self, code: Code) -> Result<Option<Coupon>>;

    /// At most `limit` coupons of an issue, by customer, behind the customer `after`.
    async fn coupons(&self, issue_id: i64, which: Which, after: Option<i64>, limit: u32) -> Result<Vec<Coupon>>;

    /// Redeems a coupon, once and for all, whoever else does so at the same moment.
    async fn redeem(&self, code: Code, till: &Till) -> Result<Redeemed>;
}

/// A code that always belonged to another coupon, or a customer twice.
pub(crate) fn no_code(rule: &str) -> Fault {
    promise("no free code was found for a coupon")
        .expected("one coupon for each customer")
        .found(format!("rule {rule}"))
}

fn day<R: Record>(row: &R, column: &str) -> Read<NaiveDate, R> {
    let text = text(row, column)?;
    Ok(text.parse().map_err(|_| odd(column, "a date such as 2024-07-01", &text))?)
}

fn terms<R: Record>(row: &R) -> Read<Terms, R> {
    let month = text(row, "sales_month")?;
    let period = month.parse().map_err(|_| odd("sales_month", "a month such as 2024-07", &month))?;
    let whole = |column: &str| row.integer(column);
    let value = match (whole("percent_millionths")?, whole("max_discount_cents")?, whole("amount_cents")?) {
        (Some(share), Some(max_discount_cents), None) => {
            let share = u32::try_from(share).map_err(|_| odd("percent_millionths", "a share", &share.to_string()));
            Value::Percent { millionths: share?, max_discount_cents }
        }
        (None, None, Some(cents)) => Value::Amount { cents },
        _ => return Err(odd("amount_cents", "a share or an amount", "both or none").into()),
    };
    Ok(Terms {
        rule: text(row, "rule")?,
        period,
        offer: Offer { value, min_basket_cents: integer(row, "min_basket_cents")? },
        valid_from: day(row, "valid_from")?,
        valid_until: day(row, "valid_until")?,
    })
}

/// An issue from a whole row.
pub(crate) fn issue<R: Record>(row: &R) -> Read<Issue, R> {
    Ok(Issue {
        id: integer(row, "id")?,
        terms: terms(row)?,
        issued: moment(row, "issued_date")?,
        batch_id: row.integer("batch_id")?,
        secret_name: text(row, "secret_name")?,
        coupons: count(row, "coupons")?,
        held_out: count(row, "held_out")?,
        cost_bound_cents: integer(row, "cost_bound_cents")?,
        redeemed: count(row, "redeemed")?,
        discount_cents: integer(row, "given_cents")?,
    })
}

/// A coupon from a whole row, and its issue's number.
pub(crate) fn coupon<R: Record>(row: &R) -> Read<(i64, Coupon), R> {
    let code = text(row, "code")?;
    let redemption = match row.text("reference")? {
        None => None,
        Some(reference) => {
            let store = row.integer("store_id")?.map(i32::try_from).transpose();
            Some(Redemption {
                reference,
                redeemed: moment(row, "redeemed_date")?,
                basket_cents: row.integer("basket_cents")?,
                discount_cents: row.integer("discount_cents")?,
                store_id: store.map_err(|error| odd("store_id", "32 bits", &error.to_string()))?,
            })
        }
    };
    let coupon = Coupon {
        code: Code::read(&code).map_err(|_| odd("code", "a code whose symbols go together", &code))?,
        customer_id: integer(row, "customer_id")?,
        terms: terms(row)?,
        redemption,
    };
    Ok((integer(row, "issue_id")?, coupon))
}

/// What is to be written for a till: the redemption if it is a new one, and what the till is told.
pub(crate) fn decide(mut coupon: Coupon, till: &Till) -> (Option<Redemption>, Redeemed) {
    match coupon.redeem(till) {
        Err(refusal) => (None, Redeemed::Refused(Box::new(coupon), Box::new(refusal))),
        Ok(redemption) => {
            let new = coupon.redemption.is_none().then(|| redemption.clone());
            coupon.redemption = Some(redemption);
            (new, Redeemed::Done(Box::new(coupon)))
        }
    }
}

/// The columns of an offer: percent_millionths, max_discount_cents, amount_cents.
pub(crate) fn offer_columns(offer: &Offer) -> [Option<i64>; 3] {
    match offer.value {
        Value::Percent { millionths, max_discount_cents } => [Some(millionths.into()), Some(max_discount_cents), None],
        Value::Amount { cents } => [None, None, Some(cents)],
    }
}
