//! Produce, API 0, versions 3 to 13, flexible from 9.
//!
//! Appends record batches to partitions.
//!
//! - 3: magic 2 batches, transactional id (KIP-98)
//! - 4: KAFKA_STORAGE_ERROR may be answered (KIP-112)
//! - 5: log_start_offset in the answer (KIP-107)
//! - 7: zstd allowed (KIP-110)
//! - 8: which record was refused, and why (KIP-467)
//! - 9: flexible (KIP-482)
//! - 10: the new leader rides on NOT_LEADER_OR_FOLLOWER (KIP-951)
//! - 11: transactions verified by the broker, TRANSACTION_ABORTABLE (KIP-890)
//! - 12: a partition joins its transaction by being written to (KIP-890)
//! - 13: topics go by id (KIP-516)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use model::TopicId;

use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;
use crate::{Chunks, Text};

/// A request of Produce.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProduceRequest {
    /// Transactional id of the producer; null outside transactions.
    pub transactional_id: Option<Text>,
    /// Which copies must hold the records before the answer: 0 none (and no answer is sent), 1 the
    /// leader, -1 all in sync.
    pub acks: i16,
    /// Longest wait for those copies, in ms.
    pub timeout_ms: i32,
    /// What to append, by topic.
    pub topic_data: Vec<TopicProduceData>,
}

impl Field for ProduceRequest {
    const SIZE_MIN: usize = 9;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            transactional_id: from.read()?,
            acks: from.read()?,
            timeout_ms: from.read()?,
            topic_data: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.transactional_id);
        to.write(&self.acks);
        to.write(&self.timeout_ms);
        to.write(&self.topic_data);
        Tags::default().write(to);
    }
}

message!(ProduceRequest, 3..=13, 9, Produce => ProduceResponse);

/// The records for one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicProduceData {
    /// Topic name. Versions 3 to 12.
    pub name: Text,
    /// Topic id. Version 13.
    pub topic_id: TopicId,
    /// The records, by partition.
    pub partition_data: Vec<PartitionProduceData>,
}

impl Field for TopicProduceData {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            name: from.read_if(v <= 12, Text::EMPTY)?,
            topic_id: from.read_if(v >= 13, TopicId::ZERO)?,
            partition_data: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v <= 12, &self.name);
        to.write_if(v >= 13, &self.topic_id);
        to.write(&self.partition_data);
        Tags::default().write(to);
    }
}

/// The records for one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionProduceData {
    /// Partition index.
    pub index: i32,
    /// One record batch.
    pub records: Option<Chunks>,
}

impl Default for PartitionProduceData {
    fn default() -> Self {
        Self {
            index: 0,
            records: Some(Chunks::new()),
        }
    }
}

impl Field for PartitionProduceData {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            index: from.read()?,
            records: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.index);
        to.write(&self.records);
        Tags::default().write(to);
    }
}

/// The answer to [`ProduceRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProduceResponse {
    /// Outcome by topic.
    pub responses: Vec<TopicProduceResponse>,
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Where the leaders named in current_leader can be reached. Versions 10+.
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Field for ProduceResponse {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let mut this = Self {
            responses: from.read()?,
            throttle_time_ms: from.read()?,
            node_endpoints: Vec::new(),
        };
        from.read_tags(|from, tag| {
            match tag {
                0 if v >= 10 => this.node_endpoints = from.read()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.responses);
        to.write(&self.throttle_time_ms);
        let mut tags = Tags::default();
        tags.add(
            to,
            0,
            v >= 10 && !self.node_endpoints.is_empty(),
            &self.node_endpoints,
        );
        tags.write(to);
    }
}

message!(ProduceResponse, 3..=13, 9, Produce with throttle_time_ms);

/// The outcome for one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicProduceResponse {
    /// Topic name. Versions 3 to 12.
    pub name: Text,
    /// Topic id. Version 13.
    pub topic_id: TopicId,
    /// Outcome by partition.
    pub partition_responses: Vec<PartitionProduceResponse>,
}

impl Field for TopicProduceResponse {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            name: from.read_if(v <= 12, Text::EMPTY)?,
            topic_id: from.read_if(v >= 13, TopicId::ZERO)?,
            partition_responses: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v <= 12, &self.name);
        to.write_if(v >= 13, &self.topic_id);
        to.write(&self.partition_responses);
        Tags::default().write(to);
    }
}

