//! An issued coupon, and what a till is told of it.

use crate::{Code, Month, Offer};
use chrono::{DateTime, NaiveDate, Utc};
use std::fmt;
use tillmart_model::money::cents_text;

/// What all coupons of a rule and period have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The rule.
    pub rule: String,
    /// The month that they were given for.
    pub period: Month,
    /// What they are worth.
    pub offer: Offer,
    /// First day on which they may be redeemed.
    pub valid_from: NaiveDate,
    /// Last such day.
    pub valid_until: NaiveDate,
}

/// The coupons of a rule and period, as they were issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its number.
    pub id: i64,
    /// What its coupons have in common.
    pub terms: Terms,
    /// When.
    pub issued: DateTime<Utc>,
    /// The batch up to which sales were published then.
    pub batch_id: Option<i64>,
    /// The name of the secret that the codes were made with.
    pub secret_name: String,
    /// How many coupons.
    pub coupons: u64,
    /// How many customers fitted the rule and were held out: they have none.
    pub held_out: u64,
    /// Most that they may cost together, in cents.
    pub cost_bound_cents: i64,
    /// How many of them were redeemed.
    pub redeemed: u64,
    /// What those gave off, as far as tills told their baskets, in cents.
    pub discount_cents: i64,
}

impl Issue {
    /// How many of its coupons were never redeemed, and cannot be any more on this day.
    pub fn expired(&self, today: NaiveDate) -> u64 {
        if today > self.terms.valid_until { self.coupons.saturating_sub(self.redeemed) } else { 0 }
    }
}

/// One coupon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coupon {
    /// Its code.
    pub code: Code,
    /// Whose it is.
    pub customer_id: i64,
    /// What it has in common with the others of its issue.
    pub terms: Terms,
    /// Its redemption.
    pub redemption: Option<Redemption>,
}

/// That a coupon was redeemed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redemption {
    /// The till's name for it: the same reference again is the same redemption.
    pub reference: String,
    /// When.
    pub redeemed: DateTime<Utc>,
    /// The basket in cents, where the till told it.
    pub basket_cents: Option<i64>,
    /// What the coupon gave off it.
    pub discount_cents: Option<i64>,
    /// Where.
    pub store_id: Option<i32>,
}

/// What a till says when it redeems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Till {
    /// Its name for this redemption.
    pub reference: String,
    /// The basket in cents.
    pub basket_cents: Option<i64>,
    /// The store.
    pub store_id: Option<i32>,
    /// The moment.
    pub now: DateTime<Utc>,
    /// The day in the shops' time zone.
    pub today: NaiveDate,
}

/// How a coupon stands on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It may be redeemed.
    Valid,
    /// Its first day is to come.
    NotYet,
    /// Its last day has passed.
    Expired,
    /// It was redeemed.
    Redeemed,
}

impl State {
    /// The word for programs.
    pub fn word(self) -> &'static str {
        match self {
            State::Valid => "valid",
            State::NotYet => "not_yet",
            State::Expired => "expired",
            State::Redeemed => "redeemed",
        }
    }
}

/// Why a coupon was not redeemed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It was redeemed before, under another reference.
    Redeemed(Redemption),
    /// Its first day is to come.
    NotYet(NaiveDate),
    /// Its last day has passed.
    Expired(NaiveDate),
    /// It asks for a basket of so many cents, and the till did not tell its own.
    BasketUntold(i64),
    /// It asks for a basket of more cents.
    BasketTooSmall {
        /// The least.
        min_cents: i64,
        /// The till's.
        basket_cents: i64,
    },
}

impl Refusal {
    /// The word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Refusal::Redeemed(_) => State::Redeemed.word(),
            Refusal::NotYet(_) => State::NotYet.word(),
            Refusal::Expired(_) => State::Expired.word(),
            Refusal::BasketUntold(_) => "basket_untold",
            Refusal::BasketTooSmall { .. } => "basket_too_small",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let money = |cents: i64| cents_text(i128::from(cents));
        match self {
            Refusal::Redeemed(redemption) => {
                write!(f, "it was redeemed on {}", redemption.redeemed.format("%Y-%m-%d at %H:%M UTC"))?;
                match redemption.store_id {
                    Some(store) => write!(f, " in store {store}"),
                    None => Ok(()),
                }
            }
            Refusal::NotYet(from) => write!(f, "it is valid from {from} on"),
            Refusal::Expired(until) => write!(f, "it was valid until {until}"),
            Refusal::BasketUntold(least) => {
                write!(f, "it asks for a basket of at least {}: tell the basket (--basket)", money(*least))
            }
            Refusal::BasketTooSmall { min_cents, basket_cents } => {
                write!(
                    f,
                    "it asks for a basket of at least {}, and this one is {}",
                    money(*min_cents),
                    money(*basket_cents)
                )
            }
        }
    }
}

