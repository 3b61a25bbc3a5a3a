//! Coupons: who gets one, what it is worth, how its code is made, and what a till is told.
//!
//! Pure and synchronous: figures come in, decisions go out. Money is in integer cents.
//!
//! - [`Rule`]: who gets what, within which bounds; [`Figures`] is all that a rule looks at.
//! - [`Selector`]: everybody's figures to who gets a coupon.
//! - [`Code`] and [`Secrets`]: codes that are typed by hand and made with a secret.
//! - [`Coupon`]: an issued one, and whether it may be redeemed.
//! - [`sheet`]: lines of a CSV file that spreadsheets open without harm.

mod code;
mod coupon;
mod figures;
mod hold_out;
mod month;
mod offer;
mod rule;
mod selection;
pub mod sheet;

pub use code::{Code, Mistyped, SECRET_BYTES_MIN, SYMBOLS, Secrets};
pub use coupon::{Coupon, Issue, Redemption, Refusal, State, Terms, Till};
pub use figures::{Figures, Points, Scale, Score};
pub use hold_out::HoldOut;
pub use month::Month;
pub use offer::{Offer, Value, percent_text};
pub use rule::{Rule, Who};
pub use selection::{Given, Picked, Selector};
