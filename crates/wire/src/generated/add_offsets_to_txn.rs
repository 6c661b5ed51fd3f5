//! AddOffsetsToTxn, API 25, versions 0 to 4, flexible from 3.
//!
//! Takes the offsets of a group into a transaction (KIP-98).
//!
//! - 1: throttled clients hold back by themselves (KIP-219)
//! - 2: PRODUCER_FENCED may be answered (KIP-588)
//! - 3: flexible (KIP-482)
//! - 4: TRANSACTION_ABORTABLE may be answered (KIP-1050)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of AddOffsetsToTxn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddOffsetsToTxnRequest {
    /// Transactional id.
    pub transactional_id: Text,
    /// Its producer id.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// The group whose offsets will be committed.
    pub group_id: Text,
}

impl Field for AddOffsetsToTxnRequest {
    const SIZE_MIN: usize = 13;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            transactional_id: from.read()?,
            producer_id: from.read()?,
            producer_epoch: from.read()?,
            group_id: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.transactional_id);
        to.write(&self.producer_id);
        to.write(&self.producer_epoch);
        to.write(&self.group_id);
        Tags::default().write(to);
    }
}

message!(AddOffsetsToTxnRequest, 0..=4, 3, AddOffsetsToTxn => AddOffsetsToTxnResponse);

/// The answer to [`AddOffsetsToTxnRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddOffsetsToTxnResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Error code.
    pub error_code: i16,
}

impl Field for AddOffsetsToTxnResponse {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            throttle_time_ms: from.read()?,
            error_code: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.throttle_time_ms);
        to.write_error(&self.error_code);
        Tags::default().write(to);
    }
}

message!(AddOffsetsToTxnResponse, 0..=4, 3, AddOffsetsToTxn with throttle_time_ms);
