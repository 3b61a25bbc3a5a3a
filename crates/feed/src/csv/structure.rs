//! Where the cells and lines of a block of text end: every delimiter, line end and quote, found 64 bytes at a time.

use super::numbers::zero_bytes;

/// Bytes looked at together: one bit each in a word.
const STEP: usize = 64;

/// The structure of one block, whose first byte is the first byte of a record. Reused from block to block.
///
/// Quotes are taken to toggle between inside and outside: the answer is right for every record before the first one
/// whose quotes are wrong.
#[derive(Debug, Default)]
pub(super) struct Structure {
    /// `u32::MAX` (one before the block), then every delimiter and line end outside of quotes.
    edges: Vec<u32>,
    edges_found: usize,
    /// Which of `edges` are line ends.
    line_ends: Vec<u32>,
    quotes: Vec<u32>,
    /// Line ends inside of quotes.
    inner: Vec<u32>,
}

/// The bits of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bits {
    delimiters: u64,
    line_ends: u64,
    quotes: u64,
}

impl Structure {
    /// Finds the structure of `block`, which is shorter than 4 GiB.
    pub(super) fn scan(&mut self, block: &[u8], delimiter: u8, quote: u8) {
        #[cfg(target_arch = "x86_64")]
        if wide::is_there() {
            #[allow(unsafe_code, reason = "the machine was asked for just what the function is compiled for")]
            // SAFETY: `is_there` found every feature that `scan` is compiled with; it has no other condition.
            unsafe {
                wide::scan(self, block, delimiter, quote);
            }
            return;
        }
        self.scan_by(block, |step| portable_bits(step, delimiter, quote));
    }

    #[inline(always)]
    fn scan_by(&mut self, block: &[u8], bits: impl Fn(&[u8; STEP]) -> Bits) {
        self.line_ends.clear();
        self.quotes.clear();
        self.inner.clear();
        self.edges.resize(block.len() + STEP + 1, 0);
        self.edges[0] = u32::MAX;
        self.edges_found = 1;
        // All ones while the step before ended inside of quotes.
        let mut inside = 0;
        let (steps, rest) = block.as_chunks::<STEP>();
        let mut base = 0;
        for step in steps {
            inside = self.step(base, bits(step), inside);
            base += STEP as u32;
        }
        if !rest.is_empty() {
            let mut step = [0; STEP];
            step[..rest.len()].copy_from_slice(rest);
            let there = (1 << rest.len()) - 1;
            let Bits { delimiters, line_ends, quotes } = bits(&step);
            let bits = Bits { delimiters: delimiters & there, line_ends: line_ends & there, quotes: quotes & there };
            self.step(base, bits, inside);
        }
    }

    /// Every edge found, behind `u32::MAX`.
    pub(super) fn edges(&self) -> &[u32] {
        &self.edges[..self.edges_found]
    }

    /// Which edges are line ends.
    pub(super) fn line_ends(&self) -> &[u32] {
        &self.line_ends
    }

    /// Every quote.
    pub(super) fn quotes(&self) -> &[u32] {
        &self.quotes
    }

    /// Every line end inside of quotes.
    pub(super) fn inner_line_ends(&self) -> &[u32] {
        &self.inner
    }

    /// Notes the bits of one step; returns whether it ends inside of quotes.
    #[inline(always)]
    fn step(&mut self, base: u32, bits: Bits, before: u64) -> u64 {
        let mut inside = before;
        let mut line_ends = bits.line_ends;
        let mut edges = bits.delimiters | line_ends;
        if bits.quotes | before != 0 {
            inside ^= parity(bits.quotes);
            push_bits(&mut self.quotes, base, bits.quotes);
            push_bits(&mut self.inner, base, line_ends & inside);
            line_ends &= !inside;
            edges &= !inside;
        }
        let count = edges.count_ones() as usize;
        // Line ends are rare and edges are not, so only the former are counted one by one.
        let mut rest = line_ends;
        while rest != 0 {
            let below = edges & ((rest & rest.wrapping_neg()) - 1);
            self.line_ends.push(self.edges_found as u32 + below.count_ones());
            rest &= rest - 1;
        }
        if let Some(room) = self.edges.get_mut(self.edges_found..).and_then(|room| room.first_chunk_mut::<STEP>()) {
            write_bits(room, base, edges, count);
        }
        self.edges_found += count;
        0_u64.wrapping_sub(inside >> 63)
    }
}

