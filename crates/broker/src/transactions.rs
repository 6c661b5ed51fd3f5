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

use std::fmt;
use std::sync::Arc;

use config::BrokerSettings;
use coordination::partition_for;
use model::{ErrorCode, ProducerId, TopicName};
use tokio::sync::OnceCell;
use transactions::{
    ClientVersion, EndTransaction, InitProducerId, Outcome, Partitions, Producer, ProducerOf,
    TransactionDescription, TransactionError, TransactionListing, TransactionSettings,
};

pub(crate) use self::member::Member;
use self::partition::Partition;
pub(crate) use self::partition::{Membership, NoMember};
use crate::broker::Broker;
use crate::deadline_timer::{self, Timer};
use crate::errors;
use crate::journal::{Proven, Unavailable, told};
use crate::producer_ids::ProducerIdError;
use crate::topic_creation;

/// The topic that holds all transactional ids.
pub(crate) const TRANSACTIONS_TOPIC: &str = "__transaction_state";

/// All transactional ids of the broker.
pub(crate) struct TransactionCoordinators {
    settings: TransactionSettings,
    partition_count: i32,
    partitions: OnceCell<Vec<Arc<Partition>>>,
    timer: Arc<Timer>,
}

impl fmt::Debug for TransactionCoordinators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TransactionCoordinators")
    }
}

impl TransactionCoordinators {
    /// Coordinators without transactions; [`TransactionCoordinators::open`] loads those of the last run.
    pub(crate) fn new(settings: &BrokerSettings) -> Self {
        Self {
            settings: TransactionSettings {
                timeout_ms_max: settings.transaction_max_timeout_ms,
                expiration_ms: i64::from(settings.transactional_id_expiration_ms),
                timeout_check_interval_ms: settings.transaction_timeout_check_interval_ms,
                expiration_check_interval_ms: settings.transaction_expiration_check_interval_ms,
            },
            partition_count: settings.transaction_state_log_num_partitions,
            partitions: OnceCell::new(),
            timer: Arc::new(Timer::default()),
        }
    }

    /// Loads the transactions of the last run, if there were any, and ends those that it had begun to end.
    /// Blocks while it reads. The groups must be loaded.
    pub(crate) async fn open(&self, broker: &Arc<Broker>) {
        let published = broker.metadata.published();
        if published.topics.by_name(TRANSACTIONS_TOPIC).is_ok()
            && let Err(error) = self.partitions(broker).await
        {
            tracing::error!(%error, "the transactions of the last run cannot be loaded");
        }
    }

    /// Sees to it that there are coordinators to be found.
    pub(crate) async fn ensure(&self, broker: &Arc<Broker>) -> Result<(), ErrorCode> {
        self.partitions(broker).await.map(|_| ())
    }

    /// InitProducerId with a transactional id.
    pub(crate) async fn init_producer_id(
        &self,
        broker: &Arc<Broker>,
        mut request: InitProducerId<'_>,
    ) -> Result<Producer, ErrorCode> {
        let partition = self.partition(broker, request.transactional_id).await?;
        with_fresh_id(broker, |fresh_id| {
            request.fresh_id = fresh_id;
            partition.step(|coordinator, call| coordinator.init_producer_id(&request, call))
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
        let proven = partition
            .step(|coordinator, call| coordinator.add_partitions(of, partitions, version, call));
        told(broker, proven).await?.map_err(errors::of_transaction)
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
        let Some(partition) = self.find_partition(of.transactional_id) else {
            return Err(match Self::absent(broker) {
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
        let Some(partition) = self.find_partition(transactional_id) else {
            Self::absent(broker)?;
            return Err(ErrorCode::TransactionalIdNotFound);
        };
        let proven = partition.look(|coordinator| coordinator.describe(transactional_id));
        told(broker, proven)
            .await?
            .ok_or(ErrorCode::TransactionalIdNotFound)
    }

    /// ListTransactions: all ids, and what keeps the list from being whole.
    pub(crate) async fn list(&self, broker: &Arc<Broker>) -> (Vec<TransactionListing>, ErrorCode) {
        let mut listings = Vec::new();
        let partitions = self.partitions.get();
        let mut error = match partitions {
            Some(_) => ErrorCode::None,
            None => Self::absent(broker).err().unwrap_or(ErrorCode::None),
        };
        for partition in partitions.into_iter().flatten() {
            let proven = partition.look(|coordinator| coordinator.list().collect::<Vec<_>>());
            match told(broker, proven).await {
                Ok(found) => listings.extend(found),
                Err(unavailable) => error = unavailable,
            }
        }
        (listings, error)
    }

    /// What there is to say if there are no partitions: nothing, unless damage may be why.
    fn absent(broker: &Broker) -> Result<(), ErrorCode> {
        match broker.metadata.published().topics.may_lack() {
            true => Err(ErrorCode::KafkaStorageError),
            false => Ok(()),
        }
    }

    /// The partitions, with the topic they live in; both are made if they are not there.
    async fn partitions(&self, broker: &Arc<Broker>) -> Result<&[Arc<Partition>], ErrorCode> {
        let partitions = self.partitions.get_or_try_init(|| async {
            let count = self.partition_count;
            let topic = topic_creation::internal_topic(broker, TRANSACTIONS_TOPIC, count).await?;
            let partitions = loading::load(broker, &topic, self.settings, &self.timer)?;
            deadline_timer::start(broker, "transaction-timer", &self.timer, &partitions);
            Ok(partitions)
        });
        // Whatever is wrong with the topic, to a producer the coordinator is not there yet.
        partitions
            .await
            .map(Vec::as_slice)
            .map_err(|_: ErrorCode| ErrorCode::CoordinatorNotAvailable)
    }

    async fn partition(
        &self,
        broker: &Arc<Broker>,
        transactional_id: &str,
    ) -> Result<&Arc<Partition>, ErrorCode> {
        self.partitions(broker).await?;
        self.find_partition(transactional_id)
            .ok_or(ErrorCode::CoordinatorNotAvailable)
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
        match self.find_partition(transactional_id) {
            Some(partition) => Ok(partition),
            None => Err(Self::absent(broker)
                .err()
                .unwrap_or(ErrorCode::InvalidProducerIdMapping)),
        }
    }

    /// The partition of an id; `None` if the topic has not been made yet.
    fn find_partition(&self, transactional_id: &str) -> Option<&Arc<Partition>> {
        let partitions = self.partitions.get()?;
        let count = i32::try_from(partitions.len()).unwrap_or(i32::MAX);
        let index = usize::try_from(partition_for(transactional_id, count)).ok()?;
        partitions.get(index)
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
