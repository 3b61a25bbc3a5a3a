//! Chance that is the same on every machine, in every version and on any number of threads.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

/// What a stream of chance is for: two uses of one seed must not draw the same numbers.
#[derive(Clone, Copy)]
pub(crate) enum Use {
    Sales = 1,
    Sample = 2,
    Dirt = 3,
    Customer = 4,
    Store = 5,
    Product = 6,
    SalesTeam = 7,
    Aside = 8,
}

/// A stream of chance.
pub(crate) struct Chance(Xoshiro256PlusPlus);

impl Chance {
    /// The stream of `(seed, use, position)`: nothing drawn elsewhere changes it.
    pub(crate) fn of(seed: u64, what: Use, position: u64) -> Self {
        let key = scramble(scramble(seed ^ scramble(what as u64)) ^ position);
        Chance(Xoshiro256PlusPlus::seed_from_u64(key))
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`, which must not be 0.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        scale(self.bits() as u32, bound)
    }
}

/// Maps 32 random bits onto `0..bound`.
pub(crate) const fn scale(bits: u32, bound: u32) -> u32 {
    ((bits as u64 * bound as u64) >> 32) as u32
}

/// The finaliser of SplitMix64: every bit of the input moves half of the output's.
pub(crate) const fn scramble(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stream is an interface: another value here means other bytes from the same seed.
    #[test]
    fn a_stream_is_stable_across_versions() {
        let mut chance = Chance::of(1, Use::Sales, 0);
        let drawn = [chance.bits(), chance.bits(), chance.bits()];
        let mut again = Chance::of(1, Use::Sales, 0);
        assert_eq!(drawn, [again.bits(), again.bits(), again.bits()]);
        assert_eq!(scramble(0), 0xE220_A839_7B1D_CDAF, "the first output of SplitMix64 from 0");
        assert_ne!(drawn[0], Chance::of(1, Use::Sample, 0).bits());
        assert_ne!(drawn[0], Chance::of(1, Use::Sales, 1).bits());
    }

    #[test]
    fn numbers_stay_below_their_bound() {
        let mut chance = Chance::of(7, Use::Dirt, 3);
        for bound in [1, 2, 7, u32::MAX] {
            assert!((0..1000).all(|_| chance.below(bound) < bound));
        }
        assert_eq!(scale(u32::MAX, 10), 9);
    }
}
