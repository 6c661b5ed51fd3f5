//! AlterReplicaLogDirs, API 34, versions 1 to 2, flexible from 2.
//!
//! Moves replicas to other directories of the broker that is asked (KIP-113).
//!
//! - 1: throttled clients hold back by themselves (KIP-219)
//! - 2: flexible (KIP-482)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of AlterReplicaLogDirs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterReplicaLogDirsRequest {
    /// What is to be in which directory.
    pub dirs: Vec<AlterReplicaLogDir>,
}

impl Field for AlterReplicaLogDirsRequest {
    const SIZE_MIN: usize = 2;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self { dirs: from.read()? };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.dirs);
        Tags::default().write(to);
    }
}

message!(AlterReplicaLogDirsRequest, 1..=2, 2, AlterReplicaLogDirs => AlterReplicaLogDirsResponse);

/// A directory and what is to be in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterReplicaLogDir {
    /// Its absolute path.
    pub path: Text,
    /// The topics with replicas that are to be in it.
    pub topics: Vec<AlterReplicaLogDirTopic>,
}

impl Field for AlterReplicaLogDir {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            path: from.read()?,
            topics: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.path);
        to.write(&self.topics);
        Tags::default().write(to);
    }
}

/// A topic with replicas to move.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterReplicaLogDirTopic {
    /// Topic name.
    pub name: Text,
    /// Partition indexes.
    pub partitions: Vec<i32>,
}

impl Field for AlterReplicaLogDirTopic {
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

/// The answer to [`AlterReplicaLogDirsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterReplicaLogDirsResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Outcome by topic.
    pub results: Vec<AlterReplicaLogDirTopicResult>,
}

impl Field for AlterReplicaLogDirsResponse {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            throttle_time_ms: from.read()?,
            results: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.throttle_time_ms);
        to.write(&self.results);
        Tags::default().write(to);
    }
}

message!(AlterReplicaLogDirsResponse, 1..=2, 2, AlterReplicaLogDirs with throttle_time_ms);

/// The outcome for one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterReplicaLogDirTopicResult {
    /// Topic name.
    pub topic_name: Text,
    /// By partition.
    pub partitions: Vec<AlterReplicaLogDirPartitionResult>,
}

impl Field for AlterReplicaLogDirTopicResult {
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

/// The outcome for one partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterReplicaLogDirPartitionResult {
    /// Partition index.
    pub partition_index: i32,
    /// Error code.
    pub error_code: i16,
}

impl Field for AlterReplicaLogDirPartitionResult {
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
