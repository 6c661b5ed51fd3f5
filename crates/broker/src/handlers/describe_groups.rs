//! DescribeGroups (key 15), versions 0 to 6: classic groups with their members.
//!
//! - Protocol and metadata are shown in a stable group only: during a rebalance nothing is agreed on.
//!   Assignments are those of the last generation that had any.
//! - A group that is named twice is answered once. A consumer group is not described here: to this API
//!   there is no group of its name.
//! - v3 (KIP-430): authorized operations; there are no ACLs, so all a group has are allowed.
//! - v4 (KIP-345): static members. v5: flexible.
//! - v6 (KIP-1043): a group that does not exist gets GROUP_ID_NOT_FOUND with a message; before, it is
//!   in the state Dead without an error.

use groups::{GroupDescription, GroupState};
use model::ErrorCode;
use wire::Text;
use wire::messages::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};

use crate::context::RequestContext;
use crate::handlers::support::{GROUP_OPERATIONS, NO_OPERATIONS, keep_first_of_each};

/// Describes each group.
pub(crate) async fn handle(
    ctx: RequestContext,
    mut request: DescribeGroupsRequest,
) -> DescribeGroupsResponse {
    keep_first_of_each(&mut request.groups, Text::clone);
    let mut response = DescribeGroupsResponse::default();
    for group_id in request.groups {
        let groups = &ctx.broker.groups;
        let found = groups
            .look(&ctx.broker, &group_id, |group| group.describe())
            .await;
        let mut described = match found.map(Option::flatten) {
            Ok(Some(group)) => describe(group_id, group),
            Ok(None) => not_found(&ctx, group_id),
            Err(error) => DescribedGroup {
                error_code: error.code(),
                group_id,
                ..DescribedGroup::default()
            },
        };
        described.authorized_operations = match request.include_authorized_operations {
            true => GROUP_OPERATIONS,
            false => NO_OPERATIONS,
        };
        response.groups.push(described);
    }
    response
}

fn describe(group_id: Text, group: GroupDescription) -> DescribedGroup {
    let members = group
        .members
        .into_iter()
        .map(|member| DescribedGroupMember {
            member_id: Text::from(member.member_id),
            group_instance_id: member.group_instance_id.map(Text::from),
            client_id: Text::from(member.client_id),
            client_host: Text::from(member.client_host),
            member_metadata: member.metadata,
            member_assignment: member.assignment,
        });
    DescribedGroup {
        error_code: ErrorCode::None.code(),
        error_message: None,
        group_id,
        group_state: Text::from_static(group.state.name()),
        protocol_type: Text::from(group.protocol_type),
        protocol_data: Text::from(group.protocol_name),
        members: members.collect(),
        authorized_operations: NO_OPERATIONS,
    }
}

fn not_found(ctx: &RequestContext, group_id: Text) -> DescribedGroup {
    let mut described = DescribedGroup {
        group_state: Text::from_static(GroupState::Dead.name()),
        ..DescribedGroup::default()
    };
    if ctx.version >= 6 {
        described.error_code = ErrorCode::GroupIdNotFound.code();
        described.error_message = Some(Text::from(format!("there is no group {group_id}")));
    }
    described.group_id = group_id;
    described
}
