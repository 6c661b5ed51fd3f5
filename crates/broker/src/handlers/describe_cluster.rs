//! DescribeCluster (key 60), versions 0 to 2: the cluster's id and its brokers.
//!
//! - One broker, which is the controller, under the address that clients are told to use.
//! - Authorized operations (KIP-430): there are no ACLs, so all that exist are allowed.
//! - v1 (KIP-919): an address of a broker is not one of a controller, so asking for controllers gets
//!   MISMATCHED_ENDPOINT_TYPE, and anything else UNSUPPORTED_ENDPOINT_TYPE. v2 (KIP-1073): no broker is
//!   ever fenced.

use model::ErrorCode;
use wire::Text;
use wire::messages::describe_cluster::{
    DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
};

use crate::context::RequestContext;
use crate::handlers::support::{CLUSTER_OPERATIONS, NO_OPERATIONS};

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

/// Describes the cluster.
pub(crate) fn handle(
    ctx: &RequestContext,
    request: DescribeClusterRequest,
) -> DescribeClusterResponse {
    match request.endpoint_type {
        BROKERS => {}
        CONTROLLERS => {
            return refused(
                ErrorCode::MismatchedEndpointType,
                "this is the address of a broker, not of a controller",
            );
        }
        _ => {
            return refused(
                ErrorCode::UnsupportedEndpointType,
                "endpoints are brokers (1) or controllers (2)",
            );
        }
    }
    let settings = &ctx.broker.settings;
    DescribeClusterResponse {
        cluster_id: Text::from(ctx.broker.cluster_id().unwrap_or_default()),
        controller_id: settings.broker.node_id,
        brokers: vec![DescribeClusterBroker {
            broker_id: settings.broker.node_id,
            host: Text::from(&settings.advertised_host),
            port: i32::from(settings.advertised_port),
            rack: None,
            is_fenced: false,
        }],
        cluster_authorized_operations: match request.include_cluster_authorized_operations {
            true => CLUSTER_OPERATIONS,
            false => NO_OPERATIONS,
        },
        ..DescribeClusterResponse::default()
    }
}

fn refused(error: ErrorCode, message: &'static str) -> DescribeClusterResponse {
    DescribeClusterResponse {
        error_code: error.code(),
        error_message: Some(Text::from_static(message)),
        ..DescribeClusterResponse::default()
    }
}
