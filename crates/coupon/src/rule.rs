//! A rule: who gets what, within which bounds.

use crate::{Figures, Month, Offer, Points, Scale};

/// Who gets a coupon of a rule. Nobody does whose net spend in the time that the rule looks at is zero or less.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Whoever spent at least `from_cents`, and less than `to_cents`, in the month.
    Spend {
        /// Least spend in cents.
        from_cents: i64,
        /// The spend from which on another tier begins.
        to_cents: Option<i64>,
    },
    /// Whoever spent at least this share less than the mean of the three months before, and still something. A month without
    /// sales counts as 0.
    Drop {
        /// The least drop in millionths.
        millionths: u32,
    },
    /// Whoever bought for the first time, in the month.
    FirstPurchase,
    /// Whoever bought last at least `days` before the month's end, and fewer than `days_to`.
    Lapsed {
        /// Least days since the last purchase.
        days: u32,
        /// The days from which on a customer is given up.
        days_to: Option<u32>,
    },
    /// Whoever has one of these points for recency, for frequency and for money.
    Score {
        /// Points for recency.
        recency: Points,
        /// Points for frequency.
        frequency: Points,
        /// Points for money.
        money: Points,
    },
}

/// A rule of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Name: lower-case letters, digits, underscores.
    pub name: String,
    /// Who gets a coupon.
    pub who: Who,
    /// What it is worth. Its cost bound is above zero.
    pub offer: Offer,
    /// Days after the day of issue on which it may still be redeemed.
    pub valid_days: u32,
    /// Most that the coupons of a period may cost together, in cents.
    pub budget_cents: Option<i64>,
    /// Most coupons of a period.
    pub budget_coupons: Option<u64>,
    /// The share of customers that gets none, in millionths.
    pub hold_out_millionths: u32,
}

impl Rule {
    /// Most coupons of a period by both budgets.
    pub fn most(&self) -> u64 {
        let by_money = self.budget_cents.map(|budget| (budget / self.offer.cost_bound_cents().max(1)).unsigned_abs());
        self.budget_coupons.unwrap_or(u64::MAX).min(by_money.unwrap_or(u64::MAX))
    }
}

