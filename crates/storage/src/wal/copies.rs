//! Memory for batches that are copied out of the buffer of their round.
//!
//! Batches come and go in about the same order, so those of many rounds stand one behind the other in a block of memory,
//! and it is filled again when all of them are gone. With an allocation for each round, the allocator asks the system for
//! fresh pages at one end of its heap and gives them back at the other.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// How large a block is at most. A batch that a slow reader holds keeps all of its block.
const BLOCK_BYTES_MAX: u64 = 256 << 10;
/// How large a block is at least.
const BLOCK_BYTES_MIN: u64 = 16 << 10;
/// Of how many blocks what is kept consists, as far as these sizes allow that.
const BLOCKS: u64 = 256;
/// How many blocks are asked whether they can be filled again before a new one is made.
const ASKED_MAX: usize = 4;

/// Copies bytes into memory that they share with what is copied before and after them.
#[derive(Debug)]
pub(super) struct Copies {
    /// What is left of the block that is being filled.
    block: BytesMut,
    /// The ends of those that are full, the oldest first but for those that were asked and are still in use.
    full: VecDeque<BytesMut>,
    /// How many of those are kept to be filled again.
    full_max: usize,
    block_bytes: usize,
}

impl Copies {
    /// Keeps so many bytes at most to be filled again.
    pub(super) fn new(bytes_max: u64) -> Self {
        let block_bytes = (bytes_max / BLOCKS).clamp(BLOCK_BYTES_MIN, BLOCK_BYTES_MAX);
        let full_max = bytes_max / block_bytes;
        Self {
            block: BytesMut::with_capacity(block_bytes as usize),
            full: VecDeque::new(),
            full_max: full_max as usize,
            block_bytes: block_bytes as usize,
        }
    }

    /// What is copied at once and is larger than this has its own memory. So much at the end of a block may stay unused.
    fn shared_bytes_max(&self) -> usize {
        self.block_bytes / 4
    }

    /// Copies the parts, of this length together, one behind the other.
    pub(super) fn copy<'a>(
        &mut self,
        bytes: usize,
        parts: impl Iterator<Item = &'a [u8]>,
    ) -> Bytes {
        if bytes > self.shared_bytes_max() {
            let mut own = BytesMut::with_capacity(bytes);
            parts.for_each(|part| own.extend_from_slice(part));
            return own.freeze();
        }
        if self.block.capacity() < bytes {
            let next = self.empty_block();
            let full = std::mem::replace(&mut self.block, next);
            if self.full.len() < self.full_max {
                self.full.push_back(full);
            }
        }
        parts.for_each(|part| self.block.extend_from_slice(part));
        self.block.split().freeze()
    }

    /// A block that nobody uses any more, or a new one.
    fn empty_block(&mut self) -> BytesMut {
        for _ in 0..ASKED_MAX.min(self.full.len()) {
            if let Some(mut oldest) = self.full.pop_front() {
                if oldest.try_reclaim(self.block_bytes) {
                    return oldest;
                }
                // A batch of a log that is written to its segment late.
                self.full.push_back(oldest);
            }
        }
        BytesMut::with_capacity(self.block_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(copies: &mut Copies, byte: u8, bytes: usize) -> Bytes {
        let (front, back) = (vec![byte; bytes / 3], vec![byte; bytes - bytes / 3]);
        copies.copy(bytes, [&front[..], &back[..]].into_iter())
    }

    /// The first copies of so many blocks, each followed by as many as fill it.
    fn fill_blocks(copies: &mut Copies, blocks: usize) -> Vec<Bytes> {
        let bytes = copies.block_bytes / 16;
        let first_of_block = |_| {
            let first = copy(copies, 1, bytes);
            (1..16).for_each(|_| drop(copy(copies, 2, bytes)));
            first
        };
        (0..blocks).map(first_of_block).collect()
    }

    #[test]
    fn copies_stay_as_they_are_while_blocks_are_filled_again() {
        let mut copies = Copies::new(10 << 20);
        let mut held = VecDeque::new();
        for number in 0..600_usize {
            let (byte, bytes) = (
                (number % 251) as u8,
                number * 7_919 % (copies.block_bytes / 5),
            );
            held.push_back((vec![byte; bytes], copy(&mut copies, byte, bytes)));
            // Mostly the oldest goes, and now and then a later one before it.
            if number > 40 {
                held.remove(if number % 3 == 0 { 7 } else { 0 });
            }
            assert!(held.iter().all(|(expected, copy)| copy == expected));
        }
        assert!(copies.full.len() < 10, "blocks are filled again");
    }

    #[test]
    fn a_block_is_filled_again_when_nobody_holds_any_of_it() {
        let mut copies = Copies::new(10 << 20);
        let mut firsts = fill_blocks(&mut copies, 4);
        let places: Vec<_> = firsts.iter().map(|first| first.as_ptr()).collect();
        // One is held for longer, and the others do not wait for it.
        let held = firsts.remove(0);
        drop(firsts);
        let again = fill_blocks(&mut copies, 2);
        assert_eq!(again[0].as_ptr(), places[1]);
        assert_eq!(again[1].as_ptr(), places[2]);
        assert!(held.iter().all(|byte| *byte == 1));
        drop((held, again));
        let kept = copies.full.len();
        (0..20).for_each(|_| drop(fill_blocks(&mut copies, 1)));
        assert_eq!(copies.full.len(), kept, "no new ones are made");
    }

    #[test]
    fn much_at_once_has_its_own_memory() {
        let mut copies = Copies::new(10 << 20);
        let small = copy(&mut copies, 1, 100);
        let (left, shared_bytes_max) = (copies.block.capacity(), copies.shared_bytes_max());
        assert_eq!(
            copy(&mut copies, 2, shared_bytes_max + 1).len(),
            shared_bytes_max + 1
        );
        assert_eq!(copies.block.capacity(), left);
        assert_eq!(
            copy(&mut copies, 3, shared_bytes_max).len(),
            shared_bytes_max
        );
        assert_eq!(copies.block.capacity(), left - shared_bytes_max);
        assert_eq!(small, vec![1; 100]);
    }

    #[test]
    fn no_more_blocks_are_kept_than_is_said() {
        let mut copies = Copies::new(10 << 20);
        let held = fill_blocks(&mut copies, 300);
        assert_eq!(copies.full.len(), BLOCKS as usize);
        drop(held);
    }

    #[test]
    fn blocks_are_as_large_as_what_is_kept_allows() {
        for (bytes_max, block_bytes, blocks) in [
            (0, 16 << 10, 0),
            (224 << 10, 16 << 10, 14),
            (10 << 20, 40 << 10, 256),
            (128 << 20, 256 << 10, 512),
        ] {
            let copies = Copies::new(bytes_max);
            assert_eq!((copies.block_bytes, copies.full_max), (block_bytes, blocks));
        }
    }
}
