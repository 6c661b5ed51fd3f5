//! The streams of requests whose cost is counted.

mod groups;
mod topics;
mod transactions;

use anyhow::{Result, ensure};
use bytes::Bytes;
use model::{ProducerEpoch, ProducerId};
use wire::batch::{BatchBuilder, NewRecord};
use wire::messages::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use wire::messages::fetch::FetchRequest;
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use wire::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use wire::{Chunks, Request, Text};

use crate::door::{Door, call, frame, read};

/// A kind of request.
pub(crate) struct Case {
    /// What it is called in the tables.
    pub(crate) name: &'static str,
    /// Brings a broker into the state that the requests want, and makes so many of them.
    pub(crate) prepare: fn(&mut dyn Door, usize) -> Result<Vec<Sent>>,
}

/// A request as it is sent, and how its answer is checked.
pub(crate) struct Sent {
    pub(crate) frame: Bytes,
    pub(crate) check: fn(Chunks) -> Result<()>,
}

/// All of them.
pub(crate) const CASES: &[Case] = &[
    topics::PRODUCE,
    topics::PRODUCE_IDEMPOTENT,
    topics::PRODUCE_LARGE,
    topics::PRODUCE_RELAXED,
    topics::PRODUCE_LARGEST,
    topics::FETCH,
    topics::FETCH_LARGE,
    topics::FETCH_NOTHING,
    topics::LIST_OFFSETS,
    topics::METADATA,
    topics::METADATA_OF_MANY,
    topics::API_VERSIONS,
    groups::HEARTBEAT,
    groups::OFFSET_COMMIT,
    groups::OFFSET_FETCH,
    transactions::TXN_OFFSET_COMMIT,
    transactions::TRANSACTION,
];

/// The versions that the counted clients speak.
const METADATA: i16 = 12;
const PRODUCE: i16 = 9;
const CREATE_TOPICS: i16 = 7;

const TOPIC: Text = Text::from_static("orders");

/// The time on the simulated wall clock, in ms since the epoch.
const NOW_MS: i64 = 1_767_225_600_000;

/// Makes a topic of one partition.
fn make_topic(door: &mut dyn Door, name: Text) -> Result<()> {
    let request = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some(name),
            ..MetadataRequestTopic::default()
        }]),
        allow_auto_topic_creation: true,
        ..MetadataRequest::default()
    };
    for topic in call(door, &request, METADATA)?.topics {
        ensure!(topic.error_code == 0, "a topic: error {}", topic.error_code);
    }
    Ok(())
}

/// Makes a topic of one partition that acknowledges what is written and not forced.
fn make_relaxed_topic(door: &mut dyn Door, name: Text) -> Result<()> {
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name,
            num_partitions: 1,
            replication_factor: 1,
            configs: vec![CreatableTopicConfig {
                name: Text::from_static("flush.messages"),
                value: Some(Text::from_static("9223372036854775807")),
            }],
            ..CreatableTopic::default()
        }],
        timeout_ms: 30_000,
        ..CreateTopicsRequest::default()
    };
    for topic in call(door, &request, CREATE_TOPICS)?.topics {
        no_error("a topic", topic.error_code)?;
    }
    Ok(())
}

/// A batch of keyed records of 100 bytes each.
fn batch(records: usize, producer: Option<(i64, i16, i32)>, is_transactional: bool) -> Bytes {
    let mut builder = BatchBuilder::new();
    if let Some((id, epoch, sequence)) = producer {
        builder = builder.producer(ProducerId(id), ProducerEpoch(epoch), sequence);
    }
    if is_transactional {
        builder = builder.transactional();
    }
    for number in 0..records {
        let key = format!("key-{number:06}");
        builder.push(NewRecord {
            timestamp: NOW_MS,
            key: Some(key.as_bytes()),
            value: Some(&[b'x'; 90]),
            ..NewRecord::default()
        });
    }
    Bytes::from(builder.build())
}

/// Writes a batch with acks=all.
fn produce(batch: Bytes) -> ProduceRequest {
    ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data: vec![TopicProduceData {
            name: TOPIC,
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(Chunks::from(batch)),
            }],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    }
}

/// Batches of so many records, again and again.
fn produced(records: usize, count: usize) -> Vec<Sent> {
    let request = produce(batch(records, None, false));
    repeated(&request, PRODUCE, count, check_produced::<PRODUCE>)
}

fn check_produced<const VERSION: i16>(chunks: Chunks) -> Result<()> {
    let response = read::<ProduceRequest>(chunks, VERSION)?;
    for partition in response
        .responses
        .iter()
        .flat_map(|topic| &topic.partition_responses)
    {
        no_error("produce", partition.error_code)?;
    }
    Ok(())
}

/// Checks that all answers carry at least so many bytes of records.
fn check_fetched<const VERSION: i16, const BYTES_MIN: usize>(chunks: Chunks) -> Result<()> {
    let response = read::<FetchRequest>(chunks, VERSION)?;
    no_error("fetch", response.error_code)?;
    let partitions = response
        .responses
        .into_iter()
        .flat_map(|topic| topic.partitions);
    for partition in partitions {
        no_error("fetch", partition.error_code)?;
        let bytes = partition.records.map_or(0, |records| records.len());
        ensure!(
            bytes >= BYTES_MIN,
            "{bytes} bytes of records, at least {BYTES_MIN} are there"
        );
    }
    Ok(())
}

fn no_error(what: &str, code: i16) -> Result<()> {
    ensure!(code == 0, "{what}: error {code}");
    Ok(())
}

/// The same request again and again.
fn repeated<R: Request>(
    request: &R,
    version: i16,
    count: usize,
    check: fn(Chunks) -> Result<()>,
) -> Vec<Sent> {
    let frame = frame(request, version);
    let sent = || Sent {
        frame: frame.clone(),
        check,
    };
    std::iter::repeat_with(sent).take(count).collect()
}
