//! LeaveGroup (key 13), versions 0 to 5: members leave a group, or are removed from it, whatever
//! protocol they speak.
//!
//! - v0 to v2: one member; its error is that of the request.
//! - v3 (KIP-345): many members, an error for each; an empty member id with an instance id removes
//!   whoever the instance is at present. v4: flexible.
//! - v5 (KIP-800): the reason is for the log.

use groups::Leaver;
use model::ErrorCode;
use wire::messages::leave_group::{
    LeaveGroupRequest, LeaveGroupResponse, MemberIdentity, MemberResponse,
};

use crate::context::RequestContext;

/// Lets the members go.
pub(crate) async fn handle(ctx: RequestContext, request: LeaveGroupRequest) -> LeaveGroupResponse {
    let has_many = ctx.version >= 3;
    let leavers: Vec<Leaver<'_>> = if has_many {
        request.members.iter().map(leaver).collect()
    } else {
        vec![Leaver {
            member_id: &request.member_id,
            group_instance_id: None,
        }]
    };
    let groups = &ctx.broker.groups;
    let results = match groups.leave(&ctx.broker, &request.group_id, &leavers).await {
        Ok(results) => results,
        Err(error) => return of_request(error),
    };
    if !has_many {
        let only = results.into_iter().next().and_then(Result::err);
        return of_request(only.unwrap_or(ErrorCode::None));
    }
    let members = request.members.iter().zip(results);
    LeaveGroupResponse {
        members: members
            .map(|(member, result)| MemberResponse {
                member_id: member.member_id.clone(),
                group_instance_id: member.group_instance_id.clone(),
                error_code: result.err().unwrap_or(ErrorCode::None).code(),
            })
            .collect(),
        ..LeaveGroupResponse::default()
    }
}

fn leaver(member: &MemberIdentity) -> Leaver<'_> {
    tracing::debug!(
        member = %member.member_id,
        reason = member.reason.as_deref().unwrap_or_default(),
        "leave"
    );
    Leaver {
        member_id: &member.member_id,
        group_instance_id: member.group_instance_id.as_deref(),
    }
}

fn of_request(error: ErrorCode) -> LeaveGroupResponse {
    LeaveGroupResponse {
        error_code: error.code(),
        ..LeaveGroupResponse::default()
    }
}
