//! When answers leave: not before the disk has what they tell.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use model::ErrorCode;
use network::{BoxFuture, Outcome, Reply};
use sim::SimFs;
use wire::messages::init_producer_id::InitProducerIdRequest;
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponseTopic};
use wire::messages::produce::{
    PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData,
};
use wire::{Chunks, Request, Text};

use crate::gated_disk::Forces;
use crate::support::{
    Answered, Fixture, assert_code, batch, decode, idempotent_batch, produce_request, values,
};

/// An answer that has not come yet.
pub(crate) struct Later(pub(crate) BoxFuture<Outcome>);

impl Later {
    pub(crate) fn of(fixture: &mut Fixture, request: &impl Request, version: i16) -> Self {
        let frame = fixture.frame(request, version);
        match fixture.dispatch(frame) {
            Reply::Serial(later) | Reply::Parked(later) | Reply::Pipelined(later) => Self(later),
            other => panic!("answered at once: {other:?}"),
        }
    }

    pub(crate) fn is_there(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        matches!(Pin::new(&mut self.0).poll(&mut context), Poll::Ready(_))
    }
}

async fn produced(later: Later) -> ProduceResponse {
    match decode::<ProduceRequest>(later.0.await, 9) {
        Answered::Response(response) => response,
        other => panic!("no response: {other:?}"),
    }
}

fn code(response: &ProduceResponse) -> i16 {
    response.responses[0].partition_responses[0].error_code
}

/// A broker whose disk has stopped to force, with one record that it has forced before.
pub(crate) async fn with_stalled_disk() -> Fixture {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    fixture.produce("t", batch(&["durable"])).await;
    fixture.disk.set(Forces::Wait);
    fixture
}

#[tokio::test]
async fn acks_all_waits_for_the_disk_and_acks_1_does_not() {
    let mut fixture = with_stalled_disk().await;
    let mut request = produce_request("t", batch(&["a"]));
    request.acks = 1;
    // At once or not, as the commit loop is quicker or slower.
    let acks_1 = fixture.call(&request, 9).await;
    assert_code(code(&acks_1), ErrorCode::None);

    let mut acks_all = Later::of(&mut fixture, &produce_request("t", batch(&["b"])), 9);
    assert!(!acks_all.is_there());
    // Nobody reads what a power cut can take back.
    let fetched = fixture.fetch("t", 0).await;
    assert_eq!(fetched.high_watermark, 1);
    assert_eq!(values(fetched.records), [(0, "durable".to_owned())]);
    assert!(!acks_all.is_there());

    fixture.disk.set(Forces::Pass);
    assert_code(code(&produced(acks_all).await), ErrorCode::None);
    assert_eq!(values(fixture.fetch("t", 0).await.records).len(), 3);
}

#[tokio::test]
async fn refusals_and_duplicates_wait_for_what_they_rest_on() {
    let mut fixture = with_stalled_disk().await;
    let original = produce_request("t", idempotent_batch(5, 0, 0, &["a"]));
    let mut original_answer = Later::of(&mut fixture, &original, 9);
    let mut duplicate = Later::of(&mut fixture, &original, 9);
    let gap = produce_request("t", idempotent_batch(5, 0, 7, &["b"]));
    let mut refused = Later::of(&mut fixture, &gap, 9);
    for later in [&mut original_answer, &mut duplicate, &mut refused] {
        assert!(!later.is_there());
    }
    fixture.disk.set(Forces::Pass);
    assert_code(code(&produced(original_answer).await), ErrorCode::None);
    assert_code(code(&produced(duplicate).await), ErrorCode::None);
    assert_code(
        code(&produced(refused).await),
        ErrorCode::OutOfOrderSequenceNumber,
    );
}

#[tokio::test]
async fn a_topic_is_not_told_of_before_it_is_durable() {
    let mut fixture = with_stalled_disk().await;
    let asking = |topics| MetadataRequest {
        topics,
        ..MetadataRequest::default()
    };
    let new = MetadataRequestTopic {
        name: Some(Text::from_static("new")),
        ..MetadataRequestTopic::default()
    };
    let mut creating = Later::of(&mut fixture, &asking(Some(vec![new])), 9);
    assert!(!creating.is_there());
    // Nor told of to somebody else.
    let all = fixture.call(&asking(None), 9).await;
    assert_eq!(all.topics.len(), 1);
    let mut id = Later::of(
        &mut fixture,
        &InitProducerIdRequest {
            transactional_id: None,
            ..InitProducerIdRequest::default()
        },
        4,
    );
    assert!(!id.is_there());

    fixture.disk.set(Forces::Pass);
    creating.0.await;
    id.0.await;
    let all = fixture.call(&asking(None), 9).await;
    assert_eq!(all.topics.len(), 2);
}

