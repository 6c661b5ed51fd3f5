//! The group as administrators see it.

use super::ConsumerGroup;
use crate::api::{ConsumerGroupDescription, ConsumerMemberDescription, GroupSettings};

impl ConsumerGroup {
    pub(crate) fn describe(&self, settings: &GroupSettings) -> ConsumerGroupDescription {
        let members = self.members.iter().map(|(member_id, member)| {
            let current = self.current(member_id);
            ConsumerMemberDescription {
                member_id: member_id.clone(),
                instance_id: member.instance_id.clone(),
                rack_id: member.rack_id.clone(),
                member_epoch: current.epoch,
                client_id: member.client_id.clone(),
                client_host: member.client_host.clone(),
                topics: member.topics.clone(),
                pattern: member.pattern.clone(),
                assigned: current.assigned.clone(),
                target: self.target(member_id).clone(),
                is_classic: member.classic.is_some(),
            }
        });
        ConsumerGroupDescription {
            state: self.state(),
            group_epoch: self.group_epoch(),
            assignment_epoch: self.assignment_epoch(),
            assignor_name: self.assignor_among(&settings.consumer_assignors).name(),
            members: members.collect(),
        }
    }
}
