//! What a client would do with a broker, for a fuzzer to change.

use std::collections::BTreeMap;

use bytes::Bytes;
use wire::batch::{BatchBuilder, NewRecord};
use wire::messages::{
    create_topics, describe_configs, fetch, find_coordinator, incremental_alter_configs,
    join_group, list_offsets, metadata, offset_commit, offset_fetch, produce,
};
use wire::{Chunks, Request, Text, encode_request};

use crate::corpus;
use crate::input::put_piece;
use crate::targets::requests;

const TOPIC: Text = Text::from_static("topic1");
const GROUP: Text = Text::from_static("group");

/// The order in which clients ask for things.
const ORDER: &[&str] = &[
    "api_versions",
    "create_topics",
    "metadata",
    "init_producer_id",
    "produce",
    "list_offsets",
    "fetch",
    "find_coordinator",
    "join_group",
    "sync_group",
    "heartbeat",
    "offset_commit",
    "offset_fetch",
    "leave_group",
];

/// Every request alone, two stories, and what each recorded client has asked.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let alone = (requests::TARGET.seeds)().into_iter().map(|frame| {
        let mut seed = vec![0];
        put_piece(&mut seed, &frame);
        seed
    });
    let stories = [records(), groups()].into_iter().chain(recorded());
    alone.chain(stories).collect()
}

