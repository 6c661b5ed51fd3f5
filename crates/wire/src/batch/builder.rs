//! Making a batch.

use model::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, TimestampMs};

use super::header::{CRC_AT, LENGTH_END};
use super::view::checksum;
use super::{Attributes, BatchHeader, HEADER_BYTES, MAGIC, varint};
use crate::compression::{Codec, compress};

/// A record to be put into a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewRecord<'a> {
    /// Timestamp, in ms since the epoch.
    pub timestamp: TimestampMs,
    /// The key, if there is one.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Names and values of the headers.
    pub headers: &'a [(&'a str, Option<&'a [u8]>)],
}

/// Builds a batch out of records. Unless something else is said, its base offset is 0, its leader
/// epoch unknown, its producer none, and it is not compressed.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    header: BatchHeader,
    codec: Codec,
    /// Room for the header, if there are any records, and the records.
    batch: Vec<u8>,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl BatchBuilder {
    /// Starts an empty batch.
    pub fn new() -> Self {
        let header = BatchHeader {
            base_offset: Offset::ZERO,
            length: 0,
            leader_epoch: LeaderEpoch::UNKNOWN,
            magic: MAGIC,
            crc: 0,
            attributes: Attributes(0),
            last_offset_delta: -1,
            base_timestamp: -1,
            max_timestamp: -1,
            producer_id: ProducerId::NONE,
            producer_epoch: ProducerEpoch::NONE,
            base_sequence: -1,
            record_count: 0,
        };
        Self {
            header,
            codec: Codec::None,
            batch: Vec::new(),
        }
    }

    /// Sets the offset of the first record.
    pub fn base_offset(mut self, base_offset: Offset) -> Self {
        self.header.base_offset = base_offset;
        self
    }

    /// Sets the leader epoch.
    pub fn leader_epoch(mut self, leader_epoch: LeaderEpoch) -> Self {
        self.header.leader_epoch = leader_epoch;
        self
    }

    /// Makes it a batch of an idempotent producer.
    pub fn producer(mut self, id: ProducerId, epoch: ProducerEpoch, base_sequence: i32) -> Self {
        self.header.producer_id = id;
        self.header.producer_epoch = epoch;
        self.header.base_sequence = base_sequence;
        self
    }

    /// Makes it part of a transaction.
    pub fn transactional(mut self) -> Self {
        self.header.attributes.0 |= Attributes::TRANSACTIONAL;
        self
    }

    /// Makes it a control batch.
    pub fn control(mut self) -> Self {
        self.header.attributes.0 |= Attributes::CONTROL;
        self
    }

    /// Sets how the records will be compressed.
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// Adds a record at the next offset.
    pub fn push(&mut self, record: NewRecord<'_>) {
        self.push_at(self.header.last_offset_delta + 1, record);
    }

    /// Adds a record at an offset that counts from the base offset and lies beyond those before.
    pub fn push_at(&mut self, offset_delta: i32, record: NewRecord<'_>) {
        debug_assert!(offset_delta > self.header.last_offset_delta, "offsets rise");
        let header = &mut self.header;
        if header.record_count == 0 {
            header.base_timestamp = record.timestamp;
            header.max_timestamp = record.timestamp;
        }
        header.max_timestamp = header.max_timestamp.max(record.timestamp);
        header.last_offset_delta = offset_delta;
        header.record_count += 1;
        let timestamp_delta = record.timestamp.wrapping_sub(header.base_timestamp);

        let body_bytes = 1
            + varint::len(timestamp_delta)
            + varint::len(i64::from(offset_delta))
            + put_len(record.key)
            + put_len(record.value)
            + varint::len(record.headers.len() as i64)
            + headers_len(record.headers);
        let length = body_bytes as i64;
        let header_bytes = HEADER_BYTES.saturating_sub(self.batch.len());
        // A batch of one record is made in a buffer of its size.
        let batch = &mut self.batch;
        batch.reserve(header_bytes + varint::len(length) + body_bytes);
        batch.resize(batch.len() + header_bytes, 0);
        varint::write(batch, length);
        let body_start = batch.len();
        batch.push(0);
        varint::write(batch, timestamp_delta);
        varint::write(batch, i64::from(offset_delta));
        put(batch, record.key);
        put(batch, record.value);
        varint::write(batch, record.headers.len() as i64);
        for (name, value) in record.headers {
            put(batch, Some(name.as_bytes()));
            put(batch, *value);
        }
        debug_assert_eq!(batch.len() - body_start, body_bytes);
    }

    /// How many records have been added.
    pub fn record_count(&self) -> i32 {
        self.header.record_count
    }

    /// How many bytes the batch has, before compression.
    pub fn size_bytes(&self) -> usize {
        HEADER_BYTES.max(self.batch.len())
    }

    /// The batch.
    ///
    /// # Panics
    ///
    /// If it is larger than 2 GiB, which the length field cannot say.
    pub fn build(mut self) -> Vec<u8> {
        self.header.attributes.0 |= i16::from(self.codec.bits());
        match self.codec {
            Codec::None => {
                self.batch.resize(self.size_bytes(), 0);
                seal_in_place(self.header, &mut self.batch);
                self.batch
            }
            codec => {
                let records = self.batch.get(HEADER_BYTES..).unwrap_or_default();
                seal(self.header, &compress(codec, records))
            }
        }
    }
}

/// Puts a header in front of its records, with the length and the checksum that follow from them.
///
/// # Panics
///
/// If the batch is larger than 2 GiB, which the length field cannot say.
pub(super) fn seal(header: BatchHeader, records: &[u8]) -> Vec<u8> {
    let mut batch = Vec::with_capacity(HEADER_BYTES + records.len());
    batch.resize(HEADER_BYTES, 0);
    batch.extend_from_slice(records);
    seal_in_place(header, &mut batch);
    batch
}

/// The same where the records stand behind room for the header.
fn seal_in_place(mut header: BatchHeader, batch: &mut [u8]) {
    let length = batch.len() - LENGTH_END;
    header.length = i32::try_from(length).expect("a batch is smaller than 2 GiB");
    batch[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
    let crc = checksum(batch);
    batch[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_be_bytes());
}

/// Appends bytes with their length in front; -1 is null.
pub(super) fn put(to: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => varint::write(to, -1),
        Some(bytes) => {
            varint::write(to, bytes.len() as i64);
            to.extend_from_slice(bytes);
        }
    }
}

/// How many bytes [`put`] appends.
fn put_len(bytes: Option<&[u8]>) -> usize {
    let length = bytes.map_or(-1, |bytes| bytes.len() as i64);
    varint::len(length) + bytes.map_or(0, <[u8]>::len)
}

fn headers_len(headers: &[(&str, Option<&[u8]>)]) -> usize {
    let header_len =
        |(name, value): &(&str, Option<&[u8]>)| put_len(Some(name.as_bytes())) + put_len(*value);
    headers.iter().map(header_len).sum()
}
