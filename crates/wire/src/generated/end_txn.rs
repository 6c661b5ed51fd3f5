//! EndTxn, API 26, versions 0 to 5, flexible from 3.
//!
//! Commits or aborts a transaction (KIP-98).
//!
//! - 1: throttled clients hold back by themselves (KIP-219)
//! - 2: PRODUCER_FENCED may be answered (KIP-588)
//! - 3: flexible (KIP-482)
//! - 4: TRANSACTION_ABORTABLE may be answered (KIP-1050)
//! - 5: each transaction has an epoch of its own, which is answered (KIP-890)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of EndTxn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndTxnRequest {
    /// Transactional id.
    pub transactional_id: Text,
    /// Its producer id.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// Whether to commit; else to abort.
    pub committed: bool,
}

impl Field for EndTxnRequest {
    const SIZE_MIN: usize = 13;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            transactional_id: from.read()?,
            producer_id: from.read()?,
            producer_epoch: from.read()?,
            committed: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.transactional_id);
        to.write(&self.producer_id);
        to.write(&self.producer_epoch);
        to.write(&self.committed);
        Tags::default().write(to);
    }
}

message!(EndTxnRequest, 0..=5, 3, EndTxn => EndTxnResponse);

/// The answer to [`EndTxnRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct EndTxnResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Error code.
    pub error_code: i16,
    /// Producer id to go on with. Version 5.
    pub producer_id: i64,
    /// Epoch to go on with. Version 5.
    pub producer_epoch: i16,
}

impl Default for EndTxnResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            producer_id: -1,
            producer_epoch: -1,
        }
    }
}

impl Field for EndTxnResponse {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            throttle_time_ms: from.read()?,
            error_code: from.read()?,
            producer_id: from.read_if(v >= 5, -1)?,
            producer_epoch: from.read_if(v >= 5, -1)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.throttle_time_ms);
        to.write_error(&self.error_code);
        to.write_if(v >= 5, &self.producer_id);
        to.write_if(v >= 5, &self.producer_epoch);
        Tags::default().write(to);
    }
}

message!(EndTxnResponse, 0..=5, 3, EndTxn with throttle_time_ms);
