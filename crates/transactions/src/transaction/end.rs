//! EndTxn: how a transaction ends, and what it is when it has.

use model::{ProducerEpoch, ProducerId, TimestampMs};

use super::{Decision, TransactionValue};
use crate::api::{EndTransaction, Producer, TransactionError};
use crate::partitions::Partitions;
use crate::state::{ClientVersion, Outcome, TransactionState};

impl TransactionValue {
    /// Decides how the transaction ends. Answers with the producer that the client is from then on.
    pub(crate) fn end(
        &self,
        request: &EndTransaction<'_>,
        now_ms: TimestampMs,
    ) -> Decision<Producer> {
        match request.version {
            ClientVersion::One => self.end_keeping_epoch(request, now_ms),
            ClientVersion::Two => self.end_with_new_epoch(request, now_ms),
        }
    }

    /// A request that comes twice cannot be told from one for the next transaction: it is taken for the
    /// first as long as there is no next one.
    fn end_keeping_epoch(
        &self,
        request: &EndTransaction<'_>,
        now_ms: TimestampMs,
    ) -> Decision<Producer> {
        if let Err(error) = self.admit(request.of.producer) {
            return Decision::refuse(error);
        }
        match self.state {
            TransactionState::Ongoing => self.prepare(request, now_ms),
            TransactionState::Complete(outcome) if outcome == request.outcome => {
                Decision::stay(self.producer)
            }
            TransactionState::Empty
            | TransactionState::Prepare(_)
            | TransactionState::Complete(_) => Decision::refuse(TransactionError::InvalidState),
        }
    }

    /// KIP-890: a request that comes twice has the epoch of the transaction that it has ended, and the next
    /// one has another.
    fn end_with_new_epoch(
        &self,
        request: &EndTransaction<'_>,
        now_ms: TimestampMs,
    ) -> Decision<Producer> {
        if self.has_ended_for(request.of.producer) {
            return match self.state {
                TransactionState::Prepare(outcome) if outcome == request.outcome => {
                    Decision::refuse(TransactionError::ConcurrentTransactions)
                }
                TransactionState::Complete(outcome) if outcome == request.outcome => {
                    Decision::stay(self.producer)
                }
                _ => Decision::refuse(TransactionError::InvalidState),
            };
        }
        if let Err(error) = self.admit(request.of.producer) {
            return Decision::refuse(error);
        }
        match self.state {
            TransactionState::Ongoing => self.prepare(request, now_ms),
            // A client need not know whether any of its records has begun the transaction.
            TransactionState::Empty | TransactionState::Complete(_)
                if request.outcome == Outcome::Abort =>
            {
                self.prepare(request, now_ms)
            }
            TransactionState::Empty
            | TransactionState::Prepare(_)
            | TransactionState::Complete(_) => Decision::refuse(TransactionError::InvalidState),
        }
    }

    /// Whether this producer has ended the newest transaction itself, and so got another epoch. One that
    /// was fenced has not, though its epoch is one behind too.
    fn has_ended_for(&self, producer: Producer) -> bool {
        let was_ended = matches!(
            self.state,
            TransactionState::Prepare(_) | TransactionState::Complete(_)
        );
        let is_id = producer.id == self.producer.id || producer.id == self.previous_producer_id;
        was_ended
            && is_id
            && self.last_epoch != ProducerEpoch::NONE
            && producer.epoch == self.last_epoch
    }

    fn prepare(&self, request: &EndTransaction<'_>, now_ms: TimestampMs) -> Decision<Producer> {
        let mut next = Self {
            state: TransactionState::Prepare(request.outcome),
            version: request.version,
            ..self.succeed(now_ms)
        };
        if self.is_at_rest() {
            next.started_ms = now_ms;
        }
        if request.version == ClientVersion::Two {
            if self.is_exhausted() {
                match request.fresh_id {
                    Some(id) => next.next_producer_id = id,
                    None => return Decision::refuse(TransactionError::ProducerIdNeeded),
                }
            }
            next.last_epoch = self.producer.epoch;
            next.producer.epoch = ProducerEpoch(self.producer.epoch.0 + 1);
        }
        let producer = next.producer_when_complete();
        Decision::go(next, producer)
    }

    /// What is known when all partitions have their markers; `None` if nothing is being ended.
    pub(crate) fn completed(&self, now_ms: TimestampMs) -> Option<Self> {
        let TransactionState::Prepare(outcome) = self.state else {
            return None;
        };
        Some(Self {
            producer: self.producer_when_complete(),
            next_producer_id: ProducerId::NONE,
            state: TransactionState::Complete(outcome),
            partitions: Partitions::default(),
            ..self.succeed(now_ms)
        })
    }
}
