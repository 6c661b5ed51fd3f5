//! Buffers that direct writes accept: their start is aligned to a block.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use env::SECTOR_BYTES;
use parking_lot::Mutex;

/// Smaller buffers are not worth keeping.
const POOLED_BYTES_MIN: usize = 64 << 10;
/// What the pool keeps at most.
const POOL_BYTES_MAX: usize = 32 << 20;

/// Keeps large buffers for the next rounds: fresh memory costs more than the write.
#[derive(Clone, Debug, Default)]
pub(crate) struct BufferPool {
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// A buffer whose start is aligned to [`SECTOR_BYTES`]. Its content is arbitrary at first.
#[derive(Debug)]
pub(crate) struct AlignedBuffer {
    memory: Vec<u8>,
    start: usize,
    bytes: usize,
    pool: Weak<Mutex<Vec<Vec<u8>>>>,
}

impl BufferPool {
    pub(crate) fn take(&self, bytes: usize) -> AlignedBuffer {
        let needed = bytes + SECTOR_BYTES;
        let pooled = {
            let mut free = self.free.lock();
            let fitting = free
                .iter()
                .position(|memory| memory.len() >= needed && memory.len() / 4 <= needed);
            fitting.map(|at| free.swap_remove(at))
        };
        let memory = pooled.unwrap_or_else(|| {
            let class = if needed >= POOLED_BYTES_MIN {
                needed.next_multiple_of(needed.next_power_of_two() / 8)
            } else {
                needed
            };
            vec![0; class]
        });
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
        if self.memory.len() < POOLED_BYTES_MIN {
            return;
        }
        if let Some(pool) = self.pool.upgrade() {
            let mut free = pool.lock();
            let kept: usize = free.iter().map(Vec::len).sum();
            if kept + self.memory.len() <= POOL_BYTES_MAX {
                free.push(std::mem::take(&mut self.memory));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_come_back() {
        let pool = BufferPool::default();
        for bytes in [4096, 8192, 100 * 4096] {
            let buffer = pool.take(bytes);
            assert_eq!(buffer.as_slice().len(), bytes);
            assert_eq!(buffer.as_slice().as_ptr().align_offset(SECTOR_BYTES), 0);
        }
        let frozen = pool.take(100 * 4096).freeze();
        let slice = frozen.slice(10..20);
        drop(frozen);
        assert!(pool.free.lock().is_empty(), "a slice keeps the buffer");
        drop(slice);
        assert_eq!(pool.free.lock().len(), 1);
    }
}
