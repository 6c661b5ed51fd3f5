//! ListGroups (key 16), versions 0 to 5: all groups of this broker.
//!
//! - When some groups cannot be read the others are listed, with an error: the list is not whole.
//! - v3: flexible.
//! - v4 (KIP-518): states, and a filter by them. Names match in any case; one that is no state matches
//!   nothing.
//! - v5 (KIP-848): types ("classic", "consumer"), and a filter by them.

use groups::GroupListing;
use wire::Text;
use wire::messages::list_groups::{ListGroupsRequest, ListGroupsResponse, ListedGroup};

use crate::context::RequestContext;

/// Lists the groups that pass both filters.
pub(crate) async fn handle(ctx: RequestContext, request: ListGroupsRequest) -> ListGroupsResponse {
    let (listings, error) = ctx.broker.groups.list(&ctx.broker).await;
    let groups = listings
        .into_iter()
        .filter(|group| passes(&request.states_filter, group.state.name()))
        .filter(|group| passes(&request.types_filter, group.kind.name()))
        .map(listed);
    ListGroupsResponse {
        error_code: error.code(),
        groups: groups.collect(),
        ..ListGroupsResponse::default()
    }
}

fn passes(filter: &[Text], name: &str) -> bool {
    filter.is_empty() || filter.iter().any(|asked| asked.eq_ignore_ascii_case(name))
}

fn listed(group: GroupListing) -> ListedGroup {
    ListedGroup {
        group_id: Text::from(group.group_id.as_str()),
        protocol_type: Text::from(group.protocol_type),
        group_state: Text::from_static(group.state.name()),
        group_type: Text::from_static(group.kind.name()),
    }
}
