//! The coordinators of transactions: the shell around the state machines of the `transactions` crate.
//!
//! Transactional ids live in the partitions of the internal topic `__transaction_state`, chosen by a hash of the
//! id; it is created when the first client looks for a coordinator. `partition` runs one partition's
//! state machine: under its lock a call is decided and its records are appended, and nothing is answered
//! before the newest record of that partition is durable. `ending` writes the ends of transactions, and `member` what
//! belongs to one that is under way. `loading` folds a partition's log at the start.
//!
//! Lock order: the metadata store's lock, then a partition's lock here, then those of groups by their index, then
//! those of logs by their id.

mod ending;
mod loading;
mod member;
mod partition;

use std::sync::Arc;

use model::{ErrorCode, ProducerId, TopicName};
use transactions::{
    ClientVersion, Coordinator, EndTransaction, InitProducerId, Outcome, Partitions, Producer,
    ProducerOf, TransactionDescription, TransactionError, TransactionListing,
};

pub(crate) use self::member::Member;
use self::partition::Partition;
pub(crate) use self::partition::{Membership, NoMember};
use crate::broker::Broker;
use crate::coordinator_partitions::{CoordinatorPartitions, absent};
use crate::errors;
use crate::journal::{Proven, Unavailable, told};
use crate::producer_ids::ProducerIdError;

/// The topic that holds all transactional ids.
pub(crate) const TRANSACTIONS_TOPIC: &str = "__transaction_state";

/// All transactional ids of the broker.
#[derive(Debug, Default)]
pub(crate) struct TransactionCoordinators {
    partitions: CoordinatorPartitions<Partition>,
}

impl TransactionCoordinators {
    /// Loads the transactions of the last run, if there were any, and ends those that it had begun to end.
    /// Blocks while it reads. The groups must be loaded.
    pub(crate) async fn open(&self, broker: &Arc<Broker>) {
        self.partitions.open(broker).await;
    }

    /// Sees to it that there are coordinators to be found.
    pub(crate) async fn ensure(&self, broker: &Arc<Broker>) -> Result<(), ErrorCode> {
        self.partitions.ensure(broker).await.map(|_| ())
    }

    /// InitProducerId with a transactional id.
    pub(crate) async fn init_producer_id(
        &self,
        broker: &Arc<Broker>,
        mut request: InitProducerId<'_>,
    ) -> Result<Producer, ErrorCode> {
        let partition = self
            .partitions
            .ensure_for(broker, request.transactional_id)
            .await?;
        with_fresh_id(broker, |fresh_id| {
            request.fresh_id = fresh_id;
            partition
                .step(|coordinator, call| partition::init_producer_id(coordinator, &request, call))
        })
        .await
    }

    /// EndTxn: who the producer is from then on.
    pub(crate) async fn end(
        &self,
        broker: &Arc<Broker>,
        of: ProducerOf<'_>,
        outcome: Outcome,
        version: ClientVersion,
    ) -> Result<Producer, ErrorCode> {
        let partition = self.existing_partition(broker, of.transactional_id)?;
        with_fresh_id(broker, |fresh_id| {
            let request = EndTransaction {
                of,
                outcome,
                version,
                fresh_id,
            };
            partition.step(|coordinator, call| coordinator.end(&request, call))
        })
        .await
    }

    /// AddPartitionsToTxn and AddOffsetsToTxn.
    pub(crate) async fn add_partitions(
        &self,
        broker: &Arc<Broker>,
        of: ProducerOf<'_>,
        partitions: &Partitions,
        version: ClientVersion,
    ) -> Result<(), ErrorCode> {
        let partition = self.existing_partition(broker, of.transactional_id)?;
        let proven = partition.step(|coordinator, call| {
            partition::add_partitions(coordinator, of, partitions, version, call)
        });
        told(broker, proven).await?.map_err(errors::of_transaction)
    }

