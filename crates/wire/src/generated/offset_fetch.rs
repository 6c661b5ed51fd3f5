//! OffsetFetch, API 9, versions 1 to 10, flexible from 6.
//!
//! Answers how far groups have read.
//!
//! - 1: offsets kept by the broker
//! - 2: a null list asks for all topics; top-level error (KIP-88)
//! - 3: throttle time (KIP-124)
//! - 4: throttled clients hold back by themselves (KIP-219)
//! - 5: leader epochs (KIP-320)
//! - 6: flexible (KIP-482)
//! - 7: require_stable: do not pass over open transactions (KIP-447)
//! - 8: many groups in a request (KIP-709)
//! - 9: member id and epoch (KIP-848)
//! - 10: topics go by id (KIP-848)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use model::TopicId;

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of OffsetFetch.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchRequest {
    /// Group id. Versions 1 to 7.
    pub group_id: Text,
    /// Partitions to answer for; null for all. Versions 1 to 7.
    pub topics: Option<Vec<OffsetFetchRequestTopic>>,
    /// Groups to answer for. Versions 8+.
    pub groups: Vec<OffsetFetchRequestGroup>,
    /// Whether to refuse offsets that an open transaction may change. Versions 7+.
    pub require_stable: bool,
}

impl Default for OffsetFetchRequest {
    fn default() -> Self {
        Self {
            group_id: Text::EMPTY,
            topics: Some(Vec::new()),
            groups: Vec::new(),
            require_stable: false,
        }
    }
}

impl Field for OffsetFetchRequest {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            group_id: from.read_if(v <= 7, Text::EMPTY)?,
            topics: if v <= 7 {
                from.read_nullable(v >= 2)?
            } else {
                Some(Vec::new())
            },
            groups: from.read_if(v >= 8, Vec::new())?,
            require_stable: from.read_if(v >= 7, false)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v <= 7, &self.group_id);
        if v <= 7 {
            to.write_nullable(v >= 2, &self.topics);
        }
        to.write_if(v >= 8, &self.groups);
        to.write_if(v >= 7, &self.require_stable);
        Tags::default().write(to);
    }
}

message!(OffsetFetchRequest, 1..=10, 6, OffsetFetch => OffsetFetchResponse);

/// Partitions of one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchRequestTopic {
    /// Topic name. Versions 1 to 7.
    pub name: Text,
    /// Partition indexes. Versions 1 to 7.
    pub partition_indexes: Vec<i32>,
}

impl Field for OffsetFetchRequestTopic {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            name: from.read_if(v <= 7, Text::EMPTY)?,
            partition_indexes: from.read_if(v <= 7, Vec::new())?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v <= 7, &self.name);
        to.write_if(v <= 7, &self.partition_indexes);
        Tags::default().write(to);
    }
}

/// A group to answer for.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchRequestGroup {
    /// Group id. Versions 8+.
    pub group_id: Text,
    /// Member id, of a consumer-protocol member. Versions 9+.
    pub member_id: Option<Text>,
    /// Its epoch; -1 outside membership. Versions 9+.
    pub member_epoch: i32,
    /// Partitions to answer for; null for all. Versions 8+.
    pub topics: Option<Vec<OffsetFetchRequestTopics>>,
}

impl Default for OffsetFetchRequestGroup {
    fn default() -> Self {
        Self {
            group_id: Text::EMPTY,
            member_id: None,
            member_epoch: -1,
            topics: Some(Vec::new()),
        }
    }
}

impl Field for OffsetFetchRequestGroup {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            group_id: from.read_if(v >= 8, Text::EMPTY)?,
            member_id: from.read_if(v >= 9, None)?,
            member_epoch: from.read_if(v >= 9, -1)?,
            topics: from.read_if(v >= 8, Some(Vec::new()))?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 8, &self.group_id);
        to.write_if(v >= 9, &self.member_id);
        to.write_if(v >= 9, &self.member_epoch);
        to.write_if(v >= 8, &self.topics);
        Tags::default().write(to);
    }
}

/// Partitions of one topic of a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchRequestTopics {
    /// Topic name. Versions 8 to 9.
    pub name: Text,
    /// Topic id. Version 10.
    pub topic_id: TopicId,
    /// Partition indexes. Versions 8+.
    pub partition_indexes: Vec<i32>,
}

impl Field for OffsetFetchRequestTopics {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            name: from.read_if((8..=9).contains(&v), Text::EMPTY)?,
            topic_id: from.read_if(v >= 10, TopicId::ZERO)?,
            partition_indexes: from.read_if(v >= 8, Vec::new())?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if((8..=9).contains(&v), &self.name);
        to.write_if(v >= 10, &self.topic_id);
        to.write_if(v >= 8, &self.partition_indexes);
        Tags::default().write(to);
    }
}

/// The answer to [`OffsetFetchRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchResponse {
    /// How long the client was or is held back by a quota, in ms. Versions 3+.
    pub throttle_time_ms: i32,
    /// Offsets by topic. Versions 1 to 7.
    pub topics: Vec<OffsetFetchResponseTopic>,
    /// Error of the group as a whole. Versions 2 to 7.
    pub error_code: i16,
    /// Offsets by group. Versions 8+.
    pub groups: Vec<OffsetFetchResponseGroup>,
}

