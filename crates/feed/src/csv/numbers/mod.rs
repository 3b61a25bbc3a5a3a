//! Numbers of at most eight bytes, each read as one word, and the words of a column turned into values together: the way that most
//! numbers of a file go.
//!
//! Whatever is not read here goes the exact way, which says what is wrong with it.

#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod wide;

/// Bytes that are read as one word.
const WORD: usize = 8;

/// Words that are turned into values at once, where the machine can.
const LANES: usize = 4;

const ZEROS: u64 = 0x3030_3030_3030_3030;
const EACH_BYTE: u64 = 0x0101_0101_0101_0101;
const LOW_BITS: u64 = 0x7f7f_7f7f_7f7f_7f7f;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

const POWERS: [i64; 5] = [1, 10, 100, 1000, 10_000];

/// The word of what cannot be read as one: no byte of it is a digit.
const NO_WORD: u64 = u64::MAX;

/// Stands for a value that was not read.
pub(super) const UNREAD: i64 = i64::MIN;

/// The high bit of each byte of `word` that is zero, exactly.
pub(crate) const fn zero_bytes(word: u64) -> u64 {
    !(((word & LOW_BITS) + LOW_BITS) | word | LOW_BITS)
}

/// The numbers of a column on their way from cells to values; reused from column to column.
#[derive(Default)]
pub(super) struct Numbers {
    words: Vec<u64>,
}

impl Numbers {
    /// Takes in cells of digits, by first byte and end. `None` is a cell that stands for 0.
    #[inline]
    pub(super) fn read(&mut self, text: &[u8], cells: impl Iterator<Item = Option<(usize, usize)>>) {
        self.words.clear();
        self.words.extend(cells.map(|cell| cell.map_or(0, |(start, end)| word(text, start, end))));
    }

    /// Takes in cells of decimals.
    #[inline]
    pub(super) fn read_decimals(&mut self, text: &[u8], cells: impl Iterator<Item = (usize, usize)>, point: u8) {
        self.words.clear();
        self.words.extend(cells.map(|(start, end)| decimal_word(text, start, end, point)));
    }

    /// Makes `values` the numbers taken in; false if one of them is [`UNREAD`].
    pub(super) fn digits(&mut self, values: &mut Vec<i64>) -> bool {
        self.values(values, |words, values| {
            #[cfg(target_arch = "x86_64")]
            if wide::is_there() {
                #[allow(unsafe_code, reason = "the machine was asked for just what the function is compiled for")]
                // SAFETY: `is_there` found every feature that `digits` is compiled with; it has no other condition.
                return unsafe { wide::digits(words, values) };
            }
            one_by_one(words, values, number)
        })
    }

    /// Makes `values` the decimals taken in, as integers of `SCALE` (at most 4) fraction digits; false if one of them is
    /// [`UNREAD`].
    pub(super) fn decimals<const SCALE: u32>(&mut self, point: u8, values: &mut Vec<i64>) -> bool {
        let point = digit(point);
        self.values(values, |words, values| {
            #[cfg(target_arch = "x86_64")]
            if wide::is_there() {
                #[allow(unsafe_code, reason = "the machine was asked for just what the function is compiled for")]
                // SAFETY: `is_there` found every feature that `decimals` is compiled with; it has no other condition.
                return unsafe { wide::decimals::<SCALE>(words, values, point) };
            }
            one_by_one(words, values, |word| decimal(word, point, SCALE))
        })
    }

    #[inline]
    fn values(
        &mut self,
        values: &mut Vec<i64>,
        turn: impl FnOnce(&[[u64; LANES]], &mut [[i64; LANES]]) -> bool,
    ) -> bool {
        let rows = self.words.len();
        let padded = rows.next_multiple_of(LANES);
        self.words.resize(padded, 0);
        values.clear();
        values.resize(padded, 0);
        let all_read = turn(self.words.as_chunks().0, values.as_chunks_mut().0);
        self.words.truncate(rows);
        values.truncate(rows);
        all_read
    }
}

/// Where the machine cannot do several words at once.
fn one_by_one(words: &[[u64; LANES]], values: &mut [[i64; LANES]], read: impl Fn(u64) -> Option<i64>) -> bool {
    let mut all_read = true;
    for (word, value) in words.as_flattened().iter().zip(values.as_flattened_mut()) {
        let found = read(*word);
        all_read &= found.is_some();
        *value = found.unwrap_or(UNREAD);
    }
    all_read
}

/// What a byte becomes as a digit value; of other bytes than digits it is above 9.
const fn digit(byte: u8) -> u8 {
    byte ^ (ZEROS & 0xff) as u8
}

/// The bytes of `text` from `start` to `end`, 1 to 8 of them, as the high bytes of a word, last byte highest;
/// digits become their values, and the bytes below are zero. [`NO_WORD`] where they cannot be read as one word.
#[inline]
fn word(text: &[u8], start: usize, end: usize) -> u64 {
    let length = end.wrapping_sub(start);
    // Where there are no eight bytes before its end, its beginning wraps around to where there is no text.
    let bytes = text.get(end.wrapping_sub(WORD)..end).and_then(<[u8]>::first_chunk::<WORD>);
    match bytes {
        Some(bytes) if length.wrapping_sub(1) < WORD => {
            let spare = (WORD - length) * 8;
            ((u64::from_le_bytes(*bytes) ^ ZEROS) >> spare) << spare
        }
        _ => NO_WORD,
    }
}

/// The same of a decimal: a point alone, which is as good as nothing before it in a word, is none.
#[inline]
fn decimal_word(text: &[u8], start: usize, end: usize, point: u8) -> u64 {
    let word = word(text, start, end);
    if end.wrapping_sub(start) == 1 && word >> 56 == u64::from(digit(point)) { NO_WORD } else { word }
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

/// A decimal as an integer of `scale` (at most 4) fraction digits. `point` is told as the digit that it was taken for.
#[inline]
fn decimal(word: u64, point: u8, scale: u32) -> Option<i64> {
    let points = zero_bytes(word ^ (u64::from(point) * EACH_BYTE));
    if points == 0 {
        return Some(number(word)? * *POWERS.get(scale as usize)?);
    }
    let at = points.trailing_zeros() / 8;
    let places = WORD as u32 - 1 - at;
    if places > scale {
        return None;
    }
    // The digits before the point move up by one byte; a second point is no digit.
    let before = word & ((1 << (at * 8)) - 1);
    let after = word & (u64::MAX << (at * 8)) & !(0xff << (at * 8));
    Some(number((before << 8) | after)? * *POWERS.get((scale - places) as usize)?)
}
