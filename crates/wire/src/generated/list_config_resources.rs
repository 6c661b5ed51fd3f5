//! ListConfigResources, API 74, versions 0 to 1, flexible from 0.
//!
//! Lists what settings can belong to (KIP-1142).
//!
//! - 0: client metrics only (KIP-1000)
//! - 1: any kind

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of ListConfigResources.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListConfigResourcesRequest {
    /// Kinds to list, as in DescribeConfigs; none for all. Version 1.
    pub resource_types: Vec<i8>,
}

impl Field for ListConfigResourcesRequest {
    const SIZE_MIN: usize = 2;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            resource_types: from.read_if(v >= 1, Vec::new())?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 1, &self.resource_types);
        Tags::default().write(to);
    }
}

message!(ListConfigResourcesRequest, 0..=1, 0, ListConfigResources => ListConfigResourcesResponse);

/// The answer to [`ListConfigResourcesRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListConfigResourcesResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Error code.
    pub error_code: i16,
    /// What was found.
    pub config_resources: Vec<ConfigResource>,
}

impl Field for ListConfigResourcesResponse {
    const SIZE_MIN: usize = 8;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            throttle_time_ms: from.read()?,
            error_code: from.read()?,
            config_resources: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.throttle_time_ms);
        to.write_error(&self.error_code);
        to.write(&self.config_resources);
        Tags::default().write(to);
    }
}

message!(ListConfigResourcesResponse, 0..=1, 0, ListConfigResources with throttle_time_ms);

/// Something that settings belong to.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigResource {
    /// Its name.
    pub resource_name: Text,
    /// Its kind. Version 1.
    pub resource_type: i8,
}

impl Default for ConfigResource {
    fn default() -> Self {
        Self {
            resource_name: Text::EMPTY,
            resource_type: 16,
        }
    }
}

impl Field for ConfigResource {
    const SIZE_MIN: usize = 2;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            resource_name: from.read()?,
            resource_type: from.read_if(v >= 1, 16)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.resource_name);
        to.write_if(v >= 1, &self.resource_type);
        Tags::default().write(to);
    }
}
