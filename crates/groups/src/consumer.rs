//! The members of a consumer group, whose partitions the broker shares out (KIP-848).
//!
//! There is no rebalance that all wait for. Three things follow each other at their own pace:
//!
//! 1. Members come, go and change what they subscribe to, or a topic changes: the group's epoch is
//!    counted up.
//! 2. The next heartbeat that finds the target assignment older than the group has a new one made.
//! 3. Each member is led from what it has to its target, heartbeat by heartbeat: `reconcile.rs`.
//!
//! All that counts stands in the log, and what is in memory is a fold of it: a change is made by writing
//! its record and folding that ([`ConsumerGroup::write`]). Only what is known of the
//! conversation with a member is not in the log: `contact.rs`.

mod classic_member;
mod contact;
mod describe;
mod fence;
mod heartbeat;
mod invariants;
mod migration;
mod patterns;
mod persist;
mod reconcile;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use model::GroupId;

use self::contact::Contact;
pub(crate) use self::migration::Migrant;
use self::patterns::Lookups;
use crate::api::{CommitRequest, GroupError, GroupKind, GroupListing, GroupSettings, GroupState};
use crate::consumer_protocol::CONSUMER_PROTOCOL_TYPE;
use crate::group::{Membership, RetentionBase, Step};
use crate::partitions::Partitions;
use crate::records::{
    CurrentAssignment, GroupEpoch, GroupRecord, MemberMetadata, MemberState, RecordError,
    ResolvedPattern,
};

/// The membership of a consumer group.
#[derive(Debug)]
pub(crate) struct ConsumerGroup {
    id: GroupId,
    /// `None` if the log has none, which is so before the first member comes.
    epoch: Option<GroupEpoch>,
    /// What the members have said of themselves, by member id; whoever is in here is a member.
    members: BTreeMap<String, MemberMetadata>,
    /// The group epoch that `targets` was made for.
    target_epoch: Option<i32>,
    /// What each member is to have.
    targets: BTreeMap<String, Partitions>,
    /// What each member has.
    currents: BTreeMap<String, CurrentAssignment>,
    /// The topics of the members' patterns.
    patterns: BTreeMap<String, ResolvedPattern>,

    /// Static members: instance id to member id. Follows from `members`.
    static_members: BTreeMap<String, String>,
    /// How many members subscribe to each pattern. Follows from `members`.
    pattern_subscribers: BTreeMap<String, usize>,
    /// What anybody has, or has not confirmed to have given up. Follows from `currents`.
    held: Partitions,

    /// The conversation with each member; not in the log.
    contacts: BTreeMap<String, Contact>,
    /// The state of the topics that the group's epoch takes into account; not in the log.
    topics_version: Option<u64>,
    lookups: Lookups,
    /// Not later than the earliest deadline; `None` if there is none.
    wake_at: Option<Duration>,
}

impl ConsumerGroup {
    /// A membership without members.
    pub(crate) fn new(id: GroupId) -> Self {
        Self {
            id,
            epoch: None,
            members: BTreeMap::new(),
            target_epoch: None,
            targets: BTreeMap::new(),
            currents: BTreeMap::new(),
            patterns: BTreeMap::new(),
            static_members: BTreeMap::new(),
            pattern_subscribers: BTreeMap::new(),
            held: Partitions::new(),
            contacts: BTreeMap::new(),
            topics_version: None,
            lookups: Lookups::default(),
            wake_at: None,
        }
    }

    pub(crate) fn state(&self) -> GroupState {
        if self.members.is_empty() {
            GroupState::Empty
        } else if self.group_epoch() > self.assignment_epoch() {
            GroupState::Assigning
        } else if self.members.keys().all(|id| self.has_arrived(id)) {
            GroupState::Stable
        } else {
            GroupState::Reconciling
        }
    }

    fn group_epoch(&self) -> i32 {
        self.epoch.map_or(0, |epoch| epoch.epoch)
    }

    fn assignment_epoch(&self) -> i32 {
        self.target_epoch.unwrap_or(0)
    }

    /// What a member has; nothing if it has only just come.
    fn current(&self, member_id: &str) -> &CurrentAssignment {
        static NEWCOMER: CurrentAssignment = CurrentAssignment::NEWCOMER;
        self.currents.get(member_id).unwrap_or(&NEWCOMER)
    }

    /// What a member is to have.
    fn target(&self, member_id: &str) -> &Partitions {
        static NOTHING: Partitions = Partitions::new();
        self.targets.get(member_id).unwrap_or(&NOTHING)
    }

