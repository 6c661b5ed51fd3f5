//! DescribeProducers, API 61, versions 0 to 0, flexible from 0.
//!
//! Tells who produces to partitions, and whose transactions are open there (KIP-664).

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of DescribeProducers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeProducersRequest {
    /// Partitions by topic.
    pub topics: Vec<TopicRequest>,
}

impl Field for DescribeProducersRequest {
    const SIZE_MIN: usize = 2;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            topics: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.topics);
        Tags::default().write(to);
    }
}

message!(DescribeProducersRequest, 0..=0, 0, DescribeProducers => DescribeProducersResponse);

/// Partitions of one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicRequest {
    /// Topic name.
    pub name: Text,
    /// Partition indexes.
    pub partition_indexes: Vec<i32>,
}

impl Field for TopicRequest {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            name: from.read()?,
            partition_indexes: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.name);
        to.write(&self.partition_indexes);
        Tags::default().write(to);
    }
}

/// The answer to [`DescribeProducersRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeProducersResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Producers by topic.
    pub topics: Vec<TopicResponse>,
}

impl Field for DescribeProducersResponse {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            throttle_time_ms: from.read()?,
            topics: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.throttle_time_ms);
        to.write(&self.topics);
        Tags::default().write(to);
    }
}

message!(DescribeProducersResponse, 0..=0, 0, DescribeProducers with throttle_time_ms);

/// The partitions of one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicResponse {
    /// Topic name.
    pub name: Text,
    /// By partition.
    pub partitions: Vec<PartitionResponse>,
}

impl Field for TopicResponse {
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

/// The producers of one partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionResponse {
    /// Partition index.
    pub partition_index: i32,
    /// Error code.
    pub error_code: i16,
    /// What is wrong, in words.
    pub error_message: Option<Text>,
    /// The producers that are remembered.
    pub active_producers: Vec<ProducerState>,
}

impl Field for PartitionResponse {
    const SIZE_MIN: usize = 9;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            partition_index: from.read()?,
            error_code: from.read()?,
            error_message: from.read()?,
            active_producers: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.partition_index);
        to.write_error(&self.error_code);
        to.write(&self.error_message);
        to.write(&self.active_producers);
        Tags::default().write(to);
    }
}

/// What a partition knows of one producer.
#[derive(Clone, Debug, PartialEq)]
pub struct ProducerState {
    /// Producer id.
    pub producer_id: i64,
    /// Newest epoch it has appended with.
    pub producer_epoch: i32,
    /// Sequence number of its last record; -1 if none.
    pub last_sequence: i32,
    /// When it was last heard of, in ms since the epoch.
    pub last_timestamp: i64,
    /// Epoch of the coordinator that ended its last transaction.
    pub coordinator_epoch: i32,
    /// First offset of its open transaction; -1 if none.
    pub current_txn_start_offset: i64,
}

impl Default for ProducerState {
    fn default() -> Self {
        Self {
            producer_id: 0,
            producer_epoch: 0,
            last_sequence: -1,
            last_timestamp: -1,
            coordinator_epoch: 0,
            current_txn_start_offset: -1,
        }
    }
}

impl Field for ProducerState {
    const SIZE_MIN: usize = 37;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            producer_id: from.read()?,
            producer_epoch: from.read()?,
            last_sequence: from.read()?,
            last_timestamp: from.read()?,
            coordinator_epoch: from.read()?,
            current_txn_start_offset: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.producer_id);
        to.write(&self.producer_epoch);
        to.write(&self.last_sequence);
        to.write(&self.last_timestamp);
        to.write(&self.coordinator_epoch);
        to.write(&self.current_txn_start_offset);
        Tags::default().write(to);
    }
}
