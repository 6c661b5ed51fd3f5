//! JoinGroup (key 11), versions 0 to 9: enters a group, or enters it again for a rebalance.
//!
//! - In a classic group it waits for the other members, in a consumer group it is answered at once;
//!   what becomes of the group is decided in the `groups` crate. The wait ends with the connection, the
//!   membership does not.
//! - v0: the session timeout is the rebalance timeout too; v1 (KIP-62) has its own.
//! - v4 (KIP-394): a member without an id gets MEMBER_ID_REQUIRED and one to come back with.
//! - v5 (KIP-345): static members. v6: flexible.
//! - v7 (KIP-559): protocol type in the answer; an error has a null protocol name (before: "").
//! - v8 (KIP-800): the reason is for the log.
//! - v9 (KIP-814): a static leader that comes back is told to skip the assignment.

use groups::{JoinReply, JoinRequest, Joined, Protocol};
use model::ErrorCode;
use wire::Text;
use wire::messages::join_group::{JoinGroupRequest, JoinGroupResponse, JoinGroupResponseMember};

use crate::context::RequestContext;
use crate::errors;

/// Joins, and answers when the generation begins.
pub(crate) async fn handle(ctx: RequestContext, request: JoinGroupRequest) -> JoinGroupResponse {
    tracing::debug!(
        group = %request.group_id,
        member = %request.member_id,
        reason = request.reason.as_deref().unwrap_or_default(),
        "join"
    );
    let member_id = request.member_id.clone();
    let request = join_request(&ctx, request);
    let reply = ctx.broker.groups.join(&ctx.broker, request).await;
    match reply {
        Ok(reply) => answer(&ctx, reply),
        Err(error) => refused(&ctx, error, member_id),
    }
}

fn join_request(ctx: &RequestContext, request: JoinGroupRequest) -> JoinRequest {
    let protocols = request.protocols.into_iter().map(|protocol| Protocol {
        name: protocol.name.to_string(),
        metadata: protocol.metadata,
    });
    JoinRequest {
        group_id: request.group_id.to_string(),
        member_id: request.member_id.to_string(),
        group_instance_id: request.group_instance_id.map(|id| id.to_string()),
        client_id: ctx.client_id().to_owned(),
        client_host: ctx.client_host(),
        session_timeout_ms: request.session_timeout_ms,
        rebalance_timeout_ms: match ctx.version {
            0 => request.session_timeout_ms,
            _ => request.rebalance_timeout_ms,
        },
        protocol_type: request.protocol_type.to_string(),
        protocols: protocols.collect(),
        requires_known_member_id: ctx.version >= 4,
        supports_skipping_assignment: ctx.version >= 9,
        random: ctx.broker.env.rng.random_16(),
    }
}

fn answer(ctx: &RequestContext, reply: JoinReply) -> JoinGroupResponse {
    match reply {
        Ok(joined) => response(joined),
        Err(refusal) => {
            let error = errors::of_group(refusal.error);
            refused(ctx, error, Text::from(refusal.member_id))
        }
    }
}

fn response(joined: Joined) -> JoinGroupResponse {
    let members = joined.members.into_iter();
    JoinGroupResponse {
        error_code: ErrorCode::None.code(),
        generation_id: joined.generation_id,
        protocol_type: Some(Text::from(joined.protocol_type)),
        protocol_name: Some(Text::from(joined.protocol_name)),
        leader: Text::from(joined.leader),
        skip_assignment: joined.skip_assignment,
        member_id: Text::from(joined.member_id),
        members: members
            .map(|member| JoinGroupResponseMember {
                member_id: Text::from(member.member_id),
                group_instance_id: member.group_instance_id.map(Text::from),
                metadata: member.metadata,
            })
            .collect(),
        ..JoinGroupResponse::default()
    }
}

fn refused(ctx: &RequestContext, error: ErrorCode, member_id: Text) -> JoinGroupResponse {
    JoinGroupResponse {
        error_code: error.code(),
        generation_id: -1,
        protocol_name: (ctx.version < 7).then_some(Text::EMPTY),
        member_id,
        ..JoinGroupResponse::default()
    }
}
