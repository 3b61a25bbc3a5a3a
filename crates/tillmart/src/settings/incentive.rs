//! The incentive plan: lists of rates, tiers by total, and what its keys say together.

use tillmart_model::incentive::{Incentive, Tier};
use tillmart_model::money::parse_decimal;
use tillmart_model::{Fault, Result};

use super::keys;
use super::layers::Layers;
use super::values::{self, Complaint, Raw, Read};

/// Most levels of managers that are paid.
const LEVELS_MOST: usize = 10;

/// Most ranks and tiers that can be told one by one.
const LISTED_MOST: usize = 100;

fn shares(raw: &Raw, most: usize, complaint: impl Fn() -> Complaint) -> Read<Vec<i64>> {
    let items = raw.items().filter(|items| items.len() <= most).ok_or_else(&complaint)?;
    items.iter().map(|item| values::share_of(item).map(i64::from).map_err(|_| complaint())).collect()
}

/// Rates by rank, in millionths.
pub(super) fn rates(raw: &Raw) -> Read<Vec<i64>> {
    shares(raw, LISTED_MOST, || {
        Complaint::new(format!(
            "a list of at most {LISTED_MOST} shares such as [\"1 %\", \"0.5 %\"], the best rank first"
        ))
    })
}

/// Shares of managers, in millionths.
pub(super) fn overrides(raw: &Raw) -> Read<Vec<i64>> {
    shares(raw, LEVELS_MOST, || {
        Complaint::new(format!(
            "a list of at most {LEVELS_MOST} shares such as [\"10 %\", \"5 %\"], the direct manager's first"
        ))
    })
}

/// Money in cents, or nothing.
pub(super) fn optional_cents(raw: &Raw) -> Read<Option<i64>> {
    if raw.text().is_some_and(|text| text.trim().is_empty()) {
        return Ok(None);
    }
    match values::cents(raw) {
        Ok(cents) if cents > 0 => Ok(Some(cents)),
        _ => Err(Complaint::new(
            "an amount above zero of at most two fraction digits such as \"500.00\", or \"\" for none",
        )),
    }
}

/// Tiers, each as `"AMOUNT: SHARE"`, or with a share for each rank: `"AMOUNT: SHARE / SHARE"`.
pub(super) fn tiers(raw: &Raw) -> Read<Vec<Tier>> {
    let complaint = || {
        Complaint::new(format!(
            "a list of at most {LISTED_MOST} tiers such as [\"10000: 1.5 %\", \"20000: 2 %\"], ascending, each an amount above \
             zero and a share, or shares by rank such as \"10000: 1.5 % / 1 %\""
        ))
    };
    let items = raw.items().filter(|items| items.len() <= LISTED_MOST).ok_or_else(complaint)?;
    let tiers: Vec<Tier> =
        items.iter().map(|item| item.text().and_then(tier).ok_or_else(complaint)).collect::<Read<_>>()?;
    match tiers.is_sorted_by(|one, next| one.from_cents < next.from_cents) {
        true => Ok(tiers),
        false => Err(complaint()),
    }
}

fn tier(text: &str) -> Option<Tier> {
    let (from, rates) = text.split_once(':')?;
    let from = parse_decimal(from.trim().replace('_', "").as_bytes(), b'.', 16, 2).ok().filter(|cents| *cents > 0)?;
    let rates = rates.split('/').map(|rate| values::share(rate).ok().map(i64::from)).collect::<Option<Vec<_>>>()?;
    Some(Tier { from_cents: from, rates })
}

/// The plan, its keys held against each other.
pub(super) fn plan(layers: &mut Layers) -> Result<Incentive, Fault> {
    let rates = layers.get(&keys::INCENTIVE_RATES)?;
    let mut plan = Incentive {
        rates: vec![i64::from(layers.get(&keys::INCENTIVE_RATE)?)],
        top: layers.get(&keys::INCENTIVE_TOP)?,
        ties: layers.get(&keys::INCENTIVE_TIES)?,
        tiers: layers.get(&keys::INCENTIVE_TIERS)?,
        tier_rates: layers.get(&keys::INCENTIVE_TIER_RATES)?,
        minimum_cents: i128::from(layers.get(&keys::INCENTIVE_MINIMUM)?),
        overrides: layers.get(&keys::INCENTIVE_OVERRIDES)?,
        cap_cents: layers.get(&keys::INCENTIVE_CAP)?.map(i128::from),
    };
    let [of_rates, of_rate, of_top, of_tiers] = [
        &keys::INCENTIVE_RATES.spec,
        &keys::INCENTIVE_RATE.spec,
        &keys::INCENTIVE_TOP.spec,
        &keys::INCENTIVE_TIERS.spec,
    ]
    .map(|spec| spec.path);
    if !rates.is_empty() {
        let listed = u32::try_from(rates.len()).unwrap_or(u32::MAX);
        if layers.states(of_rate) {
            layers.refuse(
                of_rates,
                Complaint::new(format!("either {of_rates} or {of_rate}: each rank has its own, or all one")),
            );
        }
        if layers.states(of_top) && layers.sound(&[of_top]) && plan.top != listed {
            layers.refuse(
                of_rates,
                Complaint::new(format!("a rate for each of the {} ranks that {of_top} says, or no {of_top}", plan.top)),
            );
        }
        (plan.rates, plan.top) = (rates, listed);
    }
    let fits = |tier: &Tier| tier.rates.len() == 1 || tier.rates.len() == plan.top as usize;
    if layers.sound(&[of_tiers, of_top, of_rates]) && !plan.tiers.iter().all(fits) {
        let expected = format!("tiers of one share, or of a share for each of the {} paid ranks", plan.top);
        layers.refuse(of_tiers, Complaint::new(expected));
    }
    Ok(plan)
}