impl Who {
    /// Whether a customer fits, and then the money by which those who fit stand in line when the budget does not reach:
    /// what they spent in the time that the rule looks at, in cents. For a drop it is what they spent before it.
    pub fn fits(&self, figures: &Figures, month: Month, scale: &Scale) -> Option<i64> {
        let spend = figures.spend_cents;
        let (fits, money) = match self {
            Who::Spend { from_cents, to_cents } => {
                (spend > 0 && spend >= *from_cents && to_cents.is_none_or(|to| spend < to), spend)
            }
            Who::Drop { millionths } => {
                let before = i128::from(figures.before_cents);
                let kept = before * i128::from(1_000_000 - millionths.min(&1_000_000));
                // spend ≤ (1 − drop) × before / 3, without a division.
                (spend > 0 && before > 0 && i128::from(spend) * 3_000_000 <= kept, figures.before_cents)
            }
            Who::FirstPurchase => {
                (spend > 0 && figures.first_purchase.is_some_and(|day| Month::of(day) == month), spend)
            }
            Who::Lapsed { days, days_to } => {
                let since = figures.last_purchase.map(|day| (month.last_day() - day).num_days());
                let lapsed = since
                    .is_some_and(|since| since >= i64::from(*days) && days_to.is_none_or(|to| since < i64::from(to)));
                (lapsed && figures.lifetime_cents > 0, figures.lifetime_cents)
            }
            Who::Score { recency, frequency, money } => {
                let fits = scale.score(figures, month.last_day()).is_some_and(|score| {
                    recency.has(score.recency) && frequency.has(score.frequency) && money.has(score.money)
                });
                (fits && figures.window_cents > 0, figures.window_cents)
            }
        };
        fits.then_some(money)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn day(text: &str) -> Option<NaiveDate> {
        Some(text.parse().expect("a day"))
    }

    fn scale() -> Scale {
        Scale {
            months: 12,
            recency_days: [30, 60, 120, 240],
            frequency_days: [2, 4, 8, 16],
            money_cents: [5_000, 20_000, 50_000, 100_000],
        }
    }

    fn regular() -> Figures {
        Figures {
            customer_id: 1,
            is_known: true,
            spend_cents: 10_000,
            before_cents: 60_000,
            first_purchase: day("2011-01-05"),
            last_purchase: day("2011-11-20"),
            window_days: 8,
            window_cents: 70_000,
            lifetime_cents: 70_000,
        }
    }

    #[track_caller]
    fn check(who: &Who, cases: &[(Figures, Option<i64>)]) {
        let month = "2011-11".parse().expect("a month");
        for (figures, expected) in cases {
            assert_eq!(who.fits(figures, month, &scale()), *expected, "{who:?} {figures:?}");
        }
    }

    fn spending(spend_cents: i64) -> Figures {
        Figures { spend_cents, ..regular() }
    }

    #[test]
    fn a_tier_holds_its_lower_end_and_not_its_upper() {
        let tier = Who::Spend { from_cents: 10_000, to_cents: Some(20_000) };
        check(
            &tier,
            &[
                (spending(9_999), None),
                (spending(10_000), Some(10_000)),
                (spending(19_999), Some(19_999)),
                (spending(20_000), None),
            ],
        );
        let all = Who::Spend { from_cents: 0, to_cents: None };
        check(
            &all,
            &[(spending(0), None), (spending(-1), None), (spending(1), Some(1)), (spending(i64::MAX), Some(i64::MAX))],
        );
    }

    #[test]
    fn a_drop_is_measured_to_the_cent_against_the_mean_of_three_months() {
        // 600.00 in three months: a mean of 200.00, half of which is 100.00.
        let half = Who::Drop { millionths: 500_000 };
        check(
            &half,
            &[
                (spending(10_000), Some(60_000)),
                (spending(10_001), None),
                (spending(1), Some(60_000)),
                (spending(0), None),
                (spending(-5), None),
                (Figures { before_cents: 0, ..spending(1) }, None),
                (Figures { before_cents: -60_000, ..spending(1) }, None),
                // A mean of 33.33⅓: 16.66⅔ is half of it.
                (Figures { before_cents: 10_000, ..spending(1_666) }, Some(10_000)),
                (Figures { before_cents: 10_000, ..spending(1_667) }, None),
            ],
        );
    }

    #[test]
    fn a_first_purchase_is_in_the_month_itself() {
        let first = |day_of: &str| Figures { first_purchase: day(day_of), ..regular() };
        check(
            &Who::FirstPurchase,
            &[
                (first("2011-10-31"), None),
                (first("2011-11-01"), Some(10_000)),
                (first("2011-11-30"), Some(10_000)),
                (Figures { spend_cents: 0, ..first("2011-11-30") }, None),
                (Figures { first_purchase: None, ..regular() }, None),
            ],
        );
    }

    #[test]
    fn lapsed_days_are_counted_to_the_end_of_the_month() {
        let last = |day_of: &str| Figures { last_purchase: day(day_of), spend_cents: 0, ..regular() };
        let lapsed = Who::Lapsed { days: 90, days_to: Some(180) };
        check(
            &lapsed,
            &[
                (last("2011-09-02"), None),
                (last("2011-09-01"), Some(70_000)),
                (last("2011-06-04"), Some(70_000)),
                (last("2011-06-03"), None),
                (Figures { lifetime_cents: 0, ..last("2011-09-01") }, None),
                (Figures { last_purchase: None, ..last("2011-09-01") }, None),
            ],
        );
        check(&Who::Lapsed { days: 90, days_to: None }, &[(last("2001-01-01"), Some(70_000))]);
    }

    #[test]
    fn the_score_counts_the_steps_that_were_reached() {
        let end = "2011-11-30".parse().expect("a day");
        let score = |figures: &Figures| {
            let score = scale().score(figures, end).expect("a score");
            (score.recency, score.frequency, score.money)
        };
        assert_eq!(score(&regular()), (5, 4, 4));
        let worst = Figures { last_purchase: day("2011-01-05"), window_days: 1, window_cents: 4_999, ..regular() };
        assert_eq!(score(&worst), (1, 1, 1));
        let best = Figures { last_purchase: Some(end), window_days: 16, window_cents: 100_000, ..regular() };
        assert_eq!(score(&best), (5, 5, 5));
        let points = |points: &[u32]| Points::new(points).expect("points");
        let who = Who::Score { recency: points(&[5]), frequency: points(&[3, 4]), money: Points::ALL };
        check(&who, &[(regular(), Some(70_000)), (worst, None), (best, None)]);
        assert_eq!(Points::new(&[]), None);
        assert_eq!(Points::new(&[0]), None);
        assert_eq!(Points::new(&[6]), None);
        assert!(
            !Points::ALL.has(0)
                && Points::ALL.has(1)
                && Points::ALL.has(5)
                && !Points::ALL.has(6)
                && !Points::ALL.has(200)
        );
    }
}
