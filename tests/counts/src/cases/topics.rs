//! Producers, readers, and who asks where things are.

use anyhow::{Result, ensure};
use wire::messages::api_versions::ApiVersionsRequest;
use wire::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use wire::messages::init_producer_id::InitProducerIdRequest;
use wire::messages::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use wire::{Chunks, Text};

use super::{
    Case, METADATA as METADATA_VERSION, PRODUCE as PRODUCE_VERSION, Sent, TOPIC, batch,
    check_fetched, check_produced, make_relaxed_topic, make_topic, no_error, produce, produced,
    repeated,
};
use crate::door::{Door, call, frame, read};

const FETCH_VERSION: i16 = 12;
const LIST_OFFSETS_VERSION: i16 = 7;
const API_VERSIONS_VERSION: i16 = 3;

/// What one fetch may bring, and what the topic for it holds.
const FETCH_BYTES: usize = 1 << 20;

/// One record of 100 bytes.
pub(super) const PRODUCE: Case = Case {
    name: "produce",
    prepare: |door, count| {
        make_topic(door, TOPIC)?;
        Ok(produced(1, count))
    },
};

/// One record of 100 bytes by an idempotent producer.
pub(super) const PRODUCE_IDEMPOTENT: Case = Case {
    name: "produce, idempotent",
    prepare: |door, count| {
        make_topic(door, TOPIC)?;
        let request = InitProducerIdRequest {
            transactional_id: None,
            transaction_timeout_ms: i32::MAX,
            producer_id: -1,
            producer_epoch: -1,
        };
        let producer = call(door, &request, 4)?;
        no_error("a producer id", producer.error_code)?;
        let sent = |sequence| {
            let producer = (producer.producer_id, producer.producer_epoch, sequence);
            Sent {
                frame: frame(&produce(batch(1, Some(producer), false)), PRODUCE_VERSION),
                check: check_produced::<PRODUCE_VERSION>,
            }
        };
        Ok((0..).take(count).map(sent).collect())
    },
};

/// 160 records of 100 bytes.
pub(super) const PRODUCE_LARGE: Case = Case {
    name: "produce, 16 KB",
    prepare: |door, count| {
        make_topic(door, TOPIC)?;
        Ok(produced(160, count))
    },
};

/// One record of 100 bytes that is not forced.
pub(super) const PRODUCE_RELAXED: Case = Case {
    name: "produce, relaxed",
    prepare: |door, count| {
        make_relaxed_topic(door, TOPIC)?;
        Ok(produced(1, count))
    },
};

/// Nearly the largest batch that a topic takes: what is done for each byte decides.
pub(super) const PRODUCE_LARGEST: Case = Case {
    name: "produce, 1 MiB, relaxed",
    prepare: |door, count| {
        make_relaxed_topic(door, TOPIC)?;
        Ok(produced(9_500, count))
    },
};

/// One batch of one record, from memory.
pub(super) const FETCH: Case = Case {
    name: "fetch",
    prepare: |door, count| {
        fill(door, 1, 100)?;
        let check = check_fetched::<FETCH_VERSION, 100>;
        Ok(repeated(&fetch(50, 100), FETCH_VERSION, count, check))
    },
};

/// 1 MiB in batches of 16 KB, from memory.
pub(super) const FETCH_LARGE: Case = Case {
    name: "fetch, 1 MiB",
    prepare: |door, count| {
        fill(door, 160, 80)?;
        let check = check_fetched::<FETCH_VERSION, { FETCH_BYTES - 32_768 }>;
        Ok(repeated(
            &fetch(0, FETCH_BYTES),
            FETCH_VERSION,
            count,
            check,
        ))
    },
};

/// At the end of the log, without waiting.
pub(super) const FETCH_NOTHING: Case = Case {
    name: "fetch, nothing there",
    prepare: |door, count| {
        fill(door, 1, 1)?;
        let check = check_fetched::<FETCH_VERSION, 0>;
        Ok(repeated(
            &fetch(1, FETCH_BYTES),
            FETCH_VERSION,
            count,
            check,
        ))
    },
};

