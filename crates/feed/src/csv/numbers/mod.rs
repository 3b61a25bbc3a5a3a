//! Numbers of at most eight bytes, read as one word: the way that most numbers of a file go.
//!
//! Whatever these functions do not read goes the exact way, which says what is wrong with it.

/// Bytes that are read as one word.
const WORD: usize = 8;

const ZEROS: u64 = 0x3030_3030_3030_3030;
const EACH_BYTE: u64 = 0x0101_0101_0101_0101;
const LOW_BITS: u64 = 0x7f7f_7f7f_7f7f_7f7f;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

const POWERS: [i64; 5] = [1, 10, 100, 1000, 10_000];

/// The high bit of each byte of `word` that is zero, exactly.
pub(crate) const fn zero_bytes(word: u64) -> u64 {
    !(((word & LOW_BITS) + LOW_BITS) | word | LOW_BITS)
}

/// The bytes of `text` from `start` to `end`, 1 to 8 of them, as the high bytes of a word, last byte highest;
/// digits become their values, and the bytes below are zero. `None` where they cannot be read as one word.
#[inline]
fn word(text: &[u8], start: usize, end: usize) -> Option<u64> {
    let length = end.wrapping_sub(start);
    if length.wrapping_sub(1) >= WORD {
        return None;
    }
    let bytes = text.get(..end)?.last_chunk::<WORD>()?;
    let spare = (WORD - length) * 8;
    Some(((u64::from_le_bytes(*bytes) ^ ZEROS) >> spare) << spare)
}

/// The number that eight digit values make, the lowest byte first; `None` when one is no digit.
#[inline]
fn number(word: u64) -> Option<i64> {
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    // Adding 0x76 takes every byte above 9 into the high bit.
    if (word.wrapping_add(0x76 * EACH_BYTE) | word) & HIGH_BITS != 0 {
        return None;
    }
    let pairs = word.wrapping_mul(10).wrapping_add(word >> 8);
    let high = (pairs & PAIRS).wrapping_mul(100 + (1_000_000 << 32));
    let low = ((pairs >> 16) & PAIRS).wrapping_mul(1 + (10_000 << 32));
    Some((high.wrapping_add(low) >> 32) as i64)
}

/// Digits without a sign.
#[inline]
pub(super) fn digits(text: &[u8], start: usize, end: usize) -> Option<i64> {
    number(word(text, start, end)?)
}

/// Digits, perhaps behind a minus.
#[inline]
pub(super) fn signed(text: &[u8], start: usize, end: usize) -> Option<i64> {
    let minus = i64::from(text.get(start) == Some(&b'-'));
    let value = digits(text, start + minus as usize, end)?;
    Some((value ^ -minus) + minus)
}

/// A decimal without a sign as an integer of `scale` (at most 4) fraction digits.
#[inline]
pub(super) fn decimal(text: &[u8], start: usize, end: usize, point: u8, scale: u32) -> Option<i64> {
    let word = word(text, start, end)?;
    // The point, too, was taken for a digit.
    let point = u64::from(point) ^ (ZEROS & 0xff);
    let points = zero_bytes(word ^ (point * EACH_BYTE));
    if points == 0 {
        return Some(number(word)? * *POWERS.get(scale as usize)?);
    }
    let at = points.trailing_zeros() / 8;
    let places = WORD as u32 - 1 - at;
    if end - start < 2 || places > scale {
        return None;
    }
    // The digits before the point move up by one byte; a second point is no digit.
    let before = word & ((1 << (at * 8)) - 1);
    let after = word & (u64::MAX << (at * 8)) & !(0xff << (at * 8));
    Some(number((before << 8) | after)? * *POWERS.get((scale - places) as usize)?)
}

/// A decimal, perhaps behind a minus.
#[inline]
pub(super) fn signed_decimal(text: &[u8], start: usize, end: usize, point: u8, scale: u32) -> Option<i64> {
    let minus = i64::from(text.get(start) == Some(&b'-'));
    let value = decimal(text, start + minus as usize, end, point, scale)?;
    Some((value ^ -minus) + minus)
}