impl Field for OffsetFetchResponse {
    const SIZE_MIN: usize = 4;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            throttle_time_ms: from.read_if(v >= 3, 0)?,
            topics: from.read_if(v <= 7, Vec::new())?,
            error_code: from.read_if((2..=7).contains(&v), 0)?,
            groups: from.read_if(v >= 8, Vec::new())?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 3, &self.throttle_time_ms);
        to.write_if(v <= 7, &self.topics);
        to.write_error_if((2..=7).contains(&v), &self.error_code);
        to.write_if(v >= 8, &self.groups);
        Tags::default().write(to);
    }
}

message!(OffsetFetchResponse, 1..=10, 6, OffsetFetch with throttle_time_ms);

/// The offsets of one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchResponseTopic {
    /// Topic name. Versions 1 to 7.
    pub name: Text,
    /// By partition. Versions 1 to 7.
    pub partitions: Vec<OffsetFetchResponsePartition>,
}

impl Field for OffsetFetchResponseTopic {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            name: from.read_if(v <= 7, Text::EMPTY)?,
            partitions: from.read_if(v <= 7, Vec::new())?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v <= 7, &self.name);
        to.write_if(v <= 7, &self.partitions);
        Tags::default().write(to);
    }
}

/// The offset of one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchResponsePartition {
    /// Partition index. Versions 1 to 7.
    pub partition_index: i32,
    /// Offset to read next; -1 when none is stored. Versions 1 to 7.
    pub committed_offset: i64,
    /// Leader epoch of the record read last; -1 when unknown. Versions 5 to 7.
    pub committed_leader_epoch: i32,
    /// Text that the client kept with it. Versions 1 to 7.
    pub metadata: Option<Text>,
    /// Error code; 0 also when nothing is stored. Versions 1 to 7.
    pub error_code: i16,
}

impl Default for OffsetFetchResponsePartition {
    fn default() -> Self {
        Self {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            metadata: Some(Text::EMPTY),
            error_code: 0,
        }
    }
}

impl Field for OffsetFetchResponsePartition {
    const SIZE_MIN: usize = 16;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            partition_index: from.read_if(v <= 7, 0)?,
            committed_offset: from.read_if(v <= 7, 0)?,
            committed_leader_epoch: from.read_if((5..=7).contains(&v), -1)?,
            metadata: from.read_if(v <= 7, Some(Text::EMPTY))?,
            error_code: from.read_if(v <= 7, 0)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v <= 7, &self.partition_index);
        to.write_if(v <= 7, &self.committed_offset);
        to.write_if((5..=7).contains(&v), &self.committed_leader_epoch);
        to.write_if(v <= 7, &self.metadata);
        to.write_error_if(v <= 7, &self.error_code);
        Tags::default().write(to);
    }
}

/// The offsets of one group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchResponseGroup {
    /// Group id. Versions 8+.
    pub group_id: Text,
    /// By topic. Versions 8+.
    pub topics: Vec<OffsetFetchResponseTopics>,
    /// Error of the group as a whole. Versions 8+.
    pub error_code: i16,
}

impl Field for OffsetFetchResponseGroup {
    const SIZE_MIN: usize = 5;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            group_id: from.read_if(v >= 8, Text::EMPTY)?,
            topics: from.read_if(v >= 8, Vec::new())?,
            error_code: from.read_if(v >= 8, 0)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 8, &self.group_id);
        to.write_if(v >= 8, &self.topics);
        to.write_error_if(v >= 8, &self.error_code);
        Tags::default().write(to);
    }
}

/// The offsets of one topic of a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchResponseTopics {
    /// Topic name. Versions 8 to 9.
    pub name: Text,
    /// Topic id. Version 10.
    pub topic_id: TopicId,
    /// By partition. Versions 8+.
    pub partitions: Vec<OffsetFetchResponsePartitions>,
}

impl Field for OffsetFetchResponseTopics {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            name: from.read_if((8..=9).contains(&v), Text::EMPTY)?,
            topic_id: from.read_if(v >= 10, TopicId::ZERO)?,
            partitions: from.read_if(v >= 8, Vec::new())?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if((8..=9).contains(&v), &self.name);
        to.write_if(v >= 10, &self.topic_id);
        to.write_if(v >= 8, &self.partitions);
        Tags::default().write(to);
    }
}

/// The offset of one partition of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchResponsePartitions {
    /// Partition index. Versions 8+.
    pub partition_index: i32,
    /// Offset to read next; -1 when none is stored. Versions 8+.
    pub committed_offset: i64,
    /// Leader epoch of the record read last; -1 when unknown. Versions 8+.
    pub committed_leader_epoch: i32,
    /// Text that the client kept with it. Versions 8+.
    pub metadata: Option<Text>,
    /// Error code; 0 also when nothing is stored. Versions 8+.
    pub error_code: i16,
}

impl Default for OffsetFetchResponsePartitions {
    fn default() -> Self {
        Self {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            metadata: Some(Text::EMPTY),
            error_code: 0,
        }
    }
}

impl Field for OffsetFetchResponsePartitions {
    const SIZE_MIN: usize = 20;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            partition_index: from.read_if(v >= 8, 0)?,
            committed_offset: from.read_if(v >= 8, 0)?,
            committed_leader_epoch: from.read_if(v >= 8, -1)?,
            metadata: from.read_if(v >= 8, Some(Text::EMPTY))?,
            error_code: from.read_if(v >= 8, 0)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 8, &self.partition_index);
        to.write_if(v >= 8, &self.committed_offset);
        to.write_if(v >= 8, &self.committed_leader_epoch);
        to.write_if(v >= 8, &self.metadata);
        to.write_error_if(v >= 8, &self.error_code);
        Tags::default().write(to);
    }
}
