//! Committed offsets.

use std::collections::BTreeSet;

use model::TopicName;

use super::{Group, Phase, Step};
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
}

impl Group {
    /// Whether a client may commit for this group.
    fn validate_commit(&self, request: &CommitRequest<'_>) -> Result<(), GroupError> {
        if request.generation_id < 0 && self.phase == Phase::Empty {
            // Nobody manages the group: an administrator, or a consumer that assigns itself.
            return Ok(());
        }
        // In a group with members only they know what has been processed.
        self.validate_member(request.member_id, request.group_instance_id)?;
        if request.generation_id != self.generation_id {
            return Err(GroupError::IllegalGeneration);
        }
        if matches!(self.phase, Phase::Completing { .. }) {
            // The member has joined the generation, so what it commits was not assigned by it.
            return Err(GroupError::RebalanceInProgress);
        }
        Ok(())
    }

    /// Stores offsets; one answer per offset, in order.
    pub(crate) fn commit(
        &mut self,
        step: &mut Step<'_>,
        request: CommitRequest<'_>,
    ) -> Result<Vec<Result<(), GroupError>>, GroupError> {
        self.validate_commit(&request)?;
        // A member that commits is alive.
        self.renew_session(step.now.monotonic, request.member_id);
        let expire_timestamp_ms = request
            .retention_ms
            .map(|retention_ms| step.now.wall_ms.saturating_add(retention_ms));
        let units_max = step.settings.offset_metadata_units_max;
        let results = request.offsets.into_iter().map(|offset| {
            if !metadata_fits(&offset.metadata, units_max) {
                return Err(GroupError::OffsetMetadataTooLarge);
            }
            self.commit_one(step, offset, expire_timestamp_ms);
            Ok(())
        });
        Ok(results.collect())
    }

    fn commit_one(
        &mut self,
        step: &mut Step<'_>,
        offset: OffsetToCommit,
        expire_timestamp_ms: Option<i64>,
    ) {
        let committed = CommittedOffset {
            offset: offset.offset,
            // The record of a commit with a retention has no place for the epoch, and memory must
            // not know more than a restart would.
            leader_epoch: match expire_timestamp_ms {
                Some(_) => -1,
                None => offset.leader_epoch,
            },
            metadata: offset.metadata.into(),
            commit_timestamp_ms: step.now.wall_ms,
            expire_timestamp_ms,
        };
        let record = self.offset_record(&offset.topic, offset.partition, &committed);
        step.effects.records.push(record);
        self.offsets
            .entry(offset.topic)
            .or_default()
            .insert(offset.partition, committed);
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

    /// Whether the group has committed anything for a topic.
    pub(crate) fn has_offsets_of(&self, topic: &str) -> bool {
        self.offsets.contains_key(topic)
    }

    /// Deletes the group's offsets of a topic that is gone.
    pub(crate) fn delete_topic(&mut self, step: &mut Step<'_>, topic: &str) {
        if let Some(partitions) = self.offsets.remove(topic) {
            for partition in partitions.into_keys() {
                self.tombstone(step, topic, partition);
            }
        }
    }

    /// Deletes single offsets, unless a member may still ask for them (KIP-496).
    pub(crate) fn delete_offsets(
        &mut self,
        step: &mut Step<'_>,
        partitions: &[(TopicName, i32)],
    ) -> Result<Vec<Result<(), GroupError>>, GroupError> {
        let subscribed = match self.phase {
            Phase::Empty => Some(BTreeSet::new()),
            // What members of another kind read is not known to us.
            _ if !self.is_of_consumers() => return Err(GroupError::NonEmptyGroup),
            // All have left while the others were waited for.
            _ if self.members.is_empty() => Some(BTreeSet::new()),
            _ => self.subscribed_topics(),
        };
        let is_read = |topic: &str| subscribed.as_ref().is_none_or(|all| all.contains(topic));
        let results: Vec<_> = partitions
            .iter()
            .map(|(topic, _)| match is_read(topic) {
                true => Err(GroupError::GroupSubscribedToTopic),
                false => Ok(()),
            })
            .collect();
        for ((topic, partition), result) in partitions.iter().zip(&results) {
            if result.is_ok() && self.offset(topic, *partition).is_some() {
                self.remove_offset(topic, *partition);
                self.tombstone(step, topic, *partition);
            }
        }
        Ok(results)
    }

    /// Deletes the group: all its offsets, then the group itself.
    pub(crate) fn delete(&mut self, step: &mut Step<'_>) -> Result<(), GroupError> {
        if self.phase != Phase::Empty {
            return Err(GroupError::NonEmptyGroup);
        }
        self.pending_members.clear();
        for (topic, partitions) in std::mem::take(&mut self.offsets) {
            for partition in partitions.into_keys() {
                self.tombstone(step, &topic, partition);
            }
        }
        self.delete_persisted(step);
        Ok(())
    }

    pub(super) fn tombstone(&self, step: &mut Step<'_>, topic: &str, partition: i32) {
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
            Some(value) => {
                let committed = CommittedOffset {
                    offset: value.offset,
                    leader_epoch: value.leader_epoch,
                    metadata: value.metadata.into(),
                    commit_timestamp_ms: value.commit_timestamp_ms,
                    expire_timestamp_ms: value.expire_timestamp_ms,
                };
                self.offsets
                    .entry(topic)
                    .or_default()
                    .insert(partition, committed);
            }
            None => self.remove_offset(&topic, partition),
        }
    }

    pub(super) fn remove_offset(&mut self, topic: &str, partition: i32) {
        if let Some(partitions) = self.offsets.get_mut(topic) {
            partitions.remove(&partition);
            if partitions.is_empty() {
                self.offsets.remove(topic);
            }
        }
    }
}

/// Whether metadata is within the bound, counted as Kafka counts, and fits a record.
fn metadata_fits(metadata: &str, units_max: usize) -> bool {
    metadata.len() <= i16::MAX as usize
        && (metadata.len() <= units_max || metadata.encode_utf16().count() <= units_max)
}
