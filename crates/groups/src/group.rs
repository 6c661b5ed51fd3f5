//! One group: what it has committed, and who is in it.
//!
//! A group that has neither members nor offsets is dropped; Kafka calls that Dead.

mod expiry;
mod membership;
mod migration;
mod offsets;
mod pending;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use coordination::Now;
use model::{GroupId, TopicName};

use crate::api::{
    Call, ConsumerGroupDescription, ConsumerHeartbeat, ConsumerHeartbeatReply, Effects,
    GroupDescription, GroupError, GroupKind, GroupListing, GroupSettings, HeartbeatRequest,
    JOIN_EPOCH, JoinRefused, JoinRequest, Joined, Leaver, Reply, SyncReply, SyncRequest, Token,
};
use crate::classic::ClassicGroup;
use crate::consumer::ConsumerGroup;
use crate::pattern::FoundPatterns;
use crate::records::{ConsumerRecord, GroupRecord, RecordError};
use crate::topics::Topics;
pub(crate) use expiry::RetentionBase;
pub(crate) use membership::{Members, Membership, check_instance};
pub use offsets::CommittedOffset;
use pending::PendingOffsets;

/// What a step on a group has at hand.
pub(crate) struct Step<'a> {
    pub(crate) settings: &'a GroupSettings,
    pub(crate) now: Now,
    pub(crate) topics: &'a dyn Topics,
    pub(crate) effects: &'a mut Effects,
}

impl<'a> Step<'a> {
    pub(crate) fn new(settings: &'a GroupSettings, call: &'a mut Call<'_>) -> Self {
        Self {
            settings,
            now: call.now,
            topics: call.topics,
            effects: call.effects,
        }
    }

    pub(crate) fn joined(&mut self, token: Token, joined: Joined) {
        self.effects.replies.push((token, Reply::Join(Ok(joined))));
    }

    pub(crate) fn refuse_join(&mut self, token: Token, error: GroupError, member_id: &str) {
        let refused = JoinRefused {
            error,
            member_id: member_id.to_owned(),
        };
        self.effects
            .replies
            .push((token, Reply::Join(Err(refused))));
    }

    pub(crate) fn synced(&mut self, token: Token, reply: SyncReply) {
        self.effects.replies.push((token, Reply::Sync(reply)));
    }
}

/// A group.
#[derive(Debug)]
pub(crate) struct Group {
    id: GroupId,
    members: Members,
    offsets: BTreeMap<TopicName, BTreeMap<i32, CommittedOffset>>,
    pending: PendingOffsets,
    /// How many commits there have been, to tell which one of two is the later.
    last_order: u64,
    /// When the offsets are next looked through for expired ones.
    expiry_check_at: Duration,
}

impl Group {
    pub(crate) fn new(id: &str, now: Duration, settings: &GroupSettings) -> Self {
        let id = GroupId::new(id);
        let mut group = Self {
            members: Members::Classic(ClassicGroup::new(id.clone())),
            id,
            offsets: BTreeMap::new(),
            pending: PendingOffsets::default(),
            last_order: 0,
            expiry_check_at: Duration::ZERO,
        };
        group.start_expiry_checks(now, settings);
        group
    }

    pub(crate) fn id(&self) -> &GroupId {
        &self.id
    }

    /// When the group is to be woken: not later than its earliest deadline. There always is one, since
    /// offsets are looked through as long as there is a group.
    pub(crate) fn wake_at(&self) -> Duration {
        let of_members = self.members.any().wake_at().into_iter();
        of_members.fold(self.expiry_check_at, Duration::min)
    }

    /// Whether nothing would be lost by forgetting the group: nothing of it is in the log.
    pub(crate) fn is_vacant(&self) -> bool {
        self.offsets.is_empty() && self.pending.is_empty() && self.members.any().is_vacant()
    }

    pub(crate) fn join(&mut self, step: &mut Step<'_>, token: Token, request: JoinRequest) {
        self.downgrade_for(step, &request);
        self.take_on_if_deserted(step, GroupKind::Classic);
        match &mut self.members {
            Members::Classic(classic) => classic.join(step, token, request),
            Members::Consumer(consumer) => consumer.join_classic(step, token, request),
        }
    }

    pub(crate) fn sync(&mut self, step: &mut Step<'_>, token: Token, request: SyncRequest) {
        match &mut self.members {
            Members::Classic(classic) => classic.sync(step, token, request),
            Members::Consumer(consumer) => {
                let reply = consumer.sync_classic(step, &request);
                step.synced(token, reply);
            }
        }
    }

    pub(crate) fn heartbeat(
        &mut self,
        step: &mut Step<'_>,
        request: HeartbeatRequest<'_>,
    ) -> Result<(), GroupError> {
        match &mut self.members {
            Members::Classic(classic) => classic.heartbeat(step, request),
            Members::Consumer(consumer) => consumer.heartbeat_classic(step, request),
        }
    }

