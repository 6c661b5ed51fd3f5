//! What must be true of a classic group between any two steps.

use super::member::Waiting;
use super::{ClassicGroup, Phase};

impl ClassicGroup {
    /// Panics if the group contradicts itself; run after each step in debug builds.
    pub(super) fn check_all(&self) {
        let id = &self.id;
        let mut joining = 0;
        for (member_id, member) in &self.members {
            match member.waiting {
                Waiting::No => assert!(
                    member.expires_at.is_some(),
                    "{id}: {member_id} neither waits nor has a session"
                ),
                Waiting::Join(_) => {
                    joining += 1;
                    assert!(
                        matches!(self.phase, Phase::Preparing { .. }),
                        "{id}: {member_id} waits in join outside a rebalance"
                    );
                    assert_eq!(
                        member.expires_at.is_some(),
                        member.is_new,
                        "{id}: {member_id} waits in join and only a new member may be missed"
                    );
                }
                Waiting::Sync(_) => {
                    assert!(
                        matches!(self.phase, Phase::Completing { .. }),
                        "{id}: {member_id} waits in sync although nothing is being assigned"
                    );
                    assert!(
                        member.expires_at.is_none() && !member.must_sync,
                        "{id}: {member_id} waits in sync and is missed"
                    );
                }
            }
            assert!(
                !self.pending_members.contains_key(member_id),
                "{id}: {member_id} is both pending and a member"
            );
            if let Some(instance_id) = &member.group_instance_id {
                assert_eq!(
                    self.static_members.get(instance_id),
                    Some(member_id),
                    "{id}"
                );
            }
        }
        assert_eq!(self.joining, joining, "{id}: members waiting in join");
        let static_count = self.members.values().filter(|m| m.is_static()).count();
        assert_eq!(self.static_members.len(), static_count, "{id}: instances");
        self.check_phase();
        assert!(
            self.next_deadline()
                .is_none_or(|due| self.wake_at.is_some_and(|wake_at| wake_at <= due)),
            "{id}: would sleep through its next deadline"
        );
        assert!(self.generation_id >= 0, "{id}: generation");
    }

    fn check_phase(&self) {
        let id = &self.id;
        match self.phase {
            Phase::Empty => {
                assert!(self.members.is_empty(), "{id}: empty with members");
                assert!(
                    self.leader.is_none() && self.protocol_name.is_none(),
                    "{id}"
                );
            }
            Phase::Preparing { .. } => {}
            Phase::Completing { .. } | Phase::Stable { .. } => {
                let leader = self.leader.as_ref();
                assert!(
                    leader.is_some_and(|leader| self.members.contains_key(leader)),
                    "{id}: the leader is no member"
                );
                let protocol = self.protocol_name.as_deref();
                assert!(
                    protocol.is_some_and(|name| self.members.values().all(|m| m.supports(name))),
                    "{id}: not all members support the chosen protocol"
                );
            }
        }
    }
}
