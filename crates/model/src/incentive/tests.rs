//! Each option of a plan with numbers worked out by hand, and what must hold for any.

#![allow(clippy::inconsistent_digit_grouping, reason = "amounts of money in cents: 50_50 is 50.50")]

use super::*;
use std::collections::BTreeMap;

/// Sellers 1 to 4 and their managers: 10 above all of them, then 20, then 30, who has none.
fn team() -> Managers {
    let sellers = (1..=4).map(|seller| (seller, Some(10)));
    Managers::new(sellers.chain([(10, Some(20)), (20, Some(30)), (30, None)])).expect("no cycle")
}

fn paid(plan: &Incentive, totals: &[(i64, i128)]) -> Vec<Payment> {
    let team = team();
    pay(plan, &totals.iter().copied().collect(), &|person| team.above(person, plan.overrides.len()))
}

/// What each person is paid in all, in cents.
fn sums(lines: &[Payment]) -> Vec<(i64, i128)> {
    let mut sums: BTreeMap<i64, i128> = BTreeMap::new();
    for line in lines {
        *sums.entry(line.person).or_default() += line.paid;
    }
    sums.into_iter().collect()
}

struct Case {
    about: &'static str,
    plan: &'static str,
    /// Seller and total in cents.
    totals: &'static [(i64, i128)],
    /// Person and payment in cents.
    paid: &'static [(i64, i128)],
}

