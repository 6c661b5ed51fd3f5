//! The group's epoch and the target assignment that is made for it.

use std::collections::{BTreeMap, BTreeSet};

use model::TopicId;

use super::ConsumerGroup;
use crate::assignors::{Assignor, Task, TaskMember};
use crate::group::Step;
use crate::partitions::Partitions;
use crate::records::{ConsumerRecord, GroupEpoch};
use crate::topics::{self, TopicShape};

impl ConsumerGroup {
    /// Counts the group's epoch up, if members or subscriptions have changed or if the subscribed topics
    /// have.
    pub(super) fn count_up_if(&mut self, step: &mut Step<'_>, is_changed: bool) {
        let version = step.topics.version();
        if !is_changed && self.topics_version == Some(version) {
            return;
        }
        self.topics_version = Some(version);
        let topics_hash = self.topics_hash(step);
        let known = self.epoch.unwrap_or_default();
        if is_changed || known.epoch == 0 || known.topics_hash != topics_hash {
            let next = GroupEpoch {
                epoch: known.epoch.saturating_add(1),
                topics_hash,
            };
            self.write(step, ConsumerRecord::Group(Some(next)));
        }
    }

    pub(super) fn topics_hash(&self, step: &Step<'_>) -> i64 {
        let subscribed = self.all_subscribed_topics().into_iter();
        topics::hash(subscribed.filter_map(|name| Some((name, step.topics.by_name(name)?))))
    }

    /// Makes a new target assignment if the group has moved on since the last one.
    pub(super) fn make_target_if_old(&mut self, step: &mut Step<'_>) {
        let epoch = self.group_epoch();
        if self.target_epoch.is_some_and(|made_for| made_for >= epoch) {
            return;
        }
        for (member_id, target) in self.new_targets(step) {
            if self.targets.get(&member_id) != Some(&target) {
                self.write(step, ConsumerRecord::Target(member_id, Some(target)));
            }
        }
        self.write(step, ConsumerRecord::TargetEpoch(Some(epoch)));
    }

    fn new_targets(&self, step: &Step<'_>) -> Vec<(String, Partitions)> {
        let mut shapes: BTreeMap<&str, Option<TopicShape>> = BTreeMap::new();
        let mut task = Task::default();
        for (member_id, member) in &self.members {
            let names = self.subscribed_topics(member);
            let found = names.filter_map(|name| {
                *shapes
                    .entry(name)
                    .or_insert_with(|| step.topics.by_name(name))
            });
            let topics: BTreeSet<TopicId> = found.map(|shape| shape.id).collect();
            task.members.push(TaskMember {
                name: member.instance_id.as_deref().unwrap_or(member_id),
                topics: topics.into_iter().collect(),
                previous: self.target(member_id),
            });
        }
        let found = shapes.values().flatten();
        task.topics = found
            .map(|shape| (shape.id, shape.partition_count))
            .collect();
        let targets = self.assignor(step).assign(&task);
        self.members.keys().cloned().zip(targets).collect()
    }

    /// The assignor that most members want, of those that the broker offers; its first one if nobody
    /// wants any.
    pub(super) fn assignor_among(&self, offered: &[Assignor]) -> Assignor {
        let votes = |assignor: &Assignor| {
            let mut members = self.members.values().filter_map(|m| m.assignor.as_deref());
            let wanted = members.by_ref().filter(|name| *name == assignor.name());
            wanted.count()
        };
        // Of several with as many votes `max_by_key` would take the last.
        let most = offered.iter().rev().max_by_key(|assignor| votes(assignor));
        most.copied().unwrap_or(Assignor::Uniform)
    }

    fn assignor(&self, step: &Step<'_>) -> Assignor {
        self.assignor_among(&step.settings.consumer_assignors)
    }
}
