//! DescribeTransactions, API 65, versions 0 to 0, flexible from 0.
//!
//! Tells how transactions stand (KIP-664).

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of DescribeTransactions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeTransactionsRequest {
    /// Transactional ids.
    pub transactional_ids: Vec<Text>,
}

impl Field for DescribeTransactionsRequest {
    const SIZE_MIN: usize = 2;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            transactional_ids: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.transactional_ids);
        Tags::default().write(to);
    }
}

message!(DescribeTransactionsRequest, 0..=0, 0, DescribeTransactions => DescribeTransactionsResponse);

/// The answer to [`DescribeTransactionsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeTransactionsResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// The transactions.
    pub transaction_states: Vec<TransactionState>,
}

impl Field for DescribeTransactionsResponse {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            throttle_time_ms: from.read()?,
            transaction_states: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.throttle_time_ms);
        to.write(&self.transaction_states);
        Tags::default().write(to);
    }
}

message!(DescribeTransactionsResponse, 0..=0, 0, DescribeTransactions with throttle_time_ms);

/// How one transaction stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransactionState {
    /// Error code.
    pub error_code: i16,
    /// Transactional id.
    pub transactional_id: Text,
    /// Name of its state.
    pub transaction_state: Text,
    /// Age at which it is aborted, in ms.
    pub transaction_timeout_ms: i32,
    /// When it began; -1 if it has not.
    pub transaction_start_time_ms: i64,
    /// Its producer id.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// Its partitions.
    pub topics: Vec<TopicData>,
}

impl Field for TransactionState {
    const SIZE_MIN: usize = 28;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            error_code: from.read()?,
            transactional_id: from.read()?,
            transaction_state: from.read()?,
            transaction_timeout_ms: from.read()?,
            transaction_start_time_ms: from.read()?,
            producer_id: from.read()?,
            producer_epoch: from.read()?,
            topics: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write_error(&self.error_code);
        to.write(&self.transactional_id);
        to.write(&self.transaction_state);
        to.write(&self.transaction_timeout_ms);
        to.write(&self.transaction_start_time_ms);
        to.write(&self.producer_id);
        to.write(&self.producer_epoch);
        to.write(&self.topics);
        Tags::default().write(to);
    }
}

/// Partitions of one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicData {
    /// Topic name.
    pub topic: Text,
    /// Partition indexes.
    pub partitions: Vec<i32>,
}

impl Field for TopicData {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            topic: from.read()?,
            partitions: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.topic);
        to.write(&self.partitions);
        Tags::default().write(to);
    }
}
