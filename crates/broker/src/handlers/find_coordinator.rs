//! FindCoordinator (key 10), versions 0 to 6: which broker to ask about a group or a
//! transaction.
//!
//! - One broker coordinates everything; the answer is this one, by its advertised address.
//! - The topic that holds the groups, or the transactions, is created here if it is not there yet, and durable by
//!   then: a client that has found its coordinator can use it.
//! - v1 (KIP-98): kinds of keys, groups (0) and transactional ids (1).
//! - v3: flexible. v4 (KIP-699): many keys, an error for each.
//! - v5 (KIP-890): no new behaviour.
//! - v6 (KIP-932): share partitions (2) are not served and get INVALID_REQUEST, as do unknown kinds.

use model::ErrorCode;
use wire::Text;
use wire::messages::find_coordinator::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse,
};

use crate::context::RequestContext;

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

/// Names this broker for everything.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: FindCoordinatorRequest,
) -> FindCoordinatorResponse {
    let outcome = match request.key_type {
        GROUP => match ctx.broker.groups.ensure(&ctx.broker).await {
            Ok(()) => Ok(()),
            Err(error) => Err((error, "the groups cannot be reached at the moment")),
        },
        TRANSACTION => match ctx.broker.transactions.ensure(&ctx.broker).await {
            Ok(()) => Ok(()),
            Err(error) => Err((error, "the transactions cannot be reached at the moment")),
        },
        _ => Err((
            ErrorCode::InvalidRequest,
            "this kind of coordinator is not supported",
        )),
    };
    if ctx.version >= 4 {
        let coordinators = request.coordinator_keys.into_iter();
        return FindCoordinatorResponse {
            coordinators: coordinators
                .map(|key| coordinator(&ctx, key, outcome))
                .collect(),
            ..FindCoordinatorResponse::default()
        };
    }
    let found = coordinator(&ctx, request.key, outcome);
    FindCoordinatorResponse {
        error_code: found.error_code,
        error_message: found.error_message,
        node_id: found.node_id,
        host: found.host,
        port: found.port,
        ..FindCoordinatorResponse::default()
    }
}

fn coordinator(
    ctx: &RequestContext,
    key: Text,
    outcome: Result<(), (ErrorCode, &'static str)>,
) -> Coordinator {
    let settings = &ctx.broker.settings;
    match outcome {
        Ok(()) => Coordinator {
            key,
            node_id: settings.broker.node_id,
            host: Text::from(&settings.advertised_host),
            port: i32::from(settings.advertised_port),
            error_code: ErrorCode::None.code(),
            error_message: None,
        },
        Err((error, message)) => Coordinator {
            key,
            node_id: -1,
            host: Text::EMPTY,
            port: -1,
            error_code: error.code(),
            error_message: Some(Text::from_static(message)),
        },
    }
}