const CASES: [Case; 23] = [
    Case {
        // 50.50 × 1 % = 0.505, and half a cent is paid as a cent.
        about: "1 % of the best total, rounded half-up",
        plan: "top 1: 1 %; ties all",
        totals: &[(1, 50_50), (2, 50_49)],
        paid: &[(1, 51), (2, 0)],
    },
    Case {
        // 50.49 × 1 % = 0.5049
        about: "just below half a cent is rounded down",
        plan: "top 1: 1 %; ties all",
        totals: &[(1, 50_49)],
        paid: &[(1, 50)],
    },
    Case {
        // 300.00 × 1 % = 3.00; 200.00 × 0.5 % = 1.00; the third rank is not paid.
        about: "each rank has its rate",
        plan: "top 2: 1 %, 0.5 %; ties all",
        totals: &[(1, 300_00), (2, 200_00), (3, 100_00)],
        paid: &[(1, 3_00), (2, 1_00), (3, 0)],
    },
    Case {
        // 300.00 × 1 % = 3.00; 200.00 × 1 % = 2.00; 100.00 × 1 % = 1.00
        about: "one rate counts for every rank",
        plan: "top 3: 1 %; ties all",
        totals: &[(1, 300_00), (2, 200_00), (3, 100_00), (4, 50_00)],
        paid: &[(1, 3_00), (2, 2_00), (3, 1_00), (4, 0)],
    },
    Case {
        // Both have rank 1, at 1 %: 3.00 each. The next one has rank 3, which is not paid.
        about: "two of rank 1 take the rate of rank 1, and use up rank 2",
        plan: "top 2: 1 %, 0.5 %; ties all",
        totals: &[(1, 300_00), (2, 300_00), (3, 100_00)],
        paid: &[(1, 3_00), (2, 3_00), (3, 0)],
    },
    Case {
        // One payment of 3.00 for rank 1, 1.50 each.
        about: "two of rank 1 share one payment",
        plan: "top 2: 1 %, 0.5 %; ties split",
        totals: &[(1, 300_00), (2, 300_00), (3, 100_00)],
        paid: &[(1, 1_50), (2, 1_50), (3, 0)],
    },
    Case {
        // 101.00 × 1 % = 1.01 = 3 × 0.33 + 0.02: the odd cents go to the two lowest ids.
        about: "three share 1.01 to the cent",
        plan: "top 1: 1 %; ties split",
        totals: &[(4, 101_00), (2, 101_00), (1, 101_00), (3, 1_00)],
        paid: &[(1, 34), (2, 34), (3, 0), (4, 33)],
    },
    Case {
        // 999.99 × 1 % = 9.9999, below the tier; 1,000.00 × 2 % = 20.00, on it.
        about: "a tier begins at its amount",
        plan: "top 2: 1 %; ties all; whole from 1000.00: 2 %",
        totals: &[(1, 1_000_00), (2, 999_99)],
        paid: &[(1, 20_00), (2, 10_00)],
    },
    Case {
        // 2,500.00 × 3 % = 75.00: the highest tier reached, on the whole.
        about: "whole: the highest tier counts for all of the total",
        plan: "top 1: 1 %; ties all; whole from 1000.00: 2 %; whole from 2000.00: 3 %",
        totals: &[(1, 2_500_00)],
        paid: &[(1, 75_00)],
    },
    Case {
        // 1,000.00 × 1 % + 1,000.00 × 2 % + 500.00 × 3 % = 10.00 + 20.00 + 15.00
        about: "marginal: each part at the rate of its tier",
        plan: "top 1: 1 %; ties all; marginal from 1000.00: 2 %; marginal from 2000.00: 3 %",
        totals: &[(1, 2_500_00)],
        paid: &[(1, 45_00)],
    },
    Case {
        // 0.25 × 1 % + 0.13 × 2 % = 0.0025 + 0.0026 = 0.0051: rounded once it is a cent, part by part it would be nothing.
        about: "marginal parts are added before they are rounded",
        plan: "top 1: 1 %; ties all; marginal from 0.25: 2 %",
        totals: &[(1, 38)],
        paid: &[(1, 1)],
    },
    Case {
        // 3,000.00 × 2 % = 60.00; 2,000.00 × 1.5 % = 30.00; 500.00 is below the tier and has rank 3: × 0.25 % = 1.25
        about: "a tier may have rates by rank",
        plan: "top 3: 1 %, 0.5 %, 0.25 %; ties all; whole from 1000.00: 2 %, 1.5 %",
        totals: &[(1, 3_000_00), (2, 2_000_00), (3, 500_00)],
        paid: &[(1, 60_00), (2, 30_00), (3, 1_25)],
    },
    Case {
        // 500.00 × 1 % = 5.00; 499.99 is below the minimum although its rank is paid.
        about: "nobody is paid below the minimum",
        plan: "top 2: 1 %; ties all; minimum 500.00",
        totals: &[(1, 500_00), (2, 499_99)],
        paid: &[(1, 5_00), (2, 0)],
    },
    Case {
        about: "nobody is paid on a total of zero or less, not even the best",
        plan: "top 3: 1 %; ties split; overrides 10 %",
        totals: &[(1, 0), (2, -5_00)],
        paid: &[(1, 0), (2, 0)],
    },
    Case {
        // 1 earns 1,000.00 × 1 % = 10.00; above: 10.00 × 10 % = 1.00, × 5 % = 0.50, × 2.5 % = 0.25
        about: "overrides go up three levels",
        plan: "top 1: 1 %; ties all; overrides 10 %, 5 %, 2.5 %",
        totals: &[(1, 1_000_00), (2, 999_00)],
        paid: &[(1, 10_00), (2, 0), (10, 1_00), (20, 50), (30, 25)],
    },
    Case {
        // 10 sells most: 20.00 of their own, no override on it for themselves. 20 manages 10: 20.00 × 10 % = 2.00, and is
        // two above 1: 10.00 × 5 % = 0.50. 30 is two above 10: 20.00 × 5 % = 1.00. 10 is above 1: 10.00 × 10 % = 1.00.
        about: "a manager who sells is paid for both",
        plan: "top 2: 1 %; ties all; overrides 10 %, 5 %",
        totals: &[(10, 2_000_00), (1, 1_000_00)],
        paid: &[(1, 10_00), (10, 21_00), (20, 2_50), (30, 1_00)],
    },
    Case {
        // Shares of 5.05 and 5.05 (10.10 split); of each 10 % = 0.505, half a cent up: 0.51 twice.
        about: "an override is rounded for each seller",
        plan: "top 1: 1 %; ties split; overrides 10 %",
        totals: &[(1, 1_010_00), (2, 1_010_00)],
        paid: &[(1, 5_05), (2, 5_05), (10, 1_02)],
    },
    Case {
        // 30.00 and 20.00 by rate, 25.00 and 20.00 after the cap.
        about: "a cap bounds what a person gets",
        plan: "top 2: 1 %; ties all; cap 25.00",
        totals: &[(1, 3_000_00), (2, 2_000_00)],
        paid: &[(1, 25_00), (2, 20_00)],
    },
    Case {
        // 60.00 are split into 30.00 and 30.00, of which the cap leaves 25.00 each; 10.00 are paid to nobody.
        about: "a cap comes after the split",
        plan: "top 1: 1 %; ties split; cap 25.00",
        totals: &[(1, 6_000_00), (2, 6_000_00)],
        paid: &[(1, 25_00), (2, 25_00)],
    },
    Case {
        // 30.00 by rate, 25.00 after the cap; 25.00 × 10 % = 2.50
        about: "an override is a share of what is left after the cap",
        plan: "top 1: 1 %; ties all; overrides 10 %; cap 25.00",
        totals: &[(1, 3_000_00)],
        paid: &[(1, 25_00), (10, 2_50)],
    },
    Case {
        // 10: own 20.00; half of the 15.00 of 1 is 7.50, of which the cap leaves 5.00; of the half of the 10.00 of 2 nothing.
        // 20 is above 10: half of 20.00 is 10.00.
        about: "a manager's own payment uses up the cap before overrides",
        plan: "top 3: 1 %; ties all; overrides 50 %; cap 25.00",
        totals: &[(10, 2_000_00), (1, 1_500_00), (2, 1_000_00)],
        paid: &[(1, 15_00), (2, 10_00), (10, 25_00), (20, 10_00)],
    },
    Case {
        // The example of docs/incentives.md: 30,000.00 × 1.5 % = 450.00, capped; 8,000.10 × 0.5 % = 40.0005, that is 40.00, shared by two.
        // 10: 10 % of 400.00, 20.00 and 20.00; 20: 5 % of each.
        about: "all of it together",
        plan: "top 2: 1 %, 0.5 %; ties split; whole from 10000.00: 1.5 %, 1 %; minimum 500.00; overrides 10 %, 5 %; cap 400.00",
        totals: &[(1, 30_000_00), (2, 8_000_10), (3, 8_000_10)],
        paid: &[(1, 400_00), (2, 20_00), (3, 20_00), (10, 44_00), (20, 22_00)],
    },
    Case {
        // 0.30 × 1 % = 0.003 is nothing, and a share of nothing makes no line for a manager.
        about: "what rounds to nothing is nothing",
        plan: "top 1: 1 %; ties all; overrides 100 %",
        totals: &[(1, 30)],
        paid: &[(1, 0)],
    },
];

