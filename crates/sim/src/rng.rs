//! Random numbers from a seed.

use parking_lot::Mutex;

/// A small generator (SplitMix64) for everything that the simulation leaves to chance, and for
/// tests that want their own choices to come from the same seed.
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// Dice that roll the same for the same seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below the limit; 0 if the limit is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        // The high half of the product is even enough for a test and needs no loop.
        let product = u128::from(self.number()) * u128::from(limit);
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// An index into something of this length; 0 if it is empty.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    /// Whether something that happens once in `times` happens now.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// [`env::Rng`] from a seed.
#[derive(Debug)]
pub struct SimRng {
    dice: Mutex<Dice>,
}

impl SimRng {
    /// A source that gives the same bytes for the same seed and the same calls.
    pub fn new(seed: u64) -> Self {
        Self {
            dice: Mutex::new(Dice::new(seed)),
        }
    }
}

impl env::Rng for SimRng {
    fn fill(&self, buffer: &mut [u8]) {
        let mut dice = self.dice.lock();
        for chunk in buffer.chunks_mut(8) {
            let bytes = dice.number().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_below_their_limit_and_reach_all_of_it() {
        let mut dice = Dice::new(1);
        let mut seen = [false; 7];
        for _ in 0..200 {
            seen[dice.index(7)] = true;
        }
        assert_eq!(seen, [true; 7]);
        assert_eq!(dice.below(0), 0);
        assert_eq!(dice.below(1), 0);
    }
}
