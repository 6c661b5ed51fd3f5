//! Counters of the engine.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds of the buckets of [`DurationHistogram`], in microseconds; one more bucket
/// holds what is longer.
pub const DURATION_BOUNDS_MICROSECONDS: [u64; 14] = [
    50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 102_400, 409_600,
    1_638_400,
];

const BUCKETS: usize = DURATION_BOUNDS_MICROSECONDS.len() + 1;

#[derive(Debug, Default)]
pub(crate) struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    sum_microseconds: AtomicU64,
}

impl Histogram {
    fn note(&self, time: Duration) {
        let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = DURATION_BOUNDS_MICROSECONDS.partition_point(|bound| *bound < microseconds);
        if let Some(count) = self.buckets.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_microseconds
            .fetch_add(microseconds, Ordering::Relaxed);
    }

    fn snapshot(&self) -> DurationHistogram {
        let mut buckets = [0; BUCKETS];
        for (count, bucket) in buckets.iter_mut().zip(&self.buckets) {
            *count = bucket.load(Ordering::Relaxed);
        }
        DurationHistogram {
            buckets,
            sum_microseconds: self.sum_microseconds.load(Ordering::Relaxed),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Metrics {
    rounds: AtomicU64,
    round_bytes: AtomicU64,
    write_time: Histogram,
    force_time: Histogram,
    flushes: AtomicU64,
    flushed_bytes: AtomicU64,
    flush_failures: AtomicU64,
    checkpoints: AtomicU64,
    compactions: AtomicU64,
    compaction_failures: AtomicU64,
    compaction_read_bytes: AtomicU64,
    compaction_written_bytes: AtomicU64,
    compaction_memory_bytes: AtomicU64,
}

impl Metrics {
    pub(crate) fn note_round(&self, bytes: u64, time: Duration) {
        self.rounds.fetch_add(1, Ordering::Relaxed);
        self.round_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.write_time.note(time);
    }

    pub(crate) fn note_force(&self, time: Duration) {
        self.force_time.note(time);
    }

    pub(crate) fn note_flush(&self, bytes: u64) {
        self.flushes.fetch_add(1, Ordering::Relaxed);
        self.flushed_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn note_flush_failure(&self) {
        self.flush_failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn note_checkpoint(&self) {
        self.checkpoints.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn note_compaction(&self, read_bytes: u64, written_bytes: u64) {
        self.compactions.fetch_add(1, Ordering::Relaxed);
        self.compaction_read_bytes
            .fetch_add(read_bytes, Ordering::Relaxed);
        self.compaction_written_bytes
            .fetch_add(written_bytes, Ordering::Relaxed);
    }

    pub(crate) fn note_compaction_failure(&self) {
        self.compaction_failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn set_compaction_memory(&self, bytes: u64) {
        self.compaction_memory_bytes.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> StorageMetricsSnapshot {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StorageMetricsSnapshot {
            rounds: load(&self.rounds),
            round_bytes: load(&self.round_bytes),
            write_time: self.write_time.snapshot(),
            force_time: self.force_time.snapshot(),
            flushes: load(&self.flushes),
            flushed_bytes: load(&self.flushed_bytes),
            flush_failures: load(&self.flush_failures),
            checkpoints: load(&self.checkpoints),
            compactions: load(&self.compactions),
            compaction_failures: load(&self.compaction_failures),
            compaction_read_bytes: load(&self.compaction_read_bytes),
            compaction_written_bytes: load(&self.compaction_written_bytes),
            compaction_memory_bytes: load(&self.compaction_memory_bytes),
            ..StorageMetricsSnapshot::default()
        }
    }
}

/// How long something took, counted in buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DurationHistogram {
    /// How many fell between a bound of [`DURATION_BOUNDS_MICROSECONDS`] and the one before; the
    /// last counts what is longer than every bound.
    pub buckets: [u64; BUCKETS],
    /// The sum of all, in microseconds.
    pub sum_microseconds: u64,
}

impl DurationHistogram {
    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

/// What the engine has done since it started, and what it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StorageMetricsSnapshot {
    /// Writes of rounds to the write-ahead log; a round that is written again with more counts each time.
    pub rounds: u64,
    /// Their bytes, with padding.
    pub round_bytes: u64,
    /// How long writing a round took.
    pub write_time: DurationHistogram,
    /// How long forcing the write-ahead log took; its count is the number of forces.
    pub force_time: DurationHistogram,
    /// Times that batches were moved to segments.
    pub flushes: u64,
    /// Bytes that were moved to segments.
    pub flushed_bytes: u64,
    /// Times that moving them failed; it is tried again.
    pub flush_failures: u64,
    /// Checkpoints written.
    pub checkpoints: u64,
    /// Times that a log was compacted.
    pub compactions: u64,
    /// Times that this failed; it is tried again.
    pub compaction_failures: u64,
    /// Bytes of batches that compaction has read, keys and records together.
    pub compaction_read_bytes: u64,
    /// Bytes of batches that compaction has written.
    pub compaction_written_bytes: u64,
    /// Memory that the keys of the log take that is being compacted.
    pub compaction_memory_bytes: u64,
    /// Bytes of batches that are in no segment yet.
    pub unflushed_bytes: u64,
    /// Bytes of batches that are kept in memory though a segment has them.
    pub cached_bytes: u64,
    /// Bytes of the write-ahead log that cannot be written over yet.
    pub wal_used_bytes: u64,
    /// Slots of the write-ahead log.
    pub wal_slots: u64,
    /// Bytes that are reserved for requests under way.
    pub reserved_bytes: u64,
    /// Logs.
    pub logs: u64,
}
