//! Plain values that go in and out of a log.

use bytes::Bytes;
use model::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, TimestampMs};

/// The number of an entry in the order in which all logs of the engine were appended to, from 1. An
/// entry is durable when the round that holds it is, and then so is every earlier entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sequence(pub u64);

/// How far an entry must have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// Written to a file: it survives the end of the process.
    Written,
    /// Forced to disk: it survives a power cut.
    Durable,
}

/// Who appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Append {
    /// A producer: its epoch and sequence are checked.
    Produce,
    /// A producer whose epoch counts its transactions (KIP-890). As such a one begins each with
    /// sequence number 0, it does so too where it is not known.
    ProduceBumped,
    /// The broker itself; if it does so for a producer, the epoch is checked.
    Internal,
    /// The coordinator that ends a producer's transaction with a marker: the epochs of both are
    /// checked.
    Marker {
        /// Whether the epoch was counted up for the marker (KIP-890), so that an open transaction
        /// with that epoch is another one.
        is_bumped: bool,
    },
}

/// Where a batch went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The offset of its first record.
    pub base_offset: Offset,
    /// The offset of its last record.
    pub last_offset: Offset,
    /// The time it was stamped with, in milliseconds; -1 if the log keeps the producer's time.
    pub log_append_time_ms: TimestampMs,
    /// Where the log starts.
    pub log_start: Offset,
    /// What to wait for before answering; for a duplicate that of the original.
    pub sequence: Sequence,
    /// Whether the batch was there already.
    pub duplicate: bool,
}

/// What readers may know of a log. Everything but `appended_end` depends on committed rounds only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogView {
    /// The first offset that can be read.
    pub log_start: Offset,
    /// One above the last offset that can be read.
    pub high_watermark: Offset,
    /// The first offset of the first open transaction, or the high watermark.
    pub last_stable_offset: Offset,
    /// The offset the next batch gets. Not to be shown to clients.
    pub appended_end: Offset,
    /// The epoch that batches are stamped with now.
    pub leader_epoch: LeaderEpoch,
    /// How many bytes the readable batches take.
    pub bytes: u64,
}

/// Which records a reader wants (KIP-98).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// All up to the high watermark.
    ReadUncommitted,
    /// Those below the last stable offset, with the list of aborted transactions.
    ReadCommitted,
}

/// A transaction that was aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTransaction {
    /// Who aborted it.
    pub producer_id: ProducerId,
    /// The offset of its first record.
    pub first_offset: Offset,
    /// The offset of the marker that ended it.
    pub last_offset: Offset,
}

/// Batches as they were acknowledged, whole, in offset order; in memory, or also in files.
#[derive(Clone, Debug)]
pub struct ReadBatches<C = Bytes> {
    /// The batches; a chunk holds one or more.
    pub chunks: Vec<C>,
    /// The length of all chunks.
    pub bytes: usize,
    /// The view that the read went by.
    pub view: LogView,
    /// For [`Isolation::ReadCommitted`]: the aborted transactions that meet the batches.
    pub aborted: Vec<AbortedTransaction>,
}

impl<C> ReadBatches<C> {
    /// The same, each chunk made into another.
    pub fn map<D>(self, into: impl FnMut(C) -> D) -> ReadBatches<D> {
        ReadBatches {
            chunks: self.chunks.into_iter().map(into).collect(),
            bytes: self.bytes,
            view: self.view,
            aborted: self.aborted,
        }
    }
}

/// A record found by its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampAndOffset {
    /// The record's timestamp in milliseconds.
    pub timestamp_ms: TimestampMs,
    /// Its offset.
    pub offset: Offset,
    /// The epoch its batch was appended in.
    pub leader_epoch: LeaderEpoch,
}

/// What a log remembers of an idempotent producer (KIP-98, KIP-664).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerView {
    /// The producer.
    pub producer_id: ProducerId,
    /// The newest epoch it appended with.
    pub producer_epoch: ProducerEpoch,
    /// The sequence number of its last record; -1 if none.
    pub last_sequence: i32,
    /// The time of its last batch in milliseconds.
    pub last_timestamp_ms: TimestampMs,
    /// The epoch of the coordinator that ended its last transaction; -1 if not known.
    pub coordinator_epoch: i32,
    /// The first offset of its open transaction; -1 if none.
    pub current_transaction_start_offset: Offset,
}
