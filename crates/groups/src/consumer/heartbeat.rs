//! ConsumerGroupHeartbeat of a member that joins or stays.

use std::collections::BTreeSet;

use super::ConsumerGroup;
use super::contact::Answer;
use super::reconcile::{Owned, Target, next_step};
use crate::api::{ConsumerHeartbeat, ConsumerHeartbeatReply, GroupError, JOIN_EPOCH};
use crate::group::{self, Step};
use crate::member_id;
use crate::partitions::Partitions;
use crate::records::{ConsumerRecord, CurrentAssignment, LEFT_EPOCH, MemberMetadata, MemberState};

impl ConsumerGroup {
    /// Lets a member in or keeps it, and tells it what to read.
    pub(crate) fn heartbeat(
        &mut self,
        step: &mut Step<'_>,
        request: &ConsumerHeartbeat<'_>,
    ) -> Result<ConsumerHeartbeatReply, GroupError> {
        let is_joining = request.member_epoch == JOIN_EPOCH;
        let member_id = if is_joining {
            self.admit(step, request)?
        } else {
            self.check_member(request)?;
            request.member_id.to_owned()
        };
        let is_full = is_full(request);
        let knows_epoch = request.member_epoch == self.current(&member_id).epoch;
        let is_changed = self.update_member(step, &member_id, request);
        // Who has not got an answer says everything with its next request.
        let has_heard = is_joining || knows_epoch && !is_full;
        self.hear_from(
            step,
            &member_id,
            request.session_timeout_ms,
            has_heard,
            knows_epoch,
        );
        self.look_up_patterns_if_due(step);
        self.count_up_if(step, is_changed);
        self.make_target_if_old(step);
        let nothing = Partitions::new();
        let owned = match &request.owned {
            _ if is_joining => Owned::Only(&nothing),
            Some(partitions) => Owned::Listed {
                partitions,
                knows_epoch,
            },
            None => Owned::Unsaid,
        };
        let is_reassigned = self.reconcile(step, &member_id, owned);
        let current = self.current(&member_id);
        let must_know = is_full || is_joining || !knows_epoch;
        Ok(ConsumerHeartbeatReply {
            member_epoch: current.epoch,
            assignment: (is_reassigned || must_know).then(|| current.assigned.clone()),
            member_id,
        })
    }

    /// Lets somebody begin, as a new member or as one that has lost track, and gives the member id.
    fn admit(
        &mut self,
        step: &mut Step<'_>,
        request: &ConsumerHeartbeat<'_>,
    ) -> Result<String, GroupError> {
        let member_id = match request.member_id {
            "" => member_id::random(request.random),
            member_id => member_id.to_owned(),
        };
        let replaced = match request.instance_id {
            Some(instance_id) => self.static_members.get(instance_id).cloned(),
            None => None,
        };
        if let Some(member) = self.members.get(&member_id)
            && request.instance_id.is_some()
            && request.instance_id != member.instance_id.as_deref()
        {
            return Err(GroupError::InvalidRequest);
        }
        match replaced {
            Some(old_id) if old_id != member_id => {
                // On the classic protocol a static member never says that it leaves.
                let is_classic = self
                    .members
                    .get(&old_id)
                    .is_some_and(|m| m.classic.is_some());
                if self.current(&old_id).epoch != LEFT_EPOCH && !is_classic {
                    return Err(GroupError::UnreleasedInstanceId);
                }
                self.replace(step, &old_id, &member_id);
            }
            _ => self.check_room(step, &member_id)?,
        }
        Ok(member_id)
    }

    pub(super) fn check_room(&self, step: &Step<'_>, member_id: &str) -> Result<(), GroupError> {
        let is_full = self.members.len() >= step.settings.consumer_group_size_max;
        if is_full && !self.members.contains_key(member_id) {
            Err(GroupError::GroupMaxSizeReached)
        } else {
            Ok(())
        }
    }

    /// Whether the member is one, and where the group thinks it is.
    fn check_member(&self, request: &ConsumerHeartbeat<'_>) -> Result<(), GroupError> {
        self.check_instance(request.member_id, request.instance_id)?;
        let current = self.current(request.member_id);
        let epoch = request.member_epoch;
        // It has missed the answer that told it of its new epoch, and has nothing that it should not.
        let has_missed_an_answer = epoch == current.previous_epoch
            && !self.has_used_epoch(request.member_id)
            && request
                .owned
                .as_ref()
                .is_some_and(|owned| owned.is_subset(&current.assigned));
        if current.state == MemberState::Unknown
            || (epoch != current.epoch && !has_missed_an_answer)
        {
            return Err(GroupError::FencedMemberEpoch);
        }
        Ok(())
    }

    /// Whether the group has this member, and no other one under its instance id.
    pub(super) fn check_instance(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), GroupError> {
        let is_member = self.members.contains_key(member_id);
        group::check_instance(&self.static_members, is_member, member_id, instance_id)
    }

