//! Issuing: what was planned becomes coupons, once for a rule and month.

use super::CouponRules;
use super::plan::{Decided, IssuedBefore};
use crate::shop::Pipeline;
use chrono::{Days, NaiveDate};
use serde::Serialize;
use std::sync::Arc;
use tillmart_coupon::{Month, Secrets, Terms};
use tillmart_database::{CodeMaker, NewIssue};
use tillmart_model::money::cents_text;
use tillmart_model::{Fault, FaultKind, Result};

/// How often it is decided anew because somebody else issued meanwhile.
const TRIES: usize = 4;

/// What an issue came to.
#[derive(Debug, Clone, Serialize)]
pub struct CouponsIssued {
    /// The month, `YYYY-MM`.
    pub month: String,
    /// New coupons.
    pub coupons: u64,
    /// Most that they may cost.
    pub cost_bound: String,
    /// Rules that were issued now.
    pub issued: Vec<IssuedNow>,
    /// Rules that had been issued before, and stay as they were.
    pub before: Vec<BeforeRule>,
    /// Rules that had nobody to give a coupon to: they may be issued later.
    pub nobody: Vec<String>,
    /// Rules of coupons still valid, and months, whose codes were made with a secret that is not known any more.
    pub secret_unknown: Vec<String>,
}

/// A rule that was issued now.
#[derive(Debug, Clone, Serialize)]
pub struct IssuedNow {
    /// The rule.
    pub rule: String,
    /// Coupons.
    pub coupons: u64,
    /// Most that they may cost.
    pub cost_bound: String,
    /// Customers held out.
    pub held_out: u64,
    /// Customers whom the budget did not reach.
    pub cut: u64,
    /// First day of validity.
    pub valid_from: String,
    /// Last day of validity.
    pub valid_until: String,
}

/// A rule that had been issued before.
#[derive(Debug, Clone, Serialize)]
pub struct BeforeRule {
    /// The rule.
    pub rule: String,
    /// Its issue.
    #[serde(flatten)]
    pub issue: IssuedBefore,
}

impl Pipeline {
    /// Issues the coupons of a month, all rules in one transaction. A rule that was issued for the month stays as it is: a second
    /// call gives nothing new, and of two at the same moment one issues and the other finds it done.
    ///
    /// # Errors
    /// As [`Pipeline::plan_coupons`]; `Settings` for a month that is not over.
    pub async fn issue_coupons(&self, rules: &CouponRules, secrets: &Secrets, month: Month) -> Result<CouponsIssued> {
        let today = self.seams.clock.today(self.options.time_zone);
        if month == Month::of(today) {
            return Err(Fault::new(FaultKind::Settings, format!("{month} is not over"))
                .expected("a month whose figures stand")
                .hint(format!(
                    "issue from {} on; `tillmart coupons plan` shows the figures so far",
                    following(month)
                )));
        }
        for _ in 0..TRIES {
            let decided = self.decide_coupons(rules, month).await?;
            let new = self.new_issues(rules, secrets, month, &decided, today);
            let told = told(&decided, &new);
            let seen: Vec<i64> = decided.issues.iter().map(|issue| issue.id).collect();
            if new.is_empty()
                || self.seams.coupons.issue(month, &seen, new, code(secrets, month), self.seams.clock.now()).await?
            {
                let secret_unknown = self.unknown_secrets(secrets, today).await?;
                return Ok(CouponsIssued { secret_unknown, ..told });
            }
            self.observer.doing("somebody else issued coupons of this month meanwhile: deciding anew");
        }
        Err(Fault::new(FaultKind::Busy, format!("coupons of {month} are being issued by others, again and again"))
            .hint("issue again when they are done; nothing of this was kept"))
    }

    fn new_issues(
        &self,
        rules: &CouponRules,
        secrets: &Secrets,
        month: Month,
        decided: &Decided,
        today: NaiveDate,
    ) -> Vec<NewIssue> {
        let all = rules.rules.iter().zip(&decided.picked).zip(&decided.plan.rules);
        all.filter(|(_, planned)| planned.coupons > 0)
            .map(|((rule, picked), _)| NewIssue {
                terms: Terms {
                    rule: rule.name.clone(),
                    period: month,
                    offer: rule.offer,
                    valid_from: today,
                    valid_until: today.checked_add_days(Days::new(u64::from(rule.valid_days))).unwrap_or(today),
                },
                batch_id: decided.plan.batch,
                secret_name: secrets.name().to_owned(),
                budget_cents: rule.budget_cents,
                budget_coupons: rule.budget_coupons,
                held_out: picked.held_out,
                customers: {
                    let mut customers: Vec<i64> = picked.given.iter().map(|given| given.customer_id).collect();
                    // So that whose code gives way to whose does not hang on the line they stood in.
                    customers.sort_unstable();
                    customers
                },
            })
            .collect()
    }

    /// Valid coupons that no till can tell from forged ones, because their secret is not in the settings.
    async fn unknown_secrets(&self, secrets: &Secrets, today: NaiveDate) -> Result<Vec<String>> {
        let issues = self.seams.coupons.issues(None).await?;
        let lost = issues.iter().filter(|issue| issue.terms.valid_until >= today && !secrets.know(&issue.secret_name));
        Ok(lost.map(|issue| format!("{} of {}", issue.terms.rule, issue.terms.period)).collect())
    }
}

fn following(month: Month) -> NaiveDate {
    month.last_day().succ_opt().unwrap_or(NaiveDate::MAX)
}

fn code(secrets: &Secrets, month: Month) -> CodeMaker {
    let (secrets, period) = (secrets.clone(), month.to_string());
    Arc::new(move |rule, customer, counter| secrets.code(customer, rule, &period, counter))
}

fn told(decided: &Decided, new: &[NewIssue]) -> CouponsIssued {
    let plan = &decided.plan;
    let mut told = CouponsIssued {
        month: plan.month.clone(),
        coupons: plan.coupons,
        cost_bound: plan.cost_bound.clone(),
        issued: Vec::new(),
        before: Vec::new(),
        nobody: Vec::new(),
        secret_unknown: Vec::new(),
    };
    for rule in &plan.rules {
        match (&rule.issued, new.iter().find(|issue| issue.terms.rule == rule.rule)) {
            (Some(issue), _) => told.before.push(BeforeRule { rule: rule.rule.clone(), issue: issue.clone() }),
            (None, Some(issue)) => told.issued.push(IssuedNow {
                rule: rule.rule.clone(),
                coupons: rule.coupons,
                cost_bound: rule.cost_bound.clone(),
                held_out: rule.held_out,
                cut: rule.cut,
                valid_from: issue.terms.valid_from.to_string(),
                valid_until: issue.terms.valid_until.to_string(),
            }),
            (None, None) => told.nobody.push(rule.rule.clone()),
        }
    }
    for issue in &decided.issues {
        if !plan.rules.iter().any(|rule| rule.rule == issue.terms.rule) {
            let gone = IssuedBefore {
                on: issue.issued.format("%Y-%m-%d").to_string(),
                coupons: issue.coupons,
                cost_bound: cents_text(i128::from(issue.cost_bound_cents)),
                would_get: 0,
                would_not: issue.coupons,
            };
            told.before.push(BeforeRule { rule: issue.terms.rule.clone(), issue: gone });
        }
    }
    told
}
