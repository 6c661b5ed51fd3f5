//! DeleteGroups, API 42, versions 0 to 2, flexible from 2.
//!
//! Deletes groups that have no members.
//!
//! - 1: throttled clients hold back by themselves (KIP-219)
//! - 2: flexible (KIP-482)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of DeleteGroups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteGroupsRequest {
    /// Group ids.
    pub groups_names: Vec<Text>,
}

impl Field for DeleteGroupsRequest {
    const SIZE_MIN: usize = 2;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            groups_names: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.groups_names);
        Tags::default().write(to);
    }
}

message!(DeleteGroupsRequest, 0..=2, 2, DeleteGroups => DeleteGroupsResponse);

/// The answer to [`DeleteGroupsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteGroupsResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Outcome by group.
    pub results: Vec<DeletableGroupResult>,
}

impl Field for DeleteGroupsResponse {
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

message!(DeleteGroupsResponse, 0..=2, 2, DeleteGroups with throttle_time_ms);

/// The outcome for one group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeletableGroupResult {
    /// Group id.
    pub group_id: Text,
    /// Error code.
    pub error_code: i16,
}

impl Field for DeletableGroupResult {
    const SIZE_MIN: usize = 4;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            group_id: from.read()?,
            error_code: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.group_id);
        to.write_error(&self.error_code);
        Tags::default().write(to);
    }
}
