//! Committing offsets as a part of a transaction.

use std::sync::Arc;

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
        let partition = self.partition(broker, group_id).await;
        let partition = partition.map_err(NotCommitted::Refused)?;
        let transactions = &broker.transactions;
        let place = (&topic, index);
        let written = transactions.write_as_member(broker, of, place, membership, |member| {
            // Under the lock, as for other commits.
            let (request, gone) = self.without_deleted(request, topic_ids);
            let proven = partition.commit_in_transaction(of.producer, request, member)?;
            Ok((proven, gone))
        });
        let written = written.map_err(NotCommitted::NoMember)?;
        let ((results, gone), sequence) = match written.value {
            Err(error) => return Err(NotCommitted::Refused(error)),
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

impl Partition {
    fn commit_in_transaction(
        &self,
        producer: Producer,
        request: CommitRequest<'_>,
        member: &mut Member<'_>,
    ) -> Result<Proven<Results>, ErrorCode> {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.journal.catch_up()?;
        let coordinator = state.coordinator.as_mut().ok_or(Unavailable::Damaged)?;
        let mut effects = Effects::default();
        let value = self.call(coordinator, &mut effects, |coordinator, call| {
            coordinator.commit_in_transaction(request, call)
        });
        let mut records = effects.transactional;
        while !records.is_empty() {
            let mut pairs: Vec<_> = records.iter().cloned().map(written).collect();
            let rest = records.split_off(batch_len(&pairs));
            pairs.truncate(records.len());
            let sequence = self.append_in_transaction(producer, pairs, member)?;
            let folded = self.fold(state, sequence, |coordinator, call| {
                coordinator.add_pending(producer.id, &records, call)
            });
            if let Some(Err(error)) = folded {
                tracing::error!(%error, log = %self.log.id(), "a record that was written cannot be read");
                return Err(ErrorCode::UnknownServerError);
            }
            records = rest;
        }
        Ok(Proven {
            value,
            sequence: state.journal.sequence(),
        })
    }

    fn append_in_transaction(
        &self,
        producer: Producer,
        records: Vec<KeyAndValue>,
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
