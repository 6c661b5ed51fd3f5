//! Buffers that are used again. Their start is aligned to a block, so that direct writes accept them.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use env::SECTOR_BYTES;
use parking_lot::Mutex;

/// Keeps buffers for the next rounds and reads: making fresh memory zero costs more than filling it.
#[derive(Clone, Debug)]
pub(crate) struct BufferPool {
    free: Arc<Mutex<Free>>,
}

/// The buffers that nobody uses, the one that was used last at the back.
#[derive(Debug)]
struct Free {
    buffers: VecDeque<Vec<u8>>,
    bytes: usize,
    /// What is kept at most.
    bytes_max: usize,
}

impl Free {
    /// The buffer that was used last of those that have this length and do not waste much.
    fn take(&mut self, needed: usize) -> Option<Vec<u8>> {
        let fits =
            |memory: &Vec<u8>| memory.capacity() >= needed && memory.capacity() / 4 <= needed;
        let at = self.buffers.iter().rposition(fits)?;
        let memory = self.buffers.remove(at)?;
        self.bytes -= memory.capacity();
        Some(memory)
    }

    /// Keeps a buffer, and lets those go that were not used for the longest time.
    fn put(&mut self, memory: Vec<u8>) {
        self.bytes += memory.capacity();
        self.buffers.push_back(memory);
        while self.bytes > self.bytes_max
            && let Some(oldest) = self.buffers.pop_front()
        {
            self.bytes -= oldest.capacity();
        }
    }
}

/// A buffer whose start is aligned to [`SECTOR_BYTES`], and that is filled from front to back. It never grows
/// beyond what it was taken for.
#[derive(Debug)]
pub(crate) struct AlignedBuffer {
    /// What of it was ever written to; so nothing is made zero that is filled anyway.
    memory: Vec<u8>,
    start: usize,
    /// How much is filled, from the start on.
    bytes: usize,
    pool: Weak<Mutex<Free>>,
}

impl BufferPool {
    /// A pool that keeps this many bytes at most.
    pub(crate) fn new(bytes_max: usize) -> Self {
        let free = Free {
            buffers: VecDeque::new(),
            bytes: 0,
            bytes_max,
        };
        Self {
            free: Arc::new(Mutex::new(free)),
        }
    }

    /// An empty buffer for so many bytes.
    pub(crate) fn take(&self, bytes: usize) -> AlignedBuffer {
        let needed = bytes + SECTOR_BYTES;
        let pooled = self.free.lock().take(needed);
        let mut memory = pooled.unwrap_or_else(|| {
            Vec::with_capacity(needed.next_multiple_of(needed.next_power_of_two() / 8))
        });
        let start = memory.as_ptr().align_offset(SECTOR_BYTES);
        if memory.len() < start {
            memory.resize(start, 0);
        }
        AlignedBuffer {
            memory,
            start,
            bytes: 0,
            pool: Arc::downgrade(&self.free),
        }
    }
}

impl AlignedBuffer {
    pub(crate) fn as_slice(&self) -> &[u8] {
        self.memory
            .get(self.start..self.start + self.bytes)
            .unwrap_or(&[])
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        self.memory
            .get_mut(self.start..self.start + self.bytes)
            .unwrap_or(&mut [])
    }

    /// Appends bytes.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        let end = self.start + self.bytes;
        debug_assert!(end + bytes.len() <= self.memory.capacity());
        let used_before = self.memory.len() - end;
        let (over, behind) = bytes.split_at(used_before.min(bytes.len()));
        if let Some(place) = self.memory.get_mut(end..end + over.len()) {
            place.copy_from_slice(over);
        }
        self.memory.extend_from_slice(behind);
        self.bytes += bytes.len();
    }

    /// Appends this many bytes, to be filled: zeros in memory that was never written to, and whatever the last user has
    /// left there in what comes from the pool.
    pub(crate) fn extend_blank(&mut self, bytes: usize) -> &mut [u8] {
        let end = self.start + self.bytes;
        debug_assert!(end + bytes <= self.memory.capacity());
        if self.memory.len() < end + bytes {
            self.memory.resize(end + bytes, 0);
        }
        self.bytes += bytes;
        self.memory.get_mut(end..end + bytes).unwrap_or(&mut [])
    }

    /// Forgets what lies behind so many bytes.
    pub(crate) fn truncate(&mut self, bytes: usize) {
        self.bytes = self.bytes.min(bytes);
    }

    /// The buffer as shared bytes; it goes back to the pool when the last of them is dropped.
    pub(crate) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for AlignedBuffer {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl Drop for AlignedBuffer {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.lock().put(std::mem::take(&mut self.memory));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_come_back() {
        let pool = BufferPool::new(1 << 20);
        for bytes in [4096, 8192, 100 * 4096] {
            let mut buffer = pool.take(bytes);
            buffer.extend_blank(bytes);
            assert_eq!(buffer.as_slice().len(), bytes);
            assert_eq!(buffer.as_slice().as_ptr().align_offset(SECTOR_BYTES), 0);
        }
        let pool = BufferPool::new(1 << 20);
        let mut buffer = pool.take(100 * 4096);
        buffer.extend_blank(4096);
        let frozen = buffer.freeze();
        let slice = frozen.slice(10..20);
        drop(frozen);
        assert!(
            pool.free.lock().buffers.is_empty(),
            "a slice keeps the buffer"
        );
        drop(slice);
        assert_eq!(pool.free.lock().buffers.len(), 1);
    }

    #[test]
    fn those_that_were_used_last_are_kept() {
        let pool = BufferPool::new(120_000);
        let lengths = || -> Vec<usize> {
            let free = pool.free.lock();
            free.buffers.iter().map(Vec::capacity).collect()
        };
        let (small, large) = (pool.take(20_000), pool.take(60_000));
        drop(small);
        drop(large);
        let [small, large] = lengths()[..] else {
            panic!("both find room");
        };
        // The small one is too small, and goes for a third.
        let other = pool.take(50_000);
        assert_eq!(lengths(), [small]);
        let third = pool.take(40_000);
        drop(other);
        drop(third);
        let kept = lengths();
        assert_eq!(kept.first(), Some(&large));
        assert_eq!(kept.len(), 2);
        let free = pool.free.lock();
        assert_eq!(free.bytes, kept.iter().sum::<usize>());
        assert!(free.bytes <= free.bytes_max);
    }

    #[test]
    fn a_buffer_is_filled_from_front_to_back() {
        let pool = BufferPool::new(1 << 20);
        let mut first = pool.take(10_000);
        first.extend(&[1; 3_000]);
        first.extend_blank(2).copy_from_slice(&[2; 2]);
        assert_eq!(first.as_slice(), [vec![1; 3_000], vec![2; 2]].concat());
        drop(first);
        // What was there before does not show, wherever it ended.
        let mut again = pool.take(10_000);
        assert!(pool.free.lock().buffers.is_empty());
        assert_eq!(again.as_slice(), [0; 0]);
        again.extend(&[3; 2_990]);
        again.extend(&[4; 100]);
        again.extend_blank(100).fill(5);
        again.truncate(3_100);
        assert_eq!(
            again.as_slice(),
            [vec![3; 2_990], vec![4; 100], vec![5; 10]].concat()
        );
    }
}
