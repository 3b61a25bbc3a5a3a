//! Who is held out: a share of customers that gets no coupon, so that the others can be compared with somebody.

/// What the key of the hash is derived for.
const CONTEXT: &str = "tillmart 2026-11 coupon hold-out";

/// The draw of a project. It looks at nothing but the seed and the customer: who is held out stays held out in every month,
/// whoever else comes or goes, and a larger share holds out the same customers and more.
#[derive(Debug, Clone)]
pub struct HoldOut {
    key: [u8; 32],
}

impl HoldOut {
    /// The draw that goes with a seed. Another seed is another draw.
    pub fn new(seed: &str) -> HoldOut {
        HoldOut { key: blake3::derive_key(CONTEXT, seed.as_bytes()) }
    }

    /// Whether a customer is among this share, in millionths, of all customers.
    pub fn holds(&self, customer_id: i64, share_millionths: u32) -> bool {
        let hash = blake3::keyed_hash(&self.key, &customer_id.to_le_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        // A number in [0, 1) as a 64-bit fraction, in millionths.
        let drawn = (u128::from(u64::from_le_bytes(first)) * 1_000_000) >> 64;
        drawn < u128::from(share_millionths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_kept_and_a_larger_one_holds_the_same_and_more() {
        let draw = HoldOut::new("1");
        let held = |share: u32| (0..100_000).filter(|id| draw.holds(*id, share)).collect::<Vec<i64>>();
        let (ten, twenty) = (held(100_000), held(200_000));
        // Four standard deviations of a binomial of 100,000 draws at 0.1 are 380.
        assert!(ten.len().abs_diff(10_000) < 380, "{}", ten.len());
        assert!(ten.iter().all(|id| twenty.binary_search(id).is_ok()));
        assert_eq!((held(0).len(), held(1_000_000).len()), (0, 100_000));
        let other = HoldOut::new("2");
        let both = ten.iter().filter(|id| other.holds(**id, 100_000)).count();
        assert!(both.abs_diff(1_000) < 160, "another seed is another draw: {both}");
    }
}
