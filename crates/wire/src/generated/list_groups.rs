//! ListGroups, API 16, versions 0 to 5, flexible from 3.
//!
//! Lists the groups of a broker.
//!
//! - 1: throttle time (KIP-124)
//! - 2: throttled clients hold back by themselves (KIP-219)
//! - 3: flexible (KIP-482)
//! - 4: states, and a filter by them (KIP-518)
//! - 5: types, and a filter by them (KIP-848)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of ListGroups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListGroupsRequest {
    /// States to list; empty for all. Versions 4+.
    pub states_filter: Vec<Text>,
    /// Types to list; empty for all. Version 5.
    pub types_filter: Vec<Text>,
}

impl Field for ListGroupsRequest {
    const SIZE_MIN: usize = 2;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            states_filter: from.read_if(v >= 4, Vec::new())?,
            types_filter: from.read_if(v >= 5, Vec::new())?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 4, &self.states_filter);
        to.write_if(v >= 5, &self.types_filter);
        Tags::default().write(to);
    }
}

message!(ListGroupsRequest, 0..=5, 3, ListGroups => ListGroupsResponse);

/// The answer to [`ListGroupsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListGroupsResponse {
    /// How long the client was or is held back by a quota, in ms. Versions 1+.
    pub throttle_time_ms: i32,
    /// Error code.
    pub error_code: i16,
    /// The groups.
    pub groups: Vec<ListedGroup>,
}

impl Field for ListGroupsResponse {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            throttle_time_ms: from.read_if(v >= 1, 0)?,
            error_code: from.read()?,
            groups: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 1, &self.throttle_time_ms);
        to.write_error(&self.error_code);
        to.write(&self.groups);
        Tags::default().write(to);
    }
}

message!(ListGroupsResponse, 0..=5, 3, ListGroups with throttle_time_ms);

/// A group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListedGroup {
    /// Group id.
    pub group_id: Text,
    /// What kind of group it is, "consumer" for consumers.
    pub protocol_type: Text,
    /// State, by Kafka's name. Versions 4+.
    pub group_state: Text,
    /// Type, by Kafka's name. Version 5.
    pub group_type: Text,
}

impl Field for ListedGroup {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            group_id: from.read()?,
            protocol_type: from.read()?,
            group_state: from.read_if(v >= 4, Text::EMPTY)?,
            group_type: from.read_if(v >= 5, Text::EMPTY)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.group_id);
        to.write(&self.protocol_type);
        to.write_if(v >= 4, &self.group_state);
        to.write_if(v >= 5, &self.group_type);
        Tags::default().write(to);
    }
}
