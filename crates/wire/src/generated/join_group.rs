//! JoinGroup, API 11, versions 0 to 9, flexible from 6.
//!
//! Enters a classic group, or enters it again when it rebalances.
//!
//! - 1: rebalance timeout apart from the session timeout (KIP-62)
//! - 2: throttle time (KIP-124)
//! - 3: throttled clients hold back by themselves (KIP-219)
//! - 4: MEMBER_ID_REQUIRED: a member asks again with the id it is given (KIP-394)
//! - 5: static members (KIP-345)
//! - 6: flexible (KIP-482)
//! - 7: protocol type in the answer (KIP-559)
//! - 8: reason (KIP-800)
//! - 9: a returning static leader may be told to skip the assignment (KIP-814)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use bytes::Bytes;

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of JoinGroup.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinGroupRequest {
    /// Group id.
    pub group_id: Text,
    /// Silence after which the member counts as gone, in ms.
    pub session_timeout_ms: i32,
    /// Time to come back when the group rebalances, in ms; -1 for the session timeout. Versions 1+.
    pub rebalance_timeout_ms: i32,
    /// Member id; empty the first time.
    pub member_id: Text,
    /// Instance id of a static member. Versions 5+.
    pub group_instance_id: Option<Text>,
    /// What kind of group it is, "consumer" for consumers.
    pub protocol_type: Text,
    /// Protocols that the member speaks, the dearest first.
    pub protocols: Vec<JoinGroupRequestProtocol>,
    /// Why it joins, for the log. Versions 8+.
    pub reason: Option<Text>,
}

impl Default for JoinGroupRequest {
    fn default() -> Self {
        Self {
            group_id: Text::EMPTY,
            session_timeout_ms: 0,
            rebalance_timeout_ms: -1,
            member_id: Text::EMPTY,
            group_instance_id: None,
            protocol_type: Text::EMPTY,
            protocols: Vec::new(),
            reason: None,
        }
    }
}

impl Field for JoinGroupRequest {
    const SIZE_MIN: usize = 14;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            group_id: from.read()?,
            session_timeout_ms: from.read()?,
            rebalance_timeout_ms: from.read_if(v >= 1, -1)?,
            member_id: from.read()?,
            group_instance_id: from.read_if(v >= 5, None)?,
            protocol_type: from.read()?,
            protocols: from.read()?,
            reason: from.read_if(v >= 8, None)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.group_id);
        to.write(&self.session_timeout_ms);
        to.write_if(v >= 1, &self.rebalance_timeout_ms);
        to.write(&self.member_id);
        to.write_if(v >= 5, &self.group_instance_id);
        to.write(&self.protocol_type);
        to.write(&self.protocols);
        to.write_if(v >= 8, &self.reason);
        Tags::default().write(to);
    }
}

message!(JoinGroupRequest, 0..=9, 6, JoinGroup => JoinGroupResponse);

/// A protocol (for consumers: an assignor) that a member speaks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JoinGroupRequestProtocol {
    /// Name of the protocol.
    pub name: Text,
    /// What the member tells the leader under it, for consumers its subscription.
    pub metadata: Bytes,
}

impl Field for JoinGroupRequestProtocol {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            name: from.read()?,
            metadata: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.name);
        to.write(&self.metadata);
        Tags::default().write(to);
    }
}

/// The answer to [`JoinGroupRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct JoinGroupResponse {
    /// How long the client was or is held back by a quota, in ms. Versions 2+.
    pub throttle_time_ms: i32,
    /// Error code.
    pub error_code: i16,
    /// Generation of the group; -1 on error.
    pub generation_id: i32,
    /// What kind of group it is. Versions 7+.
    pub protocol_type: Option<Text>,
    /// Protocol that all members speak.
    pub protocol_name: Option<Text>,
    /// Member id of the leader.
    pub leader: Text,
    /// Whether the leader has nothing to assign. Version 9.
    pub skip_assignment: bool,
    /// Member id of the client.
    pub member_id: Text,
    /// All members; empty but for the leader.
    pub members: Vec<JoinGroupResponseMember>,
}

impl Default for JoinGroupResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            generation_id: -1,
            protocol_type: None,
            protocol_name: Some(Text::EMPTY),
            leader: Text::EMPTY,
            skip_assignment: false,
            member_id: Text::EMPTY,
            members: Vec::new(),
        }
    }
}

impl Field for JoinGroupResponse {
    const SIZE_MIN: usize = 15;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            throttle_time_ms: from.read_if(v >= 2, 0)?,
            error_code: from.read()?,
            generation_id: from.read()?,
            protocol_type: from.read_if(v >= 7, None)?,
            protocol_name: from.read_nullable(v >= 7)?,
            leader: from.read()?,
            skip_assignment: from.read_if(v >= 9, false)?,
            member_id: from.read()?,
            members: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 2, &self.throttle_time_ms);
        to.write_error(&self.error_code);
        to.write(&self.generation_id);
        to.write_if(v >= 7, &self.protocol_type);
        to.write_nullable(v >= 7, &self.protocol_name);
        to.write(&self.leader);
        to.write_if(v >= 9, &self.skip_assignment);
        to.write(&self.member_id);
        to.write(&self.members);
        Tags::default().write(to);
    }
}

message!(JoinGroupResponse, 0..=9, 6, JoinGroup with throttle_time_ms);

/// A member, as the leader sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JoinGroupResponseMember {
    /// Member id.
    pub member_id: Text,
    /// Instance id of a static member. Versions 5+.
    pub group_instance_id: Option<Text>,
    /// What it tells the leader under the chosen protocol.
    pub metadata: Bytes,
}

impl Field for JoinGroupResponseMember {
    const SIZE_MIN: usize = 4;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            member_id: from.read()?,
            group_instance_id: from.read_if(v >= 5, None)?,
            metadata: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.member_id);
        to.write_if(v >= 5, &self.group_instance_id);
        to.write(&self.metadata);
        Tags::default().write(to);
    }
}
