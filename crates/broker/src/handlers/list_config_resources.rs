//! ListConfigResources (key 74), versions 0 and 1 (KIP-1142): what settings can belong to.
//!
//! - Topics (2) and this broker (4). Client metrics (16) and loggers (8) do not exist here, so none are
//!   listed. Version 0 asks for client metrics only.
//! - No kind asks for all. A kind that nobody knows: UNSUPPORTED_VERSION, as in Kafka.

use model::ErrorCode;
use wire::Text;
use wire::messages::list_config_resources::{
    ConfigResource, ListConfigResourcesRequest, ListConfigResourcesResponse,
};

use crate::context::RequestContext;
use crate::handlers::support::resource_type;

/// Lists the resources of the kinds asked for.
pub(crate) fn handle(
    ctx: &RequestContext,
    request: ListConfigResourcesRequest,
) -> ListConfigResourcesResponse {
    let kinds = match request.resource_types {
        _ if ctx.version == 0 => vec![resource_type::CLIENT_METRICS],
        kinds if kinds.is_empty() => resource_type::ALL.to_vec(),
        kinds => kinds,
    };
    if kinds.iter().any(|kind| !resource_type::ALL.contains(kind)) {
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
    list(resource_type::BROKER, Text::from(node_id.to_string()));
    for topic in ctx.broker.metadata.published().image.topics() {
        list(resource_type::TOPIC, Text::from(topic.name.as_str()));
    }
    ListConfigResourcesResponse {
        config_resources,
        ..ListConfigResourcesResponse::default()
    }
}
