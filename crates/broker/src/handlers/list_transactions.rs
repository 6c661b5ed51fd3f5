//! ListTransactions (key 66), versions 0 to 2 (KIP-664): all transactional ids of this broker.
//!
//! - When some cannot be read the others are listed, with an error: the list is not whole.
//! - States are filtered by their names; those that do not exist are named in the answer.
//! - v1 (KIP-994): a filter by how long a transaction has been going on. What has not begun does not pass it.
//! - v2 (KIP-1152): a filter by a pattern that the whole id must match. One that is none gets
//!   INVALID_REGULAR_EXPRESSION.

use groups::TopicPattern;
use model::ErrorCode;
use transactions::{TransactionListing, TransactionState};
use wire::Text;
use wire::messages::list_transactions::{
    ListTransactionsRequest, ListTransactionsResponse, TransactionState as ListedState,
};

use crate::context::RequestContext;

/// Lists the ids that pass all filters.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: ListTransactionsRequest,
) -> ListTransactionsResponse {
    let mut response = ListTransactionsResponse::default();
    let pattern = request.transactional_id_pattern.as_deref();
    let pattern = match pattern.filter(|pattern| !pattern.is_empty()) {
        None => None,
        Some(pattern) => match TopicPattern::parse(pattern) {
            Ok(pattern) => Some(pattern),
            Err(_) => {
                response.error_code = ErrorCode::InvalidRegularExpression.code();
                return response;
            }
        },
    };
    let is_state = |name: &Text| TransactionState::NAMES.contains(&name.as_str());
    let unknown = request.state_filters.iter().filter(|name| !is_state(name));
    response.unknown_state_filters = unknown.cloned().collect();
    let now_ms = ctx.broker.env.clock.wall_ms();
    let passes = |listing: &TransactionListing| {
        let states = &request.state_filters;
        let ids = &request.producer_id_filters;
        let age_ms = match listing.started_ms {
            -1 => None,
            started_ms => Some(now_ms.saturating_sub(started_ms)),
        };
        let duration_ms = request.duration_filter;
        let matches = |pattern: &TopicPattern| pattern.matches(&listing.transactional_id);
        (states.is_empty() || states.iter().any(|name| name == listing.state.name()))
            && (ids.is_empty() || ids.contains(&listing.producer_id.0))
            && (duration_ms < 0 || age_ms.is_some_and(|age_ms| age_ms > duration_ms))
            && pattern.as_ref().is_none_or(matches)
    };
    let (listings, error) = ctx.broker.transactions.list(&ctx.broker).await;
    response.error_code = error.code();
    response.transaction_states = listings
        .iter()
        .filter(|one| passes(one))
        .map(listed)
        .collect();
    response
}

fn listed(listing: &TransactionListing) -> ListedState {
    ListedState {
        transactional_id: Text::from(listing.transactional_id.as_str()),
        producer_id: listing.producer_id.0,
        transaction_state: Text::from_static(listing.state.name()),
    }
}
