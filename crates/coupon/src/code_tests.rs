use super::*;
use std::collections::HashSet;

fn secrets() -> Secrets {
    Secrets::new(&Secret::new("a secret of some length"), &[]).expect("long enough")
}

fn codes(count: i64) -> impl Iterator<Item = Code> {
    let secrets = secrets();
    (1..=count).map(move |customer| secrets.code(customer, "big_spenders", "2011-11", 0))
}

/// 40 bits: among a million codes 0.45 pairs are expected to be equal at counter 0, so a project meets one sooner or later, and
/// the next counter parts them. The secret is fixed, so this is the same on every machine.
#[test]
fn a_million_codes_are_all_different() {
    let secrets = secrets();
    let mut seen = HashSet::with_capacity(1_000_000);
    let mut again = 0;
    for customer in 1..=1_000_000 {
        let mut counter = 0;
        while !seen.insert(secrets.code(customer, "big_spenders", "2011-11", counter)) {
            counter += 1;
            again += 1;
        }
    }
    assert_eq!(seen.len(), 1_000_000);
    assert!(again <= 5, "{again} codes were met before: more than chance explains");
}

/// Every code, every place, every other symbol; and every two places swapped, neighbours or not.
#[test]
fn every_wrong_symbol_and_every_swap_is_refused() {
    for code in codes(2_000) {
        for place in 0..SYMBOLS {
            for symbol in (0..32).filter(|symbol| *symbol != code.0[place]) {
                let mut typed = code;
                typed.0[place] = symbol;
                assert_eq!(Code::read(&typed.to_string()), Err(Mistyped::Check), "{code} as {typed}");
            }
            for other in 0..place {
                let mut typed = code;
                typed.0.swap(place, other);
                let read = Code::read(&typed.to_string());
                assert_eq!(read.is_err(), code.0[place] != code.0[other], "{code} as {typed}");
            }
        }
    }
}

/// The sum is linear, so whether a mistake is found does not depend on the code: this is the proof for all of them.
#[test]
fn the_check_finds_mistakes_whatever_the_code() {
    for place in 0..SYMBOLS {
        for difference in 1..32 {
            let mut mistake = [0; SYMBOLS];
            mistake[place] = difference;
            assert_ne!(sum(&mistake), 0, "one wrong symbol at {place}");
            for other in 0..place {
                mistake[other] = difference;
                assert_ne!(sum(&mistake), 0, "{place} and {other} swapped, or both wrong by the same");
                mistake[other] = 0;
            }
        }
    }
}

#[test]
fn what_was_typed_is_read_with_patience() {
    let code = codes(1).next().expect("one");
    let written = code.to_string();
    assert_eq!(written.len(), 14);
    assert_eq!(Code::read(&written), Ok(code));
    let sloppy = written.to_lowercase().replace('0', "o").replace('1', "l").replace('-', " – ");
    assert_eq!(Code::read(&format!("  {sloppy}\t")), Ok(code));
    assert_eq!(Code::read(&code.symbols().replace('1', "I")), Ok(code));
    assert_eq!(Code::read(""), Err(Mistyped::Length(0)));
    assert_eq!(Code::read(&written[..13]), Err(Mistyped::Length(11)));
    assert_eq!(Code::read(&format!("{written}00")), Err(Mistyped::Length(14)));
    assert_eq!(Code::read("U000-0000-0000"), Err(Mistyped::Symbol('U', 1)));
    assert_eq!(Code::read("0000-é"), Err(Mistyped::Symbol('é', 5)));
    assert_eq!(Code::read("0000-0000-0000"), Ok(Code([0; SYMBOLS])), "it goes together, but nobody made it");
}

#[test]
fn a_code_is_known_by_the_secrets_that_are_known() {
    let old = Secret::new("the secret of last year");
    let new = Secret::new("the secret of this year");
    let before = Secrets::new(&old, &[]).expect("long enough");
    let after = Secrets::new(&new, std::slice::from_ref(&old)).expect("long enough");
    let forgotten = Secrets::new(&new, &[]).expect("long enough");
    let code = before.code(7, "lapsed", "2011-11", 0);
    assert!(before.made(&code) && after.made(&code) && !forgotten.made(&code));
    assert_ne!(after.code(7, "lapsed", "2011-11", 0), code, "new ones are made with the new secret");
    assert!(after.know(before.name()) && !forgotten.know(before.name()));
    assert_eq!(Secrets::new(&new, &[old, Secret::new("short")]).err(), Some(2));
    assert_eq!(Secrets::new(&Secret::new("123456789012345"), &[]).err(), Some(0));
    assert!(!format!("{after:?}").contains("year"));
}

#[test]
fn every_part_of_a_coupon_makes_its_code() {
    let secrets = secrets();
    let all = [
        secrets.code(1, "a", "2011-11", 0),
        secrets.code(2, "a", "2011-11", 0),
        secrets.code(1, "b", "2011-11", 0),
        secrets.code(1, "a", "2011-12", 0),
        secrets.code(1, "a", "2011-11", 1),
        secrets.code(1, "a2", "011-11", 0),
    ];
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    assert_eq!(all[0], secrets.code(1, "a", "2011-11", 0));
}

/// A forged code with a right check has a right mark once in 32,768 times: 100,000 of them give three, by chance more or fewer.
#[test]
fn forged_codes_are_told_without_a_database() {
    let (secrets, forger) = (secrets(), Secrets::new(&Secret::new("another long secret"), &[]).expect("long enough"));
    let passed = (0..100_000).filter(|id| secrets.made(&forger.code(*id, "a", "2011-11", 0))).count();
    assert!(passed <= 12, "{passed}");
}
