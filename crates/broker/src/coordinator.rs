//! The group coordinators: the shell around the state machines of the `groups` crate.
//!
//! Groups live in the partitions of the internal topic `__consumer_offsets`, chosen by a hash of the
//! group's id; it is created when the first client looks for a coordinator. `partition` runs one
//! partition's state machine: under its lock a call is decided and its records are appended, and
//! nothing is answered before the newest record of that partition is durable. `loading` folds a
//! partition's log at the start. `deadline_timer` wakes the partitions when something is due.
//!
//! Lock order: the metadata store's lock, then a partition's lock, then `deleted_topics`.

mod in_transaction;
mod loading;
mod marker;
mod partition;
mod settings;
mod view;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use config::BrokerSettings;
use coordination::partition_for;
use groups::{
    CommitRequest, CommittedOffset, ConsumerHeartbeat, ConsumerHeartbeatReply, GroupListing,
    GroupSettings, HeartbeatRequest, JoinReply, JoinRequest, Leaver, OffsetToCommit, Reply,
    SyncReply, SyncRequest,
};
use model::{ErrorCode, GroupId, TopicId, TopicName};
use parking_lot::Mutex;
use tokio::sync::OnceCell;

pub(crate) use self::in_transaction::NotCommitted;
pub(crate) use self::marker::MarkerLock;
use self::partition::Partition;
use self::settings::group_settings;
pub(crate) use self::view::GroupView;
use crate::broker::Broker;
use crate::deadline_timer::{self, Timer};
use crate::errors;
use crate::handlers::support::Refusal;
use crate::journal::{Unavailable, told};
use crate::limits::DELETED_TOPICS_REMEMBERED;
use crate::topic_creation;

/// The topic that holds all groups.
pub(crate) const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// All groups of the broker.
pub(crate) struct GroupCoordinators {
    settings: GroupSettings,
    partition_count: i32,
    partitions: OnceCell<Vec<Arc<Partition>>>,
    timer: Arc<Timer>,
    /// Topics deleted lately. A commit that looked its topic up before the deletion must not bring
    /// back what the deletion has dropped.
    deleted_topics: Mutex<VecDeque<TopicId>>,
}

impl fmt::Debug for GroupCoordinators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GroupCoordinators")
    }
}

impl GroupCoordinators {
    /// Coordinators without groups; [`GroupCoordinators::open`] loads those of the last run.
    pub(crate) fn new(settings: &BrokerSettings) -> Self {
        Self {
            settings: group_settings(settings),
            partition_count: settings.offsets_topic_num_partitions,
            partitions: OnceCell::new(),
            timer: Arc::new(Timer::default()),
            deleted_topics: Mutex::new(VecDeque::new()),
        }
    }

    /// Loads the groups of the last run, if there were any. Blocks while it reads.
    pub(crate) async fn open(&self, broker: &Arc<Broker>) {
        let published = broker.metadata.published();
        if published.topics.by_name(OFFSETS_TOPIC).is_ok()
            && let Err(error) = self.partitions(broker).await
        {
            tracing::error!(%error, "the groups of the last run cannot be loaded");
        }
    }

    /// Has the coordinators told of deleted topics.
    pub(crate) fn follow_deletions(broker: &Arc<Broker>) {
        let weak = Arc::downgrade(broker);
        broker.metadata.on_deletion(Box::new(move |topics| {
            if let Some(broker) = weak.upgrade() {
                broker.groups.topics_deleted(topics);
            }
        }));
    }

    /// JoinGroup. Waits for the other members; dropping the future forgets the answer, not the
    /// member.
    pub(crate) async fn join(
        &self,
        broker: &Arc<Broker>,
        request: JoinRequest,
    ) -> Result<JoinReply, ErrorCode> {
        let partition = self.partition(broker, &request.group_id).await?;
        let parked = partition.park(|coordinator, token, call| {
            coordinator.join(token, request, call);
        })?;
        match self.parked(broker, parked).await? {
            Reply::Join(reply) => Ok(reply),
            Reply::Sync(_) => Err(ErrorCode::UnknownServerError),
        }
    }

