//! Metadata, API 3, versions 0 to 13, flexible from 9.
//!
//! Describes the brokers and the topics; creates topics where that is allowed.
//!
//! - 0: an empty list of topics asks for all of them
//! - 1: a null list asks for all, an empty one for none; racks, controller, internal topics
//! - 2: cluster id (KIP-78)
//! - 3: throttle time (KIP-124)
//! - 4: the client may forbid creation (KIP-204)
//! - 5: offline replicas (KIP-112)
//! - 6: throttled clients hold back by themselves (KIP-219)
//! - 7: leader epochs (KIP-320)
//! - 8: authorized operations (KIP-430)
//! - 9: flexible (KIP-482)
//! - 10: topic ids in the answer (KIP-516)
//! - 11: cluster operations moved to DescribeCluster (KIP-700)
//! - 12: topics may be asked for by id (KIP-516)
//! - 13: top-level error, REBOOTSTRAP_REQUIRED (KIP-1102)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use model::TopicId;

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of Metadata.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataRequest {
    /// Topics to describe; null for all.
    pub topics: Option<Vec<MetadataRequestTopic>>,
    /// Whether unknown topics may be created, if the broker allows it too. Versions 4+.
    pub allow_auto_topic_creation: bool,
    /// Whether to answer what the client may do with the cluster. Versions 8 to 10.
    pub include_cluster_authorized_operations: bool,
    /// Whether to answer what the client may do with each topic. Versions 8+.
    pub include_topic_authorized_operations: bool,
}

impl Default for MetadataRequest {
    fn default() -> Self {
        Self {
            topics: Some(Vec::new()),
            allow_auto_topic_creation: true,
            include_cluster_authorized_operations: false,
            include_topic_authorized_operations: false,
        }
    }
}

impl Field for MetadataRequest {
    const SIZE_MIN: usize = 4;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            topics: from.read_nullable(v >= 1)?,
            allow_auto_topic_creation: from.read_if(v >= 4, true)?,
            include_cluster_authorized_operations: from.read_if((8..=10).contains(&v), false)?,
            include_topic_authorized_operations: from.read_if(v >= 8, false)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_nullable(v >= 1, &self.topics);
        to.write_if(v >= 4, &self.allow_auto_topic_creation);
        to.write_if(
            (8..=10).contains(&v),
            &self.include_cluster_authorized_operations,
        );
        to.write_if(v >= 8, &self.include_topic_authorized_operations);
        Tags::default().write(to);
    }
}

message!(MetadataRequest, 0..=13, 9, Metadata => MetadataResponse);

/// A topic to describe, by id or by name.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataRequestTopic {
    /// Topic id; zero when it is asked for by name. Versions 10+.
    pub topic_id: TopicId,
    /// Topic name; null when it is asked for by id.
    pub name: Option<Text>,
}

impl Default for MetadataRequestTopic {
    fn default() -> Self {
        Self {
            topic_id: TopicId::ZERO,
            name: Some(Text::EMPTY),
        }
    }
}

impl Field for MetadataRequestTopic {
    const SIZE_MIN: usize = 2;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            topic_id: from.read_if(v >= 10, TopicId::ZERO)?,
            name: from.read_nullable(v >= 10)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 10, &self.topic_id);
        to.write_nullable(v >= 10, &self.name);
        Tags::default().write(to);
    }
}

/// The answer to [`MetadataRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponse {
    /// How long the client was or is held back by a quota, in ms. Versions 3+.
    pub throttle_time_ms: i32,
    /// The brokers.
    pub brokers: Vec<MetadataResponseBroker>,
    /// Cluster id. Versions 2+.
    pub cluster_id: Option<Text>,
    /// Node to send administrative requests to; -1 when unknown. Versions 1+.
    pub controller_id: i32,
    /// The topics asked for.
    pub topics: Vec<MetadataResponseTopic>,
    /// Bits of the operations allowed on the cluster; the smallest number when not asked for.
    /// Versions 8 to 10.
    pub cluster_authorized_operations: i32,
    /// Error of the request as a whole. Version 13.
    pub error_code: i16,
}

impl Default for MetadataResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            brokers: Vec::new(),
            cluster_id: None,
            controller_id: -1,
            topics: Vec::new(),
            cluster_authorized_operations: i32::MIN,
            error_code: 0,
        }
    }
}

