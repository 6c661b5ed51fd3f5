//! ListPartitionReassignments, API 46, versions 0 to 0, flexible from 0.
//!
//! Lists the partitions whose replicas are being moved (KIP-455).

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of ListPartitionReassignments.
#[derive(Clone, Debug, PartialEq)]
pub struct ListPartitionReassignmentsRequest {
    /// Longest wait for the answer, in ms.
    pub timeout_ms: i32,
    /// Topics to look at; null for all.
    pub topics: Option<Vec<ListPartitionReassignmentsTopics>>,
}

impl Default for ListPartitionReassignmentsRequest {
    fn default() -> Self {
        Self {
            timeout_ms: 60000,
            topics: None,
        }
    }
}

impl Field for ListPartitionReassignmentsRequest {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            timeout_ms: from.read()?,
            topics: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.timeout_ms);
        to.write(&self.topics);
        Tags::default().write(to);
    }
}

message!(ListPartitionReassignmentsRequest, 0..=0, 0, ListPartitionReassignments => ListPartitionReassignmentsResponse);

/// A topic to look at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListPartitionReassignmentsTopics {
    /// Topic name.
    pub name: Text,
    /// Its partitions.
    pub partition_indexes: Vec<i32>,
}

impl Field for ListPartitionReassignmentsTopics {
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

/// The answer to [`ListPartitionReassignmentsRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct ListPartitionReassignmentsResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Error code of the request as a whole.
    pub error_code: i16,
    /// What is wrong; null when nothing is.
    pub error_message: Option<Text>,
    /// The topics with moves.
    pub topics: Vec<OngoingTopicReassignment>,
}

impl Default for ListPartitionReassignmentsResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: Some(Text::EMPTY),
            topics: Vec::new(),
        }
    }
}

impl Field for ListPartitionReassignmentsResponse {
    const SIZE_MIN: usize = 9;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            throttle_time_ms: from.read()?,
            error_code: from.read()?,
            error_message: from.read()?,
            topics: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.throttle_time_ms);
        to.write_error(&self.error_code);
        to.write(&self.error_message);
        to.write(&self.topics);
        Tags::default().write(to);
    }
}

message!(ListPartitionReassignmentsResponse, 0..=0, 0, ListPartitionReassignments with throttle_time_ms);

/// A topic with moves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OngoingTopicReassignment {
    /// Topic name.
    pub name: Text,
    /// Its partitions that are moved.
    pub partitions: Vec<OngoingPartitionReassignment>,
}

impl Field for OngoingTopicReassignment {
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

/// A partition that is moved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OngoingPartitionReassignment {
    /// Partition index.
    pub partition_index: i32,
    /// Nodes that hold it now.
    pub replicas: Vec<i32>,
    /// Nodes that are to hold it too.
    pub adding_replicas: Vec<i32>,
    /// Nodes that are to let go of it.
    pub removing_replicas: Vec<i32>,
}

impl Field for OngoingPartitionReassignment {
    const SIZE_MIN: usize = 8;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            partition_index: from.read()?,
            replicas: from.read()?,
            adding_replicas: from.read()?,
            removing_replicas: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.partition_index);
        to.write(&self.replicas);
        to.write(&self.adding_replicas);
        to.write(&self.removing_replicas);
        Tags::default().write(to);
    }
}
