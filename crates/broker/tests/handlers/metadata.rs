//! Metadata, and topics that come into being by being asked for.

use model::{ErrorCode, TopicId};
use wire::Text;
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse};

use crate::support::{Fixture, assert_code};

fn by_name(name: &'static str) -> MetadataRequestTopic {
    MetadataRequestTopic {
        name: Some(Text::from_static(name)),
        ..MetadataRequestTopic::default()
    }
}

fn asking(topics: Option<Vec<MetadataRequestTopic>>) -> MetadataRequest {
    MetadataRequest {
        topics,
        ..MetadataRequest::default()
    }
}

fn names(response: &MetadataResponse) -> Vec<&str> {
    let names = response.topics.iter().map(|topic| topic.name.as_deref());
    names.map(Option::unwrap_or_default).collect()
}

#[tokio::test]
async fn a_missing_topic_is_created_and_answered_at_once() {
    let mut fixture = Fixture::with_settings(&[("num.partitions", "3")]).await;
    let response = fixture.call(&asking(Some(vec![by_name("new")])), 13).await;
    assert_code(response.error_code, ErrorCode::None);
    assert_eq!(response.controller_id, 0);
    assert_eq!(response.cluster_id.as_deref(), fixture.broker.cluster_id());
    let broker = &response.brokers[0];
    assert_eq!((broker.node_id, broker.port), (0, 9092));
    assert_eq!(broker.host, "broker.example");

    let topic = &response.topics[0];
    assert_code(topic.error_code, ErrorCode::None);
    assert!(!topic.topic_id.is_zero());
    assert!(!topic.is_internal);
    assert_eq!(topic.topic_authorized_operations, i32::MIN);
    assert_eq!(topic.partitions.len(), 3);
    for (partition, index) in topic.partitions.iter().zip(0..) {
        assert_eq!(partition.partition_index, index);
        assert_eq!(partition.leader_id, 0);
        assert!(partition.leader_epoch >= 0);
        assert_eq!(
            (&partition.replica_nodes, &partition.isr_nodes),
            (&vec![0], &vec![0])
        );
    }
    let again = fixture.topic("new").await;
    assert_eq!(again.topic_id, topic.topic_id);
}

#[tokio::test]
async fn nothing_is_created_when_the_broker_or_the_request_forbids_it() {
    let mut fixture = Fixture::open().await;
    let request = MetadataRequest {
        allow_auto_topic_creation: false,
        ..asking(Some(vec![by_name("new")]))
    };
    let response = fixture.call(&request, 4).await;
    assert_code(
        response.topics[0].error_code,
        ErrorCode::UnknownTopicOrPartition,
    );

    let mut fixture = Fixture::with_settings(&[("auto.create.topics.enable", "false")]).await;
    let response = fixture.call(&asking(Some(vec![by_name("new")])), 4).await;
    assert_code(
        response.topics[0].error_code,
        ErrorCode::UnknownTopicOrPartition,
    );
    assert_eq!(response.topics[0].name.as_deref(), Some("new"));
}

#[tokio::test]
async fn names_that_cannot_be_topics_are_refused_and_not_created() {
    let mut fixture = Fixture::open().await;
    fixture.topic("a.b").await;
    for (name, code) in [
        ("", ErrorCode::InvalidTopicException),
        ("..", ErrorCode::InvalidTopicException),
        ("white space", ErrorCode::InvalidTopicException),
        // Metrics cannot tell it from a.b.
        ("a_b", ErrorCode::InvalidTopicException),
        ("__transaction_state", ErrorCode::UnknownTopicOrPartition),
    ] {
        assert_code(fixture.topic(name).await.error_code, code);
    }
    let response = fixture.call(&asking(None), 9).await;
    assert_eq!(names(&response), ["a.b"]);
}

#[tokio::test]
async fn null_and_empty_mean_what_they_mean_in_each_version() {
    let mut fixture = Fixture::open().await;
    fixture.topic("b").await;
    fixture.topic("a").await;
    let empty = asking(Some(Vec::new()));
    assert_eq!(names(&fixture.call(&empty, 0).await), ["a", "b"]);
    for version in 1..=13 {
        assert!(fixture.call(&empty, version).await.topics.is_empty());
        let all = fixture.call(&asking(None), version).await;
        assert_eq!(names(&all), ["a", "b"]);
    }
}

#[tokio::test]
async fn what_a_client_may_do_is_told_when_it_asks() {
    let mut fixture = Fixture::open().await;
    fixture.topic("known").await;
    let request = |is_asked| MetadataRequest {
        allow_auto_topic_creation: false,
        include_cluster_authorized_operations: is_asked,
        include_topic_authorized_operations: is_asked,
        ..asking(Some(vec![by_name("known"), by_name("unknown")]))
    };
    let mut told = async |is_asked, version| {
        let response = fixture.call(&request(is_asked), version).await;
        let topics = response.topics.iter();
        let topics: Vec<i32> = topics
            .map(|topic| topic.topic_authorized_operations)
            .collect();
        (response.cluster_authorized_operations, topics)
    };
    for version in [8, 10] {
        assert_eq!(told(true, version).await, (8096, vec![3576, i32::MIN]));
        assert_eq!(told(false, version).await, (i32::MIN, vec![i32::MIN; 2]));
    }
    // Since version 11 it is DescribeCluster that tells about the cluster.
    let mut later = request(true);
    later.include_cluster_authorized_operations = false;
    let response = fixture.call(&later, 13).await;
    assert_eq!(response.topics[0].topic_authorized_operations, 3576);
}

#[tokio::test]
async fn topics_are_found_by_id_and_unknown_ids_are_echoed() {
    let mut fixture = Fixture::open().await;
    let topic_id = fixture.topic("known").await.topic_id;
    let by_id = |topic_id| MetadataRequestTopic {
        topic_id,
        name: None,
    };
    let unknown = TopicId([9; 16]);
    let request = asking(Some(vec![by_id(topic_id), by_id(unknown)]));
    let response = fixture.call(&request, 12).await;
    assert_eq!(response.topics[0].name.as_deref(), Some("known"));
    assert_code(response.topics[1].error_code, ErrorCode::UnknownTopicId);
    assert_eq!(response.topics[1].topic_id, unknown);
    assert_eq!(response.topics[1].name, None);
}
