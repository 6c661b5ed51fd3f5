//! Clients that are over their quotas.

use std::time::Duration;

use model::ErrorCode;
use wire::Text;
use wire::messages::api_versions::ApiVersionsRequest;
use wire::messages::create_partitions::CreatePartitionsRequest;
use wire::messages::create_topics::{CreatableTopic, CreateTopicsRequest, CreateTopicsResponse};
use wire::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use wire::messages::fetch::{FetchRequest, FetchResponse};
use wire::messages::produce::ProduceRequest;

use crate::client_quotas::{Parts, set};
use crate::create_partitions::growing;
use crate::fetch::{Waiting, waiting_request};
use crate::support::{
    Answered, Fixture, assert_code, batch, decode, fetch_request, produce_request, settle, values,
};

/// The client id of a fixture.
const TEST: Parts = &[("client-id", Some("test"))];

/// How many ms a client has to wait that has used this much, per limit, in the last moment.
fn excess_ms(used: usize, limit: usize) -> i32 {
    let ms = used as f64 * 1000.0 / limit as f64;
    ms.round() as i32 - 10_000
}

fn held_back_ms(fixture: &Fixture) -> i32 {
    i32::try_from(fixture.held_back().as_millis()).unwrap()
}

#[tokio::test]
async fn a_producer_is_answered_and_held_back() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    set(&mut fixture, TEST, &[("producer_byte_rate", Some(100.0))]).await;
    let value: &'static str = "v".repeat(600).leak();
    let request = produce_request("t", batch(&[value]));
    let bytes = fixture.frame(&request, 9).len();

    let first = fixture.call(&request, 9).await;
    assert_eq!((first.throttle_time_ms, held_back_ms(&fixture)), (0, 0));
    let second = fixture.call(&request, 9).await;
    assert_code(
        second.responses[0].partition_responses[0].error_code,
        ErrorCode::None,
    );
    let expected = excess_ms(2 * bytes, 100);
    assert!(expected > 0);
    assert_eq!(second.throttle_time_ms, expected);
    assert_eq!(held_back_ms(&fixture), expected);
    assert!(
        fixture
            .broker
            .render_metrics()
            .contains("ottla_throttled_total{quota=\"producer_byte_rate\"} 1\n")
    );

    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(held_back_ms(&fixture), expected - 1000);
    fixture.clock.advance(Duration::from_secs(100));
    assert_eq!(held_back_ms(&fixture), 0);
    assert_eq!(fixture.call(&request, 9).await.throttle_time_ms, 0);
}

#[tokio::test]
async fn a_producer_that_wants_no_answer_is_held_back_all_the_same() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    set(&mut fixture, TEST, &[("producer_byte_rate", Some(10.0))]).await;
    let mut request = produce_request("t", batch(&["a value of some length"]));
    request.acks = 0;
    let bytes = fixture.frame(&request, 9).len();
    let answered = fixture.send(&request, 9).await;
    assert!(matches!(answered, Answered::Silence));
    assert_eq!(held_back_ms(&fixture), excess_ms(bytes, 10));
}

#[tokio::test]
async fn a_producer_is_held_back_before_the_disk_has_answered() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    set(&mut fixture, TEST, &[("producer_byte_rate", Some(10.0))]).await;
    let request = produce_request("t", batch(&["a value of some length"]));
    let frame = fixture.frame(&request, 9);
    let expected = excess_ms(frame.len(), 10);
    let reply = fixture.dispatch(frame);
    assert_eq!(held_back_ms(&fixture), expected);
    let Answered::Response(response) = decode::<ProduceRequest>(settle(reply).await, 9) else {
        panic!("no response");
    };
    assert_eq!(response.throttle_time_ms, expected);
}

#[tokio::test]
async fn a_quota_is_shared_by_connections_and_not_by_client_ids() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let every: Parts = &[("client-id", None)];
    set(&mut fixture, every, &[("producer_byte_rate", Some(10.0))]).await;
    let request = produce_request("t", batch(&["some value"]));
    let bytes = fixture.frame(&request, 9).len();
    let first = fixture.call(&request, 9).await;
    assert_eq!(first.throttle_time_ms, excess_ms(bytes, 10));
    fixture.reconnect();
    assert_eq!(held_back_ms(&fixture), 0);
    let again = fixture.call(&request, 9).await;
    assert_eq!(again.throttle_time_ms, excess_ms(2 * bytes, 10));
    let mut fixture = fixture.with_client_id("west");
    let other = fixture.call(&request, 9).await;
    assert_eq!(other.throttle_time_ms, excess_ms(bytes, 10));
    // A quota of the user counts for all of its client ids, and more than that of a client id.
    let user: Parts = &[("user", Some("ANONYMOUS"))];
    set(&mut fixture, user, &[("producer_byte_rate", Some(1.0))]).await;
    let as_user = fixture.call(&request, 9).await;
    assert_eq!(as_user.throttle_time_ms, excess_ms(bytes, 1));
    let mut fixture = fixture.with_client_id("test");
    let as_user = fixture.call(&request, 9).await;
    assert_eq!(as_user.throttle_time_ms, excess_ms(2 * bytes, 1));
}

