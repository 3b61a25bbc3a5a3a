//! `coupons plan`, `issue`, `list` and `export`; what tills ask is in [`till`].

mod till;

use super::Outcome;
use crate::cli::{Cli, CouponsCommand, CouponsFilter};
use crate::secrets::Keyring;
use crate::secrets::master::Which;
use crate::wiring::Project;
use crate::{screen, wiring};
use tillmart_coupon::{Month, Secrets, State};
use tillmart_model::{Fault, FaultKind, Result};
use tillmart_pipeline::{CouponFilter, CouponPlan, CouponsIssued, IssuedBefore, ListedCoupon};

pub(crate) fn run(cli: &Cli, command: &CouponsCommand) -> Result<Outcome> {
    match command {
        CouponsCommand::Plan { month, limit } => plan(cli, *month, *limit),
        CouponsCommand::Issue { month } => issue(cli, *month),
        CouponsCommand::List { which, month, limit } => {
            let limit = usize::try_from(*limit).ok().filter(|limit| *limit > 0);
            list(cli, &CouponFilter { month: *month, limit, ..filter(which) })
        }
        CouponsCommand::Export { month, which, raw } => {
            export(cli, &CouponFilter { month: Some(*month), ..filter(which) }, *raw)
        }
        CouponsCommand::Verify { code } => till::verify(cli, &code.concat()),
        CouponsCommand::Redeem(args) => till::redeem(cli, args),
    }
}

fn filter(which: &CouponsFilter) -> CouponFilter {
    CouponFilter { rule: which.rule.clone(), state: which.state.map(State::from), ..CouponFilter::default() }
}

/// The secrets of the settings, or a fault that says how to get one.
fn secrets(project: &Project) -> Result<Secrets> {
    let secrets = project.settings.coupon_secrets(&mut Keyring::new(Which::Current))?;
    secrets.ok_or_else(|| {
        Fault::new(FaultKind::Settings, "no secret is set that coupon codes could be made with")
            .at(project.settings.file.clone())
            .expected("coupons.secret: 16 characters or more that nobody can guess")
            .hint("make one with `openssl rand -base64 24` and set it: `tillmart secrets encrypt --setting coupons.secret --write`")
    })
}

