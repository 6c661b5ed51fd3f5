//! What handlers of transactional requests have in common.

use model::{ErrorCode, ProducerEpoch, ProducerId, TopicName};
use transactions::{Producer, ProducerOf};

use crate::context::RequestContext;
use crate::transactions::Membership;

/// The code as clients of a version know it: before PRODUCER_FENCED there was INVALID_PRODUCER_EPOCH
/// (KIP-588).
pub(crate) fn fenced_since(first: i16, version: i16, error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::ProducerFenced if version < first => ErrorCode::InvalidProducerEpoch,
        other => other,
    }
}

/// Who says that a transaction is its own.
pub(crate) fn producer_of(transactional_id: &str, id: i64, epoch: i16) -> ProducerOf<'_> {
    ProducerOf {
        transactional_id,
        producer: Producer {
            id: ProducerId(id),
            epoch: ProducerEpoch(epoch),
        },
    }
}

/// How what a request writes comes to belong to its transaction: by the request itself from a version on, before
/// that by one that came earlier.
pub(crate) fn membership(ctx: &RequestContext, implied_since: i16) -> Membership {
    let settings = &ctx.broker.metadata.published().settings;
    match settings.transaction_partition_verification_enable {
        _ if ctx.version >= implied_since => Membership::Implied,
        true => Membership::Verified,
        false => Membership::Unverified,
    }
}

/// The topic, if a client may take this partition of it into a transaction.
pub(crate) fn writable_partition(
    ctx: &RequestContext,
    topic: &str,
    index: i32,
) -> Result<TopicName, ErrorCode> {
    let published = ctx.broker.metadata.published();
    let topic = published.topics.by_name(topic)?;
    if topic.log(index)?.is_quarantined() {
        // It would keep the transaction from its end: no marker can be written to it.
        return Err(ErrorCode::KafkaStorageError);
    }
    if topic.is_internal() {
        // As Kafka says it: nobody is authorised to.
        return Err(ErrorCode::TopicAuthorizationFailed);
    }
    Ok(topic.name().clone())
}