/// A topic with this many batches, each of the given size.
async fn with_batches(count: usize) -> (Fixture, usize) {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let value: &'static str = "v".repeat(600).leak();
    let one = batch(&[value]);
    for _ in 0..count {
        fixture.produce("t", one.clone()).await;
    }
    (fixture, one.len())
}

fn fetched(response: FetchResponse) -> Option<usize> {
    let topic = response.responses.into_iter().next()?;
    let partition = topic.partitions.into_iter().next().unwrap();
    Some(values(partition.records).len())
}

#[tokio::test]
async fn a_consumer_comes_back_for_what_is_too_much() {
    let (mut fixture, bytes) = with_batches(3).await;
    let limit = bytes / 7;
    let limits = vec![("consumer_byte_rate", Some(limit as f64))].leak();
    set(&mut fixture, TEST, limits).await;
    // One of the three: seven seconds' worth, and ten can be had at once.
    let first = fixture.call(&fetch_request("t", 0), 12).await;
    assert_eq!(first.throttle_time_ms, 0);
    assert_eq!(fetched(first), Some(1));
    let second = fixture.call(&fetch_request("t", 1), 12).await;
    let expected = excess_ms(2 * bytes, limit);
    assert_eq!(second.throttle_time_ms, expected);
    assert_eq!(fetched(second), None);
    assert_eq!(held_back_ms(&fixture), expected);
    // What was not sent does not count.
    let again = fixture.call(&fetch_request("t", 1), 12).await;
    assert_eq!(again.throttle_time_ms, expected);
    fixture.clock.advance(Duration::from_secs(11));
    let third = fixture.call(&fetch_request("t", 1), 12).await;
    assert_eq!(third.throttle_time_ms, 0);
    assert_eq!(fetched(third), Some(1));
    // Nothing to read is no use.
    let end = fixture.call(&fetch_request("t", 3), 12).await;
    assert_eq!(end.throttle_time_ms, 0);
    assert_eq!(fetched(end), Some(0));
}

#[tokio::test]
async fn a_batch_that_is_larger_than_the_quota_gets_through() {
    let (mut fixture, bytes) = with_batches(2).await;
    set(&mut fixture, TEST, &[("consumer_byte_rate", Some(1.0))]).await;
    let first = fixture.call(&fetch_request("t", 0), 12).await;
    assert_eq!(first.throttle_time_ms, excess_ms(bytes, 1));
    assert_eq!(held_back_ms(&fixture), excess_ms(bytes, 1));
    assert_eq!(fetched(first), Some(1));
    fixture.reconnect();
    let second = fixture.call(&fetch_request("t", 1), 12).await;
    assert_eq!(fetched(second), None);
}

async fn create(
    fixture: &mut Fixture,
    name: &'static str,
    num_partitions: i32,
    version: i16,
) -> CreateTopicsResponse {
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: Text::from_static(name),
            num_partitions,
            replication_factor: 1,
            ..CreatableTopic::default()
        }],
        ..CreateTopicsRequest::default()
    };
    fixture.call(&request, version).await
}

const ONE_CHANGE: &[(&str, Option<f64>)] = &[("controller_mutation_rate", Some(1.0))];

#[tokio::test]
async fn changes_beyond_the_quota_are_refused() {
    let mut fixture = Fixture::open().await;
    fixture.topic("there").await;
    set(&mut fixture, TEST, ONE_CHANGE).await;
    for (name, partitions) in [("a", 10), ("b", 5)] {
        let created = create(&mut fixture, name, partitions, 7).await;
        assert_code(created.topics[0].error_code, ErrorCode::None);
        assert_eq!(created.throttle_time_ms, 0);
    }
    // 15 are used of the 11 that can be had at once.
    let refused = create(&mut fixture, "c", 1, 6).await;
    assert_code(
        refused.topics[0].error_code,
        ErrorCode::ThrottlingQuotaExceeded,
    );
    assert_eq!(refused.throttle_time_ms, 4000);
    assert_eq!(held_back_ms(&fixture), 4000);

    let request = CreatePartitionsRequest {
        topics: vec![growing("there", 2)],
        ..CreatePartitionsRequest::default()
    };
    let refused = fixture.call(&request, 3).await;
    assert_code(
        refused.results[0].error_code,
        ErrorCode::ThrottlingQuotaExceeded,
    );
    assert_eq!(refused.throttle_time_ms, 4000);

    let request = DeleteTopicsRequest {
        topics: vec![DeleteTopicState {
            name: Some(Text::from_static("there")),
            ..DeleteTopicState::default()
        }],
        topic_names: vec![Text::from_static("there")],
        ..DeleteTopicsRequest::default()
    };
    for version in [5, 6] {
        let refused = fixture.call(&request, version).await;
        assert_code(
            refused.responses[0].error_code,
            ErrorCode::ThrottlingQuotaExceeded,
        );
        assert_eq!(refused.throttle_time_ms, 4000);
    }

    // A topic that would be created by its use is not there yet.
    let by_use = fixture.topic("by-use").await;
    assert_code(by_use.error_code, ErrorCode::UnknownTopicOrPartition);
    fixture.clock.advance(Duration::from_secs(4));
    assert_code(fixture.topic("by-use").await.error_code, ErrorCode::None);
    assert_eq!(fixture.topic("there").await.partitions.len(), 1);
    assert_code(
        fixture.topic("c").await.error_code,
        ErrorCode::UnknownTopicOrPartition,
    );
}

