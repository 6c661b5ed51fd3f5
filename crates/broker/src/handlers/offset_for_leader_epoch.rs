//! OffsetForLeaderEpoch (key 23), versions 2 to 4: where leader epochs ended (KIP-320).
//!
//! Our leader epoch rises at each start, and a client that sees it rise asks here whether what it has
//! read is still there; some clients (kafka-python 3) ask even where the API is not advertised, and do
//! not read on without an answer.
//!
//! - The answer is the largest epoch that is not above the one asked for, and the offset after its
//!   last record that consumers may see. An epoch from before the first record ended where that
//!   begins, so that a consumer which waited on an empty partition over a restart goes on; -1 and -1
//!   for an epoch that has not begun.
//! - The client's own leader epoch is compared first: FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH.
//! - `replica_id` (v3) is not looked at: there are no followers.

use std::sync::Arc;

use model::{ErrorCode, LeaderEpoch, Offset};
use wire::messages::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition, OffsetForLeaderTopic, OffsetForLeaderTopicResult,
};

use crate::context::RequestContext;
use crate::topics::check_leader_epoch;

/// Looks up every epoch asked for.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let topics = request.topics.into_iter().map(|topic| look_up(&ctx, topic));
    OffsetForLeaderEpochResponse {
        topics: topics.collect(),
        ..OffsetForLeaderEpochResponse::default()
    }
}

fn look_up(ctx: &RequestContext, topic: OffsetForLeaderTopic) -> OffsetForLeaderTopicResult {
    let partitions = topic.partitions.iter().map(|partition| {
        let (error, (leader_epoch, end)) = match end_of_epoch(ctx, &topic.topic, partition) {
            Ok(found) => (ErrorCode::None, found),
            Err(error) => (error, (LeaderEpoch::UNKNOWN, Offset::NONE)),
        };
        EpochEndOffset {
            error_code: error.code(),
            partition: partition.partition,
            leader_epoch: leader_epoch.0,
            end_offset: end.0,
        }
    });
    OffsetForLeaderTopicResult {
        partitions: partitions.collect(),
        topic: topic.topic,
    }
}

fn end_of_epoch(
    ctx: &RequestContext,
    topic: &str,
    partition: &OffsetForLeaderPartition,
) -> Result<(LeaderEpoch, Offset), ErrorCode> {
    let published = ctx.broker.metadata.published();
    let log = Arc::clone(published.topics.by_name(topic)?.log(partition.partition)?);
    let client_epoch = LeaderEpoch(partition.current_leader_epoch);
    check_leader_epoch(client_epoch, log.view().leader_epoch)?;
    Ok(log.end_offset_for_epoch(LeaderEpoch(partition.leader_epoch)))
}
