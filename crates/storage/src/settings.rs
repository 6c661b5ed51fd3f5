//! What the engine and each log are told from outside.

use std::path::PathBuf;

/// Sizes and places of the whole engine.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// answers under way.
    pub memory_bytes_max: u64,
    /// How many bytes may gather before they are moved to segments.
    pub flush_bytes: u64,
    /// How long a producer is remembered after its last batch, in milliseconds
    /// (`producer.id.expiration.ms`).
    pub producer_id_expiration_ms: i64,
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
            producer_id_expiration_ms: 86_400_000,
        }
    }

    /// The largest batch that the write-ahead log takes, in bytes.
    pub fn batch_bytes_max(&self) -> usize {
        self.wal_slot_bytes as usize / 2
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// The largest batch that is taken, in bytes. Checked by the caller.
    pub max_message_bytes: i32,
    /// Whether retention removes records (`cleanup.policy` holds `delete`).
    pub cleanup_delete: bool,
    /// How long records are kept, in milliseconds; -1 for ever.
    pub retention_ms: i64,
    /// How many bytes are kept; -1 for any number.
    pub retention_bytes: i64,
    /// How large a segment becomes before the next one begins, in bytes.
    pub segment_bytes: i64,
    /// How long a segment is written to before the next one begins, in milliseconds.
    pub segment_ms: i64,
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
            retention_ms: 604_800_000,
            retention_bytes: -1,
            segment_bytes: 1 << 30,
            segment_ms: 604_800_000,
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

    /// Whether the log acknowledges and shows what is written before it is forced to disk.
    pub fn is_relaxed(&self) -> bool {
        self.flush_messages > 1 && self.flush_ms > 0
    }
}