    pub(crate) fn leave(
        &mut self,
        step: &mut Step<'_>,
        leavers: &[Leaver<'_>],
    ) -> Vec<Result<(), GroupError>> {
        let results = match &mut self.members {
            Members::Classic(classic) => classic.leave(step, leavers),
            Members::Consumer(consumer) => consumer.leave_classic(step, leavers),
        };
        self.downgrade_if_all_classic(step);
        results
    }

    pub(crate) fn consumer_heartbeat(
        &mut self,
        step: &mut Step<'_>,
        request: &ConsumerHeartbeat<'_>,
    ) -> Result<ConsumerHeartbeatReply, GroupError> {
        if request.member_epoch == JOIN_EPOCH {
            self.take_on_if_deserted(step, GroupKind::Consumer);
            self.upgrade(step, request)?;
        }
        let result = match &mut self.members {
            // It was a member before the group was forgotten or went over to the classic protocol, and
            // is to join again.
            Members::Classic(_) => Err(GroupError::UnknownMemberId),
            Members::Consumer(consumer) if request.member_epoch < JOIN_EPOCH => {
                consumer.leave(step, request)
            }
            Members::Consumer(consumer) => consumer.heartbeat(step, request),
        };
        self.downgrade_if_all_classic(step);
        result
    }

    pub(crate) fn patterns_found(&mut self, step: &mut Step<'_>, found: FoundPatterns) {
        match &mut self.members {
            // Nobody subscribes by pattern any more.
            Members::Classic(_) => {}
            Members::Consumer(consumer) => consumer.patterns_found(step, found),
        }
    }

    /// Has a group without members take on the kind of the first that comes.
    fn take_on_if_deserted(&mut self, step: &mut Step<'_>, kind: GroupKind) {
        let members = self.members.any_mut();
        if members.list().kind == kind || members.desert().is_err() {
            return;
        }
        members.delete_persisted(step);
        self.members = match kind {
            GroupKind::Classic => Members::Classic(ClassicGroup::new(self.id.clone())),
            GroupKind::Consumer => Members::Consumer(ConsumerGroup::new(self.id.clone())),
        };
    }

    /// Deletes the group: all its offsets, then the group itself.
    pub(crate) fn delete(&mut self, step: &mut Step<'_>) -> Result<(), GroupError> {
        self.members.any_mut().desert()?;
        self.delete_all_offsets(step);
        self.members.any_mut().delete_persisted(step);
        Ok(())
    }

    /// Does what is due. To be called when [`Group::wake_at`] has passed.
    pub(crate) fn tick(&mut self, step: &mut Step<'_>) {
        self.members.any_mut().tick(step);
        self.downgrade_if_all_classic(step);
        if self.expiry_check_at <= step.now.monotonic {
            self.check_expiry(step);
        }
    }

    /// The records a log needs to give the group back as a restart would find it.
    pub(crate) fn snapshot(&self, into: &mut Vec<GroupRecord>) {
        self.members.any().snapshot(into);
        into.extend(
            self.offsets()
                .map(|(topic, partition, offset)| self.offset_record(topic, partition, offset)),
        );
    }

    /// Folds the record of a classic group, or its deletion, into the group.
    pub(crate) fn replay_classic(&mut self, value: Option<Bytes>) -> Result<(), RecordError> {
        match &mut self.members {
            Members::Classic(classic) => classic.replay_metadata(value),
            Members::Consumer(_) if value.is_none() => Ok(()),
            Members::Consumer(consumer) if consumer.is_vacant() => {
                let mut classic = ClassicGroup::new(self.id.clone());
                classic.replay_metadata(value)?;
                self.members = Members::Classic(classic);
                Ok(())
            }
            Members::Consumer(_) => Err(RecordError::TwoKinds),
        }
    }

    /// Folds a record of a consumer group, or its deletion, into the group.
    pub(crate) fn replay_consumer(&mut self, record: ConsumerRecord) -> Result<(), RecordError> {
        match &mut self.members {
            Members::Consumer(consumer) => consumer.fold(record),
            Members::Classic(_) if record.is_tombstone() => {}
            Members::Classic(classic) if classic.is_vacant() => {
                let mut consumer = ConsumerGroup::new(self.id.clone());
                consumer.fold(record);
                self.members = Members::Consumer(consumer);
            }
            Members::Classic(_) => return Err(RecordError::TwoKinds),
        }
        Ok(())
    }

    /// Starts all timers of a group that a restart has found; its members could not reach us before.
    pub(crate) fn start(
        &mut self,
        now: Duration,
        settings: &GroupSettings,
    ) -> Result<(), RecordError> {
        self.start_expiry_checks(now, settings);
        self.members.any_mut().start(now, settings)
    }

    /// Whether somebody may ask for the group's offsets as this member; `None` for one that is outside.
    pub(crate) fn admit_fetch(
        &self,
        member_id: Option<&str>,
        member_epoch: i32,
    ) -> Result<(), GroupError> {
        self.members.any().admit_fetch(member_id, member_epoch)
    }

    pub(crate) fn list(&self) -> GroupListing {
        self.members.any().list()
    }

    /// A classic group; `None` if it is a consumer group.
    pub(crate) fn describe(&self) -> Option<GroupDescription> {
        match &self.members {
            Members::Classic(classic) => Some(classic.describe()),
            Members::Consumer(_) => None,
        }
    }

    /// A consumer group; `None` if it is a classic group.
    pub(crate) fn describe_consumer(
        &self,
        settings: &GroupSettings,
    ) -> Option<ConsumerGroupDescription> {
        match &self.members {
            Members::Classic(_) => None,
            Members::Consumer(consumer) => Some(consumer.describe(settings)),
        }
    }

    /// Panics if the group contradicts itself; run after each step in debug builds.
    pub(crate) fn check_invariants(&self) {
        self.members.any().check_invariants();
        assert!(
            self.offsets
                .values()
                .all(|partitions| !partitions.is_empty()),
            "{}: a topic without offsets",
            self.id
        );
        self.pending.check_invariants();
        let pending = self.pending().map(|(.., offset)| offset);
        let mut all = self.offsets().map(|(.., offset)| offset).chain(pending);
        assert!(all.all(|offset| offset.order <= self.last_order));
    }
}
