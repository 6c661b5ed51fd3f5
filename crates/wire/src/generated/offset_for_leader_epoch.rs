//! OffsetForLeaderEpoch, API 23, versions 2 to 4, flexible from 4.
//!
//! Looks up where leader epochs ended, so that a client can tell whether what it read is still there
//! (KIP-101, KIP-320).
//!
//! - 2: the epoch of the leader that the client knows
//! - 3: who asks
//! - 4: flexible (KIP-482)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of OffsetForLeaderEpoch.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetForLeaderEpochRequest {
    /// Node id of a follower; -1 for a client, -2 when unsaid. Versions 3+.
    pub replica_id: i32,
    /// What to look up.
    pub topics: Vec<OffsetForLeaderTopic>,
}

impl Default for OffsetForLeaderEpochRequest {
    fn default() -> Self {
        Self {
            replica_id: -2,
            topics: Vec::new(),
        }
    }
}

impl Field for OffsetForLeaderEpochRequest {
    const SIZE_MIN: usize = 4;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            replica_id: from.read_if(v >= 3, -2)?,
            topics: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 3, &self.replica_id);
        to.write(&self.topics);
        Tags::default().write(to);
    }
}

message!(OffsetForLeaderEpochRequest, 2..=4, 4, OffsetForLeaderEpoch => OffsetForLeaderEpochResponse);

/// A topic to look up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetForLeaderTopic {
    /// Topic name.
    pub topic: Text,
    /// Its partitions to look up.
    pub partitions: Vec<OffsetForLeaderPartition>,
}

impl Field for OffsetForLeaderTopic {
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

/// A partition to look up.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetForLeaderPartition {
    /// Partition index.
    pub partition: i32,
    /// Leader epoch known to the client; -1 leaves it unchecked.
    pub current_leader_epoch: i32,
    /// The epoch whose end is looked up.
    pub leader_epoch: i32,
}

impl Default for OffsetForLeaderPartition {
    fn default() -> Self {
        Self {
            partition: 0,
            current_leader_epoch: -1,
            leader_epoch: 0,
        }
    }
}

impl Field for OffsetForLeaderPartition {
    const SIZE_MIN: usize = 12;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            partition: from.read()?,
            current_leader_epoch: from.read()?,
            leader_epoch: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.partition);
        to.write(&self.current_leader_epoch);
        to.write(&self.leader_epoch);
        Tags::default().write(to);
    }
}

/// The answer to [`OffsetForLeaderEpochRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetForLeaderEpochResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// What was found, by topic.
    pub topics: Vec<OffsetForLeaderTopicResult>,
}

impl Field for OffsetForLeaderEpochResponse {
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

message!(OffsetForLeaderEpochResponse, 2..=4, 4, OffsetForLeaderEpoch with throttle_time_ms);

/// What was found in one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetForLeaderTopicResult {
    /// Topic name.
    pub topic: Text,
    /// By partition.
    pub partitions: Vec<EpochEndOffset>,
}

impl Field for OffsetForLeaderTopicResult {
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

/// Where an epoch of one partition ended.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochEndOffset {
    /// Error code.
    pub error_code: i16,
    /// Partition index.
    pub partition: i32,
    /// The largest epoch that is not above the one asked for; -1 when there is none.
    pub leader_epoch: i32,
    /// The offset after its last record; -1 when there is none.
    pub end_offset: i64,
}

impl Default for EpochEndOffset {
    fn default() -> Self {
        Self {
            error_code: 0,
            partition: 0,
            leader_epoch: -1,
            end_offset: -1,
        }
    }
}

impl Field for EpochEndOffset {
    const SIZE_MIN: usize = 18;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            error_code: from.read()?,
            partition: from.read()?,
            leader_epoch: from.read()?,
            end_offset: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write_error(&self.error_code);
        to.write(&self.partition);
        to.write(&self.leader_epoch);
        to.write(&self.end_offset);
        Tags::default().write(to);
    }
}
