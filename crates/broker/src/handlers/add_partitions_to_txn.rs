//! AddPartitionsToTxn (key 24), versions 0 to 5: takes partitions into a transaction, which the first ones begin.
//!
//! - All or nothing: with one partition that cannot be added the others get OPERATION_NOT_ATTEMPTED.
//! - What is there already is added again with success, and nothing is written.
//! - v2: PRODUCER_FENCED; INVALID_PRODUCER_EPOCH before (KIP-588). v3: flexible.
//! - v4 and v5 (KIP-890) are what brokers send each other: many transactions, and with `verify_only` the question
//!   whether partitions have been added. One that has not: TRANSACTION_ABORTABLE, before v5 INVALID_TXN_STATE.

use model::ErrorCode;
use transactions::{ClientVersion, Partitions, ProducerOf};
use wire::messages::add_partitions_to_txn::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse,
    AddPartitionsToTxnResult, AddPartitionsToTxnTopic, AddPartitionsToTxnTopicResult,
    AddPartitionsToTxnTransaction,
};

use super::support::transactional::{fenced_since, producer_of, writable_partition};
use crate::context::RequestContext;

/// The first version whose clients know PRODUCER_FENCED.
const FENCED_SINCE: i16 = 2;
/// The first version of brokers.
const BATCHED_SINCE: i16 = 4;
/// The first version whose senders know TRANSACTION_ABORTABLE.
const ABORTABLE_SINCE: i16 = 5;

/// Adds to one transaction, or to each of many.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: AddPartitionsToTxnRequest,
) -> AddPartitionsToTxnResponse {
    let mut response = AddPartitionsToTxnResponse::default();
    if ctx.version < BATCHED_SINCE {
        let of = producer_of(
            &request.transactional_id,
            request.producer_id,
            request.producer_epoch,
        );
        let topics = &request.topics;
        response.results_by_topic = add(&ctx, of, topics, ClientVersion::One).await;
        return response;
    }
    for transaction in &request.transactions {
        let AddPartitionsToTxnTransaction {
            transactional_id,
            producer_id,
            producer_epoch,
            verify_only,
            topics,
        } = transaction;
        let of = producer_of(transactional_id, *producer_id, *producer_epoch);
        let topic_results = match verify_only {
            true => verify(&ctx, of, topics).await,
            false => add(&ctx, of, topics, ClientVersion::Two).await,
        };
        response
            .results_by_transaction
            .push(AddPartitionsToTxnResult {
                transactional_id: transactional_id.clone(),
                topic_results,
            });
    }
    response
}

async fn add(
    ctx: &RequestContext,
    of: ProducerOf<'_>,
    topics: &[AddPartitionsToTxnTopic],
    version: ClientVersion,
) -> Vec<AddPartitionsToTxnTopicResult> {
    let mut partitions = Partitions::default();
    let mut is_sound = true;
    let mut results = each(topics, |topic, index| {
        match writable_partition(ctx, topic, index) {
            Ok(topic) => {
                partitions.insert(&topic, index);
                ErrorCode::None
            }
            Err(error) => {
                is_sound = false;
                error
            }
        }
    });
    let outcome = if is_sound {
        let transactions = &ctx.broker.transactions;
        let added = transactions
            .add_partitions(&ctx.broker, of, &partitions, version)
            .await;
        let error = added.err().unwrap_or(ErrorCode::None);
        fenced_since(FENCED_SINCE, ctx.version, error)
    } else {
        ErrorCode::OperationNotAttempted
    };
    let partitions = results
        .iter_mut()
        .flat_map(|topic| &mut topic.results_by_partition);
    for partition in partitions {
        if partition.partition_error_code == ErrorCode::None.code() {
            partition.partition_error_code = outcome.code();
        }
    }
    results
}

async fn verify(
    ctx: &RequestContext,
    of: ProducerOf<'_>,
    topics: &[AddPartitionsToTxnTopic],
) -> Vec<AddPartitionsToTxnTopicResult> {
    let asked: Vec<_> = topics
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(|index| (&*topic.name, *index)))
        .collect();
    let transactions = &ctx.broker.transactions;
    let verified = transactions
        .verify_partitions(&ctx.broker, of, &asked)
        .await;
    let absent = match ctx.version >= ABORTABLE_SINCE {
        true => ErrorCode::TransactionAbortable,
        false => ErrorCode::InvalidTxnState,
    };
    let mut verified = verified.map(Vec::into_iter);
    each(topics, |_, _| match &mut verified {
        Err(error) => *error,
        Ok(verified) => match verified.next() {
            Some(true) => ErrorCode::None,
            Some(false) | None => absent,
        },
    })
}

/// A result for each partition, in order.
fn each(
    topics: &[AddPartitionsToTxnTopic],
    mut result: impl FnMut(&str, i32) -> ErrorCode,
) -> Vec<AddPartitionsToTxnTopicResult> {
    let topics = topics.iter();
    topics
        .map(|topic| AddPartitionsToTxnTopicResult {
            name: topic.name.clone(),
            results_by_partition: topic
                .partitions
                .iter()
                .map(|index| AddPartitionsToTxnPartitionResult {
                    partition_index: *index,
                    partition_error_code: result(&topic.name, *index).code(),
                })
                .collect(),
        })
        .collect()
}
