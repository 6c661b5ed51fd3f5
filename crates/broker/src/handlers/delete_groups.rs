//! DeleteGroups (key 42), versions 0 to 2: deletes groups that have no members, with their offsets.
//!
//! - NON_EMPTY_GROUP for a group with members, GROUP_ID_NOT_FOUND for one that does not exist.
//! - v2: flexible.

use model::ErrorCode;
use wire::messages::delete_groups::{
    DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse,
};

use crate::context::RequestContext;

/// Deletes each group.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: DeleteGroupsRequest,
) -> DeleteGroupsResponse {
    let mut response = DeleteGroupsResponse::default();
    for group_id in request.groups_names {
        let deleted = ctx.broker.groups.delete_group(&ctx.broker, &group_id).await;
        response.results.push(DeletableGroupResult {
            group_id,
            error_code: deleted.err().unwrap_or(ErrorCode::None).code(),
        });
    }
    response
}
