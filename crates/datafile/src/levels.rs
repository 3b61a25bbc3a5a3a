//! The hybrid of runs and packed bits that Parquet keeps definition levels and dictionary codes in.

use crate::bits::{LANE, pack, varint, width_of};

/// Which rows of a page have a value, one bit a row, least significant bit first.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    bits: Vec<u8>,
    rows: usize,
    present: usize,
}

impl Presence {
    #[inline]
    pub(crate) fn push(&mut self, is_present: bool) {
        if self.rows.is_multiple_of(8) {
            self.bits.push(0);
        }
        if let Some(last) = self.bits.last_mut() {
            *last |= u8::from(is_present) << (self.rows % 8);
        }
        self.rows += 1;
        self.present += usize::from(is_present);
    }

    /// All of these rows have a value.
    pub(crate) fn push_all(&mut self, rows: usize) {
        self.push_alike(true, rows);
    }

    /// None of these rows has one.
    pub(crate) fn push_none(&mut self, rows: usize) {
        self.push_alike(false, rows);
    }

    fn push_alike(&mut self, is_present: bool, rows: usize) {
        // Whole bytes at once where the rows begin at one.
        let mut left = rows;
        while left > 0 && !self.rows.is_multiple_of(8) {
            self.push(is_present);
            left -= 1;
        }
        let whole = left / 8;
        self.bits.extend(std::iter::repeat_n(if is_present { 0xff } else { 0 }, whole));
        self.rows += whole * 8;
        self.present += usize::from(is_present) * whole * 8;
        for _ in 0..left % 8 {
            self.push(is_present);
        }
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
            varint(out, (self.bits.len() as u64) << 1 | 1);
            out.extend_from_slice(&self.bits);
        }
        let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
        out[start..start + 4].copy_from_slice(&length.to_le_bytes());
        let counted = (self.rows, self.rows - self.present);
        self.bits.clear();
        (self.rows, self.present) = (0, 0);
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
    let mut lane = [0_u64; LANE];
    for chunk in codes.chunks(LANE) {
        lane.fill(0);
        for (slot, code) in lane.iter_mut().zip(chunk) {
            *slot = u64::from(*code);
        }
        pack(out, &lane, width);
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
