//! The coupons that were given for the month.

use super::{CouponsIssued, Monthly};
use crate::{Column, Figure, Note, Row, Section, Table, Value};

pub(super) fn section(report: &Monthly, issued: &[CouponsIssued]) -> Section {
    let section = Section::new("coupons", "Coupons issued");
    if issued.is_empty() {
        let month = report.spans.month.first.format("%B %Y");
        return section.with(Note::plain(format!("No coupons have been issued for {month}.")));
    }
    let columns = vec![
        Column::words("rule", "Rule"),
        Column::words("offer", "Each gives"),
        Column::words("issued", "Issued"),
        Column::words("valid_until", "Valid until"),
        Column::numbers("coupons", "Coupons"),
        Column::numbers("held_out", "Held out"),
        Column::numbers("redeemed", "Redeemed"),
        Column::numbers("redeemed_share", "of all"),
        Column::numbers("expired", "Expired"),
        Column::numbers("cost_bound", "Cost at most"),
        Column::numbers("given", "Given off"),
    ];
    let mut table = Table::new("coupons", "Coupons by rule", columns, "No coupons have been issued.");
    let mut all = Counted::default();
    for of_rule in issued {
        let counted = Counted::of(of_rule);
        all = all.and(&counted);
        let terms = [
            Value::text(&of_rule.rule),
            Value::text(&of_rule.offer),
            Value::Day(of_rule.issued),
            Value::Day(of_rule.valid_until),
        ];
        table.rows.push(Row::new(terms.into_iter().chain(counted.values()).collect()));
    }
    if issued.len() > 1 {
        let terms = [Value::text("All"), Value::Missing, Value::Missing, Value::Missing];
        table.rows.push(Row::total(terms.into_iter().chain(all.values()).collect()));
    }
    section
        .with(vec![
            Figure::new("coupons_issued", "Coupons issued", count(all.coupons)),
            Figure::new("coupons_redeemed", "Redeemed so far", count(all.redeemed)),
            Figure::new("coupons_expired", "Expired", count(all.expired)),
            Figure::new("coupons_cost_bound", "Cost at most", Value::Money(all.cost_bound)),
        ])
        .with(table)
        .with(Note::plain(
            "Given for what customers bought in this month, and redeemed later. Held out are customers who fitted the rule and got \
             none, to compare with. Given off is what tills took off the baskets that they told.",
        ))
}

/// What is counted of coupons, and their money in cents.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    coupons: u64,
    held_out: u64,
    redeemed: u64,
    expired: u64,
    cost_bound: i128,
    given: i128,
}

impl Counted {
    fn of(issued: &CouponsIssued) -> Counted {
        Counted {
            coupons: issued.coupons,
            held_out: issued.held_out,
            redeemed: issued.redeemed,
            expired: issued.expired,
            cost_bound: issued.cost_bound.into(),
            given: issued.given.into(),
        }
    }

    fn and(&self, other: &Counted) -> Counted {
        Counted {
            coupons: self.coupons + other.coupons,
            held_out: self.held_out + other.held_out,
            redeemed: self.redeemed + other.redeemed,
            expired: self.expired + other.expired,
            cost_bound: self.cost_bound + other.cost_bound,
            given: self.given + other.given,
        }
    }

    fn values(&self) -> [Value; 7] {
        [
            count(self.coupons),
            count(self.held_out),
            count(self.redeemed),
            count(self.redeemed).share_of(&count(self.coupons)),
            count(self.expired),
            Value::Money(self.cost_bound),
            Value::Money(self.given),
        ]
    }
}

fn count(of: u64) -> Value {
    Value::Count(i64::try_from(of).unwrap_or(i64::MAX))
}
