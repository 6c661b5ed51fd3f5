//! What is asked of the broker, and its answers in plain values.

use std::collections::BTreeMap;

use bytes::Bytes;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    BrokerId, CreateTopicsRequest, DeleteTopicsRequest, FetchRequest, GroupId,
    InitProducerIdRequest, ListGroupsRequest, ListOffsetsRequest, MetadataRequest,
    OffsetCommitRequest, OffsetFetchRequest, ProduceRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::client::Node;

/// The error codes that are told apart.
pub(super) const NONE: i16 = 0;
pub(super) const COORDINATOR_NOT_AVAILABLE: i16 = 15;
pub(super) const KAFKA_STORAGE_ERROR: i16 = 56;

/// How much one fetch asks for.
const FETCH_BYTES: i32 = 64 << 10;

/// What a group has committed, by topic and partition: the offset and its metadata.
pub(super) type Committed = BTreeMap<(String, i32), (i64, String)>;

/// Where a batch went, or the code of the refusal.
pub(super) type Produced = Result<i64, i16>;

/// What a fetch gave.
#[derive(Clone, Debug)]
pub(super) struct Fetched {
    pub error: i16,
    pub high_watermark: i64,
    pub records: Bytes,
}

impl Node {
    pub(super) fn create_topic(
        &mut self,
        name: &str,
        partitions: i32,
        configs: &[(&str, &str)],
    ) -> Result<(), String> {
        let configs = configs.iter().map(|(name, value)| {
            CreatableTopicConfig::default()
                .with_name(text(name))
                .with_value(Some(text(value)))
        });
        let topic = CreatableTopic::default()
            .with_name(topic_name(name))
            .with_num_partitions(partitions)
            .with_replication_factor(1)
            .with_configs(configs.collect());
        let request = CreateTopicsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(30_000);
        let answer = self.call(&request, 7)?;
        let code = answer.topics.first().ok_or("no topic")?.error_code;
        expect_none(code, &format!("create {name}"))
    }

    pub(super) fn delete_topic(&mut self, name: &str) -> Result<(), String> {
        let request = DeleteTopicsRequest::default()
            .with_topic_names(vec![topic_name(name)])
            .with_timeout_ms(30_000);
        let answer = self.call(&request, 5)?;
        let code = answer.responses.first().ok_or("no topic")?.error_code;
        expect_none(code, &format!("delete {name}"))
    }

    /// All topics with their ids and the number of their partitions.
    pub(super) fn topics(&mut self) -> Result<BTreeMap<String, (String, usize)>, String> {
        let answer = self.call(&MetadataRequest::default().with_topics(None), 12)?;
        let mut topics = BTreeMap::new();
        for topic in answer.topics {
            let name = topic.name.map(|name| name.0.to_string());
            let name = name.ok_or("a topic without a name")?;
            expect_none(topic.error_code, &format!("metadata of {name}"))?;
            for partition in &topic.partitions {
                expect_none(partition.error_code, &format!("partition of {name}"))?;
            }
            topics.insert(name, (topic.topic_id.to_string(), topic.partitions.len()));
        }
        Ok(topics)
    }

    pub(super) fn producer_id(&mut self) -> Result<(i64, i16), i16> {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(None)
            .with_transaction_timeout_ms(60_000);
        let answer = self.call(&request, 4).map_err(|_| -1_i16)?;
        match answer.error_code {
            NONE => Ok((answer.producer_id.0, answer.producer_epoch)),
            code => Err(code),
        }
    }

    pub(super) fn produce(
        &mut self,
        topic: &str,
        partition: i32,
        batch: &[u8],
    ) -> Result<Produced, String> {
        let data = PartitionProduceData::default()
            .with_index(partition)
            .with_records(Some(Bytes::copy_from_slice(batch)));
        let data = TopicProduceData::default()
            .with_name(topic_name(topic))
            .with_partition_data(vec![data]);
        let request = ProduceRequest::default()
            .with_acks(-1)
            .with_timeout_ms(30_000)
            .with_topic_data(vec![data]);
        let answer = self.call(&request, 9)?;
        let topic = answer.responses.into_iter().next().ok_or("no topic")?;
        let found = topic.partition_responses.into_iter().next();
        let found = found.ok_or("no partition")?;
        Ok(match found.error_code {
            NONE => Ok(found.base_offset),
            code => Err(code),
        })
    }

