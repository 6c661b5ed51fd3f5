//! What is written: records of random bytes, and batches of them in the requests that carry them.

use client::{Frame, partition_of_key};
use wire::batch::{BatchBuilder, NewRecord};
use wire::compression::Codec;
use wire::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use wire::{Chunks, Text};

use super::stamp;
use super::topic::Target;

/// How long brokers may wait for copies of a batch, in ms.
const REPLICATION_TIMEOUT_MS: i32 = 30_000;

/// Bytes that a record takes besides its key and value, at least.
const RECORD_OVERHEAD_BYTES_MIN: u64 = 7;

/// Version of Produce from which on topics go by id.
pub(super) const BY_ID_FROM: i16 = 13;

/// Numbers that look random and are the same each time.
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    /// The next number (the generator known as SplitMix64).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// So many distinct keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) count: u64,
    pub(super) bytes: usize,
}

impl Keys {
    /// Bytes that keep so many keys apart.
    pub(super) fn bytes_min(count: u64) -> usize {
        count.saturating_sub(1).to_string().len()
    }

    /// A key: its number, with zeroes in front.
    fn key(self, number: u64) -> Vec<u8> {
        format!("{number:0>width$}", width = self.bytes).into_bytes()
    }
}

/// A partition that is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lane {
    /// Partition index.
    pub(super) partition: usize,
    /// The numbers of the keys that belong there; none without keys.
    pub(super) keys: Vec<u64>,
}

/// The partitions that records go to: all of them without keys, else those that keys belong to.
pub(super) fn lanes(partition_count: usize, keys: Option<Keys>) -> Vec<Lane> {
    let lane = |partition| Lane {
        partition,
        keys: Vec::new(),
    };
    let mut lanes: Vec<Lane> = (0..partition_count).map(lane).collect();
    let Some(keys) = keys else {
        return lanes;
    };
    let count = i32::try_from(partition_count).unwrap_or(i32::MAX);
    for number in 0..keys.count {
        let partition = partition_of_key(&keys.key(number), count);
        let lane = usize::try_from(partition).ok();
        if let Some(lane) = lane.and_then(|partition| lanes.get_mut(partition)) {
            lane.keys.push(number);
        }
    }
    lanes.retain(|lane| !lane.keys.is_empty());
    lanes
}

/// What the records are like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Bytes of each value, the first half of them random.
    pub(super) value_bytes: usize,
    pub(super) keys: Option<Keys>,
    pub(super) codec: Codec,
    /// As the protocol writes it.
    pub(super) acks: i16,
}

impl Shape {
    /// Bytes of a record's key and value.
    pub(super) fn record_bytes(&self) -> usize {
        self.value_bytes + self.keys.map_or(0, |keys| keys.bytes)
    }

    /// How many records fit into a batch of so many bytes before it is compressed; at least one.
    pub(super) fn records_in(&self, batch_bytes: u64) -> u64 {
        let value_bytes = self.value_bytes as u64;
        let key_bytes = self.keys.map_or(0, |keys| keys.bytes as u64);
        let offset_max = batch_bytes / (value_bytes + key_bytes + RECORD_OVERHEAD_BYTES_MIN);
        // Attributes, timestamp, offset, two lengths (that of no key is -1) and the number of headers.
        let body_bytes = 3
            + varint_bytes(offset_max)
            + varint_bytes(key_bytes.max(1))
            + key_bytes
            + varint_bytes(value_bytes)
            + value_bytes;
        let record_bytes = varint_bytes(body_bytes) + body_bytes;
        let header_bytes = wire::batch::HEADER_BYTES as u64;
        (batch_bytes.saturating_sub(header_bytes) / record_bytes).max(1)
    }

    /// A batch for a partition, its keys those of the round. `wall_ns` is the time now, and with
    /// `stamped` in front of every value.
    fn batch(&self, lane: &Lane, round: u64, count: u64, wall_ns: u64, stamped: bool) -> Vec<u8> {
        let timestamp = i64::try_from(wall_ns / 1_000_000).unwrap_or(i64::MAX);
        let mut random = Random((lane.partition as u64) << 32 ^ round);
        let mut value = vec![0; self.value_bytes];
        let mut batch = BatchBuilder::new().codec(self.codec);
        for index in 0..count {
            random.fill(&mut value[..self.value_bytes.div_ceil(2)]);
            if stamped {
                stamp::put(&mut value, wall_ns);
            }
            let at = (round * count + index) as usize;
            let key = self.keys.and_then(|keys| {
                let number = lane.keys.get(at % lane.keys.len().max(1))?;
                Some(keys.key(*number))
            });
            batch.push(NewRecord {
                timestamp,
                key: key.as_deref(),
                value: Some(&value),
                headers: &[],
            });
        }
        batch.build()
    }
}

/// Bytes that a number takes in a record.
fn varint_bytes(number: u64) -> u64 {
    wire::batch::varint_bytes(i64::try_from(number).unwrap_or(i64::MAX)) as u64
}

/// Makes requests that write one batch to one partition.
#[derive(Clone, Debug)]
pub(super) struct Maker {
    pub(super) shape: Shape,
    pub(super) target: Target,
}

impl Maker {
    /// A request in a version of Produce.
    pub(super) fn frame(
        &self,
        version: i16,
        lane: &Lane,
        round: u64,
        count: u64,
        time: Time,
    ) -> Frame {
        let (wall_ns, stamped) = match time {
            Time::Plain(wall_ns) => (wall_ns, false),
            Time::Stamped(wall_ns) => (wall_ns, true),
        };
        let batch = self.shape.batch(lane, round, count, wall_ns, stamped);
        let index = i32::try_from(lane.partition).unwrap_or(i32::MAX);
        let request = ProduceRequest {
            transactional_id: None,
            acks: self.shape.acks,
            timeout_ms: REPLICATION_TIMEOUT_MS,
            topic_data: vec![TopicProduceData {
                name: Text::from(&self.target.name),
                topic_id: self.target.id.unwrap_or_default(),
                partition_data: vec![PartitionProduceData {
                    index,
                    records: Some(Chunks::from(batch)),
                }],
            }],
        };
        Frame::new(&request, version, index)
    }
}

/// The time of records, in ns since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) enum Time {
    /// Only their timestamp.
    Plain(u64),
    /// In front of their values too.
    Stamped(u64),
}

#[cfg(test)]
mod tests;
