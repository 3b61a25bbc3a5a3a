#![allow(clippy::inconsistent_digit_grouping, reason = "amounts of money in cents: 50_50 is 50.50")]

use super::*;
use crate::document::{Part, Tone};
use tillmart_model::Incentive;
use tillmart_model::incentive::pay;

/// The worked example of docs/incentives.md: Amy manages the three sellers, Leo manages Amy.
const EXAMPLE: &str = "top 2: 1 %, 0.5 %; ties split; whole from 10000.00: 1.5 %, 1 %; minimum 500.00; overrides 10 %, 5 %; \
                       cap 400.00";

fn figures(plan: &str, totals: &[(i64, i128)], person: Option<i64>) -> Incentives {
    let names = [(1, "Eva Au"), (2, "Ben Ek"), (3, "Ida Ro"), (5, "Amy Os"), (6, "Leo Yi")];
    let above = |seller: i64| if seller == 5 { vec![6] } else { vec![5, 6] };
    let parsed: Incentive = plan.parse().expect("a plan");
    let lines = pay(&parsed, &totals.iter().copied().collect(), &above);
    let mut published: BTreeMap<(i32, i64), i128> = BTreeMap::new();
    for line in &lines {
        *published.entry((121, line.person)).or_default() += line.paid;
    }
    Incentives {
        month: "2024-03".to_owned(),
        plan_today: plan.to_owned(),
        person,
        store: None,
        names: names.into_iter().map(|(id, name)| (id, name.to_owned())).collect(),
        lines: lines
            .into_iter()
            .map(|payment| IncentiveLine { store_id: 121, payment, plan: plan.to_owned() })
            .collect(),
        published,
    }
}

fn tables(document: &Document) -> Vec<&Table> {
    let parts = document.sections.iter().flat_map(|section| &section.parts);
    parts.filter_map(|part| if let Part::Table(table) = part { Some(table) } else { None }).collect()
}

/// Each row of a table in words.
fn rows(table: &Table) -> Vec<String> {
    let told = |value: &Value| match value {
        Value::Money(cents) => tillmart_model::money::cents_text(*cents),
        Value::Count(count) | Value::Id(count) => count.to_string(),
        Value::Text(text) => text.clone(),
        _ => "-".to_owned(),
    };
    table.rows.iter().map(|row| row.values.iter().map(told).collect::<Vec<_>>().join(" | ")).collect()
}

fn explained(plan: &str, totals: &[(i64, i128)], person: i64) -> Vec<String> {
    rows(tables(&figures(plan, totals, Some(person)).document())[0])
}

const TOTALS: [(i64, i128); 3] = [(1, 30_000_00), (2, 8_000_10), (3, 8_000_10)];

#[test]
fn a_seller_follows_a_tier_and_a_cap() {
    assert_eq!(
        explained(EXAMPLE, &TOTALS, 1),
        [
            "Total | own sales in this store and month, returns taken off | 30000.00 | -",
            "Rank | 1 of 3 sellers with a total above zero | - | -",
            "Tier | from 10,000.00 on, its rate on the whole total | - | -",
            "Payment | 30,000.00 × 1.5 % = 450.00, rounded half-up to the cent | 450.00 | -",
            "Cap | at most 400.00 for a person, store and month | 400.00 | 400.00",
            "Incentive | - | - | 400.00",
        ]
    );
}

#[test]
fn a_seller_follows_a_split() {
    assert_eq!(
        explained(EXAMPLE, &TOTALS, 3),
        [
            "Total | own sales in this store and month, returns taken off | 8000.10 | -",
            "Rank | 2 of 3 sellers with a total above zero, the same as Ben Ek (2) | - | -",
            "Tier | below the first tier, which begins at 10,000.00 | - | -",
            "Payment | 8,000.10 × 0.5 % = 40.0005, rounded half-up to the cent | 40.00 | -",
            "Split | shared by the 2 of this rank, odd cents to the lowest ids | 20.00 | 20.00",
            "Incentive | - | - | 20.00",
        ]
    );
}