    /// Takes partitions into a transaction of a client that goes by the second version of the rules. Whether that
    /// may be shows when they are written to.
    pub(crate) fn join(&self, of: ProducerOf<'_>, partitions: &Partitions) {
        if let Some(partition) = self.partitions.for_id(of.transactional_id) {
            let _ = partition.step(|coordinator, call| {
                partition::add_partitions(coordinator, of, partitions, ClientVersion::Two, call)
            });
        }
    }

    /// Whether partitions belong to a transaction: an answer for each, in order.
    pub(crate) async fn verify_partitions(
        &self,
        broker: &Arc<Broker>,
        of: ProducerOf<'_>,
        partitions: &[(&str, i32)],
    ) -> Result<Vec<bool>, ErrorCode> {
        let partition = self.existing_partition(broker, of.transactional_id)?;
        let proven = partition.look(|coordinator| {
            let partitions = partitions.iter();
            partitions
                .map(|(topic, index)| coordinator.has_partition(of, topic, *index))
                .collect::<Result<Vec<_>, _>>()
        });
        told(broker, proven).await?.map_err(errors::of_transaction)
    }

    /// Writes what belongs to a producer's transaction, which cannot end before it has been.
    pub(crate) fn write_as_member<T>(
        &self,
        broker: &Broker,
        of: ProducerOf<'_>,
        place: (&TopicName, i32),
        membership: Membership,
        write: impl FnOnce(&mut Member<'_>) -> T,
    ) -> Result<Proven<T>, NoMember> {
        let Some(partition) = self.partitions.for_id(of.transactional_id) else {
            return Err(match absent(broker) {
                Ok(()) => NoMember::Refused(TransactionError::InvalidProducerIdMapping),
                Err(_) => NoMember::Unavailable(Unavailable::Damaged),
            });
        };
        partition.write_as_member(of, place, membership, write)
    }

    /// DescribeTransactions, one of them.
    pub(crate) async fn describe(
        &self,
        broker: &Arc<Broker>,
        transactional_id: &str,
    ) -> Result<TransactionDescription, ErrorCode> {
        if transactional_id.is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        let Some(partition) = self.partitions.for_id(transactional_id) else {
            absent(broker)?;
            return Err(ErrorCode::TransactionalIdNotFound);
        };
        let proven = partition.look(|coordinator| coordinator.describe(transactional_id));
        told(broker, proven)
            .await?
            .ok_or(ErrorCode::TransactionalIdNotFound)
    }

    /// ListTransactions: all ids, and what keeps the list from being whole.
    pub(crate) async fn list(&self, broker: &Arc<Broker>) -> (Vec<TransactionListing>, ErrorCode) {
        let list = |coordinator: &Coordinator| coordinator.list().collect();
        self.partitions
            .list(broker, |partition| partition.look(list))
            .await
    }

    /// The partition of an id that must have been given to a producer.
    fn existing_partition(
        &self,
        broker: &Broker,
        transactional_id: &str,
    ) -> Result<&Arc<Partition>, ErrorCode> {
        if transactional_id.is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        match self.partitions.for_id(transactional_id) {
            Some(partition) => Ok(partition),
            None => Err(absent(broker)
                .err()
                .unwrap_or(ErrorCode::InvalidProducerIdMapping)),
        }
    }
}

/// Makes a call, and once more with a producer id that nobody has had if it asks for one.
async fn with_fresh_id<T>(
    broker: &Arc<Broker>,
    mut call: impl FnMut(Option<ProducerId>) -> Result<Proven<Result<T, TransactionError>>, Unavailable>,
) -> Result<T, ErrorCode> {
    let first = told(broker, call(None)).await?;
    if !matches!(first, Err(TransactionError::ProducerIdNeeded)) {
        return first.map_err(errors::of_transaction);
    }
    let fresh_id = broker.producer_ids.next(&broker.metadata).await;
    let fresh_id = fresh_id.map_err(|error| match error {
        ProducerIdError::Exhausted => ErrorCode::UnknownServerError,
        ProducerIdError::Write(_) => ErrorCode::CoordinatorNotAvailable,
    })?;
    told(broker, call(Some(fresh_id)))
        .await?
        .map_err(errors::of_transaction)
}
