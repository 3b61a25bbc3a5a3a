//! What a plan pays for one store and month.

use super::{Incentive, TierRates, Ties, rate_of};
use crate::money::{divide_half_away, power_of_ten};
use std::collections::BTreeMap;

/// Why a line of a payment is as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The seller has one of the paid ranks.
    Paid,
    /// The seller's rank is behind the paid ones.
    Rank,
    /// The seller's total is below the plan's minimum.
    Minimum,
    /// The seller's total is zero or less.
    NoTotal,
    /// A manager's share of what a seller is paid.
    Override,
}

impl Why {
    /// All of them.
    pub const ALL: [Why; 5] = [Why::Paid, Why::Rank, Why::Minimum, Why::NoTotal, Why::Override];

    /// The word in tables.
    pub const fn word(self) -> &'static str {
        match self {
            Why::Paid => "paid",
            Why::Rank => "rank",
            Why::Minimum => "minimum",
            Why::NoTotal => "no_total",
            Why::Override => "override",
        }
    }

    /// The reason of this word.
    pub fn from_word(word: &str) -> Option<Why> {
        Why::ALL.into_iter().find(|why| why.word() == word)
    }
}

/// One line of what a person is paid for one store and month. Amounts are in cents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Who is paid.
    pub person: i64,
    /// For whose sales: the person, or somebody below.
    pub seller: i64,
    /// 0 for the seller, 1 for the seller's manager, 2 for the manager's manager, and so on.
    pub level: u32,
    /// Why the line is as it is.
    pub why: Why,
    /// The seller's rank by total, 1-based; 0 for one whose total is zero or less, who is not ranked.
    pub place: u32,
    /// How many sellers are ranked in the store.
    pub ranked: u32,
    /// How many have the seller's rank, the seller among them.
    pub sharers: u32,
    /// What the rate is applied to: the seller's total, or on a manager's line what the seller is paid.
    pub basis: i128,
    /// The rate in millionths; `None` where parts of the total have different ones, and where nobody is paid.
    pub rate: Option<i64>,
    /// Basis times rate, rounded half-up to the cent.
    pub payment: i128,
    /// What of it is left to the person after a split with those of the same rank.
    pub share: i128,
    /// What of that is paid after the cap.
    pub paid: i128,
}

/// A part of a total, and the rate that is paid on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// In cents.
    pub cents: i128,
    /// In millionths.
    pub rate: i64,
}

impl Incentive {
    /// The parts of a total above zero with their rates: one, unless tiers are marginal.
    pub fn parts(&self, place: u32, total: i128) -> Vec<Part> {
        let reached = self.tiers.iter().filter(|tier| tier.from_cents <= total);
        let steps: Vec<(i128, i64)> = std::iter::once((0, rate_of(&self.rates, place)))
            .chain(reached.map(|tier| (tier.from_cents, rate_of(&tier.rates, place))))
            .collect();
        match self.tier_rates {
            TierRates::Whole => steps.last().map(|(_, rate)| Part { cents: total, rate: *rate }).into_iter().collect(),
            TierRates::Marginal => {
                let ends = steps.iter().skip(1).map(|(from, _)| *from).chain([total]);
                let parts = steps.iter().zip(ends).map(|((from, rate), end)| Part { cents: end - from, rate: *rate });
                parts.filter(|part| part.cents > 0).collect()
            }
        }
    }

    fn why(&self, place: u32, total: i128) -> Why {
        match () {
            () if total <= 0 => Why::NoTotal,
            () if place > self.top => Why::Rank,
            () if total < self.minimum_cents => Why::Minimum,
            () => Why::Paid,
        }
    }

    fn capped(&self, share: i128, had: i128) -> i128 {
        self.cap_cents.map_or(share, |cap| share.min(cap - had))
    }
}

