//! A plan as a line of text: for people, and to be read back. Published payments carry it, so that a month is always known with the
//! plan that it was paid by.

use super::{Incentive, Tier, TierRates, Ties};
use crate::money::{Decimal, cents_text, parse_decimal};
use std::fmt;
use std::str::FromStr;

/// A share in millionths as a percentage with no more digits than it needs: `1 %`, `0.5 %`.
pub fn percent(millionths: i64) -> String {
    let digits = Decimal { unscaled: i128::from(millionths), scale: 4 }.to_string();
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    format!("{digits} %")
}

fn percents(rates: &[i64]) -> String {
    rates.iter().map(|rate| percent(*rate)).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Incentive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ties = match self.ties {
            Ties::All => "all",
            Ties::Split => "split",
        };
        write!(f, "top {}: {}; ties {ties}", self.top, percents(&self.rates))?;
        let on = match self.tier_rates {
            TierRates::Whole => "whole",
            TierRates::Marginal => "marginal",
        };
        for tier in &self.tiers {
            write!(f, "; {on} from {}: {}", cents_text(tier.from_cents), percents(&tier.rates))?;
        }
        if self.minimum_cents > 0 {
            write!(f, "; minimum {}", cents_text(self.minimum_cents))?;
        }
        if !self.overrides.is_empty() {
            write!(f, "; overrides {}", percents(&self.overrides))?;
        }
        if let Some(cap) = self.cap_cents {
            write!(f, "; cap {}", cents_text(cap))?;
        }
        Ok(())
    }
}

impl FromStr for Incentive {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        read(text).ok_or_else(|| format!("this is no incentive plan: {text:?}"))
    }
}

fn read(text: &str) -> Option<Incentive> {
    let mut parts = text.split("; ");
    let (top, rates) = parts.next()?.strip_prefix("top ")?.split_once(": ")?;
    let top = top.parse().ok().filter(|top| *top > 0)?;
    let mut plan = Incentive { rates: read_percents(rates)?, top, ..Incentive::default() };
    plan.ties = match parts.next()?.strip_prefix("ties ")? {
        "all" => Ties::All,
        "split" => Ties::Split,
        _ => return None,
    };
    for part in parts {
        match part.split_once(' ')? {
            ("whole", tier) => plan.tiers.push(read_tier(tier)?),
            ("marginal", tier) => {
                plan.tier_rates = TierRates::Marginal;
                plan.tiers.push(read_tier(tier)?);
            }
            ("minimum", amount) => plan.minimum_cents = read_cents(amount)?,
            ("overrides", shares) => plan.overrides = read_percents(shares)?,
            ("cap", amount) => plan.cap_cents = Some(read_cents(amount)?),
            _ => return None,
        }
    }
    Some(plan)
}

fn read_tier(text: &str) -> Option<Tier> {
    let (from, rates) = text.strip_prefix("from ")?.split_once(": ")?;
    Some(Tier { from_cents: read_cents(from)?, rates: read_percents(rates)? })
}

fn read_cents(text: &str) -> Option<i128> {
    parse_decimal(text.as_bytes(), b'.', 16, 2).ok().filter(|cents| *cents >= 0)
}

fn read_percents(text: &str) -> Option<Vec<i64>> {
    let percent = |text: &str| {
        let millionths = parse_decimal(text.strip_suffix(" %")?.as_bytes(), b'.', 12, 4).ok()?;
        i64::try_from(millionths).ok().filter(|share| (0..=1_000_000).contains(share))
    };
    text.split(", ").map(percent).collect()
}
