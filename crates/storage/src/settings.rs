//! What the engine and each log are told from outside.

use std::path::PathBuf;
use std::time::Duration;

use env::SECTOR_BYTES;

use crate::views::Durability;

/// How many bytes of entries go into a round.
const ROUND_BYTES_MAX: usize = 8 << 20;

/// Sizes and places of the whole engine.
#[derive(Clone, Debug, PartialEq)]
pub struct StorageSettings {
    /// The directory that holds everything; made when it does not exist.
    pub data_dir: PathBuf,
    /// How large all slots of the write-ahead log may be together, in bytes.
    pub wal_bytes_max: u64,
    /// The size of a slot in bytes, a multiple of 4096. A batch may be half as large.
    pub wal_slot_bytes: u32,
    /// The size of the slots that are made while starting, in bytes, a multiple of 4096; small, so
    /// that starting is quick.
    pub wal_first_slot_bytes: u32,
    /// How much memory batches may take, in bytes: half for what is not in a segment yet, an eighth
    /// for what is kept for readers, an eighth for buffers to be used again, and the rest for
    /// answers under way. Memory that small batches were copied to is kept for others when they
    /// are gone; if large ones come instead, it is held in addition, `flush_bytes` and an eighth at
    /// most.
    pub memory_bytes_max: u64,
    /// How many bytes may gather before they are moved to segments.
    pub flush_bytes: u64,
    /// From how many bytes on what is moved for a log at once goes past the page cache, if nobody reads it there. Of less
    /// than that most is less than a sector, or begins one.
    pub direct_bytes_min: u64,
    /// How long a producer is remembered after its last batch, in milliseconds
    /// (`producer.id.expiration.ms`).
    pub producer_id_expiration_ms: i64,
    /// How logs are compacted.
    pub compaction: CompactionSettings,
}

/// How compaction works, by the names of the broker settings they come from.
#[derive(Clone, Debug, PartialEq)]
pub struct CompactionSettings {
    /// How much memory the keys of a log may take, in bytes; a key takes 24. What does not fit is left
    /// to another round (`log.cleaner.dedupe.buffer.size`).
    pub memory_bytes: u64,
    /// How full that memory may get, as a fraction (`log.cleaner.io.buffer.load.factor`).
    pub memory_load_factor: f64,
    /// How much is read at once, in bytes; one batch at least (`log.cleaner.io.buffer.size`).
    pub io_bytes: u64,
    /// How much is read and written in a second, in bytes (`log.cleaner.io.max.bytes.per.second`).
    pub bytes_per_second: f64,
    /// How long it rests when there is nothing to do (`log.cleaner.backoff.ms`).
    pub backoff: Duration,
}

impl Default for CompactionSettings {
    fn default() -> Self {
        Self {
            memory_bytes: 128 << 20,
            memory_load_factor: 0.9,
            io_bytes: 512 << 10,
            bytes_per_second: f64::MAX,
            backoff: Duration::from_secs(15),
        }
    }
}

impl StorageSettings {
    /// The defaults with this data directory.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            wal_bytes_max: 1 << 30,
            wal_slot_bytes: 64 << 20,
            wal_first_slot_bytes: 4 << 20,
            memory_bytes_max: 512 << 20,
            flush_bytes: 64 << 20,
            direct_bytes_min: 64 << 10,
            producer_id_expiration_ms: 86_400_000,
            compaction: CompactionSettings::default(),
        }
    }

    /// The largest batch that the write-ahead log takes, in bytes.
    pub fn batch_bytes_max(&self) -> usize {
        self.wal_slot_bytes as usize / 2
    }

    /// How many bytes of memory are kept to copy batches to: what gathers until it is moved to segments, and what is kept for
    /// readers after that.
    pub(crate) fn copies_bytes_max(&self) -> u64 {
        self.flush_bytes.saturating_add(self.memory_bytes_max / 8)
    }

    /// How many bytes of entries go into a round; a single larger one travels alone, and a larger
    /// group is refused.
    pub(crate) fn round_bytes_max(&self) -> usize {
        // A round that fits no slot would wait for one that may never be made. What is taken off is
        // what the first block, the header with the padding and the last round need.
        let slot_bytes = self.wal_slot_bytes as usize;
        ROUND_BYTES_MAX.min(slot_bytes.saturating_sub(3 * SECTOR_BYTES))
    }
}

/// Whose time the records of a log carry (`message.timestamp.type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's.
    #[default]
    CreateTime,
    /// The broker's, stamped when the batch is appended.
    LogAppendTime,
}

