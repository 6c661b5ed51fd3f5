//! Committed offsets.

use std::collections::BTreeSet;

use model::TopicName;

use super::{Group, Step};
use crate::api::{CommitRequest, GroupError, OffsetToCommit};
use crate::records::{self, GroupRecord, OffsetCommitValue};

/// A committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedOffset {
    /// The next offset the group will read.
    pub offset: i64,
    /// The leader epoch of the last record read; -1 if unknown.
    pub leader_epoch: i32,
    /// What the client stored beside the offset.
    pub metadata: Box<str>,
    /// When it was committed, in milliseconds since the Unix epoch.
    pub commit_timestamp_ms: i64,
    /// When it expires whatever the group does, if the commit said so (OffsetCommit v2-4).
    pub expire_timestamp_ms: Option<i64>,
    /// Which one of two commits of a partition is the later one in the log.
    pub(super) order: u64,
}

impl CommittedOffset {
    /// What a request commits; refused if its metadata is too long.
    pub(super) fn of(
        offset: OffsetToCommit,
        now_ms: i64,
        expire_timestamp_ms: Option<i64>,
        metadata_units_max: usize,
    ) -> Result<Self, GroupError> {
        if !metadata_fits(&offset.metadata, metadata_units_max) {
            return Err(GroupError::OffsetMetadataTooLarge);
        }
        Ok(Self {
            offset: offset.offset,
            // The record of a commit with a retention has no place for the epoch, and memory must
            // not know more than a restart would.
            leader_epoch: match expire_timestamp_ms {
                Some(_) => -1,
                None => offset.leader_epoch,
            },
            metadata: offset.metadata.into(),
            commit_timestamp_ms: now_ms,
            expire_timestamp_ms,
            order: 0,
        })
    }
}

impl From<OffsetCommitValue> for CommittedOffset {
    fn from(value: OffsetCommitValue) -> Self {
        Self {
            offset: value.offset,
            leader_epoch: value.leader_epoch,
            metadata: value.metadata.into(),
            commit_timestamp_ms: value.commit_timestamp_ms,
            expire_timestamp_ms: value.expire_timestamp_ms,
            order: 0,
        }
    }
}

impl Group {
    /// Stores offsets; one answer per offset, in order.
    pub(crate) fn commit(
        &mut self,
        step: &mut Step<'_>,
        request: CommitRequest<'_>,
    ) -> Result<Vec<Result<(), GroupError>>, GroupError> {
        request.check_size()?;
        self.members.any_mut().admit_commit(step, &request, false)?;
        let expire_timestamp_ms = request
            .retention_ms
            .map(|retention_ms| step.now.wall_ms.saturating_add(retention_ms));
        let units_max = step.settings.offset_metadata_units_max;
        let results = request.offsets.into_iter().map(|offset| {
            let (topic, partition) = (offset.topic.clone(), offset.partition);
            let now_ms = step.now.wall_ms;
            let committed = CommittedOffset::of(offset, now_ms, expire_timestamp_ms, units_max)?;
            let record = self.offset_record(&topic, partition, &committed);
            step.effects.records.push(record);
            self.insert_offset(topic, partition, committed);
            Ok(())
        });
        Ok(results.collect())
    }

    fn insert_offset(&mut self, topic: TopicName, partition: i32, mut committed: CommittedOffset) {
        committed.order = self.next_order();
        let partitions = self.offsets.entry(topic).or_default();
        partitions.insert(partition, committed);
    }

    /// The place of the next commit among those of the group.
    pub(super) fn next_order(&mut self) -> u64 {
        self.last_order += 1;
        self.last_order
    }

    pub(super) fn offset_record(
        &self,
        topic: &str,
        partition: i32,
        committed: &CommittedOffset,
    ) -> GroupRecord {
        GroupRecord {
            key: records::offset_commit_key(&self.id, topic, partition),
            value: Some(records::encode_offset_commit(
                committed.offset,
                committed.leader_epoch,
                &committed.metadata,
                committed.commit_timestamp_ms,
                committed.expire_timestamp_ms,
            )),
        }
    }

