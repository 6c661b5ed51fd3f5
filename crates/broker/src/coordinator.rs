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
use std::sync::Arc;

use groups::{
    CommitRequest, CommittedOffset, ConsumerHeartbeat, ConsumerHeartbeatReply, Coordinator,
    GroupListing, HeartbeatRequest, JoinReply, JoinRequest, Leaver, OffsetToCommit, Reply,
    SyncReply, SyncRequest,
};
use model::{ErrorCode, GroupId, TopicId, TopicName};
use parking_lot::Mutex;

pub(crate) use self::in_transaction::NotCommitted;
pub(crate) use self::marker::MarkerLock;
use self::partition::Partition;
pub(crate) use self::view::GroupView;
use crate::broker::Broker;
use crate::coordinator_partitions::{CoordinatorPartitions, absent};
use crate::errors;
use crate::handlers::support::Refusal;
use crate::journal::{Unavailable, told};
use crate::limits::DELETED_TOPICS_REMEMBERED;

/// The topic that holds all groups.
pub(crate) const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// All groups of the broker.
#[derive(Debug, Default)]
pub(crate) struct GroupCoordinators {
    partitions: CoordinatorPartitions<Partition>,
    /// Topics deleted lately. A commit that looked its topic up before the deletion must not bring
    /// back what the deletion has dropped.
    deleted_topics: Mutex<VecDeque<TopicId>>,
}

impl GroupCoordinators {
    /// Loads the groups of the last run, if there were any. Blocks while it reads.
    pub(crate) async fn open(&self, broker: &Arc<Broker>) {
        self.partitions.open(broker).await;
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
        let partition = self
            .partitions
            .ensure_for(broker, &request.group_id)
            .await?;
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
        let partition = self
            .partitions
            .ensure_for(broker, &request.group_id)
            .await?;
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
        let partition = self.partitions.ensure_for(broker, request.group_id).await?;
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
        let partition = self.partitions.ensure_for(broker, request.group_id).await;
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
        let partition = self.partitions.ensure_for(broker, group_id).await?;
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
        let partition = self.partitions.ensure_for(broker, request.group_id).await?;
        let proven = partition.step(|coordinator, call| {
            let (request, gone) = self.without_deleted(request, topic_ids);
            let results = coordinator.commit(request, call)?;
            Ok(with_deleted(of_each(results), &gone))
        });
        told(broker, proven).await?.map_err(errors::of_group)
    }

    /// Takes the offsets of deleted topics out of a request, and tells which they are, or nothing if
    /// there are none. Run under the partition's lock: either the deletion is known here, or it will
    /// find what this commit stores.
    fn without_deleted<'a>(
        &self,
        mut request: CommitRequest<'a>,
        topic_ids: &[TopicId],
    ) -> (CommitRequest<'a>, Vec<bool>) {
        let deleted = self.deleted_topics.lock();
        if !topic_ids.iter().any(|id| deleted.contains(id)) {
            return (request, Vec::new());
        }
        let gone: Vec<bool> = topic_ids.iter().map(|id| deleted.contains(id)).collect();
        drop(deleted);
        let mut is_gone = gone.iter();
        let keep = |_: &OffsetToCommit| !is_gone.next().copied().unwrap_or(false);
        request.offsets.retain(keep);
        (request, gone)
    }

    /// Asks about one group. `None` if no group has ever been here.
    pub(crate) async fn look<T>(
        &self,
        broker: &Arc<Broker>,
        group_id: &str,
        look: impl FnOnce(GroupView<'_>) -> T,
    ) -> Result<Option<T>, ErrorCode> {
        let Some(partition) = self.partitions.for_id(group_id) else {
            return absent(broker).map(|()| None);
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
        let list = |coordinator: &Coordinator| coordinator.list().collect();
        self.partitions
            .list(broker, |partition| partition.look(list))
            .await
    }

    /// DeleteGroups, one of them.
    pub(crate) async fn delete_group(
        &self,
        broker: &Arc<Broker>,
        group_id: &str,
    ) -> Result<(), ErrorCode> {
        let Some(partition) = self.partitions.for_id(group_id) else {
            absent(broker)?;
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
        let Some(partition) = self.partitions.for_id(group_id) else {
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
        for partition in self.partitions.all() {
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
        for partition in self.partitions.all() {
            let _ = partition.look(|coordinator| {
                for (group_id, topic, index, committed) in coordinator.offsets() {
                    visit(group_id, topic, index, committed);
                }
            });
        }
    }

    /// Shows every group; for metrics.
    pub(crate) fn visit_groups(&self, mut visit: impl FnMut(GroupListing)) {
        for partition in self.partitions.all() {
            let _ = partition.look(|coordinator| coordinator.list().for_each(&mut visit));
        }
    }

    /// Sees to it that there are coordinators to be found.
    pub(crate) async fn ensure(&self, broker: &Arc<Broker>) -> Result<(), ErrorCode> {
        self.partitions.ensure(broker).await.map(|_| ())
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
        self.partitions.ensure(broker).await?;
        let published = broker.metadata.published();
        let topic = published.topics.by_name(OFFSETS_TOPIC);
        let topic = topic.map_err(|_| ErrorCode::CoordinatorNotAvailable)?;
        Ok((topic.name().clone(), self.partitions.index_of(group_id)))
    }

    /// Locks a partition for a marker; `None` if its groups are not known.
    pub(crate) fn lock_for_marker(&self, index: i32) -> Option<MarkerLock<'_>> {
        self.partitions.at(index)?.lock_for_marker()
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
    if gone.is_empty() {
        return results;
    }
    let mut results = results.into_iter();
    gone.iter()
        .map(|is_gone| match is_gone {
            true => Err(ErrorCode::UnknownTopicOrPartition),
            false => results.next().unwrap_or(Err(ErrorCode::UnknownServerError)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(partition: i32) -> OffsetToCommit {
        OffsetToCommit {
            topic: TopicName::new("topic").unwrap(),
            partition,
            offset: 1,
            leader_epoch: 0,
            metadata: String::new(),
        }
    }

    #[test]
    fn offsets_of_deleted_topics_are_taken_out_and_refused_in_their_places() {
        let groups = GroupCoordinators::default();
        let [first, deleted, last] = [1, 2, 3].map(|number| TopicId([number; 16]));
        for (is_deleted, stored) in [(false, vec![0, 1, 2]), (true, vec![0, 2])] {
            if is_deleted {
                groups.deleted_topics.lock().push_back(deleted);
            }
            let request = CommitRequest {
                group_id: "group",
                member_id: "",
                group_instance_id: None,
                generation_id: -1,
                knows_member_epochs: true,
                retention_ms: None,
                offsets: [0, 1, 2].map(offset).into(),
            };
            let (request, gone) = groups.without_deleted(request, &[first, deleted, last]);
            let left = request.offsets.iter().map(|offset| offset.partition);
            assert_eq!(left.collect::<Vec<_>>(), stored);
            let mut results = vec![Ok(()); stored.len()];
            results[0] = Err(ErrorCode::OffsetMetadataTooLarge);
            let results = with_deleted(results, &gone);
            let second = match is_deleted {
                true => Err(ErrorCode::UnknownTopicOrPartition),
                false => Ok(()),
            };
            let first = Err(ErrorCode::OffsetMetadataTooLarge);
            assert_eq!(results, [first, second, Ok(())]);
        }
    }
}
