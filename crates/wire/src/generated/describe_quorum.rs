//! DescribeQuorum, API 55, versions 0 to 2, flexible from 0.
//!
//! Describes the nodes that keep the metadata of a cluster (KIP-595).
//!
//! - 1: when a replica last fetched and when it last had everything (KIP-836)
//! - 2: error messages, directories of replicas, nodes and their listeners (KIP-853)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use model::TopicId;

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of DescribeQuorum.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeQuorumRequest {
    /// Topics to describe; there is one that can be.
    pub topics: Vec<TopicData>,
}

impl Field for DescribeQuorumRequest {
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

message!(DescribeQuorumRequest, 0..=2, 0, DescribeQuorum => DescribeQuorumResponse);

/// A topic to describe.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicData {
    /// Topic name.
    pub topic_name: Text,
    /// Its partitions.
    pub partitions: Vec<PartitionData>,
}

impl Field for TopicData {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            topic_name: from.read()?,
            partitions: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.topic_name);
        to.write(&self.partitions);
        Tags::default().write(to);
    }
}

/// A partition to describe.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionData {
    /// Partition index.
    pub partition_index: i32,
}

impl Field for PartitionData {
    const SIZE_MIN: usize = 5;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            partition_index: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.partition_index);
        Tags::default().write(to);
    }
}

/// The answer to [`DescribeQuorumRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeQuorumResponse {
    /// Error code of the request as a whole.
    pub error_code: i16,
    /// What is wrong; null when nothing is. Version 2.
    pub error_message: Option<Text>,
    /// By topic.
    pub topics: Vec<QuorumTopicData>,
    /// The nodes that hold a replica and vote. Version 2.
    pub nodes: Vec<Node>,
}

impl Default for DescribeQuorumResponse {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: Some(Text::EMPTY),
            topics: Vec::new(),
            nodes: Vec::new(),
        }
    }
}

impl Field for DescribeQuorumResponse {
    const SIZE_MIN: usize = 4;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            error_code: from.read()?,
            error_message: from.read_if(v >= 2, Some(Text::EMPTY))?,
            topics: from.read()?,
            nodes: from.read_if(v >= 2, Vec::new())?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_error(&self.error_code);
        to.write_if(v >= 2, &self.error_message);
        to.write(&self.topics);
        to.write_if(v >= 2, &self.nodes);
        Tags::default().write(to);
    }
}

message!(DescribeQuorumResponse, 0..=2, 0, DescribeQuorum);

/// What is known about a topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuorumTopicData {
    /// Topic name.
    pub topic_name: Text,
    /// By partition.
    pub partitions: Vec<QuorumPartitionData>,
}

impl Field for QuorumTopicData {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            topic_name: from.read()?,
            partitions: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.topic_name);
        to.write(&self.partitions);
        Tags::default().write(to);
    }
}

/// The replicas of a partition.
#[derive(Clone, Debug, PartialEq)]
pub struct QuorumPartitionData {
    /// Partition index.
    pub partition_index: i32,
    /// Error code.
    pub error_code: i16,
    /// What is wrong; null when nothing is. Version 2.
    pub error_message: Option<Text>,
    /// Node id of the leader.
    pub leader_id: i32,
    /// Epoch of the leader.
    pub leader_epoch: i32,
    /// Where the records end that are not lost any more.
    pub high_watermark: i64,
    /// Replicas that elect the leader.
    pub current_voters: Vec<ReplicaState>,
    /// Replicas that follow it without a vote.
    pub observers: Vec<ReplicaState>,
}

impl Default for QuorumPartitionData {
    fn default() -> Self {
        Self {
            partition_index: 0,
            error_code: 0,
            error_message: Some(Text::EMPTY),
            leader_id: 0,
            leader_epoch: 0,
            high_watermark: 0,
            current_voters: Vec::new(),
            observers: Vec::new(),
        }
    }
}

impl Field for QuorumPartitionData {
    const SIZE_MIN: usize = 25;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            partition_index: from.read()?,
            error_code: from.read()?,
            error_message: from.read_if(v >= 2, Some(Text::EMPTY))?,
            leader_id: from.read()?,
            leader_epoch: from.read()?,
            high_watermark: from.read()?,
            current_voters: from.read()?,
            observers: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.partition_index);
        to.write_error(&self.error_code);
        to.write_if(v >= 2, &self.error_message);
        to.write(&self.leader_id);
        to.write(&self.leader_epoch);
        to.write(&self.high_watermark);
        to.write(&self.current_voters);
        to.write(&self.observers);
        Tags::default().write(to);
    }
}

/// One replica.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaState {
    /// Node id.
    pub replica_id: i32,
    /// Id of the directory that holds it; zeros when it has none. Version 2.
    pub replica_directory_id: TopicId,
    /// Where its log ends; -1 when unknown.
    pub log_end_offset: i64,
    /// When it last fetched from the leader, in ms; -1 when unknown. Versions 1+.
    pub last_fetch_timestamp: i64,
    /// When it last had everything the leader has, in ms; -1 when unknown. Versions 1+.
    pub last_caught_up_timestamp: i64,
}

impl Default for ReplicaState {
    fn default() -> Self {
        Self {
            replica_id: 0,
            replica_directory_id: TopicId::ZERO,
            log_end_offset: 0,
            last_fetch_timestamp: -1,
            last_caught_up_timestamp: -1,
        }
    }
}

impl Field for ReplicaState {
    const SIZE_MIN: usize = 13;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            replica_id: from.read()?,
            replica_directory_id: from.read_if(v >= 2, TopicId::ZERO)?,
            log_end_offset: from.read()?,
            last_fetch_timestamp: from.read_if(v >= 1, -1)?,
            last_caught_up_timestamp: from.read_if(v >= 1, -1)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.replica_id);
        to.write_if(v >= 2, &self.replica_directory_id);
        to.write(&self.log_end_offset);
        to.write_if(v >= 1, &self.last_fetch_timestamp);
        to.write_if(v >= 1, &self.last_caught_up_timestamp);
        Tags::default().write(to);
    }
}

/// A node that holds a replica.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// Node id. Version 2.
    pub node_id: i32,
    /// Where it can be reached. Version 2.
    pub listeners: Vec<Listener>,
}

impl Field for Node {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            node_id: from.read_if(v >= 2, 0)?,
            listeners: from.read_if(v >= 2, Vec::new())?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 2, &self.node_id);
        to.write_if(v >= 2, &self.listeners);
        Tags::default().write(to);
    }
}

/// An address of a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listener {
    /// Name of the listener. Version 2.
    pub name: Text,
    /// Host name or address. Version 2.
    pub host: Text,
    /// TCP port. Version 2.
    pub port: u16,
}

impl Field for Listener {
    const SIZE_MIN: usize = 5;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            name: from.read_if(v >= 2, Text::EMPTY)?,
            host: from.read_if(v >= 2, Text::EMPTY)?,
            port: from.read_if(v >= 2, 0)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 2, &self.name);
        to.write_if(v >= 2, &self.host);
        to.write_if(v >= 2, &self.port);
        Tags::default().write(to);
    }
}
