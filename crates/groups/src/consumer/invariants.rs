//! What must be true of a consumer group between any two steps.

use super::ConsumerGroup;
use crate::partitions::Partitions;
use crate::records::MemberState;

impl ConsumerGroup {
    /// Panics if the group contradicts itself; run after each step in debug builds.
    pub(super) fn check_all(&self) {
        let id = &self.id;
        let mut held = Partitions::new();
        for (member_id, current) in &self.currents {
            assert!(self.members.contains_key(member_id), "{id}: {member_id}");
            for (topic, partition) in current.assigned.iter().chain(current.revoking.iter()) {
                assert!(
                    held.insert(topic, partition),
                    "{id}: {topic}-{partition} has two owners, one is {member_id}"
                );
            }
            assert_eq!(
                current.state == MemberState::Unrevoked,
                !current.revoking.is_empty(),
                "{id}: {member_id} gives up without being asked, or is asked for nothing"
            );
            assert!(current.epoch <= self.group_epoch(), "{id}: {member_id}");
        }
        assert_eq!(self.held, held, "{id}: what is held");
        for member_id in self.members.keys() {
            assert!(self.currents.contains_key(member_id), "{id}: {member_id}");
            assert!(self.contacts.contains_key(member_id), "{id}: {member_id}");
        }
        assert_eq!(self.contacts.len(), self.members.len(), "{id}: contacts");
        assert!(
            self.targets.keys().all(|id| self.members.contains_key(id)),
            "{id}: a target of nobody"
        );
        let instances = self
            .members
            .iter()
            .filter_map(|(member_id, member)| Some((member.instance_id.as_ref()?, member_id)));
        let mut static_members = 0;
        for (instance_id, member_id) in instances {
            assert_eq!(
                self.static_members.get(instance_id),
                Some(member_id),
                "{id}"
            );
            static_members += 1;
        }
        assert_eq!(self.static_members.len(), static_members, "{id}: instances");
        let patterns = self.members.values().filter(|m| m.pattern.is_some());
        assert_eq!(
            self.pattern_subscribers.values().sum::<usize>(),
            patterns.count(),
            "{id}: subscribers of patterns"
        );
        assert!(
            self.patterns
                .keys()
                .all(|pattern| self.has_subscriber(pattern)),
            "{id}: a pattern of nobody"
        );
        assert!(
            self.next_deadline()
                .is_none_or(|due| self.wake_at.is_some_and(|wake_at| wake_at <= due)),
            "{id}: would sleep through its next deadline"
        );
    }
}
