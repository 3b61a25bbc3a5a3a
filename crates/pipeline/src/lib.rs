//! The life of a source file, one module a step, in the order of the flow.
//!
//! [`Pipeline`] holds the seams (store, lake, database roles, engine, clock); each step takes a batch in one state and
//! leaves it in the next. A step may be repeated: what it did before is found in the ledger and in the tables' own
//! transaction ids, never in memory.

mod marts;

mod lease;

mod discover;

mod classify;

mod land;
mod stretches;

mod check;

mod commit;

mod deltas;

mod payments;

mod publish;

mod archive;
mod by_row;

mod run;

mod replay;

mod revoke;

mod complete;
mod enrich;

mod fill;

mod renew;

mod history;

mod patch;

mod optimize;

mod verify;

mod compare;

mod moment;

mod verify_rows;

mod look;

mod reports;

mod explore;

mod doctor;

mod coupons;

mod observe;

mod shop;

mod summary;

pub use coupons::{
    BeforeRule, CouponFilter, CouponPlan, CouponRules, CouponsIssued, IssuedBefore, IssuedNow, ListedCoupon,
    PlannedCoupon, PlannedRule,
};
pub use doctor::Finding;
pub use enrich::{PublishedChange, ReEnriched, RowsChanged};
pub use explore::{Answer, Explorer, KnownTable};
pub use history::Loaded;
pub use look::{OpenReject, RejectFilter, Status};
pub use marts::{BUILT_IN, MAY_BE_LEFT_OUT, Marts, REJECTS, SALES_MART};
pub use observe::{Observer, Point, Silent};
pub use optimize::Optimized;
pub use renew::{PayChange, Renewal};
pub use reports::{DailyRequest, IncentivesRequest, MonthlyRequest, ReportOptions, WrittenReport};
pub use shop::{Options, Pipeline, Seams};
pub use summary::{PlannedFile, RunPlan, Summary};
pub use verify::{Difference, Verified};