impl Field for MetadataResponse {
    const SIZE_MIN: usize = 8;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            throttle_time_ms: from.read_if(v >= 3, 0)?,
            brokers: from.read()?,
            cluster_id: from.read_if(v >= 2, None)?,
            controller_id: from.read_if(v >= 1, -1)?,
            topics: from.read()?,
            cluster_authorized_operations: from.read_if((8..=10).contains(&v), i32::MIN)?,
            error_code: from.read_if(v >= 13, 0)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 3, &self.throttle_time_ms);
        to.write(&self.brokers);
        to.write_if(v >= 2, &self.cluster_id);
        to.write_if(v >= 1, &self.controller_id);
        to.write(&self.topics);
        to.write_if((8..=10).contains(&v), &self.cluster_authorized_operations);
        to.write_error_if(v >= 13, &self.error_code);
        Tags::default().write(to);
    }
}

message!(MetadataResponse, 0..=13, 9, Metadata with throttle_time_ms);

/// A broker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetadataResponseBroker {
    /// Node id.
    pub node_id: i32,
    /// Host name or address, as advertised.
    pub host: Text,
    /// TCP port, as advertised.
    pub port: i32,
    /// Rack, if it has one. Versions 1+.
    pub rack: Option<Text>,
}

impl Field for MetadataResponseBroker {
    const SIZE_MIN: usize = 10;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            node_id: from.read()?,
            host: from.read()?,
            port: from.read()?,
            rack: from.read_if(v >= 1, None)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.node_id);
        to.write(&self.host);
        to.write(&self.port);
        to.write_if(v >= 1, &self.rack);
        Tags::default().write(to);
    }
}

/// A topic.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponseTopic {
    /// Error code; 0 when it exists and has leaders.
    pub error_code: i16,
    /// Topic name; null when an unknown id was asked for.
    pub name: Option<Text>,
    /// Topic id; zero when unknown. Versions 10+.
    pub topic_id: TopicId,
    /// Whether the broker keeps its own state in it. Versions 1+.
    pub is_internal: bool,
    /// Its partitions.
    pub partitions: Vec<MetadataResponsePartition>,
    /// Bits of the operations allowed on it; the smallest number when not asked for. Versions 8+.
    pub topic_authorized_operations: i32,
}

impl Default for MetadataResponseTopic {
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

impl Field for MetadataResponseTopic {
    const SIZE_MIN: usize = 8;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            error_code: from.read()?,
            name: from.read_nullable(v >= 12)?,
            topic_id: from.read_if(v >= 10, TopicId::ZERO)?,
            is_internal: from.read_if(v >= 1, false)?,
            partitions: from.read()?,
            topic_authorized_operations: from.read_if(v >= 8, i32::MIN)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_error(&self.error_code);
        to.write_nullable(v >= 12, &self.name);
        to.write_if(v >= 10, &self.topic_id);
        to.write_if(v >= 1, &self.is_internal);
        to.write(&self.partitions);
        to.write_if(v >= 8, &self.topic_authorized_operations);
        Tags::default().write(to);
    }
}

/// A partition.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponsePartition {
    /// Error code; 0 when it has a leader.
    pub error_code: i16,
    /// Partition index.
    pub partition_index: i32,
    /// Node id of its leader; -1 for none.
    pub leader_id: i32,
    /// Leader epoch. Versions 7+.
    pub leader_epoch: i32,
    /// Nodes that hold it.
    pub replica_nodes: Vec<i32>,
    /// Nodes that hold it and are in sync.
    pub isr_nodes: Vec<i32>,
    /// Nodes that should hold it and are away. Versions 5+.
    pub offline_replicas: Vec<i32>,
}

impl Default for MetadataResponsePartition {
    fn default() -> Self {
        Self {
            error_code: 0,
            partition_index: 0,
            leader_id: 0,
            leader_epoch: -1,
            replica_nodes: Vec::new(),
            isr_nodes: Vec::new(),
            offline_replicas: Vec::new(),
        }
    }
}

impl Field for MetadataResponsePartition {
    const SIZE_MIN: usize = 18;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            error_code: from.read()?,
            partition_index: from.read()?,
            leader_id: from.read()?,
            leader_epoch: from.read_if(v >= 7, -1)?,
            replica_nodes: from.read()?,
            isr_nodes: from.read()?,
            offline_replicas: from.read_if(v >= 5, Vec::new())?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_error(&self.error_code);
        to.write(&self.partition_index);
        to.write(&self.leader_id);
        to.write_if(v >= 7, &self.leader_epoch);
        to.write(&self.replica_nodes);
        to.write(&self.isr_nodes);
        to.write_if(v >= 5, &self.offline_replicas);
        Tags::default().write(to);
    }
}
