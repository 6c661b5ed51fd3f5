//! The partitions of a coordinator: an internal topic whose partitions each hold the ids that hash to them.

use std::fmt;
use std::sync::Arc;

use config::BrokerSettings;
use coordination::partition_for;
use model::ErrorCode;
use storage::Log;
use tokio::sync::OnceCell;

use crate::broker::Broker;
use crate::deadline_timer::{self, Timed, Timer};
use crate::journal::{Proven, Unavailable, told};
use crate::topic_creation;

/// One partition of a coordinator.
pub(crate) trait Coordinated: Timed + Sized {
    /// The internal topic.
    const TOPIC: &'static str;
    /// What the task is called that wakes the partitions.
    const TIMER: &'static str;

    /// How many partitions the topic is made with.
    fn partition_count(settings: &BrokerSettings) -> i32;

    /// The partition with all that its log says. Blocks while it reads. One that cannot be read answers for
    /// none of its ids; the others do.
    fn load(broker: &Arc<Broker>, log: &Arc<Log>, index: i32, timer: &Arc<Timer>) -> Arc<Self>;
}

/// All partitions of a coordinator. They are made with their topic, when somebody first needs one.
pub(crate) struct CoordinatorPartitions<P> {
    loaded: OnceCell<Vec<Arc<P>>>,
    timer: Arc<Timer>,
}

impl<P> Default for CoordinatorPartitions<P> {
    fn default() -> Self {
        Self {
            loaded: OnceCell::new(),
            timer: Arc::new(Timer::default()),
        }
    }
}

impl<P> fmt::Debug for CoordinatorPartitions<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CoordinatorPartitions")
    }
}

impl<P: Coordinated> CoordinatorPartitions<P> {
    /// Loads what the last run has left, if there was anything. Blocks while it reads.
    pub(crate) async fn open(&self, broker: &Arc<Broker>) {
        let published = broker.metadata.published();
        if published.topics.by_name(P::TOPIC).is_ok()
            && let Err(error) = self.ensure(broker).await
        {
            let topic = P::TOPIC;
            tracing::error!(%error, topic, "what the last run has left cannot be loaded");
        }
    }

    /// The partitions, with the topic they live in; both are made if they are not there.
    pub(crate) async fn ensure(&self, broker: &Arc<Broker>) -> Result<&[Arc<P>], ErrorCode> {
        let loaded = self.loaded.get_or_try_init(|| async {
            let count = P::partition_count(&broker.settings.broker);
            let topic = topic_creation::internal_topic(broker, P::TOPIC, count).await?;
            let mut partitions = Vec::with_capacity(topic.partition_count());
            for index in (0..).take(topic.partition_count()) {
                partitions.push(P::load(broker, topic.log(index)?, index, &self.timer));
            }
            deadline_timer::start(broker, P::TIMER, &self.timer, &partitions);
            Ok(partitions)
        });
        // Whatever is wrong with the topic, to a client the coordinator is not there yet.
        loaded
            .await
            .map(Vec::as_slice)
            .map_err(|_: ErrorCode| ErrorCode::CoordinatorNotAvailable)
    }

    /// The partition of an id, made if it is not there.
    pub(crate) async fn ensure_for(
        &self,
        broker: &Arc<Broker>,
        id: &str,
    ) -> Result<&Arc<P>, ErrorCode> {
        if let Some(partition) = self.for_id(id) {
            return Ok(partition);
        }
        // Its own memory, so that no other request has to carry what only the first needs.
        Box::pin(self.ensure(broker)).await?;
        self.for_id(id).ok_or(ErrorCode::CoordinatorNotAvailable)
    }

    /// Those that are there: none if the topic has not been made yet.
    pub(crate) fn all(&self) -> &[Arc<P>] {
        self.loaded.get().map(Vec::as_slice).unwrap_or_default()
    }

    /// The partition of this index, if it is there.
    pub(crate) fn at(&self, index: i32) -> Option<&Arc<P>> {
        self.all().get(usize::try_from(index).ok()?)
    }

    /// The index of the partition that an id belongs to.
    pub(crate) fn index_of(&self, id: &str) -> i32 {
        let count = i32::try_from(self.all().len()).unwrap_or(i32::MAX);
        partition_for(id, count)
    }

    /// The partition of an id; `None` if the topic has not been made yet.
    pub(crate) fn for_id(&self, id: &str) -> Option<&Arc<P>> {
        self.at(self.index_of(id))
    }

    /// What all partitions list, and what keeps the list from being whole.
    pub(crate) async fn list<T>(
        &self,
        broker: &Arc<Broker>,
        list: impl Fn(&P) -> Result<Proven<Vec<T>>, Unavailable>,
    ) -> (Vec<T>, ErrorCode) {
        let mut listings = Vec::new();
        let mut error = match self.loaded.get() {
            Some(_) => ErrorCode::None,
            None => absent(broker).err().unwrap_or(ErrorCode::None),
        };
        for partition in self.all() {
            match told(broker, list(partition)).await {
                Ok(found) => listings.extend(found),
                Err(unavailable) => error = unavailable,
            }
        }
        (listings, error)
    }
}

/// What there is to say of an id if there are no partitions: nothing, unless damage may be why.
pub(crate) fn absent(broker: &Broker) -> Result<(), ErrorCode> {
    match broker.metadata.published().topics.may_lack() {
        true => Err(ErrorCode::KafkaStorageError),
        false => Ok(()),
    }
}
