//! Who would get what, and what it may cost, before anything is issued.

use super::CouponRules;
use crate::shop::Pipeline;
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use tillmart_coupon::{HoldOut, Issue, Month, Picked, Rule, Selector, Value, percent_text};
use tillmart_model::money::cents_text;
use tillmart_model::{Fault, FaultKind, Result};

/// What would be issued for a month.
#[derive(Debug, Clone, Serialize)]
pub struct CouponPlan {
    /// The month, `YYYY-MM`.
    pub month: String,
    /// Whether it is over: until then its figures move, and nothing is issued.
    pub is_over: bool,
    /// The batch up to which sales are counted.
    pub batch: Option<i64>,
    /// Customers whose figures were looked at.
    pub customers: u64,
    /// Rule by rule, in their order.
    pub rules: Vec<PlannedRule>,
    /// Coupons that would be issued.
    pub coupons: u64,
    /// Most that they may cost.
    pub cost_bound: String,
}

/// What a rule would give.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedRule {
    /// Its name.
    pub rule: String,
    /// What a coupon gives off: `10 % up to 20.00`.
    pub value: String,
    /// The least basket.
    pub min_basket: String,
    /// Days that it is valid after the day of issue.
    pub valid_days: u32,
    /// Customers that the rule is about.
    pub fits: u64,
    /// Of these, those not in the customer table.
    pub unknown: u64,
    /// Those whom another rule has decided on.
    pub elsewhere: u64,
    /// Those held out.
    pub held_out: u64,
    /// Those whom the budget does not reach.
    pub cut: u64,
    /// Coupons that would be issued; 0 when the rule was issued before.
    pub coupons: u64,
    /// Most that they may cost.
    pub cost_bound: String,
    /// The rule's issue for the month, if there was one: then there is nothing to issue.
    pub issued: Option<IssuedBefore>,
    /// Who would get one, most money first.
    pub customers: Vec<PlannedCoupon>,
}

/// A rule that was issued for the month before.
#[derive(Debug, Clone, Serialize)]
pub struct IssuedBefore {
    /// The day of issue, in UTC.
    pub on: String,
    /// How many coupons.
    pub coupons: u64,
    /// Most that they may cost.
    pub cost_bound: String,
    /// Customers who would get one by today's figures and rules, and have none.
    pub would_get: u64,
    /// Customers who have one, and would get none.
    pub would_not: u64,
}

/// One customer of a plan.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedCoupon {
    /// The customer.
    pub customer_id: i64,
    /// Net spend in the time that the rule looks at.
    pub spend: String,
}

/// A plan, and all that issuing it needs.
pub(super) struct Decided {
    pub(super) plan: CouponPlan,
    pub(super) picked: Vec<Picked>,
    /// What was issued for the month when this was decided, in the order of issue.
    pub(super) issues: Vec<Issue>,
}

fn money(cents: i64) -> String {
    cents_text(i128::from(cents))
}

impl Pipeline {
    /// Who would get a coupon of a month, and what that may cost; nothing is changed. At most `most` customers of a rule are named.
    ///
    /// # Errors
    /// `Settings` without a rule, for a month that is to come or without sales of customers; a table or the database that cannot
    /// be read.
    pub async fn plan_coupons(&self, rules: &CouponRules, month: Month, most: usize) -> Result<CouponPlan> {
        let Decided { mut plan, picked, .. } = self.decide_coupons(rules, month).await?;
        for (planned, picked) in plan.rules.iter_mut().zip(picked).filter(|(planned, _)| planned.issued.is_none()) {
            let named = picked.given.iter().take(most);
            planned.customers = named
                .map(|given| PlannedCoupon { customer_id: given.customer_id, spend: money(given.money_cents) })
                .collect();
        }
        Ok(plan)
    }

