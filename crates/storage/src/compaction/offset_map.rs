//! Which offset the last record of each key has, in bounded memory.
//!
//! A key is known by a hash of 128 bits under a seed that nobody else knows; that two keys have the
//! same one is less likely than that the memory errs. So an entry takes 24 bytes, however long the
//! key. What does not fit is left to another round.

use std::hash::{DefaultHasher, Hasher};

/// The two halves of the hash, and the offset plus one; 0 there is an empty place.
type Slot = [u64; 3];

const SLOT_BYTES: u64 = size_of::<Slot>() as u64;

/// The map has no room for another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IsFull;

#[derive(Debug)]
pub(crate) struct OffsetMap {
    slots: Vec<Slot>,
    len: usize,
    len_max: usize,
    seed: [u8; 16],
}

impl OffsetMap {
    /// A map that takes at most so many bytes and gets at most that full, with room for `keys` if
    /// these fit. It takes one key at least.
    pub(crate) fn new(bytes_max: u64, load_factor: f64, keys: u64, seed: [u8; 16]) -> Self {
        let load_factor = load_factor.clamp(0.01, 1.0);
        let wanted = (keys as f64 / load_factor).ceil() as u64 + 1;
        let count = (bytes_max / SLOT_BYTES).min(wanted).max(2);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let len_max = (count as f64 * load_factor) as usize;
        Self {
            // Zeros, which the system gives as they are touched.
            slots: vec![[0; 3]; count],
            len: 0,
            // One place stays empty, so that every search ends.
            len_max: len_max.clamp(1, count - 1),
            seed,
        }
    }

    /// The memory that it takes.
    pub(crate) fn bytes(&self) -> u64 {
        self.slots.len() as u64 * SLOT_BYTES
    }

    /// Notes the offset of a record; offsets rise.
    pub(crate) fn insert(&mut self, key: &[u8], offset: i64) -> Result<(), IsFull> {
        let hash = self.hash(key);
        let is_full = self.len >= self.len_max;
        let Some(slot) = self.slot_of(hash).and_then(|at| self.slots.get_mut(at)) else {
            return Err(IsFull);
        };
        if slot[2] == 0 {
            if is_full {
                return Err(IsFull);
            }
            self.len += 1;
        }
        *slot = [hash[0], hash[1], offset.cast_unsigned() + 1];
        Ok(())
    }

    /// The offset of the last record with this key.
    pub(crate) fn get(&self, key: &[u8]) -> Option<i64> {
        let slot = self.slots.get(self.slot_of(self.hash(key))?)?;
        slot[2].checked_sub(1).map(u64::cast_signed)
    }

    /// The place of a key, or the one that it would get.
    fn slot_of(&self, hash: [u64; 2]) -> Option<usize> {
        let count = self.slots.len();
        let start = (u128::from(hash[0]) * count as u128) >> 64;
        let start = usize::try_from(start).unwrap_or(0);
        let is_it = |at: &usize| {
            self.slots
                .get(*at)
                .is_some_and(|slot| slot[2] == 0 || slot[..2] == hash)
        };
        (start..count).chain(0..start).find(is_it)
    }

    fn hash(&self, key: &[u8]) -> [u64; 2] {
        [0_u8, 1].map(|half| {
            // The standard library's hasher is a keyed one; its key is fixed, the seed is not.
            let mut hasher = DefaultHasher::new();
            hasher.write(&self.seed);
            hasher.write_u8(half);
            hasher.write(key);
            hasher.finish()
        })
    }
}

#[cfg(test)]
mod tests;
