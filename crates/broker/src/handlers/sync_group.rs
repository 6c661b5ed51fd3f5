//! SyncGroup (key 14), versions 0 to 5: the leader hands assignments in, every member gets its own.
//!
//! - A follower waits for the leader; in a consumer group the broker assigns and nobody waits. The wait
//!   ends with the connection, the membership does not.
//! - The assignment is durable, with the generation, before anybody gets it.
//! - v3 (KIP-345): static members. v4: flexible.
//! - v5 (KIP-559): protocol type and name must be named and be the group's.

use bytes::Bytes;
use groups::{GroupError, SyncRequest};
use model::ErrorCode;
use wire::Text;
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};

use crate::context::RequestContext;
use crate::errors;

/// Syncs, and answers when the leader has assigned.
pub(crate) async fn handle(ctx: RequestContext, request: SyncGroupRequest) -> SyncGroupResponse {
    let is_named = request.protocol_type.is_some() && request.protocol_name.is_some();
    if ctx.version >= 5 && !is_named {
        return refused(errors::of_group(GroupError::InconsistentGroupProtocol));
    }
    let request = sync_request(request);
    let reply = ctx.broker.groups.sync(&ctx.broker, request).await;
    match reply.and_then(|reply| reply.map_err(errors::of_group)) {
        Ok(synced) => SyncGroupResponse {
            error_code: ErrorCode::None.code(),
            protocol_type: Some(Text::from(synced.protocol_type)),
            protocol_name: Some(Text::from(synced.protocol_name)),
            assignment: synced.assignment,
            ..SyncGroupResponse::default()
        },
        Err(error) => refused(error),
    }
}

fn sync_request(request: SyncGroupRequest) -> SyncRequest {
    let assignments = request.assignments.into_iter();
    SyncRequest {
        group_id: request.group_id.to_string(),
        member_id: request.member_id.to_string(),
        group_instance_id: request.group_instance_id.map(|id| id.to_string()),
        generation_id: request.generation_id,
        protocol_type: request.protocol_type.map(|text| text.to_string()),
        protocol_name: request.protocol_name.map(|text| text.to_string()),
        assignments: assignments
            .map(|given| (given.member_id.to_string(), given.assignment))
            .collect(),
    }
}

fn refused(error: ErrorCode) -> SyncGroupResponse {
    SyncGroupResponse {
        error_code: error.code(),
        assignment: Bytes::new(),
        ..SyncGroupResponse::default()
    }
}
