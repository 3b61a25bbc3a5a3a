//! Sums by packed key. A key has an entry, found in a hash table or, for one dimension by day or month, at the place of its row; the sums
//! of all entries stand beside each other, class by class of sales, so that what most sales add to stays near.

/// No key: keys are packed into fewer bits.
pub(super) const NO_KEY: u64 = u64::MAX;

/// The entry of what has no key. It is never told.
pub(super) const LEFT_OUT: u32 = 0;

/// Slots that are filled, in sixteenths, before the hash table grows.
const FULL_SIXTEENTHS: usize = 11;

/// Bytes of all entries that are kept at the places of a dimension's rows: beyond it a day or month has a few of them, or the dimension is
/// so large that a hash table costs less.
const PLACES_BYTES_MOST: usize = 32 << 20;

/// Days or months whose places are found without a search.
const NEARBY: usize = 64;

/// No places: beside these the dimension's rows are hashed.
const HASHED: u32 = u32::MAX;

/// How the rows of one dimension are found in a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    /// Where the dimension's code begins in a key, and how many bits it has.
    pub(super) shift: u32,
    pub(super) bits: u32,
    /// Rows of the dimension table. Codes beyond are of keys that are not in it.
    pub(super) rows: usize,
}

/// The sums.
pub(super) struct Table {
    /// Sums of an entry and class.
    width: usize,
    places: Option<Places>,
    hashed: Hashed,
    entries: usize,
    /// For each class `width` sums an entry; shorter while the last entries have no sale of the class.
    classes: Vec<Vec<i64>>,
}

impl Table {
    /// `width` sums for each of `classes` classes, the last of them the number of sales.
    pub(super) fn new(width: usize, classes: usize, rows: Option<Rows>) -> Table {
        let places = rows.map(|rows| Places { rows, begun: Vec::new(), nearby: [(NO_KEY, 0); NEARBY] });
        Table { width, places, hashed: Hashed::new(), entries: 1, classes: vec![Vec::new(); classes] }
    }

    /// The entries of keys, made where there is none.
    pub(super) fn find(&mut self, keys: &[u64], entries: &mut Vec<u32>) {
        entries.clear();
        match &mut self.places {
            None => entries.extend(keys.iter().map(|key| self.hashed.entry(*key, &mut self.entries))),
            Some(places) => {
                let room = PLACES_BYTES_MOST / (self.width * 8);
                entries.extend(keys.iter().map(|key| {
                    let found = places.entry(*key, room, &mut self.entries);
                    found.unwrap_or_else(|| self.hashed.entry(*key, &mut self.entries))
                }));
            }
        }
    }

    /// The sums of all entries of a class, up to the last entry that there is.
    #[inline]
    pub(super) fn sums(&mut self, class: usize) -> &mut Vec<i64> {
        let sums = &mut self.classes[class];
        if sums.len() < self.entries * self.width {
            sums.resize(self.entries * self.width, 0);
        }
        sums
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        self.hashed.memory() + self.classes.iter().map(|sums| sums.capacity() * 8).sum::<usize>()
    }

    /// Keys that sales have, in rising order, each with its entry.
    pub(super) fn keys(&self) -> Vec<(u64, u32)> {
        let mut keys = self.hashed.keys();
        if let Some(places) = &self.places {
            keys.extend(places.keys().filter(|(_, entry)| self.has_sales(*entry)));
        }
        keys.sort_unstable();
        keys
    }

    fn has_sales(&self, entry: u32) -> bool {
        (0..self.classes.len()).any(|class| self.sum(class, entry, self.width - 1) != 0)
    }

    /// One sum.
    pub(super) fn sum(&self, class: usize, entry: u32, sum: usize) -> i64 {
        self.classes[class].get(entry as usize * self.width + sum).copied().unwrap_or(0)
    }
}

/// An entry for each row of a dimension, for one day or month after the other.
struct Places {
    rows: Rows,
    /// What is beside the dimension in a key, and the entry of the first row.
    begun: Vec<(u64, u32)>,
    nearby: [(u64, u32); NEARBY],
}

impl Places {
    #[inline]
    fn entry(&mut self, key: u64, room: usize, entries: &mut usize) -> Option<u32> {
        if key == NO_KEY {
            return Some(LEFT_OUT);
        }
        let mask = (1 << self.rows.bits) - 1;
        let row = (key >> self.rows.shift & mask) as usize;
        if row >= self.rows.rows {
            return None;
        }
        let beside = key & !(mask << self.rows.shift);
        let folded = (beside ^ beside >> 32) as usize;
        let near = (folded ^ folded >> 12 ^ folded >> 23) % NEARBY;
        if self.nearby[near].0 != beside {
            self.nearby[near] = (beside, self.begin(beside, room, entries));
        }
        let first = self.nearby[near].1;
        (first != HASHED).then(|| first + row as u32)
    }

    #[cold]
    fn begin(&mut self, beside: u64, room: usize, entries: &mut usize) -> u32 {
        if let Some((_, first)) = self.begun.iter().find(|(known, _)| *known == beside) {
            return *first;
        }
        if (self.begun.len() + 1) * self.rows.rows > room {
            return HASHED;
        }
        let first = *entries as u32;
        *entries += self.rows.rows;
        self.begun.push((beside, first));
        first
    }

