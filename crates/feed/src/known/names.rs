//! Row by name: a hash table over the names as they stand in the dimension table.

use crate::sales::UNKNOWN;
use arrow::array::{Array, StringArray};

/// Which row holds a name. Names are compared byte by byte; the first row wins where one stands twice.
#[derive(Debug)]
pub struct NameIndex {
    names: StringArray,
    /// A power of two of them, a third without a row at least, so that a search is short.
    slots: Vec<Slot>,
}

/// Names that are looked up together.
const TOGETHER: usize = 32;

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// More bits of the hash: mostly spares the comparison with another name.
    tag: u32,
    /// Or [`UNKNOWN`], where the slot is empty.
    row: u32,
}

impl NameIndex {
    /// The index of `names`. NULL is no name.
    pub fn new(names: StringArray) -> NameIndex {
        let slots = (names.len() + names.len() / 2 + 1).next_power_of_two();
        let mut index = NameIndex { slots: vec![Slot { tag: 0, row: UNKNOWN }; slots], names };
        for row in 0..index.names.len() {
            if index.names.is_valid(row) {
                let hash = hash(index.name(row));
                let at = index.search(index.name(row), hash);
                let slot = &mut index.slots[at];
                if slot.row == UNKNOWN {
                    *slot = Slot { tag: tag(hash), row: u32::try_from(row).unwrap_or(UNKNOWN) };
                }
            }
        }
        index
    }

    /// The row of a name.
    #[inline]
    pub fn row(&self, name: &[u8]) -> Option<u32> {
        let at = self.search(name, hash(name));
        self.slots.get(at).map(|slot| slot.row).filter(|row| *row != UNKNOWN)
    }

    /// Adds the row of each name, [`UNKNOWN`] where there is none. Some names go step by step together, so that they wait for memory
    /// together, too: a table of many products is in no near cache.
    pub(super) fn find(&self, names: &[&[u8]], found: &mut Vec<u32>) {
        let mask = self.slots.len() - 1;
        let mut hashes = [0; TOGETHER];
        let mut firsts = [Slot { tag: 0, row: UNKNOWN }; TOGETHER];
        let mut spans = [(0, 0); TOGETHER];
        for some in names.chunks(TOGETHER) {
            for (hashed, name) in hashes.iter_mut().zip(some) {
                *hashed = hash(name);
            }
            for (first, hash) in firsts.iter_mut().zip(&hashes[..some.len()]) {
                *first = self.slots[*hash as usize & mask];
            }
            for (span, first) in spans.iter_mut().zip(&firsts[..some.len()]) {
                *span = self.span(first.row as usize);
            }
            let bytes = self.names.value_data();
            found.extend(some.iter().zip(&hashes).zip(firsts.iter().zip(&spans)).map(
                |((name, hash), (first, (start, end)))| {
                    // Mostly a name stands in its first slot, and a tag of 32 bits is no other's.
                    if first.tag == tag(*hash) && same(bytes.get(*start..*end).unwrap_or_default(), name) {
                        return first.row;
                    }
                    self.slots[self.search(name, *hash)].row
                },
            ));
        }
    }

    /// The slot of a name, or the empty one where it would stand.
    #[inline]
    fn search(&self, name: &[u8], hash: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while let Some(slot) = self.slots.get(at) {
            if slot.row == UNKNOWN || (slot.tag == tag(hash) && same(self.name(slot.row as usize), name)) {
                break;
            }
            at = (at + 1) & mask;
        }
        at
    }

    #[inline]
    fn name(&self, row: usize) -> &[u8] {
        let (start, end) = self.span(row);
        self.names.value_data().get(start..end).unwrap_or_default()
    }

    /// Where a name begins and ends; nowhere for a row that there is not.
    #[inline]
    fn span(&self, row: usize) -> (usize, usize) {
        let offsets = self.names.value_offsets();
        match (offsets.get(row), offsets.get(row + 1)) {
            (Some(start), Some(end)) => (*start as usize, *end as usize),
            _ => (0, 0),
        }
    }
}

const fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// The first and the last eight bytes of at least eight.
#[inline]
fn ends(bytes: &[u8]) -> Option<(u64, u64)> {
    Some((u64::from_le_bytes(*bytes.first_chunk()?), u64::from_le_bytes(*bytes.last_chunk()?)))
}

/// Whether the first and the last `N` bytes of two texts of at least as many are the same.
#[inline]
fn same_ends<const N: usize>(one: &[u8], other: &[u8]) -> bool {
    one.first_chunk::<N>() == other.first_chunk::<N>() && one.last_chunk::<N>() == other.last_chunk::<N>()
}

/// Names are short: their ends, which overlap, are compared without a call and without a loop.
#[inline]
fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    match one.len() {
        0..8 => one.iter().zip(other).all(|(one, other)| one == other),
        8..=16 => same_ends::<8>(one, other),
        17..=32 => same_ends::<16>(one, other),
        33..=64 => same_ends::<32>(one, other),
        _ => one == other,
    }
}

/// Mixes the words of a name two by two, the last two perhaps overlapping those before.
#[inline]
fn hash(name: &[u8]) -> u64 {
    let seed = 0x9e37_79b9_7f4a_7c15 ^ name.len() as u64;
    let Some((first, last)) = ends(name) else {
        let word = name.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        return mix(seed, word);
    };
    match name.last_chunk::<16>() {
        None => mix(seed ^ first, last),
        Some(end) => name.as_chunks::<16>().0.iter().chain([end]).fold(seed, |hash, pair| {
            let pair = u128::from_le_bytes(*pair);
            mix(hash ^ pair as u64, (pair >> 64) as u64)
        }),
    }
}

#[inline]
fn mix(one: u64, other: u64) -> u64 {
    let product = u128::from(one ^ 0xa076_1d64_78bd_642f) * u128::from(other ^ 0xe703_7ed1_a0b4_28db);
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;
    use std::collections::HashMap;

    #[test]
    fn a_name_is_found_where_a_map_finds_it() {
        let seed = crate::test_seed();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let name = |rng: &mut Xoshiro256PlusPlus| -> String {
            (0..rng.random_range(0..80)).map(|_| ['a', 'b', 'é'][rng.random_range(0..3)]).collect()
        };
        for _ in 0..20 {
            let names: Vec<String> = (0..rng.random_range(0..2000)).map(|_| name(&mut rng)).collect();
            let map: HashMap<&str, u32> =
                names.iter().enumerate().rev().map(|(row, name)| (name.as_str(), row as u32)).collect();
            let index = NameIndex::new(StringArray::from(names.clone()));
            for name in names.iter().cloned().chain((0..2000).map(|_| name(&mut rng))) {
                let found = index.row(name.as_bytes());
                assert_eq!(found, map.get(name.as_str()).copied(), "{name}, TILLMART_SEED={seed}");
            }
            let asked: Vec<String> =
                names.iter().cloned().chain((0..rng.random_range(0..500)).map(|_| name(&mut rng))).collect();
            let mut found = Vec::new();
            index.find(&asked.iter().map(|name| name.as_bytes()).collect::<Vec<_>>(), &mut found);
            let wanted = asked.iter().map(|name| map.get(name.as_str()).copied().unwrap_or(UNKNOWN));
            assert_eq!(found, wanted.collect::<Vec<_>>(), "TILLMART_SEED={seed}");
        }
    }

    #[test]
    fn names_that_differ_little_lie_apart() {
        let names: Vec<String> = (0..30_000).map(|at| format!("Everyday Basmati Rice No. {at}")).collect();
        let index = NameIndex::new(StringArray::from(names));
        let mask = index.slots.len() - 1;
        let away =
            |(at, slot): (usize, &Slot)| at.wrapping_sub(hash(index.name(slot.row as usize)) as usize & mask) & mask;
        let used = index.slots.iter().enumerate().filter(|(_, slot)| slot.row != UNKNOWN);
        let steps: usize = used.map(away).sum();
        assert!(steps < 30_000, "half a slot away on average, {steps} in all");
    }
}
