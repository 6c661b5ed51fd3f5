//! Offsets that are committed as a part of transactions.

use model::{GroupId, ProducerId, TopicName};

use super::{Coordinator, is_storable};
use crate::api::{Call, CommitRequest, GroupError};
use crate::group::{CommittedOffset, Group};
use crate::records::{GroupRecord, OffsetCommitValue, RecordError, RecordKey};

impl Coordinator {
    /// TxnOffsetCommit: one answer per offset, in order. That the producer may do this has been
    /// verified. Nothing has changed when this returns: the records have to go to the log first.
    ///
    /// # Errors
    ///
    /// What makes the client as a whole one that may not commit for this group.
    pub fn commit_in_transaction(
        &mut self,
        request: CommitRequest<'_>,
        call: &mut Call<'_>,
    ) -> Result<Vec<Result<(), GroupError>>, GroupError> {
        if !is_storable(request.group_id) {
            return Err(GroupError::InvalidGroupId);
        }
        if request.generation_id >= 0 && !self.groups.contains_key(request.group_id) {
            // It was a member before the group was forgotten.
            return Err(GroupError::IllegalGeneration);
        }
        let group_id = request.group_id;
        self.with_new(group_id, call, |group, step| {
            group.commit_in_transaction(step, request)
        })
    }

    /// Takes in offsets of a producer's transaction that have been appended to the log. Nobody is shown
    /// them before the transaction ends.
    ///
    /// # Errors
    ///
    /// If a record is not one that [`Coordinator::commit_in_transaction`] gave.
    pub fn add_pending(
        &mut self,
        producer_id: ProducerId,
        records: &[GroupRecord],
        call: &mut Call<'_>,
    ) -> Result<(), RecordError> {
        for record in records {
            let value = record.value.as_deref();
            if let Some((group_id, topic, partition, offset)) = decode(&record.key, value)? {
                self.with_new(&group_id, call, |group, _| {
                    group.add_pending(producer_id, topic, partition, offset);
                });
                self.note_in_transaction(producer_id, &group_id);
            }
        }
        Ok(())
    }

    /// Ends a producer's transaction, whose marker has been appended to the log: its offsets are
    /// shown, or dropped.
    pub fn end_transaction(
        &mut self,
        producer_id: ProducerId,
        is_commit: bool,
        call: &mut Call<'_>,
    ) {
        for group_id in self.in_transaction.remove(&producer_id).unwrap_or_default() {
            self.with(&group_id, call, |group, _| {
                group.end_transaction(producer_id, is_commit);
            });
        }
    }

    /// Folds a record of a batch that belongs to a producer's transaction. As for
    /// [`Coordinator::replay`], all in order.
    ///
    /// # Errors
    ///
    /// If the record cannot be read: the coordinator does not know what the log says.
    pub fn replay_in_transaction(
        &mut self,
        producer_id: ProducerId,
        key: &[u8],
        value: Option<bytes::Bytes>,
    ) -> Result<(), RecordError> {
        let Some((group_id, topic, partition, offset)) = decode(key, value.as_deref())? else {
            // Only commits wait for the end of a transaction.
            return self.replay(key, value);
        };
        self.replay_into(&group_id, true, |group| {
            group.add_pending(producer_id, topic, partition, offset);
            Ok(())
        })?;
        self.note_in_transaction(producer_id, &group_id);
        Ok(())
    }

    /// Folds the marker that ends a producer's transaction.
    pub fn replay_marker(&mut self, producer_id: ProducerId, is_commit: bool) {
        for group_id in self.in_transaction.remove(&producer_id).unwrap_or_default() {
            if let Some(group) = self.groups.get_mut(&group_id) {
                group.end_transaction(producer_id, is_commit);
                if group.is_vacant() {
                    self.groups.remove(&group_id);
                }
            }
        }
    }

    /// Whether a transaction that has not ended may change what a group has committed for a partition.
    pub fn has_pending(&self, group_id: &str, topic: &str, partition: i32) -> bool {
        let group = self.groups.get(group_id);
        group.is_some_and(|group| group.has_pending(topic, partition))
    }

    /// The topics that offsets are committed for, or about to be; some more than once.
    pub fn topics(&self) -> impl Iterator<Item = &TopicName> {
        self.groups.values().flat_map(|group| {
            let committed = group.offsets().map(|(topic, ..)| topic);
            committed.chain(group.pending().map(|(_, topic, ..)| topic))
        })
    }

    /// The records of transactions that have not ended, in the order in which each group's are in the
    /// log: beside [`Coordinator::snapshot`], all that a restart would know.
    pub fn pending(&self) -> Vec<(ProducerId, GroupRecord)> {
        let of_group = |group: &Group| {
            let mut pending: Vec<_> = group.pending_records().collect();
            pending.sort_by_key(|(order, ..)| *order);
            pending
        };
        let all = self.groups.values().flat_map(of_group);
        all.map(|(_, producer_id, record)| (producer_id, record))
            .collect()
    }

    fn note_in_transaction(&mut self, producer_id: ProducerId, group_id: &str) {
        let groups = self.in_transaction.entry(producer_id).or_default();
        groups.insert(GroupId::new(group_id));
    }
}

/// Of the record of a commit, the group, the topic, the partition and the offset; `None` for other
/// records.
fn decode(
    key: &[u8],
    value: Option<&[u8]>,
) -> Result<Option<(String, TopicName, i32, CommittedOffset)>, RecordError> {
    let RecordKey::OffsetCommit {
        group_id,
        topic,
        partition,
    } = RecordKey::decode(key)?
    else {
        return Ok(None);
    };
    let Some(value) = value else {
        return Ok(None);
    };
    let topic = TopicName::new(&topic).map_err(|_| RecordError::BadTopicName)?;
    let offset = OffsetCommitValue::decode(value)?.into();
    Ok(Some((group_id, topic, partition, offset)))
}
