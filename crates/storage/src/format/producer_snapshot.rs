//! A producer snapshot (`<offset>.snapshot`): what the batches below an offset have left to
//! remember of their producers and transactions.
//!
//! | field | bytes |
//! |---|---|
//! | magic `OTPS` | 4 |
//! | version | 2 |
//! | zero | 2 |
//! | offset: the end of what was folded | 8 |
//! | log_id | 4 |
//! | count of producers, then the producers in the order of their ids | 4 |
//! | count of aborted transactions, then each: producer id 8, first offset 8, last offset 8 | 4 |
//! | CRC-32C of everything before | 4 |
//!
//! A producer: id 8, epoch 2, zero 2, epoch of the coordinator that wrote its last marker (-1: not
//! known) 4, time of its last batch in milliseconds 8, first offset of
//! its open transaction (-1: none) 8, count of batches 4, then each (oldest first): first sequence
//! 4, last sequence 4, base offset 8, last offset 8, append time (-1: the producer's) 8.
//!
//! Versions 1 and 2 had no epochs of coordinators, and version 1 no log_id.

use super::bytes::{Put, Reader, seal, unseal};

pub(crate) const MAGIC: u32 = u32::from_le_bytes(*b"OTPS");
pub(crate) const VERSION: u16 = 3;
pub(crate) const PRODUCER_BYTES_MIN: usize = 32;
pub(crate) const BATCH_BYTES: usize = 32;
pub(crate) const ABORTED_BYTES: usize = 24;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProducerSnapshot {
    pub offset: i64,
    /// `None` if an earlier version wrote it.
    pub log_id: Option<u32>,
    pub producers: Vec<ProducerSnapshotEntry>,
    pub aborted: Vec<AbortedSnapshotEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProducerSnapshotEntry {
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub coordinator_epoch: i32,
    pub last_append_ms: i64,
    pub transaction_start: i64,
    pub batches: Vec<BatchSnapshotEntry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchSnapshotEntry {
    pub first_sequence: i32,
    pub last_sequence: i32,
    pub base_offset: i64,
    pub last_offset: i64,
    pub log_append_time_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AbortedSnapshotEntry {
    pub producer_id: i64,
    pub first_offset: i64,
    pub last_offset: i64,
}

impl ProducerSnapshot {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.put_u32(MAGIC);
        bytes.put_u16(VERSION);
        bytes.put_u16(0);
        bytes.put_i64(self.offset);
        bytes.put_u32(self.log_id.unwrap_or(0));
        bytes.put_count(self.producers.len());
        for producer in &self.producers {
            bytes.put_i64(producer.producer_id);
            bytes.put_i16(producer.producer_epoch);
            bytes.put_u16(0);
            bytes.put_i32(producer.coordinator_epoch);
            bytes.put_i64(producer.last_append_ms);
            bytes.put_i64(producer.transaction_start);
            bytes.put_count(producer.batches.len());
            for batch in &producer.batches {
                bytes.put_i32(batch.first_sequence);
                bytes.put_i32(batch.last_sequence);
                bytes.put_i64(batch.base_offset);
                bytes.put_i64(batch.last_offset);
                bytes.put_i64(batch.log_append_time_ms);
            }
        }
        bytes.put_count(self.aborted.len());
        for aborted in &self.aborted {
            bytes.put_i64(aborted.producer_id);
            bytes.put_i64(aborted.first_offset);
            bytes.put_i64(aborted.last_offset);
        }
        seal(bytes)
    }

    /// The snapshot of a log up to an offset; `None` when the bytes are not a sound one, or another.
    pub(crate) fn decode_of(bytes: &[u8], log_id: u32, offset: i64) -> Option<Self> {
        Self::decode(bytes).filter(|snapshot| {
            snapshot.offset == offset && snapshot.log_id.is_none_or(|of| of == log_id)
        })
    }

    /// `None` when the bytes are not a sound snapshot of a known version.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(unseal(bytes)?);
        let (magic, version) = (reader.u32()?, reader.u16()?);
        if magic != MAGIC || !(1..=VERSION).contains(&version) || reader.u16()? != 0 {
            return None;
        }
        let mut snapshot = Self {
            offset: reader.i64()?,
            log_id: match version {
                1 => None,
                _ => Some(reader.u32()?),
            },
            ..Self::default()
        };
        let producers = reader.count(PRODUCER_BYTES_MIN)?;
        snapshot.producers.reserve_exact(producers);
        for _ in 0..producers {
            snapshot
                .producers
                .push(decode_producer(&mut reader, version)?);
        }
        let aborted = reader.count(ABORTED_BYTES)?;
        snapshot.aborted.reserve_exact(aborted);
        for _ in 0..aborted {
            snapshot.aborted.push(AbortedSnapshotEntry {
                producer_id: reader.i64()?,
                first_offset: reader.i64()?,
                last_offset: reader.i64()?,
            });
        }
        (reader.remaining() == 0).then_some(snapshot)
    }
}

fn decode_producer(reader: &mut Reader<'_>, version: u16) -> Option<ProducerSnapshotEntry> {
    let producer_id = reader.i64()?;
    let producer_epoch = reader.i16()?;
    if reader.u16()? != 0 {
        return None;
    }
    let mut producer = ProducerSnapshotEntry {
        producer_id,
        producer_epoch,
        coordinator_epoch: match version {
            1 | 2 => -1,
            _ => reader.i32()?,
        },
        last_append_ms: reader.i64()?,
        transaction_start: reader.i64()?,
        batches: Vec::new(),
    };
    let batches = reader.count(BATCH_BYTES)?;
    producer.batches.reserve_exact(batches);
    for _ in 0..batches {
        producer.batches.push(BatchSnapshotEntry {
            first_sequence: reader.i32()?,
            last_sequence: reader.i32()?,
            base_offset: reader.i64()?,
            last_offset: reader.i64()?,
            log_append_time_ms: reader.i64()?,
        });
    }
    Some(producer)
}
