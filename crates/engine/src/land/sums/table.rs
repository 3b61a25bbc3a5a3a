//! Sums by packed key: a hash table, or, for one large dimension by month, an array with a place for each of its rows.

/// No key: keys are packed into fewer bits.
const EMPTY: u64 = u64::MAX;

/// Slots that are filled, in sixteenths, before the table grows.
const FULL_SIXTEENTHS: usize = 11;

/// Where the sums are.
pub(super) enum Table {
    Hashed(Hashed),
    ByRow(ByRow),
}

impl Table {
    /// The sums of a key, zeros at first.
    #[inline]
    pub(super) fn sums_of(&mut self, key: u64) -> &mut [i64] {
        match self {
            Table::Hashed(table) => table.sums_of(key),
            Table::ByRow(table) => table.sums_of(key),
        }
    }

    /// Brings the sums of these keys near, and returns something made of them that must not be optimised away. The loads do not depend on
    /// each other, so the processor waits for many of them at once; additions one by one would wait for each.
    pub(super) fn touch(&self, keys: &[u64]) -> i64 {
        match self {
            Table::Hashed(_) => 0,
            Table::ByRow(table) => table.touch(keys),
        }
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        match self {
            Table::Hashed(table) => table.keys.capacity() * 8 + table.sums.capacity() * 8,
            Table::ByRow(table) => table.months.iter().map(|(_, sums)| sums.capacity() * 8).sum(),
        }
    }

    /// Keys in rising order, and their sums, one vector each.
    pub(super) fn sorted(self) -> (Vec<u64>, Vec<Vec<i64>>) {
        match self {
            Table::Hashed(table) => table.sorted(),
            Table::ByRow(table) => table.sorted(),
        }
    }
}

/// An array of sums for each month. A key is a code above the month's bits; the last sum of each is its number of sales.
pub(super) struct ByRow {
    width: usize,
    /// Bits of the month, and those below them.
    month_bits: u32,
    unused_bits: u32,
    codes: usize,
    months: Vec<(u64, Vec<i64>)>,
    latest: usize,
}

impl ByRow {
    /// For `codes` codes at first. Keys end with `month_bits` of the month and `unused_bits` zeros.
    pub(super) fn new(width: usize, codes: usize, month_bits: u32, unused_bits: u32) -> ByRow {
        ByRow { width, month_bits, unused_bits, codes, months: Vec::new(), latest: 0 }
    }

    #[inline]
    fn sums_of(&mut self, key: u64) -> &mut [i64] {
        let key = key >> self.unused_bits;
        let (code, month) = ((key >> self.month_bits) as usize, key & ((1 << self.month_bits) - 1));
        if self.months.get(self.latest).is_none_or(|(known, _)| *known != month) {
            self.latest = self.months.iter().position(|(known, _)| *known == month).unwrap_or_else(|| {
                self.months.push((month, vec![0; self.codes * self.width]));
                self.months.len() - 1
            });
        }
        let sums = &mut self.months[self.latest].1;
        let start = code * self.width;
        if sums.len() < start + self.width {
            // Codes beyond the dimension table: keys that are not in it.
            sums.resize(start + self.width, 0);
        }
        &mut sums[start..start + self.width]
    }

    fn touch(&self, keys: &[u64]) -> i64 {
        let Some((_, sums)) = self.months.get(self.latest) else { return 0 };
        let shift = self.unused_bits + self.month_bits;
        keys.iter()
            .map(|key| sums.get((key >> shift) as usize * self.width).copied().unwrap_or(0))
            .fold(0, |all, sum| all ^ sum)
    }

    fn sorted(mut self) -> (Vec<u64>, Vec<Vec<i64>>) {
        self.months.sort_by_key(|(month, _)| *month);
        let codes = self.months.iter().map(|(_, sums)| sums.len() / self.width).max().unwrap_or(0);
        let (mut keys, mut columns) = (Vec::new(), vec![Vec::new(); self.width]);
        for code in 0..codes {
            for (month, sums) in &self.months {
                let Some(sums) = sums.get(code * self.width..(code + 1) * self.width) else { continue };
                if sums[self.width - 1] != 0 {
                    keys.push(((code as u64) << self.month_bits | month) << self.unused_bits);
                    columns.iter_mut().zip(sums).for_each(|(column, sum)| column.push(*sum));
                }
            }
        }
        (keys, columns)
    }
}

/// Open addressing, keys and sums in arrays of their own.
pub(super) struct Hashed {
    width: usize,
    keys: Vec<u64>,
    sums: Vec<i64>,
    filled: usize,
    shift: u32,
}

impl Hashed {
    /// A table of `width` sums a key.
    pub(super) fn new(width: usize) -> Hashed {
        let slots = 1 << 10;
        Hashed { width, keys: vec![EMPTY; slots], sums: vec![0; slots * width], filled: 0, shift: 64 - 10 }
    }

    #[inline]
    fn sums_of(&mut self, key: u64) -> &mut [i64] {
        let mut slot = self.slot(key);
        if self.keys[slot] == EMPTY {
            if (self.filled + 1) * 16 > self.keys.len() * FULL_SIXTEENTHS {
                self.grow();
                slot = self.slot(key);
            }
            self.keys[slot] = key;
            self.filled += 1;
        }
        &mut self.sums[slot * self.width..(slot + 1) * self.width]
    }

    /// Where a key is, or goes.
    #[inline]
    fn slot(&self, key: u64) -> usize {
        // Fibonacci hashing: neighbouring keys are spread by the upper bits of the product.
        let mut slot = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize;
        loop {
            let found = self.keys[slot];
            if found == key || found == EMPTY {
                return slot;
            }
            slot = (slot + 1) & (self.keys.len() - 1);
        }
    }

    fn grow(&mut self) {
        let slots = self.keys.len() * 2;
        let keys = std::mem::replace(&mut self.keys, vec![EMPTY; slots]);
        let sums = std::mem::replace(&mut self.sums, vec![0; slots * self.width]);
        self.shift -= 1;
        for (key, sums) in keys.iter().zip(sums.chunks_exact(self.width)).filter(|(key, _)| **key != EMPTY) {
            let slot = self.slot(*key);
            self.keys[slot] = *key;
            self.sums[slot * self.width..(slot + 1) * self.width].copy_from_slice(sums);
        }
    }

    fn sorted(self) -> (Vec<u64>, Vec<Vec<i64>>) {
        let mut slots: Vec<(u64, u32)> = self
            .keys
            .iter()
            .enumerate()
            .filter(|(_, key)| **key != EMPTY)
            .map(|(slot, key)| (*key, slot as u32))
            .collect();
        slots.sort_unstable();
        let sums = (0..self.width)
            .map(|sum| slots.iter().map(|(_, slot)| self.sums[*slot as usize * self.width + sum]).collect())
            .collect();
        (slots.into_iter().map(|(key, _)| key).collect(), sums)
    }
}
