//! Members that leave, and what is left of them.

use super::member::Waiting;
use super::{ClassicGroup, Step};
use crate::api::{GroupError, Leaver};

impl ClassicGroup {
    /// Lets members go; one answer per leaver, in order. The others rebalance once for all of them.
    pub(crate) fn leave(
        &mut self,
        step: &mut Step<'_>,
        leavers: &[Leaver<'_>],
    ) -> Vec<Result<(), GroupError>> {
        let members_before = self.members.len();
        let results = leavers
            .iter()
            .map(|leaver| self.let_go(step, *leaver))
            .collect();
        self.after_removal(step, self.members.len() < members_before);
        results
    }

    fn let_go(&mut self, step: &mut Step<'_>, leaver: Leaver<'_>) -> Result<(), GroupError> {
        if leaver.member_id.is_empty() {
            // An administrator knows the instance and not what id it has at present.
            let member_id = leaver
                .group_instance_id
                .and_then(|instance_id| self.static_members.get(instance_id))
                .cloned()
                .ok_or(GroupError::UnknownMemberId)?;
            self.remove_member(step, &member_id);
            return Ok(());
        }
        if self.pending_members.remove(leaver.member_id).is_some() {
            return Ok(());
        }
        self.validate_member(leaver.member_id, leaver.group_instance_id)?;
        self.remove_member(step, leaver.member_id);
        Ok(())
    }

    /// Takes a member out, and tells its client if that waits; whether there was one. The caller
    /// decides what follows.
    pub(super) fn remove_member(&mut self, step: &mut Step<'_>, member_id: &str) -> bool {
        let Some(member) = self.members.remove(member_id) else {
            return false;
        };
        match member.waiting {
            Waiting::No => {}
            Waiting::Join(parked) => {
                self.joining -= 1;
                step.refuse_join(parked, GroupError::UnknownMemberId, "");
            }
            Waiting::Sync(parked) => step.synced(parked, Err(GroupError::UnknownMemberId)),
        }
        if let Some(instance_id) = &member.group_instance_id {
            self.static_members.remove(instance_id);
        }
        if self.is_leader(member_id) {
            self.leader = None;
        }
        true
    }
}
