//! IncrementalAlterConfigs, API 44, versions 0 to 1, flexible from 1.
//!
//! Changes settings one by one (KIP-339).
//!
//! - 1: flexible (KIP-482)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of IncrementalAlterConfigs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IncrementalAlterConfigsRequest {
    /// Whose settings to change.
    pub resources: Vec<AlterConfigsResource>,
    /// Whether to check only.
    pub validate_only: bool,
}

impl Field for IncrementalAlterConfigsRequest {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            resources: from.read()?,
            validate_only: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.resources);
        to.write(&self.validate_only);
        Tags::default().write(to);
    }
}

message!(IncrementalAlterConfigsRequest, 0..=1, 1, IncrementalAlterConfigs => IncrementalAlterConfigsResponse);

/// The changes for one resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterConfigsResource {
    /// Kind of the resource, as in DescribeConfigs.
    pub resource_type: i8,
    /// Its name.
    pub resource_name: Text,
    /// The changes.
    pub configs: Vec<AlterableConfig>,
}

impl Field for AlterConfigsResource {
    const SIZE_MIN: usize = 4;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            resource_type: from.read()?,
            resource_name: from.read()?,
            configs: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.resource_type);
        to.write(&self.resource_name);
        to.write(&self.configs);
        Tags::default().write(to);
    }
}

/// A change.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterableConfig {
    /// Name of the setting.
    pub name: Text,
    /// 0 set, 1 delete, 2 append to the list, 3 subtract from the list.
    pub config_operation: i8,
    /// Value to set, append or subtract.
    pub value: Option<Text>,
}

impl Default for AlterableConfig {
    fn default() -> Self {
        Self {
            name: Text::EMPTY,
            config_operation: 0,
            value: Some(Text::EMPTY),
        }
    }
}

impl Field for AlterableConfig {
    const SIZE_MIN: usize = 4;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            name: from.read()?,
            config_operation: from.read()?,
            value: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.name);
        to.write(&self.config_operation);
        to.write(&self.value);
        Tags::default().write(to);
    }
}

/// The answer to [`IncrementalAlterConfigsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IncrementalAlterConfigsResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Outcome by resource.
    pub responses: Vec<AlterConfigsResourceResponse>,
}

impl Field for IncrementalAlterConfigsResponse {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            throttle_time_ms: from.read()?,
            responses: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.throttle_time_ms);
        to.write(&self.responses);
        Tags::default().write(to);
    }
}

message!(IncrementalAlterConfigsResponse, 0..=1, 1, IncrementalAlterConfigs with throttle_time_ms);

/// The outcome for one resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterConfigsResourceResponse {
    /// Error code.
    pub error_code: i16,
    /// What is wrong; null when nothing is.
    pub error_message: Option<Text>,
    /// Kind of the resource, as in the request.
    pub resource_type: i8,
    /// Its name.
    pub resource_name: Text,
}

impl Field for AlterConfigsResourceResponse {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            error_code: from.read()?,
            error_message: from.read()?,
            resource_type: from.read()?,
            resource_name: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write_error(&self.error_code);
        to.write(&self.error_message);
        to.write(&self.resource_type);
        to.write(&self.resource_name);
        Tags::default().write(to);
    }
}
