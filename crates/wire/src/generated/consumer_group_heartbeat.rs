//! ConsumerGroupHeartbeat, API 68, versions 0 to 1, flexible from 0.
//!
//! Joins a consumer group, stays in it and leaves it; learns what to read (KIP-848).
//!
//! - 1: subscription by pattern; the client makes its member id (KIP-1082)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use model::TopicId;

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of ConsumerGroupHeartbeat.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerGroupHeartbeatRequest {
    /// Group id.
    pub group_id: Text,
    /// Member id; may be empty in the first request of version 0.
    pub member_id: Text,
    /// Epoch of the member; 0 joins, -1 leaves, -2 leaves as a static member that will be back.
    pub member_epoch: i32,
    /// Instance id, of a static member.
    pub instance_id: Option<Text>,
    /// Rack of the client.
    pub rack_id: Option<Text>,
    /// How long the member may take to give partitions up, in ms; -1 when unchanged.
    pub rebalance_timeout_ms: i32,
    /// Topics subscribed by name; null when unchanged.
    pub subscribed_topic_names: Option<Vec<Text>>,
    /// Pattern of the topics subscribed; null when unchanged. Version 1.
    pub subscribed_topic_regex: Option<Text>,
    /// Assignor that the member wants; null when unchanged or left to the broker.
    pub server_assignor: Option<Text>,
    /// Partitions owned; null when unchanged.
    pub topic_partitions: Option<Vec<TopicPartitions>>,
}

impl Default for ConsumerGroupHeartbeatRequest {
    fn default() -> Self {
        Self {
            group_id: Text::EMPTY,
            member_id: Text::EMPTY,
            member_epoch: 0,
            instance_id: None,
            rack_id: None,
            rebalance_timeout_ms: -1,
            subscribed_topic_names: None,
            subscribed_topic_regex: None,
            server_assignor: None,
            topic_partitions: None,
        }
    }
}

impl Field for ConsumerGroupHeartbeatRequest {
    const SIZE_MIN: usize = 16;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            group_id: from.read()?,
            member_id: from.read()?,
            member_epoch: from.read()?,
            instance_id: from.read()?,
            rack_id: from.read()?,
            rebalance_timeout_ms: from.read()?,
            subscribed_topic_names: from.read()?,
            subscribed_topic_regex: from.read_if(v >= 1, None)?,
            server_assignor: from.read()?,
            topic_partitions: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.group_id);
        to.write(&self.member_id);
        to.write(&self.member_epoch);
        to.write(&self.instance_id);
        to.write(&self.rack_id);
        to.write(&self.rebalance_timeout_ms);
        to.write(&self.subscribed_topic_names);
        to.write_if(v >= 1, &self.subscribed_topic_regex);
        to.write(&self.server_assignor);
        to.write(&self.topic_partitions);
        Tags::default().write(to);
    }
}

message!(ConsumerGroupHeartbeatRequest, 0..=1, 0, ConsumerGroupHeartbeat => ConsumerGroupHeartbeatResponse);

/// The answer to [`ConsumerGroupHeartbeatRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupHeartbeatResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Error code.
    pub error_code: i16,
    /// What is wrong; null when nothing is.
    pub error_message: Option<Text>,
    /// Member id.
    pub member_id: Option<Text>,
    /// Epoch of the member.
    pub member_epoch: i32,
    /// When to send the next heartbeat, in ms.
    pub heartbeat_interval_ms: i32,
    /// What to read; null when unchanged.
    pub assignment: Option<Assignment>,
}

impl Field for ConsumerGroupHeartbeatResponse {
    const SIZE_MIN: usize = 18;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            throttle_time_ms: from.read()?,
            error_code: from.read()?,
            error_message: from.read()?,
            member_id: from.read()?,
            member_epoch: from.read()?,
            heartbeat_interval_ms: from.read()?,
            assignment: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.throttle_time_ms);
        to.write_error(&self.error_code);
        to.write(&self.error_message);
        to.write(&self.member_id);
        to.write(&self.member_epoch);
        to.write(&self.heartbeat_interval_ms);
        to.write(&self.assignment);
        Tags::default().write(to);
    }
}

message!(ConsumerGroupHeartbeatResponse, 0..=1, 0, ConsumerGroupHeartbeat with throttle_time_ms);

/// What a member is to read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assignment {
    /// Partitions assigned.
    pub topic_partitions: Vec<TopicPartitions>,
}

impl Field for Assignment {
    const SIZE_MIN: usize = 2;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            topic_partitions: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.topic_partitions);
        Tags::default().write(to);
    }
}

/// Partitions of one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartitions {
    /// Topic id.
    pub topic_id: TopicId,
    /// Partition indexes.
    pub partitions: Vec<i32>,
}

impl Field for TopicPartitions {
    const SIZE_MIN: usize = 18;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            topic_id: from.read()?,
            partitions: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.topic_id);
        to.write(&self.partitions);
        Tags::default().write(to);
    }
}

crate::field::nullable_struct!(Assignment);
