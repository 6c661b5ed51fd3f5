//! Fetch, API 1, versions 4 to 18, flexible from 12.
//!
//! Reads record batches from partitions, waiting for them if asked.
//!
//! - 4: isolation level, last stable offset and aborted transactions (KIP-98)
//! - 5: log_start_offset (KIP-107)
//! - 6: KAFKA_STORAGE_ERROR may be answered (KIP-112)
//! - 7: fetch sessions (KIP-227)
//! - 8: throttled clients hold back by themselves (KIP-219)
//! - 9: current_leader_epoch fences (KIP-320)
//! - 10: zstd may be answered (KIP-110)
//! - 11: racks, preferred read replica (KIP-392)
//! - 12: flexible (KIP-482), diverging epochs (KIP-595)
//! - 13: topics go by id (KIP-516)
//! - 14: OFFSET_MOVED_TO_TIERED_STORAGE may be answered to followers (KIP-405)
//! - 15: the replica id moves into a tagged field with its epoch (KIP-903)
//! - 16: the new leader rides on NOT_LEADER_OR_FOLLOWER (KIP-951)
//! - 17: directory id of a voting replica (KIP-853)
//! - 18: high watermark known to a follower (KIP-1166)

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use model::TopicId;

use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;
use crate::{Chunks, Text};

/// A request of Fetch.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchRequest {
    /// Cluster that a follower believes to be in; null for a consumer. Versions 12+.
    pub cluster_id: Option<Text>,
    /// Node id of a follower; -1 for a consumer. Versions 4 to 14.
    pub replica_id: i32,
    /// Who fetches, if it is a follower. Versions 15+.
    pub replica_state: ReplicaState,
    /// Longest wait for min_bytes, in ms.
    pub max_wait_ms: i32,
    /// Bytes for which the answer may wait.
    pub min_bytes: i32,
    /// Most bytes in the answer; the first batch is exempt.
    pub max_bytes: i32,
    /// 0 reads up to the high watermark, 1 up to the last stable offset.
    pub isolation_level: i8,
    /// Fetch session; 0 for none. Versions 7+.
    pub session_id: i32,
    /// Number of this request in its session; 0 opens one, -1 closes it or works without. Versions
    /// 7+.
    pub session_epoch: i32,
    /// What to read; within a session only what changed.
    pub topics: Vec<FetchTopic>,
    /// What leaves the session. Versions 7+.
    pub forgotten_topics_data: Vec<ForgottenTopic>,
    /// Rack of the consumer, or empty. Versions 11+.
    pub rack_id: Text,
}

impl Default for FetchRequest {
    fn default() -> Self {
        Self {
            cluster_id: None,
            replica_id: -1,
            replica_state: ReplicaState::default(),
            max_wait_ms: 0,
            min_bytes: 0,
            max_bytes: i32::MAX,
            isolation_level: 0,
            session_id: 0,
            session_epoch: -1,
            topics: Vec::new(),
            forgotten_topics_data: Vec::new(),
            rack_id: Text::EMPTY,
        }
    }
}

impl Field for FetchRequest {
    const SIZE_MIN: usize = 21;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let mut this = Self {
            cluster_id: None,
            replica_id: from.read_if(v <= 14, -1)?,
            replica_state: ReplicaState::default(),
            max_wait_ms: from.read()?,
            min_bytes: from.read()?,
            max_bytes: from.read()?,
            isolation_level: from.read()?,
            session_id: from.read_if(v >= 7, 0)?,
            session_epoch: from.read_if(v >= 7, -1)?,
            topics: from.read()?,
            forgotten_topics_data: from.read_if(v >= 7, Vec::new())?,
            rack_id: from.read_if(v >= 11, Text::EMPTY)?,
        };
        from.read_tags(|from, tag| {
            match tag {
                0 => this.cluster_id = from.read()?,
                1 if v >= 15 => this.replica_state = from.read()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v <= 14, &self.replica_id);
        to.write(&self.max_wait_ms);
        to.write(&self.min_bytes);
        to.write(&self.max_bytes);
        to.write(&self.isolation_level);
        to.write_if(v >= 7, &self.session_id);
        to.write_if(v >= 7, &self.session_epoch);
        to.write(&self.topics);
        to.write_if(v >= 7, &self.forgotten_topics_data);
        to.write_if(v >= 11, &self.rack_id);
        let mut tags = Tags::default();
        tags.add(to, 0, self.cluster_id.is_some(), &self.cluster_id);
        tags.add(
            to,
            1,
            v >= 15 && self.replica_state != ReplicaState::default(),
            &self.replica_state,
        );
        tags.write(to);
    }
}

message!(FetchRequest, 4..=18, 12, Fetch => FetchResponse);

/// A follower that fetches.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaState {
    /// Its node id; -1 for a consumer. Versions 15+.
    pub replica_id: i32,
    /// Its broker epoch; -1 when unknown. Versions 15+.
    pub replica_epoch: i64,
}

