//! DescribeTopicPartitions, API 75, versions 0 to 0, flexible from 0.
//!
//! Describes partitions of topics, page by page (KIP-966).

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use model::TopicId;

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of DescribeTopicPartitions.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeTopicPartitionsRequest {
    /// Topics to describe; none for all.
    pub topics: Vec<TopicRequest>,
    /// Most partitions in the answer.
    pub response_partition_limit: i32,
    /// Where to begin; null for the beginning.
    pub cursor: Option<Cursor>,
}

impl Default for DescribeTopicPartitionsRequest {
    fn default() -> Self {
        Self {
            topics: Vec::new(),
            response_partition_limit: 2000,
            cursor: None,
        }
    }
}

impl Field for DescribeTopicPartitionsRequest {
    const SIZE_MIN: usize = 7;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            topics: from.read()?,
            response_partition_limit: from.read()?,
            cursor: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.topics);
        to.write(&self.response_partition_limit);
        to.write(&self.cursor);
        Tags::default().write(to);
    }
}

message!(DescribeTopicPartitionsRequest, 0..=0, 0, DescribeTopicPartitions => DescribeTopicPartitionsResponse);

/// A topic to describe.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicRequest {
    /// Topic name.
    pub name: Text,
}

impl Field for TopicRequest {
    const SIZE_MIN: usize = 2;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self { name: from.read()? };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.name);
        Tags::default().write(to);
    }
}

/// A place in the list of all partitions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cursor {
    /// Topic name.
    pub topic_name: Text,
    /// Partition index.
    pub partition_index: i32,
}

impl Field for Cursor {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            topic_name: from.read()?,
            partition_index: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.topic_name);
        to.write(&self.partition_index);
        Tags::default().write(to);
    }
}

/// The answer to [`DescribeTopicPartitionsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeTopicPartitionsResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// The topics of this page.
    pub topics: Vec<DescribeTopicPartitionsResponseTopic>,
    /// Where the next page begins; null when there is none.
    pub next_cursor: Option<Cursor>,
}

impl Field for DescribeTopicPartitionsResponse {
    const SIZE_MIN: usize = 7;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            throttle_time_ms: from.read()?,
            topics: from.read()?,
            next_cursor: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.throttle_time_ms);
        to.write(&self.topics);
        to.write(&self.next_cursor);
        Tags::default().write(to);
    }
}

message!(DescribeTopicPartitionsResponse, 0..=0, 0, DescribeTopicPartitions with throttle_time_ms);

/// A topic.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeTopicPartitionsResponseTopic {
    /// Error code.
    pub error_code: i16,
    /// Topic name.
    pub name: Option<Text>,
    /// Topic id.
    pub topic_id: TopicId,
    /// Whether brokers keep their own state in it.
    pub is_internal: bool,
    /// Its partitions of this page.
    pub partitions: Vec<DescribeTopicPartitionsResponsePartition>,
    /// What the client may do with it, a bit per operation.
    pub topic_authorized_operations: i32,
}

impl Default for DescribeTopicPartitionsResponseTopic {
    fn default() -> Self {
        Self {
            error_code: 0,
            name: Some(Text::EMPTY),
            topic_id: TopicId::ZERO,
            is_internal: false,
            partitions: Vec::new(),
            topic_authorized_operations: i32::MIN,
        }
    }
}

impl Field for DescribeTopicPartitionsResponseTopic {
    const SIZE_MIN: usize = 26;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            error_code: from.read()?,
            name: from.read()?,
            topic_id: from.read()?,
            is_internal: from.read()?,
            partitions: from.read()?,
            topic_authorized_operations: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write_error(&self.error_code);
        to.write(&self.name);
        to.write(&self.topic_id);
        to.write(&self.is_internal);
        to.write(&self.partitions);
        to.write(&self.topic_authorized_operations);
        Tags::default().write(to);
    }
}

/// A partition.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeTopicPartitionsResponsePartition {
    /// Error code.
    pub error_code: i16,
    /// Partition index.
    pub partition_index: i32,
    /// Node id of the leader; -1 when there is none.
    pub leader_id: i32,
    /// Its leader epoch.
    pub leader_epoch: i32,
    /// Nodes that hold it.
    pub replica_nodes: Vec<i32>,
    /// Nodes that hold it and are in sync.
    pub isr_nodes: Vec<i32>,
    /// Nodes that may lead it although they are not in sync.
    pub eligible_leader_replicas: Option<Vec<i32>>,
    /// Those that were the last of these.
    pub last_known_elr: Option<Vec<i32>>,
    /// Nodes that hold it and are away.
    pub offline_replicas: Vec<i32>,
}

impl Default for DescribeTopicPartitionsResponsePartition {
    fn default() -> Self {
        Self {
            error_code: 0,
            partition_index: 0,
            leader_id: 0,
            leader_epoch: -1,
            replica_nodes: Vec::new(),
            isr_nodes: Vec::new(),
            eligible_leader_replicas: None,
            last_known_elr: None,
            offline_replicas: Vec::new(),
        }
    }
}

impl Field for DescribeTopicPartitionsResponsePartition {
    const SIZE_MIN: usize = 20;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            error_code: from.read()?,
            partition_index: from.read()?,
            leader_id: from.read()?,
            leader_epoch: from.read()?,
            replica_nodes: from.read()?,
            isr_nodes: from.read()?,
            eligible_leader_replicas: from.read()?,
            last_known_elr: from.read()?,
            offline_replicas: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write_error(&self.error_code);
        to.write(&self.partition_index);
        to.write(&self.leader_id);
        to.write(&self.leader_epoch);
        to.write(&self.replica_nodes);
        to.write(&self.isr_nodes);
        to.write(&self.eligible_leader_replicas);
        to.write(&self.last_known_elr);
        to.write(&self.offline_replicas);
        Tags::default().write(to);
    }
}

crate::field::nullable_struct!(Cursor);
