//! CreatePartitions, API 37, versions 0 to 3, flexible from 2.
//!
//! Adds partitions to topics (KIP-195).
//!
//! - 1: throttled clients hold back by themselves (KIP-219)
//! - 2: flexible (KIP-482)
//! - 3: THROTTLING_QUOTA_EXCEEDED may be answered (KIP-599)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of CreatePartitions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatePartitionsRequest {
    /// Topics to grow.
    pub topics: Vec<CreatePartitionsTopic>,
    /// Longest wait until the partitions exist everywhere, in ms.
    pub timeout_ms: i32,
    /// Whether to check only.
    pub validate_only: bool,
}

impl Field for CreatePartitionsRequest {
    const SIZE_MIN: usize = 7;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            topics: from.read()?,
            timeout_ms: from.read()?,
            validate_only: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.topics);
        to.write(&self.timeout_ms);
        to.write(&self.validate_only);
        Tags::default().write(to);
    }
}

message!(CreatePartitionsRequest, 0..=3, 2, CreatePartitions => CreatePartitionsResponse);

/// A topic to grow.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatePartitionsTopic {
    /// Topic name.
    pub name: Text,
    /// How many partitions it is to have in all.
    pub count: i32,
    /// Which nodes hold each new partition; null leaves it to the broker.
    pub assignments: Option<Vec<CreatePartitionsAssignment>>,
}

impl Default for CreatePartitionsTopic {
    fn default() -> Self {
        Self {
            name: Text::EMPTY,
            count: 0,
            assignments: Some(Vec::new()),
        }
    }
}

impl Field for CreatePartitionsTopic {
    const SIZE_MIN: usize = 7;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            name: from.read()?,
            count: from.read()?,
            assignments: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.name);
        to.write(&self.count);
        to.write(&self.assignments);
        Tags::default().write(to);
    }
}

/// Which nodes hold a new partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatePartitionsAssignment {
    /// Node ids.
    pub broker_ids: Vec<i32>,
}

impl Field for CreatePartitionsAssignment {
    const SIZE_MIN: usize = 2;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            broker_ids: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.broker_ids);
        Tags::default().write(to);
    }
}

/// The answer to [`CreatePartitionsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatePartitionsResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Outcome by topic.
    pub results: Vec<CreatePartitionsTopicResult>,
}

impl Field for CreatePartitionsResponse {
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

message!(CreatePartitionsResponse, 0..=3, 2, CreatePartitions with throttle_time_ms);

/// The outcome for one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatePartitionsTopicResult {
    /// Topic name.
    pub name: Text,
    /// Error code.
    pub error_code: i16,
    /// What is wrong; null when nothing is.
    pub error_message: Option<Text>,
}

impl Field for CreatePartitionsTopicResult {
    const SIZE_MIN: usize = 5;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            name: from.read()?,
            error_code: from.read()?,
            error_message: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.name);
        to.write_error(&self.error_code);
        to.write(&self.error_message);
        Tags::default().write(to);
    }
}
