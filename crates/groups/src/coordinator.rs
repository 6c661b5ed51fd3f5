//! All groups of one partition of `__consumer_offsets`, and their timers.

mod replay;
mod transactions;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use model::{GroupId, ProducerId, TopicName};

use crate::api::{
    Call, CommitRequest, ConsumerGroupDescription, ConsumerHeartbeat, ConsumerHeartbeatReply,
    GroupDescription, GroupError, GroupListing, GroupSettings, HeartbeatRequest, JOIN_EPOCH,
    JoinRequest, Leaver, SyncRequest, Token,
};
use crate::group::{CommittedOffset, Group, Step};
use crate::limits::MEMBER_METADATA_BYTES_MAX;
use crate::pattern::FoundPatterns;

/// The coordinator of the groups of one partition of `__consumer_offsets`.
#[derive(Debug)]
pub struct Coordinator {
    settings: GroupSettings,
    groups: BTreeMap<GroupId, Group>,
    /// When which group wants to be woken; one entry per group, so that a tick touches only groups
    /// with something to do.
    timers: BTreeSet<(Duration, GroupId)>,
    /// Which groups may have pending offsets of a producer's transaction.
    in_transaction: BTreeMap<ProducerId, BTreeSet<GroupId>>,
}

impl Coordinator {
    /// A coordinator without groups.
    pub fn new(settings: GroupSettings) -> Self {
        Self {
            settings,
            groups: BTreeMap::new(),
            timers: BTreeSet::new(),
            in_transaction: BTreeMap::new(),
        }
    }

    /// JoinGroup. The answer goes to the token, now or after other calls: at the latest when the
    /// rebalance timeout has passed, five minutes for a member that is new.
    pub fn join(&mut self, token: Token, request: JoinRequest, call: &mut Call<'_>) {
        let mut step = Step::new(&self.settings, call);
        if let Err(error) = validate_join(&self.settings, &request) {
            return step.refuse_join(token, error, &request.member_id);
        }
        if !request.member_id.is_empty() && !self.groups.contains_key(request.group_id.as_str()) {
            return step.refuse_join(token, GroupError::UnknownMemberId, &request.member_id);
        }
        let group_id = request.group_id.clone();
        self.with_new(&group_id, call, |group, step| {
            group.join(step, token, request);
        });
    }

    /// SyncGroup. The answer goes to the token, now or after other calls: at the latest when the
    /// rebalance timeout has passed.
    pub fn sync(&mut self, token: Token, request: SyncRequest, call: &mut Call<'_>) {
        if request.group_id.is_empty() {
            let reply = crate::Reply::Sync(Err(GroupError::InvalidGroupId));
            return call.effects.replies.push((token, reply));
        }
        let group_id = request.group_id.clone();
        let known = self.with(&group_id, call, |group, step| {
            group.sync(step, token, request);
        });
        if known.is_none() {
            let reply = crate::Reply::Sync(Err(GroupError::UnknownMemberId));
            call.effects.replies.push((token, reply));
        }
    }

    /// Heartbeat.
    ///
    /// # Errors
    ///
    /// [`GroupError::RebalanceInProgress`] asks a valid member to join again; the others tell why it
    /// is not valid.
    pub fn heartbeat(
        &mut self,
        request: HeartbeatRequest<'_>,
        call: &mut Call<'_>,
    ) -> Result<(), GroupError> {
        if request.group_id.is_empty() {
            return Err(GroupError::InvalidGroupId);
        }
        self.with(request.group_id, call, |group, step| {
            group.heartbeat(step, request)
        })
        .unwrap_or(Err(GroupError::UnknownMemberId))
    }

    /// ConsumerGroupHeartbeat.
    ///
    /// # Errors
    ///
    /// [`GroupError::FencedMemberEpoch`] and [`GroupError::UnknownMemberId`] ask a member to give up
    /// what it has and to join again; the others tell why it cannot.
    pub fn consumer_heartbeat(
        &mut self,
        request: &ConsumerHeartbeat<'_>,
        call: &mut Call<'_>,
    ) -> Result<ConsumerHeartbeatReply, GroupError> {
        validate_consumer_heartbeat(request)?;
        let group_id = request.group_id;
        if request.member_epoch == JOIN_EPOCH {
            return self.with_new(group_id, call, |group, step| {
                group.consumer_heartbeat(step, request)
            });
        }
        self.with(group_id, call, |group, step| {
            group.consumer_heartbeat(step, request)
        })
        .unwrap_or(Err(GroupError::UnknownMemberId))
    }

    /// Takes in what a lookup has found that a call had asked for.
    pub fn patterns_found(&mut self, found: FoundPatterns, call: &mut Call<'_>) {
        let group_id = found.group_id.clone();
        self.with(&group_id, call, |group, step| {
            group.patterns_found(step, found);
        });
    }

