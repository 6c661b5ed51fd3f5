//! LeaveGroup, API 13, versions 0 to 5, flexible from 4.
//!
//! Leaves a classic group, or removes members from it.
//!
//! - 1: throttle time (KIP-124)
//! - 2: throttled clients hold back by themselves (KIP-219)
//! - 3: many members, static ones too (KIP-345)
//! - 4: flexible (KIP-482)
//! - 5: reason (KIP-800)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of LeaveGroup.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaveGroupRequest {
    /// Group id.
    pub group_id: Text,
    /// Member that leaves. Versions 0 to 2.
    pub member_id: Text,
    /// Members that leave. Versions 3+.
    pub members: Vec<MemberIdentity>,
}

impl Field for LeaveGroupRequest {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            group_id: from.read()?,
            member_id: from.read_if(v <= 2, Text::EMPTY)?,
            members: from.read_if(v >= 3, Vec::new())?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.group_id);
        to.write_if(v <= 2, &self.member_id);
        to.write_if(v >= 3, &self.members);
        Tags::default().write(to);
    }
}

message!(LeaveGroupRequest, 0..=5, 4, LeaveGroup => LeaveGroupResponse);

/// A member that leaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemberIdentity {
    /// Member id; empty to name a static member by its instance id alone. Versions 3+.
    pub member_id: Text,
    /// Instance id of a static member. Versions 3+.
    pub group_instance_id: Option<Text>,
    /// Why it leaves, for the log. Version 5.
    pub reason: Option<Text>,
}

impl Field for MemberIdentity {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            member_id: from.read_if(v >= 3, Text::EMPTY)?,
            group_instance_id: from.read_if(v >= 3, None)?,
            reason: from.read_if(v >= 5, None)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 3, &self.member_id);
        to.write_if(v >= 3, &self.group_instance_id);
        to.write_if(v >= 5, &self.reason);
        Tags::default().write(to);
    }
}

/// The answer to [`LeaveGroupRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaveGroupResponse {
    /// How long the client was or is held back by a quota, in ms. Versions 1+.
    pub throttle_time_ms: i32,
    /// Error of the request as a whole.
    pub error_code: i16,
    /// Outcome by member. Versions 3+.
    pub members: Vec<MemberResponse>,
}

impl Field for LeaveGroupResponse {
    const SIZE_MIN: usize = 2;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            throttle_time_ms: from.read_if(v >= 1, 0)?,
            error_code: from.read()?,
            members: from.read_if(v >= 3, Vec::new())?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 1, &self.throttle_time_ms);
        to.write_error(&self.error_code);
        to.write_if(v >= 3, &self.members);
        Tags::default().write(to);
    }
}

message!(LeaveGroupResponse, 0..=5, 4, LeaveGroup with throttle_time_ms);

/// The outcome for one member.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberResponse {
    /// Member id. Versions 3+.
    pub member_id: Text,
    /// Instance id of a static member. Versions 3+.
    pub group_instance_id: Option<Text>,
    /// Error code. Versions 3+.
    pub error_code: i16,
}

impl Default for MemberResponse {
    fn default() -> Self {
        Self {
            member_id: Text::EMPTY,
            group_instance_id: Some(Text::EMPTY),
            error_code: 0,
        }
    }
}

impl Field for MemberResponse {
    const SIZE_MIN: usize = 5;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            member_id: from.read_if(v >= 3, Text::EMPTY)?,
            group_instance_id: from.read_if(v >= 3, Some(Text::EMPTY))?,
            error_code: from.read_if(v >= 3, 0)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 3, &self.member_id);
        to.write_if(v >= 3, &self.group_instance_id);
        to.write_error_if(v >= 3, &self.error_code);
        Tags::default().write(to);
    }
}