    fn has_arrived(&self, member_id: &str) -> bool {
        let current = self.current(member_id);
        current.state == MemberState::Stable && current.epoch == self.assignment_epoch()
    }

    /// Whether anybody subscribes to a pattern.
    fn has_subscriber(&self, pattern: &str) -> bool {
        self.pattern_subscribers.contains_key(pattern)
    }

    /// The topics a member subscribes to, by name or pattern, in no order and perhaps twice. A pattern
    /// that has not been looked up yet has none.
    fn subscribed_topics<'a>(
        &'a self,
        member: &'a MemberMetadata,
    ) -> impl Iterator<Item = &'a str> {
        let pattern = member.pattern.as_ref();
        let of_pattern = pattern.and_then(|pattern| self.patterns.get(pattern));
        let of_pattern = of_pattern.into_iter().flat_map(|found| &found.topics);
        member.topics.iter().chain(of_pattern).map(String::as_str)
    }

    /// The topics that anybody subscribes to.
    fn all_subscribed_topics(&self) -> BTreeSet<&str> {
        self.members
            .values()
            .flat_map(|member| self.subscribed_topics(member))
            .collect()
    }

    /// Sees to it that the group is woken at this time at the latest.
    fn arm(&mut self, deadline: Duration) {
        self.wake_at = Some(
            self.wake_at
                .map_or(deadline, |earlier| earlier.min(deadline)),
        );
    }
}

impl Membership for ConsumerGroup {
    fn wake_at(&self) -> Option<Duration> {
        self.wake_at
    }

    fn is_deserted(&self) -> bool {
        self.members.is_empty()
    }

    fn is_vacant(&self) -> bool {
        self.epoch.is_none()
            && self.target_epoch.is_none()
            && self.members.is_empty()
            && self.targets.is_empty()
            && self.currents.is_empty()
            && self.patterns.is_empty()
    }

    fn desert(&mut self) -> Result<(), GroupError> {
        if self.members.is_empty() {
            Ok(())
        } else {
            Err(GroupError::NonEmptyGroup)
        }
    }

    fn admit_commit(
        &mut self,
        _step: &Step<'_>,
        request: &CommitRequest<'_>,
        in_transaction: bool,
    ) -> Result<(), GroupError> {
        if request.generation_id < 0 && self.members.is_empty() {
            // Nobody manages the group: an administrator, or a consumer that assigns itself.
            return Ok(());
        }
        if in_transaction && request.names_nobody() {
            return Ok(());
        }
        let Some(member) = self.members.get(request.member_id) else {
            return Err(GroupError::UnknownMemberId);
        };
        if member.classic.is_none() && !request.knows_member_epochs && !in_transaction {
            return Err(GroupError::UnsupportedVersion);
        }
        self.check_member_epoch(request.member_id, request.generation_id)
    }

    fn admit_fetch(&self, member_id: Option<&str>, member_epoch: i32) -> Result<(), GroupError> {
        match member_id {
            None if member_epoch < 0 => Ok(()),
            Some(member_id) if self.members.contains_key(member_id) => {
                self.check_member_epoch(member_id, member_epoch)
            }
            _ => Err(GroupError::UnknownMemberId),
        }
    }

    fn retention_base(&self) -> RetentionBase<'_> {
        RetentionBase::CommitUnlessSubscribed(self.all_subscribed_topics())
    }

    fn topics_in_use(&self) -> Result<Option<BTreeSet<&str>>, GroupError> {
        Ok(Some(self.all_subscribed_topics()))
    }

    fn delete_persisted(&mut self, step: &mut Step<'_>) {
        self.delete_all(step);
    }

    fn snapshot(&self, into: &mut Vec<GroupRecord>) {
        into.extend(self.records().map(|record| record.encode(&self.id)));
    }

    fn start(&mut self, now: Duration, settings: &GroupSettings) -> Result<(), RecordError> {
        self.follow_from_records()?;
        self.make_contact(now, settings);
        Ok(())
    }

    fn tick(&mut self, step: &mut Step<'_>) {
        self.fence_the_late(step);
    }

    fn list(&self) -> GroupListing {
        GroupListing {
            group_id: self.id.clone(),
            kind: GroupKind::Consumer,
            protocol_type: CONSUMER_PROTOCOL_TYPE.to_owned(),
            state: self.state(),
        }
    }

    fn check_invariants(&self) {
        self.check_all();
    }
}
