//! Rebalances: gathering members, choosing protocol and leader, starting a generation.

use std::time::Duration;

use super::join::session_end;
use super::member::Waiting;
use super::{ClassicGroup, InitialDelay, Phase, Step};
use crate::api::GroupError;
use crate::limits::POSTPONED_JOIN_MIN;
use crate::millis;

impl ClassicGroup {
    /// Begins a rebalance, or ends the gathering of the present one if this was the last member.
    pub(super) fn rebalance_or_go_on(&mut self, step: &mut Step<'_>) {
        if matches!(self.phase, Phase::Preparing { .. }) {
            self.complete_join_if_all_are_there(step);
        } else {
            self.prepare_rebalance(step);
        }
    }

    /// What a loss means for those who remain: of members, or of pending members only, which nobody
    /// misses but a rebalance that waits for them.
    pub(super) fn after_removal(&mut self, step: &mut Step<'_>, of_members: bool) {
        match self.phase {
            Phase::Preparing { .. } => self.complete_join_if_all_are_there(step),
            Phase::Completing { .. } | Phase::Stable { .. } if of_members => {
                self.prepare_rebalance(step);
            }
            Phase::Empty | Phase::Completing { .. } | Phase::Stable { .. } => {}
        }
    }

    /// Begins to gather members.
    pub(super) fn prepare_rebalance(&mut self, step: &mut Step<'_>) {
        let now = step.now.monotonic;
        self.cancel_syncs(step);
        if self.phase != Phase::Empty {
            self.enter(step, self.gathering(now));
            return self.complete_join_if_all_are_there(step);
        }
        // The group is new or has been empty: others are likely to come, and each would cost a
        // rebalance of its own.
        let delay = millis(step.settings.initial_rebalance_delay_ms);
        let remaining = self.rebalance_timeout().saturating_sub(delay);
        self.enter(
            step,
            Phase::Preparing {
                deadline: now.saturating_add(delay),
                initial: Some(InitialDelay {
                    remaining,
                    has_new_member: false,
                }),
            },
        );
        if delay.is_zero() {
            self.complete_join(step);
        }
    }

    /// Gathering members of whom all have time to come.
    pub(super) fn gathering(&self, now: Duration) -> Phase {
        Phase::Preparing {
            deadline: now.saturating_add(self.rebalance_timeout()),
            initial: None,
        }
    }

    /// Sends those who wait for an assignment back to join.
    fn cancel_syncs(&mut self, step: &mut Step<'_>) {
        let now = step.now.monotonic;
        let mut earliest = None;
        let is_unassigned = matches!(self.phase, Phase::Completing { .. });
        for member in self.members.values_mut() {
            member.must_sync = false;
            if is_unassigned {
                // Members have joined a generation that gave them nothing.
                member.assignment.clear();
            }
            if let Waiting::Sync(parked) = member.waiting {
                step.synced(parked, Err(GroupError::RebalanceInProgress));
                member.waiting = Waiting::No;
                let expires_at = session_end(now, member);
                member.expires_at = Some(expires_at);
                earliest = earliest.into_iter().chain([expires_at]).min();
            }
        }
        if let Some(earliest) = earliest {
            self.arm(earliest);
        }
    }

    fn complete_join_if_all_are_there(&mut self, step: &mut Step<'_>) {
        let Phase::Preparing { initial: None, .. } = self.phase else {
            return;
        };
        if self.joining == self.members.len() && self.pending_members.is_empty() {
            self.complete_join(step);
        }
    }

    /// The deadline of the gathering has passed.
    pub(super) fn join_deadline_passed(&mut self, step: &mut Step<'_>) {
        if let Phase::Preparing {
            deadline,
            initial: Some(initial),
        } = &mut self.phase
            && initial.has_new_member
            && !initial.remaining.is_zero()
        {
            let delay = millis(step.settings.initial_rebalance_delay_ms);
            let extension = delay.min(initial.remaining);
            initial.has_new_member = false;
            initial.remaining = initial.remaining.saturating_sub(extension);
            *deadline = step.now.monotonic.saturating_add(extension);
            let deadline = *deadline;
            return self.arm(deadline);
        }
        self.complete_join(step);
    }

