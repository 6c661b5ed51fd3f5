//! The header of a batch.

use model::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, TimestampMs};

use crate::compression::Codec;

/// Bytes that the header of a batch takes.
pub const HEADER_BYTES: usize = 61;
/// The magic of the only format in use.
pub const MAGIC: i8 = 2;

/// Where the length field ends: it counts the bytes from there on.
pub(super) const LENGTH_END: usize = 12;
/// Where the checksum begins to count.
pub(super) const CHECKED_FROM: usize = 21;

pub(super) const CRC_AT: usize = 17;
pub(super) const ATTRIBUTES_AT: usize = 21;
pub(super) const MAX_TIMESTAMP_AT: usize = 35;
pub(super) const LEADER_EPOCH_AT: usize = 12;

/// The attributes of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes(pub i16);

impl Attributes {
    pub(super) const CODEC: i16 = 0x07;
    pub(super) const LOG_APPEND_TIME: i16 = 1 << 3;
    pub(super) const TRANSACTIONAL: i16 = 1 << 4;
    pub(super) const CONTROL: i16 = 1 << 5;
    pub(super) const DELETE_HORIZON: i16 = 1 << 6;

    /// How the records are compressed; `None` for a number that is not in use.
    pub fn codec(self) -> Option<Codec> {
        Codec::from_bits((self.0 & Self::CODEC) as u8)
    }

    /// Whether the max timestamp is the time at which the broker appended the batch and stands for
    /// the timestamp of each record.
    pub fn is_log_append_time(self) -> bool {
        self.0 & Self::LOG_APPEND_TIME != 0
    }

    /// Whether the batch belongs to a transaction (KIP-98).
    pub fn is_transactional(self) -> bool {
        self.0 & Self::TRANSACTIONAL != 0
    }

    /// Whether the batch holds a control record in place of data (KIP-98).
    pub fn is_control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }

    /// Whether the base timestamp is the time from which tombstones may go (KIP-534).
    pub fn has_delete_horizon(self) -> bool {
        self.0 & Self::DELETE_HORIZON != 0
    }
}

/// The header of a batch, as it stands there: only a [`super::BatchView`] has had its length and
/// magic looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record.
    pub base_offset: Offset,
    /// Bytes of the batch after this field.
    pub length: i32,
    /// Leader epoch in which the batch was appended.
    pub leader_epoch: LeaderEpoch,
    /// Format of the batch.
    pub magic: i8,
    /// CRC-32C of everything from the attributes on.
    pub crc: u32,
    /// Codec and marks.
    pub attributes: Attributes,
    /// Offset of the last record, counted from the base offset; stays when compaction removes
    /// that record.
    pub last_offset_delta: i32,
    /// Time from which the timestamps of the records count, in ms since the epoch.
    pub base_timestamp: TimestampMs,
    /// Largest timestamp of the records, in ms since the epoch.
    pub max_timestamp: TimestampMs,
    /// Producer id; -1 for a producer that is not idempotent.
    pub producer_id: ProducerId,
    /// Epoch of the producer; -1 for one that is not idempotent.
    pub producer_epoch: ProducerEpoch,
    /// Sequence number of the first record; -1 for a producer that is not idempotent.
    pub base_sequence: i32,
    /// Number of records in the batch.
    pub record_count: i32,
}

/// Takes the next number off the header.
macro_rules! take {
    ($bytes:ident, $type:ty) => {{
        let (number, rest) = $bytes.split_at(size_of::<$type>());
        $bytes = rest;
        let mut array = [0; size_of::<$type>()];
        array.copy_from_slice(number);
        <$type>::from_be_bytes(array)
    }};
}

impl BatchHeader {
    /// Reads a header.
    pub fn from_bytes(bytes: &[u8; HEADER_BYTES]) -> Self {
        let mut bytes = bytes.as_slice();
        let header = Self {
            base_offset: Offset(take!(bytes, i64)),
            length: take!(bytes, i32),
            leader_epoch: LeaderEpoch(take!(bytes, i32)),
            magic: take!(bytes, i8),
            crc: take!(bytes, u32),
            attributes: Attributes(take!(bytes, i16)),
            last_offset_delta: take!(bytes, i32),
            base_timestamp: take!(bytes, i64),
            max_timestamp: take!(bytes, i64),
            producer_id: ProducerId(take!(bytes, i64)),
            producer_epoch: ProducerEpoch(take!(bytes, i16)),
            base_sequence: take!(bytes, i32),
            record_count: take!(bytes, i32),
        };
        debug_assert!(bytes.is_empty());
        header
    }

    /// The header as it stands in a batch.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let mut at = 0;
        let mut put = |number: &[u8]| {
            bytes[at..at + number.len()].copy_from_slice(number);
            at += number.len();
        };
        put(&self.base_offset.0.to_be_bytes());
        put(&self.length.to_be_bytes());
        put(&self.leader_epoch.0.to_be_bytes());
        put(&self.magic.to_be_bytes());
        put(&self.crc.to_be_bytes());
        put(&self.attributes.0.to_be_bytes());
        put(&self.last_offset_delta.to_be_bytes());
        put(&self.base_timestamp.to_be_bytes());
        put(&self.max_timestamp.to_be_bytes());
        put(&self.producer_id.0.to_be_bytes());
        put(&self.producer_epoch.0.to_be_bytes());
        put(&self.base_sequence.to_be_bytes());
        put(&self.record_count.to_be_bytes());
        debug_assert_eq!(at, HEADER_BYTES);
        bytes
    }

    /// Offset of the last record. Wraps for a header with offsets that no broker gave out.
    pub fn last_offset(&self) -> Offset {
        Offset(
            self.base_offset
                .0
                .wrapping_add(i64::from(self.last_offset_delta)),
        )
    }

    /// Offset after the batch, where a reader continues. Wraps as [`BatchHeader::last_offset`].
    pub fn next_offset(&self) -> Offset {
        Offset(self.last_offset().0.wrapping_add(1))
    }

    /// Sequence number of the last record: after 2147483647 comes 0. Only of use when the base
    /// sequence and the last offset delta are not negative.
    pub fn last_sequence(&self) -> i32 {
        let last = i64::from(self.base_sequence) + i64::from(self.last_offset_delta);
        (last & i64::from(i32::MAX)) as i32
    }

    /// Whether an idempotent producer sent the batch.
    pub fn has_producer(&self) -> bool {
        self.producer_id.0 >= 0
    }
}
