//! SyncGroup, API 14, versions 0 to 5, flexible from 4.
//!
//! Hands in the assignment (the leader) and receives the member's own part (everyone).
//!
//! - 1: throttle time (KIP-124)
//! - 2: throttled clients hold back by themselves (KIP-219)
//! - 3: static members (KIP-345)
//! - 4: flexible (KIP-482)
//! - 5: protocol type and name are checked (KIP-559)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use bytes::Bytes;

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of SyncGroup.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncGroupRequest {
    /// Group id.
    pub group_id: Text,
    /// Generation that the member is in.
    pub generation_id: i32,
    /// Member id.
    pub member_id: Text,
    /// Instance id of a static member. Versions 3+.
    pub group_instance_id: Option<Text>,
    /// What kind of group the member takes it for; null leaves it unchecked. Version 5.
    pub protocol_type: Option<Text>,
    /// Protocol that the member takes for chosen; null leaves it unchecked. Version 5.
    pub protocol_name: Option<Text>,
    /// Assignments; empty but for the leader.
    pub assignments: Vec<SyncGroupRequestAssignment>,
}

impl Field for SyncGroupRequest {
    const SIZE_MIN: usize = 9;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            group_id: from.read()?,
            generation_id: from.read()?,
            member_id: from.read()?,
            group_instance_id: from.read_if(v >= 3, None)?,
            protocol_type: from.read_if(v >= 5, None)?,
            protocol_name: from.read_if(v >= 5, None)?,
            assignments: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.group_id);
        to.write(&self.generation_id);
        to.write(&self.member_id);
        to.write_if(v >= 3, &self.group_instance_id);
        to.write_if(v >= 5, &self.protocol_type);
        to.write_if(v >= 5, &self.protocol_name);
        to.write(&self.assignments);
        Tags::default().write(to);
    }
}

message!(SyncGroupRequest, 0..=5, 4, SyncGroup => SyncGroupResponse);

/// What one member is given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncGroupRequestAssignment {
    /// Member id.
    pub member_id: Text,
    /// Its assignment.
    pub assignment: Bytes,
}

impl Field for SyncGroupRequestAssignment {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            member_id: from.read()?,
            assignment: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.member_id);
        to.write(&self.assignment);
        Tags::default().write(to);
    }
}

/// The answer to [`SyncGroupRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncGroupResponse {
    /// How long the client was or is held back by a quota, in ms. Versions 1+.
    pub throttle_time_ms: i32,
    /// Error code.
    pub error_code: i16,
    /// What kind of group it is. Version 5.
    pub protocol_type: Option<Text>,
    /// Protocol that was chosen. Version 5.
    pub protocol_name: Option<Text>,
    /// What the member is given; empty for nothing.
    pub assignment: Bytes,
}

impl Field for SyncGroupResponse {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            throttle_time_ms: from.read_if(v >= 1, 0)?,
            error_code: from.read()?,
            protocol_type: from.read_if(v >= 5, None)?,
            protocol_name: from.read_if(v >= 5, None)?,
            assignment: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 1, &self.throttle_time_ms);
        to.write_error(&self.error_code);
        to.write_if(v >= 5, &self.protocol_type);
        to.write_if(v >= 5, &self.protocol_name);
        to.write(&self.assignment);
        Tags::default().write(to);
    }
}

message!(SyncGroupResponse, 0..=5, 4, SyncGroup with throttle_time_ms);