impl Default for ReplicaState {
    fn default() -> Self {
        Self {
            replica_id: -1,
            replica_epoch: -1,
        }
    }
}

impl Field for ReplicaState {
    const SIZE_MIN: usize = 13;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            replica_id: from.read_if(v >= 15, -1)?,
            replica_epoch: from.read_if(v >= 15, -1)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 15, &self.replica_id);
        to.write_if(v >= 15, &self.replica_epoch);
        Tags::default().write(to);
    }
}

/// A topic to read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchTopic {
    /// Topic name. Versions 4 to 12.
    pub topic: Text,
    /// Topic id. Versions 13+.
    pub topic_id: TopicId,
    /// Its partitions to read.
    pub partitions: Vec<FetchPartition>,
}

impl Field for FetchTopic {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            topic: from.read_if(v <= 12, Text::EMPTY)?,
            topic_id: from.read_if(v >= 13, TopicId::ZERO)?,
            partitions: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v <= 12, &self.topic);
        to.write_if(v >= 13, &self.topic_id);
        to.write(&self.partitions);
        Tags::default().write(to);
    }
}

/// A partition to read.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchPartition {
    /// Partition index.
    pub partition: i32,
    /// Leader epoch known to the reader; -1 leaves it unchecked. Versions 9+.
    pub current_leader_epoch: i32,
    /// Offset to read from.
    pub fetch_offset: i64,
    /// Leader epoch of the record read last; -1 leaves it unchecked. Versions 12+.
    pub last_fetched_epoch: i32,
    /// Log start offset of a follower; -1 for a consumer. Versions 5+.
    pub log_start_offset: i64,
    /// Most bytes from this partition; the first batch of the answer is exempt.
    pub partition_max_bytes: i32,
    /// Directory id of a voting follower. Versions 17+.
    pub replica_directory_id: TopicId,
    /// High watermark known to a follower; the largest number when it does not know one. Version
    /// 18.
    pub high_watermark: i64,
}

impl Default for FetchPartition {
    fn default() -> Self {
        Self {
            partition: 0,
            current_leader_epoch: -1,
            fetch_offset: 0,
            last_fetched_epoch: -1,
            log_start_offset: -1,
            partition_max_bytes: 0,
            replica_directory_id: TopicId::ZERO,
            high_watermark: i64::MAX,
        }
    }
}

impl Field for FetchPartition {
    const SIZE_MIN: usize = 16;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let mut this = Self {
            partition: from.read()?,
            current_leader_epoch: from.read_if(v >= 9, -1)?,
            fetch_offset: from.read()?,
            last_fetched_epoch: from.read_if(v >= 12, -1)?,
            log_start_offset: from.read_if(v >= 5, -1)?,
            partition_max_bytes: from.read()?,
            replica_directory_id: TopicId::ZERO,
            high_watermark: i64::MAX,
        };
        from.read_tags(|from, tag| {
            match tag {
                0 if v >= 17 => this.replica_directory_id = from.read()?,
                1 if v >= 18 => this.high_watermark = from.read()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.partition);
        to.write_if(v >= 9, &self.current_leader_epoch);
        to.write(&self.fetch_offset);
        to.write_if(v >= 12, &self.last_fetched_epoch);
        to.write_if(v >= 5, &self.log_start_offset);
        to.write(&self.partition_max_bytes);
        let mut tags = Tags::default();
        tags.add(
            to,
            0,
            v >= 17 && self.replica_directory_id != TopicId::ZERO,
            &self.replica_directory_id,
        );
        tags.add(
            to,
            1,
            v >= 18 && self.high_watermark != i64::MAX,
            &self.high_watermark,
        );
        tags.write(to);
    }
}

/// Partitions that leave the fetch session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForgottenTopic {
    /// Topic name. Versions 7 to 12.
    pub topic: Text,
    /// Topic id. Versions 13+.
    pub topic_id: TopicId,
    /// Partition indexes. Versions 7+.
    pub partitions: Vec<i32>,
}