#[test]
fn managers_follow_whose_sales_they_are_paid_for() {
    assert_eq!(
        explained(EXAMPLE, &TOTALS, 6),
        [
            "Override | 5 % of what Eva Au (1) is paid, 2 levels below: 400.00 × 5 % = 20.00, rounded half-up to the cent | 20.00 | 20.00",
            "Override | 5 % of what Ben Ek (2) is paid, 2 levels below: 20.00 × 5 % = 1.00, rounded half-up to the cent | 1.00 | 1.00",
            "Override | 5 % of what Ida Ro (3) is paid, 2 levels below: 20.00 × 5 % = 1.00, rounded half-up to the cent | 1.00 | 1.00",
            "Incentive | - | - | 22.00",
        ]
    );
    let half = "top 2: 1 %; ties all; overrides 50 %; cap 25.00";
    // 5 sold most, 20.00; half of the 15.00 of 1 is 7.50, of which the cap leaves 5.00.
    let both = explained(half, &[(5, 2_000_00), (1, 1_500_00)], 5);
    assert_eq!(
        both[3..],
        [
            "Override | 50 % of what Eva Au (1) is paid, whose manager this is: 15.00 × 50 % = 7.50, rounded half-up to the cent | 7.50 | -",
            "Cap | at most 25.00 for a person, store and month, 20.00 of which are used up | 5.00 | 5.00",
            "Incentive | - | - | 25.00",
        ]
    );
    assert_eq!(both[2], "Payment | 2,000.00 × 1 % = 20.00, rounded half-up to the cent | 20.00 | 20.00");
}

#[test]
fn each_part_of_a_marginal_total_is_told() {
    let plan = "top 1: 1 %; ties all; marginal from 1000.00: 2 %";
    assert_eq!(
        explained(plan, &[(1, 2_500_33)], 1)[2..],
        [
            "Tier | from 1,000.00 on, each part of the total at the rate of its tier | - | -",
            "Part | 1,000.00 × 1 % = 10.00 | - | -",
            "Part | 1,500.33 × 2 % = 30.0066 | - | -",
            "Payment | all parts together, rounded half-up to the cent | 40.01 | 40.01",
            "Incentive | - | - | 40.01",
        ]
    );
}

#[test]
fn who_is_not_paid_is_told_why() {
    let plan = "top 2: 1 %; ties all; minimum 50.00";
    let totals = [(1, 100_00), (2, 49_99), (3, 10_00), (5, -1_00)];
    let last = |person: i64| explained(plan, &totals, person).into_iter().rev().nth(1).expect("a step");
    assert_eq!(last(2), "Not paid | nobody is paid on a total below 50.00 | 0.00 | 0.00");
    assert_eq!(last(3), "Not paid | only ranks 1 to 2 are paid | 0.00 | 0.00");
    assert_eq!(last(5), "Not paid | nobody is paid on a total of zero or less | 0.00 | 0.00");
    assert_eq!(explained("top 1: 1 %; ties all", &totals, 2)[2], "Not paid | only rank 1 is paid | 0.00 | 0.00");
}

#[test]
fn everybody_is_listed_and_the_sums_agree() {
    let document = figures(EXAMPLE, &TOTALS, None).document();
    assert_eq!(
        rows(tables(&document)[0]),
        [
            "1 | 1 | Eva Au | 30000.00 | 400.00 | 0.00 | 400.00",
            "2 | 2 | Ben Ek | 8000.10 | 20.00 | 0.00 | 20.00",
            "2 | 3 | Ida Ro | 8000.10 | 20.00 | 0.00 | 20.00",
            "- | 5 | Amy Os | 0.00 | 0.00 | 44.00 | 44.00",
            "- | 6 | Leo Yi | 0.00 | 0.00 | 22.00 | 22.00",
            "- | - | All | 46000.20 | 440.00 | 66.00 | 506.00",
        ]
    );
    assert_eq!(document.title, "Incentives, March 2024");
    let Some(Part::Figures(all)) = document.sections[0].parts.first() else { panic!("figures come first") };
    assert_eq!((&all[0].value, &all[1].value), (&Value::Money(506_00), &Value::Count(5)));
}

#[test]
fn another_plan_and_another_sum_are_told() {
    let notes = |figures: &Incentives| -> Vec<(Tone, String)> {
        let document = figures.document();
        let parts = document.sections.into_iter().flat_map(|section| section.parts);
        parts.filter_map(|part| if let Part::Note(note) = part { Some((note.tone, note.text)) } else { None }).collect()
    };
    let mut figures = figures(EXAMPLE, &TOTALS, Some(1));
    assert_eq!(notes(&figures), [(Tone::Plain, format!("Plan: {EXAMPLE}."))]);
    figures.plan_today = "top 1: 1 %; ties all".to_owned();
    assert!(notes(&figures)[0].1.contains("not today's"));
    figures.published.insert((121, 1), 9);
    let (tone, text) = notes(&figures).pop().expect("a warning");
    assert!(tone == Tone::Warning && text.contains("Eva Au (1)"), "{text}");
}
