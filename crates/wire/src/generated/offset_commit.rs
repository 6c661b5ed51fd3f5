//! OffsetCommit, API 8, versions 2 to 10, flexible from 8.
//!
//! Stores how far a group has read.
//!
//! - 2: retention_time_ms, for all offsets of the request
//! - 3: throttle time (KIP-124)
//! - 4: throttled clients hold back by themselves (KIP-219)
//! - 5: retention_time_ms is gone (KIP-211)
//! - 6: leader epochs (KIP-320)
//! - 7: static members (KIP-345)
//! - 8: flexible (KIP-482)
//! - 9: the generation may be a member epoch (KIP-848)
//! - 10: topics go by id (KIP-848)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use model::TopicId;

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of OffsetCommit.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetCommitRequest {
    /// Group id.
    pub group_id: Text,
    /// Generation of a classic member, epoch of a consumer-protocol member; -1 outside membership.
    pub generation_id_or_member_epoch: i32,
    /// Member id; empty outside membership.
    pub member_id: Text,
    /// Instance id of a static member. Versions 7+.
    pub group_instance_id: Option<Text>,
    /// How long to keep the offsets, in ms; -1 for the broker's rule. Versions 2 to 4.
    pub retention_time_ms: i64,
    /// Offsets by topic.
    pub topics: Vec<OffsetCommitRequestTopic>,
}

impl Default for OffsetCommitRequest {
    fn default() -> Self {
        Self {
            group_id: Text::EMPTY,
            generation_id_or_member_epoch: -1,
            member_id: Text::EMPTY,
            group_instance_id: None,
            retention_time_ms: -1,
            topics: Vec::new(),
        }
    }
}

impl Field for OffsetCommitRequest {
    const SIZE_MIN: usize = 9;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            group_id: from.read()?,
            generation_id_or_member_epoch: from.read()?,
            member_id: from.read()?,
            group_instance_id: from.read_if(v >= 7, None)?,
            retention_time_ms: from.read_if(v <= 4, -1)?,
            topics: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.group_id);
        to.write(&self.generation_id_or_member_epoch);
        to.write(&self.member_id);
        to.write_if(v >= 7, &self.group_instance_id);
        to.write_if(v <= 4, &self.retention_time_ms);
        to.write(&self.topics);
        Tags::default().write(to);
    }
}

message!(OffsetCommitRequest, 2..=10, 8, OffsetCommit => OffsetCommitResponse);

/// The offsets of one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitRequestTopic {
    /// Topic name. Versions 2 to 9.
    pub name: Text,
    /// Topic id. Version 10.
    pub topic_id: TopicId,
    /// By partition.
    pub partitions: Vec<OffsetCommitRequestPartition>,
}

impl Field for OffsetCommitRequestTopic {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            name: from.read_if(v <= 9, Text::EMPTY)?,
            topic_id: from.read_if(v >= 10, TopicId::ZERO)?,
            partitions: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v <= 9, &self.name);
        to.write_if(v >= 10, &self.topic_id);
        to.write(&self.partitions);
        Tags::default().write(to);
    }
}

/// The offset of one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetCommitRequestPartition {
    /// Partition index.
    pub partition_index: i32,
    /// Offset to read next.
    pub committed_offset: i64,
    /// Leader epoch of the record read last; -1 when unknown. Versions 6+.
    pub committed_leader_epoch: i32,
    /// Text that the client keeps with the offset.
    pub committed_metadata: Option<Text>,
}

impl Default for OffsetCommitRequestPartition {
    fn default() -> Self {
        Self {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            committed_metadata: Some(Text::EMPTY),
        }
    }
}

impl Field for OffsetCommitRequestPartition {
    const SIZE_MIN: usize = 14;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            partition_index: from.read()?,
            committed_offset: from.read()?,
            committed_leader_epoch: from.read_if(v >= 6, -1)?,
            committed_metadata: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.partition_index);
        to.write(&self.committed_offset);
        to.write_if(v >= 6, &self.committed_leader_epoch);
        to.write(&self.committed_metadata);
        Tags::default().write(to);
    }
}

/// The answer to [`OffsetCommitRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitResponse {
    /// How long the client was or is held back by a quota, in ms. Versions 3+.
    pub throttle_time_ms: i32,
    /// Outcome by topic.
    pub topics: Vec<OffsetCommitResponseTopic>,
}

impl Field for OffsetCommitResponse {
    const SIZE_MIN: usize = 4;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            throttle_time_ms: from.read_if(v >= 3, 0)?,
            topics: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 3, &self.throttle_time_ms);
        to.write(&self.topics);
        Tags::default().write(to);
    }
}

message!(OffsetCommitResponse, 2..=10, 8, OffsetCommit with throttle_time_ms);

/// The outcome for one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitResponseTopic {
    /// Topic name. Versions 2 to 9.
    pub name: Text,
    /// Topic id. Version 10.
    pub topic_id: TopicId,
    /// By partition.
    pub partitions: Vec<OffsetCommitResponsePartition>,
}

impl Field for OffsetCommitResponseTopic {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            name: from.read_if(v <= 9, Text::EMPTY)?,
            topic_id: from.read_if(v >= 10, TopicId::ZERO)?,
            partitions: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v <= 9, &self.name);
        to.write_if(v >= 10, &self.topic_id);
        to.write(&self.partitions);
        Tags::default().write(to);
    }
}

/// The outcome for one partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitResponsePartition {
    /// Partition index.
    pub partition_index: i32,
    /// Error code; 0 when the offset is stored.
    pub error_code: i16,
}

impl Field for OffsetCommitResponsePartition {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            partition_index: from.read()?,
            error_code: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.partition_index);
        to.write_error(&self.error_code);
        Tags::default().write(to);
    }
}
