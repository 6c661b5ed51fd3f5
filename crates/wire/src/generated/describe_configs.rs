//! DescribeConfigs, API 32, versions 1 to 4, flexible from 4.
//!
//! Describes settings and where their values come from.
//!
//! - 1: synonyms and sources (KIP-226)
//! - 2: throttled clients hold back by themselves (KIP-219)
//! - 3: types and documentation (KIP-569)
//! - 4: flexible (KIP-482)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of DescribeConfigs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeConfigsRequest {
    /// Whose settings to describe.
    pub resources: Vec<DescribeConfigsResource>,
    /// Whether to answer every place that could set each value.
    pub include_synonyms: bool,
    /// Whether to answer what the settings mean. Versions 3+.
    pub include_documentation: bool,
}

impl Field for DescribeConfigsRequest {
    const SIZE_MIN: usize = 4;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            resources: from.read()?,
            include_synonyms: from.read()?,
            include_documentation: from.read_if(v >= 3, false)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.resources);
        to.write(&self.include_synonyms);
        to.write_if(v >= 3, &self.include_documentation);
        Tags::default().write(to);
    }
}

message!(DescribeConfigsRequest, 1..=4, 4, DescribeConfigs => DescribeConfigsResponse);

/// A resource with settings.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeConfigsResource {
    /// 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group.
    pub resource_type: i8,
    /// Its name; for a broker its node id, or empty for the cluster's default.
    pub resource_name: Text,
    /// Settings to describe; null for all.
    pub configuration_keys: Option<Vec<Text>>,
}

impl Default for DescribeConfigsResource {
    fn default() -> Self {
        Self {
            resource_type: 0,
            resource_name: Text::EMPTY,
            configuration_keys: Some(Vec::new()),
        }
    }
}

impl Field for DescribeConfigsResource {
    const SIZE_MIN: usize = 4;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            resource_type: from.read()?,
            resource_name: from.read()?,
            configuration_keys: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.resource_type);
        to.write(&self.resource_name);
        to.write(&self.configuration_keys);
        Tags::default().write(to);
    }
}

/// The answer to [`DescribeConfigsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeConfigsResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Settings by resource.
    pub results: Vec<DescribeConfigsResult>,
}

impl Field for DescribeConfigsResponse {
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

message!(DescribeConfigsResponse, 1..=4, 4, DescribeConfigs with throttle_time_ms);

/// The settings of one resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeConfigsResult {
    /// Error code.
    pub error_code: i16,
    /// What is wrong; null when nothing is.
    pub error_message: Option<Text>,
    /// Kind of the resource, as in the request.
    pub resource_type: i8,
    /// Its name.
    pub resource_name: Text,
    /// Its settings.
    pub configs: Vec<DescribeConfigsResourceResult>,
}

impl Field for DescribeConfigsResult {
    const SIZE_MIN: usize = 7;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            error_code: from.read()?,
            error_message: from.read()?,
            resource_type: from.read()?,
            resource_name: from.read()?,
            configs: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write_error(&self.error_code);
        to.write(&self.error_message);
        to.write(&self.resource_type);
        to.write(&self.resource_name);
        to.write(&self.configs);
        Tags::default().write(to);
    }
}

/// A setting.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeConfigsResourceResult {
    /// Its name.
    pub name: Text,
    /// Its value; null when unset or sensitive.
    pub value: Option<Text>,
    /// Whether it cannot be changed.
    pub read_only: bool,
    /// Where the value comes from: 1 topic, 2 this broker, 3 all brokers, 4 start-up, 5 default, 6
    /// logger, 7 client metrics, 8 group.
    pub config_source: i8,
    /// Whether the value is kept back.
    pub is_sensitive: bool,
    /// Every place that could set it, the strongest first.
    pub synonyms: Vec<DescribeConfigsSynonym>,
    /// 1 boolean, 2 string, 3 int, 4 short, 5 long, 6 double, 7 list, 8 class, 9 password; 0
    /// unknown. Versions 3+.
    pub config_type: i8,
    /// What it means. Versions 3+.
    pub documentation: Option<Text>,
}

impl Default for DescribeConfigsResourceResult {
    fn default() -> Self {
        Self {
            name: Text::EMPTY,
            value: Some(Text::EMPTY),
            read_only: false,
            config_source: -1,
            is_sensitive: false,
            synonyms: Vec::new(),
            config_type: 0,
            documentation: Some(Text::EMPTY),
        }
    }
}

impl Field for DescribeConfigsResourceResult {
    const SIZE_MIN: usize = 9;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            name: from.read()?,
            value: from.read()?,
            read_only: from.read()?,
            config_source: from.read()?,
            is_sensitive: from.read()?,
            synonyms: from.read()?,
            config_type: from.read_if(v >= 3, 0)?,
            documentation: from.read_if(v >= 3, Some(Text::EMPTY))?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.name);
        to.write(&self.value);
        to.write(&self.read_only);
        to.write(&self.config_source);
        to.write(&self.is_sensitive);
        to.write(&self.synonyms);
        to.write_if(v >= 3, &self.config_type);
        to.write_if(v >= 3, &self.documentation);
        Tags::default().write(to);
    }
}

/// A place that could set a value.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeConfigsSynonym {
    /// Name of the setting there.
    pub name: Text,
    /// Value there; null when unset or sensitive.
    pub value: Option<Text>,
    /// The place, as in config_source.
    pub source: i8,
}

impl Default for DescribeConfigsSynonym {
    fn default() -> Self {
        Self {
            name: Text::EMPTY,
            value: Some(Text::EMPTY),
            source: 0,
        }
    }
}

impl Field for DescribeConfigsSynonym {
    const SIZE_MIN: usize = 4;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            name: from.read()?,
            value: from.read()?,
            source: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.name);
        to.write(&self.value);
        to.write(&self.source);
        Tags::default().write(to);
    }
}
