//! Every input is a file, the contract it is read by and the pushes it comes in: crates/feed/tests/support/scenario.rs
//! tells how, and what is checked.

#![no_main]

mod mutate;
#[path = "../../crates/feed/tests/support/mod.rs"]
mod support;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use support::scenario::{SETTINGS_BYTES, Scenario};

fuzz_target!(|bytes: &[u8]| {
    let _ = Scenario::of(bytes).map(|scenario| scenario.check());
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(u64::from(seed));
    if size < SETTINGS_BYTES || rng.random() {
        return fuzzer_mutate(data, size, max_size);
    }
    let mut bytes = data[..size].to_vec();
    for _ in 0..rng.random_range(1..4) {
        mutate::mutate(&mut bytes, &mut rng);
    }
    bytes.truncate(max_size);
    data[..bytes.len()].copy_from_slice(&bytes);
    bytes.len()
});
