//! A transactional producer, and a reader of what it has written.

use std::task::{Context, Waker};

use bytes::Bytes;
use model::{ErrorCode, ProducerEpoch, ProducerId};
use network::{BoxFuture, Outcome, Reply};
use wire::batch::BatchBuilder;
use wire::messages::add_partitions_to_txn::{AddPartitionsToTxnRequest, AddPartitionsToTxnTopic};
use wire::messages::end_txn::{EndTxnRequest, EndTxnResponse};
use wire::messages::fetch::PartitionData;
use wire::messages::find_coordinator::FindCoordinatorRequest;
use wire::messages::init_producer_id::InitProducerIdRequest;
use wire::messages::produce::PartitionProduceResponse;
use wire::{Chunks, Text};

use crate::support::{Fixture, NOW_MS, assert_code, build, fetch_request, produce_request, settle};

/// Has a request answered when that may be, which is not yet.
pub(crate) fn begin(reply: Reply) -> BoxFuture<Outcome> {
    let mut answer: BoxFuture<Outcome> = Box::pin(settle(reply));
    let poll = answer
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(poll.is_pending(), "an answer left before it was durable");
    answer
}

/// The transactional id of all tests.
pub(crate) const ID: Text = Text::from_static("tx");

/// What a producer knows of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Producer {
    pub(crate) id: i64,
    pub(crate) epoch: i16,
}

/// The newest version that keeps the epoch, and the one that gives each transaction its own.
pub(crate) const KEEPS: i16 = 4;
pub(crate) const BUMPS: i16 = 5;

pub(crate) async fn find_coordinator(fixture: &mut Fixture) {
    let request = FindCoordinatorRequest {
        key: ID,
        key_type: 1,
        ..FindCoordinatorRequest::default()
    };
    let found = fixture.call(&request, 3).await;
    assert_code(found.error_code, ErrorCode::None);
    assert_eq!(&*found.host, "broker.example");
}

pub(crate) fn init_request(producer: Option<Producer>) -> InitProducerIdRequest {
    InitProducerIdRequest {
        transactional_id: Some(ID),
        transaction_timeout_ms: 60_000,
        producer_id: producer.map_or(-1, |producer| producer.id),
        producer_epoch: producer.map_or(-1, |producer| producer.epoch),
    }
}

pub(crate) async fn try_init(fixture: &mut Fixture, version: i16) -> Result<Producer, ErrorCode> {
    let response = fixture.call(&init_request(None), version).await;
    match ErrorCode::from_code(response.error_code) {
        Some(ErrorCode::None) => Ok(Producer {
            id: response.producer_id,
            epoch: response.producer_epoch,
        }),
        error => Err(error.unwrap()),
    }
}

/// A new instance of the producer.
pub(crate) async fn init(fixture: &mut Fixture) -> Producer {
    try_init(fixture, 4).await.unwrap()
}

