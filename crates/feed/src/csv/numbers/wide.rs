//! Four words at once, where the machine has wide vectors. What is read, and what is not, is just what `one_by_one` says.

use super::{LANES, POWERS, UNREAD, WORD};
use std::arch::x86_64::{
    __m256i, _mm256_add_epi64, _mm256_and_si256, _mm256_andnot_si256, _mm256_blendv_epi8, _mm256_cmpeq_epi8,
    _mm256_cmpeq_epi64, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_max_epu8, _mm256_mul_epu32, _mm256_or_si256,
    _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_setzero_si256,
    _mm256_slli_epi64, _mm256_srli_epi64, _mm256_sub_epi64, _mm256_testc_si256,
};

/// Has this machine what the functions here need?
pub(super) fn is_there() -> bool {
    is_x86_feature_detected!("avx2")
}

/// Words of digits to values; false if one of them was not read.
#[target_feature(enable = "avx2")]
pub(super) fn digits(words: &[[u64; LANES]], values: &mut [[i64; LANES]]) -> bool {
    let mut all_read = _mm256_set1_epi64x(-1);
    for (words, values) in words.iter().zip(values) {
        let words = loaded(words);
        let are_read = are_digits(words);
        *values = stored(unread_but(are_read, numbers(words)));
        all_read = _mm256_and_si256(all_read, are_read);
    }
    is_all_ones(all_read)
}

/// Words of decimals to integers of `SCALE` fraction digits; false if one of them was not read.
#[target_feature(enable = "avx2")]
pub(super) fn decimals<const SCALE: u32>(words: &[[u64; LANES]], values: &mut [[i64; LANES]], point: u8) -> bool {
    let point = _mm256_set1_epi8(point.cast_signed());
    let (zero, one) = (_mm256_setzero_si256(), _mm256_set1_epi64x(1));
    let whole = _mm256_set1_epi64x(power(SCALE));
    let mut all_read = _mm256_set1_epi64x(-1);
    for (words, values) in words.iter().zip(values) {
        let words = loaded(words);
        let points = _mm256_cmpeq_epi8(words, point);
        // The lowest bit of the first point, and nothing where there is none.
        let first = _mm256_and_si256(points, _mm256_sub_epi64(zero, points));
        let has_none = _mm256_cmpeq_epi64(first, zero);
        let below = _mm256_sub_epi64(first, one);
        let at = _mm256_sub_epi64(_mm256_slli_epi64::<8>(first), first);
        // The digits before the point move up by one byte; a second point is no digit.
        let before = _mm256_slli_epi64::<8>(_mm256_and_si256(words, below));
        let after = _mm256_andnot_si256(_mm256_or_si256(below, at), words);
        let digits = _mm256_blendv_epi8(_mm256_or_si256(before, after), words, has_none);
        // As many fraction digits as there are decide what is left to multiply by; too many leave nothing.
        let mut is_fit = has_none;
        let mut factor = _mm256_and_si256(has_none, whole);
        for places in 0..=SCALE {
            let bit = 1 << (8 * (WORD as u32 - 1 - places));
            let is_so = _mm256_cmpeq_epi64(first, _mm256_set1_epi64x(bit));
            is_fit = _mm256_or_si256(is_fit, is_so);
            factor = _mm256_or_si256(factor, _mm256_and_si256(is_so, _mm256_set1_epi64x(power(SCALE - places))));
        }
        let are_read = _mm256_and_si256(is_fit, are_digits(digits));
        // Eight digits and a power of at most five each fit 32 bits.
        *values = stored(unread_but(are_read, _mm256_mul_epu32(numbers(digits), factor)));
        all_read = _mm256_and_si256(all_read, are_read);
    }
    is_all_ones(all_read)
}

const fn power(scale: u32) -> i64 {
    POWERS[scale as usize]
}

#[inline]
fn loaded(words: &[u64; LANES]) -> __m256i {
    #[allow(unsafe_code, reason = "put together word by word it is not loaded at once")]
    // SAFETY: any 32 bytes are a vector.
    unsafe {
        std::mem::transmute(*words)
    }
}

#[inline]
fn stored(values: __m256i) -> [i64; LANES] {
    #[allow(unsafe_code, reason = "taken apart word by word it is not stored at once")]
    // SAFETY: a vector is 32 bytes, and any 32 bytes are four words.
    unsafe {
        std::mem::transmute(values)
    }
}

/// All ones in each word whose eight bytes are digits.
#[target_feature(enable = "avx2")]
#[inline]
fn are_digits(words: __m256i) -> __m256i {
    let nine = _mm256_set1_epi8(9);
    let are = _mm256_cmpeq_epi8(_mm256_max_epu8(words, nine), nine);
    _mm256_cmpeq_epi64(are, _mm256_set1_epi64x(-1))
}

/// The numbers that eight digits each make: pairs, fours, all.
#[target_feature(enable = "avx2")]
#[inline]
fn numbers(words: __m256i) -> __m256i {
    // The lower byte of a pair, and the lower half of four, comes first in the text.
    let pairs = _mm256_maddubs_epi16(words, _mm256_set1_epi16(1 << 8 | 10));
    let fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(1 << 16 | 100));
    _mm256_add_epi64(_mm256_mul_epu32(fours, _mm256_set1_epi64x(10_000)), _mm256_srli_epi64::<32>(fours))
}

/// The values, and [`UNREAD`] where they mean nothing.
#[target_feature(enable = "avx2")]
#[inline]
fn unread_but(are_read: __m256i, values: __m256i) -> __m256i {
    _mm256_blendv_epi8(_mm256_set1_epi64x(UNREAD), values, are_read)
}

#[target_feature(enable = "avx2")]
#[inline]
fn is_all_ones(all: __m256i) -> bool {
    _mm256_testc_si256(all, _mm256_set1_epi64x(-1)) == 1
}
