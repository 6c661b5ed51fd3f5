//! The members of a classic group, and the rebalances by which they agree who reads what.
//!
//! ```text
//!            join                  all joined, or time is up          leader's sync
//!   Empty ---------> Preparing -------------------------> Completing ---------------> Stable
//!     ^                 |  ^                                   |                         |
//!     '-----------------'  '-----------------------------------'-------------------------'
//!       nobody joined           join, leave, silence: the next rebalance
//! ```

mod invariants;
mod join;
mod leave;
mod member;
mod membership;
mod migration;
mod persist;
mod rebalance;
mod retention;
mod sync;
mod timers;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use model::GroupId;

use self::member::{Member, Waiting};
use crate::api::{
    CommitRequest, GroupDescription, GroupError, GroupState, HeartbeatRequest, MemberDescription,
};
use crate::group::{Step, check_instance};

/// Where a group stands, with the timer that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Empty,
    Preparing {
        /// When the rebalance goes on with those who are there.
        deadline: Duration,
        /// Set in the first rebalance of an empty group, which always waits for its deadline.
        initial: Option<InitialDelay>,
    },
    Completing {
        /// When those who have not synced are dropped.
        sync_deadline: Duration,
    },
    Stable {
        /// As above; `None` once all have synced.
        sync_deadline: Option<Duration>,
    },
}

/// The wait of the first rebalance, which new members prolong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct InitialDelay {
    /// How much longer it may become after the present deadline.
    remaining: Duration,
    /// Whether a member came since the present deadline was set.
    has_new_member: bool,
}

/// The membership of a classic group.
#[derive(Debug)]
pub(crate) struct ClassicGroup {
    id: GroupId,
    phase: Phase,
    /// When `phase` was entered, in milliseconds since the Unix epoch; -1 if unknown.
    phase_since_ms: i64,
    generation_id: i32,
    protocol_type: Option<String>,
    protocol_name: Option<String>,
    leader: Option<String>,
    members: BTreeMap<String, Member>,
    /// Members that wait in JoinGroup, counted because each join asks.
    joining: usize,
    /// Static members: instance id to member id.
    static_members: BTreeMap<String, String>,
    /// Member ids given out and not yet used, with the time until which they are good.
    pending_members: BTreeMap<String, Duration>,
    /// The value of the last group metadata record; `None` if there is none in the log.
    persisted: Option<Bytes>,
    /// Not later than the earliest deadline above; `None` if there is none.
    pub(crate) wake_at: Option<Duration>,
}

impl ClassicGroup {
    /// A membership without members, as a group has that was never joined.
    pub(crate) fn new(id: GroupId) -> Self {
        Self {
            id,
            phase: Phase::Empty,
            phase_since_ms: -1,
            generation_id: 0,
            protocol_type: None,
            protocol_name: None,
            leader: None,
            members: BTreeMap::new(),
            joining: 0,
            static_members: BTreeMap::new(),
            pending_members: BTreeMap::new(),
            persisted: None,
            wake_at: None,
        }
    }

    pub(crate) fn state(&self) -> GroupState {
        match self.phase {
            Phase::Empty => GroupState::Empty,
            Phase::Preparing { .. } => GroupState::PreparingRebalance,
            Phase::Completing { .. } => GroupState::CompletingRebalance,
            Phase::Stable { .. } => GroupState::Stable,
        }
    }

    pub(crate) fn heartbeat(
        &mut self,
        step: &mut Step<'_>,
        request: HeartbeatRequest<'_>,
    ) -> Result<(), GroupError> {
        self.validate_member(request.member_id, request.group_instance_id)?;
        if request.generation_id != self.generation_id {
            return Err(GroupError::IllegalGeneration);
        }
        self.renew_session(step.now.monotonic, request.member_id);
        match self.phase {
            Phase::Empty => Err(GroupError::UnknownMemberId),
            Phase::Preparing { .. } => Err(GroupError::RebalanceInProgress),
            // A client beats as soon as it has joined, before it is assigned anything.
            Phase::Completing { .. } | Phase::Stable { .. } => Ok(()),
        }
    }

    fn validate_commit(
        &self,
        request: &CommitRequest<'_>,
        in_transaction: bool,
    ) -> Result<(), GroupError> {
        if request.generation_id < 0 && self.phase == Phase::Empty {
            // Nobody manages the group: an administrator, or a consumer that assigns itself.
            return Ok(());
        }
        if in_transaction && request.names_nobody() {
            return Ok(());
        }
        // In a group with members only they know what has been processed.
        self.validate_member(request.member_id, request.group_instance_id)?;
        if request.generation_id != self.generation_id {
            return Err(GroupError::IllegalGeneration);
        }
        if matches!(self.phase, Phase::Completing { .. }) && !in_transaction {
            // The member has joined the generation, so what it commits was not assigned by it.
            return Err(GroupError::RebalanceInProgress);
        }
        Ok(())
    }

    /// Whether the group has this member, and no other one under its instance id.
    fn validate_member(
        &self,
        member_id: &str,
        group_instance_id: Option<&str>,
    ) -> Result<(), GroupError> {
        let is_member = self.members.contains_key(member_id);
        check_instance(
            &self.static_members,
            is_member,
            member_id,
            group_instance_id,
        )
    }

    /// Counts the session of a member anew. A member that is kept waiting has no session: its client
    /// cannot show signs of life while it waits for us.
    fn renew_session(&mut self, now: Duration, member_id: &str) {
        let Some(member) = self.members.get_mut(member_id) else {
            return;
        };
        if member.waiting == Waiting::No {
            let expires_at = now.saturating_add(member.session_timeout());
            member.expires_at = Some(expires_at);
            self.arm(expires_at);
        }
    }

    /// Sees to it that the group is woken at this time at the latest.
    fn arm(&mut self, deadline: Duration) {
        self.wake_at = Some(
            self.wake_at
                .map_or(deadline, |earlier| earlier.min(deadline)),
        );
    }

    fn enter(&mut self, step: &Step<'_>, phase: Phase) {
        self.phase = phase;
        self.phase_since_ms = step.now.wall_ms;
        match phase {
            Phase::Preparing { deadline, .. } => self.arm(deadline),
            Phase::Completing { sync_deadline } => self.arm(sync_deadline),
            Phase::Empty | Phase::Stable { .. } => {}
        }
    }

    fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    /// The longest time a member may need to come back to a rebalance.
    fn rebalance_timeout(&self) -> Duration {
        let longest = self
            .members
            .values()
            .map(|member| member.rebalance_timeout_ms)
            .max();
        crate::millis(longest.unwrap_or(0))
    }

    pub(crate) fn describe(&self) -> GroupDescription {
        // During a rebalance no protocol is agreed on. What members were assigned last is shown all
        // the same: it is what they are still working on.
        let agreed = match self.phase {
            Phase::Stable { .. } => self.protocol_name.as_deref(),
            Phase::Empty | Phase::Preparing { .. } | Phase::Completing { .. } => None,
        };
        let members = self
            .members
            .iter()
            .map(|(member_id, member)| MemberDescription {
                member_id: member_id.clone(),
                group_instance_id: member.group_instance_id.clone(),
                client_id: member.client_id.clone(),
                client_host: member.client_host.clone(),
                metadata: agreed.map_or_else(Bytes::new, |name| member.metadata(name)),
                assignment: member.assignment.clone(),
            });
        GroupDescription {
            state: self.state(),
            generation_id: self.generation_id,
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol_name: agreed.unwrap_or_default().to_owned(),
            members: members.collect(),
        }
    }
}
