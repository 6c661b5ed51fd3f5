//! DeleteTopics, API 20, versions 1 to 6, flexible from 4.
//!
//! Deletes topics.
//!
//! - 1: throttle time (KIP-124)
//! - 2: throttled clients hold back by themselves (KIP-219)
//! - 3: TOPIC_DELETION_DISABLED may be answered (KIP-322)
//! - 4: flexible (KIP-482)
//! - 5: error message; THROTTLING_QUOTA_EXCEEDED may be answered (KIP-599)
//! - 6: topics may be named by id (KIP-516)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use model::TopicId;

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of DeleteTopics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteTopicsRequest {
    /// Topics to delete. Version 6.
    pub topics: Vec<DeleteTopicState>,
    /// Topics to delete. Versions 1 to 5.
    pub topic_names: Vec<Text>,
    /// Longest wait until they are gone everywhere, in ms.
    pub timeout_ms: i32,
}

impl Field for DeleteTopicsRequest {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            topics: from.read_if(v >= 6, Vec::new())?,
            topic_names: from.read_if(v <= 5, Vec::new())?,
            timeout_ms: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 6, &self.topics);
        to.write_if(v <= 5, &self.topic_names);
        to.write(&self.timeout_ms);
        Tags::default().write(to);
    }
}

message!(DeleteTopicsRequest, 1..=6, 4, DeleteTopics => DeleteTopicsResponse);

/// A topic to delete, by name or by id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteTopicState {
    /// Topic name; null when it is named by id. Version 6.
    pub name: Option<Text>,
    /// Topic id; zero when it is named by name. Version 6.
    pub topic_id: TopicId,
}

impl Field for DeleteTopicState {
    const SIZE_MIN: usize = 18;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            name: from.read_if(v >= 6, None)?,
            topic_id: from.read_if(v >= 6, TopicId::ZERO)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 6, &self.name);
        to.write_if(v >= 6, &self.topic_id);
        Tags::default().write(to);
    }
}

/// The answer to [`DeleteTopicsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteTopicsResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Outcome by topic.
    pub responses: Vec<DeletableTopicResult>,
}

impl Field for DeleteTopicsResponse {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            throttle_time_ms: from.read()?,
            responses: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.throttle_time_ms);
        to.write(&self.responses);
        Tags::default().write(to);
    }
}

message!(DeleteTopicsResponse, 1..=6, 4, DeleteTopics with throttle_time_ms);

/// The outcome for one topic.
#[derive(Clone, Debug, PartialEq)]
pub struct DeletableTopicResult {
    /// Topic name; null when an unknown id was named.
    pub name: Option<Text>,
    /// Topic id. Version 6.
    pub topic_id: TopicId,
    /// Error code.
    pub error_code: i16,
    /// What is wrong; null when nothing is. Versions 5+.
    pub error_message: Option<Text>,
}

impl Default for DeletableTopicResult {
    fn default() -> Self {
        Self {
            name: Some(Text::EMPTY),
            topic_id: TopicId::ZERO,
            error_code: 0,
            error_message: None,
        }
    }
}

impl Field for DeletableTopicResult {
    const SIZE_MIN: usize = 4;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            name: from.read_nullable(v >= 6)?,
            topic_id: from.read_if(v >= 6, TopicId::ZERO)?,
            error_code: from.read()?,
            error_message: from.read_if(v >= 5, None)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_nullable(v >= 6, &self.name);
        to.write_if(v >= 6, &self.topic_id);
        to.write_error(&self.error_code);
        to.write_if(v >= 5, &self.error_message);
        Tags::default().write(to);
    }
}
