//! TxnOffsetCommit, API 28, versions 0 to 5, flexible from 3.
//!
//! Stores how far a group has read, as a part of a transaction (KIP-98).
//!
//! - 1: throttled clients hold back by themselves (KIP-219)
//! - 2: leader epochs (KIP-320)
//! - 3: flexible; who the member is (KIP-447)
//! - 4: TRANSACTION_ABORTABLE may be answered (KIP-1050)
//! - 5: the group joins the transaction by itself (KIP-890)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of TxnOffsetCommit.
#[derive(Clone, Debug, PartialEq)]
pub struct TxnOffsetCommitRequest {
    /// Transactional id.
    pub transactional_id: Text,
    /// Group id.
    pub group_id: Text,
    /// Producer id.
    pub producer_id: i64,
    /// Producer epoch.
    pub producer_epoch: i16,
    /// Generation or member epoch; -1 outside membership. Versions 3+.
    pub generation_id: i32,
    /// Member id; empty outside membership. Versions 3+.
    pub member_id: Text,
    /// Instance id of a static member. Versions 3+.
    pub group_instance_id: Option<Text>,
    /// Offsets by topic.
    pub topics: Vec<TxnOffsetCommitRequestTopic>,
}

impl Default for TxnOffsetCommitRequest {
    fn default() -> Self {
        Self {
            transactional_id: Text::EMPTY,
            group_id: Text::EMPTY,
            producer_id: 0,
            producer_epoch: 0,
            generation_id: -1,
            member_id: Text::EMPTY,
            group_instance_id: None,
            topics: Vec::new(),
        }
    }
}

impl Field for TxnOffsetCommitRequest {
    const SIZE_MIN: usize = 18;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            transactional_id: from.read()?,
            group_id: from.read()?,
            producer_id: from.read()?,
            producer_epoch: from.read()?,
            generation_id: from.read_if(v >= 3, -1)?,
            member_id: from.read_if(v >= 3, Text::EMPTY)?,
            group_instance_id: from.read_if(v >= 3, None)?,
            topics: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.transactional_id);
        to.write(&self.group_id);
        to.write(&self.producer_id);
        to.write(&self.producer_epoch);
        to.write_if(v >= 3, &self.generation_id);
        to.write_if(v >= 3, &self.member_id);
        to.write_if(v >= 3, &self.group_instance_id);
        to.write(&self.topics);
        Tags::default().write(to);
    }
}

message!(TxnOffsetCommitRequest, 0..=5, 3, TxnOffsetCommit => TxnOffsetCommitResponse);

/// The offsets of one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TxnOffsetCommitRequestTopic {
    /// Topic name.
    pub name: Text,
    /// By partition.
    pub partitions: Vec<TxnOffsetCommitRequestPartition>,
}

impl Field for TxnOffsetCommitRequestTopic {
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

/// The offset of one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct TxnOffsetCommitRequestPartition {
    /// Partition index.
    pub partition_index: i32,
    /// Offset to read next.
    pub committed_offset: i64,
    /// Leader epoch of the record read last; -1 when unknown. Versions 2+.
    pub committed_leader_epoch: i32,
    /// Text that the client keeps with the offset.
    pub committed_metadata: Option<Text>,
}

impl Default for TxnOffsetCommitRequestPartition {
    fn default() -> Self {
        Self {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            committed_metadata: Some(Text::EMPTY),
        }
    }
}

impl Field for TxnOffsetCommitRequestPartition {
    const SIZE_MIN: usize = 14;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            partition_index: from.read()?,
            committed_offset: from.read()?,
            committed_leader_epoch: from.read_if(v >= 2, -1)?,
            committed_metadata: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.partition_index);
        to.write(&self.committed_offset);
        to.write_if(v >= 2, &self.committed_leader_epoch);
        to.write(&self.committed_metadata);
        Tags::default().write(to);
    }
}

/// The answer to [`TxnOffsetCommitRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TxnOffsetCommitResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Outcome by topic.
    pub topics: Vec<TxnOffsetCommitResponseTopic>,
}

impl Field for TxnOffsetCommitResponse {
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

message!(TxnOffsetCommitResponse, 0..=5, 3, TxnOffsetCommit with throttle_time_ms);

/// The outcome for one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TxnOffsetCommitResponseTopic {
    /// Topic name.
    pub name: Text,
    /// By partition.
    pub partitions: Vec<TxnOffsetCommitResponsePartition>,
}

impl Field for TxnOffsetCommitResponseTopic {
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TxnOffsetCommitResponsePartition {
    /// Partition index.
    pub partition_index: i32,
    /// Error code; 0 when the offset waits for the end of the transaction.
    pub error_code: i16,
}

impl Field for TxnOffsetCommitResponsePartition {
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
