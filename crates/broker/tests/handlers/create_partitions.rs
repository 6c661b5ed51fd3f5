//! CreatePartitions.

use model::ErrorCode;
use wire::Text;
use wire::messages::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic,
    CreatePartitionsTopicResult,
};
use wire::messages::produce::PartitionProduceResponse;

use crate::alter_configs::{replace, replacing};
use crate::configs::TOPIC;
use crate::support::{Fixture, assert_code, batch, fetch_request, produce_request, values};

pub(crate) fn growing(name: &'static str, count: i32) -> CreatePartitionsTopic {
    CreatePartitionsTopic {
        name: Text::from_static(name),
        count,
        assignments: None,
    }
}

fn assigned(name: &'static str, count: i32, brokers: &[&[i32]]) -> CreatePartitionsTopic {
    let assignments = brokers.iter().map(|brokers| CreatePartitionsAssignment {
        broker_ids: brokers.to_vec(),
    });
    CreatePartitionsTopic {
        assignments: Some(assignments.collect()),
        ..growing(name, count)
    }
}

pub(crate) async fn grow(
    fixture: &mut Fixture,
    topics: Vec<CreatePartitionsTopic>,
) -> Vec<CreatePartitionsTopicResult> {
    let request = CreatePartitionsRequest {
        topics,
        ..CreatePartitionsRequest::default()
    };
    fixture.call(&request, 3).await.results
}

pub(crate) async fn produce_to(
    fixture: &mut Fixture,
    partition: i32,
    value: &'static str,
) -> PartitionProduceResponse {
    let mut request = produce_request("t", batch(&[value]));
    request.topic_data[0].partition_data[0].index = partition;
    let mut response = fixture.call(&request, 9).await;
    response.responses.remove(0).partition_responses.remove(0)
}

async fn read_from(fixture: &mut Fixture, partition: i32) -> Vec<(i64, String)> {
    let mut request = fetch_request("t", 0);
    request.topics[0].partitions[0].partition = partition;
    let mut response = fixture.call(&request, 12).await;
    let data = response.responses.remove(0).partitions.remove(0);
    assert_code(data.error_code, ErrorCode::None);
    values(data.records)
}

#[tokio::test]
async fn new_partitions_are_there_when_it_is_answered_and_after_a_restart() {
    let mut fixture = Fixture::open().await;
    let before = fixture.topic("t").await;
    produce_to(&mut fixture, 0, "old").await;
    assert_code(
        produce_to(&mut fixture, 1, "early").await.error_code,
        ErrorCode::UnknownTopicOrPartition,
    );
    for (version, count) in (0..=3).zip(2..) {
        let request = CreatePartitionsRequest {
            topics: vec![growing("t", count)],
            ..CreatePartitionsRequest::default()
        };
        let response = fixture.call(&request, version).await;
        assert_code(response.results[0].error_code, ErrorCode::None);
        assert_eq!(response.results[0].error_message, None);
        let after = fixture.topic("t").await;
        assert_eq!(after.topic_id, before.topic_id);
        assert_eq!(after.partitions.len(), usize::try_from(count).unwrap());
        let produced = produce_to(&mut fixture, count - 1, "new").await;
        assert_code(produced.error_code, ErrorCode::None);
        assert_eq!(produced.base_offset, 0);
    }
    let mut fixture = fixture.restart().await;
    assert_eq!(fixture.topic("t").await.partitions.len(), 5);
    assert_eq!(read_from(&mut fixture, 0).await, [(0, "old".to_owned())]);
    for partition in 1..5 {
        let read = read_from(&mut fixture, partition).await;
        assert_eq!(read, [(0, "new".to_owned())], "partition {partition}");
    }
}

#[tokio::test]
async fn new_partitions_have_the_settings_of_their_topic() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let small = replacing(TOPIC, "t", &[("max.message.bytes", Some("10"))]);
    assert_eq!(replace(&mut fixture, vec![small]).await[0].error_code, 0);
    assert_eq!(
        grow(&mut fixture, vec![growing("t", 2)]).await[0].error_code,
        0
    );
    assert_code(
        produce_to(&mut fixture, 1, "something").await.error_code,
        ErrorCode::MessageTooLarge,
    );
}

#[tokio::test]
async fn each_topic_fails_by_itself() {
    let mut fixture = Fixture::open().await;
    fixture.have_groups().await;
    for name in ["t", "u", "v", "w"] {
        fixture.topic(name).await;
    }
    let cases = [
        (growing("t", 3), ErrorCode::None),
        (growing("u", 2), ErrorCode::InvalidRequest),
        (growing("u", 3), ErrorCode::InvalidRequest),
        (growing("missing", 3), ErrorCode::UnknownTopicOrPartition),
        (
            growing("__consumer_offsets", 60),
            ErrorCode::PolicyViolation,
        ),
        (growing("v", 1), ErrorCode::InvalidPartitions),
        (assigned("w", 3, &[&[0], &[0]]), ErrorCode::None),
    ];
    let (topics, codes): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let results = grow(&mut fixture, topics.clone()).await;
    for ((result, code), topic) in results.iter().zip(codes).zip(topics) {
        assert_eq!(result.name, topic.name);
        assert_code(result.error_code, code);
        assert_eq!(result.error_message.is_some(), code != ErrorCode::None);
    }
    for (name, partitions) in [("t", 3), ("u", 1), ("v", 1), ("w", 3)] {
        assert_eq!(fixture.topic(name).await.partitions.len(), partitions);
    }
}

#[tokio::test]
async fn a_topic_only_grows_and_only_so_far() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    for (topic, code) in [
        (growing("t", 0), ErrorCode::InvalidPartitions),
        (growing("t", -1), ErrorCode::InvalidPartitions),
        (growing("t", 1), ErrorCode::InvalidPartitions),
        (growing("t", 10_001), ErrorCode::InvalidPartitions),
        (growing("t", i32::MAX), ErrorCode::InvalidPartitions),
        (assigned("t", 2, &[]), ErrorCode::InvalidReplicaAssignment),
        (
            assigned("t", 2, &[&[0], &[0]]),
            ErrorCode::InvalidReplicaAssignment,
        ),
        (
            assigned("t", 2, &[&[1]]),
            ErrorCode::InvalidReplicaAssignment,
        ),
        (
            assigned("t", 2, &[&[0, 0]]),
            ErrorCode::InvalidReplicaAssignment,
        ),
        (
            assigned("t", 2, &[&[]]),
            ErrorCode::InvalidReplicaAssignment,
        ),
    ] {
        let what = format!("{topic:?}");
        let results = grow(&mut fixture, vec![topic]).await;
        assert_eq!(
            ErrorCode::from_code(results[0].error_code),
            Some(code),
            "{what}"
        );
    }
    let request = CreatePartitionsRequest {
        topics: vec![growing("t", 2)],
        validate_only: true,
        ..CreatePartitionsRequest::default()
    };
    let checked = fixture.call(&request, 3).await.results;
    assert_code(checked[0].error_code, ErrorCode::None);
    assert_eq!(fixture.topic("t").await.partitions.len(), 1);
}
