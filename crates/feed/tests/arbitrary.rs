//! Arbitrary files, contracts and pushes: all that `cargo xtask fuzz` found worth keeping, and random ones.

mod support;

use rand::Rng;
use rand::seq::IndexedRandom;
use std::path::Path;
use support::Chance;
use support::scenario::{SETTINGS_BYTES, Scenario};

/// Inputs of the fuzzer, by which it reached each part of the decoder.
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/decode");

const CASES: usize = 3_000;

fn corpus() -> Vec<Vec<u8>> {
    let mut paths: Vec<_> = std::fs::read_dir(Path::new(CORPUS)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn the_corpus_of_the_fuzzer_is_read_the_same_in_every_way() {
    let (mut landed, mut rejected, mut faults) = (0, 0, 0);
    for bytes in corpus() {
        match Scenario::of(&bytes).map(|scenario| scenario.check()) {
            Some(Ok(outcome)) => {
                landed += outcome.tally.rows_landed;
                rejected += outcome.tally.rows_rejected();
            }
            Some(Err(_)) => faults += 1,
            None => {}
        }
    }
    assert!(landed > 100 && rejected > 100 && faults > 5, "{landed} landed, {rejected} rejected, {faults} faults");
}

/// Two of the corpus, spliced, under settings that neither had.
#[test]
fn files_made_of_pieces_of_the_corpus_are_read_the_same_in_every_way() {
    let corpus = corpus();
    let mut chance = Chance::new();
    let rng = &mut chance.rng;
    for _ in 0..CASES {
        let mut bytes: Vec<u8> = (0..SETTINGS_BYTES).map(|_| if rng.random() { rng.random() } else { 0 }).collect();
        for _ in 0..2 {
            let other = corpus.choose(rng).unwrap();
            let from = rng.random_range(SETTINGS_BYTES.min(other.len())..=other.len());
            let until = rng.random_range(from..=other.len());
            bytes.extend(&other[from..until]);
        }
        let _ = Scenario::of(&bytes).map(|scenario| scenario.check());
    }
}