pub(crate) fn add_request(
    producer: Producer,
    topics: &[(&'static str, &[i32])],
) -> AddPartitionsToTxnRequest {
    AddPartitionsToTxnRequest {
        transactional_id: ID,
        producer_id: producer.id,
        producer_epoch: producer.epoch,
        topics: topics
            .iter()
            .map(|(name, partitions)| AddPartitionsToTxnTopic {
                name: Text::from_static(name),
                partitions: partitions.to_vec(),
            })
            .collect(),
        ..AddPartitionsToTxnRequest::default()
    }
}

/// The codes of all partitions, in order.
pub(crate) async fn add(
    fixture: &mut Fixture,
    producer: Producer,
    topics: &[(&'static str, &[i32])],
    version: i16,
) -> Vec<ErrorCode> {
    let response = fixture.call(&add_request(producer, topics), version).await;
    let topics = response.results_by_topic.iter();
    topics
        .flat_map(|topic| &topic.results_by_partition)
        .map(|partition| ErrorCode::from_code(partition.partition_error_code).unwrap())
        .collect()
}

pub(crate) fn transactional_batch(producer: Producer, sequence: i32, values: &[&str]) -> Bytes {
    let builder = BatchBuilder::new()
        .producer(
            ProducerId(producer.id),
            ProducerEpoch(producer.epoch),
            sequence,
        )
        .transactional();
    build(builder, NOW_MS, values)
}

/// Produces one batch to partition 0 of a topic.
pub(crate) async fn produce(
    fixture: &mut Fixture,
    topic: &'static str,
    batch: Bytes,
    version: i16,
) -> PartitionProduceResponse {
    let mut request = produce_request(topic, batch);
    request.transactional_id = Some(ID);
    let mut response = fixture.call(&request, version).await;
    response.responses.remove(0).partition_responses.remove(0)
}

/// Produces, and gives the code.
pub(crate) async fn produce_code(
    fixture: &mut Fixture,
    producer: Producer,
    sequence: i32,
    version: i16,
) -> ErrorCode {
    let batch = transactional_batch(producer, sequence, &["v"]);
    let response = produce(fixture, "t", batch, version).await;
    ErrorCode::from_code(response.error_code).unwrap()
}

pub(crate) fn end_request(producer: Producer, committed: bool) -> EndTxnRequest {
    EndTxnRequest {
        transactional_id: ID,
        producer_id: producer.id,
        producer_epoch: producer.epoch,
        committed,
    }
}

pub(crate) async fn try_end(
    fixture: &mut Fixture,
    producer: Producer,
    committed: bool,
    version: i16,
) -> EndTxnResponse {
    let request = end_request(producer, committed);
    fixture.call(&request, version).await
}

/// Ends the transaction; who the producer is from then on.
pub(crate) async fn end(
    fixture: &mut Fixture,
    producer: Producer,
    committed: bool,
    version: i16,
) -> Producer {
    let ended = try_end(fixture, producer, committed, version).await;
    assert_code(ended.error_code, ErrorCode::None);
    match version {
        BUMPS => Producer {
            id: ended.producer_id,
            epoch: ended.producer_epoch,
        },
        _ => producer,
    }
}

/// Fetches partition 0 of a topic as a reader of what is committed.
pub(crate) async fn fetch_committed(fixture: &mut Fixture, topic: &'static str) -> PartitionData {
    let mut request = fetch_request(topic, 0);
    request.isolation_level = 1;
    let mut response = fixture.call(&request, 12).await;
    response.responses.remove(0).partitions.remove(0)
}

/// The values that a reader of what is committed takes from partition 0 of a topic, markers left out, and the
/// last stable offset.
pub(crate) async fn committed(fixture: &mut Fixture, topic: &'static str) -> (Vec<String>, i64) {
    let fetched = fetch_committed(fixture, topic).await;
    assert_code(fetched.error_code, ErrorCode::None);
    let mut aborted = fetched.aborted_transactions.unwrap_or_default();
    aborted.sort_by_key(|one| one.first_offset);
    let bytes = fetched.records.map(Chunks::into_bytes).unwrap_or_default();
    let mut rest = &bytes[..];
    let mut open = Vec::new();
    let mut values = Vec::new();
    while !rest.is_empty() {
        let (batch, behind) = wire::batch::BatchView::parse(rest).unwrap();
        rest = behind;
        let producer_id = batch.producer_id.0;
        while aborted
            .first()
            .is_some_and(|one| one.first_offset <= batch.base_offset.0)
        {
            open.push(aborted.remove(0).producer_id);
        }
        if batch.attributes.is_control() {
            open.retain(|id| *id != producer_id);
        } else if !open.contains(&producer_id) || !batch.attributes.is_transactional() {
            for record in batch.records() {
                let value = record.unwrap().value.unwrap_or_default().to_vec();
                values.push(String::from_utf8(value).unwrap());
            }
        }
    }
    (values, fetched.last_stable_offset)
}
