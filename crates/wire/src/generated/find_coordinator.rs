//! FindCoordinator, API 10, versions 0 to 6, flexible from 3.
//!
//! Answers which broker coordinates a group or a transaction.
//!
//! - 1: kinds of keys: 0 group, 1 transaction (KIP-98); error message
//! - 2: throttled clients hold back by themselves (KIP-219)
//! - 3: flexible (KIP-482)
//! - 4: many keys in a request (KIP-699)
//! - 5: TRANSACTION_ABORTABLE may be answered (KIP-890)
//! - 6: kind 2: share groups (KIP-932)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of FindCoordinator.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FindCoordinatorRequest {
    /// Group id or transactional id. Versions 0 to 3.
    pub key: Text,
    /// What the keys are: 0 groups, 1 transactions, 2 share partitions. Versions 1+.
    pub key_type: i8,
    /// Group ids or transactional ids. Versions 4+.
    pub coordinator_keys: Vec<Text>,
}

impl Field for FindCoordinatorRequest {
    const SIZE_MIN: usize = 2;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            key: from.read_if(v <= 3, Text::EMPTY)?,
            key_type: from.read_if(v >= 1, 0)?,
            coordinator_keys: from.read_if(v >= 4, Vec::new())?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v <= 3, &self.key);
        to.write_if(v >= 1, &self.key_type);
        to.write_if(v >= 4, &self.coordinator_keys);
        Tags::default().write(to);
    }
}

message!(FindCoordinatorRequest, 0..=6, 3, FindCoordinator => FindCoordinatorResponse);

/// The answer to [`FindCoordinatorRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FindCoordinatorResponse {
    /// How long the client was or is held back by a quota, in ms. Versions 1+.
    pub throttle_time_ms: i32,
    /// Error code. Versions 0 to 3.
    pub error_code: i16,
    /// What is wrong; null when nothing is. Versions 1 to 3.
    pub error_message: Option<Text>,
    /// Node id of the coordinator. Versions 0 to 3.
    pub node_id: i32,
    /// Its host name or address. Versions 0 to 3.
    pub host: Text,
    /// Its TCP port. Versions 0 to 3.
    pub port: i32,
    /// Coordinator of each key. Versions 4+.
    pub coordinators: Vec<Coordinator>,
}

impl Field for FindCoordinatorResponse {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            throttle_time_ms: from.read_if(v >= 1, 0)?,
            error_code: from.read_if(v <= 3, 0)?,
            error_message: from.read_if((1..=3).contains(&v), None)?,
            node_id: from.read_if(v <= 3, 0)?,
            host: from.read_if(v <= 3, Text::EMPTY)?,
            port: from.read_if(v <= 3, 0)?,
            coordinators: from.read_if(v >= 4, Vec::new())?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 1, &self.throttle_time_ms);
        to.write_error_if(v <= 3, &self.error_code);
        to.write_if((1..=3).contains(&v), &self.error_message);
        to.write_if(v <= 3, &self.node_id);
        to.write_if(v <= 3, &self.host);
        to.write_if(v <= 3, &self.port);
        to.write_if(v >= 4, &self.coordinators);
        Tags::default().write(to);
    }
}

message!(FindCoordinatorResponse, 0..=6, 3, FindCoordinator with throttle_time_ms);

/// The coordinator of one key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coordinator {
    /// Group id or transactional id. Versions 4+.
    pub key: Text,
    /// Node id; -1 on error. Versions 4+.
    pub node_id: i32,
    /// Host name or address; empty on error. Versions 4+.
    pub host: Text,
    /// TCP port; -1 on error. Versions 4+.
    pub port: i32,
    /// Error code. Versions 4+.
    pub error_code: i16,
    /// What is wrong; null when nothing is. Versions 4+.
    pub error_message: Option<Text>,
}

impl Field for Coordinator {
    const SIZE_MIN: usize = 14;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            key: from.read_if(v >= 4, Text::EMPTY)?,
            node_id: from.read_if(v >= 4, 0)?,
            host: from.read_if(v >= 4, Text::EMPTY)?,
            port: from.read_if(v >= 4, 0)?,
            error_code: from.read_if(v >= 4, 0)?,
            error_message: from.read_if(v >= 4, None)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 4, &self.key);
        to.write_if(v >= 4, &self.node_id);
        to.write_if(v >= 4, &self.host);
        to.write_if(v >= 4, &self.port);
        to.write_error_if(v >= 4, &self.error_code);
        to.write_if(v >= 4, &self.error_message);
        Tags::default().write(to);
    }
}
