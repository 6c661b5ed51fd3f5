//! ListConfigResources (key 74), versions 0 and 1 (KIP-1142): what settings can belong to.
//!
//! - Topics (2), this broker (4), and groups (32) that have settings of their own. Client metrics (16)
//!   and loggers (8) do not exist here, so none are listed. Version 0 asks for client metrics only.
//! - No kind asks for all. A kind that nobody knows: UNSUPPORTED_VERSION, as in Kafka.

use model::ErrorCode;
use wire::Text;
use wire::messages::list_config_resources::{
    ConfigResource, ListConfigResourcesRequest, ListConfigResourcesResponse,
};

use crate::context::RequestContext;
use crate::handlers::support::resources;

/// Lists the resources of the kinds asked for.
pub(crate) fn handle(
    ctx: &RequestContext,
    request: ListConfigResourcesRequest,
) -> ListConfigResourcesResponse {
    let kinds = match request.resource_types {
        _ if ctx.version == 0 => vec![resources::CLIENT_METRICS],
        kinds if kinds.is_empty() => resources::ALL.to_vec(),
        kinds => kinds,
    };
    if kinds.iter().any(|kind| !resources::ALL.contains(kind)) {
        return ListConfigResourcesResponse {
            error_code: ErrorCode::UnsupportedVersion.code(),
            ..ListConfigResourcesResponse::default()
        };
    }
    let mut config_resources = Vec::new();
    let mut list = |kind: i8, name: Text| {
        if kinds.contains(&kind) {
            config_resources.push(ConfigResource {
                resource_name: name,
                resource_type: kind,
            });
        }
    };
    let node_id = ctx.broker.settings.broker.node_id;
    list(resources::BROKER, Text::from(node_id.to_string()));
    let published = ctx.broker.metadata.published();
    for topic in published.image.topics() {
        list(resources::TOPIC, Text::from(topic.name.as_str()));
    }
    for group_id in published.image.groups_with_configs() {
        list(resources::GROUP, Text::from(group_id));
    }
    ListConfigResourcesResponse {
        config_resources,
        ..ListConfigResourcesResponse::default()
    }
}
