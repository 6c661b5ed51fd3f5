//! Members that leave, and members that are fenced because they have been silent for too long.
//!
//! Both are forgotten, and what they had is free at once: the one has given it up, and nothing that the
//! other commits will be accepted.

use super::ConsumerGroup;
use crate::api::{ConsumerHeartbeat, ConsumerHeartbeatReply, GroupError, LEAVE_STATIC_EPOCH};
use crate::group::Step;
use crate::partitions::Partitions;
use crate::records::{ConsumerRecord, CurrentAssignment, LEFT_EPOCH, MemberState};

impl ConsumerGroup {
    /// Lets a member go, for good or, if it is a static one, for a while.
    pub(crate) fn leave(
        &mut self,
        step: &mut Step<'_>,
        request: &ConsumerHeartbeat<'_>,
    ) -> Result<ConsumerHeartbeatReply, GroupError> {
        self.check_instance(request.member_id, request.instance_id)?;
        let member_id = request.member_id.to_owned();
        if request.member_epoch == LEAVE_STATIC_EPOCH {
            self.let_go_for_a_while(step, &member_id);
        } else {
            self.fence(step, std::slice::from_ref(&member_id));
        }
        Ok(ConsumerHeartbeatReply {
            member_id,
            member_epoch: request.member_epoch,
            assignment: None,
        })
    }

    /// Keeps the place of a static member that will be back. It has given up what it was told to, and
    /// its session goes on.
    fn let_go_for_a_while(&mut self, step: &mut Step<'_>, member_id: &str) {
        let left = CurrentAssignment {
            epoch: LEFT_EPOCH,
            // No epoch of its own counts any more.
            previous_epoch: LEFT_EPOCH,
            state: MemberState::Stable,
            assigned: self.current(member_id).assigned.clone(),
            revoking: Partitions::new(),
        };
        self.stop_revocation(member_id);
        let member_id = member_id.to_owned();
        self.write(step, ConsumerRecord::Current(member_id, Some(left)));
    }

    /// Forgets members, and has the others share what they had.
    pub(crate) fn fence(&mut self, step: &mut Step<'_>, member_ids: &[String]) {
        let patterns: Vec<Option<String>> = member_ids
            .iter()
            .filter_map(|member_id| self.members.get(member_id))
            .map(|member| member.pattern.clone())
            .collect();
        for member_id in member_ids {
            self.remove_member(step, member_id);
        }
        for pattern in patterns {
            self.forget_pattern_without_subscriber(step, pattern);
        }
        if !member_ids.is_empty() {
            self.count_up_if(step, true);
        }
    }

    /// Writes that a member is gone.
    pub(super) fn remove_member(&mut self, step: &mut Step<'_>, member_id: &str) {
        let member_id = || member_id.to_owned();
        self.write(step, ConsumerRecord::Current(member_id(), None));
        self.write(step, ConsumerRecord::Target(member_id(), None));
        self.write(step, ConsumerRecord::Member(member_id(), None));
    }

    /// Forgets the topics of a pattern that nobody subscribes to any more.
    pub(super) fn forget_pattern_without_subscriber(
        &mut self,
        step: &mut Step<'_>,
        pattern: Option<String>,
    ) {
        if let Some(pattern) = pattern
            && self.patterns.contains_key(&pattern)
            && !self.has_subscriber(&pattern)
        {
            self.write(step, ConsumerRecord::Pattern(pattern, None));
        }
    }
}
