//! DescribeGroups, API 15, versions 0 to 6, flexible from 5.
//!
//! Describes classic groups and their members.
//!
//! - 1: throttle time (KIP-124)
//! - 2: throttled clients hold back by themselves (KIP-219)
//! - 3: authorized operations (KIP-430)
//! - 4: static members (KIP-345)
//! - 5: flexible (KIP-482)
//! - 6: GROUP_ID_NOT_FOUND and error message (KIP-1043)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use bytes::Bytes;

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of DescribeGroups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeGroupsRequest {
    /// Group ids.
    pub groups: Vec<Text>,
    /// Whether to answer what the client may do with each group. Versions 3+.
    pub include_authorized_operations: bool,
}

impl Field for DescribeGroupsRequest {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            groups: from.read()?,
            include_authorized_operations: from.read_if(v >= 3, false)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.groups);
        to.write_if(v >= 3, &self.include_authorized_operations);
        Tags::default().write(to);
    }
}

message!(DescribeGroupsRequest, 0..=6, 5, DescribeGroups => DescribeGroupsResponse);

/// The answer to [`DescribeGroupsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeGroupsResponse {
    /// How long the client was or is held back by a quota, in ms. Versions 1+.
    pub throttle_time_ms: i32,
    /// The groups.
    pub groups: Vec<DescribedGroup>,
}

impl Field for DescribeGroupsResponse {
    const SIZE_MIN: usize = 4;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            throttle_time_ms: from.read_if(v >= 1, 0)?,
            groups: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 1, &self.throttle_time_ms);
        to.write(&self.groups);
        Tags::default().write(to);
    }
}

message!(DescribeGroupsResponse, 0..=6, 5, DescribeGroups with throttle_time_ms);

/// A group.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedGroup {
    /// Error code.
    pub error_code: i16,
    /// What is wrong; null when nothing is. Version 6.
    pub error_message: Option<Text>,
    /// Group id.
    pub group_id: Text,
    /// State, by Kafka's name.
    pub group_state: Text,
    /// What kind of group it is, "consumer" for consumers.
    pub protocol_type: Text,
    /// Protocol that was chosen; empty outside a generation.
    pub protocol_data: Text,
    /// Its members.
    pub members: Vec<DescribedGroupMember>,
    /// Bits of the operations allowed on it; the smallest number when not asked for. Versions 3+.
    pub authorized_operations: i32,
}

impl Default for DescribedGroup {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: None,
            group_id: Text::EMPTY,
            group_state: Text::EMPTY,
            protocol_type: Text::EMPTY,
            protocol_data: Text::EMPTY,
            members: Vec::new(),
            authorized_operations: i32::MIN,
        }
    }
}

impl Field for DescribedGroup {
    const SIZE_MIN: usize = 12;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            error_code: from.read()?,
            error_message: from.read_if(v >= 6, None)?,
            group_id: from.read()?,
            group_state: from.read()?,
            protocol_type: from.read()?,
            protocol_data: from.read()?,
            members: from.read()?,
            authorized_operations: from.read_if(v >= 3, i32::MIN)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_error(&self.error_code);
        to.write_if(v >= 6, &self.error_message);
        to.write(&self.group_id);
        to.write(&self.group_state);
        to.write(&self.protocol_type);
        to.write(&self.protocol_data);
        to.write(&self.members);
        to.write_if(v >= 3, &self.authorized_operations);
        Tags::default().write(to);
    }
}

/// A member of a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribedGroupMember {
    /// Member id.
    pub member_id: Text,
    /// Instance id of a static member. Versions 4+.
    pub group_instance_id: Option<Text>,
    /// Client id.
    pub client_id: Text,
    /// Where it connects from.
    pub client_host: Text,
    /// What it tells the leader under the chosen protocol.
    pub member_metadata: Bytes,
    /// What it was given.
    pub member_assignment: Bytes,
}

impl Field for DescribedGroupMember {
    const SIZE_MIN: usize = 7;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            member_id: from.read()?,
            group_instance_id: from.read_if(v >= 4, None)?,
            client_id: from.read()?,
            client_host: from.read()?,
            member_metadata: from.read()?,
            member_assignment: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.member_id);
        to.write_if(v >= 4, &self.group_instance_id);
        to.write(&self.client_id);
        to.write(&self.client_host);
        to.write(&self.member_metadata);
        to.write(&self.member_assignment);
        Tags::default().write(to);
    }
}
