//! Appending a batch that belongs to a transaction.
//!
//! Its partition must belong to the transaction (KIP-890). Up to version 11 that must have been asked for before, which
//! is verified unless that is switched off; from version 12 on it does by the batch, and both are written as one;
//! many partitions of a request are added before with one record. The coordinator is locked while a batch is
//! checked and appended, so that the transaction cannot end in between.

use std::sync::Arc;

use bytes::Bytes;
use model::{ErrorCode, TopicName};
use storage::{Append, Appended, GroupEntry, Log};
use transactions::{Partitions, Producer, ProducerOf, TransactionError};
use wire::batch::BatchView;
use wire::messages::produce::{PartitionProduceData, ProduceRequest};

use super::writable_topic;
use crate::context::RequestContext;
use crate::errors;
use crate::handlers::support::transactional::membership;
use crate::journal::Unavailable;
use crate::metadata_store::Published;
use crate::transactions::{Membership, NoMember};

/// The first version whose clients know TRANSACTION_ABORTABLE (KIP-1050).
const ABORTABLE_SINCE: i16 = 11;
/// The first version whose batches add their partitions.
const IMPLIED_SINCE: i16 = 12;

/// A batch of a producer in a transaction.
pub(super) struct TransactionalBatch<'a> {
    pub(super) transactional_id: Option<&'a str>,
    pub(super) producer: Producer,
    pub(super) topic: &'a TopicName,
    pub(super) index: i32,
    pub(super) log: &'a Arc<Log>,
    pub(super) bytes: Bytes,
}

/// Takes the partitions of a request into its transaction, if there are several: each by itself would write all
/// those before it once more. Who may not is told so with its batch.
pub(super) fn join_together(ctx: &RequestContext, published: &Published, request: &ProduceRequest) {
    let Some(transactional_id) = request.transactional_id.as_deref() else {
        return;
    };
    if ctx.version < IMPLIED_SINCE {
        return;
    }
    let mut joining: Option<(Producer, Partitions)> = None;
    for asked in &request.topic_data {
        let Ok(topic) = writable_topic(ctx, published, asked) else {
            continue;
        };
        for partition in &asked.partition_data {
            let takes_markers = |log: &Arc<Log>| !log.is_quarantined();
            if topic.log(partition.index).is_ok_and(takes_markers)
                && let Some(producer) = transactional_producer(partition)
            {
                let (of_all, partitions) =
                    joining.get_or_insert_with(|| (producer, Partitions::default()));
                if *of_all == producer {
                    partitions.insert(topic.name(), partition.index);
                }
            }
        }
    }
    if let Some((producer, partitions)) = joining
        && partitions.iter().nth(1).is_some()
    {
        let of = ProducerOf {
            transactional_id,
            producer,
        };
        ctx.broker.transactions.join(of, &partitions);
    }
}

/// Who has sent a batch that belongs to a transaction, as far as its header tells.
fn transactional_producer(partition: &PartitionProduceData) -> Option<Producer> {
    let bytes = partition.records.clone()?.into_bytes();
    let (batch, _) = BatchView::parse(&bytes).ok()?;
    batch.attributes.is_transactional().then(|| Producer {
        id: batch.producer_id,
        epoch: batch.producer_epoch,
    })
}

/// Appends the batch if its transaction lets it.
pub(super) fn append(
    ctx: &RequestContext,
    batch: TransactionalBatch<'_>,
) -> Result<Appended, ErrorCode> {
    // Kafka asks whether the client may use an id that it does not have.
    let transactional_id = batch
        .transactional_id
        .ok_or(ErrorCode::TransactionalIdAuthorizationFailed)?;
    let broker = &ctx.broker;
    let membership = membership(ctx, IMPLIED_SINCE);
    let mode = match membership {
        Membership::Implied => Append::ProduceBumped,
        Membership::Verified => Append::Produce,
        Membership::Unverified => {
            // Its coordinator need not even be there.
            let appended = batch.log.append(batch.bytes, Append::Produce);
            return appended.map_err(errors::of_append);
        }
    };
    if batch.log.is_quarantined() {
        // It would keep the transaction from its end: no marker can be written to it.
        return Err(ErrorCode::KafkaStorageError);
    }
    let of = ProducerOf {
        transactional_id,
        producer: batch.producer,
    };
    let entry = GroupEntry {
        log: Arc::clone(batch.log),
        batch: batch.bytes,
        mode,
    };
    let place = (batch.topic, batch.index);
    let transactions = &broker.transactions;
    let written =
        transactions.write_as_member(broker, of, place, membership, |member| member.append(entry));
    let proven = written.map_err(|error| refused(ctx.version, error))?;
    let mut appended = proven.value.map_err(errors::of_append)?;
    if appended.duplicate {
        // That it belongs to the transaction may have been written just now.
        appended.sequence = appended.sequence.max(proven.sequence);
    }
    Ok(appended)
}

fn refused(version: i16, error: NoMember) -> ErrorCode {
    match error {
        NoMember::Refused(TransactionError::ProducerFenced) => ErrorCode::InvalidProducerEpoch,
        // Older clients would not come back on this code, but they do if replicas are missing.
        NoMember::Refused(TransactionError::ConcurrentTransactions) if version < IMPLIED_SINCE => {
            ErrorCode::NotEnoughReplicas
        }
        NoMember::Refused(error) => errors::of_transaction(error),
        NoMember::NotAdded if version < ABORTABLE_SINCE => ErrorCode::InvalidTxnState,
        NoMember::NotAdded => ErrorCode::TransactionAbortable,
        NoMember::Unavailable(Unavailable::NotWritten) => ErrorCode::NotEnoughReplicas,
        NoMember::Unavailable(Unavailable::Damaged) => ErrorCode::KafkaStorageError,
    }
}
