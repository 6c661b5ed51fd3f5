//! Looking at one group.

use groups::{CommittedOffset, ConsumerGroupDescription, Coordinator, GroupDescription};
use model::{ErrorCode, TopicName};

use crate::errors;

/// One group, under the lock of its partition.
#[derive(Clone, Copy)]
pub(crate) struct GroupView<'a> {
    pub(super) coordinator: &'a Coordinator,
    pub(super) group_id: &'a str,
}

impl<'a> GroupView<'a> {
    /// The group; `None` if there is no classic group of this name.
    pub(crate) fn describe(&self) -> Option<GroupDescription> {
        self.coordinator.describe(self.group_id)
    }

    /// The group; `None` if there is no consumer group of this name.
    pub(crate) fn describe_consumer(&self) -> Option<ConsumerGroupDescription> {
        self.coordinator.describe_consumer(self.group_id)
    }

    /// Whether a client may ask for the group's offsets as this member of it.
    pub(crate) fn admit_fetch(
        &self,
        member_id: Option<&str>,
        member_epoch: i32,
    ) -> Result<(), ErrorCode> {
        self.coordinator
            .admit_fetch(self.group_id, member_id, member_epoch)
            .map_err(errors::of_group)
    }

    /// What the group has committed for a partition.
    pub(crate) fn offset(&self, topic: &str, partition: i32) -> Option<&'a CommittedOffset> {
        self.coordinator.offset(self.group_id, topic, partition)
    }

    /// Whether a transaction that has not ended may change that.
    pub(crate) fn has_pending(&self, topic: &str, partition: i32) -> bool {
        self.coordinator
            .has_pending(self.group_id, topic, partition)
    }

    /// All that the group has committed, by topic and partition.
    pub(crate) fn offsets(
        &self,
    ) -> impl Iterator<Item = (&'a TopicName, i32, &'a CommittedOffset)> {
        self.coordinator.group_offsets(self.group_id)
    }
}