/// Writes where each bit stands; beyond `count` there may be anything.
#[inline(always)]
fn write_bits(room: &mut [u32; STEP], base: u32, mut bits: u64, count: usize) {
    // Several at once: a loop that ends just where the bits end is mispredicted at every step.
    const AT_ONCE: usize = 8;
    for (part, slots) in room.as_chunks_mut::<AT_ONCE>().0.iter_mut().enumerate() {
        if part * AT_ONCE >= count && part > 0 {
            break;
        }
        for slot in slots {
            *slot = base + bits.trailing_zeros();
            bits &= bits.wrapping_sub(1);
        }
    }
}

fn push_bits(places: &mut Vec<u32>, base: u32, mut bits: u64) {
    while bits != 0 {
        places.push(base + bits.trailing_zeros());
        bits &= bits - 1;
    }
}

/// Each bit becomes the parity of the bits up to it.
const fn parity(mut bits: u64) -> u64 {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^ (bits << 32)
}

/// The same answers from every machine.
#[inline]
fn portable_bits(step: &[u8; STEP], delimiter: u8, quote: u8) -> Bits {
    let find = |byte: u8| {
        let pattern = u64::from_le_bytes([byte; 8]);
        let words = step.as_chunks::<8>().0.iter().enumerate();
        words.fold(0, |bits, (at, word)| bits | gather(zero_bytes(u64::from_le_bytes(*word) ^ pattern)) << (at * 8))
    };
    Bits { delimiters: find(delimiter), line_ends: find(b'\n'), quotes: find(quote) }
}

/// Wide vectors, where the machine has them.
#[cfg(target_arch = "x86_64")]
mod wide {
    use super::{Bits, STEP, Structure};
    use std::arch::x86_64::{__m256i, _mm256_cmpeq_epi8, _mm256_movemask_epi8, _mm256_set1_epi8};

    /// Has this machine what [`scan`] needs?
    pub(super) fn is_there() -> bool {
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("popcnt")
    }

    #[target_feature(enable = "avx2,bmi1,popcnt")]
    pub(super) fn scan(structure: &mut Structure, block: &[u8], delimiter: u8, quote: u8) {
        structure.scan_by(block, |step| bits(step, delimiter, quote));
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn bits(step: &[u8; STEP], delimiter: u8, quote: u8) -> Bits {
        let pattern = |byte: u8| _mm256_set1_epi8(byte.cast_signed());
        let [low, high] = halves(step);
        let find = |pattern| find(low, pattern) | find(high, pattern) << (STEP / 2);
        Bits { delimiters: find(pattern(delimiter)), line_ends: find(pattern(b'\n')), quotes: find(pattern(quote)) }
    }

    /// The two vectors of a step.
    #[inline]
    fn halves(step: &[u8; STEP]) -> [__m256i; 2] {
        #[allow(unsafe_code, reason = "put together word by word they are not loaded at once")]
        // SAFETY: any 64 bytes are two vectors.
        unsafe {
            std::mem::transmute(*step)
        }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn find(vector: __m256i, pattern: __m256i) -> u64 {
        u64::from(_mm256_movemask_epi8(_mm256_cmpeq_epi8(vector, pattern)).cast_unsigned())
    }
}

/// The high bits of eight bytes, side by side.
const fn gather(high_bits: u64) -> u64 {
    (high_bits >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn structure_is_that_of_a_byte_by_byte_reading() {
        let seed = crate::test_seed();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut structure = Structure::default();
        for _ in 0..5_000 {
            let quoting = rng.random_range(1..8);
            let text: Vec<u8> =
                (0..rng.random_range(0..400)).map(|_| b",,\n\r\",-/!ab\xff"[rng.random_range(0..12)]).collect();
            let text: Vec<u8> = text.into_iter().filter(|byte| *byte != b'"' || rng.random_ratio(1, quoting)).collect();
            let (mut edges, mut ends, mut quotes, mut inner) = (vec![u32::MAX], Vec::new(), Vec::new(), Vec::new());
            let mut inside = false;
            for (at, byte) in (0..).zip(&text) {
                match byte {
                    b'"' => {
                        quotes.push(at);
                        inside = !inside;
                    }
                    b'\n' if inside => inner.push(at),
                    b'\n' => {
                        ends.push(edges.len() as u32);
                        edges.push(at);
                    }
                    b',' if !inside => edges.push(at),
                    _ => {}
                }
            }
            for portable in [false, true] {
                if portable {
                    structure.scan_by(&text, |step| portable_bits(step, b',', b'"'));
                } else {
                    structure.scan(&text, b',', b'"');
                }
                let found = (structure.edges(), structure.line_ends(), structure.quotes(), structure.inner_line_ends());
                let expected = (&edges[..], &ends[..], &quotes[..], &inner[..]);
                assert_eq!(found, expected, "{}, TILLMART_SEED={seed}", text.escape_ascii());
            }
        }
    }
}