    /// SyncGroup. Waits for the leader.
    pub(crate) async fn sync(
        &self,
        broker: &Arc<Broker>,
        request: SyncRequest,
    ) -> Result<SyncReply, ErrorCode> {
        let partition = self.partition(broker, &request.group_id).await?;
        let parked = partition.park(|coordinator, token, call| {
            coordinator.sync(token, request, call);
        })?;
        match self.parked(broker, parked).await? {
            Reply::Sync(reply) => Ok(reply),
            Reply::Join(_) => Err(ErrorCode::UnknownServerError),
        }
    }

    /// Heartbeat.
    pub(crate) async fn heartbeat(
        &self,
        broker: &Arc<Broker>,
        request: HeartbeatRequest<'_>,
    ) -> Result<(), ErrorCode> {
        let partition = self.partition(broker, request.group_id).await?;
        let proven = partition.step(|coordinator, call| coordinator.heartbeat(request, call));
        told(broker, proven).await?.map_err(errors::of_group)
    }

    /// ConsumerGroupHeartbeat. The error is told in words too.
    pub(crate) async fn consumer_heartbeat(
        &self,
        broker: &Arc<Broker>,
        request: &ConsumerHeartbeat<'_>,
    ) -> Result<ConsumerHeartbeatReply, Refusal> {
        let unavailable = |code| Refusal::new(code, "the group cannot be reached at the moment");
        let partition = self.partition(broker, request.group_id).await;
        let proven = partition
            .map_err(unavailable)?
            .step(|coordinator, call| coordinator.consumer_heartbeat(request, call));
        let reply = told(broker, proven).await.map_err(unavailable)?;
        reply.map_err(|error| Refusal::new(errors::of_group(error), error.to_string()))
    }

    /// LeaveGroup: an outcome per leaver, in order.
    pub(crate) async fn leave(
        &self,
        broker: &Arc<Broker>,
        group_id: &str,
        leavers: &[Leaver<'_>],
    ) -> Result<Vec<Result<(), ErrorCode>>, ErrorCode> {
        let partition = self.partition(broker, group_id).await?;
        let proven = partition.step(|coordinator, call| coordinator.leave(group_id, leavers, call));
        let results = told(broker, proven).await?;
        Ok(of_each(results.map_err(errors::of_group)?))
    }

    /// OffsetCommit: an outcome per offset, in order. Each comes with the id of the topic it was
    /// looked up under.
    pub(crate) async fn commit(
        &self,
        broker: &Arc<Broker>,
        request: CommitRequest<'_>,
        topic_ids: &[TopicId],
    ) -> Result<Vec<Result<(), ErrorCode>>, ErrorCode> {
        let partition = self.partition(broker, request.group_id).await?;
        let proven = partition.step(|coordinator, call| {
            let (request, gone) = self.without_deleted(request, topic_ids);
            let results = coordinator.commit(request, call)?;
            Ok(with_deleted(of_each(results), &gone))
        });
        told(broker, proven).await?.map_err(errors::of_group)
    }

    /// Takes the offsets of deleted topics out of a request. Run under the partition's lock: either
    /// the deletion is known here, or it will find what this commit stores.
    fn without_deleted<'a>(
        &self,
        mut request: CommitRequest<'a>,
        topic_ids: &[TopicId],
    ) -> (CommitRequest<'a>, Vec<bool>) {
        let deleted = self.deleted_topics.lock();
        let gone: Vec<bool> = topic_ids.iter().map(|id| deleted.contains(id)).collect();
        drop(deleted);
        let mut is_gone = gone.iter();
        let keep = |_: &OffsetToCommit| !is_gone.next().copied().unwrap_or(false);
        request.offsets.retain(keep);
        (request, gone)
    }