impl Field for ForgottenTopic {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            topic: from.read_if((7..=12).contains(&v), Text::EMPTY)?,
            topic_id: from.read_if(v >= 13, TopicId::ZERO)?,
            partitions: from.read_if(v >= 7, Vec::new())?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if((7..=12).contains(&v), &self.topic);
        to.write_if(v >= 13, &self.topic_id);
        to.write_if(v >= 7, &self.partitions);
        Tags::default().write(to);
    }
}

/// The answer to [`FetchRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchResponse {
    /// How long the client was or is held back by a quota, in ms.
    pub throttle_time_ms: i32,
    /// Error of the request as a whole, mostly of its session. Versions 7+.
    pub error_code: i16,
    /// Fetch session; 0 when there is none. Versions 7+.
    pub session_id: i32,
    /// What was read, by topic.
    pub responses: Vec<FetchableTopicResponse>,
    /// Where the leaders named in current_leader can be reached. Versions 16+.
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Field for FetchResponse {
    const SIZE_MIN: usize = 8;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let mut this = Self {
            throttle_time_ms: from.read()?,
            error_code: from.read_if(v >= 7, 0)?,
            session_id: from.read_if(v >= 7, 0)?,
            responses: from.read()?,
            node_endpoints: Vec::new(),
        };
        from.read_tags(|from, tag| {
            match tag {
                0 if v >= 16 => this.node_endpoints = from.read()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.throttle_time_ms);
        to.write_error_if(v >= 7, &self.error_code);
        to.write_if(v >= 7, &self.session_id);
        to.write(&self.responses);
        let mut tags = Tags::default();
        tags.add(
            to,
            0,
            v >= 16 && !self.node_endpoints.is_empty(),
            &self.node_endpoints,
        );
        tags.write(to);
    }
}

message!(FetchResponse, 4..=18, 12, Fetch with throttle_time_ms);

/// What was read from one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchableTopicResponse {
    /// Topic name. Versions 4 to 12.
    pub topic: Text,
    /// Topic id. Versions 13+.
    pub topic_id: TopicId,
    /// By partition.
    pub partitions: Vec<PartitionData>,
}

impl Field for FetchableTopicResponse {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            topic: from.read_if(v <= 12, Text::EMPTY)?,
            topic_id: from.read_if(v >= 13, TopicId::ZERO)?,
            partitions: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v <= 12, &self.topic);
        to.write_if(v >= 13, &self.topic_id);
        to.write(&self.partitions);
        Tags::default().write(to);
    }
}

/// What was read from one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionData {
    /// Partition index.
    pub partition_index: i32,
    /// Error code; 0 when the read went well.
    pub error_code: i16,
    /// Offset up to which records are committed.
    pub high_watermark: i64,
    /// Offset up to which all transactions have ended; -1 on error.
    pub last_stable_offset: i64,
    /// First offset that can be read. Versions 5+.
    pub log_start_offset: i64,
    /// Where the reader's history leaves this log, if it does. Versions 12+.
    pub diverging_epoch: EpochEndOffset,
    /// The leader to turn to instead. Versions 12+.
    pub current_leader: LeaderIdAndEpoch,
    /// Snapshot to fetch in place of records, for KRaft followers. Versions 12+.
    pub snapshot_id: SnapshotId,
    /// Aborted transactions within what was read; null for isolation level 0.
    pub aborted_transactions: Option<Vec<AbortedTransaction>>,
    /// Replica to read from instead; -1 for this one. Versions 11+.
    pub preferred_read_replica: i32,
    /// Record batches.
    pub records: Option<Chunks>,
}

impl Default for PartitionData {
    fn default() -> Self {
        Self {
            partition_index: 0,
            error_code: 0,
            high_watermark: 0,
            last_stable_offset: -1,
            log_start_offset: -1,
            diverging_epoch: EpochEndOffset::default(),
            current_leader: LeaderIdAndEpoch::default(),
            snapshot_id: SnapshotId::default(),
            aborted_transactions: Some(Vec::new()),
            preferred_read_replica: -1,
            records: Some(Chunks::new()),
        }
    }
}

