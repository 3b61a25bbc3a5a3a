//! The hybrid of runs and packed bits that Parquet keeps definition levels and dictionary codes in.

use crate::bits::{LANE, PACK_ROOM, pack, varint, width_of};

/// Which rows of a page have a value, one bit a row, least significant bit first. As long as all rows have one, or none has,
/// there are no bits.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    bits: Vec<u64>,
    /// Rows that `bits` tells of: none, or all.
    told: usize,
    rows: usize,
    present: usize,
}

impl Presence {
    #[inline]
    pub(crate) fn push(&mut self, is_present: bool) {
        self.push_alike(is_present, 1);
    }

    /// All of these rows have a value.
    #[inline]
    pub(crate) fn push_all(&mut self, rows: usize) {
        self.push_alike(true, rows);
    }

    /// None of these rows has one.
    #[inline]
    pub(crate) fn push_none(&mut self, rows: usize) {
        self.push_alike(false, rows);
    }

    #[inline]
    fn push_alike(&mut self, is_present: bool, rows: usize) {
        let alike = if is_present { self.rows } else { 0 };
        if self.told > 0 || self.present != alike {
            return self.tell(is_present, rows);
        }
        self.rows += rows;
        self.present += if is_present { rows } else { 0 };
    }

    #[cold]
    fn tell(&mut self, is_present: bool, rows: usize) {
        let mut left = rows;
        while left > 0 {
            let some = left.min(64);
            self.push_bits(if is_present { u64::MAX } else { 0 }, some);
            left -= some;
        }
    }

    /// Up to 64 rows at once, the first in the least significant bit.
    #[inline]
    pub(crate) fn push_bits(&mut self, bits: u64, rows: usize) {
        if rows == 0 {
            return;
        }
        if self.told < self.rows {
            self.tell_of_all_alike();
        }
        let bits = bits & (u64::MAX >> (64 - rows));
        let within = self.told % 64;
        if within == 0 {
            self.bits.push(bits);
        } else {
            if let Some(last) = self.bits.last_mut() {
                *last |= bits << within;
            }
            if within + rows > 64 {
                self.bits.push(bits >> (64 - within));
            }
        }
        self.told += rows;
        self.rows = self.told;
        self.present += bits.count_ones() as usize;
    }

