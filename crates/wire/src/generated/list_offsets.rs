//! ListOffsets, API 2, versions 1 to 11, flexible from 6.
//!
//! Looks up offsets by timestamp. A timestamp below zero asks for a special offset.
//!
//! - 1: one offset for each partition (KIP-79); -1 latest, -2 earliest
//! - 2: isolation level (KIP-98)
//! - 3: throttled clients hold back by themselves (KIP-219)
//! - 4: leader epochs (KIP-320)
//! - 5: OFFSET_NOT_AVAILABLE may be answered (KIP-207)
//! - 6: flexible (KIP-482)
//! - 7: timestamp -3: the record with the largest timestamp (KIP-734)
//! - 8: timestamp -4: earliest local offset (KIP-405)
//! - 9: timestamp -5: latest offset in tiered storage (KIP-1005)
//! - 10: timeout_ms, for lookups in tiered storage (KIP-1075)
//! - 11: timestamp -6: earliest offset that waits for its upload (KIP-1023)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of ListOffsets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListOffsetsRequest {
    /// Node id of a follower; -1 for a client.
    pub replica_id: i32,
    /// 0 counts up to the high watermark, 1 up to the last stable offset. Versions 2+.
    pub isolation_level: i8,
    /// What to look up.
    pub topics: Vec<ListOffsetsTopic>,
    /// Longest wait for tiered storage, in ms. Versions 10+.
    pub timeout_ms: i32,
}

impl Field for ListOffsetsRequest {
    const SIZE_MIN: usize = 7;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            replica_id: from.read()?,
            isolation_level: from.read_if(v >= 2, 0)?,
            topics: from.read()?,
            timeout_ms: from.read_if(v >= 10, 0)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.replica_id);
        to.write_if(v >= 2, &self.isolation_level);
        to.write(&self.topics);
        to.write_if(v >= 10, &self.timeout_ms);
        Tags::default().write(to);
    }
}

message!(ListOffsetsRequest, 1..=11, 6, ListOffsets => ListOffsetsResponse);

/// A topic to look up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListOffsetsTopic {
    /// Topic name.
    pub name: Text,
    /// Its partitions to look up.
    pub partitions: Vec<ListOffsetsPartition>,
}

impl Field for ListOffsetsTopic {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            name: from.read()?,
            partitions: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.name);
        to.write(&self.partitions);
        Tags::default().write(to);
    }
}

/// A partition to look up.
#[derive(Clone, Debug, PartialEq)]
pub struct ListOffsetsPartition {
    /// Partition index.
    pub partition_index: i32,
    /// Leader epoch known to the client; -1 leaves it unchecked. Versions 4+.
    pub current_leader_epoch: i32,
    /// Time in ms since the epoch, or the number of a special offset.
    pub timestamp: i64,
}

impl Default for ListOffsetsPartition {
    fn default() -> Self {
        Self {
            partition_index: 0,
            current_leader_epoch: -1,
            timestamp: 0,
        }
    }
}

impl Field for ListOffsetsPartition {
    const SIZE_MIN: usize = 12;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            partition_index: from.read()?,
            current_leader_epoch: from.read_if(v >= 4, -1)?,
            timestamp: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.partition_index);
        to.write_if(v >= 4, &self.current_leader_epoch);
        to.write(&self.timestamp);
        Tags::default().write(to);
    }
}

/// The answer to [`ListOffsetsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListOffsetsResponse {
    /// How long the client was or is held back by a quota, in ms. Versions 2+.
    pub throttle_time_ms: i32,
    /// What was found, by topic.
    pub topics: Vec<ListOffsetsTopicResponse>,
}

impl Field for ListOffsetsResponse {
    const SIZE_MIN: usize = 4;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            throttle_time_ms: from.read_if(v >= 2, 0)?,
            topics: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 2, &self.throttle_time_ms);
        to.write(&self.topics);
        Tags::default().write(to);
    }
}

message!(ListOffsetsResponse, 1..=11, 6, ListOffsets with throttle_time_ms);

/// What was found in one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListOffsetsTopicResponse {
    /// Topic name.
    pub name: Text,
    /// By partition.
    pub partitions: Vec<ListOffsetsPartitionResponse>,
}

impl Field for ListOffsetsTopicResponse {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            name: from.read()?,
            partitions: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.name);
        to.write(&self.partitions);
        Tags::default().write(to);
    }
}

/// What was found in one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct ListOffsetsPartitionResponse {
    /// Partition index.
    pub partition_index: i32,
    /// Error code; 0 also when there is no such record.
    pub error_code: i16,
    /// Time of the record found, in ms since the epoch; -1 when there is none.
    pub timestamp: i64,
    /// Its offset; -1 when there is none.
    pub offset: i64,
    /// Its leader epoch; -1 when unknown. Versions 4+.
    pub leader_epoch: i32,
}

impl Default for ListOffsetsPartitionResponse {
    fn default() -> Self {
        Self {
            partition_index: 0,
            error_code: 0,
            timestamp: -1,
            offset: -1,
            leader_epoch: -1,
        }
    }
}

impl Field for ListOffsetsPartitionResponse {
    const SIZE_MIN: usize = 22;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            partition_index: from.read()?,
            error_code: from.read()?,
            timestamp: from.read()?,
            offset: from.read()?,
            leader_epoch: from.read_if(v >= 4, -1)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.partition_index);
        to.write_error(&self.error_code);
        to.write(&self.timestamp);
        to.write(&self.offset);
        to.write_if(v >= 4, &self.leader_epoch);
        Tags::default().write(to);
    }
}
