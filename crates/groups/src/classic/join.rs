//! JoinGroup: new members, members that come back, static members that take over.

use std::time::Duration;

use super::member::{Member, Waiting};
use super::{ClassicGroup, Phase, Step};
use crate::api::{GroupError, JoinRequest, Joined, JoinedMember, Token};
use crate::limits::{GROUP_RECORD_BYTES_MAX, NEW_MEMBER_JOIN_TIMEOUT, PENDING_MEMBERS_MAX};
use crate::member_id;
use crate::millis;

impl ClassicGroup {
    /// Lets a member in, answers at once, or keeps it waiting under its token.
    pub(crate) fn join(&mut self, step: &mut Step<'_>, token: Token, request: JoinRequest) {
        if !self.has_room_for(&request.member_id, step.settings.group_size_max) {
            // It counts no longer, else a group that was made smaller would never shrink.
            self.pending_members.remove(&request.member_id);
            let was_member = self.remove_member(step, &request.member_id);
            self.after_removal(step, was_member);
            return step.refuse_join(token, GroupError::GroupMaxSizeReached, "");
        }
        if !self.supports(&request) {
            let error = GroupError::InconsistentGroupProtocol;
            return step.refuse_join(token, error, &request.member_id);
        }
        if request.member_id.is_empty() {
            self.join_new(step, token, request);
        } else if self.pending_members.contains_key(&request.member_id) {
            if request.group_instance_id.is_some() {
                // Pending ids are given to dynamic members only.
                let error = GroupError::UnknownMemberId;
                return step.refuse_join(token, error, &request.member_id);
            }
            let member_id = request.member_id.clone();
            self.add_member(step, token, member_id, request);
        } else {
            self.join_again(step, token, request);
        }
    }

    fn has_room_for(&self, member_id: &str, group_size_max: usize) -> bool {
        match self.phase {
            Phase::Empty => true,
            // Only those who have come back count: the others may be gone.
            Phase::Preparing { .. } => {
                let waits = |member: &Member| matches!(member.waiting, Waiting::Join(_));
                self.members.get(member_id).is_some_and(waits) || self.joining < group_size_max
            }
            Phase::Completing { .. } | Phase::Stable { .. } => {
                self.members.contains_key(member_id) || self.members.len() < group_size_max
            }
        }
    }

    /// Whether the request has a protocol that all other members know, and is of their type. The
    /// member that asks, or whose place it takes, does not count: it is about to change its mind.
    fn supports(&self, request: &JoinRequest) -> bool {
        if request.protocol_type.is_empty() || request.protocols.is_empty() {
            return false;
        }
        if self.phase == Phase::Empty {
            return true;
        }
        let replaced = match &request.group_instance_id {
            Some(instance_id) if request.member_id.is_empty() => {
                self.static_members.get(instance_id)
            }
            _ => Some(&request.member_id),
        };
        let others = || {
            self.members
                .iter()
                .filter(|(member_id, _)| Some(*member_id) != replaced)
                .map(|(_, member)| member)
        };
        self.protocol_type.as_deref() == Some(&request.protocol_type)
            && request
                .protocols
                .iter()
                .any(|protocol| others().all(|member| member.supports(&protocol.name)))
    }

    fn join_new(&mut self, step: &mut Step<'_>, token: Token, request: JoinRequest) {
        if let Some(instance_id) = &request.group_instance_id {
            let member_id = member_id::named(instance_id, request.random);
            match self.static_members.get(instance_id).cloned() {
                Some(old_member_id) => {
                    self.take_over(step, token, &old_member_id, member_id, request);
                }
                None => self.add_member(step, token, member_id, request),
            }
            return;
        }
        let member_id = member_id::named(&request.client_id, request.random);
        if !request.requires_known_member_id {
            return self.add_member(step, token, member_id, request);
        }
        if self.pending_members.len() >= PENDING_MEMBERS_MAX {
            return step.refuse_join(token, GroupError::GroupMaxSizeReached, "");
        }
        let expires_at = step
            .now
            .monotonic
            .saturating_add(millis(request.session_timeout_ms));
        step.refuse_join(token, GroupError::MemberIdRequired, &member_id);
        self.pending_members.insert(member_id, expires_at);
        self.arm(expires_at);
    }

    fn add_member(
        &mut self,
        step: &mut Step<'_>,
        token: Token,
        member_id: String,
        request: JoinRequest,
    ) {
        if self.members.is_empty() {
            self.protocol_type = Some(request.protocol_type.clone());
        }
        if let Phase::Preparing {
            initial: Some(initial),
            ..
        } = &mut self.phase
        {
            initial.has_new_member = true;
        }
        let mut member = Member::new(request);
        // It has no session yet, and would never be missed if its client gave up.
        let expires_at = step.now.monotonic.saturating_add(NEW_MEMBER_JOIN_TIMEOUT);
        member.expires_at = Some(expires_at);
        member.waiting = Waiting::Join(token);
        self.joining += 1;
        self.pending_members.remove(&member_id);
        if let Some(instance_id) = &member.group_instance_id {
            self.static_members
                .insert(instance_id.clone(), member_id.clone());
        }
        if self.leader.is_none() {
            self.leader = Some(member_id.clone());
        }
        self.members.insert(member_id, member);
        self.arm(expires_at);
        self.rebalance_or_go_on(step);
    }

