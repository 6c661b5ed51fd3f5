//! Sets of partitions, by topic.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use model::TopicId;

/// A set of partitions. Topics go by id: a topic that is deleted and made again is another one.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Partitions {
    /// No topic is here without partitions, so that equal sets are equal.
    by_topic: BTreeMap<TopicId, BTreeSet<i32>>,
}

impl Partitions {
    /// The set without partitions.
    pub const fn new() -> Self {
        Self {
            by_topic: BTreeMap::new(),
        }
    }

    /// Adds a partition; whether it was not there yet.
    pub fn insert(&mut self, topic: TopicId, partition: i32) -> bool {
        self.by_topic.entry(topic).or_default().insert(partition)
    }

    /// Whether a partition is there.
    pub fn contains(&self, topic: TopicId, partition: i32) -> bool {
        self.of(topic)
            .is_some_and(|partitions| partitions.contains(&partition))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_topic.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_topic.values().map(BTreeSet::len).sum()
    }

    /// The partitions of one topic, if there are any.
    pub fn of(&self, topic: TopicId) -> Option<&BTreeSet<i32>> {
        self.by_topic.get(&topic)
    }

    /// The topics with their partitions, in order; no topic is without.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = (TopicId, &BTreeSet<i32>)> {
        self.by_topic
            .iter()
            .map(|(topic, partitions)| (*topic, partitions))
    }

    /// The partitions one by one, in order.
    pub fn iter(&self) -> impl Iterator<Item = (TopicId, i32)> {
        self.topics()
            .flat_map(|(topic, partitions)| partitions.iter().map(move |index| (topic, *index)))
    }

    /// The partitions that a rule keeps.
    pub(crate) fn filtered(&self, mut keep: impl FnMut(TopicId, i32) -> bool) -> Self {
        self.iter()
            .filter(|(topic, partition)| keep(*topic, *partition))
            .collect()
    }

    /// The partitions that are in both sets.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        self.filtered(|topic, partition| other.contains(topic, partition))
    }

    /// The partitions that are here and not there.
    pub(crate) fn difference(&self, other: &Self) -> Self {
        self.filtered(|topic, partition| !other.contains(topic, partition))
    }

    /// Whether no partition is in both sets.
    pub(crate) fn is_disjoint(&self, other: &Self) -> bool {
        !self
            .iter()
            .any(|(topic, partition)| other.contains(topic, partition))
    }

    /// Whether all partitions are also there.
    pub(crate) fn is_subset(&self, other: &Self) -> bool {
        self.iter()
            .all(|(topic, partition)| other.contains(topic, partition))
    }

    /// Takes a partition out; whether it was there.
    pub(crate) fn remove(&mut self, topic: TopicId, partition: i32) -> bool {
        let Some(partitions) = self.by_topic.get_mut(&topic) else {
            return false;
        };
        let was_there = partitions.remove(&partition);
        if partitions.is_empty() {
            self.by_topic.remove(&topic);
        }
        was_there
    }

    /// Takes the last partition of a topic out.
    pub(crate) fn pop_last_of(&mut self, topic: TopicId) -> Option<i32> {
        let last = *self.by_topic.get(&topic)?.last()?;
        self.remove(topic, last);
        Some(last)
    }

    /// Takes partitions out.
    pub(crate) fn remove_all(&mut self, others: &Self) {
        for (topic, partition) in others.iter() {
            self.remove(topic, partition);
        }
    }
}

impl Extend<(TopicId, i32)> for Partitions {
    fn extend<I: IntoIterator<Item = (TopicId, i32)>>(&mut self, partitions: I) {
        for (topic, partition) in partitions {
            self.insert(topic, partition);
        }
    }
}

impl FromIterator<(TopicId, i32)> for Partitions {
    fn from_iter<I: IntoIterator<Item = (TopicId, i32)>>(partitions: I) -> Self {
        let mut set = Self::new();
        set.extend(partitions);
        set
    }
}

impl fmt::Debug for Partitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.by_topic).finish()
    }
}
