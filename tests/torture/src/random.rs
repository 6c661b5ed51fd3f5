//! Numbers that a seed decides.

use std::time::Duration;

/// A stream of numbers (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream with this number of a seed. Streams do not disturb each other: what one actor
    /// draws does not depend on how often another one drew.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut start = Self(seed);
        let offset = start.bits();
        Self(offset ^ stream.wrapping_mul(0xd1b5_4a32_d192_ed03))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number from `low` up to and with `high`.
    ///
    /// # Panics
    ///
    /// When `high` is below `low`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        assert!(low <= high, "no number lies between {low} and {high}");
        low + self.bits() % (high - low + 1)
    }

    /// A number from `low` up to and with `high`; each order of magnitude is equally likely.
    pub fn magnitude(&mut self, low: u64, high: u64) -> u64 {
        let bits = |number: u64| u64::from(64 - number.leading_zeros());
        let bits = self.between(bits(low), bits(high));
        let largest = u64::MAX >> (64 - bits.clamp(1, 64));
        self.between(largest.div_ceil(2).max(low), largest.min(high).max(low))
    }

    /// True in so many cases of a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.bits() % 100 < percent
    }

    /// One of these.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn one_of<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        let last = things.len().checked_sub(1).expect("one of at least one");
        &things[self.between(0, last as u64) as usize]
    }

    /// A time from `low` to `high`, in milliseconds.
    pub fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_micros(self.between(low * 1_000, high * 1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_the_same_numbers_and_its_streams_differ() {
        let draw = |seed, stream| {
            let mut random = Random::new(seed, stream);
            [random.bits(), random.bits()]
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
    }

    #[test]
    fn numbers_stay_within_their_bounds() {
        let mut random = Random::new(7, 0);
        for _ in 0..10_000 {
            assert!((3..=5).contains(&random.between(3, 5)));
            assert!((10..=200_000).contains(&random.magnitude(10, 200_000)));
        }
    }
}
