//! Requests that several clients make, and what their answers must be.

use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::offset_fetch_response::OffsetFetchResponseGroup;
use kafka_protocol::messages::{
    FetchRequest, ListOffsetsRequest, ListOffsetsResponse, OffsetFetchRequest, OffsetFetchResponse,
};

use super::admin::KEPT;
use super::codec::{self, code, only, text};
use super::history;
use super::model::{Deletion, TopicKey};
use super::world::{Checked, Shared, ensure};

/// A request for one partition, without waiting.
pub(crate) fn fetch(
    id: uuid::Uuid,
    partition: i32,
    from: i64,
    bytes_max: i32,
    isolation: i8,
) -> FetchRequest {
    let partition = FetchPartition::default()
        .with_partition(partition)
        .with_fetch_offset(from)
        .with_partition_max_bytes(bytes_max);
    let topic = FetchTopic::default()
        .with_topic_id(id)
        .with_partitions(vec![partition]);
    FetchRequest::default()
        .with_max_wait_ms(0)
        .with_min_bytes(0)
        .with_max_bytes(bytes_max)
        .with_isolation_level(isolation)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}

pub(crate) fn list_offsets(name: &str, partition: i32, timestamp: i64) -> ListOffsetsRequest {
    let partition = ListOffsetsPartition::default()
        .with_partition_index(partition)
        .with_current_leader_epoch(-1)
        .with_timestamp(timestamp);
    let topic = ListOffsetsTopic::default()
        .with_name(codec::topic(name))
        .with_partitions(vec![partition]);
    ListOffsetsRequest::default()
        .with_replica_id((-1).into())
        .with_topics(vec![topic])
}

pub(crate) fn offset_fetch(group: &str) -> OffsetFetchRequest {
    let group = OffsetFetchRequestGroup::default()
        .with_group_id(text(group).into())
        .with_member_epoch(-1)
        .with_topics(None);
    OffsetFetchRequest::default().with_groups(vec![group])
}

/// What a group of transactions has committed for the partitions that it reads.
pub(crate) fn position_fetch(id: usize, partitions: Vec<i32>) -> OffsetFetchRequest {
    let topic = OffsetFetchRequestTopics::default()
        .with_name(codec::topic(KEPT))
        .with_partition_indexes(partitions);
    let group = OffsetFetchRequestGroup::default()
        .with_group_id(text(history::GROUPS[id]).into())
        .with_member_epoch(-1)
        .with_topics(Some(vec![topic]));
    OffsetFetchRequest::default().with_groups(vec![group])
}

impl Shared {
    /// The offset that was asked for; `None` if a fault or the deletion of the topic keeps it back.
    pub(crate) fn listed_offset(
        &self,
        topic: TopicKey,
        answer: ListOffsetsResponse,
    ) -> Checked<Option<i64>> {
        let found = only(only(answer.topics)?.partitions)?;
        if self.model.topics[topic].deletion != Deletion::None {
            return Ok(None);
        }
        let error = found.error_code;
        ensure!(
            error == code::NONE || self.is_troubled(),
            "offsets of topic {topic}: error {error}"
        );
        Ok((error == code::NONE).then_some(found.offset))
    }

    /// What a group has committed; `None` if that cannot be told now.
    pub(crate) fn fetched_group(
        &self,
        answer: OffsetFetchResponse,
    ) -> Checked<Option<OffsetFetchResponseGroup>> {
        let group = only(answer.groups)?;
        let error = group.error_code;
        ensure!(
            matches!(error, code::NONE | code::COORDINATOR_NOT_AVAILABLE) || self.is_troubled(),
            "offsets of {:?}: error {error}",
            group.group_id
        );
        Ok((error == code::NONE).then_some(group))
    }
}