/// The one place where a payment is rounded: half a cent is paid as a cent.
fn rounded(parts: &[Part]) -> i128 {
    divide_half_away(parts.iter().map(|part| part.cents * i128::from(part.rate)).sum(), power_of_ten(6))
}

/// What is paid for the totals (in cents, by sales person) of one store and month: a line for each seller, the best first, then
/// those of managers, level by level.
///
/// `above` names those who are above a seller, the direct manager first. In this order: rank, rate, rounding, split, cap, then the
/// overrides, which are shares of what the seller is paid after the cap. A person's own payment uses up their cap first, then overrides by
/// level and rank of the seller; what a cap takes off goes to nobody else.
pub fn pay(plan: &Incentive, totals: &BTreeMap<i64, i128>, above: &dyn Fn(i64) -> Vec<i64>) -> Vec<Payment> {
    let mut order: Vec<(i64, i128)> = totals.iter().map(|(person, total)| (*person, *total)).collect();
    order.sort_by_key(|(person, total)| (-total, *person));
    let ranked = order.iter().filter(|(_, total)| *total > 0).count() as u32;
    let mut lines: Vec<Payment> = Vec::with_capacity(order.len());
    for same in order.chunk_by(|one, other| one.1 == other.1) {
        let (place, sharers) = (lines.len() as u32 + 1, same.len() as u32);
        for (nth, seller) in (0..).zip(same) {
            let mut line = own(plan, *seller, place, sharers);
            line.ranked = ranked;
            line.share = match plan.ties {
                Ties::All => line.payment,
                Ties::Split => share(line.payment, sharers, nth),
            };
            line.paid = plan.capped(line.share, 0);
            lines.push(line);
        }
    }
    let mut had: BTreeMap<i64, i128> = lines.iter().map(|line| (line.person, line.paid)).collect();
    let overrides = overrides(plan, &lines, above, &mut had);
    lines.extend(overrides);
    lines
}

/// The `nth` (from 0) of equal shares of a payment; odd cents go to the first ones, so that all shares together are the payment.
fn share(payment: i128, sharers: u32, nth: u32) -> i128 {
    payment / i128::from(sharers) + i128::from(i128::from(nth) < payment % i128::from(sharers))
}

fn own(plan: &Incentive, (person, total): (i64, i128), place: u32, sharers: u32) -> Payment {
    let why = plan.why(place, total);
    let parts = if why == Why::Paid { plan.parts(place, total) } else { Vec::new() };
    Payment {
        person,
        seller: person,
        level: 0,
        why,
        place: if why == Why::NoTotal { 0 } else { place },
        ranked: 0,
        sharers: if why == Why::NoTotal { 0 } else { sharers },
        basis: total,
        rate: parts.first().map(|part| part.rate).filter(|_| parts.len() == 1),
        payment: rounded(&parts),
        share: 0,
        paid: 0,
    }
}

fn overrides(
    plan: &Incentive,
    sellers: &[Payment],
    above: &dyn Fn(i64) -> Vec<i64>,
    had: &mut BTreeMap<i64, i128>,
) -> Vec<Payment> {
    let mut lines = Vec::new();
    let chains: Vec<Vec<i64>> =
        sellers.iter().map(|line| if line.paid > 0 { above(line.person) } else { Vec::new() }).collect();
    for (level, rate) in (1_u32..).zip(&plan.overrides) {
        for (seller, chain) in sellers.iter().zip(&chains) {
            let Some(manager) = chain.get(level as usize - 1) else { continue };
            let payment = rounded(&[Part { cents: seller.paid, rate: *rate }]);
            if payment == 0 {
                continue;
            }
            let before = had.entry(*manager).or_default();
            let paid = plan.capped(payment, *before);
            *before += paid;
            lines.push(Payment {
                person: *manager,
                level,
                why: Why::Override,
                basis: seller.paid,
                rate: Some(*rate),
                payment,
                share: payment,
                paid,
                ..seller.clone()
            });
        }
    }
    lines
}
