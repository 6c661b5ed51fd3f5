//! DescribeLogDirs, API 35, versions 1 to 5, flexible from 2.
//!
//! Tells how much room the logs take in the directories of a broker (KIP-113).
//!
//! - 1: throttled clients hold back by themselves (KIP-219)
//! - 2: flexible (KIP-482)
//! - 3: an error code of the request as a whole
//! - 4: total and usable bytes of the volume (KIP-827)
//! - 5: whether the directory takes no new partitions (KIP-1066)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of DescribeLogDirs.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeLogDirsRequest {
    /// Whose logs to describe; null for all.
    pub topics: Option<Vec<DescribableLogDirTopic>>,
}

impl Default for DescribeLogDirsRequest {
    fn default() -> Self {
        Self {
            topics: Some(Vec::new()),
        }
    }
}

impl Field for DescribeLogDirsRequest {
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

message!(DescribeLogDirsRequest, 1..=5, 2, DescribeLogDirs => DescribeLogDirsResponse);

/// A topic whose logs are to be described.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribableLogDirTopic {
    /// Topic name.
    pub topic: Text,
    /// Partition indexes.
    pub partitions: Vec<i32>,
}

impl Field for DescribableLogDirTopic {
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

/// The answer to [`DescribeLogDirsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeLogDirsResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Error code of the request as a whole. Versions 3+.
    pub error_code: i16,
    /// By directory.
    pub results: Vec<DescribeLogDirsResult>,
}

impl Field for DescribeLogDirsResponse {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            throttle_time_ms: from.read()?,
            error_code: from.read_if(v >= 3, 0)?,
            results: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.throttle_time_ms);
        to.write_error_if(v >= 3, &self.error_code);
        to.write(&self.results);
        Tags::default().write(to);
    }
}

message!(DescribeLogDirsResponse, 1..=5, 2, DescribeLogDirs with throttle_time_ms);

/// A directory.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeLogDirsResult {
    /// Error code.
    pub error_code: i16,
    /// Its absolute path.
    pub log_dir: Text,
    /// The topics that have logs in it.
    pub topics: Vec<DescribeLogDirsTopic>,
    /// Bytes of the volume that holds it; -1 when unknown. Versions 4+.
    pub total_bytes: i64,
    /// Bytes of the volume that can still be used; -1 when unknown. Versions 4+.
    pub usable_bytes: i64,
    /// Whether it takes no new partitions. Version 5.
    pub is_cordoned: bool,
}

impl Default for DescribeLogDirsResult {
    fn default() -> Self {
        Self {
            error_code: 0,
            log_dir: Text::EMPTY,
            topics: Vec::new(),
            total_bytes: -1,
            usable_bytes: -1,
            is_cordoned: false,
        }
    }
}

impl Field for DescribeLogDirsResult {
    const SIZE_MIN: usize = 5;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            error_code: from.read()?,
            log_dir: from.read()?,
            topics: from.read()?,
            total_bytes: from.read_if(v >= 4, -1)?,
            usable_bytes: from.read_if(v >= 4, -1)?,
            is_cordoned: from.read_if(v >= 5, false)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_error(&self.error_code);
        to.write(&self.log_dir);
        to.write(&self.topics);
        to.write_if(v >= 4, &self.total_bytes);
        to.write_if(v >= 4, &self.usable_bytes);
        to.write_if(v >= 5, &self.is_cordoned);
        Tags::default().write(to);
    }
}

/// A topic that has logs in a directory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeLogDirsTopic {
    /// Topic name.
    pub name: Text,
    /// Its partitions.
    pub partitions: Vec<DescribeLogDirsPartition>,
}

impl Field for DescribeLogDirsTopic {
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

/// A partition that has its log in a directory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeLogDirsPartition {
    /// Partition index.
    pub partition_index: i32,
    /// Bytes of its records.
    pub partition_size: i64,
    /// How many offsets this log is behind the partition.
    pub offset_lag: i64,
    /// Whether it is about to take the place of another log.
    pub is_future_key: bool,
}

impl Field for DescribeLogDirsPartition {
    const SIZE_MIN: usize = 21;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            partition_index: from.read()?,
            partition_size: from.read()?,
            offset_lag: from.read()?,
            is_future_key: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.partition_index);
        to.write(&self.partition_size);
        to.write(&self.offset_lag);
        to.write(&self.is_future_key);
        Tags::default().write(to);
    }
}
