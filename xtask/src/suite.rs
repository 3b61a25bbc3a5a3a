//! The test suite.

use crate::Outcome;
use crate::machine::{cargo, shown, works};
use crate::servers;

/// Makes sure of the servers that tests start, and runs every test of the workspace; the runner's own summary is the last thing printed.
pub(crate) fn run() -> Outcome {
    servers::ensure()?;
    if works(cargo(&["nextest", "--version"])) {
        println!("test runner: cargo nextest");
        shown(cargo(&["nextest", "run", "--workspace"]))
    } else {
        println!("test runner: cargo test (cargo-nextest is not installed; it runs the same tests faster)");
        shown(cargo(&["test", "--workspace", "--tests"]))
    }
}
