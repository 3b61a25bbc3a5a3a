//! `coupons`.

use super::EXIT_CODES;
use clap::{Args, Subcommand, ValueEnum, value_parser};
use tillmart_coupon::{Month, State};
use tillmart_model::money::{TOTAL_PRECISION, TOTAL_SCALE, parse_decimal};

pub(super) const COUPONS_HELP: &str = "\
Examples:
  tillmart coupons plan --month 2011-11                 who would get what, and what it may cost
  tillmart coupons issue --month 2011-11                issue them; a second time gives nothing new
  tillmart coupons export --month 2011-11 > list.csv    for the campaign tool
  tillmart coupons verify 4Z7K-9QWM-01XR                how a coupon stands
  tillmart coupons redeem 4Z7K-9QWM-01XR --basket 62.40 --store 101 --reference 'till 4, bill 1733'

Rules stand in tillmart.toml, a table [coupons.rules.NAME] each: see docs/coupons.md.

Exit codes:
   0  all done; verify: it may be redeemed; redeem: it is redeemed
   1  verify, redeem: it may not be, and why
   2  could not do it, or could not tell";

/// Commands of `coupons`.
#[derive(Debug, Subcommand)]
pub(crate) enum CouponsCommand {
    /// Show who would get what and what it may cost. Changes nothing.
    #[command(after_help = EXIT_CODES)]
    Plan {
        /// The month whose sales decide, YYYY-MM.
        #[arg(long, value_name = "MONTH", value_parser = month)]
        month: Month,
        /// Most customers to name for each rule; 0 for all.
        #[arg(long, value_name = "N", default_value_t = 10)]
        limit: u64,
    },
    /// Issue the coupons of a month, once: a rule that was issued for it stays as it is.
    #[command(after_help = EXIT_CODES)]
    Issue {
        /// The month whose sales decide, YYYY-MM. It must be over.
        #[arg(long, value_name = "MONTH", value_parser = month)]
        month: Month,
    },
    /// List issued coupons, newest issue first.
    #[command(after_help = EXIT_CODES)]
    List {
        /// Which coupons.
        #[command(flatten)]
        which: CouponsFilter,
        /// Only coupons of this month, YYYY-MM.
        #[arg(long, value_name = "MONTH", value_parser = month)]
        month: Option<Month>,
        /// Most coupons to list; 0 for all.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u64,
    },
    /// Write the coupons of a month as CSV for a campaign tool, with how to reach each customer.
    #[command(after_help = EXIT_CODES)]
    Export {
        /// The month, YYYY-MM.
        #[arg(long, value_name = "MONTH", value_parser = month)]
        month: Month,
        /// Which coupons.
        #[command(flatten)]
        which: CouponsFilter,
        /// Write texts as they are: for a program, not for a spreadsheet, which takes some for formulas.
        #[arg(long, conflicts_with = "json")]
        raw: bool,
    },
    /// Tell how a coupon stands. Mistyped and forged codes are told without the database.
    #[command(after_help = COUPONS_HELP)]
    Verify {
        /// The code, in any case of letters, with or without hyphens and blanks.
        #[arg(value_name = "CODE", required = true, num_args = 1..)]
        code: Vec<String>,
    },
    /// Redeem a coupon, once, whoever else asks at the same moment.
    #[command(after_help = COUPONS_HELP)]
    Redeem(RedeemArgs),
}

/// Arguments of `coupons redeem`.
#[derive(Debug, Args)]
pub(crate) struct RedeemArgs {
    /// The code, in any case of letters, with or without hyphens and blanks.
    #[arg(value_name = "CODE", required = true, num_args = 1..)]
    pub(crate) code: Vec<String>,
    /// What the basket comes to before the coupon, such as 62.40.
    #[arg(long, value_name = "AMOUNT", value_parser = amount, allow_negative_numbers = true)]
    pub(crate) basket: Option<i64>,
    /// The store's number.
    #[arg(long, value_name = "ID", value_parser = value_parser!(i32).range(0..))]
    pub(crate) store: Option<i32>,
    /// The till's own name for this redemption: repeated after a lost answer it gives the same answer, not a refusal.
    #[arg(long, value_name = "TEXT", value_parser = reference)]
    pub(crate) reference: Option<String>,
}

/// Which coupons; without a filter all of them.
#[derive(Debug, Args)]
pub(crate) struct CouponsFilter {
    /// Only coupons of this rule.
    #[arg(long, value_name = "NAME")]
    pub(crate) rule: Option<String>,
    /// Only those that stand so today: valid, not_yet, expired or redeemed.
    #[arg(long, value_name = "STATE", hide_possible_values = true)]
    pub(crate) state: Option<CouponState>,
}

/// How a coupon stands, as a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum CouponState {
    /// It may be redeemed.
    Valid,
    /// Its first day is to come.
    NotYet,
    /// Its last day has passed.
    Expired,
    /// It was redeemed.
    Redeemed,
}

impl From<CouponState> for State {
    fn from(state: CouponState) -> State {
        match state {
            CouponState::Valid => State::Valid,
            CouponState::NotYet => State::NotYet,
            CouponState::Expired => State::Expired,
            CouponState::Redeemed => State::Redeemed,
        }
    }
}

fn month(text: &str) -> Result<Month, String> {
    text.parse()
}

fn amount(text: &str) -> Result<i64, String> {
    let cents = parse_decimal(text.trim().as_bytes(), b'.', TOTAL_PRECISION, TOTAL_SCALE).ok();
    let cents = cents.and_then(|cents| i64::try_from(cents).ok()).filter(|cents| *cents >= 0);
    cents.ok_or_else(|| "expected an amount such as 62.40, not negative".to_owned())
}

fn reference(text: &str) -> Result<String, String> {
    const LETTERS_MAX: usize = 200;
    if text.trim().is_empty() || text.chars().count() > LETTERS_MAX {
        return Err(format!("expected a text of 1 to {LETTERS_MAX} letters"));
    }
    Ok(text.to_owned())
}
