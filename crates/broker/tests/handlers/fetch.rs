//! Fetch: what is read, within which budgets, and when it waits.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use model::{ErrorCode, TopicId};
use network::{BoxFuture, Outcome, Reply};
use wire::Text;
use wire::messages::delete_topics::DeleteTopicsRequest;
use wire::messages::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic};

use crate::support::{Answered, Fixture, assert_code, batch, decode, fetch_request, values};

#[tokio::test]
async fn every_version_reads_from_the_batch_that_holds_the_offset() {
    let mut fixture = Fixture::open().await;
    let topic_id = fixture.topic("t").await.topic_id;
    fixture.produce("t", batch(&["a", "b"])).await;
    fixture.produce("t", batch(&["c", "d"])).await;
    for version in 4..=18 {
        let mut request = fetch_request("t", 3);
        request.topics[0].topic_id = topic_id;
        let mut response = fixture.call(&request, version).await;
        assert_code(response.error_code, ErrorCode::None);
        assert_eq!(response.session_id, 0);
        let partition = response.responses[0].partitions.remove(0);
        assert_code(partition.error_code, ErrorCode::None);
        assert_eq!(
            (partition.high_watermark, partition.last_stable_offset),
            (4, 4)
        );
        assert_eq!(partition.aborted_transactions, None);
        assert_eq!(partition.preferred_read_replica, -1);
        let records = values(partition.records);
        assert_eq!(records, [(2, "c".to_owned()), (3, "d".to_owned())]);
    }
}

#[tokio::test]
async fn read_committed_gets_a_list_of_aborted_transactions() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    fixture.produce("t", batch(&["a"])).await;
    let request = FetchRequest {
        isolation_level: 1,
        ..fetch_request("t", 0)
    };
    let response = fixture.call(&request, 11).await;
    let partition = &response.responses[0].partitions[0];
    assert_eq!(partition.aborted_transactions, Some(Vec::new()));
    assert_eq!(values(partition.records.clone()).len(), 1);
}

#[tokio::test]
async fn refusals_have_the_shape_that_clients_can_read() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    fixture.produce("t", batch(&["a"])).await;
    let partition = |partition| FetchPartition {
        partition_max_bytes: 1000,
        ..partition
    };
    for (what, wanted, code) in [
        (
            "an offset above the end",
            FetchPartition {
                fetch_offset: 2,
                ..FetchPartition::default()
            },
            ErrorCode::OffsetOutOfRange,
        ),
        (
            "an offset below the start",
            FetchPartition {
                fetch_offset: -1,
                ..FetchPartition::default()
            },
            ErrorCode::OffsetOutOfRange,
        ),
        (
            "a partition that is not there",
            FetchPartition {
                partition: 1,
                ..FetchPartition::default()
            },
            ErrorCode::UnknownTopicOrPartition,
        ),
        (
            "a negative partition",
            FetchPartition {
                partition: -1,
                ..FetchPartition::default()
            },
            ErrorCode::UnknownTopicOrPartition,
        ),
        (
            "a leader epoch to come",
            FetchPartition {
                current_leader_epoch: 9999,
                ..FetchPartition::default()
            },
            ErrorCode::UnknownLeaderEpoch,
        ),
    ] {
        let mut request = fetch_request("t", 0);
        // An error does not wait.
        request.max_wait_ms = 60_000;
        request.topics[0].partitions = vec![partition(wanted)];
        let response = fixture.call(&request, 12).await;
        let partition = &response.responses[0].partitions[0];
        assert_eq!(
            ErrorCode::from_code(partition.error_code),
            Some(code),
            "{what}"
        );
        assert_eq!(
            (
                partition.high_watermark,
                partition.last_stable_offset,
                partition.log_start_offset
            ),
            (-1, -1, -1),
            "{what}"
        );
        assert!(
            partition
                .records
                .as_ref()
                .is_some_and(wire::Chunks::is_empty),
            "{what}"
        );
    }
}

#[tokio::test]
async fn topics_by_id() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let mut request = fetch_request("t", 0);
    request.topics[0].topic_id = TopicId([9; 16]);
    let response = fixture.call(&request, 13).await;
    assert_code(response.error_code, ErrorCode::None);
    assert_code(
        response.responses[0].partitions[0].error_code,
        ErrorCode::UnknownTopicId,
    );
    assert_eq!(response.responses[0].topic_id, TopicId([9; 16]));
}

#[tokio::test]
async fn an_older_leader_epoch_is_fenced() {
    let fixture = Fixture::open().await;
    let mut fixture = fixture.restart().await;
    let epoch = fixture.topic("t").await.partitions[0].leader_epoch;
    assert!(epoch >= 1, "each start is an epoch");
    let mut request = fetch_request("t", 0);
    request.topics[0].partitions[0].current_leader_epoch = epoch - 1;
    let response = fixture.call(&request, 12).await;
    assert_code(
        response.responses[0].partitions[0].error_code,
        ErrorCode::FencedLeaderEpoch,
    );
}