    fn keys(&self) -> impl Iterator<Item = (u64, u32)> {
        let Rows { shift, rows, .. } = self.rows;
        self.begun.iter().flat_map(move |(beside, first)| {
            (0..rows as u64).map(move |row| (beside | row << shift, first + row as u32))
        })
    }
}

/// Open addressing, keys and entries in arrays of their own.
struct Hashed {
    keys: Vec<u64>,
    entries: Vec<u32>,
    filled: usize,
    shift: u32,
}

impl Hashed {
    fn new() -> Hashed {
        let slots = 1 << 10;
        Hashed { keys: vec![NO_KEY; slots], entries: vec![LEFT_OUT; slots], filled: 0, shift: 64 - 10 }
    }

    #[inline]
    fn entry(&mut self, key: u64, entries: &mut usize) -> u32 {
        let slot = self.slot(key);
        // What has no key finds an empty slot, whose entry is the one that is left out.
        if self.keys[slot] == key { self.entries[slot] } else { self.fill(key, entries) }
    }

    #[cold]
    fn fill(&mut self, key: u64, entries: &mut usize) -> u32 {
        if (self.filled + 1) * 16 > self.keys.len() * FULL_SIXTEENTHS {
            self.grow();
        }
        let slot = self.slot(key);
        self.keys[slot] = key;
        self.entries[slot] = *entries as u32;
        self.filled += 1;
        *entries += 1;
        self.entries[slot]
    }

    /// Where a key is, or goes.
    #[inline]
    fn slot(&self, key: u64) -> usize {
        // Fibonacci hashing: neighbouring keys are spread by the upper bits of the product.
        let mut slot = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize;
        loop {
            let found = self.keys[slot];
            if found == key || found == NO_KEY {
                return slot;
            }
            slot = (slot + 1) & (self.keys.len() - 1);
        }
    }

    fn grow(&mut self) {
        let slots = self.keys.len() * 2;
        let keys = std::mem::replace(&mut self.keys, vec![NO_KEY; slots]);
        let entries = std::mem::replace(&mut self.entries, vec![LEFT_OUT; slots]);
        self.shift -= 1;
        for (key, entry) in keys.into_iter().zip(entries).filter(|(key, _)| *key != NO_KEY) {
            let slot = self.slot(key);
            self.keys[slot] = key;
            self.entries[slot] = entry;
        }
    }

    fn keys(&self) -> Vec<(u64, u32)> {
        self.keys
            .iter()
            .zip(&self.entries)
            .filter(|(key, _)| **key != NO_KEY)
            .map(|(key, entry)| (*key, *entry))
            .collect()
    }

    fn memory(&self) -> usize {
        self.keys.capacity() * 12
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Adds one sale to each key, and holds what comes out against a map.
    fn hold(table: &mut Table, keys: &[u64]) {
        let (mut entries, mut wanted) = (Vec::new(), BTreeMap::new());
        for (round, some) in keys.chunks(100).enumerate() {
            table.find(some, &mut entries);
            for (key, entry) in some.iter().zip(&entries) {
                let (class, width) = (round % table.classes.len(), table.width);
                table.sums(class)[*entry as usize * width + width - 1] += 1;
                *wanted.entry(*key).or_insert(0) += 1;
            }
        }
        wanted.remove(&NO_KEY);
        let sales = |entry| (0..table.classes.len()).map(|class| table.sum(class, entry, table.width - 1)).sum::<i64>();
        let found: Vec<(u64, i64)> = table.keys().into_iter().map(|(key, entry)| (key, sales(entry))).collect();
        assert_eq!(found, wanted.into_iter().collect::<Vec<_>>());
    }

    /// Days above a code of twelve bits, a code above days, and keys of no dimension.
    #[test]
    fn every_key_has_its_own_sums() {
        let mut chance = 0x5eed_u64;
        let mut next = |most: u64| {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (chance >> 33) % most
        };
        for (code_shift, day_shift) in [(0, 12), (22, 0), (9, 30)] {
            // Half of the codes are of keys that the dimension does not have; of 500 days, more than stand nearby.
            let keys: Vec<u64> = (0..60_000)
                .map(|_| match next(20) {
                    0 => NO_KEY,
                    _ => next(200) << code_shift | next(500) << day_shift,
                })
                .collect();
            let rows = Rows { shift: code_shift, bits: if code_shift == 0 { 12 } else { 8 }, rows: 100 };
            for places in [Some(rows), None] {
                hold(&mut Table::new(3, 2, places), &keys);
            }
        }
    }

    #[test]
    fn days_beyond_the_room_for_places_are_hashed() {
        // Of places of a row each 32 bytes long there is room for one day.
        let rows = Rows { shift: 0, bits: 20, rows: PLACES_BYTES_MOST / 32 };
        let mut table = Table::new(4, 1, Some(rows));
        let keys: Vec<u64> = (0..1_000).map(|at| ((at % 7) << 20) | (at * 31)).collect();
        hold(&mut table, &keys);
        assert_eq!(
            (table.places.as_ref().map(|places| places.begun.len()), table.hashed.filled > 800),
            (Some(1), true)
        );
    }
}