    /// Bits for the rows so far, which all have a value, or none has.
    #[cold]
    fn tell_of_all_alike(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let is_present = std::mem::take(&mut self.present) > 0;
        self.tell(is_present, rows);
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Appends the definition levels of an optional column, as a page of version 1 begins, and starts anew.
    /// Returns the rows, and those of them that are NULL.
    pub(crate) fn take(&mut self, out: &mut Vec<u8>) -> (usize, usize) {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        if self.present == self.rows || self.present == 0 {
            varint(out, (self.rows as u64) << 1);
            out.push(u8::from(self.present > 0));
        } else {
            let bytes = self.rows.div_ceil(8);
            varint(out, (bytes as u64) << 1 | 1);
            let all = self.bits.iter().flat_map(|word| word.to_le_bytes());
            out.extend(all.take(bytes));
        }
        let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
        out[start..start + 4].copy_from_slice(&length.to_le_bytes());
        let counted = (self.rows, self.rows - self.present);
        self.bits.clear();
        (self.told, self.rows, self.present) = (0, 0, 0);
        counted
    }
}

/// Appends dictionary codes: the byte of their width, then runs where they are shorter, else packed bits.
pub(crate) fn codes(out: &mut Vec<u8>, codes: &[u32], largest: u32) {
    let width = width_of(u64::from(largest));
    out.push(width as u8);
    let runs = 1 + codes.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let value_bytes = width.div_ceil(8) as usize;
    // A run's header takes one byte up to 63 rows; longer ones save so much that it does not matter.
    if runs * (1 + value_bytes) < codes.len() * width as usize / 8 || width == 0 {
        for run in codes.chunk_by(|one, other| one == other) {
            varint(out, (run.len() as u64) << 1);
            out.extend_from_slice(&run[0].to_le_bytes()[..value_bytes]);
        }
        return;
    }
    varint(out, (codes.len().div_ceil(8) as u64) << 1 | 1);
    let start = out.len();
    let (mut lane, mut packed) = ([0_u64; LANE], [0; PACK_ROOM]);
    for chunk in codes.chunks(LANE) {
        lane.fill(0);
        for (slot, code) in lane.iter_mut().zip(chunk) {
            *slot = u64::from(*code);
        }
        let bytes = pack(&mut packed, &lane, width);
        out.extend_from_slice(&packed[..bytes]);
    }
    // Groups of eight values: what the last lane holds beyond them is padding.
    out.truncate(start + codes.len().div_ceil(8) * width as usize);
}

/// Appends dictionary codes that come in runs: code and length of each.
pub(crate) fn runs(out: &mut Vec<u8>, runs: &[(u32, u32)], largest: u32) {
    let width = width_of(u64::from(largest));
    out.push(width as u8);
    let value_bytes = width.div_ceil(8) as usize;
    for (code, rows) in runs {
        varint(out, u64::from(*rows) << 1);
        out.extend_from_slice(&code.to_le_bytes()[..value_bytes]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presence_knows_rows_and_nulls() {
        let mut presence = Presence::default();
        presence.push_all(13);
        presence.push(false);
        presence.push_all(2);
        let mut out = Vec::new();
        assert_eq!(presence.take(&mut out), (16, 1));
        assert_eq!(out, [3, 0, 0, 0, 2 << 1 | 1, 0xff, 0b1101_1111]);
        presence.push_all(20);
        out.clear();
        assert_eq!(presence.take(&mut out), (20, 0));
        assert_eq!(out, [2, 0, 0, 0, 40, 1]);
        presence.push(true);
        presence.push_none(2);
        presence.push(true);
        presence.push_all(5);
        out.clear();
        assert_eq!(presence.take(&mut out), (9, 2), "bits begin with the first NULL");
        assert_eq!(out, [3, 0, 0, 0, 2 << 1 | 1, 0b1111_1001, 1]);
        presence.push_none(3);
        out.clear();
        assert_eq!(presence.take(&mut out), (3, 3), "and are forgotten with the page");
        assert_eq!(out, [2, 0, 0, 0, 6, 0]);
    }

    #[test]
    fn rows_told_at_once_are_those_told_one_by_one() {
        let has = |row: usize| row < 70 || !row.is_multiple_of(3) && row < 300;
        let mut one_by_one = Presence::default();
        (0..400).for_each(|row| one_by_one.push(has(row)));
        let mut at_once = Presence::default();
        at_once.push_all(70);
        let mut row = 70;
        for some in [1, 64, 63, 5, 64, 33] {
            let bits = (0..some).fold(0, |bits, at| bits | u64::from(has(row + at)) << at);
            // What lies above the rows does not count.
            at_once.push_bits(if some < 64 { bits | u64::MAX << some } else { bits }, some);
            row += some;
        }
        assert_eq!(row, 300);
        at_once.push_none(100);
        let (mut one, mut other) = (Vec::new(), Vec::new());
        assert_eq!(one_by_one.take(&mut one), at_once.take(&mut other));
        assert_eq!(one, other);
    }

    #[test]
    fn equal_codes_are_runs_and_others_are_packed() {
        let mut out = Vec::new();
        codes(&mut out, &[0; 100], 0);
        assert_eq!(out, [0, 200, 1], "no bit a value: one run");
        out.clear();
        codes(&mut out, &[3, 1, 2, 0, 1, 2, 3, 0, 1], 3);
        assert_eq!(out, [2, 2 << 1 | 1, 0b0010_0111, 0b0011_1001, 1, 0]);
    }
}
