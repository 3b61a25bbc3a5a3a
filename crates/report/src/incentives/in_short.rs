//! How what a person is paid in one store came about, in one line.

use super::steps::{money, product};
use std::collections::BTreeMap;
use tillmart_model::Incentive;
use tillmart_model::incentive::{Part, Payment, TierRates, Ties, Why, percent};

/// One line for a person, out of all published lines of a store and month: the same figures as step by step, which has room for
/// the reasons. `called` tells a person's name.
pub(crate) fn in_short(
    lines: &[&Payment],
    person: i64,
    plan: Option<&Incentive>,
    called: &dyn Fn(i64) -> String,
) -> String {
    let of_person = || lines.iter().filter(|line| line.person == person);
    let mut told: Vec<String> = of_person().filter(|line| line.level == 0).map(|line| own(line, plan)).collect();
    let mut levels: BTreeMap<u32, Vec<&Payment>> = BTreeMap::new();
    for line in of_person().filter(|line| line.level > 0) {
        levels.entry(line.level).or_default().push(line);
    }
    told.extend(levels.iter().map(|(level, lines)| overrides(*level, lines, plan, called)));
    told.join("; ")
}

/// What a seller is paid for their own sales, or why nothing.
fn own(line: &Payment, plan: Option<&Incentive>) -> String {
    let (top, minimum) = plan.map_or((0, 0), |plan| (plan.top, plan.minimum_cents));
    let rank = || match line.sharers {
        0 | 1 => format!("rank {} of {}", line.place, line.ranked),
        sharers => format!("rank {} of {}, shared by {sharers}", line.place, line.ranked),
    };
    match line.why {
        Why::NoTotal => return "nothing on a total of zero or less".to_owned(),
        Why::Rank if top == 1 => return format!("{}: only rank 1 is paid", rank()),
        Why::Rank => return format!("{}: ranks 1 to {top} are paid", rank()),
        Why::Minimum => return format!("{}: below the minimum of {}", rank(), money(minimum)),
        Why::Paid | Why::Override => {}
    }
    let parts = plan.map(|plan| plan.parts(line.place, line.basis)).unwrap_or_default();
    let mut told = format!("{}: {}", rank(), worked_out(line, &parts));
    if let Some(plan) = plan.filter(|plan| !plan.tiers.is_empty()) {
        told.push_str(&format!(" ({})", tier(plan, line.basis)));
    }
    match plan.map(|plan| plan.ties) {
        Some(Ties::Split) if line.sharers > 1 => {
            told.push_str(&format!(", split by {}: {}", line.sharers, money(line.share)));
        }
        Some(Ties::All) if line.sharers > 1 => told.push_str(", each in full"),
        _ => {}
    }
    if line.paid != line.share {
        told.push_str(&format!(", cap: {}", money(line.paid)));
    }
    told
}

/// `8,000.10 × 0.5 % = 40.0005, rounded 40.00`.
fn worked_out(line: &Payment, parts: &[Part]) -> String {
    let exact = Part { cents: parts.iter().map(|part| part.cents * i128::from(part.rate)).sum(), rate: 1 };
    let factors: Vec<String> =
        parts.iter().map(|part| format!("{} × {}", money(part.cents), percent(part.rate))).collect();
    let factors = match (factors.is_empty(), line.rate) {
        (false, _) => factors.join(" + "),
        (true, Some(rate)) => return format!("{} × {} = {}", money(line.basis), percent(rate), money(line.payment)),
        (true, None) => return money(line.payment),
    };
    if exact.cents == line.payment * 1_000_000 {
        return format!("{factors} = {}", money(line.payment));
    }
    format!("{factors} = {}, rounded {}", product(&exact), money(line.payment))
}

fn tier(plan: &Incentive, total: i128) -> String {
    match plan.tiers.iter().rev().find(|tier| tier.from_cents <= total) {
        None => "below the first tier".to_owned(),
        Some(_) if plan.tier_rates == TierRates::Marginal => "each part at the rate of its tier".to_owned(),
        Some(tier) => format!("tier from {}", money(tier.from_cents)),
    }
}

/// What somebody is paid for what those below them are paid.
fn overrides(level: u32, lines: &[&Payment], plan: Option<&Incentive>, called: &dyn Fn(i64) -> String) -> String {
    let sum = |of: fn(&Payment) -> i128| lines.iter().map(|line| of(line)).sum::<i128>();
    let (basis, share, paid) = (sum(|line| line.basis), sum(|line| line.share), sum(|line| line.paid));
    let below = match lines {
        [line] => called(line.seller),
        lines => format!("{} sellers", lines.len()),
    };
    let above = match level {
        1 => format!("manager of {below}"),
        level => format!("{level} levels above {below}"),
    };
    let rate = lines.first().and_then(|line| line.rate).unwrap_or(0);
    let rounded = if lines.len() > 1 { ", rounded for each" } else { "" };
    let mut told = format!("{above}: {} × {} = {}{rounded}", money(basis), percent(rate), money(share));
    if paid != share {
        let cap = plan.and_then(|plan| plan.cap_cents).map_or_else(|| "the cap".to_owned(), money);
        told.push_str(&format!(", {} of it below the cap of {cap}", money(paid)));
    }
    told
}

