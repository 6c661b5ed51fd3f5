//! Buffers that direct writes accept: their start is aligned to a block.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use env::SECTOR_BYTES;
use parking_lot::Mutex;

/// Keeps buffers for the next rounds: making fresh memory zero costs more than filling it.
#[derive(Clone, Debug)]
pub(crate) struct BufferPool {
    free: Arc<Mutex<Free>>,
}

/// The buffers that nobody uses.
#[derive(Debug)]
struct Free {
    buffers: Vec<Vec<u8>>,
    /// What is kept at most.
    bytes_max: usize,
}

/// A buffer whose start is aligned to [`SECTOR_BYTES`]. Its content is arbitrary at first.
#[derive(Debug)]
pub(crate) struct AlignedBuffer {
    memory: Vec<u8>,
    start: usize,
    bytes: usize,
    pool: Weak<Mutex<Free>>,
}

impl BufferPool {
    /// A pool that keeps this many bytes at most.
    pub(crate) fn new(bytes_max: usize) -> Self {
        let buffers = Vec::new();
        Self {
            free: Arc::new(Mutex::new(Free { buffers, bytes_max })),
        }
    }

    pub(crate) fn take(&self, bytes: usize) -> AlignedBuffer {
        let needed = bytes + SECTOR_BYTES;
        let pooled = {
            let free = &mut self.free.lock().buffers;
            let fitting = free
                .iter()
                .position(|memory| memory.len() >= needed && memory.len() / 4 <= needed);
            fitting.map(|at| free.swap_remove(at))
        };
        let memory = pooled
            .unwrap_or_else(|| vec![0; needed.next_multiple_of(needed.next_power_of_two() / 8)]);
        let start = memory.as_ptr().align_offset(SECTOR_BYTES);
        AlignedBuffer {
            memory,
            start,
            bytes,
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
            let mut free = pool.lock();
            let kept: usize = free.buffers.iter().map(Vec::len).sum();
            if kept + self.memory.len() <= free.bytes_max {
                free.buffers.push(std::mem::take(&mut self.memory));
            }
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
            let buffer = pool.take(bytes);
            assert_eq!(buffer.as_slice().len(), bytes);
            assert_eq!(buffer.as_slice().as_ptr().align_offset(SECTOR_BYTES), 0);
        }
        let pool = BufferPool::new(1 << 20);
        let frozen = pool.take(100 * 4096).freeze();
        let slice = frozen.slice(10..20);
        drop(frozen);
        assert!(
            pool.free.lock().buffers.is_empty(),
            "a slice keeps the buffer"
        );
        drop(slice);
        assert_eq!(pool.free.lock().buffers.len(), 1);
    }
}
