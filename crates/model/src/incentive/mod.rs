//! The incentive plan of a chain, and what it pays: pure, so that the publication, `verify` and the report that explains a payment
//! share one computation.
//!
//! [`pay`] takes the totals of one store and month, the plan and who manages whom, and returns one [`Payment`] for each seller and
//! one for each manager's share of it. Every intermediate figure is kept, in cents, so that a person can follow it by hand.

mod managers;
mod pay;
#[cfg(test)]
mod tests;
mod text;

pub use managers::Managers;
pub use pay::{Part, Payment, Why, pay};
pub use text::percent;

/// Who is paid when several sales persons share a rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ties {
    /// Each is paid in full.
    All,
    /// They share one payment, to the cent.
    Split,
}

/// What of a total the rates of a tier apply to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TierRates {
    /// The rate of the highest tier reached, on the whole total.
    Whole,
    /// Each part of the total at the rate of the tier that it lies in, as with taxes.
    Marginal,
}

/// From a total on, other rates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// The total at which it begins, in cents, above zero.
    pub from_cents: i128,
    /// Rates by rank in millionths, the best first; the last one counts for every further rank. Never empty.
    pub rates: Vec<i64>,
}

/// How the best sellers of a store and month are paid, and those who manage them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incentive {
    /// Rates by rank, as shares of the seller's own total in millionths (1 % is 10,000); the last one counts for every further
    /// rank. Never empty.
    pub rates: Vec<i64>,
    /// How many ranks are paid, from the best; at least 1.
    pub top: u32,
    /// Who is paid at a tie.
    pub ties: Ties,
    /// Tiers by total, ascending.
    pub tiers: Vec<Tier>,
    /// What of the total a tier's rate applies to.
    pub tier_rates: TierRates,
    /// Sellers with a smaller total are not paid; in cents.
    pub minimum_cents: i128,
    /// Shares, in millionths, of what a seller is paid that the seller's manager gets on top, the manager's manager, and so on.
    pub overrides: Vec<i64>,
    /// Most that one person gets for one store and month, in cents.
    pub cap_cents: Option<i128>,
}

impl Default for Incentive {
    fn default() -> Self {
        Incentive::flat(10_000, 1, Ties::All)
    }
}

impl Incentive {
    /// One rate, in millionths, for each of the `top` best.
    pub fn flat(rate_millionths: i64, top: u32, ties: Ties) -> Incentive {
        Incentive {
            rates: vec![rate_millionths],
            top,
            ties,
            tiers: Vec::new(),
            tier_rates: TierRates::Whole,
            minimum_cents: 0,
            overrides: Vec::new(),
            cap_cents: None,
        }
    }
}

/// The rate of a rank, 1-based, out of rates by rank.
fn rate_of(rates: &[i64], place: u32) -> i64 {
    let at = (place.max(1) as usize - 1).min(rates.len().saturating_sub(1));
    rates.get(at).copied().unwrap_or(0)
}
