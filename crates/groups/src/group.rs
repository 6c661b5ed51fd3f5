//! One group: what it has committed, and who is in it.
//!
//! A group that has neither members nor offsets is dropped; Kafka calls that Dead.

mod expiry;
mod offsets;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use model::{GroupId, TopicName};

use crate::api::{
    Effects, GroupDescription, GroupError, GroupListing, GroupSettings, HeartbeatRequest,
    JoinRefused, JoinRequest, Joined, Leaver, Now, Reply, SyncReply, SyncRequest, Token,
};
use crate::classic::ClassicGroup;
use crate::records::{GroupRecord, RecordError};
pub(crate) use expiry::RetentionBase;
pub use offsets::CommittedOffset;

/// What a step on a group has at hand.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    pub(crate) settings: &'a GroupSettings,
    pub(crate) now: Now,
    pub(crate) effects: &'a mut Effects,
}

impl Step<'_> {
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
    classic: ClassicGroup,
    offsets: BTreeMap<TopicName, BTreeMap<i32, CommittedOffset>>,
    /// When the offsets are next looked through for expired ones.
    expiry_check_at: Duration,
}

impl Group {
    pub(crate) fn new(id: &str, now: Duration, settings: &GroupSettings) -> Self {
        let id = GroupId::new(id);
        let mut group = Self {
            classic: ClassicGroup::new(id.clone()),
            id,
            offsets: BTreeMap::new(),
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
        let of_members = self.classic.wake_at.into_iter();
        of_members.fold(self.expiry_check_at, Duration::min)
    }

    /// Whether nothing would be lost by forgetting the group: nothing of it is in the log.
    pub(crate) fn is_vacant(&self) -> bool {
        self.offsets.is_empty() && self.classic.is_vacant()
    }

    pub(crate) fn join(&mut self, step: &mut Step<'_>, token: Token, request: JoinRequest) {
        self.classic.join(step, token, request);
    }

    pub(crate) fn sync(&mut self, step: &mut Step<'_>, token: Token, request: SyncRequest) {
        self.classic.sync(step, token, request);
    }

    pub(crate) fn heartbeat(
        &mut self,
        step: &mut Step<'_>,
        request: HeartbeatRequest<'_>,
    ) -> Result<(), GroupError> {
        self.classic.heartbeat(step, request)
    }

    pub(crate) fn leave(
        &mut self,
        step: &mut Step<'_>,
        leavers: &[Leaver<'_>],
    ) -> Vec<Result<(), GroupError>> {
        self.classic.leave(step, leavers)
    }

    /// Deletes the group: all its offsets, then the group itself.
    pub(crate) fn delete(&mut self, step: &mut Step<'_>) -> Result<(), GroupError> {
        self.classic.desert()?;
        self.delete_offsets(step);
        self.classic.delete_persisted(step);
        Ok(())
    }

    /// Does what is due. To be called when [`Group::wake_at`] has passed.
    pub(crate) fn tick(&mut self, step: &mut Step<'_>) {
        self.classic.tick(step);
        if self.expiry_check_at <= step.now.monotonic {
            self.check_expiry(step);
        }
    }

    /// The records a log needs to give the group back as a restart would find it.
    pub(crate) fn snapshot(&self, into: &mut Vec<GroupRecord>) {
        self.classic.snapshot(into);
        into.extend(
            self.offsets()
                .map(|(topic, partition, offset)| self.offset_record(topic, partition, offset)),
        );
    }

    /// Folds the record of a classic group, or its deletion, into the group.
    pub(crate) fn replay_metadata(&mut self, value: Option<Bytes>) -> Result<(), RecordError> {
        self.classic.replay_metadata(value)
    }

    /// Starts all timers of a group that a restart has found; its members could not reach us before.
    pub(crate) fn start(&mut self, now: Duration, settings: &GroupSettings) {
        self.start_expiry_checks(now, settings);
        self.classic.start(now);
    }

    pub(crate) fn list(&self) -> GroupListing {
        self.classic.list()
    }

    pub(crate) fn describe(&self) -> GroupDescription {
        self.classic.describe()
    }

    /// Panics if the group contradicts itself; run after each step in debug builds.
    pub(crate) fn check_invariants(&self) {
        self.classic.check_invariants();
        assert!(
            self.offsets
                .values()
                .all(|partitions| !partitions.is_empty()),
            "{}: a topic without offsets",
            self.id
        );
    }
}
