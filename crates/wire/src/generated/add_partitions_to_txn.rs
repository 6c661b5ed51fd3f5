//! AddPartitionsToTxn, API 24, versions 0 to 5, flexible from 3.
//!
//! Takes partitions into a transaction (KIP-98). Clients use versions 0 to 3; from 4 on brokers ask for many
//! transactions at once.
//!
//! - 1: throttled clients hold back by themselves (KIP-219)
//! - 2: PRODUCER_FENCED may be answered (KIP-588)
//! - 3: flexible (KIP-482)
//! - 4: many transactions, and asking without adding (KIP-890)
//! - 5: TRANSACTION_ABORTABLE may be answered (KIP-1050)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of AddPartitionsToTxn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnRequest {
    /// The transactions. Versions 4+.
    pub transactions: Vec<AddPartitionsToTxnTransaction>,
    /// Transactional id. Versions 0 to 3.
    pub transactional_id: Text,
    /// Its producer id. Versions 0 to 3.
    pub producer_id: i64,
    /// Its epoch. Versions 0 to 3.
    pub producer_epoch: i16,
    /// What to add. Versions 0 to 3.
    pub topics: Vec<AddPartitionsToTxnTopic>,
}

impl Field for AddPartitionsToTxnRequest {
    const SIZE_MIN: usize = 2;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            transactions: from.read_if(v >= 4, Vec::new())?,
            transactional_id: from.read_if(v <= 3, Text::EMPTY)?,
            producer_id: from.read_if(v <= 3, 0)?,
            producer_epoch: from.read_if(v <= 3, 0)?,
            topics: from.read_if(v <= 3, Vec::new())?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 4, &self.transactions);
        to.write_if(v <= 3, &self.transactional_id);
        to.write_if(v <= 3, &self.producer_id);
        to.write_if(v <= 3, &self.producer_epoch);
        to.write_if(v <= 3, &self.topics);
        Tags::default().write(to);
    }
}

message!(AddPartitionsToTxnRequest, 0..=5, 3, AddPartitionsToTxn => AddPartitionsToTxnResponse);

/// One transaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnTransaction {
    /// Transactional id.
    pub transactional_id: Text,
    /// Its producer id.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// Whether to ask only if the partitions were added.
    pub verify_only: bool,
    /// What to add.
    pub topics: Vec<AddPartitionsToTxnTopic>,
}

impl Field for AddPartitionsToTxnTransaction {
    const SIZE_MIN: usize = 14;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            transactional_id: from.read()?,
            producer_id: from.read()?,
            producer_epoch: from.read()?,
            verify_only: from.read()?,
            topics: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.transactional_id);
        to.write(&self.producer_id);
        to.write(&self.producer_epoch);
        to.write(&self.verify_only);
        to.write(&self.topics);
        Tags::default().write(to);
    }
}

/// Partitions of one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnTopic {
    /// Topic name.
    pub name: Text,
    /// Partition indexes.
    pub partitions: Vec<i32>,
}

impl Field for AddPartitionsToTxnTopic {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            name: from.read()?,
            partitions: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.name);
        to.write(&self.partitions);
        Tags::default().write(to);
    }
}

/// The answer to [`AddPartitionsToTxnRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Error code of the request as a whole. Versions 4+.
    pub error_code: i16,
    /// Outcome by transaction. Versions 4+.
    pub results_by_transaction: Vec<AddPartitionsToTxnResult>,
    /// Outcome by topic. Versions 0 to 3.
    pub results_by_topic: Vec<AddPartitionsToTxnTopicResult>,
}

impl Field for AddPartitionsToTxnResponse {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            throttle_time_ms: from.read()?,
            error_code: from.read_if(v >= 4, 0)?,
            results_by_transaction: from.read_if(v >= 4, Vec::new())?,
            results_by_topic: from.read_if(v <= 3, Vec::new())?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.throttle_time_ms);
        to.write_error_if(v >= 4, &self.error_code);
        to.write_if(v >= 4, &self.results_by_transaction);
        to.write_if(v <= 3, &self.results_by_topic);
        Tags::default().write(to);
    }
}

message!(AddPartitionsToTxnResponse, 0..=5, 3, AddPartitionsToTxn with throttle_time_ms);

/// The outcome for one transaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnResult {
    /// Transactional id.
    pub transactional_id: Text,
    /// By topic.
    pub topic_results: Vec<AddPartitionsToTxnTopicResult>,
}

impl Field for AddPartitionsToTxnResult {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            transactional_id: from.read()?,
            topic_results: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.transactional_id);
        to.write(&self.topic_results);
        Tags::default().write(to);
    }
}

/// The outcome for one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnTopicResult {
    /// Topic name.
    pub name: Text,
    /// By partition.
    pub results_by_partition: Vec<AddPartitionsToTxnPartitionResult>,
}

impl Field for AddPartitionsToTxnTopicResult {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            name: from.read()?,
            results_by_partition: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.name);
        to.write(&self.results_by_partition);
        Tags::default().write(to);
    }
}

/// The outcome for one partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnPartitionResult {
    /// Partition index.
    pub partition_index: i32,
    /// Error code.
    pub partition_error_code: i16,
}

impl Field for AddPartitionsToTxnPartitionResult {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            partition_index: from.read()?,
            partition_error_code: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.partition_index);
        to.write(&self.partition_error_code);
        Tags::default().write(to);
    }
}
