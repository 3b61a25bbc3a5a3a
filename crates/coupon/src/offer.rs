//! What a coupon is worth.

use std::fmt;
use tillmart_model::money::{Decimal, cents_text, divide_half_away};

/// Millionths in one.
const MILLION: i128 = 1_000_000;

/// What a coupon gives off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// A share of the basket, at most so much.
    Percent {
        /// The share in millionths: 10 % is 100,000.
        millionths: u32,
        /// Most cents that it gives off: without it nobody could say what an issue costs.
        max_discount_cents: i64,
    },
    /// An amount.
    Amount {
        /// Cents.
        cents: i64,
    },
}

/// What a coupon gives off, and from which basket on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// What it gives off.
    pub value: Value,
    /// The least basket in cents, 0 for any.
    pub min_basket_cents: i64,
}

impl Offer {
    /// Most that one coupon costs, in cents.
    pub fn cost_bound_cents(&self) -> i64 {
        match self.value {
            Value::Percent { max_discount_cents, .. } => max_discount_cents,
            Value::Amount { cents } => cents,
        }
    }

    /// What it gives off a basket in cents: never more than the basket; a share is rounded half up to the cent.
    pub fn discount_cents(&self, basket_cents: i64) -> i64 {
        let most = self.cost_bound_cents().min(basket_cents).max(0);
        match self.value {
            Value::Amount { .. } => most,
            Value::Percent { millionths, .. } => {
                let share = divide_half_away(i128::from(basket_cents) * i128::from(millionths), MILLION);
                i64::try_from(share).unwrap_or(i64::MAX).clamp(0, most)
            }
        }
    }
}

/// A share as people write it: `12.5 %`.
pub fn percent_text(millionths: u32) -> String {
    let text = Decimal { unscaled: i128::from(millionths), scale: 4 }.to_string();
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Percent { millionths, max_discount_cents } => {
                let most = cents_text(i128::from(*max_discount_cents));
                write!(f, "{} up to {most}", percent_text(*millionths))
            }
            Value::Amount { cents } => f.write_str(&cents_text(i128::from(*cents))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_discount_is_bounded_by_offer_and_basket() {
        let percent = Value::Percent { millionths: 125_000, max_discount_cents: 2_000 };
        let offer = Offer { value: percent, min_basket_cents: 0 };
        assert_eq!(offer.discount_cents(10_000), 1_250);
        assert_eq!(offer.discount_cents(100_000), 2_000, "the most");
        assert_eq!(offer.discount_cents(4), 1, "0.5 cents round up");
        assert_eq!(offer.discount_cents(3), 0);
        assert_eq!(offer.cost_bound_cents(), 2_000);
        let amount = Offer { value: Value::Amount { cents: 500 }, min_basket_cents: 0 };
        assert_eq!(amount.discount_cents(499), 499, "no till pays out");
        assert_eq!(amount.discount_cents(i64::MAX), 500);
        assert_eq!(amount.discount_cents(-1), 0);
        assert_eq!((percent.to_string(), amount.value.to_string()), ("12.5 % up to 20.00".into(), "5.00".into()));
    }
}
