//! TxnOffsetCommit (key 28), versions 0 to 5 (KIP-98): stores how far a group has read, as a part of a transaction.
//!
//! - The offsets are shown when the transaction commits. Until then OffsetFetch gives those before, or
//!   UNSTABLE_OFFSET_COMMIT to who asks for stable ones.
//! - Answers when the offsets are durable. An unknown topic or partition, or metadata that is too long,
//!   spoils its own offset only; what is wrong with the producer, the transaction or the member spoils all.
//! - The group must belong to the transaction. Up to version 4 AddOffsetsToTxn has to have added it: else
//!   INVALID_TXN_STATE, from version 4 on TRANSACTION_ABORTABLE (KIP-1050). From version 5 on it does by this
//!   request (KIP-890). Without `transaction.partition.verification.enable` it is not asked up to version 4.
//! - A producer that has been fenced gets INVALID_PRODUCER_EPOCH in all versions, a member of an older epoch
//!   ILLEGAL_GENERATION.
//! - v2 (KIP-320): leader epochs. v3 (KIP-447): flexible; member, instance and generation, checked if they are given.

use std::sync::Arc;

use groups::{CommitRequest, OffsetToCommit};
use model::{ErrorCode, TopicId};
use transactions::TransactionError;
use wire::messages::txn_offset_commit::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};

use super::support::fill_in;
use super::support::transactional::{membership, producer_of};
use crate::context::RequestContext;
use crate::coordinator::NotCommitted;
use crate::errors;
use crate::topics::Topic;
use crate::transactions::NoMember;

/// The first version whose clients know TRANSACTION_ABORTABLE.
const ABORTABLE_SINCE: i16 = 4;
/// The first version whose requests add their groups.
const IMPLIED_SINCE: i16 = 5;

/// Stores the offsets of topics that exist.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: TxnOffsetCommitRequest,
) -> TxnOffsetCommitResponse {
    let published = ctx.broker.metadata.published();
    let mut offsets = Vec::new();
    let mut topic_ids = Vec::new();
    let mut response = TxnOffsetCommitResponse::default();
    for asked in &request.topics {
        let topic = published.topics.by_name(&asked.name);
        let mut partitions = Vec::with_capacity(asked.partitions.len());
        for partition in &asked.partitions {
            let error = match check(topic, partition) {
                Ok((topic_id, offset)) => {
                    topic_ids.push(topic_id);
                    offsets.push(offset);
                    ErrorCode::None
                }
                Err(error) => error,
            };
            partitions.push(TxnOffsetCommitResponsePartition {
                partition_index: partition.partition_index,
                error_code: error.code(),
            });
        }
        response.topics.push(TxnOffsetCommitResponseTopic {
            name: asked.name.clone(),
            partitions,
        });
    }
    if !offsets.is_empty() {
        let results = commit(&ctx, &request, offsets, &topic_ids).await;
        let topics = response.topics.iter_mut();
        let partitions = topics.flat_map(|topic| &mut topic.partitions);
        fill_in(
            partitions.map(|partition| &mut partition.error_code),
            results,
        );
    }
    response
}

/// The offset as the group stores it, if its partition exists.
fn check(
    topic: Result<&Arc<Topic>, ErrorCode>,
    partition: &TxnOffsetCommitRequestPartition,
) -> Result<(TopicId, OffsetToCommit), ErrorCode> {
    let topic = topic?;
    topic.log(partition.partition_index)?;
    let metadata = partition.committed_metadata.as_deref();
    let offset = OffsetToCommit {
        topic: topic.name().clone(),
        partition: partition.partition_index,
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: metadata.unwrap_or_default().to_owned(),
    };
    Ok((topic.id(), offset))
}

async fn commit(
    ctx: &RequestContext,
    request: &TxnOffsetCommitRequest,
    offsets: Vec<OffsetToCommit>,
    topic_ids: &[TopicId],
) -> Result<Vec<Result<(), ErrorCode>>, ErrorCode> {
    let of = producer_of(
        &request.transactional_id,
        request.producer_id,
        request.producer_epoch,
    );
    let membership = membership(ctx, IMPLIED_SINCE);
    let commit = CommitRequest {
        group_id: &request.group_id,
        member_id: &request.member_id,
        group_instance_id: request.group_instance_id.as_deref(),
        generation_id: request.generation_id,
        knows_member_epochs: true,
        retention_ms: None,
        offsets,
    };
    let groups = &ctx.broker.groups;
    let results = groups.commit_in_transaction(&ctx.broker, of, membership, commit, topic_ids);
    results.await.map_err(|error| refused(ctx.version, error))
}

/// The code that tells the client what it may do.
fn refused(version: i16, error: NotCommitted) -> ErrorCode {
    match error {
        // The client knows generations only.
        NotCommitted::Refused(ErrorCode::StaleMemberEpoch) => ErrorCode::IllegalGeneration,
        NotCommitted::Refused(error) => error,
        NotCommitted::NoMember(NoMember::Refused(TransactionError::ProducerFenced)) => {
            ErrorCode::InvalidProducerEpoch
        }
        NotCommitted::NoMember(NoMember::Refused(error)) => errors::of_transaction(error),
        NotCommitted::NoMember(NoMember::NotAdded) if version < ABORTABLE_SINCE => {
            ErrorCode::InvalidTxnState
        }
        NotCommitted::NoMember(NoMember::NotAdded) => ErrorCode::TransactionAbortable,
        NotCommitted::NoMember(NoMember::Unavailable(unavailable)) => unavailable.into(),
    }
}