/// The end of a partition.
pub(super) const LIST_OFFSETS: Case = Case {
    name: "list offsets",
    prepare: |door, count| {
        fill(door, 1, 1)?;
        let request = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![ListOffsetsTopic {
                name: TOPIC,
                partitions: vec![ListOffsetsPartition {
                    current_leader_epoch: -1,
                    timestamp: -1,
                    ..ListOffsetsPartition::default()
                }],
            }],
            ..ListOffsetsRequest::default()
        };
        let check = |chunks| {
            let response = read::<ListOffsetsRequest>(chunks, LIST_OFFSETS_VERSION)?;
            for partition in response.topics.iter().flat_map(|topic| &topic.partitions) {
                no_error("list offsets", partition.error_code)?;
                ensure!(partition.offset == 1, "the end is {}", partition.offset);
            }
            Ok(())
        };
        Ok(repeated(&request, LIST_OFFSETS_VERSION, count, check))
    },
};

/// One topic by its name.
pub(super) const METADATA: Case = Case {
    name: "metadata",
    prepare: |door, count| {
        make_topic(door, TOPIC)?;
        let topic = MetadataRequestTopic {
            name: Some(TOPIC),
            ..MetadataRequestTopic::default()
        };
        Ok(repeated(
            &metadata(Some(vec![topic])),
            METADATA_VERSION,
            count,
            check_metadata::<1>,
        ))
    },
};

/// All of 100 topics.
pub(super) const METADATA_OF_MANY: Case = Case {
    name: "metadata, 100 topics",
    prepare: |door, count| {
        for number in 0..100 {
            make_topic(door, Text::from(format!("topic-{number}")))?;
        }
        Ok(repeated(
            &metadata(None),
            METADATA_VERSION,
            count,
            check_metadata::<100>,
        ))
    },
};

/// What a client asks first.
pub(super) const API_VERSIONS: Case = Case {
    name: "api versions",
    prepare: |_, count| {
        let request = ApiVersionsRequest {
            client_software_name: Text::from_static("counts"),
            client_software_version: Text::from_static("1"),
        };
        let check = |chunks| {
            let response = read::<ApiVersionsRequest>(chunks, API_VERSIONS_VERSION)?;
            no_error("api versions", response.error_code)
        };
        Ok(repeated(&request, API_VERSIONS_VERSION, count, check))
    },
};

/// Makes the topic and fills it with so many batches.
fn fill(door: &mut dyn Door, records: usize, batches: usize) -> Result<()> {
    make_topic(door, TOPIC)?;
    let request = produce(batch(records, None, false));
    for sent in repeated(
        &request,
        PRODUCE_VERSION,
        batches,
        check_produced::<PRODUCE_VERSION>,
    ) {
        (sent.check)(door.exchange(sent.frame)?)?;
    }
    Ok(())
}

fn fetch(from: i64, bytes_max: usize) -> FetchRequest {
    let bytes_max = i32::try_from(bytes_max).unwrap_or(i32::MAX);
    FetchRequest {
        min_bytes: 1,
        max_bytes: bytes_max,
        session_epoch: -1,
        topics: vec![FetchTopic {
            topic: TOPIC,
            partitions: vec![FetchPartition {
                current_leader_epoch: -1,
                fetch_offset: from,
                partition_max_bytes: bytes_max,
                ..FetchPartition::default()
            }],
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    }
}

fn metadata(topics: Option<Vec<MetadataRequestTopic>>) -> MetadataRequest {
    MetadataRequest {
        topics,
        ..MetadataRequest::default()
    }
}

fn check_metadata<const TOPICS: usize>(chunks: Chunks) -> Result<()> {
    let response = read::<MetadataRequest>(chunks, METADATA_VERSION)?;
    let found = response.topics.len();
    ensure!(found == TOPICS, "{found} topics instead of {TOPICS}");
    response
        .topics
        .iter()
        .try_for_each(|topic| no_error("metadata", topic.error_code))
}
