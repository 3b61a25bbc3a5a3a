//! One module a command: it opens the project, asks the pipeline, and shows the answer.

pub(crate) mod config;
pub(crate) mod coupons;
pub(crate) mod db;
pub(crate) mod demo;
pub(crate) mod dimensions;
pub(crate) mod doctor;
pub(crate) mod files;
pub(crate) mod generate;
pub(crate) mod incentives;
pub(crate) mod init;
pub(crate) mod optimize;
pub(crate) mod query;
pub(crate) mod rebuild;
pub(crate) mod rejects;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod secrets;
pub(crate) mod status;
pub(crate) mod verify;

use std::process::ExitCode;
use tillmart_model::{Fault, FaultKind};

/// How a command that could be carried out ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All done: exit 0.
    Done,
    /// Done, but something was rejected: exit 1.
    WithRejects,
    /// Looked at, and a secret stands in the settings file in clear text: exit 1.
    WithClearText,
    /// A coupon is not good, and was not redeemed: exit 1.
    Refused,
    /// It was looked at, and it is not as it should be: exit 2.
    NotGood,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        match outcome {
            Outcome::Done => ExitCode::SUCCESS,
            Outcome::WithRejects | Outcome::WithClearText | Outcome::Refused => ExitCode::from(1),
            Outcome::NotGood => ExitCode::from(2),
        }
    }
}

/// 75 (try again later) when another run holds the lease, else 2.
pub(crate) fn exit_code(fault: &Fault) -> ExitCode {
    match fault.kind {
        FaultKind::Busy => ExitCode::from(75),
        _ => ExitCode::from(2),
    }
}
