//! Lists of coupons, for people and for campaign tools. Page by page: no issue is in memory as a whole.

use super::plan::value_columns;
use crate::shop::Pipeline;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::HashMap;
use tillmart_coupon::sheet::{harmless, push_line};
use tillmart_coupon::{Coupon, Month, State};
use tillmart_database::{Dimension, Which};
use tillmart_model::Result;
use tillmart_model::money::cents_text;

/// Coupons of a page.
const PAGE: u32 = 10_000;

/// Which coupons.
#[derive(Debug, Clone, Default)]
pub struct CouponFilter {
    /// Only of this month.
    pub month: Option<Month>,
    /// Only of this rule.
    pub rule: Option<String>,
    /// Only those that stand so today.
    pub state: Option<State>,
    /// At most so many.
    pub limit: Option<usize>,
}

/// A coupon of a list.
#[derive(Debug, Clone, Serialize)]
pub struct ListedCoupon {
    /// Its code, in groups.
    pub code: String,
    /// The month that it was given for.
    pub month: String,
    /// The rule.
    pub rule: String,
    /// Whose it is.
    pub customer_id: i64,
    /// What it gives off.
    pub value: String,
    /// The least basket.
    pub min_basket: String,
    /// First day of validity.
    pub valid_from: String,
    /// Last day of validity.
    pub valid_until: String,
    /// How it stands: `valid`, `not_yet`, `expired` or `redeemed`.
    pub state: String,
    /// When it was redeemed.
    pub redeemed: Option<String>,
    /// The till's reference.
    pub reference: Option<String>,
    /// The store.
    pub store_id: Option<i32>,
    /// The basket, where it was told.
    pub basket: Option<String>,
    /// What the coupon gave off it.
    pub discount: Option<String>,
}

impl ListedCoupon {
    /// A coupon as it stands on a day.
    pub fn of(coupon: &Coupon, today: chrono::NaiveDate) -> ListedCoupon {
        let money = |cents: i64| cents_text(i128::from(cents));
        let (terms, redemption) = (&coupon.terms, coupon.redemption.as_ref());
        ListedCoupon {
            code: coupon.code.to_string(),
            month: terms.period.to_string(),
            rule: terms.rule.clone(),
            customer_id: coupon.customer_id,
            value: terms.offer.value.to_string(),
            min_basket: money(terms.offer.min_basket_cents),
            valid_from: terms.valid_from.to_string(),
            valid_until: terms.valid_until.to_string(),
            state: coupon.state(today).word().to_owned(),
            redeemed: redemption.map(|redemption| redemption.redeemed.to_rfc3339()),
            reference: redemption.map(|redemption| redemption.reference.clone()),
            store_id: redemption.and_then(|redemption| redemption.store_id),
            basket: redemption.and_then(|redemption| redemption.basket_cents).map(money),
            discount: redemption.and_then(|redemption| redemption.discount_cents).map(money),
        }
    }
}

impl Pipeline {
    /// Shows coupons page by page, newest issue first, by customer; stops at the filter's limit.
    ///
    /// # Errors
    /// The database that cannot be read.
    pub async fn coupons(&self, filter: &CouponFilter, mut each: impl FnMut(&[Coupon])) -> Result<()> {
        self.seams.schema.check().await?;
        let today = self.coupon_day();
        let which = match filter.state {
            None => Which::All,
            Some(State::Redeemed) => Which::Redeemed,
            Some(_) => Which::Unredeemed,
        };
        let mut left = filter.limit.unwrap_or(usize::MAX);
        let mut issues = self.seams.coupons.issues(filter.month).await?;
        issues.retain(|issue| filter.rule.as_ref().is_none_or(|rule| *rule == issue.terms.rule));
        for issue in issues.iter().rev() {
            let mut after = None;
            while left > 0 {
                let limit = u32::try_from(left).unwrap_or(u32::MAX).min(PAGE);
                let mut page = self.seams.coupons.coupons(issue.id, which, after, limit).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.customer_id);
                page.retain(|coupon| filter.state.is_none_or(|state| coupon.state(today) == state));
                left -= page.len();
                // All coupons of an issue have the same days: what is not there on one page is on none.
                if page.is_empty() {
                    break;
                }
                each(&page);
            }
        }
        Ok(())
    }

    /// The coupons as CSV for a campaign tool, with how to reach each customer, a piece at a time. Unless `raw`, no text begins so
    /// that a spreadsheet takes it for a formula.
    ///
    /// # Errors
    /// The database that cannot be read.
    pub async fn export_coupons(&self, filter: &CouponFilter, raw: bool, mut each: impl FnMut(&str)) -> Result<u64> {
        const CONTACT: [&str; 5] = ["first_name", "last_name", "address", "pincode", "phone_number"];
        const COUPON: [&str; 10] = [
            "code",
            "month",
            "rule",
            "value",
            "percent",
            "max_discount",
            "amount",
            "min_basket",
            "valid_from",
            "valid_until",
        ];
        self.seams.schema.check().await?;
        let customers = self.seams.dimensions.read(Dimension::Customer).await?;
        let place: HashMap<i64, usize> = places(&customers);
        let mut text = String::new();
        push_line(&mut text, ["customer_id"].into_iter().chain(CONTACT).chain(COUPON));
        each(&text);
        let mut count = 0;
        let safe = |text: &str| if raw { text.to_owned() } else { harmless(text).into_owned() };
        self.coupons(filter, |page| {
            let mut text = String::new();
            for coupon in page {
                let at = place.get(&coupon.customer_id).copied();
                let terms = &coupon.terms;
                let [percent, most, amount] = value_columns(&terms.offer.value);
                let mut cells = vec![coupon.customer_id.to_string()];
                cells.extend(
                    CONTACT.iter().map(|name| safe(&at.map_or(Cow::Borrowed(""), |at| cell(&customers, name, at)))),
                );
                cells.extend([
                    coupon.code.to_string(),
                    terms.period.to_string(),
                    terms.rule.clone(),
                    terms.offer.value.to_string(),
                    percent,
                    most,
                    amount,
                    cents_text(i128::from(terms.offer.min_basket_cents)),
                    terms.valid_from.to_string(),
                    terms.valid_until.to_string(),
                ]);
                push_line(&mut text, cells.iter().map(String::as_str));
            }
            count += page.len() as u64;
            each(&text);
        })
        .await?;
        Ok(count)
    }
}

/// The row of each customer.
fn places(customers: &RecordBatch) -> HashMap<i64, usize> {
    let ids = customers.column_by_name("customer_id").and_then(|column| column.as_primitive_opt::<Int64Type>());
    ids.map(|ids| ids.values().iter().enumerate().map(|(row, id)| (*id, row)).collect()).unwrap_or_default()
}

fn cell<'c>(customers: &'c RecordBatch, column: &str, row: usize) -> Cow<'c, str> {
    let texts = customers.column_by_name(column).and_then(|column| column.as_string_opt::<i32>());
    texts.filter(|texts| texts.is_valid(row)).map_or(Cow::Borrowed(""), |texts| Cow::Borrowed(texts.value(row)))
}