#[test]
fn every_option_pays_as_worked_out_by_hand() {
    for case in CASES {
        let plan: Incentive = case.plan.parse().expect(case.about);
        assert_eq!(plan.to_string(), case.plan, "a plan is read as it is written");
        assert_eq!(sums(&paid(&plan, case.totals)), case.paid, "{}", case.about);
    }
}

#[test]
fn a_line_tells_how_it_came_about() {
    let plan = "top 1: 1 %; ties split; overrides 10 %; cap 5.00".parse().expect("a plan");
    let lines = paid(&plan, &[(1, 1_100_01), (2, 1_100_01), (3, 9_00), (4, -1_00)]);
    let line = |at: usize| &lines[at];
    // 1,100.01 × 1 % = 11.0001, that is 11.00; half of it is 5.50; the cap leaves 5.00.
    let first = line(0);
    assert_eq!((first.place, first.ranked, first.sharers, first.why), (1, 3, 2, Why::Paid));
    assert_eq!((first.basis, first.rate, first.payment), (1_100_01, Some(10_000), 11_00));
    assert_eq!((first.share, first.paid), (5_50, 5_00));
    assert_eq!((line(2).place, line(2).why, line(2).rate, line(2).paid), (3, Why::Rank, None, 0));
    assert_eq!((line(3).place, line(3).why, line(3).paid), (0, Why::NoTotal, 0));
    // 5.00 × 10 % = 0.50 for the manager of each.
    let manager = line(4);
    assert_eq!((manager.person, manager.seller, manager.level, manager.why), (10, 1, 1, Why::Override));
    assert_eq!((manager.basis, manager.rate, manager.paid), (5_00, Some(100_000), 50));
    assert_eq!((line(5).person, line(5).seller, lines.len()), (10, 2, 6));
}

#[test]
fn the_shares_of_a_split_are_the_whole() {
    for sharers in 1..=40_i64 {
        for total in [1, 49, 50, 99_99, 101_00, 123_456_77, 9_999_999_999_999_999] {
            let totals: Vec<(i64, i128)> = (1..=sharers).map(|id| (id, total)).collect();
            let split = paid(&Incentive::flat(12_345, 1, Ties::Split), &totals);
            let whole = paid(&Incentive::flat(12_345, 1, Ties::All), &totals[..1]);
            assert_eq!(split.iter().map(|line| line.paid).sum::<i128>(), whole[0].paid, "{sharers} of {total}");
            let (most, least) = (split.iter().map(|line| line.paid).max(), split.iter().map(|line| line.paid).min());
            assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 1), "{sharers} of {total}");
        }
    }
}

#[test]
fn cycles_are_found_all_of_them_and_told_from_the_lowest_id() {
    let team = [(1, Some(1)), (7, Some(9)), (9, Some(8)), (8, Some(7)), (2, Some(7)), (3, Some(2)), (4, None)];
    assert_eq!(Managers::new(team), Err(vec![vec![1], vec![7, 9, 8]]));
    let long = Managers::new((1..=10_000).map(|id| (id, Some(id + 1)))).expect("a chain is no cycle");
    assert_eq!(long.above(1, 3), [2, 3, 4]);
    assert_eq!(long.above(9_999, 3), [10_000], "10,001 is nobody");
}

#[test]
fn what_is_no_plan_is_not_read() {
    for text in [
        "",
        "top 0: 1 %; ties all",
        "top 1: ; ties all",
        "top 1: 1%; ties all",
        "top 1: 101 %; ties all",
        "top 1: 1 %; ties some",
        "top 1: 1 %; ties all; bonus 5.00",
        "top 1: 1 %; ties all; cap -1.00",
        "top 1: 1 %; ties all; whole from: 2 %",
    ] {
        assert!(text.parse::<Incentive>().is_err(), "{text}");
    }
}

#[test]
fn percentages_have_no_more_digits_than_they_need() {
    let shares = [(10_000, "1 %"), (5_000, "0.5 %"), (1, "0.0001 %"), (0, "0 %"), (1_000_000, "100 %")];
    assert_eq!(shares.map(|(share, _)| percent(share)), shares.map(|(_, text)| text.to_owned()));
}