/// One request of each kind of each client in the recorded corpus.
fn recorded() -> Vec<Vec<u8>> {
    let directory = corpus::corpus_directory(&requests::TARGET);
    let mut clients: BTreeMap<String, BTreeMap<usize, Vec<u8>>> = BTreeMap::new();
    for input in corpus::inputs(&directory).unwrap_or_default() {
        // `<api>-v<version>-<client>-<hash>`; what a fuzzer has found has another name.
        let mut parts = input.name.split('-');
        let (Some(api), Some(_), Some(client)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        if let Some(place) = ORDER.iter().position(|name| *name == api) {
            let requests = clients.entry(client.to_owned()).or_default();
            requests.insert(place, input.bytes);
        }
    }
    let story = |requests: BTreeMap<usize, Vec<u8>>| {
        let mut story = Vec::new();
        for frame in requests.values() {
            story.push(0);
            put_piece(&mut story, frame);
        }
        story
    };
    clients.into_values().map(story).collect()
}

struct Story(Vec<u8>);

impl Story {
    fn after<R: Request>(mut self, pause: u8, request: &R, version: i16) -> Self {
        let client_id = Text::from_static("client");
        let frame = encode_request(request, version, 7, Some(&client_id)).into_bytes();
        self.0.push(pause);
        put_piece(&mut self.0, &frame[4..]);
        self
    }

    fn then<R: Request>(self, request: &R, version: i16) -> Self {
        self.after(0, request, version)
    }
}

fn metadata_request() -> metadata::MetadataRequest {
    metadata::MetadataRequest {
        topics: Some(vec![metadata::MetadataRequestTopic {
            name: Some(TOPIC),
            ..Default::default()
        }]),
        ..Default::default()
    }
}

fn batch(base_sequence: i32) -> Bytes {
    let mut builder =
        BatchBuilder::new().producer(model::ProducerId(0), model::ProducerEpoch(0), base_sequence);
    builder.push(NewRecord {
        // The simulated clock begins there.
        timestamp: 1_767_225_600_000,
        key: Some(b"key"),
        value: Some(b"value"),
        headers: &[("name", Some(b"header"))],
    });
    builder.build().into()
}

fn produce_request(batch: Bytes, acks: i16) -> produce::ProduceRequest {
    produce::ProduceRequest {
        acks,
        timeout_ms: 30_000,
        topic_data: vec![produce::TopicProduceData {
            name: TOPIC,
            partition_data: vec![produce::PartitionProduceData {
                index: 0,
                records: Some(Chunks::from(batch)),
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// A topic is made, written to, read, looked into and changed.
fn records() -> Vec<u8> {
    let create = create_topics::CreateTopicsRequest {
        topics: vec![create_topics::CreatableTopic {
            name: TOPIC,
            num_partitions: 2,
            replication_factor: 1,
            configs: vec![create_topics::CreatableTopicConfig {
                name: Text::from_static("retention.ms"),
                value: Some(Text::from_static("86400000")),
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let fetch = fetch::FetchRequest {
        min_bytes: 1,
        max_bytes: 1 << 20,
        topics: vec![fetch::FetchTopic {
            topic: TOPIC,
            partitions: vec![fetch::FetchPartition {
                partition_max_bytes: 1 << 20,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let list = list_offsets::ListOffsetsRequest {
        topics: vec![list_offsets::ListOffsetsTopic {
            name: TOPIC,
            partitions: [0, 1]
                .map(|partition_index| list_offsets::ListOffsetsPartition {
                    partition_index,
                    timestamp: 5,
                    ..Default::default()
                })
                .to_vec(),
        }],
        ..Default::default()
    };
    let alter = incremental_alter_configs::IncrementalAlterConfigsRequest {
        resources: vec![incremental_alter_configs::AlterConfigsResource {
            resource_type: 2,
            resource_name: TOPIC,
            configs: vec![incremental_alter_configs::AlterableConfig {
                name: Text::from_static("segment.bytes"),
                value: Some(Text::from_static("20000000")),
                ..Default::default()
            }],
        }],
        ..Default::default()
    };
    let describe = describe_configs::DescribeConfigsRequest {
        resources: vec![describe_configs::DescribeConfigsResource {
            resource_type: 2,
            resource_name: TOPIC,
            configuration_keys: None,
        }],
        ..Default::default()
    };
    Story(Vec::new())
        .then(&create, 7)
        .then(&produce_request(batch(0), -1), 9)
        .then(&produce_request(batch(1), 1), 7)
        .then(&produce_request(batch(0), 0), 3)
        .then(&fetch, 12)
        .then(&list, 7)
        .then(&alter, 1)
        .then(&describe, 4)
        .after(4, &metadata_request(), 9)
        .0
}

/// Somebody joins, commits and asks.
fn groups() -> Vec<u8> {
    let coordinator = find_coordinator::FindCoordinatorRequest {
        key: GROUP,
        ..Default::default()
    };
    let join = join_group::JoinGroupRequest {
        group_id: GROUP,
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 60_000,
        protocol_type: Text::from_static("consumer"),
        protocols: vec![join_group::JoinGroupRequestProtocol {
            name: Text::from_static("range"),
            metadata: Bytes::from_static(b"\0\x01\0\0\0\x01\0\x06topic1\0\0\0\0"),
        }],
        ..Default::default()
    };
    let commit = offset_commit::OffsetCommitRequest {
        group_id: GROUP,
        generation_id_or_member_epoch: -1,
        topics: vec![offset_commit::OffsetCommitRequestTopic {
            name: TOPIC,
            partitions: vec![offset_commit::OffsetCommitRequestPartition {
                committed_offset: 5,
                committed_metadata: Some(Text::from_static("noted")),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let asked = offset_fetch::OffsetFetchRequestGroup {
        group_id: GROUP,
        topics: Some(vec![offset_fetch::OffsetFetchRequestTopics {
            name: TOPIC,
            partition_indexes: vec![0, 1, 0],
            ..Default::default()
        }]),
        ..Default::default()
    };
    let fetch = offset_fetch::OffsetFetchRequest {
        groups: vec![asked.clone(), asked],
        ..Default::default()
    };
    Story(Vec::new())
        .then(&metadata_request(), 9)
        .then(&coordinator, 3)
        .then(&commit, 8)
        .then(&fetch, 8)
        .then(&join, 3)
        .after(20, &join, 5)
        .after(255, &fetch, 8)
        .0
}
