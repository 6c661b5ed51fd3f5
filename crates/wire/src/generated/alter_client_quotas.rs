//! AlterClientQuotas, API 49, versions 0 to 1, flexible from 1.
//!
//! Changes the quotas of clients (KIP-546).
//!
//! - 1: flexible (KIP-482)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of AlterClientQuotas.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterClientQuotasRequest {
    /// What to change.
    pub entries: Vec<EntryData>,
    /// Whether to check only.
    pub validate_only: bool,
}

impl Field for AlterClientQuotasRequest {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            entries: from.read()?,
            validate_only: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.entries);
        to.write(&self.validate_only);
        Tags::default().write(to);
    }
}

message!(AlterClientQuotasRequest, 0..=1, 1, AlterClientQuotas => AlterClientQuotasResponse);

/// The changes for one entity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EntryData {
    /// What it is.
    pub entity: Vec<EntityData>,
    /// The changes.
    pub ops: Vec<OpData>,
}

impl Field for EntryData {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            entity: from.read()?,
            ops: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.entity);
        to.write(&self.ops);
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

/// A change of one quota.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpData {
    /// Its name.
    pub key: Text,
    /// Its limit; not looked at when it is removed.
    pub value: f64,
    /// Whether it is removed.
    pub remove: bool,
}

impl Field for OpData {
    const SIZE_MIN: usize = 11;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            key: from.read()?,
            value: from.read()?,
            remove: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.key);
        to.write(&self.value);
        to.write(&self.remove);
        Tags::default().write(to);
    }
}

/// The answer to [`AlterClientQuotasRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterClientQuotasResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Outcome by entity.
    pub entries: Vec<AnswerData>,
}

impl Field for AlterClientQuotasResponse {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            throttle_time_ms: from.read()?,
            entries: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.throttle_time_ms);
        to.write(&self.entries);
        Tags::default().write(to);
    }
}

message!(AlterClientQuotasResponse, 0..=1, 1, AlterClientQuotas with throttle_time_ms);

/// The outcome for one entity.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerData {
    /// Error code.
    pub error_code: i16,
    /// What is wrong; null when nothing is.
    pub error_message: Option<Text>,
    /// What it is.
    pub entity: Vec<EntityData>,
}

impl Default for AnswerData {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: Some(Text::EMPTY),
            entity: Vec::new(),
        }
    }
}

impl Field for AnswerData {
    const SIZE_MIN: usize = 5;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            error_code: from.read()?,
            error_message: from.read()?,
            entity: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write_error(&self.error_code);
        to.write(&self.error_message);
        to.write(&self.entity);
        Tags::default().write(to);
    }
}
