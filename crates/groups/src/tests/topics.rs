//! Topics that a test makes and unmakes.

use std::collections::BTreeMap;

use model::{TopicId, TopicName};

use crate::{TopicShape, Topics};

#[derive(Debug, Default)]
pub(crate) struct FakeTopics {
    version: u64,
    by_name: BTreeMap<TopicName, TopicShape>,
}

impl FakeTopics {
    /// Makes a topic, or one with more partitions of it; an id per name and making.
    pub(crate) fn create(&mut self, name: &str, partition_count: i32) -> TopicId {
        self.version += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.version.to_be_bytes());
        let name = TopicName::new(name).unwrap();
        let shape = self.by_name.entry(name).or_insert(TopicShape {
            id: TopicId(id),
            partition_count,
        });
        shape.partition_count = partition_count;
        shape.id
    }

    pub(crate) fn delete(&mut self, name: &str) {
        self.version += 1;
        self.by_name.remove(name);
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &TopicName> {
        self.by_name.keys()
    }
}

impl Topics for FakeTopics {
    fn version(&self) -> u64 {
        self.version
    }

    fn by_name(&self, name: &str) -> Option<TopicShape> {
        self.by_name.get(name).copied()
    }

    fn name(&self, id: TopicId) -> Option<&TopicName> {
        let mut topics = self.by_name.iter();
        topics
            .find(|(_, shape)| shape.id == id)
            .map(|(name, _)| name)
    }
}