    /// Goes on with those who have joined.
    fn complete_join(&mut self, step: &mut Step<'_>) {
        let absent: Vec<String> = self
            .members
            .iter()
            .filter(|(_, member)| member.waiting == Waiting::No && !member.is_static())
            .map(|(member_id, _)| member_id.clone())
            .collect();
        for member_id in absent {
            self.remove_member(step, &member_id);
        }
        if self.members.is_empty() {
            self.become_empty(step);
        } else if self.joining == 0 {
            // Only static members are left, and all are away. Their sessions decide.
            let wait = self.rebalance_timeout().max(POSTPONED_JOIN_MIN);
            let deadline = step.now.monotonic.saturating_add(wait);
            self.enter(
                step,
                Phase::Preparing {
                    deadline,
                    initial: None,
                },
            );
        } else {
            self.begin_generation(step);
        }
    }

    fn become_empty(&mut self, step: &mut Step<'_>) {
        self.generation_id = self.generation_id.saturating_add(1);
        self.protocol_name = None;
        self.leader = None;
        self.enter(step, Phase::Empty);
        self.persist(step);
    }

    fn begin_generation(&mut self, step: &mut Step<'_>) {
        let now = step.now.monotonic;
        self.elect_leader();
        self.generation_id = self.generation_id.saturating_add(1);
        self.protocol_name = self.protocol_by_vote();
        let sync_deadline = now.saturating_add(self.rebalance_timeout());
        self.enter(step, Phase::Completing { sync_deadline });
        let member_ids: Vec<String> = self.members.keys().cloned().collect();
        for member_id in member_ids {
            let is_leader = self.is_leader(&member_id);
            let Some(member) = self.members.get_mut(&member_id) else {
                continue;
            };
            // A static member that is away stays a member until its session ends, and is neither
            // answered nor missed.
            let Waiting::Join(token) = member.waiting else {
                continue;
            };
            member.waiting = Waiting::No;
            member.is_new = false;
            member.must_sync = true;
            let expires_at = session_end(now, member);
            member.expires_at = Some(expires_at);
            self.joining -= 1;
            self.arm(expires_at);
            let joined = self.joined(&member_id, is_leader, false);
            step.joined(token, joined);
        }
    }

    /// Keeps the leader if it has joined, else makes the first who has the leader.
    fn elect_leader(&mut self) {
        let has_joined = |member_id: &String| {
            self.members
                .get(member_id)
                .is_some_and(|member| matches!(member.waiting, Waiting::Join(_)))
        };
        if !self.leader.as_ref().is_some_and(has_joined) {
            self.leader = self.members.keys().find(|id| has_joined(id)).cloned();
        }
    }

    /// The protocol most members prefer among those all of them support. Each votes for the first
    /// such one in its list; at a tie the leader's order decides.
    pub(super) fn protocol_by_vote(&self) -> Option<String> {
        let leader = self.leader.as_ref().and_then(|id| self.members.get(id));
        let in_order = leader.or_else(|| self.members.values().next())?;
        let mut candidates: Vec<(&str, usize)> = in_order
            .protocols
            .iter()
            .map(|protocol| protocol.name.as_str())
            .filter(|name| self.members.values().all(|member| member.supports(name)))
            .map(|name| (name, 0))
            .collect();
        for member in self.members.values() {
            let vote = member.protocols.iter().find_map(|protocol| {
                candidates
                    .iter()
                    .position(|(name, _)| *name == protocol.name)
            });
            if let Some((_, votes)) = vote.and_then(|index| candidates.get_mut(index)) {
                *votes += 1;
            }
        }
        let most = candidates.iter().map(|(_, votes)| *votes).max()?;
        candidates
            .iter()
            .find(|(_, votes)| *votes == most)
            .map(|(name, _)| (*name).to_owned())
    }
}
