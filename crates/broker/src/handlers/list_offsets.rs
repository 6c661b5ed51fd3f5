//! ListOffsets (key 2), versions 1 to 11: offsets by timestamp, and special offsets.
//!
//! - Timestamp -1: the high watermark, or the last stable offset for isolation level 1 (v2+). -2: the
//!   log start. -3 (v7, KIP-734): the record with the largest timestamp. -4 (v8, KIP-405): the log
//!   start, since everything is local. -5 (v9, KIP-1005) and -6 (v11, KIP-1023): -1, since nothing is
//!   tiered. Any other negative timestamp, or one newer than the version: UNSUPPORTED_VERSION on the
//!   partition.
//! - A timestamp finds the first record that is not older, and tells the record's own time. None is
//!   offset -1 without an error. What is beyond the isolation level's end is not found.
//! - A partition named twice gets INVALID_REQUEST, each time.
//! - Lookups that need a file run on the disk-read pool, one after the other.
//! - Not done: `timeout_ms` (v10), which is about tiered storage.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::{ErrorCode, LeaderEpoch, Offset, TimestampMs};
use storage::{Isolation, ReadError, TimestampAndOffset};
use wire::Text;
use wire::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopic, ListOffsetsTopicResponse,
};

use crate::context::RequestContext;
use crate::errors;
use crate::topics::{check_leader_epoch, isolation};

/// What a partition is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// The end, as far as the isolation level sees it.
    Latest,
    /// The first offset.
    Earliest,
    /// The record with the largest timestamp.
    MaxTimestamp,
    /// Something that exists only with tiered storage.
    Tiered,
    /// The first record that is not older.
    Time(TimestampMs),
}

impl Target {
    /// What a timestamp means in a version; `None` if it means nothing.
    fn of(timestamp: TimestampMs, version: i16) -> Option<Self> {
        let (target, since) = match timestamp {
            0.. => (Self::Time(timestamp), 1),
            -1 => (Self::Latest, 1),
            -2 => (Self::Earliest, 1),
            -3 => (Self::MaxTimestamp, 7),
            -4 => (Self::Earliest, 8),
            -5 => (Self::Tiered, 9),
            -6 => (Self::Tiered, 11),
            _ => return None,
        };
        (version >= since).then_some(target)
    }
}

/// An offset, the time of its record, and the leader epoch it was written in.
struct Found {
    offset: Offset,
    timestamp: TimestampMs,
    leader_epoch: LeaderEpoch,
}

impl Found {
    const NOTHING: Self = Self {
        offset: Offset::NONE,
        timestamp: -1,
        leader_epoch: LeaderEpoch::UNKNOWN,
    };

    fn position(offset: Offset, leader_epoch: LeaderEpoch) -> Self {
        Self {
            offset,
            timestamp: -1,
            leader_epoch,
        }
    }
}

/// Looks up every partition asked for.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: ListOffsetsRequest,
) -> ListOffsetsResponse {
    let isolation = isolation(request.isolation_level);
    let twice = named_twice(&request.topics);
    let mut topics = Vec::new();
    for topic in request.topics {
        let mut partitions = Vec::new();
        let twice = twice.get(&topic.name);
        for partition in topic.partitions {
            let index = partition.partition_index;
            let found = if twice.is_some_and(|twice| twice.contains(&index)) {
                Err(ErrorCode::InvalidRequest)
            } else {
                look_up(&ctx, &topic.name, &partition, isolation).await
            };
            partitions.push(response(partition.partition_index, found));
        }
        topics.push(ListOffsetsTopicResponse {
            name: topic.name,
            partitions,
        });
    }
    ListOffsetsResponse {
        topics,
        ..ListOffsetsResponse::default()
    }
}

/// The partitions of each topic that are named more than once. A name is looked at once per mention
/// and not per partition: it may be long, and the partitions many.
fn named_twice(topics: &[ListOffsetsTopic]) -> HashMap<Text, HashSet<i32>> {
    let mut seen: HashMap<Text, HashSet<i32>> = HashMap::new();
    let mut twice: HashMap<Text, HashSet<i32>> = HashMap::new();
    for topic in topics {
        let seen = seen.entry(topic.name.clone()).or_default();
        let indexes = topic.partitions.iter().map(|asked| asked.partition_index);
        let again: Vec<i32> = indexes.filter(|index| !seen.insert(*index)).collect();
        if !again.is_empty() {
            twice.entry(topic.name.clone()).or_default().extend(again);
        }
    }
    twice
}

async fn look_up(
    ctx: &RequestContext,
    topic: &str,
    request: &ListOffsetsPartition,
    isolation: Isolation,
) -> Result<Found, ErrorCode> {
    let target = Target::of(request.timestamp, ctx.version).ok_or(ErrorCode::UnsupportedVersion)?;
    let published = ctx.broker.metadata.published();
    let log = Arc::clone(
        published
            .topics
            .by_name(topic)?
            .log(request.partition_index)?,
    );
    let view = log.view();
    check_leader_epoch(LeaderEpoch(request.current_leader_epoch), view.leader_epoch)?;
    let end = match isolation {
        Isolation::ReadUncommitted => view.high_watermark,
        Isolation::ReadCommitted => view.last_stable_offset,
    };
    match target {
        Target::Latest => Ok(Found::position(end, view.leader_epoch)),
        // The epoch of the first batch is not looked up; without it clients skip a check.
        Target::Earliest => Ok(Found::position(view.log_start, LeaderEpoch::UNKNOWN)),
        Target::Tiered => Ok(Found::NOTHING),
        Target::MaxTimestamp => search(ctx, move || log.offset_of_max_timestamp()).await,
        Target::Time(time) => search(ctx, move || log.offset_for_timestamp(time, isolation)).await,
    }
}

/// Runs a lookup that may read files.
async fn search(
    ctx: &RequestContext,
    look: impl FnOnce() -> Result<Option<TimestampAndOffset>, ReadError> + Send + 'static,
) -> Result<Found, ErrorCode> {
    let found = ctx.broker.read_disk(look).await?;
    Ok(match found.map_err(errors::of_read)? {
        Some(record) => Found {
            offset: record.offset,
            timestamp: record.timestamp_ms,
            leader_epoch: record.leader_epoch,
        },
        None => Found::NOTHING,
    })
}

fn response(partition_index: i32, found: Result<Found, ErrorCode>) -> ListOffsetsPartitionResponse {
    let (error, found) = match found {
        Ok(found) => (ErrorCode::None, found),
        Err(error) => (error, Found::NOTHING),
    };
    ListOffsetsPartitionResponse {
        partition_index,
        error_code: error.code(),
        timestamp: found.timestamp,
        offset: found.offset.0,
        leader_epoch: found.leader_epoch.0,
    }
}