impl Coupon {
    /// How it stands on a day.
    pub fn state(&self, today: NaiveDate) -> State {
        if self.redemption.is_some() {
            State::Redeemed
        } else if today > self.terms.valid_until {
            State::Expired
        } else if today < self.terms.valid_from {
            State::NotYet
        } else {
            State::Valid
        }
    }

    /// What is to be written when a till redeems it. One that has this reference already is given back as it is: its answer was lost.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn redeem(&self, till: &Till) -> Result<Redemption, Refusal> {
        if let Some(before) = &self.redemption {
            let is_same = before.reference == till.reference;
            return if is_same { Ok(before.clone()) } else { Err(Refusal::Redeemed(before.clone())) };
        }
        let Terms { offer, valid_from, valid_until, .. } = &self.terms;
        if till.today < *valid_from {
            return Err(Refusal::NotYet(*valid_from));
        }
        if till.today > *valid_until {
            return Err(Refusal::Expired(*valid_until));
        }
        let min_cents = offer.min_basket_cents;
        match till.basket_cents {
            None if min_cents > 0 => return Err(Refusal::BasketUntold(min_cents)),
            Some(basket_cents) if basket_cents < min_cents => {
                return Err(Refusal::BasketTooSmall { min_cents, basket_cents });
            }
            _ => {}
        }
        Ok(Redemption {
            reference: till.reference.clone(),
            redeemed: till.now,
            basket_cents: till.basket_cents,
            discount_cents: till.basket_cents.map(|basket| offer.discount_cents(basket)),
            store_id: till.store_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Value;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn coupon() -> Coupon {
        let value = Value::Percent { millionths: 100_000, max_discount_cents: 1_000 };
        let terms = Terms {
            rule: "big".to_owned(),
            period: "2011-11".parse().expect("a month"),
            offer: Offer { value, min_basket_cents: 2_500 },
            valid_from: day("2011-12-01"),
            valid_until: day("2011-12-31"),
        };
        Coupon { code: Code::read("0000-0000-0000").expect("a code"), customer_id: 1, terms, redemption: None }
    }

    fn till(today: &str, basket_cents: Option<i64>, reference: &str) -> Till {
        let now = day(today).and_hms_opt(12, 0, 0).expect("noon").and_utc();
        Till { reference: reference.to_owned(), basket_cents, store_id: Some(101), now, today: day(today) }
    }

    #[test]
    fn the_window_and_the_basket_are_held_to_their_ends() {
        let coupon = coupon();
        for today in ["2011-12-01", "2011-12-31"] {
            let redemption = coupon.redeem(&till(today, Some(2_500), "a")).expect("redeemed");
            assert_eq!((redemption.discount_cents, redemption.store_id), (Some(250), Some(101)));
            assert_eq!(coupon.state(day(today)), State::Valid);
        }
        for (today, basket, word) in [
            ("2011-11-30", Some(2_500), "not_yet"),
            ("2012-01-01", Some(2_500), "expired"),
            ("2011-12-01", Some(2_499), "basket_too_small"),
            ("2011-12-01", None, "basket_untold"),
        ] {
            assert_eq!(coupon.redeem(&till(today, basket, "a")).expect_err(word).word(), word);
        }
        assert_eq!((coupon.state(day("2011-11-30")), coupon.state(day("2012-01-01"))), (State::NotYet, State::Expired));
    }

    #[test]
    fn an_issue_expires_behind_its_last_day() {
        let issue = Issue {
            id: 1,
            terms: coupon().terms,
            issued: day("2011-12-01").and_hms_opt(12, 0, 0).expect("noon").and_utc(),
            batch_id: None,
            secret_name: String::new(),
            coupons: 10,
            held_out: 2,
            cost_bound_cents: 10_000,
            redeemed: 3,
            discount_cents: 900,
        };
        assert_eq!((issue.expired(day("2011-12-31")), issue.expired(day("2012-01-01"))), (0, 7));
    }

    #[test]
    fn the_same_reference_is_the_same_redemption_for_ever() {
        let mut coupon = coupon();
        let first = coupon.redeem(&till("2011-12-01", Some(10_000), "till 4, bill 17")).expect("redeemed");
        coupon.redemption = Some(first.clone());
        assert_eq!(
            coupon.redeem(&till("2012-03-01", None, "till 4, bill 17")),
            Ok(first.clone()),
            "also when it has expired"
        );
        let refusal = coupon.redeem(&till("2011-12-01", Some(10_000), "till 5")).expect_err("redeemed");
        assert_eq!(refusal.to_string(), "it was redeemed on 2011-12-01 at 12:00 UTC in store 101");
        assert_eq!((refusal, coupon.state(day("2012-03-01"))), (Refusal::Redeemed(first), State::Redeemed));
    }
}
