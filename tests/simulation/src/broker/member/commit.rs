//! Committing offsets, also in the name of a life that has ended.

use kafka_protocol::messages::OffsetCommitRequest;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};

use super::{Asked, Member};
use crate::broker::codec::{self, code, text};
use crate::broker::model::{Deletion, TopicKey};
use crate::broker::world::{Checked, Shared, ensure, pick};

impl Member {
    /// Commits in the name of a life that has ended.
    pub(super) fn commit_late(&mut self, shared: &mut Shared, choice: u64) {
        let topics = shared.model.settled();
        if let (Some(life), false) = (self.late.clone(), topics.is_empty()) {
            let topic = topics[pick(choice, topics.len())];
            self.commit(shared, &life, topic, 0, choice);
        }
    }

    pub(super) fn commit(
        &mut self,
        shared: &mut Shared,
        life: &(i32, String),
        topic: TopicKey,
        partition: i32,
        choice: u64,
    ) {
        let name = shared.model.topics[topic].name.clone();
        let committed = shared.model.committed(self.group, &name, partition);
        if std::mem::replace(&mut committed.is_open, true) {
            return;
        }
        committed.sent += 1 + i64::try_from(choice / 1000 % 3).unwrap_or(0);
        let offset = committed.sent;
        let partitions = OffsetCommitRequestPartition::default()
            .with_partition_index(partition)
            .with_committed_offset(offset)
            .with_committed_leader_epoch(-1)
            .with_committed_metadata(Some(text("")));
        let topics = OffsetCommitRequestTopic::default()
            .with_name(codec::topic(&name))
            .with_partitions(vec![partitions]);
        let request = OffsetCommitRequest::default()
            .with_group_id(text(self.group).into())
            .with_generation_id_or_member_epoch(life.0)
            .with_member_id(text(life.1.clone()))
            .with_topics(vec![topics]);
        let newest = shared
            .model
            .groups
            .get(self.group)
            .map_or(0, |group| group.generation);
        let asked = Asked::Commit {
            topic,
            partition,
            offset,
            must_fail: life.0 < newest,
            is_late: self.late.as_ref() == Some(life),
        };
        self.caller.send(&request, 8, asked);
    }

    pub(super) fn take_commit(
        &mut self,
        shared: &mut Shared,
        (topic, partition): (TopicKey, i32),
        offset: i64,
        is_late: bool,
        error: i16,
    ) -> Checked {
        let is_gone = shared.model.topics[topic].deletion != Deletion::None;
        let name = shared.model.topics[topic].name.clone();
        let is_live = !is_gone && shared.model.live(&name) == Some(topic);
        let committed = shared.model.committed(self.group, &name, partition);
        committed.is_open = false;
        match error {
            code::NONE => {
                if is_live {
                    committed.known = committed.known.max(Some(offset));
                }
                shared.tally.add("commits", 1);
                Ok(())
            }
            code::UNKNOWN_TOPIC_OR_PARTITION => {
                ensure!(
                    is_gone,
                    "{}: a commit for a topic that is there: {error}",
                    self.group
                );
                Ok(())
            }
            code::ILLEGAL_GENERATION | code::UNKNOWN_MEMBER_ID | code::REBALANCE_IN_PROGRESS => {
                committed.refused.insert(offset);
                shared.tally.add("commits refused", 1);
                match is_late {
                    true => {
                        self.late = None;
                        Ok(())
                    }
                    false => self.after(shared, error),
                }
            }
            _ => self.after(shared, error),
        }
    }
}