#[tokio::test]
async fn a_reader_with_another_history_is_told_where_ours_ends() {
    let mut fixture = Fixture::open().await;
    let epoch = fixture.topic("t").await.partitions[0].leader_epoch;
    fixture.produce("t", batch(&["a"])).await;
    let mut fixture = fixture.restart().await;
    fixture.produce("t", batch(&["b"])).await;
    let mut request = fetch_request("t", 2);
    request.topics[0].partitions[0].last_fetched_epoch = epoch;
    let response = fixture.call(&request, 12).await;
    let partition = &response.responses[0].partitions[0];
    assert_code(partition.error_code, ErrorCode::None);
    assert_eq!(
        (
            partition.diverging_epoch.epoch,
            partition.diverging_epoch.end_offset
        ),
        (epoch, 1)
    );
    assert!(
        partition
            .records
            .as_ref()
            .is_some_and(wire::Chunks::is_empty)
    );
}

#[tokio::test]
async fn requests_within_a_session_are_told_to_begin_anew() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    for (session_id, session_epoch, code) in [
        (0, -1, ErrorCode::None),
        (0, 0, ErrorCode::None),
        (5, -1, ErrorCode::None),
        (5, 1, ErrorCode::FetchSessionIdNotFound),
    ] {
        let request = FetchRequest {
            session_id,
            session_epoch,
            ..fetch_request("t", 0)
        };
        let response = fixture.call(&request, 11).await;
        assert_code(response.error_code, code);
        assert_eq!(response.session_id, 0);
        assert_eq!(response.responses.is_empty(), code != ErrorCode::None);
    }
}

/// A request for all partitions of a topic, from their beginning.
fn all_partitions(count: i32, partition_max_bytes: i32, max_bytes: i32) -> FetchRequest {
    let partitions = (0..count).map(|partition| FetchPartition {
        partition,
        partition_max_bytes,
        ..FetchPartition::default()
    });
    FetchRequest {
        min_bytes: 1,
        max_bytes,
        topics: vec![FetchTopic {
            topic: Text::from_static("t"),
            partitions: partitions.collect(),
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    }
}

fn sizes(response: &FetchResponse) -> Vec<usize> {
    let partitions = response.responses[0].partitions.iter();
    let records = partitions.map(|partition| partition.records.as_ref());
    records
        .map(|records| records.map_or(0, wire::Chunks::len))
        .collect()
}

#[tokio::test]
async fn budgets_are_kept_in_request_order_except_for_the_first_batch() {
    let mut fixture = Fixture::with_settings(&[("num.partitions", "3")]).await;
    fixture.topic("t").await;
    let value = "x".repeat(1000);
    let one = batch(&[&value]).len();
    for partition in 0..3 {
        for _ in 0..3 {
            let mut request = crate::support::produce_request("t", batch(&[&value]));
            request.topic_data[0].partition_data[0].index = partition;
            fixture.call(&request, 9).await;
        }
    }
    let budget = |batches: usize| i32::try_from(batches * one).unwrap();
    for (what, partition_max_bytes, max_bytes, expected) in [
        ("a large batch, once", 1, 1, [1, 0, 0]),
        ("none after the first", 1, budget(9), [1, 0, 0]),
        ("by partition", budget(2), budget(9), [2, 2, 2]),
        ("in all", budget(9), budget(4), [3, 1, 0]),
        ("whole batches only", budget(2) - 1, budget(9), [1, 1, 1]),
    ] {
        let request = all_partitions(3, partition_max_bytes, max_bytes);
        let response = fixture.call(&request, 12).await;
        assert_eq!(
            sizes(&response),
            expected.map(|batches| batches * one),
            "{what}"
        );
    }
}

/// A fetch that waits.
pub(crate) struct Waiting {
    answer: BoxFuture<Outcome>,
    version: i16,
}

impl Waiting {
    pub(crate) fn begin(fixture: &mut Fixture, request: &FetchRequest, version: i16) -> Self {
        let frame = fixture.frame(request, version);
        let Reply::Parked(answer) = fixture.dispatch(frame) else {
            panic!("a fetch can wait for ever");
        };
        let mut waiting = Self { answer, version };
        assert!(waiting.poll().is_none(), "it has something to wait for");
        waiting
    }

    fn poll(&mut self) -> Option<FetchResponse> {
        let mut context = Context::from_waker(Waker::noop());
        match Pin::new(&mut self.answer).poll(&mut context) {
            Poll::Ready(outcome) => Some(response(outcome, self.version)),
            Poll::Pending => None,
        }
    }

    pub(crate) async fn end(self) -> FetchResponse {
        response(self.answer.await, self.version)
    }
}

fn response(outcome: Outcome, version: i16) -> FetchResponse {
    match decode::<FetchRequest>(outcome, version) {
        Answered::Response(response) => response,
        other => panic!("no response: {other:?}"),
    }
}

pub(crate) fn waiting_request(max_wait_ms: i32, min_bytes: i32) -> FetchRequest {
    FetchRequest {
        max_wait_ms,
        min_bytes,
        ..fetch_request("t", 0)
    }
}

#[tokio::test]
async fn a_wait_ends_with_the_first_record() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let waiting = Waiting::begin(&mut fixture, &waiting_request(60_000, 1), 12);
    fixture.produce("t", batch(&["a"])).await;
    let mut response = waiting.end().await;
    let records = response.responses[0].partitions.remove(0).records;
    assert_eq!(values(records), [(0, "a".to_owned())]);
}

#[tokio::test]
async fn a_wait_goes_on_until_there_are_min_bytes() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let one = batch(&["a"]);
    let two = i32::try_from(2 * one.len()).unwrap();
    let mut waiting = Waiting::begin(&mut fixture, &waiting_request(60_000, two), 12);
    fixture.produce("t", one.clone()).await;
    assert!(waiting.poll().is_none(), "one batch is not enough");
    fixture.produce("t", one).await;
    let mut response = waiting.end().await;
    let records = response.responses[0].partitions.remove(0).records;
    assert_eq!(values(records).len(), 2);
}

