//! DeleteRecords, API 21, versions 0 to 2, flexible from 2.
//!
//! Deletes the records of partitions up to an offset (KIP-107).
//!
//! - 1: throttled clients hold back by themselves (KIP-219)
//! - 2: flexible (KIP-482)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of DeleteRecords.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteRecordsRequest {
    /// What to delete.
    pub topics: Vec<DeleteRecordsTopic>,
    /// Longest wait until the records are gone, in ms.
    pub timeout_ms: i32,
}

impl Field for DeleteRecordsRequest {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            topics: from.read()?,
            timeout_ms: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.topics);
        to.write(&self.timeout_ms);
        Tags::default().write(to);
    }
}

message!(DeleteRecordsRequest, 0..=2, 2, DeleteRecords => DeleteRecordsResponse);

/// A topic to delete records of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteRecordsTopic {
    /// Topic name.
    pub name: Text,
    /// Its partitions.
    pub partitions: Vec<DeleteRecordsPartition>,
}

impl Field for DeleteRecordsTopic {
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

/// A partition to delete records of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteRecordsPartition {
    /// Partition index.
    pub partition_index: i32,
    /// The first offset to keep; -1 for the high watermark.
    pub offset: i64,
}

impl Field for DeleteRecordsPartition {
    const SIZE_MIN: usize = 12;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            partition_index: from.read()?,
            offset: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.partition_index);
        to.write(&self.offset);
        Tags::default().write(to);
    }
}

/// The answer to [`DeleteRecordsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteRecordsResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Outcome by topic.
    pub topics: Vec<DeleteRecordsTopicResult>,
}

impl Field for DeleteRecordsResponse {
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

message!(DeleteRecordsResponse, 0..=2, 2, DeleteRecords with throttle_time_ms);

/// The outcome for one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteRecordsTopicResult {
    /// Topic name.
    pub name: Text,
    /// By partition.
    pub partitions: Vec<DeleteRecordsPartitionResult>,
}

impl Field for DeleteRecordsTopicResult {
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
pub struct DeleteRecordsPartitionResult {
    /// Partition index.
    pub partition_index: i32,
    /// The first offset that is left; -1 on error.
    pub low_watermark: i64,
    /// Error code.
    pub error_code: i16,
}

impl Field for DeleteRecordsPartitionResult {
    const SIZE_MIN: usize = 14;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            partition_index: from.read()?,
            low_watermark: from.read()?,
            error_code: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.partition_index);
        to.write(&self.low_watermark);
        to.write_error(&self.error_code);
        Tags::default().write(to);
    }
}