/// The outcome for one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionProduceResponse {
    /// Partition index.
    pub index: i32,
    /// Error code; 0 when the records were appended.
    pub error_code: i16,
    /// Offset of the first record; -1 on error.
    pub base_offset: i64,
    /// Time given to the records with LogAppendTime, in ms since the epoch; otherwise -1.
    pub log_append_time_ms: i64,
    /// First offset of the partition that can be read. Versions 5+.
    pub log_start_offset: i64,
    /// Records because of which the batch was refused. Versions 8+.
    pub record_errors: Vec<BatchIndexAndErrorMessage>,
    /// What is wrong with those records, in common. Versions 8+.
    pub error_message: Option<Text>,
    /// The leader to turn to instead. Versions 10+.
    pub current_leader: LeaderIdAndEpoch,
}

impl Default for PartitionProduceResponse {
    fn default() -> Self {
        Self {
            index: 0,
            error_code: 0,
            base_offset: 0,
            log_append_time_ms: -1,
            log_start_offset: -1,
            record_errors: Vec::new(),
            error_message: None,
            current_leader: LeaderIdAndEpoch::default(),
        }
    }
}

impl Field for PartitionProduceResponse {
    const SIZE_MIN: usize = 22;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let mut this = Self {
            index: from.read()?,
            error_code: from.read()?,
            base_offset: from.read()?,
            log_append_time_ms: from.read()?,
            log_start_offset: from.read_if(v >= 5, -1)?,
            record_errors: from.read_if(v >= 8, Vec::new())?,
            error_message: from.read_if(v >= 8, None)?,
            current_leader: LeaderIdAndEpoch::default(),
        };
        from.read_tags(|from, tag| {
            match tag {
                0 if v >= 10 => this.current_leader = from.read()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.index);
        to.write_error(&self.error_code);
        to.write(&self.base_offset);
        to.write(&self.log_append_time_ms);
        to.write_if(v >= 5, &self.log_start_offset);
        to.write_if(v >= 8, &self.record_errors);
        to.write_if(v >= 8, &self.error_message);
        let mut tags = Tags::default();
        tags.add(
            to,
            0,
            v >= 10 && self.current_leader != LeaderIdAndEpoch::default(),
            &self.current_leader,
        );
        tags.write(to);
    }
}

/// A record that was refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchIndexAndErrorMessage {
    /// Its index within the batch. Versions 8+.
    pub batch_index: i32,
    /// What is wrong with it. Versions 8+.
    pub batch_index_error_message: Option<Text>,
}

impl Field for BatchIndexAndErrorMessage {
    const SIZE_MIN: usize = 6;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            batch_index: from.read_if(v >= 8, 0)?,
            batch_index_error_message: from.read_if(v >= 8, None)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 8, &self.batch_index);
        to.write_if(v >= 8, &self.batch_index_error_message);
        Tags::default().write(to);
    }
}

/// The leader of a partition, as far as this broker knows.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaderIdAndEpoch {
    /// Node id; -1 when unknown. Versions 10+.
    pub leader_id: i32,
    /// Its leader epoch. Versions 10+.
    pub leader_epoch: i32,
}

impl Default for LeaderIdAndEpoch {
    fn default() -> Self {
        Self {
            leader_id: -1,
            leader_epoch: -1,
        }
    }
}

impl Field for LeaderIdAndEpoch {
    const SIZE_MIN: usize = 9;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            leader_id: from.read_if(v >= 10, -1)?,
            leader_epoch: from.read_if(v >= 10, -1)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 10, &self.leader_id);
        to.write_if(v >= 10, &self.leader_epoch);
        Tags::default().write(to);
    }
}

/// Where a node can be reached.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeEndpoint {
    /// Node id. Versions 10+.
    pub node_id: i32,
    /// Host name or address. Versions 10+.
    pub host: Text,
    /// TCP port. Versions 10+.
    pub port: i32,
    /// Rack, if it has one. Versions 10+.
    pub rack: Option<Text>,
}

impl Field for NodeEndpoint {
    const SIZE_MIN: usize = 11;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            node_id: from.read_if(v >= 10, 0)?,
            host: from.read_if(v >= 10, Text::EMPTY)?,
            port: from.read_if(v >= 10, 0)?,
            rack: from.read_if(v >= 10, None)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 10, &self.node_id);
        to.write_if(v >= 10, &self.host);
        to.write_if(v >= 10, &self.port);
        to.write_if(v >= 10, &self.rack);
        Tags::default().write(to);
    }
}