#[tokio::test]
async fn a_check_of_changes_costs_nothing() {
    let mut fixture = Fixture::open().await;
    set(&mut fixture, TEST, ONE_CHANGE).await;
    for _ in 0..3 {
        let request = CreateTopicsRequest {
            topics: vec![CreatableTopic {
                name: Text::from_static("t"),
                num_partitions: 100,
                replication_factor: 1,
                ..CreatableTopic::default()
            }],
            validate_only: true,
            ..CreateTopicsRequest::default()
        };
        let checked = fixture.call(&request, 7).await;
        assert_code(checked.topics[0].error_code, ErrorCode::None);
        assert_eq!(checked.throttle_time_ms, 0);
    }
}

#[tokio::test]
async fn old_clients_get_their_changes_and_are_held_back() {
    let mut fixture = Fixture::open().await;
    set(&mut fixture, TEST, ONE_CHANGE).await;
    let created = create(&mut fixture, "a", 15, 5).await;
    assert_code(created.topics[0].error_code, ErrorCode::None);
    assert_eq!(created.throttle_time_ms, 4000);
    let request = CreatePartitionsRequest {
        topics: vec![growing("a", 17)],
        ..CreatePartitionsRequest::default()
    };
    let grown = fixture.call(&request, 2).await;
    assert_code(grown.results[0].error_code, ErrorCode::None);
    assert_eq!(grown.throttle_time_ms, 6000);
    let request = DeleteTopicsRequest {
        topic_names: vec![Text::from_static("a")],
        ..DeleteTopicsRequest::default()
    };
    let deleted = fixture.call(&request, 4).await;
    assert_code(deleted.responses[0].error_code, ErrorCode::None);
    assert_eq!(deleted.throttle_time_ms, 23_000);
    assert_eq!(held_back_ms(&fixture), 23_000);
}

#[tokio::test]
async fn who_makes_too_much_work_is_held_back_for_a_second_at_most() {
    let mut fixture = Fixture::open().await;
    set(&mut fixture, TEST, &[("request_percentage", Some(1.0))]).await;
    let request = ApiVersionsRequest {
        client_software_name: Text::from_static("test"),
        client_software_version: Text::from_static("1"),
    };
    // Each look at the clock takes longer than a request should; a tenth of a second of work in ten
    // seconds is one percent.
    fixture.ticks(Duration::from_millis(40));
    let mut throttle_times = Vec::new();
    for _ in 0..100 {
        let response = fixture.call(&request, 3).await;
        throttle_times.push(response.throttle_time_ms);
    }
    assert_eq!(throttle_times[0], 0);
    assert!(throttle_times.contains(&1000), "{throttle_times:?}");
    assert!(throttle_times.iter().all(|time| (0..=1000).contains(time)));
    assert!(held_back_ms(&fixture) > 0);
    let mut fixture = fixture.with_client_id("west");
    assert_eq!(fixture.call(&request, 3).await.throttle_time_ms, 0);
}

#[tokio::test]
async fn what_is_worked_after_a_request_was_taken_up_counts() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    set(&mut fixture, TEST, &[("request_percentage", Some(0.001))]).await;
    let frame = fixture.frame(&fetch_request("t", 0), 12);
    let reply = fixture.dispatch(frame);
    fixture.ticks(Duration::from_millis(10));
    let Answered::Response(response) = decode::<FetchRequest>(settle(reply).await, 12) else {
        panic!("no response");
    };
    assert_eq!(response.throttle_time_ms, 1000);
}

#[tokio::test]
async fn waiting_is_no_work() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    set(&mut fixture, TEST, &[("request_percentage", Some(0.001))]).await;
    let waiting = Waiting::begin(&mut fixture, &waiting_request(60_000, 1), 12);
    fixture.clock.advance(Duration::from_secs(60));
    let response = waiting.end().await;
    assert_eq!(response.throttle_time_ms, 0);
    assert_eq!(fetched(response), Some(0));
}