    pub(super) async fn decide_coupons(&self, rules: &CouponRules, month: Month) -> Result<Decided> {
        self.seams.schema.check().await?;
        let today = self.seams.clock.today(self.options.time_zone);
        refuse(rules, month, today)?;
        let prepared = self.prepare().await?;
        let moment = loop {
            // A run moved on while it was looked at.
            if let Some(moment) = self.moment(&prepared.marts).await? {
                break moment;
            }
        };
        let issues = self.seams.coupons.issues(Some(month)).await?;
        let mut issued = HashMap::new();
        for issue in &issues {
            let customers: HashSet<i64> = self.seams.coupons.issued_to(issue.id).await?.into_iter().collect();
            issued.insert(issue.terms.rule.clone(), customers);
        }
        let mut selector = Selector::new(&rules.rules, month, &rules.scale);
        self.observer.doing(&format!("adding up what customers bought until {}", month.last_day()));
        let looked = self.customer_figures(rules, month, &prepared, &moment, |figures| selector.look(figures)).await?;
        if !looked.month_has_sales {
            return Err(no_sales(month, looked.last_day.map(Month::of)));
        }
        let picked = selector.decide(&issued, &HoldOut::new(&rules.hold_out_seed), rules.one_per_customer);
        let planned: Vec<PlannedRule> = rules
            .rules
            .iter()
            .zip(&picked)
            .map(|(rule, picked)| planned(rule, picked, &issues, issued.get(&rule.name)))
            .collect();
        let coupons = planned.iter().map(|rule| rule.coupons).sum();
        let costs = rules.rules.iter().zip(&planned).map(|(rule, planned)| bound(rule, planned.coupons));
        let plan = CouponPlan {
            month: month.to_string(),
            is_over: today > month.last_day(),
            batch: moment.standing.published,
            customers: looked.customers,
            coupons,
            cost_bound: cents_text(costs.sum()),
            rules: planned,
        };
        Ok(Decided { plan, picked, issues })
    }
}

fn refuse(rules: &CouponRules, month: Month, today: chrono::NaiveDate) -> Result<()> {
    if rules.rules.is_empty() {
        return Err(Fault::new(FaultKind::Settings, "there is no coupon rule")
            .expected("a table [coupons.rules.NAME] in tillmart.toml for each rule")
            .hint("docs/coupons.md has examples; config/example.toml has every key"));
    }
    if month.first_day() > today {
        return Err(Fault::new(FaultKind::Settings, format!("{month} has not begun"))
            .expected(format!("a month up to {}", Month::of(today)))
            .hint("coupons are given for what was bought in a month: name one that is over"));
    }
    Ok(())
}

fn no_sales(month: Month, newest: Option<Month>) -> Fault {
    let fault = Fault::new(FaultKind::Settings, format!("no customer bought anything in {month}"))
        .expected("a month with landed sales of customers");
    match newest {
        Some(newest) => fault.hint(format!("the newest sales of customers before it are of {newest}")),
        None => fault.hint("`tillmart status` tells what has landed"),
    }
}

fn bound(rule: &Rule, coupons: u64) -> i128 {
    i128::from(rule.offer.cost_bound_cents()) * i128::from(coupons)
}

fn planned(rule: &Rule, picked: &Picked, issues: &[Issue], issued: Option<&HashSet<i64>>) -> PlannedRule {
    let issue = issues.iter().find(|issue| issue.terms.rule == rule.name);
    let issued = issue.zip(issued).map(|(issue, customers)| {
        let still = picked.given.iter().filter(|given| customers.contains(&given.customer_id)).count() as u64;
        IssuedBefore {
            on: issue.issued.format("%Y-%m-%d").to_string(),
            coupons: issue.coupons,
            cost_bound: money(issue.cost_bound_cents),
            would_get: picked.given.len() as u64 - still,
            would_not: customers.len() as u64 - still,
        }
    });
    let coupons = if issued.is_some() { 0 } else { picked.given.len() as u64 };
    PlannedRule {
        rule: rule.name.clone(),
        value: rule.offer.value.to_string(),
        min_basket: money(rule.offer.min_basket_cents),
        valid_days: rule.valid_days,
        fits: picked.fits,
        unknown: picked.unknown,
        elsewhere: picked.elsewhere,
        held_out: picked.held_out,
        cut: picked.cut,
        coupons,
        cost_bound: cents_text(bound(rule, coupons)),
        issued,
        customers: Vec::new(),
    }
}

/// What a coupon gives off, as columns: percent, most, amount.
pub(super) fn value_columns(value: &Value) -> [String; 3] {
    match value {
        Value::Percent { millionths, max_discount_cents } => {
            [percent_text(*millionths), money(*max_discount_cents), String::new()]
        }
        Value::Amount { cents } => [String::new(), String::new(), money(*cents)],
    }
}