#[cfg(test)]
mod tests {
    #![allow(clippy::inconsistent_digit_grouping, reason = "amounts of money in cents: 50_50 is 50.50")]

    use super::*;
    use tillmart_model::incentive::pay;

    /// 5 manages the sellers 1 to 3, 6 manages 5.
    fn told(plan: &str, totals: &[(i64, i128)], person: i64) -> String {
        let plan: Incentive = plan.parse().expect("a plan");
        let above = |seller: i64| if seller == 5 { vec![6] } else { vec![5, 6] };
        let lines = pay(&plan, &totals.iter().copied().collect(), &above);
        in_short(&lines.iter().collect::<Vec<_>>(), person, Some(&plan), &|person| format!("P ({person})"))
    }

    /// The worked example of docs/incentives.md.
    const EXAMPLE: &str = "top 2: 1 %, 0.5 %; ties split; whole from 10000.00: 1.5 %, 1 %; minimum 500.00; overrides 10 %, 5 %; \
                           cap 400.00";
    const TOTALS: [(i64, i128); 3] = [(1, 30_000_00), (2, 8_000_10), (3, 8_000_10)];

    #[test]
    fn every_part_of_a_plan_that_applied_is_told() {
        for (plan, totals, person, line) in [
            ("top 1: 1 %; ties all", &[(1, 300_00), (2, 200_00)][..], 1, "rank 1 of 2: 300.00 × 1 % = 3.00"),
            ("top 1: 1 %; ties all", &[(1, 300_00), (2, 200_00)], 2, "rank 2 of 2: only rank 1 is paid"),
            ("top 1: 1 %; ties all", &[(1, 0)], 1, "nothing on a total of zero or less"),
            ("top 1: 1 %; ties all", &[(1, 50_50)], 1, "rank 1 of 1: 50.50 × 1 % = 0.505, rounded 0.51"),
            (
                "top 2: 1 %, 0.5 %; ties all",
                &[(1, 300_00), (2, 300_00), (3, 1_00)],
                2,
                "rank 1 of 3, shared by 2: 300.00 × 1 % = 3.00, each in full",
            ),
            (
                "top 2: 1 %, 0.5 %; ties all",
                &[(1, 300_00), (2, 300_00), (3, 1_00)],
                3,
                "rank 3 of 3: ranks 1 to 2 are paid",
            ),
            (
                "top 2: 1 %; ties all; minimum 500.00",
                &[(1, 500_00), (2, 499_99)],
                2,
                "rank 2 of 2: below the minimum of 500.00",
            ),
            (
                "top 1: 1 %; ties all; marginal from 1000.00: 2 %",
                &[(1, 1_500_00)],
                1,
                "rank 1 of 1: 1,000.00 × 1 % + 500.00 × 2 % = 20.00 (each part at the rate of its tier)",
            ),
            (EXAMPLE, &TOTALS, 1, "rank 1 of 3: 30,000.00 × 1.5 % = 450.00 (tier from 10,000.00), cap: 400.00"),
            (
                EXAMPLE,
                &TOTALS,
                3,
                "rank 2 of 3, shared by 2: 8,000.10 × 0.5 % = 40.0005, rounded 40.00 (below the first tier), split by 2: 20.00",
            ),
            (EXAMPLE, &TOTALS, 5, "manager of 3 sellers: 440.00 × 10 % = 44.00, rounded for each"),
            (EXAMPLE, &TOTALS, 6, "2 levels above 3 sellers: 440.00 × 5 % = 22.00, rounded for each"),
            (
                // 5: own 2,000.00 × 1 % = 20.00; half of the 15.00 of 1, of which the cap leaves 5.00.
                "top 2: 1 %; ties all; overrides 50 %; cap 25.00",
                &[(5, 2_000_00), (1, 1_500_00)],
                5,
                "rank 1 of 2: 2,000.00 × 1 % = 20.00; manager of P (1): 15.00 × 50 % = 7.50, 5.00 of it below the cap of 25.00",
            ),
            ("top 1: 1 %; ties all", &TOTALS, 9, ""),
        ] {
            assert_eq!(told(plan, totals, person), line);
        }
    }

    #[test]
    fn a_plan_that_cannot_be_read_leaves_what_the_line_says() {
        let plan: Incentive = "top 1: 1 %; ties all".parse().expect("a plan");
        let lines = pay(&plan, &[(1, 300_00)].into(), &|_| Vec::new());
        let told = in_short(&lines.iter().collect::<Vec<_>>(), 1, None, &|person| person.to_string());
        assert_eq!(told, "rank 1 of 1: 300.00 × 1 % = 3.00");
    }
}
