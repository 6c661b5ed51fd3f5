//! OffsetCommit (key 8), versions 2 to 10: stores how far a group has read.
//!
//! - Answers when the offsets are durable: a consumer that was told so may never process the records
//!   again.
//! - An unknown topic or partition, or metadata that is too long, spoils its own offset only. What
//!   is wrong with the member spoils all.
//! - v2 to v4: an explicit retention overrides the broker's. v5 (KIP-211) drops it.
//! - v6 (KIP-320): leader epochs. v7 (KIP-345): static members. v8: flexible.
//! - v9 (KIP-848): the generation may be a member epoch. Members of a consumer group that come with an
//!   older version get UNSUPPORTED_VERSION, with another epoch STALE_MEMBER_EPOCH.
//! - v10 (KIP-848): topics by id; an unknown one gets UNKNOWN_TOPIC_ID.

use std::sync::Arc;

use groups::{CommitRequest, OffsetToCommit};
use model::{ErrorCode, TopicId};
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};

use super::support::fill_in;
use crate::context::RequestContext;
use crate::topics::{Topic, Topics};

/// Stores the offsets of topics that exist.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: OffsetCommitRequest,
) -> OffsetCommitResponse {
    let published = ctx.broker.metadata.published();
    let mut offsets = Vec::new();
    let mut topic_ids = Vec::new();
    let mut response = OffsetCommitResponse::default();
    for asked in &request.topics {
        let topic = find_topic(&ctx, &published.topics, asked);
        let mut partitions = Vec::with_capacity(asked.partitions.len());
        for partition in &asked.partitions {
            let checked = check(topic, partition);
            if let Ok((topic_id, offset)) = checked {
                topic_ids.push(topic_id);
                offsets.push(offset);
                partitions.push(answer(partition, None));
            } else {
                partitions.push(answer(partition, checked.err()));
            }
        }
        response.topics.push(OffsetCommitResponseTopic {
            name: asked.name.clone(),
            topic_id: asked.topic_id,
            partitions,
        });
    }
    if offsets.is_empty() {
        return response;
    }
    let commit = CommitRequest {
        group_id: &request.group_id,
        member_id: &request.member_id,
        group_instance_id: request.group_instance_id.as_deref(),
        generation_id: request.generation_id_or_member_epoch,
        knows_member_epochs: ctx.version >= 9,
        retention_ms: Some(request.retention_time_ms).filter(|retention_ms| *retention_ms != -1),
        offsets,
    };
    let groups = &ctx.broker.groups;
    let results = groups.commit(&ctx.broker, commit, &topic_ids).await;
    let topics = response.topics.iter_mut();
    let partitions = topics.flat_map(|topic| &mut topic.partitions);
    fill_in(
        partitions.map(|partition| &mut partition.error_code),
        results,
    );
    response
}

fn find_topic<'a>(
    ctx: &RequestContext,
    topics: &'a Topics,
    asked: &OffsetCommitRequestTopic,
) -> Result<&'a Arc<Topic>, ErrorCode> {
    if ctx.version >= 10 {
        topics.by_id(asked.topic_id)
    } else {
        topics.by_name(&asked.name)
    }
}

/// The offset as the group stores it, if its partition exists.
fn check(
    topic: Result<&Arc<Topic>, ErrorCode>,
    partition: &OffsetCommitRequestPartition,
) -> Result<(TopicId, OffsetToCommit), ErrorCode> {
    let topic = topic?;
    topic.log(partition.partition_index)?;
    let offset = OffsetToCommit {
        topic: topic.name().clone(),
        partition: partition.partition_index,
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: partition
            .committed_metadata
            .as_deref()
            .unwrap_or_default()
            .to_owned(),
    };
    Ok((topic.id(), offset))
}

fn answer(
    partition: &OffsetCommitRequestPartition,
    error: Option<ErrorCode>,
) -> OffsetCommitResponsePartition {
    OffsetCommitResponsePartition {
        partition_index: partition.partition_index,
        error_code: error.unwrap_or(ErrorCode::None).code(),
    }
}