    /// A member with an id joins: for a rebalance, or because an answer was lost on its way.
    fn join_again(&mut self, step: &mut Step<'_>, token: Token, request: JoinRequest) {
        let member_id = request.member_id.clone();
        let valid = self.validate_member(&member_id, request.group_instance_id.as_deref());
        if let Err(error) = valid {
            return step.refuse_join(token, error, &member_id);
        }
        let is_leader = self.is_leader(&member_id);
        let Some(member) = self.members.get_mut(&member_id) else {
            return step.refuse_join(token, GroupError::UnknownMemberId, &member_id);
        };
        let is_unchanged = member.protocols == request.protocols;
        let answer_again = match self.phase {
            Phase::Completing { .. } => is_unchanged,
            // The leader may ask for a rebalance for reasons only it knows.
            Phase::Stable { .. } => is_unchanged && !is_leader,
            Phase::Empty | Phase::Preparing { .. } => false,
        };
        if answer_again {
            if let Waiting::Sync(parked) = member.waiting {
                // The client has given that request up, or would not ask again.
                member.waiting = Waiting::No;
                step.synced(parked, Err(GroupError::RebalanceInProgress));
            }
            let in_completing = matches!(self.phase, Phase::Completing { .. });
            member.must_sync |= in_completing;
            self.renew_session(step.now.monotonic, &member_id);
            let joined = self.joined(&member_id, in_completing && is_leader, false);
            return step.joined(token, joined);
        }
        member.update(request);
        self.wait_for_join(step, token, &member_id);
        self.rebalance_or_go_on(step);
    }

    /// Keeps a member waiting for the next generation.
    fn wait_for_join(&mut self, step: &mut Step<'_>, token: Token, member_id: &str) {
        let Some(member) = self.members.get_mut(member_id) else {
            return;
        };
        match member.waiting {
            Waiting::No => self.joining += 1,
            // A client asks once at a time, so the earlier request is lost to it.
            Waiting::Join(parked) => {
                step.refuse_join(parked, GroupError::RebalanceInProgress, member_id);
            }
            Waiting::Sync(parked) => {
                step.synced(parked, Err(GroupError::RebalanceInProgress));
                self.joining += 1;
            }
        }
        member.waiting = Waiting::Join(token);
        if member.is_new {
            let expires_at = step.now.monotonic.saturating_add(NEW_MEMBER_JOIN_TIMEOUT);
            member.expires_at = Some(expires_at);
            self.arm(expires_at);
        } else {
            member.expires_at = None;
        }
    }

    /// A static member has started anew: it gets a new id and the place of the old one (KIP-345).
    fn take_over(
        &mut self,
        step: &mut Step<'_>,
        token: Token,
        old_member_id: &str,
        member_id: String,
        request: JoinRequest,
    ) {
        let Some(mut member) = self.members.remove(old_member_id) else {
            return step.refuse_join(token, GroupError::UnknownMemberId, "");
        };
        match std::mem::replace(&mut member.waiting, Waiting::No) {
            Waiting::No => {}
            Waiting::Join(parked) => {
                self.joining -= 1;
                step.refuse_join(parked, GroupError::FencedInstanceId, old_member_id);
            }
            Waiting::Sync(parked) => step.synced(parked, Err(GroupError::FencedInstanceId)),
        }
        let supports_skipping = request.supports_skipping_assignment;
        member.update(request);
        if let Some(instance_id) = &member.group_instance_id {
            self.static_members
                .insert(instance_id.clone(), member_id.clone());
        }
        let was_leader = self.is_leader(old_member_id);
        if was_leader {
            self.leader = Some(member_id.clone());
        }
        self.members.insert(member_id.clone(), member);

        let is_stable = matches!(self.phase, Phase::Stable { .. });
        if !is_stable
            || self.protocol_by_vote() != self.protocol_name
            || self.record_bytes() > GROUP_RECORD_BYTES_MAX
        {
            self.wait_for_join(step, token, &member_id);
            return self.rebalance_or_go_on(step);
        }
        // What was assigned to the instance still stands; only its id must survive a restart.
        self.persist(step);
        self.renew_session(step.now.monotonic, &member_id);
        let mut joined = self.joined(&member_id, was_leader && supports_skipping, was_leader);
        if was_leader && !supports_skipping {
            // Told that it leads, an older client would assign, which nobody waits for.
            joined.leader = old_member_id.to_owned();
            joined.skip_assignment = false;
        }
        step.joined(token, joined);
    }

    /// The answer that lets a member into the present generation.
    pub(super) fn joined(
        &self,
        member_id: &str,
        with_members: bool,
        skip_assignment: bool,
    ) -> Joined {
        let protocol_name = self.protocol_name.clone().unwrap_or_default();
        let members = if with_members {
            self.joined_members(&protocol_name)
        } else {
            Vec::new()
        };
        Joined {
            generation_id: self.generation_id,
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol_name,
            leader: self.leader.clone().unwrap_or_default(),
            member_id: member_id.to_owned(),
            skip_assignment,
            members,
        }
    }

    fn joined_members(&self, protocol_name: &str) -> Vec<JoinedMember> {
        self.members
            .iter()
            .map(|(member_id, member)| JoinedMember {
                member_id: member_id.clone(),
                group_instance_id: member.group_instance_id.clone(),
                metadata: member.metadata(protocol_name),
            })
            .collect()
    }
}

/// When a session of this length that begins now ends.
pub(super) fn session_end(now: Duration, member: &Member) -> Duration {
    now.saturating_add(member.session_timeout())
}
