//! InitProducerId: who the producer is from now on.

use model::{ProducerEpoch, ProducerId, TimestampMs};

use super::{Decision, TransactionValue};
use crate::api::{InitProducerId, Producer, TransactionError};
use crate::limits::PRODUCER_EPOCH_MAX;
use crate::partitions::Partitions;
use crate::state::{ClientVersion, Outcome, TransactionState};

impl TransactionValue {
    /// What is known of an id that was not known.
    pub(crate) fn first(
        request: &InitProducerId<'_>,
        now_ms: TimestampMs,
    ) -> Result<Self, TransactionError> {
        let id = request.fresh_id.ok_or(TransactionError::ProducerIdNeeded)?;
        Ok(Self {
            producer: Producer {
                id,
                epoch: ProducerEpoch(0),
            },
            last_epoch: ProducerEpoch::NONE,
            previous_producer_id: ProducerId::NONE,
            next_producer_id: ProducerId::NONE,
            timeout_ms: request.timeout_ms,
            state: TransactionState::Empty,
            partitions: Partitions::default(),
            updated_ms: now_ms,
            started_ms: -1,
            version: ClientVersion::One,
        })
    }

    /// Gives the id to whoever asks, with a new epoch, so that all who had it before are fenced. What they
    /// have under way is aborted first.
    pub(crate) fn init_producer_id(
        &self,
        request: &InitProducerId<'_>,
        now_ms: TimestampMs,
    ) -> Decision<Producer> {
        let known = request.producer;
        if known.is_some_and(|known| !self.may_be(known)) {
            return Decision::refuse(TransactionError::ProducerFenced);
        }
        match self.state {
            TransactionState::Prepare(_) => {
                Decision::refuse(TransactionError::ConcurrentTransactions)
            }
            // Kafka does not look at the epoch here, and lets an instance that is fenced abort the
            // transaction of the one that has fenced it.
            TransactionState::Ongoing if known.is_some_and(|known| known != self.producer) => {
                Decision::refuse(TransactionError::ProducerFenced)
            }
            TransactionState::Ongoing => Decision {
                next: Some(self.fenced(now_ms)),
                answer: Err(TransactionError::ConcurrentTransactions),
            },
            TransactionState::Empty | TransactionState::Complete(_) => {
                self.take_over(request, now_ms)
            }
        }
    }

    /// Whether a producer that goes on can be the one that this id belongs to, or was until a request whose
    /// answer it has not heard.
    fn may_be(&self, known: Producer) -> bool {
        known.id == self.producer.id
            || known == self.producer_when_complete()
            || known.id == self.previous_producer_id && known.epoch.0 >= PRODUCER_EPOCH_MAX
    }

    fn take_over(&self, request: &InitProducerId<'_>, now_ms: TimestampMs) -> Decision<Producer> {
        if let Some(known) = request.producer
            && known != self.producer
        {
            return if known.epoch == self.last_epoch {
                Decision::stay(self.producer)
            } else {
                Decision::refuse(TransactionError::ProducerFenced)
            };
        }
        let producer = if self.is_exhausted() {
            match request.fresh_id {
                Some(id) => Producer {
                    id,
                    epoch: ProducerEpoch(0),
                },
                None => return Decision::refuse(TransactionError::ProducerIdNeeded),
            }
        } else {
            Producer {
                epoch: ProducerEpoch(self.producer.epoch.0 + 1),
                ..self.producer
            }
        };
        let next = Self {
            producer,
            last_epoch: match request.producer {
                Some(known) => known.epoch,
                None => ProducerEpoch::NONE,
            },
            timeout_ms: request.timeout_ms,
            state: TransactionState::Empty,
            partitions: Partitions::default(),
            started_ms: -1,
            ..self.succeed(now_ms)
        };
        Decision::go(next, producer)
    }

    /// A transaction that is aborted because its producer may not go on with it: an epoch that nobody is
    /// given keeps it from writing more.
    pub(crate) fn fenced(&self, now_ms: TimestampMs) -> Self {
        Self {
            producer: Producer {
                epoch: ProducerEpoch(self.producer.epoch.0.saturating_add(1)),
                ..self.producer
            },
            last_epoch: ProducerEpoch::NONE,
            state: TransactionState::Prepare(Outcome::Abort),
            version: ClientVersion::Two,
            ..self.succeed(now_ms)
        }
    }
}
