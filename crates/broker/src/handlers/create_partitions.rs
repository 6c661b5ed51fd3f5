//! CreatePartitions (key 37), versions 0 to 3 (KIP-195): adds partitions to topics.
//!
//! - `count` is the number of partitions in all. As many as there are, or fewer: INVALID_PARTITIONS. A
//!   topic has at most 10,000.
//! - Each topic succeeds or fails by itself; those that succeed are written as one change and answered
//!   when it is durable. Clients learn of the new partitions when they ask for metadata again.
//! - One broker: a manual assignment has one entry for each new partition and can only name this broker
//!   (INVALID_REPLICA_ASSIGNMENT). The broker's own topics keep their partitions (POLICY_VIOLATION).
//! - A name that occurs twice is refused wherever it occurs.
//! - v3 (KIP-599): a topic that `controller_mutation_rate` leaves no room for is refused
//!   (THROTTLING_QUOTA_EXCEEDED); before, it grows and the client is held back. Each new partition counts.
//! - `timeout_ms` is not looked at: the change takes one write.

use metadata::{MetadataRecord, MorePartitions, plan_add_partitions};
use model::ErrorCode;
use wire::messages::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic,
    CreatePartitionsTopicResult,
};

use crate::context::RequestContext;
use crate::errors;
use crate::handlers::support::{Refusal, change_each, repeated};

/// The first version whose clients know that a topic may be refused because of a quota.
const STRICT_FROM: i16 = 3;

/// Adds the partitions, or checks whether they could be added.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let twice = repeated(request.topics.iter().map(|topic| topic.name.clone()));
    let node_id = ctx.broker.settings.broker.node_id;
    let mut changes = ctx.changes(STRICT_FROM);
    let outcomes = change_each(
        &ctx,
        request.topics,
        request.validate_only,
        |image, topic| {
            if twice.contains(&topic.name) {
                let message = "the topic is named twice in this request";
                return Err(Refusal::new(ErrorCode::InvalidRequest, message));
            }
            let record =
                plan_add_partitions(image, node_id, &more_partitions(topic)).map_err(|error| {
                    Refusal::new(errors::of_add_partitions(&error), error.to_string())
                })?;
            if !request.validate_only {
                changes.charge(added(&record))?;
            }
            Ok((Some(record), ()))
        },
    );
    let results = outcomes.await.into_iter().map(|(topic, outcome)| {
        let (error_code, error_message) = match outcome {
            Ok(()) => (ErrorCode::None, None),
            Err(refusal) => (refusal.code, refusal.text()),
        };
        CreatePartitionsTopicResult {
            name: topic.name,
            error_code: error_code.code(),
            error_message,
        }
    });
    CreatePartitionsResponse {
        results: results.collect(),
        throttle_time_ms: changes.throttle_time_ms(),
    }
}

fn added(record: &MetadataRecord) -> usize {
    match record {
        MetadataRecord::PartitionsAdded { partitions, .. } => partitions.len(),
        other => panic!("more partitions are planned as {other:?}"),
    }
}

fn more_partitions(topic: &CreatePartitionsTopic) -> MorePartitions {
    let assignments = topic.assignments.as_ref().map(|assignments| {
        let brokers = assignments.iter();
        brokers.map(|one| one.broker_ids.clone()).collect()
    });
    MorePartitions {
        topic: topic.name.to_string(),
        count: topic.count,
        assignments,
    }
}
