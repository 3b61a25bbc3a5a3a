//! One person's payment in one store, step by step.

use crate::document::Value;
use tillmart_model::Incentive;
use tillmart_model::incentive::{Part, Payment, TierRates, Why, percent};
use tillmart_model::money::{Decimal, cents_text};

/// One step: what is done, how, and what comes of it.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) how: String,
    pub(super) amount: Value,
    /// What is paid, at the last step of each payment.
    pub(super) paid: Value,
}

impl Step {
    fn new(name: &'static str, how: impl Into<String>, cents: i128) -> Step {
        Step { name, how: how.into(), amount: Value::Money(cents), paid: Value::Missing }
    }

    fn told(name: &'static str, how: impl Into<String>) -> Step {
        Step { name, how: how.into(), amount: Value::Missing, paid: Value::Missing }
    }
}

/// The steps of a person's payment, out of all lines of a store and month. `called` tells a person's name.
pub(super) fn steps(lines: &[&Payment], person: i64, plan: &str, called: &dyn Fn(i64) -> String) -> Vec<Step> {
    let plan: Option<Incentive> = plan.parse().ok();
    let mut steps = Vec::new();
    let mut had = 0;
    for line in lines.iter().filter(|line| line.person == person && line.level == 0) {
        own(&mut steps, lines, line, plan.as_ref(), called);
        is_paid(&mut steps, line);
        had += line.paid;
    }
    let mut overrides: Vec<&&Payment> = lines.iter().filter(|line| line.person == person && line.level > 0).collect();
    overrides.sort_by_key(|line| (line.level, line.place, line.seller));
    for line in overrides {
        steps.push(override_step(line, called));
        if line.paid != line.share {
            steps.push(cap_step(plan.as_ref(), line, had));
        }
        is_paid(&mut steps, line);
        had += line.paid;
    }
    steps
}

fn is_paid(steps: &mut [Step], line: &Payment) {
    if let Some(last) = steps.last_mut() {
        last.paid = Value::Money(line.paid);
    }
}

fn own(
    steps: &mut Vec<Step>,
    lines: &[&Payment],
    line: &Payment,
    plan: Option<&Incentive>,
    called: &dyn Fn(i64) -> String,
) {
    steps.push(Step::new("Total", "own sales in this store and month, returns taken off", line.basis));
    if line.place > 0 {
        steps.push(Step::told("Rank", rank(lines, line, called)));
    }
    let (top, minimum) = plan.map_or((0, 0), |plan| (plan.top, plan.minimum_cents));
    let not_paid = match line.why {
        Why::NoTotal => Some("nobody is paid on a total of zero or less".to_owned()),
        Why::Rank if top == 1 => Some("only rank 1 is paid".to_owned()),
        Why::Rank => Some(format!("only ranks 1 to {top} are paid")),
        Why::Minimum => Some(format!("nobody is paid on a total below {}", money(minimum))),
        Why::Paid | Why::Override => None,
    };
    if let Some(why) = not_paid {
        steps.push(Step::new("Not paid", why, 0));
        return;
    }
    let parts = plan.map(|plan| plan.parts(line.place, line.basis)).unwrap_or_default();
    if let Some(plan) = plan.filter(|plan| !plan.tiers.is_empty()) {
        steps.push(Step::told("Tier", tier(plan, line.basis)));
    }
    for part in parts.iter().filter(|_| parts.len() > 1) {
        steps.push(Step::told("Part", format!("{} × {} = {}", money(part.cents), percent(part.rate), product(part))));
    }
    steps.push(Step::new("Payment", payment(line, &parts), line.payment));
    if line.share != line.payment {
        let how = format!("shared by the {} of this rank, odd cents to the lowest ids", line.sharers);
        steps.push(Step::new("Split", how, line.share));
    }
    if line.paid != line.share {
        steps.push(cap_step(plan, line, 0));
    }
}

fn rank(lines: &[&Payment], line: &Payment, called: &dyn Fn(i64) -> String) -> String {
    let mut how = format!("{} of {} sellers with a total above zero", line.place, line.ranked);
    let same = |other: &&&Payment| other.level == 0 && other.place == line.place && other.person != line.person;
    let mut sharers: Vec<i64> = lines.iter().filter(same).map(|other| other.person).collect();
    sharers.sort_unstable();
    if !sharers.is_empty() {
        let names: Vec<String> = sharers.into_iter().map(called).collect();
        how.push_str(&format!(", the same as {}", names.join(", ")));
    }
    how
}

fn tier(plan: &Incentive, total: i128) -> String {
    let reached = plan.tiers.iter().rev().find(|tier| tier.from_cents <= total);
    match (reached, plan.tier_rates) {
        (None, _) => match plan.tiers.first() {
            Some(first) => format!("below the first tier, which begins at {}", money(first.from_cents)),
            None => "there are none".to_owned(),
        },
        (Some(tier), TierRates::Whole) => format!("from {} on, its rate on the whole total", money(tier.from_cents)),
        (Some(tier), TierRates::Marginal) => {
            format!("from {} on, each part of the total at the rate of its tier", money(tier.from_cents))
        }
    }
}

fn payment(line: &Payment, parts: &[Part]) -> String {
    const ROUNDED: &str = "rounded half-up to the cent";
    match (parts, line.rate) {
        ([part], _) => format!("{} × {} = {}, {ROUNDED}", money(part.cents), percent(part.rate), product(part)),
        ([], Some(rate)) => format!("{} × {}, {ROUNDED}", money(line.basis), percent(rate)),
        _ => format!("all parts together, {ROUNDED}"),
    }
}

fn override_step(line: &Payment, called: &dyn Fn(i64) -> String) -> Step {
    let above = match line.level {
        1 => "whose manager this is".to_owned(),
        level => format!("{level} levels below"),
    };
    let part = Part { cents: line.basis, rate: line.rate.unwrap_or(0) };
    let how = format!(
        "{} of what {} is paid, {above}: {} × {} = {}, rounded half-up to the cent",
        percent(part.rate),
        called(line.seller),
        money(part.cents),
        percent(part.rate),
        product(&part),
    );
    Step::new("Override", how, line.share)
}

fn cap_step(plan: Option<&Incentive>, line: &Payment, had: i128) -> Step {
    let cap = plan.and_then(|plan| plan.cap_cents).map_or_else(|| "the cap".to_owned(), money);
    let how = match had {
        0 => format!("at most {cap} for a person, store and month"),
        had => format!("at most {cap} for a person, store and month, {} of which are used up", money(had)),
    };
    Step::new("Cap", how, line.paid)
}

/// Money for people: `1,234.50`.
pub(super) fn money(cents: i128) -> String {
    let text = cents_text(cents);
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "00"));
    let mut grouped = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped}.{fraction}")
}

/// Cents times a rate, every digit of it: `40.0005`.
pub(super) fn product(part: &Part) -> String {
    let exact = Decimal { unscaled: part.cents * i128::from(part.rate), scale: 8 }.to_string();
    let (whole, fraction) = exact.split_once('.').unwrap_or((exact.as_str(), ""));
    let digits = fraction.trim_end_matches('0');
    format!("{whole}.{digits:0<2}")
}
