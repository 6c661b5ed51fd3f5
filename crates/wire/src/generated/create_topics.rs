//! CreateTopics, API 19, versions 2 to 7, flexible from 5.
//!
//! Creates topics.
//!
//! - 2: throttle time (KIP-124)
//! - 3: throttled clients hold back by themselves (KIP-219)
//! - 4: -1 partitions or replicas: the broker's default (KIP-464)
//! - 5: flexible (KIP-482); configs and counts in the answer (KIP-525)
//! - 6: THROTTLING_QUOTA_EXCEEDED may be answered (KIP-599)
//! - 7: topic id in the answer (KIP-516)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use model::TopicId;

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of CreateTopics.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTopicsRequest {
    /// Topics to create.
    pub topics: Vec<CreatableTopic>,
    /// Longest wait until they exist everywhere, in ms.
    pub timeout_ms: i32,
    /// Whether to check only.
    pub validate_only: bool,
}

impl Default for CreateTopicsRequest {
    fn default() -> Self {
        Self {
            topics: Vec::new(),
            timeout_ms: 60000,
            validate_only: false,
        }
    }
}

impl Field for CreateTopicsRequest {
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

message!(CreateTopicsRequest, 2..=7, 5, CreateTopics => CreateTopicsResponse);

/// A topic to create.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatableTopic {
    /// Topic name.
    pub name: Text,
    /// Partitions; -1 for the broker's default, and with assignments.
    pub num_partitions: i32,
    /// Copies of each; -1 for the broker's default, and with assignments.
    pub replication_factor: i16,
    /// Which nodes hold which partition; empty leaves it to the broker.
    pub assignments: Vec<CreatableReplicaAssignment>,
    /// Settings that differ from the broker's.
    pub configs: Vec<CreatableTopicConfig>,
}

impl Field for CreatableTopic {
    const SIZE_MIN: usize = 10;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            name: from.read()?,
            num_partitions: from.read()?,
            replication_factor: from.read()?,
            assignments: from.read()?,
            configs: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.name);
        to.write(&self.num_partitions);
        to.write(&self.replication_factor);
        to.write(&self.assignments);
        to.write(&self.configs);
        Tags::default().write(to);
    }
}

/// Which nodes hold a partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatableReplicaAssignment {
    /// Partition index.
    pub partition_index: i32,
    /// Node ids.
    pub broker_ids: Vec<i32>,
}

impl Field for CreatableReplicaAssignment {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            partition_index: from.read()?,
            broker_ids: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.partition_index);
        to.write(&self.broker_ids);
        Tags::default().write(to);
    }
}

/// A setting.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatableTopicConfig {
    /// Its name.
    pub name: Text,
    /// Its value.
    pub value: Option<Text>,
}

impl Default for CreatableTopicConfig {
    fn default() -> Self {
        Self {
            name: Text::EMPTY,
            value: Some(Text::EMPTY),
        }
    }
}

impl Field for CreatableTopicConfig {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            name: from.read()?,
            value: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.name);
        to.write(&self.value);
        Tags::default().write(to);
    }
}

/// The answer to [`CreateTopicsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateTopicsResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Outcome by topic.
    pub topics: Vec<CreatableTopicResult>,
}

impl Field for CreateTopicsResponse {
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

message!(CreateTopicsResponse, 2..=7, 5, CreateTopics with throttle_time_ms);

/// The outcome for one topic.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatableTopicResult {
    /// Topic name.
    pub name: Text,
    /// Topic id. Version 7.
    pub topic_id: TopicId,
    /// Error code.
    pub error_code: i16,
    /// What is wrong; null when nothing is.
    pub error_message: Option<Text>,
    /// Why the configs are left out, if they are. Versions 5+.
    pub topic_config_error_code: i16,
    /// Partitions; -1 on error. Versions 5+.
    pub num_partitions: i32,
    /// Copies of each; -1 on error. Versions 5+.
    pub replication_factor: i16,
    /// Its settings; null when the client may not see them. Versions 5+.
    pub configs: Option<Vec<CreatableTopicConfigs>>,
}

impl Default for CreatableTopicResult {
    fn default() -> Self {
        Self {
            name: Text::EMPTY,
            topic_id: TopicId::ZERO,
            error_code: 0,
            error_message: None,
            topic_config_error_code: 0,
            num_partitions: -1,
            replication_factor: -1,
            configs: Some(Vec::new()),
        }
    }
}

impl Field for CreatableTopicResult {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let mut this = Self {
            name: from.read()?,
            topic_id: from.read_if(v >= 7, TopicId::ZERO)?,
            error_code: from.read()?,
            error_message: from.read()?,
            topic_config_error_code: 0,
            num_partitions: from.read_if(v >= 5, -1)?,
            replication_factor: from.read_if(v >= 5, -1)?,
            configs: from.read_if(v >= 5, Some(Vec::new()))?,
        };
        from.read_tags(|from, tag| {
            match tag {
                0 => this.topic_config_error_code = from.read()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.name);
        to.write_if(v >= 7, &self.topic_id);
        to.write_error(&self.error_code);
        to.write(&self.error_message);
        to.write_if(v >= 5, &self.num_partitions);
        to.write_if(v >= 5, &self.replication_factor);
        to.write_if(v >= 5, &self.configs);
        let mut tags = Tags::default();
        tags.add(
            to,
            0,
            self.topic_config_error_code != 0,
            &self.topic_config_error_code,
        );
        tags.write(to);
    }
}

/// A setting of a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatableTopicConfigs {
    /// Its name. Versions 5+.
    pub name: Text,
    /// Its value; null when it is sensitive. Versions 5+.
    pub value: Option<Text>,
    /// Whether it cannot be changed. Versions 5+.
    pub read_only: bool,
    /// Where the value comes from, as in DescribeConfigs. Versions 5+.
    pub config_source: i8,
    /// Whether the value is kept back. Versions 5+.
    pub is_sensitive: bool,
}

impl Default for CreatableTopicConfigs {
    fn default() -> Self {
        Self {
            name: Text::EMPTY,
            value: Some(Text::EMPTY),
            read_only: false,
            config_source: -1,
            is_sensitive: false,
        }
    }
}

impl Field for CreatableTopicConfigs {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            name: from.read_if(v >= 5, Text::EMPTY)?,
            value: from.read_if(v >= 5, Some(Text::EMPTY))?,
            read_only: from.read_if(v >= 5, false)?,
            config_source: from.read_if(v >= 5, -1)?,
            is_sensitive: from.read_if(v >= 5, false)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 5, &self.name);
        to.write_if(v >= 5, &self.value);
        to.write_if(v >= 5, &self.read_only);
        to.write_if(v >= 5, &self.config_source);
        to.write_if(v >= 5, &self.is_sensitive);
        Tags::default().write(to);
    }
}