fn plan(cli: &Cli, month: Month, limit: u64) -> Result<Outcome> {
    let project = wiring::open(cli)?;
    let most = usize::try_from(limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let rules = wiring::coupon_rules(&project.settings);
    let plan = project.runtime.block_on(project.pipeline.plan_coupons(&rules, month, most))?;
    if cli.json {
        screen::json(&plan)?;
    } else {
        screen::data(&planned(&plan));
    }
    if !plan.is_over {
        screen::talk(&format!("{month} is not over: its figures move, and nothing is issued before."));
    }
    Ok(Outcome::Done)
}

fn planned(plan: &CouponPlan) -> String {
    let batch = plan.batch.map_or_else(String::new, |batch| format!(", sales up to batch {batch}"));
    let mut text = format!("Coupons of {}, {}{batch}\n\n", plan.month, screen::many(plan.customers, "customer"));
    let headers = [
        "rule",
        "gives",
        "basket from",
        "days",
        "fits",
        "unknown",
        "elsewhere",
        "held out",
        "cut",
        "coupons",
        "cost bound",
    ];
    let rows: Vec<Vec<String>> = plan
        .rules
        .iter()
        .map(|rule| {
            let counts = [rule.fits, rule.unknown, rule.elsewhere, rule.held_out, rule.cut, rule.coupons];
            let mut row = vec![
                rule.rule.clone(),
                rule.value.clone(),
                screen::money(&rule.min_basket),
                rule.valid_days.to_string(),
            ];
            row.extend(counts.map(screen::count));
            row.push(screen::money(&rule.cost_bound));
            row
        })
        .collect();
    text.push_str(&screen::table::table(&headers, &headers[2..], &rows));
    for rule in &plan.rules {
        if let Some(issued) = &rule.issued {
            text.push_str(&format!("\n\n{}", before(&rule.rule, issued)));
        } else if !rule.customers.is_empty() {
            let names: Vec<Vec<String>> = rule
                .customers
                .iter()
                .map(|customer| vec![customer.customer_id.to_string(), screen::money(&customer.spend)])
                .collect();
            text.push_str(&format!("\n\n{}, by what they spent", rule.rule));
            let named = rule.customers.len() as u64;
            if named < rule.coupons {
                text.push_str(&format!(": the first {named} of {}", screen::count(rule.coupons)));
            }
            text.push('\n');
            text.push_str(&screen::table::table(&["customer", "spend"], &["customer", "spend"], &names));
        }
    }
    text.push_str(&format!(
        "\n\n{} would be issued, which may cost {} at most.",
        screen::many(plan.coupons, "coupon"),
        screen::money(&plan.cost_bound)
    ));
    text
}

/// One line on a rule that was issued before.
fn before(rule: &str, issued: &IssuedBefore) -> String {
    let mut text = format!(
        "{rule} was issued on {}: {}, which may cost {} at most. It stays so.",
        issued.on,
        screen::many(issued.coupons, "coupon"),
        screen::money(&issued.cost_bound)
    );
    if issued.would_get > 0 || issued.would_not > 0 {
        text.push_str(&format!(
            "\n  By today's figures and rules {} more would get one, and {} of those who have one would not.",
            screen::many(issued.would_get, "customer"),
            screen::count(issued.would_not)
        ));
    }
    text
}

fn issue(cli: &Cli, month: Month) -> Result<Outcome> {
    let project = wiring::open(cli)?;
    let secrets = secrets(&project)?;
    let rules = wiring::coupon_rules(&project.settings);
    let issued = project.runtime.block_on(project.pipeline.issue_coupons(&rules, &secrets, month))?;
    if cli.json {
        screen::json(&issued)?;
    } else {
        screen::data(&told(&issued));
    }
    for lost in &issued.secret_unknown {
        screen::talk(&format!(
            "warning: the codes of {lost} were made with a secret that is not in the settings any more: `verify` and `redeem` \
             take them for forged. Put it into coupons.former_secrets."
        ));
    }
    Ok(Outcome::Done)
}

fn told(issued: &CouponsIssued) -> String {
    let mut lines = Vec::new();
    for rule in &issued.issued {
        lines.push(format!(
            "{}: {} issued, valid {} to {}, which may cost {} at most; {} held out, {} cut by the budget",
            rule.rule,
            screen::many(rule.coupons, "coupon"),
            rule.valid_from,
            rule.valid_until,
            screen::money(&rule.cost_bound),
            screen::count(rule.held_out),
            screen::count(rule.cut)
        ));
    }
    for rule in &issued.before {
        lines.push(before(&rule.rule, &rule.issue));
    }
    for rule in &issued.nobody {
        lines.push(format!("{rule}: nobody gets one; it may be issued later"));
    }
    lines.push(match issued.coupons {
        0 => format!("Nothing new was issued for {}.", issued.month),
        coupons => format!(
            "{} issued for {}, which may cost {} at most.",
            screen::many(coupons, "coupon"),
            issued.month,
            screen::money(&issued.cost_bound)
        ),
    });
    lines.join("\n")
}

fn list(cli: &Cli, filter: &CouponFilter) -> Result<Outcome> {
    let project = wiring::open(cli)?;
    let today = project.pipeline.coupon_day();
    let mut coupons: Vec<ListedCoupon> = Vec::new();
    project.runtime.block_on(project.pipeline.coupons(filter, |page| {
        coupons.extend(page.iter().map(|coupon| ListedCoupon::of(coupon, today)));
    }))?;
    if cli.json {
        screen::json(&coupons)?;
        return Ok(Outcome::Done);
    }
    if coupons.is_empty() {
        screen::talk("No coupon is like that.");
        return Ok(Outcome::Done);
    }
    let headers = ["code", "month", "rule", "customer", "gives", "basket from", "valid until", "state", "discount"];
    let rows: Vec<Vec<String>> = coupons
        .iter()
        .map(|coupon| {
            vec![
                coupon.code.clone(),
                coupon.month.clone(),
                coupon.rule.clone(),
                coupon.customer_id.to_string(),
                coupon.value.clone(),
                screen::money(&coupon.min_basket),
                coupon.valid_until.clone(),
                coupon.state.clone(),
                coupon.discount.as_deref().map_or_else(String::new, screen::money),
            ]
        })
        .collect();
    screen::data(&screen::table::table(&headers, &["customer", "basket from", "discount"], &rows));
    if filter.limit == Some(coupons.len()) {
        screen::talk(&format!("The first {}; `--limit 0` lists all.", coupons.len()));
    }
    Ok(Outcome::Done)
}

fn export(cli: &Cli, filter: &CouponFilter, raw: bool) -> Result<Outcome> {
    if cli.json {
        return list(cli, filter);
    }
    let project = wiring::open(cli)?;
    let count = project.runtime.block_on(project.pipeline.export_coupons(filter, raw, screen::data))?;
    screen::talk(&format!("{} written.", screen::many(count, "coupon")));
    Ok(Outcome::Done)
}
