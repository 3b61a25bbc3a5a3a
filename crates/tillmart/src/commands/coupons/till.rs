//! `coupons verify` and `redeem`: what a till asks. What is mistyped or forged is told before a database is opened.

use super::Outcome;
use crate::cli::{Cli, RedeemArgs};
use crate::secrets::Keyring;
use crate::secrets::master::Which;
use crate::{screen, settings, wiring};
use serde_json::{Value, json};
use tillmart_coupon::{Code, Coupon, State};
use tillmart_database::Redeemed;
use tillmart_model::{Fault, FaultKind, Result};
use tillmart_pipeline::ListedCoupon;

/// What is known of a code without the database.
enum Looked {
    /// It may be a coupon's.
    Plausible(Code),
    /// It is none: the word for programs, and why.
    Refused(&'static str, String),
}

/// Judges a code by its check, and by the secrets where there are any.
fn look(cli: &Cli, typed: &str) -> Result<Looked> {
    let settings = settings::load(&cli.project, cli.env.as_deref(), settings::variables())?;
    let secrets = settings.coupon_secrets(&mut Keyring::new(Which::Current))?;
    Ok(match Code::read(typed) {
        Err(mistyped) => Looked::Refused(
            "mistyped",
            format!("it is mistyped: {mistyped}; a code is twelve letters and digits, look again"),
        ),
        Ok(code) if secrets.is_some_and(|secrets| !secrets.made(&code)) => {
            Looked::Refused("unknown", "it is unknown: no such code was ever made here".to_owned())
        }
        Ok(code) => Looked::Plausible(code),
    })
}

pub(super) fn verify(cli: &Cli, typed: &str) -> Result<Outcome> {
    let code = match look(cli, typed)? {
        Looked::Plausible(code) => code,
        Looked::Refused(word, why) => return refused(cli, typed, word, &why, None),
    };
    let project = wiring::open(cli)?;
    let Some(coupon) = project.runtime.block_on(project.pipeline.coupon(code))? else {
        return unissued(cli, code);
    };
    let today = project.pipeline.coupon_day();
    let listed = ListedCoupon::of(&coupon, today);
    if cli.json {
        screen::json(&listed)?;
    } else {
        screen::data(&described(&coupon, &listed));
    }
    Ok(if coupon.state(today) == State::Valid { Outcome::Done } else { Outcome::Refused })
}

pub(super) fn redeem(cli: &Cli, args: &RedeemArgs) -> Result<Outcome> {
    let typed = args.code.concat();
    let code = match look(cli, &typed)? {
        Looked::Plausible(code) => code,
        Looked::Refused(word, why) => return refused(cli, &typed, word, &why, None),
    };
    let project = wiring::open(cli)?;
    let redeem = project.pipeline.redeem_coupon(code, args.reference.clone(), args.basket, args.store);
    let today = project.pipeline.coupon_day();
    match project.runtime.block_on(redeem)? {
        Redeemed::Unknown => unissued(cli, code),
        Redeemed::Refused(coupon, refusal) => {
            let listed = ListedCoupon::of(&coupon, today);
            refused(cli, &coupon.code.to_string(), refusal.word(), &refusal.to_string(), Some(&listed))
        }
        Redeemed::Done(coupon) => {
            let listed = ListedCoupon::of(&coupon, today);
            if cli.json {
                let mut object = as_json(&listed)?;
                object["redeemed_now"] = Value::Bool(true);
                screen::json(&object)?;
            } else {
                let given = match (&listed.discount, &listed.basket) {
                    (Some(discount), Some(basket)) => {
                        format!("{} off {}", screen::money(discount), screen::money(basket))
                    }
                    _ => listed.value.clone(),
                };
                screen::data(&format!("{} is redeemed: {given}", listed.code));
            }
            Ok(Outcome::Done)
        }
    }
}

/// A code of ours that the database does not have: it was made by an issue that was never kept, or the database is another.
fn unissued(cli: &Cli, code: Code) -> Result<Outcome> {
    refused(cli, &code.to_string(), "unknown", "it is unknown: no coupon with this code was issued", None)
}

fn refused(cli: &Cli, code: &str, word: &str, why: &str, coupon: Option<&ListedCoupon>) -> Result<Outcome> {
    if cli.json {
        let coupon = coupon.map(as_json).transpose()?;
        screen::json(&json!({ "code": code, "state": word, "why": why, "redeemed_now": false, "coupon": coupon }))?;
    } else {
        screen::data(&format!("{} is not good: {why}", screen::table::visible(code)));
    }
    Ok(Outcome::Refused)
}

fn as_json(coupon: &ListedCoupon) -> Result<Value> {
    serde_json::to_value(coupon)
        .map_err(|error| Fault::new(FaultKind::Promise, "a coupon cannot be written as JSON").found(error))
}

fn described(coupon: &Coupon, listed: &ListedCoupon) -> String {
    let mut lines = vec![
        format!("code    {}", listed.code),
        format!("state   {}", listed.state),
        format!("gives   {}", listed.value),
        format!("basket  from {}", screen::money(&listed.min_basket)),
        format!("valid   {} to {}", listed.valid_from, listed.valid_until),
        format!("whose   customer {}, for {}, by the rule {}", listed.customer_id, listed.month, listed.rule),
    ];
    if let Some(redemption) = &coupon.redemption {
        let place = redemption.store_id.map_or_else(String::new, |store| format!(" in store {store}"));
        let moment = redemption.redeemed.format("%Y-%m-%d at %H:%M UTC");
        lines.push(format!("used    {moment}{place}, reference {}", screen::table::visible(&redemption.reference)));
    }
    lines.join("\n")
}