/// The settings of one log, by the names of the topic settings they come from.
#[derive(Clone, Debug, PartialEq)]
pub struct LogConfig {
    /// The largest batch that is taken, in bytes. Checked by the caller.
    pub max_message_bytes: i32,
    /// Whether retention removes records (`cleanup.policy` holds `delete`).
    pub cleanup_delete: bool,
    /// Whether compaction keeps the last record of each key only (`cleanup.policy` holds `compact`).
    pub cleanup_compact: bool,
    /// How long a tombstone or a transaction marker stays after the first compaction that could have
    /// removed it, in milliseconds.
    pub delete_retention_ms: i64,
    /// What share of the log must be dirty to be compacted.
    pub min_cleanable_dirty_ratio: f64,
    /// How long a record is not compacted, by its timestamp, in milliseconds.
    pub min_compaction_lag_ms: i64,
    /// After what time a record is compacted however little is dirty, in milliseconds.
    pub max_compaction_lag_ms: i64,
    /// How long records are kept, in milliseconds; -1 for ever.
    pub retention_ms: i64,
    /// How many bytes are kept; -1 for any number.
    pub retention_bytes: i64,
    /// How large a segment becomes before the next one begins, in bytes.
    pub segment_bytes: i64,
    /// How long a segment is written to before the next one begins, in milliseconds.
    pub segment_ms: i64,
    /// Up to how much is taken off that, at random, so that not all logs roll at once.
    pub segment_jitter_ms: i64,
    /// How large an index file becomes before the next segment begins, in bytes.
    pub segment_index_bytes: i32,
    /// How long the files of a segment stay after it has been given up, in milliseconds.
    pub file_delete_delay_ms: i64,
    /// How many bytes lie between two entries of the offset index.
    pub index_interval_bytes: i32,
    /// Whose time the records carry.
    pub timestamp_type: TimestampType,
    /// After how many records the log is forced to disk. 1: before each answer (a strict log).
    pub flush_messages: i64,
    /// After how many milliseconds what was written is forced to disk. 0: before each answer.
    pub flush_ms: i64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            max_message_bytes: 1_048_588,
            cleanup_delete: true,
            cleanup_compact: false,
            delete_retention_ms: 86_400_000,
            min_cleanable_dirty_ratio: 0.5,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
            retention_ms: 604_800_000,
            retention_bytes: -1,
            segment_bytes: 1 << 30,
            segment_ms: 604_800_000,
            segment_jitter_ms: 0,
            segment_index_bytes: 10 << 20,
            file_delete_delay_ms: 60_000,
            index_interval_bytes: 4096,
            timestamp_type: TimestampType::CreateTime,
            flush_messages: 1,
            flush_ms: 0,
        }
    }
}

impl LogConfig {
    /// The settings of a log that the broker keeps for itself: strict, and nothing is removed by age
    /// or size.
    pub fn internal() -> Self {
        Self {
            max_message_bytes: i32::MAX,
            cleanup_delete: false,
            retention_ms: -1,
            segment_bytes: 100 << 20,
            ..Self::default()
        }
    }

    /// How many bytes lie between two entries of the offset index, at least 1.
    pub(crate) fn index_interval(&self) -> u64 {
        u64::from(self.index_interval_bytes.max(1).cast_unsigned())
    }

    /// The size at which a segment is full, at least 1.
    pub(crate) fn segment_bytes_max(&self) -> u64 {
        self.segment_bytes.max(1).cast_unsigned()
    }

    /// How long a segment is written to. `random` says how much of the jitter is taken off.
    pub(crate) fn roll_ms(&self, random: u64) -> i64 {
        let mut roll_ms = self.segment_ms;
        if self.cleanup_compact {
            // What is being written to is never compacted.
            roll_ms = roll_ms.min(self.max_compaction_lag_ms);
        }
        let jitter_ms = u64::try_from(self.segment_jitter_ms.min(roll_ms)).unwrap_or(0);
        roll_ms - random.checked_rem(jitter_ms).unwrap_or(0).cast_signed()
    }

    /// Whether the log acknowledges and shows what is written before it is forced to disk.
    pub fn is_relaxed(&self) -> bool {
        self.flush_messages > 1 && self.flush_ms > 0
    }

    /// How far a batch of the log must have come to be acknowledged.
    pub fn ack_durability(&self) -> Durability {
        match self.is_relaxed() {
            true => Durability::Written,
            false => Durability::Durable,
        }
    }
}
