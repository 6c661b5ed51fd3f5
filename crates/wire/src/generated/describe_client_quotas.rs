//! DescribeClientQuotas, API 48, versions 0 to 1, flexible from 1.
//!
//! Describes the quotas of clients (KIP-546).
//!
//! - 1: flexible (KIP-482)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of DescribeClientQuotas.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeClientQuotasRequest {
    /// What the entities must be; none for all of them.
    pub components: Vec<ComponentData>,
    /// Whether entities that are something else besides are left out.
    pub strict: bool,
}

impl Field for DescribeClientQuotasRequest {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            components: from.read()?,
            strict: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.components);
        to.write(&self.strict);
        Tags::default().write(to);
    }
}

message!(DescribeClientQuotasRequest, 0..=1, 1, DescribeClientQuotas => DescribeClientQuotasResponse);

/// What an entity must be.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentData {
    /// `user`, `client-id` or `ip`.
    pub entity_type: Text,
    /// 0 for the name in `match_name`, 1 for the default of all names, 2 for any name.
    pub match_type: i8,
    /// The name, for match type 0.
    pub match_name: Option<Text>,
}

impl Default for ComponentData {
    fn default() -> Self {
        Self {
            entity_type: Text::EMPTY,
            match_type: 0,
            match_name: Some(Text::EMPTY),
        }
    }
}

impl Field for ComponentData {
    const SIZE_MIN: usize = 4;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            entity_type: from.read()?,
            match_type: from.read()?,
            match_name: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.entity_type);
        to.write(&self.match_type);
        to.write(&self.match_name);
        Tags::default().write(to);
    }
}

/// The answer to [`DescribeClientQuotasRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeClientQuotasResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Error code.
    pub error_code: i16,
    /// What is wrong; null when nothing is.
    pub error_message: Option<Text>,
    /// Entities with their quotas; null on error.
    pub entries: Option<Vec<EntryData>>,
}

impl Default for DescribeClientQuotasResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: Some(Text::EMPTY),
            entries: Some(Vec::new()),
        }
    }
}

impl Field for DescribeClientQuotasResponse {
    const SIZE_MIN: usize = 9;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            throttle_time_ms: from.read()?,
            error_code: from.read()?,
            error_message: from.read()?,
            entries: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.throttle_time_ms);
        to.write_error(&self.error_code);
        to.write(&self.error_message);
        to.write(&self.entries);
        Tags::default().write(to);
    }
}

message!(DescribeClientQuotasResponse, 0..=1, 1, DescribeClientQuotas with throttle_time_ms);

/// An entity with its quotas.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EntryData {
    /// What it is.
    pub entity: Vec<EntityData>,
    /// Its quotas.
    pub values: Vec<ValueData>,
}

impl Field for EntryData {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            entity: from.read()?,
            values: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.entity);
        to.write(&self.values);
        Tags::default().write(to);
    }
}

/// A part of what an entity is.
#[derive(Clone, Debug, PartialEq)]
pub struct EntityData {
    /// `user`, `client-id` or `ip`.
    pub entity_type: Text,
    /// The name; null for the default of all names.
    pub entity_name: Option<Text>,
}

impl Default for EntityData {
    fn default() -> Self {
        Self {
            entity_type: Text::EMPTY,
            entity_name: Some(Text::EMPTY),
        }
    }
}

impl Field for EntityData {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            entity_type: from.read()?,
            entity_name: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.entity_type);
        to.write(&self.entity_name);
        Tags::default().write(to);
    }
}

/// A quota.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ValueData {
    /// Its name.
    pub key: Text,
    /// Its limit.
    pub value: f64,
}

impl Field for ValueData {
    const SIZE_MIN: usize = 10;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            key: from.read()?,
            value: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.key);
        to.write(&self.value);
        Tags::default().write(to);
    }
}