#[tokio::test]
async fn a_disk_that_does_not_come_back_is_a_timeout() {
    let mut fixture = with_stalled_disk().await;
    let mut request = produce_request("t", batch(&["a"]));
    request.timeout_ms = 1000;
    let mut later = Later::of(&mut fixture, &request, 9);
    fixture.clock.advance(Duration::from_millis(999));
    assert!(!later.is_there());
    fixture.clock.advance(Duration::from_millis(1));
    assert_code(code(&produced(later).await), ErrorCode::RequestTimedOut);
    fixture.disk.set(Forces::Pass);
    // The record stays.
    let response = fixture.produce("t", batch(&["b"])).await;
    assert_eq!(response.base_offset, 2);
}

#[tokio::test]
async fn what_was_refused_keeps_its_error_when_the_rest_times_out() {
    let mut fixture = with_stalled_disk().await;
    let mut request = produce_request("t", batch(&["a"]));
    request.timeout_ms = 1000;
    let partition = |index| PartitionProduceData {
        index,
        records: Some(Chunks::from(batch(&["a"]))),
    };
    request.topic_data[0].partition_data = vec![partition(7), partition(0)];
    request.topic_data.push(TopicProduceData {
        name: Text::from_static("missing"),
        partition_data: vec![partition(0), partition(1)],
        ..TopicProduceData::default()
    });
    let later = Later::of(&mut fixture, &request, 9);
    fixture.clock.advance(Duration::from_millis(1000));
    let codes: Vec<Vec<_>> = produced(later)
        .await
        .responses
        .iter()
        .map(|topic| {
            let partitions = topic.partition_responses.iter();
            partitions.map(|partition| partition.error_code).collect()
        })
        .collect();
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    let timed_out = ErrorCode::RequestTimedOut.code();
    assert_eq!(codes, [[unknown, timed_out], [unknown, unknown]]);
}

#[tokio::test]
async fn what_is_never_answered_does_not_wait_for_the_disk() {
    let mut fixture = with_stalled_disk().await;
    let mut request = produce_request("t", batch(&["a"]));
    request.acks = 0;
    let frame = fixture.frame(&request, 9);
    let reply = fixture.dispatch(frame);
    assert!(matches!(reply, Reply::None), "{reply:?}");
    fixture.disk.set(Forces::Pass);
    let response = fixture.produce("t", batch(&["b"])).await;
    assert_eq!(response.base_offset, 2);
}

#[tokio::test]
async fn after_a_failed_force_nothing_is_acknowledged_and_reads_go_on() {
    let mut fixture = with_stalled_disk().await;
    let waiting = Later::of(&mut fixture, &produce_request("t", batch(&["a"])), 9);
    fixture.disk.set(Forces::Fail);
    assert_code(code(&produced(waiting).await), ErrorCode::KafkaStorageError);
    // Also when the disk says that all is well again.
    fixture.disk.set(Forces::Pass);
    let response = fixture.produce("t", batch(&["b"])).await;
    assert_code(response.error_code, ErrorCode::KafkaStorageError);
    let failed = fixture.topic("new").await;
    assert_code(failed.error_code, ErrorCode::KafkaStorageError);

    let fetched = fixture.fetch("t", 0).await;
    assert_code(fetched.error_code, ErrorCode::None);
    assert_eq!(values(fetched.records), [(0, "durable".to_owned())]);
    let health = fixture.broker.health();
    assert_eq!(health[0].code, "wal-poisoned");
    assert!(health[0].path.is_some());

    let mut fixture = fixture.restart().await;
    assert!(fixture.broker.health().is_empty());
    let response = fixture.produce("t", batch(&["c"])).await;
    assert_code(response.error_code, ErrorCode::None);
}

#[tokio::test]
async fn a_broker_that_stops_takes_nothing_more() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    fixture.broker.shut_down();
    let response = fixture.produce("t", batch(&["a"])).await;
    assert_code(response.error_code, ErrorCode::NotLeaderOrFollower);
}

/// Produces batches of one idempotent producer until one is refused. Gives how many were
/// acknowledged.
async fn produce_until_refused(fixture: &mut Fixture, code: ErrorCode) -> i32 {
    for sequence in 0..10_000 {
        let value = sequence.to_string();
        let batch = idempotent_batch(7, 0, sequence, &[&value]);
        let response = fixture.produce("t", batch).await;
        if response.error_code != ErrorCode::None.code() {
            assert_code(response.error_code, code);
            return sequence;
        }
        assert_eq!(response.base_offset, i64::from(sequence));
    }
    panic!("nothing was ever refused");
}

