//! ListPartitionReassignments (key 46), version 0 (KIP-455): replicas that are being moved. With one
//! broker there are none, whatever is asked for; `kafka-topics --describe` wants to hear it.

use wire::messages::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
};

use crate::context::RequestContext;

/// Answers that nothing is moved.
pub(crate) fn handle(
    _ctx: &RequestContext,
    _request: ListPartitionReassignmentsRequest,
) -> ListPartitionReassignmentsResponse {
    ListPartitionReassignmentsResponse {
        // Null, where its default is an empty text.
        error_message: None,
        ..ListPartitionReassignmentsResponse::default()
    }
}