    /// What there is to say of groups if there are no partitions: nothing, unless damage may be why.
    fn absent(broker: &Broker) -> Result<(), ErrorCode> {
        match broker.metadata.published().topics.may_lack() {
            true => Err(ErrorCode::KafkaStorageError),
            false => Ok(()),
        }
    }

    /// Asks about one group. `None` if no group has ever been here.
    pub(crate) async fn look<T>(
        &self,
        broker: &Arc<Broker>,
        group_id: &str,
        look: impl FnOnce(GroupView<'_>) -> T,
    ) -> Result<Option<T>, ErrorCode> {
        let Some(partition) = self.existing_partition(group_id) else {
            return Self::absent(broker).map(|()| None);
        };
        let proven = partition.look(|coordinator| {
            look(GroupView {
                coordinator,
                group_id,
            })
        });
        told(broker, proven).await.map(Some)
    }

    /// ListGroups: all groups, and what keeps the list from being whole.
    pub(crate) async fn list(&self, broker: &Arc<Broker>) -> (Vec<GroupListing>, ErrorCode) {
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

    /// DeleteGroups, one of them.
    pub(crate) async fn delete_group(
        &self,
        broker: &Arc<Broker>,
        group_id: &str,
    ) -> Result<(), ErrorCode> {
        let Some(partition) = self.existing_partition(group_id) else {
            Self::absent(broker)?;
            return Err(ErrorCode::GroupIdNotFound);
        };
        let proven = partition.step(|coordinator, call| coordinator.delete_group(group_id, call));
        told(broker, proven).await?.map_err(errors::of_group)
    }

    /// OffsetDelete: an outcome per partition, in order.
    pub(crate) async fn delete_offsets(
        &self,
        broker: &Arc<Broker>,
        group_id: &str,
        partitions: &[(TopicName, i32)],
    ) -> Result<Vec<Result<(), ErrorCode>>, ErrorCode> {
        let Some(partition) = self.existing_partition(group_id) else {
            return Err(match group_id {
                "" => ErrorCode::InvalidGroupId,
                _ => ErrorCode::GroupIdNotFound,
            });
        };
        let proven = partition
            .step(|coordinator, call| coordinator.delete_offsets(group_id, partitions, call));
        let results = told(broker, proven).await?;
        Ok(of_each(results.map_err(errors::of_group)?))
    }

    /// Drops the offsets of topics whose deletion has just been appended to the metadata log. To be
    /// called under the metadata store's lock: so the tombstones stand in front of anything that a
    /// new topic of the same name leads to.
    fn topics_deleted(&self, topics: &[(TopicName, TopicId)]) {
        {
            let mut deleted = self.deleted_topics.lock();
            deleted.extend(topics.iter().map(|(_, id)| *id));
            let excess = deleted.len().saturating_sub(DELETED_TOPICS_REMEMBERED);
            deleted.drain(..excess);
        }
        for partition in self.partitions.get().into_iter().flatten() {
            for (name, _) in topics {
                partition.delete_topic(name);
            }
        }
    }

    /// Shows every committed offset, durable or about to be; for metrics.
    pub(crate) fn visit_offsets(
        &self,
        mut visit: impl FnMut(&GroupId, &TopicName, i32, &CommittedOffset),
    ) {
        for partition in self.partitions.get().into_iter().flatten() {
            let _ = partition.look(|coordinator| {
                for (group_id, topic, index, committed) in coordinator.offsets() {
                    visit(group_id, topic, index, committed);
                }
            });
        }
    }

    /// Shows every group; for metrics.
    pub(crate) fn visit_groups(&self, mut visit: impl FnMut(GroupListing)) {
        for partition in self.partitions.get().into_iter().flatten() {
            let _ = partition.look(|coordinator| coordinator.list().for_each(&mut visit));
        }
    }

    /// The partitions, with the topic they live in; both are made if they are not there.
    async fn partitions(&self, broker: &Arc<Broker>) -> Result<&[Arc<Partition>], ErrorCode> {
        let partitions = self.partitions.get_or_try_init(|| async {
            let count = self.partition_count;
            let topic = topic_creation::internal_topic(broker, OFFSETS_TOPIC, count).await?;
            let partitions = loading::load(broker, &topic, &self.settings, &self.timer)?;
            deadline_timer::start(broker, "group-timer", &self.timer, &partitions);
            Ok(partitions)
        });
        // Whatever is wrong with the topic, to a group's client the coordinator is not there yet.
        partitions
            .await
            .map(Vec::as_slice)
            .map_err(|_: ErrorCode| ErrorCode::CoordinatorNotAvailable)
    }

    /// Sees to it that there are coordinators to be found.
    pub(crate) async fn ensure(&self, broker: &Arc<Broker>) -> Result<(), ErrorCode> {
        self.partitions(broker).await.map(|_| ())
    }

    async fn partition(
        &self,
        broker: &Arc<Broker>,
        group_id: &str,
    ) -> Result<&Arc<Partition>, ErrorCode> {
        self.partitions(broker).await?;
        self.existing_partition(group_id)
            .ok_or(ErrorCode::CoordinatorNotAvailable)
    }

    /// The partition of a group; `None` if the topic has not been made yet.
    fn existing_partition(&self, group_id: &str) -> Option<&Arc<Partition>> {
        let partitions = self.partitions.get()?;
        let count = i32::try_from(partitions.len()).unwrap_or(i32::MAX);
        let index = usize::try_from(partition_for(group_id, count)).ok()?;
        partitions.get(index)
    }

    /// Where the offsets of a group are, as transactions name it.
    pub(crate) async fn place_of(
        &self,
        broker: &Arc<Broker>,
        group_id: &str,
    ) -> Result<(TopicName, i32), ErrorCode> {
        if group_id.is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        let count = self.partitions(broker).await?.len();
        let published = broker.metadata.published();
        let topic = published.topics.by_name(OFFSETS_TOPIC);
        let topic = topic.map_err(|_| ErrorCode::CoordinatorNotAvailable)?;
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        Ok((topic.name().clone(), partition_for(group_id, count)))
    }

    /// Locks a partition for a marker; `None` if its groups are not known.
    pub(crate) fn lock_for_marker(&self, index: i32) -> Option<MarkerLock<'_>> {
        let index = usize::try_from(index).ok()?;
        self.partitions.get()?.get(index)?.lock_for_marker()
    }

    /// Waits for a parked request's turn, and then until its answer may leave.
    async fn parked(
        &self,
        broker: &Arc<Broker>,
        parked: partition::Parked,
    ) -> Result<Reply, ErrorCode> {
        let mut stopping = broker.stopping();
        let answered = tokio::select! {
            biased;
            answered = parked => answered,
            _ = stopping.wait_for(|stopping| *stopping) => {
                return Err(ErrorCode::CoordinatorNotAvailable);
            }
        };
        // A partition that cannot write lets go of those who wait.
        let proven = answered.map_err(|_| Unavailable::NotWritten);
        told(broker, proven).await
    }
}

fn of_each(results: Vec<Result<(), groups::GroupError>>) -> Vec<Result<(), ErrorCode>> {
    results
        .into_iter()
        .map(|result| result.map_err(errors::of_group))
        .collect()
}

/// Puts the outcome of offsets that were taken out back in their places.
fn with_deleted(results: Vec<Result<(), ErrorCode>>, gone: &[bool]) -> Vec<Result<(), ErrorCode>> {
    let mut results = results.into_iter();
    gone.iter()
        .map(|is_gone| match is_gone {
            true => Err(ErrorCode::UnknownTopicOrPartition),
            false => results.next().unwrap_or(Err(ErrorCode::UnknownServerError)),
        })
        .collect()
}
