//! ConsumerGroupDescribe, API 69, versions 0 to 1, flexible from 0.
//!
//! Describes consumer groups (KIP-848).
//!
//! - 1: the protocol that each member uses (KIP-1099)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use model::TopicId;

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of ConsumerGroupDescribe.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupDescribeRequest {
    /// Groups to describe.
    pub group_ids: Vec<Text>,
    /// Whether to answer what the client may do with each group.
    pub include_authorized_operations: bool,
}

impl Field for ConsumerGroupDescribeRequest {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            group_ids: from.read()?,
            include_authorized_operations: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.group_ids);
        to.write(&self.include_authorized_operations);
        Tags::default().write(to);
    }
}

message!(ConsumerGroupDescribeRequest, 0..=1, 0, ConsumerGroupDescribe => ConsumerGroupDescribeResponse);

/// The answer to [`ConsumerGroupDescribeRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupDescribeResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// The groups.
    pub groups: Vec<DescribedGroup>,
}

impl Field for ConsumerGroupDescribeResponse {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            throttle_time_ms: from.read()?,
            groups: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.throttle_time_ms);
        to.write(&self.groups);
        Tags::default().write(to);
    }
}

message!(ConsumerGroupDescribeResponse, 0..=1, 0, ConsumerGroupDescribe with throttle_time_ms);

/// A group.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedGroup {
    /// Error code.
    pub error_code: i16,
    /// What is wrong; null when nothing is.
    pub error_message: Option<Text>,
    /// Group id.
    pub group_id: Text,
    /// State of the group; empty on an error.
    pub group_state: Text,
    /// Counts changes of members, subscriptions and topics.
    pub group_epoch: i32,
    /// Group epoch that the target assignment was made for.
    pub assignment_epoch: i32,
    /// Assignor in use.
    pub assignor_name: Text,
    /// The members.
    pub members: Vec<Member>,
    /// Bits of the operations allowed on the group; the smallest number when not asked for.
    pub authorized_operations: i32,
}

impl Default for DescribedGroup {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: None,
            group_id: Text::EMPTY,
            group_state: Text::EMPTY,
            group_epoch: 0,
            assignment_epoch: 0,
            assignor_name: Text::EMPTY,
            members: Vec::new(),
            authorized_operations: i32::MIN,
        }
    }
}

impl Field for DescribedGroup {
    const SIZE_MIN: usize = 20;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            error_code: from.read()?,
            error_message: from.read()?,
            group_id: from.read()?,
            group_state: from.read()?,
            group_epoch: from.read()?,
            assignment_epoch: from.read()?,
            assignor_name: from.read()?,
            members: from.read()?,
            authorized_operations: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write_error(&self.error_code);
        to.write(&self.error_message);
        to.write(&self.group_id);
        to.write(&self.group_state);
        to.write(&self.group_epoch);
        to.write(&self.assignment_epoch);
        to.write(&self.assignor_name);
        to.write(&self.members);
        to.write(&self.authorized_operations);
        Tags::default().write(to);
    }
}

/// A member.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Member id.
    pub member_id: Text,
    /// Instance id, of a static member.
    pub instance_id: Option<Text>,
    /// Rack of the client.
    pub rack_id: Option<Text>,
    /// Epoch of the member.
    pub member_epoch: i32,
    /// What the client calls itself.
    pub client_id: Text,
    /// Where it connected from.
    pub client_host: Text,
    /// Topics subscribed by name.
    pub subscribed_topic_names: Vec<Text>,
    /// Pattern of the topics subscribed.
    pub subscribed_topic_regex: Option<Text>,
    /// What it has been given.
    pub assignment: Assignment,
    /// What it is to have in the end.
    pub target_assignment: Assignment,
    /// 0 for the classic protocol, 1 for the consumer protocol, -1 when unknown. Version 1.
    pub member_type: i8,
}

impl Default for Member {
    fn default() -> Self {
        Self {
            member_id: Text::EMPTY,
            instance_id: None,
            rack_id: None,
            member_epoch: 0,
            client_id: Text::EMPTY,
            client_host: Text::EMPTY,
            subscribed_topic_names: Vec::new(),
            subscribed_topic_regex: None,
            assignment: Assignment::default(),
            target_assignment: Assignment::default(),
            member_type: -1,
        }
    }
}

impl Field for Member {
    const SIZE_MIN: usize = 16;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            member_id: from.read()?,
            instance_id: from.read()?,
            rack_id: from.read()?,
            member_epoch: from.read()?,
            client_id: from.read()?,
            client_host: from.read()?,
            subscribed_topic_names: from.read()?,
            subscribed_topic_regex: from.read()?,
            assignment: from.read()?,
            target_assignment: from.read()?,
            member_type: from.read_if(v >= 1, -1)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.member_id);
        to.write(&self.instance_id);
        to.write(&self.rack_id);
        to.write(&self.member_epoch);
        to.write(&self.client_id);
        to.write(&self.client_host);
        to.write(&self.subscribed_topic_names);
        to.write(&self.subscribed_topic_regex);
        to.write(&self.assignment);
        to.write(&self.target_assignment);
        to.write_if(v >= 1, &self.member_type);
        Tags::default().write(to);
    }
}

/// Partitions by topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assignment {
    /// The topics.
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
    /// Topic name.
    pub topic_name: Text,
    /// Partition indexes.
    pub partitions: Vec<i32>,
}

impl Field for TopicPartitions {
    const SIZE_MIN: usize = 19;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            topic_id: from.read()?,
            topic_name: from.read()?,
            partitions: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.topic_id);
        to.write(&self.topic_name);
        to.write(&self.partitions);
        Tags::default().write(to);
    }
}