    pub(super) fn fetch(
        &mut self,
        topic: &str,
        partition: i32,
        from: i64,
    ) -> Result<Fetched, String> {
        let wanted = FetchPartition::default()
            .with_partition(partition)
            .with_fetch_offset(from)
            .with_partition_max_bytes(FETCH_BYTES);
        let wanted = FetchTopic::default()
            .with_topic(topic_name(topic))
            .with_partitions(vec![wanted]);
        let request = FetchRequest::default()
            .with_max_wait_ms(0)
            .with_min_bytes(1)
            .with_max_bytes(FETCH_BYTES)
            .with_session_epoch(-1)
            .with_topics(vec![wanted]);
        let answer = self.call(&request, 12)?;
        let topic = answer.responses.into_iter().next().ok_or("no topic")?;
        let found = topic.partitions.into_iter().next().ok_or("no partition")?;
        Ok(Fetched {
            error: found.error_code,
            high_watermark: found.high_watermark,
            records: found.records.unwrap_or_default(),
        })
    }

    /// The offset for a timestamp, or the code of the refusal. -2 is the start, -1 the end.
    pub(super) fn offset_at(
        &mut self,
        topic: &str,
        partition: i32,
        timestamp: i64,
    ) -> Result<Result<i64, i16>, String> {
        let wanted = ListOffsetsPartition::default()
            .with_partition_index(partition)
            .with_current_leader_epoch(-1)
            .with_timestamp(timestamp);
        let wanted = ListOffsetsTopic::default()
            .with_name(topic_name(topic))
            .with_partitions(vec![wanted]);
        let request = ListOffsetsRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_topics(vec![wanted]);
        let answer = self.call(&request, 5)?;
        let topic = answer.topics.into_iter().next().ok_or("no topic")?;
        let found = topic.partitions.into_iter().next().ok_or("no partition")?;
        Ok(match found.error_code {
            NONE => Ok(found.offset),
            code => Err(code),
        })
    }

    pub(super) fn commit(
        &mut self,
        group: &str,
        topic: &str,
        partition: i32,
        (offset, metadata): (i64, &str),
    ) -> Result<Result<(), i16>, String> {
        let commit = OffsetCommitRequestPartition::default()
            .with_partition_index(partition)
            .with_committed_offset(offset)
            .with_committed_metadata(Some(text(metadata)));
        let commit = OffsetCommitRequestTopic::default()
            .with_name(topic_name(topic))
            .with_partitions(vec![commit]);
        let request = OffsetCommitRequest::default()
            .with_group_id(GroupId(text(group)))
            .with_generation_id_or_member_epoch(-1)
            .with_topics(vec![commit]);
        let answer = self.call(&request, 8)?;
        let topic = answer.topics.into_iter().next().ok_or("no topic")?;
        let found = topic.partitions.into_iter().next().ok_or("no partition")?;
        Ok(match found.error_code {
            NONE => Ok(()),
            code => Err(code),
        })
    }

    /// All that a group has committed, or the code of the refusal.
    pub(super) fn committed(&mut self, group: &str) -> Result<Result<Committed, i16>, String> {
        let wanted = OffsetFetchRequestGroup::default()
            .with_group_id(GroupId(text(group)))
            .with_topics(None);
        let request = OffsetFetchRequest::default().with_groups(vec![wanted]);
        let answer = self.call(&request, 8)?;
        let found = answer.groups.into_iter().next().ok_or("no group")?;
        if found.error_code != NONE {
            return Ok(Err(found.error_code));
        }
        let mut committed = Committed::new();
        for topic in found.topics {
            for partition in topic.partitions {
                if partition.error_code != NONE {
                    return Ok(Err(partition.error_code));
                }
                let metadata = partition.metadata.unwrap_or_default().to_string();
                let key = (topic.name.0.to_string(), partition.partition_index);
                committed.insert(key, (partition.committed_offset, metadata));
            }
        }
        Ok(Ok(committed))
    }

    /// The names of all groups, and the code of what keeps the list from being whole.
    pub(super) fn groups(&mut self) -> Result<(Vec<String>, i16), String> {
        let answer = self.call(&ListGroupsRequest::default(), 4)?;
        let names = answer
            .groups
            .iter()
            .map(|group| group.group_id.0.to_string());
        Ok((names.collect(), answer.error_code))
    }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}

fn expect_none(code: i16, what: &str) -> Result<(), String> {
    match code {
        NONE => Ok(()),
        code => Err(format!("{what}: error {code}")),
    }
}