    /// LeaveGroup: one answer per leaver, in order.
    ///
    /// # Errors
    ///
    /// [`GroupError::InvalidGroupId`] if the group id is empty.
    pub fn leave(
        &mut self,
        group_id: &str,
        leavers: &[Leaver<'_>],
        call: &mut Call<'_>,
    ) -> Result<Vec<Result<(), GroupError>>, GroupError> {
        if group_id.is_empty() {
            return Err(GroupError::InvalidGroupId);
        }
        let results = self.with(group_id, call, |group, step| group.leave(step, leavers));
        Ok(results.unwrap_or_else(|| vec![Err(GroupError::UnknownMemberId); leavers.len()]))
    }

    /// OffsetCommit: one answer per offset, in order.
    ///
    /// # Errors
    ///
    /// What makes the client as a whole one that may not commit for this group.
    pub fn commit(
        &mut self,
        request: CommitRequest<'_>,
        call: &mut Call<'_>,
    ) -> Result<Vec<Result<(), GroupError>>, GroupError> {
        if !is_storable(request.group_id) {
            return Err(GroupError::InvalidGroupId);
        }
        if request.generation_id >= 0 && !self.groups.contains_key(request.group_id) {
            // It was a member before the group was forgotten.
            return Err(GroupError::IllegalGeneration);
        }
        let group_id = request.group_id;
        self.with_new(group_id, call, |group, step| group.commit(step, request))
    }

    /// OffsetFetch of one partition; `None` if nothing is committed.
    pub fn offset(&self, group_id: &str, topic: &str, partition: i32) -> Option<&CommittedOffset> {
        self.groups.get(group_id)?.offset(topic, partition)
    }

    /// OffsetFetch of everything a group has committed, by topic and partition.
    pub fn group_offsets(
        &self,
        group_id: &str,
    ) -> impl Iterator<Item = (&TopicName, i32, &CommittedOffset)> {
        self.groups
            .get(group_id)
            .into_iter()
            .flat_map(Group::offsets)
    }

    /// Everything all groups have committed, for metrics of lag.
    pub fn offsets(&self) -> impl Iterator<Item = (&GroupId, &TopicName, i32, &CommittedOffset)> {
        self.groups.values().flat_map(|group| {
            group
                .offsets()
                .map(move |(topic, partition, committed)| (group.id(), topic, partition, committed))
        })
    }

    /// Whether a client may ask for the offsets of a group as this member of it; `None` and a negative
    /// epoch for one that is outside.
    ///
    /// # Errors
    ///
    /// What makes the client one that has no business there.
    pub fn admit_fetch(
        &self,
        group_id: &str,
        member_id: Option<&str>,
        member_epoch: i32,
    ) -> Result<(), GroupError> {
        match self.groups.get(group_id) {
            Some(group) => group.admit_fetch(member_id, member_epoch),
            None => Ok(()),
        }
    }

    /// DescribeGroups; `None` if there is no classic group of this name.
    pub fn describe(&self, group_id: &str) -> Option<GroupDescription> {
        self.groups.get(group_id)?.describe()
    }

    /// ConsumerGroupDescribe; `None` if there is no consumer group of this name.
    pub fn describe_consumer(&self, group_id: &str) -> Option<ConsumerGroupDescription> {
        self.groups.get(group_id)?.describe_consumer(&self.settings)
    }

    /// ListGroups: all groups, by id. The caller filters.
    pub fn list(&self) -> impl Iterator<Item = GroupListing> {
        self.groups.values().map(Group::list)
    }

    /// How many groups there are.
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// DeleteGroups: deletes a group and its offsets.
    ///
    /// # Errors
    ///
    /// [`GroupError::NonEmptyGroup`] if it has members, [`GroupError::GroupIdNotFound`] if there is
    /// no such group.
    pub fn delete_group(&mut self, group_id: &str, call: &mut Call<'_>) -> Result<(), GroupError> {
        self.with(group_id, call, |group, step| group.delete(step))
            .unwrap_or(Err(GroupError::GroupIdNotFound))
    }

    /// OffsetDelete: one answer per partition, in order. Deleting what is not committed succeeds.
    ///
    /// # Errors
    ///
    /// What keeps all offsets of the group from being deleted.
    pub fn delete_offsets(
        &mut self,
        group_id: &str,
        partitions: &[(TopicName, i32)],
        call: &mut Call<'_>,
    ) -> Result<Vec<Result<(), GroupError>>, GroupError> {
        if group_id.is_empty() {
            return Err(GroupError::InvalidGroupId);
        }
        self.with(group_id, call, |group, step| {
            group.delete_offsets(step, partitions)
        })
        .unwrap_or(Err(GroupError::GroupIdNotFound))
    }

    /// Deletes all groups' offsets of a topic that is gone.
    pub fn delete_topic(&mut self, topic: &str, call: &mut Call<'_>) {
        let affected: Vec<GroupId> = self
            .groups
            .values()
            .filter(|group| group.has_offsets_of(topic))
            .map(|group| group.id().clone())
            .collect();
        for group_id in affected {
            self.with(&group_id, call, |group, step| {
                group.delete_topic(step, topic);
            });
        }
    }

    /// Does everything that is due. To be called when [`Coordinator::next_deadline`] has passed;
    /// earlier or later is harmless.
    pub fn tick(&mut self, call: &mut Call<'_>) {
        // Each group once: what falls due at this very moment is for the next tick.
        let due: Vec<GroupId> = self
            .timers
            .iter()
            .take_while(|(deadline, _)| *deadline <= call.now.monotonic)
            .map(|(_, group_id)| group_id.clone())
            .collect();
        for group_id in due {
            self.with(&group_id, call, |group, step| group.tick(step));
        }
    }

    /// When [`Coordinator::tick`] is to be called; `None` if there are no groups.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.timers.first().map(|(deadline, _)| *deadline)
    }

