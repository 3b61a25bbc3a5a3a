//! Bits and variable-length integers as Parquet lays them out: least significant bit first.

/// Values packed at once.
pub(crate) const LANE: usize = 32;

/// Appends an unsigned LEB128 integer.
pub(crate) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed integer as zigzag LEB128.
pub(crate) fn zigzag(out: &mut Vec<u8>, value: i64) {
    varint(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

/// Bits that the largest of some values needs.
#[inline]
pub(crate) fn width_of(largest: u64) -> u32 {
    u64::BITS - largest.leading_zeros()
}

/// Bytes that [`pack`] may write to: 32 values of 64 bits, and a word that shifts spill into.
pub(crate) const PACK_ROOM: usize = (LANE + 1) * 8;

/// Writes 32 values of `width` bits each to the beginning of `room`; returns how many bytes they are, `4 × width`. Higher bits of the
/// values must be zero. What stands behind them in `room` means nothing.
pub(crate) fn pack(room: &mut [u8; PACK_ROOM], values: &[u64; LANE], width: u32) -> usize {
    macro_rules! by_width {
        ($($width:literal)*) => {
            match width {
                0 => {}
                $($width => packed::<$width>(room, values),)*
                _ => packed::<64>(room, values),
            }
        };
    }
    // A constant width lets the compiler unroll every shift: a fifth of the time of one loop for all widths.
    by_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32
              33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63);
    width as usize * 4
}

#[inline]
fn packed<const WIDTH: usize>(room: &mut [u8; PACK_ROOM], values: &[u64; LANE]) {
    let mut words = [0_u64; LANE + 1];
    for (at, value) in values.iter().enumerate() {
        let bit = at * WIDTH;
        words[bit / 64] |= value << (bit % 64);
        if bit % 64 + WIDTH > 64 {
            words[bit / 64 + 1] |= value >> (64 - bit % 64);
        }
    }
    for (place, word) in room.as_chunks_mut().0.iter_mut().zip(words).take(WIDTH.div_ceil(2)) {
        *place = word.to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_values_come_back_bit_by_bit() {
        for width in 0..=64_u32 {
            let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
            let values: [u64; LANE] = std::array::from_fn(|at| (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) & mask);
            let mut out = [0xff; PACK_ROOM];
            assert_eq!(pack(&mut out, &values, width), width as usize * 4);
            for (at, value) in values.iter().enumerate() {
                let bits = (0..width as usize).map(|bit| {
                    let bit = at * width as usize + bit;
                    u64::from(out[bit / 8] >> (bit % 8) & 1)
                });
                let found = bits.enumerate().fold(0, |sum, (place, bit)| sum | bit << place);
                assert_eq!(found, *value, "value {at} of width {width}");
            }
        }
    }

    #[test]
    fn integers_take_seven_bits_a_byte() {
        let encoded = |value| {
            let mut out = Vec::new();
            zigzag(&mut out, value);
            out
        };
        assert_eq!(encoded(0), [0]);
        assert_eq!(encoded(-1), [1]);
        assert_eq!(encoded(64), [0x80, 1]);
        assert_eq!(encoded(i64::MIN).len(), 10);
    }
}
