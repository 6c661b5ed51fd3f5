//! SyncGroup: the leader hands out assignments, the others fetch theirs.

use bytes::Bytes;

use super::join::session_end;
use super::member::Waiting;
use super::{ClassicGroup, Phase, Step};
use crate::api::{GroupError, SyncRequest, Synced, Token};
use crate::limits::GROUP_RECORD_BYTES_MAX;

impl ClassicGroup {
    /// Answers with the assignment, or keeps the member waiting for the leader's under its token.
    pub(crate) fn sync(&mut self, step: &mut Step<'_>, token: Token, request: SyncRequest) {
        if let Err(error) = self.validate_sync(&request) {
            return step.synced(token, Err(error));
        }
        let is_leader = self.is_leader(&request.member_id);
        let fits = !is_leader || self.fits_record(&request.assignments);
        let Some(member) = self.members.get_mut(&request.member_id) else {
            return step.synced(token, Err(GroupError::UnknownMemberId));
        };
        match self.phase {
            Phase::Empty => step.synced(token, Err(GroupError::UnknownMemberId)),
            Phase::Preparing { .. } => {
                step.synced(token, Err(GroupError::RebalanceInProgress));
                self.renew_session(step.now.monotonic, &request.member_id);
            }
            Phase::Completing { .. } if !fits => {
                step.synced(token, Err(GroupError::GroupTooLarge));
            }
            Phase::Completing { sync_deadline } => {
                if let Waiting::Sync(parked) = member.waiting {
                    // A client asks once at a time, so the earlier request is lost to it.
                    step.synced(parked, Err(GroupError::RebalanceInProgress));
                }
                member.waiting = Waiting::Sync(token);
                member.must_sync = false;
                member.expires_at = None;
                if is_leader {
                    self.assign(request.assignments);
                    self.become_stable(step, sync_deadline);
                }
            }
            Phase::Stable { .. } => {
                member.must_sync = false;
                self.renew_session(step.now.monotonic, &request.member_id);
                let synced = self.synced(&request.member_id);
                step.synced(token, Ok(synced));
                self.stop_waiting_for_syncs();
            }
        }
    }

    fn validate_sync(&self, request: &SyncRequest) -> Result<(), GroupError> {
        self.validate_member(&request.member_id, request.group_instance_id.as_deref())?;
        if request.generation_id != self.generation_id {
            return Err(GroupError::IllegalGeneration);
        }
        let agrees = |asked: &Option<String>, known: &Option<String>| {
            asked.is_none() || known.is_none() || asked == known
        };
        if agrees(&request.protocol_type, &self.protocol_type)
            && agrees(&request.protocol_name, &self.protocol_name)
        {
            Ok(())
        } else {
            Err(GroupError::InconsistentGroupProtocol)
        }
    }

    /// Whether the group's record would be one that can be written, with these assignments.
    fn fits_record(&self, assignments: &[(String, Bytes)]) -> bool {
        let assigned: usize = assignments.iter().map(|(_, bytes)| bytes.len()).sum();
        let replaced: usize = self.members.values().map(|m| m.assignment.len()).sum();
        self.record_bytes() - replaced + assigned <= GROUP_RECORD_BYTES_MAX
    }

    /// Gives each member what the leader has for it. Who is given nothing gets no bytes, and what is
    /// meant for a stranger is dropped.
    fn assign(&mut self, assignments: Vec<(String, Bytes)>) {
        for member in self.members.values_mut() {
            member.assignment = Bytes::new();
        }
        for (member_id, assignment) in assignments {
            if let Some(member) = self.members.get_mut(&member_id) {
                // The request's bytes are a part of its frame and would keep all of it in memory.
                member.assignment = Bytes::copy_from_slice(&assignment);
            }
        }
    }

    fn become_stable(&mut self, step: &mut Step<'_>, sync_deadline: std::time::Duration) {
        self.enter(
            step,
            Phase::Stable {
                sync_deadline: Some(sync_deadline),
            },
        );
        self.stop_waiting_for_syncs();
        self.persist(step);
        let member_ids: Vec<String> = self.members.keys().cloned().collect();
        for member_id in member_ids {
            let Some(member) = self.members.get_mut(&member_id) else {
                continue;
            };
            let Waiting::Sync(token) = member.waiting else {
                continue;
            };
            member.waiting = Waiting::No;
            let expires_at = session_end(step.now.monotonic, member);
            member.expires_at = Some(expires_at);
            self.arm(expires_at);
            let synced = self.synced(&member_id);
            step.synced(token, Ok(synced));
        }
    }

    fn synced(&self, member_id: &str) -> Synced {
        let assignment = self.members.get(member_id).map(|m| m.assignment.clone());
        Synced {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol_name: self.protocol_name.clone().unwrap_or_default(),
            assignment: assignment.unwrap_or_default(),
        }
    }

    fn stop_waiting_for_syncs(&mut self) {
        if let Phase::Stable { sync_deadline } = &mut self.phase
            && sync_deadline.is_some()
            && !self.members.values().any(|member| member.must_sync)
        {
            *sync_deadline = None;
        }
    }

    /// The deadline for syncs has passed: those who were let in and never asked for their assignment
    /// are dropped, and the others share anew.
    pub(super) fn sync_deadline_passed(&mut self, step: &mut Step<'_>) {
        let missing: Vec<String> = self
            .members
            .iter()
            .filter(|(_, member)| member.must_sync)
            .map(|(member_id, _)| member_id.clone())
            .collect();
        for member_id in &missing {
            self.remove_member(step, member_id);
        }
        if let Phase::Stable { sync_deadline } = &mut self.phase {
            *sync_deadline = None;
            if missing.is_empty() {
                return;
            }
        }
        self.prepare_rebalance(step);
    }
}
