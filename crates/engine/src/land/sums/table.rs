//! A hash table from packed keys to a few sums each.

/// No key: keys are packed into fewer bits.
const EMPTY: u64 = u64::MAX;

/// Slots that are filled, in sixteenths, before the table grows.
const FULL_SIXTEENTHS: usize = 11;

/// Open addressing, keys and sums in arrays of their own.
pub(super) struct Table {
    width: usize,
    keys: Vec<u64>,
    sums: Vec<i64>,
    filled: usize,
    shift: u32,
}

impl Table {
    /// A table of `width` sums a key.
    pub(super) fn new(width: usize) -> Table {
        let slots = 1 << 10;
        Table { width, keys: vec![EMPTY; slots], sums: vec![0; slots * width], filled: 0, shift: 64 - 10 }
    }

    /// The sums of a key, zeros at first.
    #[inline]
    pub(super) fn sums_of(&mut self, key: u64) -> &mut [i64] {
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

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        self.keys.capacity() * 8 + self.sums.capacity() * 8
    }

    /// Keys in rising order, and their sums, one vector each.
    pub(super) fn sorted(self) -> (Vec<u64>, Vec<Vec<i64>>) {
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
