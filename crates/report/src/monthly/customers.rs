//! Who bought, and who did not come back.

use super::{Customers, Monthly, Tier};
use crate::render::shown;
use crate::{Chart, ChartKind, Column, Figure, Note, Row, Section, Series, Table, Value};

impl Tier {
    fn customers(&self) -> u64 {
        self.returning + self.new
    }

    fn cents(&self) -> i128 {
        self.returning_cents + self.new_cents
    }

    fn and(&self, other: &Tier) -> Tier {
        Tier {
            returning: self.returning + other.returning,
            new: self.new + other.new,
            returning_cents: self.returning_cents + other.returning_cents,
            new_cents: self.new_cents + other.new_cents,
        }
    }
}

pub(super) fn section(report: &Monthly, customers: &Customers) -> Section {
    let all = customers.tiers.iter().fold(Tier::default(), |all, tier| all.and(tier));
    let average = |tier: &Tier| match i128::from(tier.customers()) {
        0 => Value::Missing,
        count => Value::Money(tillmart_model::money::divide_half_away(tier.cents(), count)),
    };
    let figures = vec![
        Figure::new("customers", "Customers", count(all.customers())),
        Figure::new("new_customers", "New customers", count(all.new)),
        Figure::new("returning_customers", "Returning customers", count(all.returning)),
        Figure::new("lapsed_customers", "Lapsed customers", count(customers.lapsed)),
        Figure::new("customer_spend", "Spend of customers", Value::Money(all.cents())),
        Figure::new("average_spend", "Average spend", average(&all)),
        Figure::new("new_spend", "Spend of new customers", Value::Money(all.new_cents)),
        Figure::new("lapsed_spend", "Lapsed customers had spent", Value::Money(customers.lapsed_cents)),
    ];
    let columns = vec![
        Column::words("tier", "Spend in the month"),
        Column::numbers("customers", "Customers"),
        Column::numbers("customer_share", "of all"),
        Column::numbers("new_customers", "New"),
        Column::numbers("spend", "Spend"),
        Column::numbers("spend_share", "of all"),
        Column::numbers("average_spend", "Average"),
    ];
    let mut table = Table::new("tiers", "Customers by spend", columns, "No customer bought anything.");
    let line = |label: String, tier: &Tier| {
        vec![
            Value::Text(label),
            count(tier.customers()),
            count(tier.customers()).share_of(&count(all.customers())),
            count(tier.new),
            Value::Money(tier.cents()),
            Value::Money(tier.cents()).share_of(&Value::Money(all.cents())),
            average(tier),
        ]
    };
    if all.customers() > 0 {
        for (at, tier) in customers.tiers.iter().enumerate().rev() {
            table.rows.push(Row::new(line(tier_label(&customers.bounds, at), tier)));
        }
        table.rows.push(Row::total(line("All".to_owned(), &all)));
    }
    let section = Section::new("customers", "Customers").with(figures).with(table);
    let section = if all.customers() > 0 { section.with(chart(customers, &all)) } else { section };
    let year = report.spans.month.first.format("%B %Y");
    section.with(Note::plain(format!(
        "A customer is somebody whose sales of the month are more than their returns. New ones had not bought in any month before \
         {year}; lapsed ones bought in the month before, and not in this one."
    )))
}

fn chart(customers: &Customers, all: &Tier) -> Chart {
    let tiers = || customers.tiers.iter().enumerate().rev();
    let shares =
        |of: &dyn Fn(&Tier) -> Value, whole: &Value| tiers().map(|(_, tier)| of(tier).share_of(whole)).collect();
    let customers_of = |tier: &Tier| count(tier.customers());
    let spend_of = |tier: &Tier| Value::Money(tier.cents());
    let labels: Vec<String> = tiers().map(|(at, _)| tier_label(&customers.bounds, at)).collect();
    let best = customers.tiers.last().copied().unwrap_or_default();
    Chart {
        name: "tier_shares".to_owned(),
        title: "Shares of customers and of their spend".to_owned(),
        alternative: format!(
            "Bars for each tier of spend. The highest, {}, has {} of the customers and {} of their spend.",
            labels.first().map_or("", String::as_str),
            shown(&customers_of(&best).share_of(&customers_of(all))),
            shown(&spend_of(&best).share_of(&spend_of(all)))
        ),
        kind: ChartKind::Bars,
        series: vec![
            Series::new("customers", "Share of customers", shares(&customers_of, &customers_of(all))),
            Series::new("spend", "Share of spend", shares(&spend_of, &spend_of(all))),
        ],
        labels,
    }
}

/// `under 100.00`, `100.00 to 499.99`, `500.00 and more`.
fn tier_label(bounds: &[i64], tier: usize) -> String {
    let money = |cents: i64| shown(&Value::Money(i128::from(cents)));
    let begin = tier.checked_sub(1).and_then(|at| bounds.get(at));
    match (begin, bounds.get(tier)) {
        (None, None) => "any".to_owned(),
        (None, Some(end)) => format!("under {}", money(*end)),
        (Some(begin), Some(end)) => format!("{} to {}", money(*begin), money(*end - 1)),
        (Some(begin), None) => format!("{} and more", money(*begin)),
    }
}

fn count(of: u64) -> Value {
    Value::Count(i64::try_from(of).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_leave_no_gap() {
        let bounds = [10_000, 50_000];
        let labels: Vec<String> = (0..3).map(|tier| tier_label(&bounds, tier)).collect();
        assert_eq!(labels, ["under 100.00", "100.00 to 499.99", "500.00 and more"]);
        assert_eq!(tier_label(&[], 0), "any");
    }
}