    /// Panics if anything contradicts itself. Each call checks the group it touched in debug
    /// builds; this checks all.
    pub fn check_invariants(&self) {
        for (group_id, group) in &self.groups {
            assert_eq!(group_id, group.id());
            assert!(!group.is_vacant(), "{group_id} should have been dropped");
            group.check_invariants();
            let timer = (group.wake_at(), group_id.clone());
            assert!(self.timers.contains(&timer), "{group_id} has no timer");
            for (producer_id, ..) in group.pending() {
                let of_producer = self.in_transaction.get(&producer_id);
                let is_known = of_producer.is_some_and(|groups| groups.contains(group_id));
                assert!(is_known, "{group_id}: nobody would end {producer_id:?}");
            }
        }
        assert_eq!(self.timers.len(), self.groups.len(), "timers");
    }

    /// Runs a step on a group that may have to be made.
    fn with_new<R>(
        &mut self,
        group_id: &str,
        call: &mut Call<'_>,
        run: impl FnOnce(&mut Group, &mut Step<'_>) -> R,
    ) -> R {
        if !self.groups.contains_key(group_id) {
            let group = Group::new(group_id, call.now.monotonic, &self.settings);
            self.timers.insert((group.wake_at(), group.id().clone()));
            self.groups.insert(group.id().clone(), group);
        }
        match self.with(group_id, call, run) {
            Some(result) => result,
            None => unreachable!("the group has just been made"),
        }
    }

    /// Runs a step on a group if there is one, keeps its timer, and drops it if nothing is left.
    fn with<R>(
        &mut self,
        group_id: &str,
        call: &mut Call<'_>,
        run: impl FnOnce(&mut Group, &mut Step<'_>) -> R,
    ) -> Option<R> {
        let group = self.groups.get_mut(group_id)?;
        let armed = group.wake_at();
        let mut step = Step::new(&self.settings, call);
        let result = run(group, &mut step);
        let is_vacant = group.is_vacant();
        if cfg!(debug_assertions) {
            group.check_invariants();
        }
        let wake_at = group.wake_at();
        if wake_at != armed || is_vacant {
            let id = group.id().clone();
            self.timers.remove(&(armed, id.clone()));
            if is_vacant {
                self.groups.remove(&id);
            } else {
                self.timers.insert((wake_at, id));
            }
        }
        Some(result)
    }
}

fn validate_join(settings: &GroupSettings, request: &JoinRequest) -> Result<(), GroupError> {
    if request.group_id.is_empty() || !is_storable(&request.group_id) {
        return Err(GroupError::InvalidGroupId);
    }
    let bounds = settings.session_timeout_ms_min..=settings.session_timeout_ms_max;
    if !bounds.contains(&request.session_timeout_ms) {
        return Err(GroupError::InvalidSessionTimeout);
    }
    let metadata_bytes: usize = request.protocols.iter().map(|p| p.metadata.len()).sum();
    if metadata_bytes > MEMBER_METADATA_BYTES_MAX {
        return Err(GroupError::GroupTooLarge);
    }
    let storable = is_storable(&request.protocol_type)
        && request.protocols.iter().all(|p| is_storable(&p.name))
        && request.group_instance_id.as_deref().is_none_or(is_storable);
    if storable {
        Ok(())
    } else {
        Err(GroupError::InconsistentGroupProtocol)
    }
}

fn validate_consumer_heartbeat(request: &ConsumerHeartbeat<'_>) -> Result<(), GroupError> {
    if request.group_id.is_empty() || !is_storable(request.group_id) {
        return Err(GroupError::InvalidGroupId);
    }
    let texts = [
        Some(request.member_id),
        request.instance_id,
        request.rack_id,
        Some(request.client_id),
        request.pattern,
        request.assignor,
    ];
    let topics = request.topics.iter().flatten().copied();
    if texts.into_iter().flatten().chain(topics).all(is_storable) {
        Ok(())
    } else {
        Err(GroupError::InvalidRequest)
    }
}

/// Whether a text fits the length that a record has for it.
fn is_storable(text: &str) -> bool {
    i16::try_from(text.len()).is_ok()
}
