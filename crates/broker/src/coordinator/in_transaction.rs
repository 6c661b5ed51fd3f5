//! Committing offsets as a part of a transaction.

use std::sync::Arc;

use env::{Defect, has_defect};
use groups::{CommitRequest, Effects, GroupError};
use model::{ErrorCode, TopicId};
use storage::{Append, AppendError, GroupEntry, Sequence};
use transactions::{Producer, ProducerOf};

use super::partition::{Partition, written};
use super::{GroupCoordinators, of_each, with_deleted};
use crate::broker::Broker;
use crate::errors;
use crate::journal::{Proven, Unavailable, batch_len, told};
use crate::record_batches::{self, KeyAndValue};
use crate::transactions::{Member, Membership, NoMember};

/// Why no offsets are committed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NotCommitted {
    /// The transaction does not have the group, or is not the producer's.
    NoMember(NoMember),
    /// Anything else.
    Refused(ErrorCode),
}

/// What became of the offsets that were handed to the state machine.
type Results = Result<Vec<Result<(), GroupError>>, GroupError>;

impl GroupCoordinators {
    /// TxnOffsetCommit: an outcome per offset, in order. Each comes with the id of the topic it was
    /// looked up under. The transaction cannot end before the offsets are in the log.
    pub(crate) async fn commit_in_transaction(
        &self,
        broker: &Arc<Broker>,
        of: ProducerOf<'_>,
        membership: Membership,
        request: CommitRequest<'_>,
        topic_ids: &[TopicId],
    ) -> Result<Vec<Result<(), ErrorCode>>, NotCommitted> {
        let group_id = request.group_id;
        let place = self.place_of(broker, group_id).await;
        let (topic, index) = place.map_err(NotCommitted::Refused)?;
        let partition = self.partitions.ensure_for(broker, group_id).await;
        let partition = partition.map_err(NotCommitted::Refused)?;
        let transactions = &broker.transactions;
        let place = (&topic, index);
        let written = transactions.write_as_member(broker, of, place, membership, |member| {
            partition.commit_in_transaction(of.producer, member, || {
                self.without_deleted(request, topic_ids)
            })
        });
        let written = match written {
            Ok(written) => written,
            Err(error) => return Err(refused(broker, NotCommitted::NoMember(error)).await),
        };
        let ((results, gone), sequence) = match written.value {
            Err(error) => return Err(refused(broker, NotCommitted::Refused(error)).await),
            Ok((proven, gone)) => ((proven.value, gone), proven.sequence),
        };
        let proven = Proven {
            value: results.map(|results| with_deleted(of_each(results), &gone)),
            sequence: sequence.max(written.sequence),
        };
        let results = told(broker, Ok(proven)).await;
        results
            .and_then(|results| results.map_err(errors::of_group))
            .map_err(NotCommitted::Refused)
    }
}

/// A refusal, when what it rests on is durable: who is told that it is fenced gives up.
async fn refused(broker: &Broker, refusal: NotCommitted) -> NotCommitted {
    let proven = Proven {
        value: refusal,
        sequence: broker.storage.force_all(),
    };
    told(broker, Ok(proven))
        .await
        .unwrap_or_else(NotCommitted::Refused)
}

impl Partition {
    /// `request` gives the request without the offsets of deleted topics. It is called under the lock: either
    /// a deletion is known then, or it will find what is stored here.
    fn commit_in_transaction<'a>(
        &self,
        producer: Producer,
        member: &mut Member<'_>,
        request: impl FnOnce() -> (CommitRequest<'a>, Vec<bool>),
    ) -> Result<(Proven<Results>, Vec<bool>), ErrorCode> {
        let mut state = self.state.lock();
        let state = &mut *state;
        let (request, gone) = request();
        state.journal.catch_up()?;
        let coordinator = state.coordinator.as_mut().ok_or(Unavailable::Damaged)?;
        let mut effects = Effects::default();
        let value = self.call(coordinator, &mut effects, |coordinator, call| {
            coordinator.commit_in_transaction(request, call)
        });
        let pairs: Vec<_> = effects.transactional.iter().cloned().map(written).collect();
        let (mut records, mut pairs) = (effects.transactional.as_slice(), pairs.as_slice());
        while !pairs.is_empty() {
            let count = batch_len(pairs);
            let (first_pairs, other_pairs) = pairs.split_at(count);
            let (first, others) = records.split_at(count);
            let sequence = self.append_in_transaction(producer, first_pairs, member)?;
            let folded = self.fold(state, sequence, |coordinator, call| {
                let added = coordinator.add_pending(producer.id, first, call);
                if has_defect(Defect::ShowPendingOffsets) {
                    coordinator.end_transaction(producer.id, true, call);
                }
                added
            });
            if let Some(Err(error)) = folded {
                tracing::error!(%error, log = %self.log.id(), "a record that was written cannot be read");
                return Err(ErrorCode::UnknownServerError);
            }
            (records, pairs) = (others, other_pairs);
        }
        let proven = Proven {
            value,
            sequence: state.journal.sequence(),
        };
        Ok((proven, gone))
    }

    fn append_in_transaction(
        &self,
        producer: Producer,
        records: &[KeyAndValue],
        member: &mut Member<'_>,
    ) -> Result<Sequence, ErrorCode> {
        let now_ms = self.env.clock.wall_ms();
        let entry = GroupEntry {
            log: Arc::clone(&self.log),
            batch: record_batches::build_in_transaction(producer, records, now_ms),
            mode: Append::Internal,
        };
        match member.append(entry) {
            Ok(appended) => Ok(appended.sequence),
            // The marker of a later transaction is there.
            Err(AppendError::InvalidProducerEpoch) => Err(ErrorCode::InvalidProducerEpoch),
            Err(error) => {
                tracing::error!(%error, log = %self.log.id(), "offsets of a transaction cannot be written");
                Err(Unavailable::NotWritten.into())
            }
        }
    }
}
