//! Offsets that were committed in a transaction which has not ended (KIP-98).
//!
//! They are shown when the transaction commits, each unless the log has a later commit of its
//! partition by then: which one counts is a matter of where they stand in the log and not of when
//! their transactions end, since compaction keeps by the same rule.

use std::collections::BTreeMap;

use model::{ProducerId, TopicName};

use super::{CommittedOffset, Group, Step};
use crate::api::{CommitRequest, GroupError};
use crate::records::GroupRecord;

/// The pending offsets of a group, by the producer whose transaction they belong to.
#[derive(Debug, Default)]
pub(super) struct PendingOffsets {
    by_producer: BTreeMap<ProducerId, OffsetsOfTopics>,
}

type OffsetsOfTopics = BTreeMap<TopicName, BTreeMap<i32, CommittedOffset>>;

impl PendingOffsets {
    pub(super) fn is_empty(&self) -> bool {
        self.by_producer.is_empty()
    }

    pub(super) fn contains(&self, topic: &str, partition: i32) -> bool {
        let partitions = self.by_producer.values().filter_map(|all| all.get(topic));
        partitions
            .into_iter()
            .any(|all| all.contains_key(&partition))
    }

    pub(super) fn has_topic(&self, topic: &str) -> bool {
        self.by_producer.values().any(|all| all.contains_key(topic))
    }

    /// All of them; a partition comes once for each transaction.
    pub(super) fn iter(
        &self,
    ) -> impl Iterator<Item = (ProducerId, &TopicName, i32, &CommittedOffset)> {
        self.by_producer.iter().flat_map(|(producer_id, topics)| {
            topics.iter().flat_map(move |(topic, partitions)| {
                let partitions = partitions.iter();
                partitions.map(move |(partition, offset)| (*producer_id, topic, *partition, offset))
            })
        })
    }

    /// The partitions that have pending offsets in a topic.
    pub(super) fn partitions_of(&self, topic: &str) -> Vec<i32> {
        let topics = self.by_producer.values().filter_map(|all| all.get(topic));
        topics.flat_map(|all| all.keys().copied()).collect()
    }

    fn insert(
        &mut self,
        producer_id: ProducerId,
        topic: TopicName,
        partition: i32,
        offset: CommittedOffset,
    ) {
        let topics = self.by_producer.entry(producer_id).or_default();
        topics.entry(topic).or_default().insert(partition, offset);
    }

    /// Forgets what is pending for a partition, in whichever transaction.
    pub(super) fn remove(&mut self, topic: &str, partition: i32) {
        for topics in self.by_producer.values_mut() {
            if let Some(partitions) = topics.get_mut(topic) {
                partitions.remove(&partition);
                if partitions.is_empty() {
                    topics.remove(topic);
                }
            }
        }
        self.by_producer.retain(|_, topics| !topics.is_empty());
    }

    pub(super) fn check_invariants(&self) {
        for topics in self.by_producer.values() {
            assert!(!topics.is_empty(), "a transaction without offsets");
            let is_kept = |partitions: &BTreeMap<_, _>| !partitions.is_empty();
            assert!(topics.values().all(is_kept), "a topic without offsets");
        }
    }
}

impl Group {
    /// What is to be appended for offsets of a transaction; one answer per offset, in order. They
    /// count from when they are in the log.
    pub(crate) fn commit_in_transaction(
        &mut self,
        step: &mut Step<'_>,
        request: CommitRequest<'_>,
    ) -> Result<Vec<Result<(), GroupError>>, GroupError> {
        request.check_size()?;
        self.members.any_mut().admit_commit(step, &request, true)?;
        let units_max = step.settings.offset_metadata_units_max;
        let results = request.offsets.into_iter().map(|offset| {
            let (topic, partition) = (offset.topic.clone(), offset.partition);
            let committed = CommittedOffset::of(offset, step.now.wall_ms, None, units_max)?;
            let record = self.offset_record(&topic, partition, &committed);
            step.effects.transactional.push(record);
            Ok(())
        });
        Ok(results.collect())
    }

    /// Takes in an offset of a transaction that is in the log.
    pub(crate) fn add_pending(
        &mut self,
        producer_id: ProducerId,
        topic: TopicName,
        partition: i32,
        mut offset: CommittedOffset,
    ) {
        offset.order = self.next_order();
        self.pending.insert(producer_id, topic, partition, offset);
    }

    /// Shows the offsets of a producer's transaction, or drops them.
    pub(crate) fn end_transaction(&mut self, producer_id: ProducerId, is_commit: bool) {
        let ended = self.pending.by_producer.remove(&producer_id);
        if !is_commit {
            return;
        }
        for (topic, partitions) in ended.into_iter().flatten() {
            let committed = self.offsets.entry(topic).or_default();
            for (partition, offset) in partitions {
                let is_newer = |newest: &CommittedOffset| newest.order < offset.order;
                if committed.get(&partition).is_none_or(is_newer) {
                    committed.insert(partition, offset);
                }
            }
        }
    }

    /// Whether a transaction that has not ended may change the offset of a partition.
    pub(crate) fn has_pending(&self, topic: &str, partition: i32) -> bool {
        self.pending.contains(topic, partition)
    }

    /// Their records, each with its place among the commits of the group.
    pub(crate) fn pending_records(&self) -> impl Iterator<Item = (u64, ProducerId, GroupRecord)> {
        self.pending()
            .map(|(producer_id, topic, partition, offset)| {
                let record = self.offset_record(topic, partition, offset);
                (offset.order, producer_id, record)
            })
    }

    /// All pending offsets; a partition comes once for each transaction.
    pub(crate) fn pending(
        &self,
    ) -> impl Iterator<Item = (ProducerId, &TopicName, i32, &CommittedOffset)> {
        self.pending.iter()
    }
}
