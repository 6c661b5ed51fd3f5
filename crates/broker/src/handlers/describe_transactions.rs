//! DescribeTransactions (key 65), version 0 (KIP-664): how transactions stand.
//!
//! - An id that is named twice is told once.
//! - While a transaction ends, its partitions are those that have no marker yet.

use model::{ErrorCode, ProducerEpoch, ProducerId};
use transactions::TransactionDescription;
use wire::Text;
use wire::messages::describe_transactions::{
    DescribeTransactionsRequest, DescribeTransactionsResponse, TopicData, TransactionState,
};

use super::support::keep_first_of_each;
use crate::context::RequestContext;

/// Looks each of the ids up.
pub(crate) async fn handle(
    ctx: RequestContext,
    mut request: DescribeTransactionsRequest,
) -> DescribeTransactionsResponse {
    keep_first_of_each(&mut request.transactional_ids, Clone::clone);
    let mut response = DescribeTransactionsResponse::default();
    for id in request.transactional_ids {
        let transactions = &ctx.broker.transactions;
        let state = match transactions.describe(&ctx.broker, &id).await {
            Ok(found) => described(id, &found),
            Err(error) => TransactionState {
                error_code: error.code(),
                transactional_id: id,
                producer_id: ProducerId::NONE.0,
                producer_epoch: ProducerEpoch::NONE.0,
                transaction_start_time_ms: -1,
                ..TransactionState::default()
            },
        };
        response.transaction_states.push(state);
    }
    response
}

fn described(transactional_id: Text, found: &TransactionDescription) -> TransactionState {
    let topics = found.partitions.topics().map(|(topic, indexes)| TopicData {
        topic: Text::from(topic.as_str()),
        partitions: indexes.iter().copied().collect(),
    });
    TransactionState {
        error_code: ErrorCode::None.code(),
        transactional_id,
        transaction_state: Text::from_static(found.state.name()),
        transaction_timeout_ms: found.timeout_ms,
        transaction_start_time_ms: found.started_ms,
        producer_id: found.producer.id.0,
        producer_epoch: found.producer.epoch.0,
        topics: topics.collect(),
    }
}
