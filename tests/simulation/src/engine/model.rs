//! The naive model: a list of batches per log, and what has been promised about them.

use std::collections::{BTreeMap, BTreeSet};

use model::{LogId, Offset};
use storage::{LogConfig, TimestampType};

use crate::batch::Kind;

/// A batch that was submitted.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Its place among all entries of all logs.
    pub order: u64,
    pub base: i64,
    pub last: i64,
    /// As sent.
    pub sent: Vec<u8>,
    /// As it must be read.
    pub stored: Vec<u8>,
    /// As the batch header says.
    pub timestamp_ms: i64,
    /// Producer id, epoch and first sequence number.
    pub producer: Option<(i64, i16, i32)>,
    pub kind: Kind,
    /// An answer to `acks=1` has left, or a reader of a relaxed log has seen it.
    pub is_written: bool,
    /// It is on the medium, an answer to `acks=all` has left, or a reader of a strict log has seen it.
    pub is_durable: bool,
}

impl Entry {
    fn leader_epoch(&self) -> i32 {
        let bytes = self.stored[12..16].try_into();
        i32::from_be_bytes(bytes.unwrap())
    }
}

/// A log as it should be.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogModel {
    pub config: LogConfig,
    /// Some of its batches may be shown before they are forced.
    pub was_relaxed: bool,
    /// All batches ever appended, those below the start included.
    pub entries: Vec<Entry>,
    /// The start that was asked for, or that retention chose.
    pub log_start: i64,
    /// The highest start that retention may have chosen when it looked.
    pub retention_limit: i64,
    /// The highest start that was shown.
    pub shown_log_start: i64,
    /// The highest end that was shown.
    pub shown_end: i64,
}

/// What a log must know of a producer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Producer {
    pub epoch: i16,
    pub next_sequence: i32,
    /// -1 if none of its epoch is known.
    pub last_sequence: i32,
    /// Indexes of its last batches, the newest last; at most five.
    pub recent: Vec<usize>,
}

impl LogModel {
    pub(crate) fn new(config: LogConfig) -> Self {
        Self {
            was_relaxed: config.is_relaxed(),
            config,
            ..Self::default()
        }
    }

    pub(crate) fn end(&self) -> i64 {
        self.entries.last().map_or(0, |entry| entry.last + 1)
    }

    /// Whether a producer has a transaction that no marker has ended.
    pub(crate) fn has_open(&self, producer: i64) -> bool {
        self.transactions(i64::MAX).open.contains_key(&producer)
    }

    pub(crate) fn is_stamped(&self) -> bool {
        self.config.timestamp_type == TimestampType::LogAppendTime
    }

    /// What the entries say about a producer.
    pub(crate) fn producer(&self, id: i64) -> Option<Producer> {
        let mut found: Option<Producer> = None;
        for (index, entry) in self.entries.iter().enumerate() {
            let Some((producer, epoch, sequence)) = entry.producer else {
                continue;
            };
            if producer != id {
                continue;
            }
            let state = found.get_or_insert_default();
            if state.epoch != epoch || state.recent.is_empty() {
                state.recent.clear();
                (state.next_sequence, state.last_sequence) = (0, -1);
            }
            state.epoch = epoch;
            // A marker brings an epoch and nothing else.
            if matches!(entry.kind, Kind::Marker { .. }) {
                continue;
            }
            state.next_sequence = following(sequence, entry.last - entry.base + 1);
            state.last_sequence = following(sequence, entry.last - entry.base);
            state.recent.push(index);
            if state.recent.len() > 5 {
                state.recent.remove(0);
            }
        }
        found
    }

    /// Where a leader epoch ended, of what is shown from `log_start` to `end`: where the first later
    /// one begins.
    pub(crate) fn epoch_end(&self, epoch: i32, log_start: i64, end: i64) -> i64 {
        let shown = self.entries.iter().filter(|entry| entry.last < end);
        let later = shown
            .filter(|entry| entry.last >= log_start)
            .find(|entry| entry.leader_epoch() > epoch);
        later.map_or(end, |entry| entry.base.max(log_start))
    }

    /// Marks what ends at or below an offset as shown to a reader.
    pub(crate) fn show(&mut self, end: i64, log_start: i64, is_durable: bool) {
        self.shown_end = self.shown_end.max(end);
        self.shown_log_start = self.shown_log_start.max(log_start);
        for entry in self.entries.iter_mut().rev() {
            if entry.last < end {
                if entry.is_written && (entry.is_durable || !is_durable) {
                    break;
                }
                entry.is_written = true;
                entry.is_durable |= is_durable;
            }
        }
    }
}

/// The sequence number that comes after so many from this one: they wrap at the largest.
pub(crate) fn following(sequence: i32, count: i64) -> i32 {
    ((i64::from(sequence) + count) % (i64::from(i32::MAX) + 1)) as i32
}

/// All logs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub logs: BTreeMap<LogId, LogModel>,
    /// Logs whose deletion was answered.
    pub deleted: BTreeSet<LogId>,
    pub next_log_id: u32,
    pub next_order: u64,
    /// Groups that nobody has been shown yet: the logs of their batches, and the offsets of the last
    /// records.
    pub groups: Vec<Vec<(LogId, Offset)>>,
}
