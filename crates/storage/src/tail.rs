//! The newest batches of a log, in memory: those that are in no segment yet, and before them some
//! that are kept for readers.

use std::collections::VecDeque;

use bytes::Bytes;

/// One batch as it is on disk.
#[derive(Clone, Debug)]
pub(crate) struct TailBatch {
    pub base_offset: i64,
    pub last_offset: i64,
    pub max_timestamp: i64,
    /// The round that holds it.
    pub round_seq: u64,
    pub bytes: Bytes,
    /// Whether the bytes keep a larger buffer in memory.
    pub is_shared: bool,
}

#[derive(Debug)]
pub(crate) struct Tail {
    batches: VecDeque<TailBatch>,
    /// Batches below this offset are in a segment.
    flushed_end: i64,
    unflushed_bytes: u64,
}

impl Tail {
    pub(crate) fn new(flushed_end: i64) -> Self {
        Self {
            batches: VecDeque::new(),
            flushed_end,
            unflushed_bytes: 0,
        }
    }

    pub(crate) fn push(&mut self, batch: TailBatch) {
        self.unflushed_bytes += batch.bytes.len() as u64;
        self.batches.push_back(batch);
    }

    pub(crate) fn flushed_end(&self) -> i64 {
        self.flushed_end
    }

    pub(crate) fn unflushed_bytes(&self) -> u64 {
        self.unflushed_bytes
    }

    /// The bytes that are in no segment and those that are, counted anew.
    pub(crate) fn count_bytes(&self) -> (u64, u64) {
        let all: u64 = self
            .batches
            .iter()
            .map(|batch| batch.bytes.len() as u64)
            .sum();
        let unflushed = self.unflushed().map(|batch| batch.bytes.len() as u64).sum();
        (unflushed, all - unflushed)
    }

    /// Whether the batch that holds the offset is in memory.
    pub(crate) fn covers(&self, offset: i64) -> bool {
        self.batches
            .front()
            .is_some_and(|first| first.base_offset <= offset)
    }

    /// The batches from the one that holds `from`.
    pub(crate) fn from(&self, from: i64) -> impl Iterator<Item = &TailBatch> {
        let start = self
            .batches
            .partition_point(|batch| batch.last_offset < from);
        self.batches.range(start..)
    }

    /// The batches that are in no segment yet.
    pub(crate) fn unflushed(&self) -> impl Iterator<Item = &TailBatch> {
        let start = self
            .batches
            .partition_point(|batch| batch.base_offset < self.flushed_end);
        self.batches.range(start..)
    }

    pub(crate) fn oldest_unflushed_round(&self) -> Option<u64> {
        self.unflushed().next().map(|batch| batch.round_seq)
    }

    /// Says that segments, or nobody, need the batches below this offset; returns their bytes.
    pub(crate) fn set_flushed_end(&mut self, flushed_end: i64) -> u64 {
        let bytes = self
            .unflushed()
            .take_while(|batch| batch.base_offset < flushed_end)
            .map(|batch| batch.bytes.len() as u64)
            .sum();
        self.flushed_end = self.flushed_end.max(flushed_end);
        self.unflushed_bytes -= bytes;
        bytes
    }

    /// Drops batches that are in a segment and came with a round up to this one; returns their
    /// bytes.
    pub(crate) fn evict(&mut self, round_seq: u64) -> u64 {
        self.drop_while(|batch| batch.round_seq <= round_seq)
    }

    /// Drops batches that are in a segment and below an offset; returns their bytes.
    pub(crate) fn evict_below(&mut self, offset: i64) -> u64 {
        self.drop_while(|batch| batch.base_offset < offset)
    }

    fn drop_while(&mut self, is_dropped: impl Fn(&TailBatch) -> bool) -> u64 {
        let mut bytes = 0;
        while let Some(first) = self.batches.front() {
            if first.base_offset >= self.flushed_end || !is_dropped(first) {
                break;
            }
            bytes += first.bytes.len() as u64;
            self.batches.pop_front();
        }
        if self.batches.is_empty() {
            self.batches = VecDeque::new();
        }
        bytes
    }

    /// Copies what keeps larger buffers in memory, came with a round up to this one, and is in no segment yet. Returns
    /// whether there was any.
    pub(crate) fn detach(&mut self, round_seq: u64) -> bool {
        let mut has_copied = false;
        let flushed = self
            .batches
            .partition_point(|batch| batch.base_offset < self.flushed_end);
        let old = self
            .batches
            .partition_point(|batch| batch.round_seq <= round_seq);
        for batch in self.batches.range_mut(flushed..old.max(flushed)) {
            if batch.is_shared {
                batch.bytes = Bytes::copy_from_slice(&batch.bytes);
                batch.is_shared = false;
                has_copied = true;
            }
        }
        has_copied
    }

    /// Drops everything; returns the unflushed and the cached bytes.
    pub(crate) fn clear(&mut self) -> (u64, u64) {
        let (_, cached) = self.count_bytes();
        self.batches = VecDeque::new();
        (std::mem::take(&mut self.unflushed_bytes), cached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(offset: i64, round_seq: u64, buffer: &Bytes) -> TailBatch {
        let at = offset as usize;
        TailBatch {
            base_offset: offset,
            last_offset: offset,
            max_timestamp: -1,
            round_seq,
            bytes: buffer.slice(at..=at),
            is_shared: true,
        }
    }

    #[test]
    fn what_stays_although_it_is_old_is_copied_once() {
        let buffer = Bytes::from_static(&[10, 11, 12, 13, 14]);
        let mut tail = Tail::new(0);
        for (offset, round_seq) in [(0, 1), (1, 2), (2, 2), (3, 3), (4, 4)] {
            tail.push(batch(offset, round_seq, &buffer));
        }
        tail.set_flushed_end(2);
        let places = |tail: &Tail| -> Vec<_> {
            let batches = tail.batches.iter();
            batches.map(|batch| batch.bytes.as_ptr()).collect()
        };
        let before = places(&tail);
        assert!(!tail.detach(1), "only flushed ones are as old as that");
        assert_eq!(places(&tail), before);
        assert!(tail.detach(3));
        let after = places(&tail);
        let moved: Vec<_> = before.iter().zip(&after).map(|(a, b)| a != b).collect();
        assert_eq!(moved, [false, false, true, true, false]);
        assert!(!tail.detach(3));
        assert_eq!(places(&tail), after);
        let bytes: Vec<_> = tail.from(0).map(|batch| batch.bytes[0]).collect();
        assert_eq!(bytes, [10, 11, 12, 13, 14]);
    }
}
