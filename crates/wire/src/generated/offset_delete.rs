//! OffsetDelete, API 47, versions 0 to 0, never flexible.
//!
//! Deletes offsets that a group has committed (KIP-496).

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::Encoder;
use crate::field::Field;
use crate::message::message;

/// A request of OffsetDelete.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetDeleteRequest {
    /// Group id.
    pub group_id: Text,
    /// Whose offsets to delete.
    pub topics: Vec<OffsetDeleteRequestTopic>,
}

impl Field for OffsetDeleteRequest {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            group_id: from.read()?,
            topics: from.read()?,
        };
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.group_id);
        to.write(&self.topics);
    }
}

message!(OffsetDeleteRequest, 0..=0, i16::MAX, OffsetDelete => OffsetDeleteResponse);

/// A topic whose offsets are to be deleted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetDeleteRequestTopic {
    /// Topic name.
    pub name: Text,
    /// Its partitions.
    pub partitions: Vec<OffsetDeleteRequestPartition>,
}

impl Field for OffsetDeleteRequestTopic {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            name: from.read()?,
            partitions: from.read()?,
        };
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.name);
        to.write(&self.partitions);
    }
}

/// A partition whose offset is to be deleted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetDeleteRequestPartition {
    /// Partition index.
    pub partition_index: i32,
}

impl Field for OffsetDeleteRequestPartition {
    const SIZE_MIN: usize = 4;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            partition_index: from.read()?,
        };
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.partition_index);
    }
}

/// The answer to [`OffsetDeleteRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetDeleteResponse {
    /// Error code of the request as a whole.
    pub error_code: i16,
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Outcome by topic.
    pub topics: Vec<OffsetDeleteResponseTopic>,
}

impl Field for OffsetDeleteResponse {
    const SIZE_MIN: usize = 10;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            error_code: from.read()?,
            throttle_time_ms: from.read()?,
            topics: from.read()?,
        };
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write_error(&self.error_code);
        to.write(&self.throttle_time_ms);
        to.write(&self.topics);
    }
}

message!(OffsetDeleteResponse, 0..=0, i16::MAX, OffsetDelete with throttle_time_ms);

/// The outcome for one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetDeleteResponseTopic {
    /// Topic name.
    pub name: Text,
    /// By partition.
    pub partitions: Vec<OffsetDeleteResponsePartition>,
}

impl Field for OffsetDeleteResponseTopic {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            name: from.read()?,
            partitions: from.read()?,
        };
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.name);
        to.write(&self.partitions);
    }
}

/// The outcome for one partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetDeleteResponsePartition {
    /// Partition index.
    pub partition_index: i32,
    /// Error code.
    pub error_code: i16,
}

impl Field for OffsetDeleteResponsePartition {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            partition_index: from.read()?,
            error_code: from.read()?,
        };
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.partition_index);
        to.write_error(&self.error_code);
    }
}
