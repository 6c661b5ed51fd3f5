//! ElectLeaders (key 43), versions 0 to 2 (KIP-183): elects leaders of partitions.
//!
//! - The one broker leads everything, so that an election is never needed: ELECTION_NOT_NEEDED for each
//!   partition that is named. Null asks for all that need one; the answer names none.
//! - v1 (KIP-460): preferred (0) or unclean (1); another kind of election: INVALID_REQUEST, for the
//!   request and for each partition.
//! - `timeout_ms` is not looked at.

use model::ErrorCode;
use wire::messages::elect_leaders::{
    ElectLeadersRequest, ElectLeadersResponse, PartitionResult, ReplicaElectionResult,
    TopicPartitions,
};

use crate::context::RequestContext;
use crate::handlers::support::Refusal;

/// The kinds of elections: preferred and unclean.
const ELECTION_TYPES: [i8; 2] = [0, 1];

/// Says of each partition that it has its leader.
pub(crate) fn handle(ctx: &RequestContext, request: ElectLeadersRequest) -> ElectLeadersResponse {
    let is_known = ELECTION_TYPES.contains(&request.election_type);
    let topics = request.topic_partitions.unwrap_or_default().into_iter();
    let results = topics.map(|topic| {
        let refusal = |index| match is_known {
            true => outcome(ctx, &topic, index),
            false => Refusal::new(
                ErrorCode::InvalidRequest,
                format!("there is no election of type {}", request.election_type),
            ),
        };
        let partitions = topic.partitions.iter().map(|index| {
            let refusal = refusal(*index);
            PartitionResult {
                partition_id: *index,
                error_code: refusal.code.code(),
                error_message: refusal.text(),
            }
        });
        ReplicaElectionResult {
            partition_result: partitions.collect(),
            topic: topic.topic.clone(),
        }
    });
    let error = match is_known {
        true => ErrorCode::None,
        false => ErrorCode::InvalidRequest,
    };
    ElectLeadersResponse {
        error_code: error.code(),
        replica_election_results: results.collect(),
        ..ElectLeadersResponse::default()
    }
}

/// Why there is no election.
fn outcome(ctx: &RequestContext, topic: &TopicPartitions, index: i32) -> Refusal {
    let published = ctx.broker.metadata.published();
    let found = published.topics.by_name(&topic.topic);
    match found.and_then(|topic| topic.log(index)) {
        Ok(_) => Refusal::new(
            ErrorCode::ElectionNotNeeded,
            "the partition has its preferred leader",
        ),
        Err(code) => {
            let name = &topic.topic;
            Refusal::new(code, format!("there is no partition {name}-{index}"))
        }
    }
}
