//! ElectLeaders, API 43, versions 0 to 2, flexible from 2.
//!
//! Has partitions elect a leader (KIP-183).
//!
//! - 1: kind of election (KIP-460)
//! - 2: flexible (KIP-482)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of ElectLeaders.
#[derive(Clone, Debug, PartialEq)]
pub struct ElectLeadersRequest {
    /// 0 for the preferred replica, 1 for one that is not in sync if no other is there. Versions
    /// 1+.
    pub election_type: i8,
    /// Partitions; null for all.
    pub topic_partitions: Option<Vec<TopicPartitions>>,
    /// Longest wait for the elections, in ms.
    pub timeout_ms: i32,
}

impl Default for ElectLeadersRequest {
    fn default() -> Self {
        Self {
            election_type: 0,
            topic_partitions: Some(Vec::new()),
            timeout_ms: 60000,
        }
    }
}

impl Field for ElectLeadersRequest {
    const SIZE_MIN: usize = 7;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            election_type: from.read_if(v >= 1, 0)?,
            topic_partitions: from.read()?,
            timeout_ms: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 1, &self.election_type);
        to.write(&self.topic_partitions);
        to.write(&self.timeout_ms);
        Tags::default().write(to);
    }
}

message!(ElectLeadersRequest, 0..=2, 2, ElectLeaders => ElectLeadersResponse);

/// Partitions of a topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartitions {
    /// Topic name.
    pub topic: Text,
    /// Partition indexes.
    pub partitions: Vec<i32>,
}

impl Field for TopicPartitions {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            topic: from.read()?,
            partitions: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.topic);
        to.write(&self.partitions);
        Tags::default().write(to);
    }
}

/// The answer to [`ElectLeadersRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ElectLeadersResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Error code of the request as a whole. Versions 1+.
    pub error_code: i16,
    /// Outcome by topic.
    pub replica_election_results: Vec<ReplicaElectionResult>,
}

impl Field for ElectLeadersResponse {
    const SIZE_MIN: usize = 8;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            throttle_time_ms: from.read()?,
            error_code: from.read_if(v >= 1, 0)?,
            replica_election_results: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.throttle_time_ms);
        to.write_error_if(v >= 1, &self.error_code);
        to.write(&self.replica_election_results);
        Tags::default().write(to);
    }
}

message!(ElectLeadersResponse, 0..=2, 2, ElectLeaders with throttle_time_ms);

/// The outcome for one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplicaElectionResult {
    /// Topic name.
    pub topic: Text,
    /// By partition.
    pub partition_result: Vec<PartitionResult>,
}

impl Field for ReplicaElectionResult {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            topic: from.read()?,
            partition_result: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.topic);
        to.write(&self.partition_result);
        Tags::default().write(to);
    }
}

/// The outcome for one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionResult {
    /// Partition index.
    pub partition_id: i32,
    /// Error code.
    pub error_code: i16,
    /// What is wrong; null when nothing is.
    pub error_message: Option<Text>,
}

impl Default for PartitionResult {
    fn default() -> Self {
        Self {
            partition_id: 0,
            error_code: 0,
            error_message: Some(Text::EMPTY),
        }
    }
}

impl Field for PartitionResult {
    const SIZE_MIN: usize = 8;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            partition_id: from.read()?,
            error_code: from.read()?,
            error_message: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.partition_id);
        to.write_error(&self.error_code);
        to.write(&self.error_message);
        Tags::default().write(to);
    }
}
