//! Words against a reading digit by digit, in every way that this machine has.

use super::*;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Digits, signs and points in odd places, and what is none of them.
fn cell(rng: &mut Xoshiro256PlusPlus) -> Vec<u8> {
    let mut text: Vec<u8> = (0..rng.random_range(0..11)).map(|_| rng.random_range(b'0'..=b'9')).collect();
    if rng.random_ratio(1, 2) {
        let at = rng.random_range(0..=text.len());
        text.insert(at, b'.');
    }
    if rng.random_ratio(1, 3) {
        text.insert(0, b'-');
    }
    if rng.random_ratio(1, 6) && !text.is_empty() {
        let at = rng.random_range(0..text.len());
        text[at] = *[b'.', b'-', b'/', b':', b' ', 0, 0x10, 0x80, 0xff, b'a'].choose(rng).expect("some");
    }
    text
}

/// At most eight bytes, digits and a point at most, with so many places at most.
fn slow(text: &[u8], scale: Option<u32>) -> Option<i64> {
    let (mut value, mut places, mut digits) = (0_i64, None, 0);
    if text.len() > WORD || text.is_empty() {
        return None;
    }
    for byte in text {
        match byte {
            b'.' if scale.is_some() && places.is_none() => places = Some(0),
            b'0'..=b'9' => {
                value = value * 10 + i64::from(byte - b'0');
                places = places.map(|places| places + 1);
                digits += 1;
            }
            _ => return None,
        }
    }
    let scale = scale.unwrap_or(0);
    let missing = scale.checked_sub(places.unwrap_or(0))?;
    (digits > 0).then(|| value * POWERS[missing as usize])
}

fn wanted(cells: &[Vec<u8>], scale: Option<u32>) -> Vec<i64> {
    cells.iter().map(|cell| slow(cell, scale).unwrap_or(UNREAD)).collect()
}

#[test]
fn a_column_of_numbers_is_what_reading_digit_by_digit_gives() {
    let seed = crate::test_seed();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let (mut numbers, mut values) = (Numbers::default(), Vec::new());
    for _ in 0..5_000 {
        let cells: Vec<Vec<u8>> = (0..rng.random_range(0..20)).map(|_| cell(&mut rng)).collect();
        // A word is read backwards from its end: what stands before the first cell is of no cell.
        let mut text = b"12345678".to_vec();
        let bounds: Vec<(usize, usize)> = cells
            .iter()
            .map(|cell| {
                let start = text.len();
                text.extend_from_slice(cell);
                (start, text.len())
            })
            .collect();
        let told = || format!("{}, TILLMART_SEED={seed}", text.escape_ascii());
        let check = |all_read: bool, values: &[i64], wanted: Vec<i64>| {
            assert_eq!(values, wanted, "{}", told());
            assert_eq!(all_read, !wanted.contains(&UNREAD), "{}", told());
        };
        numbers.read(&text, bounds.iter().copied().map(Some));
        let all_read = numbers.digits(&mut values);
        check(all_read, &values, wanted(&cells, None));
        numbers.read_decimals(&text, bounds.iter().copied(), b'.');
        let all_read = numbers.decimals::<4>(b'.', &mut values);
        check(all_read, &values, wanted(&cells, Some(4)));
        let all_read = numbers.decimals::<2>(b'.', &mut values);
        check(all_read, &values, wanted(&cells, Some(2)));
    }
}

#[test]
fn a_cell_that_stands_for_nothing_is_zero() {
    let (mut numbers, mut values) = (Numbers::default(), Vec::new());
    numbers.read(b"12345678", [Some((0, 8)), None, Some((6, 8))].into_iter());
    assert!(numbers.digits(&mut values));
    assert_eq!(values, [12_345_678, 0, 78]);
    numbers.read(b"1234567", [Some((0, 7)), Some((3, 3))].into_iter());
    assert!(
        !numbers.digits(&mut values),
        "fewer than eight bytes before the end, and no byte at all, are not read here"
    );
    assert_eq!(values, [UNREAD, UNREAD]);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn four_words_at_once_are_four_words_one_by_one() {
    if !wide::is_there() {
        // The other tests hold the only way that this machine has.
        return;
    }
    let seed = crate::test_seed();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let byte = |rng: &mut Xoshiro256PlusPlus| match rng.random_range(0..20) {
        0 => digit(b'.'),
        1 => rng.random(),
        _ => rng.random_range(0..10),
    };
    for _ in 0..20_000 {
        let words: [[u64; LANES]; 2] =
            [(); 2].map(|()| [(); LANES].map(|()| u64::from_le_bytes([(); WORD].map(|()| byte(&mut rng)))));
        let check = |wide: (bool, [[i64; LANES]; 2]), read: &dyn Fn(u64) -> Option<i64>| {
            let mut values = [[0; LANES]; 2];
            let all_read = one_by_one(&words, &mut values, read);
            assert_eq!(wide, (all_read, values), "{words:x?}, TILLMART_SEED={seed}");
        };
        let mut values = [[0; LANES]; 2];
        #[allow(unsafe_code, reason = "the machine was asked for just what the functions are compiled for")]
        // SAFETY: `is_there` found every feature that these are compiled with; they have no other condition.
        unsafe {
            check((wide::digits(&words, &mut values), values), &number);
            check((wide::decimals::<2>(&words, &mut values, digit(b'.')), values), &|word| {
                decimal(word, digit(b'.'), 2)
            });
            check((wide::decimals::<4>(&words, &mut values, digit(b'.')), values), &|word| {
                decimal(word, digit(b'.'), 4)
            });
        }
    }
}
