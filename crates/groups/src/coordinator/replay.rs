//! What the log gives back, and the shortest log that would.

use std::time::Duration;

use bytes::Bytes;
use model::TopicName;

use super::Coordinator;
use crate::group::Group;
use crate::records::{ConsumerRecord, GroupRecord, OffsetCommitValue, RecordError, RecordKey};

impl Coordinator {
    /// Folds a record of the log. All records of the log are to be replayed in order, before any
    /// other call, and then [`Coordinator::finish_replay`].
    ///
    /// # Errors
    ///
    /// If the record cannot be read: the coordinator does not know what the log says.
    pub fn replay(&mut self, key: &[u8], value: Option<Bytes>) -> Result<(), RecordError> {
        match RecordKey::decode(key)? {
            RecordKey::OffsetCommit {
                group_id,
                topic,
                partition,
            } => {
                let topic = TopicName::new(&topic).map_err(|_| RecordError::BadTopicName)?;
                let value = value
                    .as_deref()
                    .map(OffsetCommitValue::decode)
                    .transpose()?;
                self.replay_into(&group_id, value.is_some(), |group| {
                    group.replay_offset(topic, partition, value);
                    Ok(())
                })
            }
            RecordKey::GroupMetadata { group_id } => {
                self.replay_into(&group_id, value.is_some(), |group| {
                    // The slice must not keep the whole batch in memory.
                    group.replay_classic(value.map(|value| Bytes::copy_from_slice(&value)))
                })
            }
            RecordKey::Consumer { group_id, about } => {
                let Some(record) = ConsumerRecord::decode(about, value.as_deref())? else {
                    return Ok(());
                };
                self.replay_into(&group_id, value.is_some(), |group| {
                    group.replay_consumer(record)
                })
            }
            RecordKey::Other(_) => Ok(()),
        }
    }

    pub(super) fn replay_into(
        &mut self,
        group_id: &str,
        create: bool,
        fold: impl FnOnce(&mut Group) -> Result<(), RecordError>,
    ) -> Result<(), RecordError> {
        if create && !self.groups.contains_key(group_id) {
            let group = Group::new(group_id, Duration::ZERO, &self.settings);
            self.groups.insert(group.id().clone(), group);
        }
        let Some(group) = self.groups.get_mut(group_id) else {
            return Ok(());
        };
        fold(group)?;
        if group.is_vacant() {
            self.groups.remove(group_id);
        }
        Ok(())
    }

    /// Ends the replay: from now on members must show signs of life.
    ///
    /// # Errors
    ///
    /// If records that can be read contradict each other: no coordinator has written them so.
    pub fn finish_replay(&mut self, now: Duration) -> Result<(), RecordError> {
        self.timers.clear();
        for group in self.groups.values_mut() {
            group.start(now, &self.settings)?;
        }
        // Of some there was nothing but what belongs to nobody.
        self.groups.retain(|_, group| !group.is_vacant());
        for group in self.groups.values() {
            self.timers.insert((group.wake_at(), group.id().clone()));
            if cfg!(debug_assertions) {
                group.check_invariants();
            }
        }
        Ok(())
    }

    /// The shortest log that replays to what a restart at this moment would know: live state only.
    pub fn snapshot(&self) -> Vec<GroupRecord> {
        let mut records = Vec::new();
        for group in self.groups.values() {
            group.snapshot(&mut records);
        }
        records
    }
}
