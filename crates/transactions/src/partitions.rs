//! The partitions of a transaction.

use std::collections::{BTreeMap, BTreeSet};

use model::TopicName;

/// One partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// The topic.
    pub topic: TopicName,
    /// The partition's index.
    pub partition: i32,
}

/// A set of partitions. Topics go by name, as they do in the records of transactions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partitions {
    /// No topic is here without partitions, so that equal sets are equal.
    by_topic: BTreeMap<TopicName, BTreeSet<i32>>,
}

impl Partitions {
    /// Adds a partition; whether it was not there yet.
    pub fn insert(&mut self, topic: &TopicName, partition: i32) -> bool {
        if let Some(partitions) = self.by_topic.get_mut(topic) {
            return partitions.insert(partition);
        }
        self.by_topic
            .insert(topic.clone(), BTreeSet::from([partition]));
        true
    }

    /// Takes a partition out; whether it was there.
    pub(crate) fn remove(&mut self, topic: &TopicName, partition: i32) -> bool {
        let Some(partitions) = self.by_topic.get_mut(topic) else {
            return false;
        };
        let was_there = partitions.remove(&partition);
        if partitions.is_empty() {
            self.by_topic.remove(topic);
        }
        was_there
    }

    /// Whether a partition is there.
    pub fn contains(&self, topic: &str, partition: i32) -> bool {
        self.by_topic
            .get(topic)
            .is_some_and(|partitions| partitions.contains(&partition))
    }

    /// Whether all partitions are also there.
    pub(crate) fn is_subset(&self, other: &Self) -> bool {
        self.iter()
            .all(|(topic, partition)| other.contains(topic, partition))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_topic.is_empty()
    }

    /// The topics with their partitions, in order; no topic is without.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = (&TopicName, &BTreeSet<i32>)> {
        self.by_topic.iter()
    }

    /// The partitions one by one, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&TopicName, i32)> {
        self.topics()
            .flat_map(|(topic, partitions)| partitions.iter().map(move |index| (topic, *index)))
    }
}

impl<'a> FromIterator<(&'a TopicName, i32)> for Partitions {
    fn from_iter<I: IntoIterator<Item = (&'a TopicName, i32)>>(partitions: I) -> Self {
        let mut set = Self::default();
        for (topic, partition) in partitions {
            set.insert(topic, partition);
        }
        set
    }
}
