//! What tills ask: how a coupon stands, and to redeem it.

use crate::shop::Pipeline;
use chrono::NaiveDate;
use tillmart_coupon::{Code, Coupon, Till};
use tillmart_database::Redeemed;
use tillmart_model::Result;
use uuid::Uuid;

impl Pipeline {
    /// Today, in the shops' time zone: coupons begin and end by it.
    pub fn coupon_day(&self) -> NaiveDate {
        self.seams.clock.today(self.options.time_zone)
    }

    /// The coupon with a code.
    ///
    /// # Errors
    /// The database that cannot be read.
    pub async fn coupon(&self, code: Code) -> Result<Option<Coupon>> {
        self.seams.schema.check().await?;
        self.seams.coupons.coupon(code).await
    }

    /// Redeems a coupon, once. With a reference of the till's own a call whose answer was lost can be repeated: it gives the same
    /// redemption. Without one every call is another.
    ///
    /// # Errors
    /// The database that cannot be written; then nobody knows whether it is redeemed, and the same reference tells.
    pub async fn redeem_coupon(
        &self,
        code: Code,
        reference: Option<String>,
        basket_cents: Option<i64>,
        store_id: Option<i32>,
    ) -> Result<Redeemed> {
        self.seams.schema.check().await?;
        // Within the call, too, a commit whose answer was lost is looked up by the reference.
        let reference = reference.unwrap_or_else(|| format!("call {}", Uuid::new_v4()));
        let now = self.seams.clock.now();
        let till = Till { reference, basket_cents, store_id, now, today: self.coupon_day() };
        self.seams.coupons.redeem(code, &till).await
    }
}