    /// The committed offset of a partition.
    pub(crate) fn offset(&self, topic: &str, partition: i32) -> Option<&CommittedOffset> {
        self.offsets.get(topic)?.get(&partition)
    }

    /// All committed offsets, by topic and partition.
    pub(crate) fn offsets(&self) -> impl Iterator<Item = (&TopicName, i32, &CommittedOffset)> {
        self.offsets.iter().flat_map(|(topic, partitions)| {
            partitions
                .iter()
                .map(move |(partition, committed)| (topic, *partition, committed))
        })
    }

    /// Whether the group has committed anything for a topic, or is about to.
    pub(crate) fn has_offsets_of(&self, topic: &str) -> bool {
        self.offsets.contains_key(topic) || self.pending.has_topic(topic)
    }

    /// Deletes the group's offsets of a topic that is gone.
    pub(crate) fn delete_topic(&mut self, step: &mut Step<'_>, topic: &str) {
        let committed = self.offsets.get(topic);
        let mut partitions: BTreeSet<i32> = committed.into_iter().flatten().map(key).collect();
        partitions.extend(self.pending.partitions_of(topic));
        for partition in partitions {
            self.delete_offset(step, topic, partition);
        }
    }

    /// Deletes single offsets, unless a member may still ask for them (KIP-496).
    pub(crate) fn delete_offsets(
        &mut self,
        step: &mut Step<'_>,
        partitions: &[(TopicName, i32)],
    ) -> Result<Vec<Result<(), GroupError>>, GroupError> {
        let in_use = self.members.any().topics_in_use()?;
        let is_read = |topic: &str| in_use.as_ref().is_none_or(|all| all.contains(topic));
        let results: Vec<_> = partitions
            .iter()
            .map(|(topic, _)| match is_read(topic) {
                true => Err(GroupError::GroupSubscribedToTopic),
                false => Ok(()),
            })
            .collect();
        for ((topic, partition), result) in partitions.iter().zip(&results) {
            let is_there = self.offset(topic, *partition).is_some();
            if result.is_ok() && (is_there || self.has_pending(topic, *partition)) {
                self.delete_offset(step, topic, *partition);
            }
        }
        Ok(results)
    }

    /// Deletes all the group's offsets.
    pub(super) fn delete_all_offsets(&mut self, step: &mut Step<'_>) {
        let pending = self.pending.iter().map(|(_, topic, ..)| topic);
        let topics: BTreeSet<_> = self.offsets.keys().chain(pending).cloned().collect();
        for topic in topics {
            self.delete_topic(step, &topic);
        }
    }

    /// Deletes an offset, and what a transaction may be about to make of it.
    pub(super) fn delete_offset(&mut self, step: &mut Step<'_>, topic: &str, partition: i32) {
        self.remove_offset(topic, partition);
        step.effects.records.push(GroupRecord {
            key: records::offset_commit_key(&self.id, topic, partition),
            value: None,
        });
    }

    /// Folds the record of a commit, or of its deletion, into the group.
    pub(crate) fn replay_offset(
        &mut self,
        topic: TopicName,
        partition: i32,
        value: Option<OffsetCommitValue>,
    ) {
        match value {
            Some(value) => self.insert_offset(topic, partition, value.into()),
            None => self.remove_offset(&topic, partition),
        }
    }

    fn remove_offset(&mut self, topic: &str, partition: i32) {
        self.pending.remove(topic, partition);
        if let Some(partitions) = self.offsets.get_mut(topic) {
            partitions.remove(&partition);
            if partitions.is_empty() {
                self.offsets.remove(topic);
            }
        }
    }
}

fn key((partition, _): (&i32, &CommittedOffset)) -> i32 {
    *partition
}

/// Whether metadata is within the bound, counted as Kafka counts, and fits a record.
fn metadata_fits(metadata: &str, units_max: usize) -> bool {
    metadata.len() <= i16::MAX as usize
        && (metadata.len() <= units_max || metadata.encode_utf16().count() <= units_max)
}
