//! Coupons: who would get what, issuing, exporting, and what tills ask.
//!
//! [`figures`] reads the customer mart, [`plan`] decides, [`issue`] writes, [`till`] answers, [`export`] lists.

mod export;
mod figures;
mod issue;
mod plan;
mod till;

pub use export::{CouponFilter, ListedCoupon};
pub use issue::{BeforeRule, CouponsIssued, IssuedNow};
pub use plan::{CouponPlan, IssuedBefore, PlannedCoupon, PlannedRule};

use tillmart_coupon::{Rule, Scale};

/// The coupon rules of a project.
#[derive(Debug, Clone)]
pub struct CouponRules {
    /// The rules, in the order in which they come.
    pub rules: Vec<Rule>,
    /// Whether a customer gets at most one coupon a month over all rules.
    pub one_per_customer: bool,
    /// The draw of the hold-out.
    pub hold_out_seed: String,
    /// How the score counts.
    pub scale: Scale,
}
