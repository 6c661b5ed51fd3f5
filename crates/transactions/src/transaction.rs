//! What is known of one transactional id, and what may come next.
//!
//! Nothing here changes anything: each rule looks at what is known and gives a [`Decision`].

mod end;
mod init;
mod membership;

use model::{ProducerEpoch, ProducerId, TimestampMs};

use crate::api::{Producer, TransactionError};
use crate::limits::PRODUCER_EPOCH_MAX;
use crate::partitions::Partitions;
use crate::state::{ClientVersion, TransactionState};

/// What is known of one transactional id; the value of its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionValue {
    /// The producer that the id belongs to.
    pub producer: Producer,
    /// The epoch it had before, if its holder may not have heard yet that it has another one now.
    pub last_epoch: ProducerEpoch,
    /// The producer id at the change before this one.
    pub previous_producer_id: ProducerId,
    /// The producer id to go on with when the end of the transaction is complete, because all epochs of this
    /// one are used.
    pub next_producer_id: ProducerId,
    /// How old a transaction may become, in ms.
    pub timeout_ms: i32,
    /// Where the newest transaction stands.
    pub state: TransactionState,
    /// Its partitions; none when it is complete.
    pub partitions: Partitions,
    /// When this came to be.
    pub updated_ms: TimestampMs,
    /// When the transaction began; -1 if there is none.
    pub started_ms: TimestampMs,
    /// The rules that its client goes by.
    pub version: ClientVersion,
}

/// What a rule says: what is to be known from now on, if that changes, and the answer.
#[derive(Debug)]
pub(crate) struct Decision<T> {
    pub(crate) next: Option<TransactionValue>,
    pub(crate) answer: Result<T, TransactionError>,
}

impl<T> Decision<T> {
    pub(crate) fn refuse(error: TransactionError) -> Self {
        Self {
            next: None,
            answer: Err(error),
        }
    }

    pub(crate) fn stay(answer: T) -> Self {
        Self {
            next: None,
            answer: Ok(answer),
        }
    }

    pub(crate) fn go(next: TransactionValue, answer: T) -> Self {
        Self {
            next: Some(next),
            answer: Ok(answer),
        }
    }
}

impl TransactionValue {
    /// The next value, before anything but the times is changed.
    fn succeed(&self, now_ms: TimestampMs) -> Self {
        Self {
            previous_producer_id: self.producer.id,
            updated_ms: now_ms,
            ..self.clone()
        }
    }

    /// Whether this is the producer that the id belongs to, and may go on. Who has been told the end of a
    /// transaction may be here with the next one before it has come about.
    fn admit(&self, producer: Producer) -> Result<(), TransactionError> {
        if matches!(self.state, TransactionState::Prepare(_))
            && producer == self.producer_when_complete()
        {
            return Err(TransactionError::ConcurrentTransactions);
        }
        if producer.id != self.producer.id {
            return Err(TransactionError::InvalidProducerIdMapping);
        }
        // Nobody was given an epoch above the last one; it fences.
        if producer.epoch != self.producer.epoch || producer.epoch.0 > PRODUCER_EPOCH_MAX {
            return Err(TransactionError::ProducerFenced);
        }
        Ok(())
    }

    /// Who the producer is when the transaction that is being ended has come to its end.
    fn producer_when_complete(&self) -> Producer {
        match self.next_producer_id {
            ProducerId::NONE => self.producer,
            id => Producer {
                id,
                epoch: ProducerEpoch(0),
            },
        }
    }

    /// Whether there is no further epoch to give to the producer.
    fn is_exhausted(&self) -> bool {
        self.producer.epoch.0 >= PRODUCER_EPOCH_MAX
    }

    /// Whether it is neither under way nor being ended.
    pub(crate) fn is_at_rest(&self) -> bool {
        matches!(
            self.state,
            TransactionState::Empty | TransactionState::Complete(_)
        )
    }

    /// Panics if anything contradicts itself.
    pub(crate) fn check_invariants(&self) {
        assert!(self.producer.id.0 >= 0 && self.producer.epoch.0 >= 0);
        match self.state {
            TransactionState::Empty => {
                assert!(self.partitions.is_empty(), "empty, with partitions");
                assert_eq!(self.started_ms, -1, "empty, with a start");
            }
            TransactionState::Ongoing | TransactionState::Prepare(_) => {
                assert!(self.started_ms >= 0, "a transaction without a start");
            }
            TransactionState::Complete(_) => {
                assert!(self.partitions.is_empty(), "complete, with partitions");
                assert!(self.started_ms >= 0, "a transaction without a start");
            }
        }
        let is_ending = matches!(self.state, TransactionState::Prepare(_));
        let has_next = self.next_producer_id != ProducerId::NONE;
        assert!(is_ending || !has_next, "a new producer id for no end");
    }
}
