//! Heartbeat, API 12, versions 0 to 4, flexible from 4.
//!
//! Keeps a member's session in a classic group, and learns whether the group rebalances.
//!
//! - 1: throttle time (KIP-124)
//! - 2: throttled clients hold back by themselves (KIP-219)
//! - 3: static members (KIP-345)
//! - 4: flexible (KIP-482)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of Heartbeat.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeartbeatRequest {
    /// Group id.
    pub group_id: Text,
    /// Generation that the member is in.
    pub generation_id: i32,
    /// Member id.
    pub member_id: Text,
    /// Instance id of a static member. Versions 3+.
    pub group_instance_id: Option<Text>,
}

impl Field for HeartbeatRequest {
    const SIZE_MIN: usize = 8;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            group_id: from.read()?,
            generation_id: from.read()?,
            member_id: from.read()?,
            group_instance_id: from.read_if(v >= 3, None)?,
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
        Tags::default().write(to);
    }
}

message!(HeartbeatRequest, 0..=4, 4, Heartbeat => HeartbeatResponse);

/// The answer to [`HeartbeatRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeartbeatResponse {
    /// How long the client was or is held back by a quota, in ms. Versions 1+.
    pub throttle_time_ms: i32,
    /// Error code.
    pub error_code: i16,
}

impl Field for HeartbeatResponse {
    const SIZE_MIN: usize = 2;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            throttle_time_ms: from.read_if(v >= 1, 0)?,
            error_code: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 1, &self.throttle_time_ms);
        to.write_error(&self.error_code);
        Tags::default().write(to);
    }
}

message!(HeartbeatResponse, 0..=4, 4, Heartbeat with throttle_time_ms);
