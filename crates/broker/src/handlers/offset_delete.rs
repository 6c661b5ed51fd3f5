//! OffsetDelete (key 47), version 0 (KIP-496): deletes offsets that a group has committed.
//!
//! - A partition of a topic that a member of the group reads: GROUP_SUBSCRIBED_TO_TOPIC. While a
//!   member's subscription is not known (a first rebalance, or metadata that is none) that is every
//!   topic. A pattern counts for the topics that it has been found to match.
//! - A group whose members are no consumers: NON_EMPTY_GROUP for the request as a whole; a group that
//!   does not exist: GROUP_ID_NOT_FOUND. Such an answer names no partitions, as in Kafka.
//! - A partition that does not exist: UNKNOWN_TOPIC_OR_PARTITION. One without an offset succeeds.
//! - Answered when it is durable.

use model::{ErrorCode, TopicName};
use wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
};

use crate::context::RequestContext;

/// Deletes the offsets of all partitions that exist.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: OffsetDeleteRequest,
) -> OffsetDeleteResponse {
    let found = found_partitions(&ctx, &request);
    let existing: Vec<_> = found.iter().flatten().cloned().collect();
    let groups = &ctx.broker.groups;
    let deleted = groups.delete_offsets(&ctx.broker, &request.group_id, &existing);
    let mut deleted = match deleted.await {
        Ok(outcomes) => outcomes.into_iter(),
        Err(error) => {
            return OffsetDeleteResponse {
                error_code: error.code(),
                ..OffsetDeleteResponse::default()
            };
        }
    };
    let mut outcomes = found.into_iter().map(|found| match found {
        Some(_) => deleted.next(),
        None => Some(Err(ErrorCode::UnknownTopicOrPartition)),
    });
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let partitions = topic.partitions.iter().zip(&mut outcomes);
        let partitions = partitions.map(|(partition, outcome)| {
            let error = outcome.unwrap_or(Err(ErrorCode::UnknownServerError)).err();
            OffsetDeleteResponsePartition {
                partition_index: partition.partition_index,
                error_code: error.unwrap_or(ErrorCode::None).code(),
            }
        });
        topics.push(OffsetDeleteResponseTopic {
            partitions: partitions.collect(),
            name: topic.name,
        });
    }
    OffsetDeleteResponse {
        topics,
        ..OffsetDeleteResponse::default()
    }
}

/// The partitions of the request in their order; `None` for those that do not exist.
fn found_partitions(
    ctx: &RequestContext,
    request: &OffsetDeleteRequest,
) -> Vec<Option<(TopicName, i32)>> {
    let published = ctx.broker.metadata.published();
    let mut found = Vec::new();
    for asked in &request.topics {
        let topic = published.topics.by_name(&asked.name).ok();
        for partition in &asked.partitions {
            let index = partition.partition_index;
            let topic = topic.filter(|topic| topic.log(index).is_ok());
            found.push(topic.map(|topic| (topic.name().clone(), index)));
        }
    }
    found
}
