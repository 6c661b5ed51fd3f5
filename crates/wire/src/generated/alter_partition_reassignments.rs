//! AlterPartitionReassignments, API 45, versions 0 to 1, flexible from 0.
//!
//! Moves the replicas of partitions, or stops such moves (KIP-455).
//!
//! - 1: whether the number of replicas may change (KIP-860)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of AlterPartitionReassignments.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterPartitionReassignmentsRequest {
    /// Longest wait for the answer, in ms.
    pub timeout_ms: i32,
    /// Whether a partition may get more or fewer replicas than it has. Version 1.
    pub allow_replication_factor_change: bool,
    /// What to move.
    pub topics: Vec<ReassignableTopic>,
}

impl Default for AlterPartitionReassignmentsRequest {
    fn default() -> Self {
        Self {
            timeout_ms: 60000,
            allow_replication_factor_change: true,
            topics: Vec::new(),
        }
    }
}

impl Field for AlterPartitionReassignmentsRequest {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            timeout_ms: from.read()?,
            allow_replication_factor_change: from.read_if(v >= 1, true)?,
            topics: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.timeout_ms);
        to.write_if(v >= 1, &self.allow_replication_factor_change);
        to.write(&self.topics);
        Tags::default().write(to);
    }
}

message!(AlterPartitionReassignmentsRequest, 0..=1, 0, AlterPartitionReassignments => AlterPartitionReassignmentsResponse);

/// A topic with partitions to move.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReassignableTopic {
    /// Topic name.
    pub name: Text,
    /// Its partitions.
    pub partitions: Vec<ReassignablePartition>,
}

impl Field for ReassignableTopic {
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

/// A partition to move.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReassignablePartition {
    /// Partition index.
    pub partition_index: i32,
    /// Nodes that are to hold it; null stops a move.
    pub replicas: Option<Vec<i32>>,
}

impl Field for ReassignablePartition {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            partition_index: from.read()?,
            replicas: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.partition_index);
        to.write(&self.replicas);
        Tags::default().write(to);
    }
}

/// The answer to [`AlterPartitionReassignmentsRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct AlterPartitionReassignmentsResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// As in the request. Version 1.
    pub allow_replication_factor_change: bool,
    /// Error code of the request as a whole.
    pub error_code: i16,
    /// What is wrong; null when nothing is.
    pub error_message: Option<Text>,
    /// Outcome by topic.
    pub responses: Vec<ReassignableTopicResponse>,
}

impl Default for AlterPartitionReassignmentsResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            allow_replication_factor_change: true,
            error_code: 0,
            error_message: Some(Text::EMPTY),
            responses: Vec::new(),
        }
    }
}

impl Field for AlterPartitionReassignmentsResponse {
    const SIZE_MIN: usize = 9;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            throttle_time_ms: from.read()?,
            allow_replication_factor_change: from.read_if(v >= 1, true)?,
            error_code: from.read()?,
            error_message: from.read()?,
            responses: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.throttle_time_ms);
        to.write_if(v >= 1, &self.allow_replication_factor_change);
        to.write_error(&self.error_code);
        to.write(&self.error_message);
        to.write(&self.responses);
        Tags::default().write(to);
    }
}

message!(AlterPartitionReassignmentsResponse, 0..=1, 0, AlterPartitionReassignments with throttle_time_ms);

/// The outcome for one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReassignableTopicResponse {
    /// Topic name.
    pub name: Text,
    /// By partition.
    pub partitions: Vec<ReassignablePartitionResponse>,
}

impl Field for ReassignableTopicResponse {
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

/// The outcome for one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct ReassignablePartitionResponse {
    /// Partition index.
    pub partition_index: i32,
    /// Error code.
    pub error_code: i16,
    /// What is wrong; null when nothing is.
    pub error_message: Option<Text>,
}

impl Default for ReassignablePartitionResponse {
    fn default() -> Self {
        Self {
            partition_index: 0,
            error_code: 0,
            error_message: Some(Text::EMPTY),
        }
    }
}

impl Field for ReassignablePartitionResponse {
    const SIZE_MIN: usize = 8;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            partition_index: from.read()?,
            error_code: from.read()?,
            error_message: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.partition_index);
        to.write_error(&self.error_code);
        to.write(&self.error_message);
        Tags::default().write(to);
    }
}