    /// Whether a member speaks of the epoch it is in.
    pub(super) fn check_member_epoch(&self, member_id: &str, epoch: i32) -> Result<(), GroupError> {
        let is_classic = self
            .members
            .get(member_id)
            .is_some_and(|m| m.classic.is_some());
        // A static member that is away has no epoch to speak of.
        if epoch >= 0 && epoch == self.current(member_id).epoch {
            Ok(())
        } else if is_classic {
            Err(GroupError::IllegalGeneration)
        } else {
            Err(GroupError::StaleMemberEpoch)
        }
    }

    /// Gives a static member that has started anew the place of its predecessor.
    pub(super) fn replace(&mut self, step: &mut Step<'_>, old_id: &str, new_id: &str) {
        let Some(member) = self.members.get(old_id).cloned() else {
            return;
        };
        let target = self.target(old_id).clone();
        let current = CurrentAssignment {
            epoch: JOIN_EPOCH,
            previous_epoch: JOIN_EPOCH,
            ..self.current(old_id).clone()
        };
        self.remove_member(step, old_id);
        let new_id = new_id.to_owned();
        self.write(step, ConsumerRecord::Member(new_id.clone(), Some(member)));
        self.write(step, ConsumerRecord::Target(new_id.clone(), Some(target)));
        self.write(step, ConsumerRecord::Current(new_id, Some(current)));
    }

    /// Takes over what a heartbeat says of the member; whether it subscribes to something else now.
    fn update_member(
        &mut self,
        step: &mut Step<'_>,
        member_id: &str,
        request: &ConsumerHeartbeat<'_>,
    ) -> bool {
        let known = self.members.get(member_id);
        let mut member = known.cloned().unwrap_or_default();
        describe_anew(&mut member, request);
        self.change_member(step, member_id, member)
    }

    /// Makes a member what it says it is; whether it subscribes to something else now.
    pub(super) fn change_member(
        &mut self,
        step: &mut Step<'_>,
        member_id: &str,
        member: MemberMetadata,
    ) -> bool {
        let known = self.members.get(member_id);
        if known == Some(&member) {
            return false;
        }
        let is_changed = known
            .is_none_or(|known| known.topics != member.topics || known.pattern != member.pattern);
        let abandoned = known.and_then(|known| known.pattern.clone());
        self.write(
            step,
            ConsumerRecord::Member(member_id.to_owned(), Some(member)),
        );
        self.forget_pattern_without_subscriber(step, abandoned);
        is_changed
    }

    /// Leads a member a step towards its target; whether it has something else now.
    pub(super) fn reconcile(
        &mut self,
        step: &mut Step<'_>,
        member_id: &str,
        owned: Owned<'_>,
    ) -> bool {
        let current = self.current(member_id);
        let target = Target {
            epoch: self.assignment_epoch(),
            partitions: self.target(member_id),
        };
        let is_free = |topic, partition| !self.held.contains(topic, partition);
        let Some(next) = next_step(current, target, owned, self.unheard(member_id), is_free) else {
            return false;
        };
        let is_reassigned = next.assigned != current.assigned;
        let answer = Answer {
            granted: next.assigned.difference(&current.assigned),
            has_new_epoch: next.epoch != current.epoch,
            is_told_anew: next.revoking != current.revoking,
            is_revoking: !next.revoking.is_empty(),
        };
        self.write(
            step,
            ConsumerRecord::Current(member_id.to_owned(), Some(next)),
        );
        self.about_to_answer(step, member_id, answer);
        is_reassigned
    }
}

/// Whether the request says everything, as one does that joins or that got no answer to its last one.
fn is_full(request: &ConsumerHeartbeat<'_>) -> bool {
    let subscribes = request.topics.is_some() || request.pattern.is_some();
    subscribes && request.rebalance_timeout_ms.is_some() && request.owned.is_some()
}

fn describe_anew(member: &mut MemberMetadata, request: &ConsumerHeartbeat<'_>) {
    let owned = |text: &str| text.to_owned();
    if let Some(instance_id) = request.instance_id {
        member.instance_id = Some(owned(instance_id));
    }
    if let Some(rack_id) = request.rack_id {
        member.rack_id = Some(owned(rack_id));
    }
    if let Some(rebalance_timeout_ms) = request.rebalance_timeout_ms {
        member.rebalance_timeout_ms = rebalance_timeout_ms;
    }
    if let Some(topics) = &request.topics {
        let topics: BTreeSet<&str> = topics.iter().copied().collect();
        member.topics = topics.into_iter().map(owned).collect();
    }
    if let Some(pattern) = request.pattern {
        member.pattern = Some(owned(pattern)).filter(|pattern| !pattern.is_empty());
    }
    if let Some(assignor) = request.assignor {
        member.assignor = Some(owned(assignor));
    }
    member.client_id = owned(request.client_id);
    member.client_host = owned(request.client_host);
    member.classic = None;
}
