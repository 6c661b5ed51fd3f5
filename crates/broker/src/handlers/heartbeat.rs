//! Heartbeat (key 12), versions 0 to 4: a member on the classic protocol is alive, and learns
//! whether it has to join again.
//!
//! - v3 (KIP-345): static members. v4: flexible.

use model::ErrorCode;
use wire::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};

use crate::context::RequestContext;

/// Renews the session.
pub(crate) async fn handle(ctx: RequestContext, request: HeartbeatRequest) -> HeartbeatResponse {
    let beat = groups::HeartbeatRequest {
        group_id: &request.group_id,
        member_id: &request.member_id,
        group_instance_id: request.group_instance_id.as_deref(),
        generation_id: request.generation_id,
    };
    let result = ctx.broker.groups.heartbeat(&ctx.broker, beat).await;
    HeartbeatResponse {
        error_code: result.err().unwrap_or(ErrorCode::None).code(),
        ..HeartbeatResponse::default()
    }
}
