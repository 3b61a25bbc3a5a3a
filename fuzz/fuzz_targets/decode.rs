//! Every input is a file, the contract it is read by and the pushes it comes in: crates/feed/tests/support/scenario.rs
//! tells how, and what is checked.

#![no_main]

#[path = "../../crates/feed/tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use support::scenario::Scenario;

fuzz_target!(|bytes: &[u8]| {
    let _ = Scenario::of(bytes).map(|scenario| scenario.check());
});
