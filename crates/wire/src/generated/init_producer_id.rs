//! InitProducerId, API 22, versions 0 to 5, flexible from 2.
//!
//! Gives a producer its id and epoch. Version 6 (two-phase commit, KIP-939) is not stable and is
//! left out.
//!
//! - 1: throttled clients hold back by themselves (KIP-219)
//! - 2: flexible (KIP-482)
//! - 3: a producer may ask to go on with the id and epoch it has (KIP-360)
//! - 4: PRODUCER_FENCED may be answered (KIP-588)
//! - 5: TRANSACTION_ABORTABLE may be answered (KIP-890)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of InitProducerId.
#[derive(Clone, Debug, PartialEq)]
pub struct InitProducerIdRequest {
    /// Transactional id; null for a producer that is only idempotent.
    pub transactional_id: Option<Text>,
    /// Age at which an open transaction is aborted, in ms.
    pub transaction_timeout_ms: i32,
    /// Producer id to go on with; -1 for none. Versions 3+.
    pub producer_id: i64,
    /// Its epoch; -1 for none. Versions 3+.
    pub producer_epoch: i16,
}

impl Default for InitProducerIdRequest {
    fn default() -> Self {
        Self {
            transactional_id: Some(Text::EMPTY),
            transaction_timeout_ms: 0,
            producer_id: -1,
            producer_epoch: -1,
        }
    }
}

impl Field for InitProducerIdRequest {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            transactional_id: from.read()?,
            transaction_timeout_ms: from.read()?,
            producer_id: from.read_if(v >= 3, -1)?,
            producer_epoch: from.read_if(v >= 3, -1)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.transactional_id);
        to.write(&self.transaction_timeout_ms);
        to.write_if(v >= 3, &self.producer_id);
        to.write_if(v >= 3, &self.producer_epoch);
        Tags::default().write(to);
    }
}

message!(InitProducerIdRequest, 0..=5, 2, InitProducerId => InitProducerIdResponse);

/// The answer to [`InitProducerIdRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct InitProducerIdResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Error code.
    pub error_code: i16,
    /// Producer id.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
}

impl Default for InitProducerIdResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            producer_id: -1,
            producer_epoch: 0,
        }
    }
}

impl Field for InitProducerIdResponse {
    const SIZE_MIN: usize = 16;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            throttle_time_ms: from.read()?,
            error_code: from.read()?,
            producer_id: from.read()?,
            producer_epoch: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.throttle_time_ms);
        to.write_error(&self.error_code);
        to.write(&self.producer_id);
        to.write(&self.producer_epoch);
        Tags::default().write(to);
    }
}

message!(InitProducerIdResponse, 0..=5, 2, InitProducerId with throttle_time_ms);