/// All records of the topic; each is its own offset as text.
async fn assert_records(fixture: &mut Fixture, count: i64) {
    let mut from = 0;
    while from < count {
        let fetched = fixture.fetch("t", from).await;
        assert_code(fetched.error_code, ErrorCode::None);
        assert_eq!(fetched.high_watermark, count);
        let records = values(fetched.records);
        assert!(!records.is_empty());
        for (offset, value) in records {
            assert_eq!((offset, value), (from, from.to_string()));
            from += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_at_any_moment_takes_nothing_back_and_a_retry_doubles_nothing() {
    for cut in 1..=30 {
        let disk = SimFs::new(cut);
        let mut fixture = Fixture::on_files(&[], Arc::new(disk.clone())).await;
        fixture.topic("t").await;
        disk.crash_at(disk.operations() + cut);
        let acknowledged = produce_until_refused(&mut fixture, ErrorCode::KafkaStorageError).await;

        let mut fixture = fixture.crash_onto(Arc::new(disk.crash())).await;
        // The producer cannot know whether the last one was kept, and sends it again.
        let value = acknowledged.to_string();
        let retry = idempotent_batch(7, 0, acknowledged, &[&value]);
        let response = fixture.produce("t", retry).await;
        assert_code(response.error_code, ErrorCode::None);
        assert_eq!(response.base_offset, i64::from(acknowledged), "cut {cut}");
        assert_records(&mut fixture, i64::from(acknowledged) + 1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_and_goes_on_when_there_is_space_again() {
    let disk = SimFs::new(1);
    let mut fixture = Fixture::on_files(&[], Arc::new(disk.clone())).await;
    fixture.topic("t").await;
    disk.set_space(Some(disk.used_bytes()));
    let acknowledged = produce_until_refused(&mut fixture, ErrorCode::KafkaStorageError).await;
    let fetched = fixture.fetch("t", 0).await;
    assert_code(fetched.error_code, ErrorCode::None);
    assert_eq!(fetched.high_watermark, i64::from(acknowledged));

    disk.set_space(None);
    let value = acknowledged.to_string();
    let retry = idempotent_batch(7, 0, acknowledged, &[&value]);
    let response = loop {
        // The engine looks for space again after a second.
        fixture.clock.advance(Duration::from_secs(1));
        let response = fixture.produce("t", retry.clone()).await;
        if response.error_code == ErrorCode::None.code() {
            break response;
        }
        assert_code(response.error_code, ErrorCode::KafkaStorageError);
    };
    assert_eq!(response.base_offset, i64::from(acknowledged));
    assert_records(&mut fixture, i64::from(acknowledged) + 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_asked_for_on_a_full_disk_is_there_when_there_is_space_again() {
    let disk = SimFs::new(2);
    let mut fixture = Fixture::on_files(&[], Arc::new(disk.clone())).await;
    fixture.topic("t").await;
    disk.set_space(Some(disk.used_bytes()));
    produce_until_refused(&mut fixture, ErrorCode::KafkaStorageError).await;
    // Topics may use up what records may not, and then they are refused too.
    let mut number = 0;
    while topic_named(&mut fixture, number).await.error_code == ErrorCode::None.code() {
        number += 1;
        assert!(number < 10_000, "the disk is never full");
    }
    disk.set_space(None);
    // What was refused is on its way all the same.
    let told = loop {
        fixture.clock.advance(Duration::from_secs(1));
        let topic = topic_named(&mut fixture, number).await;
        if topic.error_code == ErrorCode::None.code() {
            break topic;
        }
    };
    let mut fixture = fixture.restart().await;
    let kept = topic_named(&mut fixture, number).await;
    assert_eq!(kept.topic_id, told.topic_id);
}

/// The metadata of one of many topics; creates it if it is not there.
async fn topic_named(fixture: &mut Fixture, number: usize) -> MetadataResponseTopic {
    let request = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some(format!("late-{number}").into()),
            ..MetadataRequestTopic::default()
        }]),
        ..MetadataRequest::default()
    };
    fixture.call(&request, 12).await.topics.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_takes_back_no_topic_that_was_told_of() {
    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for cut in 1..=16 {
        let disk = SimFs::new(cut);
        let mut fixture = Fixture::on_files(&[], Arc::new(disk.clone())).await;
        disk.crash_at(disk.operations() + cut);
        let mut told = Vec::new();
        for name in NAMES {
            let topic = fixture.topic(name).await;
            if topic.error_code != ErrorCode::None.code() {
                assert_code(topic.error_code, ErrorCode::KafkaStorageError);
                break;
            }
            told.push((name, topic.topic_id));
        }
        let cluster_id = fixture.broker.cluster_id().unwrap().to_owned();
        let mut fixture = fixture.crash_onto(Arc::new(disk.crash())).await;
        assert_eq!(fixture.broker.cluster_id(), Some(&*cluster_id));
        for (name, topic_id) in told {
            assert_eq!(fixture.topic(name).await.topic_id, topic_id, "cut {cut}");
        }
    }
}