#[tokio::test]
async fn a_wait_ends_at_its_deadline_with_what_there_is() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let mut waiting = Waiting::begin(&mut fixture, &waiting_request(500, 1000), 12);
    fixture.produce("t", batch(&["a"])).await;
    fixture.clock.advance(Duration::from_millis(499));
    assert!(waiting.poll().is_none());
    fixture.clock.advance(Duration::from_millis(1));
    let mut response = waiting.end().await;
    let records = response.responses[0].partitions.remove(0).records;
    assert_eq!(values(records).len(), 1);
}

#[tokio::test]
async fn a_wait_ends_when_the_broker_stops() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let waiting = Waiting::begin(&mut fixture, &waiting_request(60_000, 1), 12);
    fixture.broker.shut_down();
    let response = waiting.end().await;
    assert_code(
        response.responses[0].partitions[0].error_code,
        ErrorCode::None,
    );
}

#[tokio::test]
async fn a_wait_ends_when_the_topic_is_deleted() {
    for (version, code) in [
        (12, ErrorCode::UnknownTopicOrPartition),
        (13, ErrorCode::UnknownTopicId),
    ] {
        let mut fixture = Fixture::open().await;
        let topic_id = fixture.topic("t").await.topic_id;
        let mut request = waiting_request(60_000, 1);
        request.topics[0].topic_id = topic_id;
        let waiting = Waiting::begin(&mut fixture, &request, version);
        let delete = DeleteTopicsRequest {
            topic_names: vec![Text::from_static("t")],
            timeout_ms: 1000,
            ..DeleteTopicsRequest::default()
        };
        fixture.call(&delete, 5).await;
        let response = waiting.end().await;
        assert_code(response.responses[0].partitions[0].error_code, code);
    }
}

#[tokio::test]
async fn nothing_asked_for_is_answered_at_once() {
    let mut fixture = Fixture::open().await;
    let request = FetchRequest {
        max_wait_ms: 60_000,
        min_bytes: 1,
        max_bytes: 1000,
        ..FetchRequest::default()
    };
    let response = fixture.call(&request, 12).await;
    assert!(response.responses.is_empty());
}

/// Of half a megabyte each: twice the memory of the broker that is to hold them.
const BATCHES: i64 = 260;

#[tokio::test]
async fn more_than_the_memory_holds_is_read_from_disk() {
    // Little memory, so that most of it is in segments and nowhere else when it is read.
    let settings = [("memory.max.bytes", "67108864")];
    let mut fixture = Fixture::with_settings(&settings).await;
    fixture.topic("t").await;
    let value = "x".repeat(500_000);
    for _ in 0..BATCHES {
        let response = fixture.produce("t", batch(&[&value])).await;
        assert_code(response.error_code, ErrorCode::None);
    }
    let mut from = 0;
    while from < BATCHES {
        let partition = fixture.fetch("t", from).await;
        assert_code(partition.error_code, ErrorCode::None);
        let records = values(partition.records);
        assert!(!records.is_empty());
        for (offset, read) in records {
            assert_eq!(offset, from);
            assert_eq!(read, value);
            from += 1;
        }
    }
}