impl Field for PartitionData {
    const SIZE_MIN: usize = 30;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let mut this = Self {
            partition_index: from.read()?,
            error_code: from.read()?,
            high_watermark: from.read()?,
            last_stable_offset: from.read()?,
            log_start_offset: from.read_if(v >= 5, -1)?,
            diverging_epoch: EpochEndOffset::default(),
            current_leader: LeaderIdAndEpoch::default(),
            snapshot_id: SnapshotId::default(),
            aborted_transactions: from.read()?,
            preferred_read_replica: from.read_if(v >= 11, -1)?,
            records: from.read()?,
        };
        from.read_tags(|from, tag| {
            match tag {
                0 => this.diverging_epoch = from.read()?,
                1 => this.current_leader = from.read()?,
                2 => this.snapshot_id = from.read()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write(&self.partition_index);
        to.write_error(&self.error_code);
        to.write(&self.high_watermark);
        to.write(&self.last_stable_offset);
        to.write_if(v >= 5, &self.log_start_offset);
        to.write(&self.aborted_transactions);
        to.write_if(v >= 11, &self.preferred_read_replica);
        to.write(&self.records);
        let mut tags = Tags::default();
        tags.add(
            to,
            0,
            self.diverging_epoch != EpochEndOffset::default(),
            &self.diverging_epoch,
        );
        tags.add(
            to,
            1,
            self.current_leader != LeaderIdAndEpoch::default(),
            &self.current_leader,
        );
        tags.add(
            to,
            2,
            self.snapshot_id != SnapshotId::default(),
            &self.snapshot_id,
        );
        tags.write(to);
    }
}

/// The end of a leader epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochEndOffset {
    /// Leader epoch. Versions 12+.
    pub epoch: i32,
    /// The offset after its last record. Versions 12+.
    pub end_offset: i64,
}

impl Default for EpochEndOffset {
    fn default() -> Self {
        Self {
            epoch: -1,
            end_offset: -1,
        }
    }
}

impl Field for EpochEndOffset {
    const SIZE_MIN: usize = 13;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            epoch: from.read_if(v >= 12, -1)?,
            end_offset: from.read_if(v >= 12, -1)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 12, &self.epoch);
        to.write_if(v >= 12, &self.end_offset);
        Tags::default().write(to);
    }
}

/// The leader of a partition, as far as this broker knows.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaderIdAndEpoch {
    /// Node id; -1 when unknown. Versions 12+.
    pub leader_id: i32,
    /// Its leader epoch. Versions 12+.
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
            leader_id: from.read_if(v >= 12, -1)?,
            leader_epoch: from.read_if(v >= 12, -1)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 12, &self.leader_id);
        to.write_if(v >= 12, &self.leader_epoch);
        Tags::default().write(to);
    }
}

/// A snapshot of the metadata log.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotId {
    /// The offset after the last record that went into it. Versions 12+.
    pub end_offset: i64,
    /// Leader epoch of that record. Versions 12+.
    pub epoch: i32,
}

impl Default for SnapshotId {
    fn default() -> Self {
        Self {
            end_offset: -1,
            epoch: -1,
        }
    }
}

impl Field for SnapshotId {
    const SIZE_MIN: usize = 13;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            end_offset: from.read_if(v >= 12, -1)?,
            epoch: from.read_if(v >= 12, -1)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 12, &self.end_offset);
        to.write_if(v >= 12, &self.epoch);
        Tags::default().write(to);
    }
}

/// A transaction whose records a read_committed reader drops.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AbortedTransaction {
    /// Its producer.
    pub producer_id: i64,
    /// Its first offset.
    pub first_offset: i64,
}

impl Field for AbortedTransaction {
    const SIZE_MIN: usize = 16;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            producer_id: from.read()?,
            first_offset: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.producer_id);
        to.write(&self.first_offset);
        Tags::default().write(to);
    }
}

/// Where a node can be reached.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeEndpoint {
    /// Node id. Versions 16+.
    pub node_id: i32,
    /// Host name or address. Versions 16+.
    pub host: Text,
    /// TCP port. Versions 16+.
    pub port: i32,
    /// Rack, if it has one. Versions 16+.
    pub rack: Option<Text>,
}

impl Field for NodeEndpoint {
    const SIZE_MIN: usize = 11;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let v = from.version();
        let this = Self {
            node_id: from.read_if(v >= 16, 0)?,
            host: from.read_if(v >= 16, Text::EMPTY)?,
            port: from.read_if(v >= 16, 0)?,
            rack: from.read_if(v >= 16, None)?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        let v = to.version();
        to.write_if(v >= 16, &self.node_id);
        to.write_if(v >= 16, &self.host);
        to.write_if(v >= 16, &self.port);
        to.write_if(v >= 16, &self.rack);
        Tags::default().write(to);
    }
}
