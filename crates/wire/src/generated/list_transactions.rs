//! ListTransactions, API 66, versions 0 to 2, flexible from 0.
//!
//! Lists transactional ids (KIP-664).
//!
//! - 1: a filter by age (KIP-994)
//! - 2: a filter by pattern (KIP-1152)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of ListTransactions.
#[derive(Clone, Debug, PartialEq)]
pub struct ListTransactionsRequest {
    /// States to list; empty for all.
    pub state_filters: Vec<Text>,
    /// Producer ids to list; empty for all.
    pub producer_id_filters: Vec<i64>,
    /// Age in ms that a transaction must exceed; negative for any. Versions 1+.
    pub duration_filter: i64,
    /// Pattern that the whole id must match; null or empty for any. Version 2.
    pub transactional_id_pattern: Option<Text>,
}

impl Default for ListTransactionsRequest {
    fn default() -> Self {
        Self {
            state_filters: Vec::new(),
            producer_id_filters: Vec::new(),
            duration_filter: -1,
            transactional_id_pattern: None,
        }
    }
}

impl Field for ListTransactionsRequest {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            state_filters: from.read()?,
            producer_id_filters: from.read()?,
            duration_filter: from.read_if(v >= 1, -1)?,
            transactional_id_pattern: from.read_if(v >= 2, None)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.state_filters);
        to.write(&self.producer_id_filters);
        to.write_if(v >= 1, &self.duration_filter);
        to.write_if(v >= 2, &self.transactional_id_pattern);
        Tags::default().write(to);
    }
}

message!(ListTransactionsRequest, 0..=2, 0, ListTransactions => ListTransactionsResponse);

/// The answer to [`ListTransactionsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListTransactionsResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Error code.
    pub error_code: i16,
    /// States asked for that there are none of.
    pub unknown_state_filters: Vec<Text>,
    /// The transactions.
    pub transaction_states: Vec<TransactionState>,
}

impl Field for ListTransactionsResponse {
    const SIZE_MIN: usize = 9;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            throttle_time_ms: from.read()?,
            error_code: from.read()?,
            unknown_state_filters: from.read()?,
            transaction_states: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.throttle_time_ms);
        to.write_error(&self.error_code);
        to.write(&self.unknown_state_filters);
        to.write(&self.transaction_states);
        Tags::default().write(to);
    }
}

message!(ListTransactionsResponse, 0..=2, 0, ListTransactions with throttle_time_ms);

/// One transactional id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransactionState {
    /// Transactional id.
    pub transactional_id: Text,
    /// Its producer id.
    pub producer_id: i64,
    /// Name of its state.
    pub transaction_state: Text,
}

impl Field for TransactionState {
    const SIZE_MIN: usize = 11;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            transactional_id: from.read()?,
            producer_id: from.read()?,
            transaction_state: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.transactional_id);
        to.write(&self.producer_id);
        to.write(&self.transaction_state);
        Tags::default().write(to);
    }
}
