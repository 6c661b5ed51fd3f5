//! AddPartitionsToTxn, AddOffsetsToTxn and Produce: which partitions a transaction has.

use model::{ProducerEpoch, TimestampMs};

use super::{Decision, TransactionValue};
use crate::api::{Producer, TransactionError};
use crate::partitions::Partitions;
use crate::state::{ClientVersion, TransactionState};

impl TransactionValue {
    /// Takes partitions into the transaction; the first ones begin it.
    pub(crate) fn add_partitions(
        &self,
        producer: Producer,
        partitions: &Partitions,
        version: ClientVersion,
        now_ms: TimestampMs,
    ) -> Decision<()> {
        if let Err(error) = self.admit(producer) {
            return Decision::refuse(error);
        }
        let mut next = match self.state {
            // Nobody is admitted then.
            TransactionState::Prepare(_) => {
                return Decision::refuse(TransactionError::ConcurrentTransactions);
            }
            TransactionState::Ongoing if partitions.is_subset(&self.partitions) => {
                return Decision::stay(());
            }
            TransactionState::Ongoing => self.succeed(now_ms),
            TransactionState::Empty | TransactionState::Complete(_) => Self {
                // Whoever begins a transaction has heard which epoch it has.
                last_epoch: ProducerEpoch::NONE,
                state: TransactionState::Ongoing,
                started_ms: now_ms,
                ..self.succeed(now_ms)
            },
        };
        next.version = version;
        for (topic, partition) in partitions.iter() {
            next.partitions.insert(topic, partition);
        }
        Decision::go(next, ())
    }

    /// Whether the producer may speak of the partitions of the transaction.
    pub(crate) fn verify(&self, producer: Producer) -> Result<&Partitions, TransactionError> {
        self.admit(producer)?;
        Ok(&self.partitions)
    }
}
