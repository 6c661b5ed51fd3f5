//! From the members of a classic group to those of a consumer group, and what is needed for the way
//! back.

use model::GroupId;

use super::ConsumerGroup;
use crate::group::Step;
use crate::partitions::Partitions;
use crate::records::{ConsumerRecord, CurrentAssignment, GroupEpoch, MemberMetadata, MemberState};

/// A member that goes over from one kind of group to the other.
#[derive(Clone, Debug)]
pub(crate) struct Migrant {
    pub(crate) member_id: String,
    /// What it has said of itself; it speaks the classic protocol.
    pub(crate) metadata: MemberMetadata,
    /// What it has not given up.
    pub(crate) owned: Partitions,
}

impl ConsumerGroup {
    /// A group of members that have been a classic group so far: what they have is what they are to
    /// have, until the group moves on from this epoch.
    pub(crate) fn from_classic(
        step: &mut Step<'_>,
        id: GroupId,
        generation_id: i32,
        migrants: Vec<Migrant>,
    ) -> Self {
        let mut group = Self::new(id);
        for migrant in &migrants {
            let member = Some(migrant.metadata.clone());
            group.write(
                step,
                ConsumerRecord::Member(migrant.member_id.clone(), member),
            );
        }
        let epoch = GroupEpoch {
            epoch: generation_id,
            topics_hash: group.topics_hash(step),
        };
        group.write(step, ConsumerRecord::Group(Some(epoch)));
        for migrant in &migrants {
            let target = Some(migrant.owned.clone());
            group.write(
                step,
                ConsumerRecord::Target(migrant.member_id.clone(), target),
            );
        }
        group.write(step, ConsumerRecord::TargetEpoch(Some(generation_id)));
        for migrant in migrants {
            let current = CurrentAssignment {
                epoch: generation_id,
                previous_epoch: generation_id,
                state: MemberState::Stable,
                assigned: migrant.owned,
                revoking: Partitions::new(),
            };
            group.write(
                step,
                ConsumerRecord::Current(migrant.member_id, Some(current)),
            );
        }
        group.make_contact(step.now.monotonic, step.settings);
        group
    }

    /// Whether there are members, all of them on the classic protocol.
    pub(crate) fn is_all_classic(&self) -> bool {
        !self.members.is_empty() && self.members.values().all(|m| m.classic.is_some())
    }

    /// The one member that keeps the group from being all classic, if it is this instance.
    pub(crate) fn last_consumer(&self, instance_id: &str) -> Option<&str> {
        let member_id = self.static_members.get(instance_id)?;
        let mut others = self.members.iter().filter(|(id, _)| *id != member_id);
        let is_consumer = self.members.get(member_id)?.classic.is_none();
        let is_last = is_consumer && others.all(|(_, member)| member.classic.is_some());
        is_last.then_some(member_id)
    }

    /// How many members there are.
    pub(crate) fn size(&self) -> usize {
        self.members.len()
    }

    /// The generation of a classic group of these members: the epoch of those who are furthest, so that
    /// these are told of the rebalance that follows rather than that they have missed something.
    pub(crate) fn generation(&self) -> i32 {
        let epochs = self.currents.values().map(|current| current.epoch);
        epochs.fold(0, i32::max)
    }

    /// The members as those of a classic group.
    pub(crate) fn migrants(&self) -> Vec<Migrant> {
        let migrants = self.members.iter().map(|(member_id, metadata)| {
            let current = self.current(member_id);
            let mut owned = current.assigned.clone();
            owned.extend(current.revoking.iter());
            Migrant {
                member_id: member_id.clone(),
                metadata: metadata.clone(),
                owned,
            }
        });
        migrants.collect()
    }
}
