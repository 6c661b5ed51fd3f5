//! AlterPartitionReassignments (key 45), versions 0 and 1 (KIP-455): moves replicas between brokers.
//!
//! - There is one broker, so every partition is where it can be: naming this broker alone succeeds and
//!   changes nothing. Any other list, an empty one too: INVALID_REPLICA_ASSIGNMENT.
//! - Null stops a move, of which there is none: NO_REASSIGNMENT_IN_PROGRESS.
//! - Each partition succeeds or fails by itself. `timeout_ms` is not looked at, nor, since no valid list
//!   has another length, `allow_replication_factor_change` (v1), which the answer repeats.

use model::ErrorCode;
use wire::messages::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ReassignablePartition,
    ReassignablePartitionResponse, ReassignableTopic, ReassignableTopicResponse,
};

use crate::context::RequestContext;
use crate::handlers::support::Refusal;

/// Says of each partition whether it is, or could be, where it is wanted.
pub(crate) fn handle(
    ctx: &RequestContext,
    request: AlterPartitionReassignmentsRequest,
) -> AlterPartitionReassignmentsResponse {
    let topics = request.topics.into_iter().map(|topic| answer(ctx, topic));
    AlterPartitionReassignmentsResponse {
        allow_replication_factor_change: request.allow_replication_factor_change,
        error_message: None,
        responses: topics.collect(),
        ..AlterPartitionReassignmentsResponse::default()
    }
}

fn answer(ctx: &RequestContext, topic: ReassignableTopic) -> ReassignableTopicResponse {
    let partitions = topic.partitions.iter().map(|partition| {
        let (error_code, error_message) = match check(ctx, &topic.name, partition) {
            Ok(()) => (ErrorCode::None, None),
            Err(refusal) => (refusal.code, refusal.text()),
        };
        ReassignablePartitionResponse {
            partition_index: partition.partition_index,
            error_code: error_code.code(),
            error_message,
        }
    });
    ReassignableTopicResponse {
        partitions: partitions.collect(),
        name: topic.name,
    }
}

fn check(
    ctx: &RequestContext,
    topic: &str,
    partition: &ReassignablePartition,
) -> Result<(), Refusal> {
    let index = partition.partition_index;
    let published = ctx.broker.metadata.published();
    let found = published.topics.by_name(topic);
    found
        .and_then(|topic| topic.log(index))
        .map_err(|code| Refusal::new(code, format!("there is no partition {topic}-{index}")))?;
    let node_id = ctx.broker.settings.broker.node_id;
    match partition.replicas.as_deref() {
        Some([only]) if *only == node_id => Ok(()),
        Some(_) => Err(Refusal::new(
            ErrorCode::InvalidReplicaAssignment,
            format!("partitions can only be assigned to the one broker there is, {node_id}"),
        )),
        None => Err(Refusal::new(
            ErrorCode::NoReassignmentInProgress,
            "the partition is not being moved",
        )),
    }
}
