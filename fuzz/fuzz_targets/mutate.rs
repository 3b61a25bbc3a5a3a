//! Changes to an input that know what a file is made of: settings, lines, cells.

use crate::support::scenario::SETTINGS_BYTES;
use rand::Rng;
use rand::seq::IndexedRandom;

/// Cells that are read in one way or another, or not at all.
const CELLS: [&[u8]; 40] = [
    b"",
    b" ",
    b"-",
    b"+3",
    b" 7 ",
    b"007",
    b"1.0",
    b"100",
    b"12345678",
    b"123456789",
    b"9223372036854775808",
    b"2147483648",
    b"-2147483648",
    b"12345678901234567890",
    b"1234567.5",
    b"99999999.99",
    b"9999999999.9999",
    b"10000000000",
    b"0.00001",
    b"0.005",
    b"-0.005",
    b"1.2.3",
    b"2,50",
    b".5",
    b"5.",
    b"2024-02-29",
    b"2023-02-29",
    b"2024-07-02",
    b"2024-6-1",
    b"30/06/2024",
    b"0000-01-01",
    b"tea",
    b"caf\xc3\xa9",
    b"caf\xe9",
    b"\xff",
    b"\"\"",
    b"\"a \"\"b\"\"\"",
    b"\"two\nlines\"",
    b"\"a\r\n\"",
    b"tea\r",
];

/// Changes `bytes` in one place that means something.
pub(crate) fn mutate(bytes: &mut Vec<u8>, rng: &mut impl Rng) {
    let (settings, file) = bytes.split_at_mut(SETTINGS_BYTES);
    if file.is_empty() || rng.random_ratio(1, 3) {
        let place = rng.random_range(0..SETTINGS_BYTES);
        // One switch, or what no series of switches comes to.
        settings[place] = if rng.random() { settings[place] ^ (1 << rng.random_range(0..8)) } else { rng.random() };
        return;
    }
    let file = file.to_vec();
    let separators: &[u8] = if rng.random() { b"\n" } else { b"\n,;\t|" };
    let mut parts: Vec<Vec<u8>> = Vec::new();
    for part in file.split_inclusive(|byte| separators.contains(byte)) {
        parts.push(part.to_vec());
    }
    let (from, to) = (rng.random_range(0..parts.len()), rng.random_range(0..parts.len()));
    match rng.random_range(0..5) {
        0 => {
            parts.remove(from);
        }
        1 => parts.insert(to, parts[from].clone()),
        2 => parts[to] = parts[from].clone(),
        3 => parts.swap(from, to),
        _ => {
            let end = parts[to].pop_if(|last| separators.contains(last));
            let cell = CELLS.choose(rng).copied().unwrap_or_default();
            let quoted = [b"\"", parts[to].as_slice(), b"\""].concat();
            parts[to] = if rng.random_ratio(1, 4) { quoted } else { cell.to_vec() };
            parts[to].extend(end);
        }
    }
    bytes.truncate(SETTINGS_BYTES);
    bytes.extend(parts.concat());
}
