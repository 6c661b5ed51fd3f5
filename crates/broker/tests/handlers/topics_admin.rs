//! CreateTopics, DeleteTopics and DescribeCluster.

use model::{ErrorCode, TopicId};
use wire::Text;
use wire::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreatableTopicResult,
    CreateTopicsRequest,
};
use wire::messages::delete_topics::{DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest};
use wire::messages::describe_cluster::DescribeClusterRequest;

use crate::support::{Fixture, assert_code, batch, values};

/// A topic with the broker's defaults.
pub(crate) fn topic(name: &'static str) -> CreatableTopic {
    CreatableTopic {
        name: Text::from_static(name),
        num_partitions: -1,
        replication_factor: -1,
        ..CreatableTopic::default()
    }
}

fn with_config(
    name: &'static str,
    config: &'static str,
    value: Option<&'static str>,
) -> CreatableTopic {
    CreatableTopic {
        configs: vec![CreatableTopicConfig {
            name: Text::from_static(config),
            value: value.map(Text::from_static),
        }],
        ..topic(name)
    }
}

pub(crate) async fn create(
    fixture: &mut Fixture,
    topics: Vec<CreatableTopic>,
) -> Vec<CreatableTopicResult> {
    let request = CreateTopicsRequest {
        topics,
        ..CreateTopicsRequest::default()
    };
    fixture.call(&request, 7).await.topics
}

pub(crate) fn by_name(name: &'static str) -> DeleteTopicState {
    DeleteTopicState {
        name: Some(Text::from_static(name)),
        ..DeleteTopicState::default()
    }
}

fn by_id(topic_id: TopicId) -> DeleteTopicState {
    DeleteTopicState {
        name: None,
        topic_id,
    }
}

async fn delete(fixture: &mut Fixture, topics: Vec<DeleteTopicState>) -> Vec<DeletableTopicResult> {
    let request = DeleteTopicsRequest {
        topics,
        ..DeleteTopicsRequest::default()
    };
    fixture.call(&request, 6).await.responses
}

#[tokio::test]
async fn a_topic_is_created_and_told_in_every_version() {
    let mut fixture = Fixture::with_settings(&[("num.partitions", "2")]).await;
    let names = ["v2", "v3", "v4", "v5", "v6", "v7"];
    for (version, name) in (2..=7).zip(names) {
        let request = CreateTopicsRequest {
            topics: vec![with_config(name, "retention.ms", Some("5000"))],
            ..CreateTopicsRequest::default()
        };
        let response = fixture.call(&request, version).await;
        let created = &response.topics[0];
        assert_code(created.error_code, ErrorCode::None);
        assert_eq!(created.error_message, None);
        let described = fixture.topic(name).await;
        assert_eq!(described.partitions.len(), 2);
        if version >= 5 {
            assert_eq!((created.num_partitions, created.replication_factor), (2, 1));
            let configs = created.configs.as_ref().unwrap();
            let find = |name: &str| configs.iter().find(|config| config.name == *name).unwrap();
            let retention = find("retention.ms");
            assert_eq!(retention.value.as_deref(), Some("5000"));
            assert_eq!((retention.config_source, retention.read_only), (1, false));
            let policy = find("cleanup.policy");
            assert_eq!(
                (policy.value.as_deref(), policy.config_source),
                (Some("delete"), 5)
            );
        }
        if version >= 7 {
            assert_eq!(created.topic_id, described.topic_id);
        }
    }
}

#[tokio::test]
async fn each_topic_fails_by_itself() {
    let mut fixture = Fixture::open().await;
    create(&mut fixture, vec![topic("there.is")]).await;
    let assigned = |broker: i32| CreatableTopic {
        assignments: vec![CreatableReplicaAssignment {
            partition_index: 0,
            broker_ids: vec![broker],
        }],
        ..topic("assigned")
    };
    let cases = [
        (topic("good"), ErrorCode::None),
        (topic("bad name"), ErrorCode::InvalidTopicException),
        (
            topic("__consumer_offsets"),
            ErrorCode::InvalidTopicException,
        ),
        (topic("there.is"), ErrorCode::TopicAlreadyExists),
        (topic("there_is"), ErrorCode::InvalidTopicException),
        (topic("twice"), ErrorCode::InvalidRequest),
        (topic("twice"), ErrorCode::InvalidRequest),
        // Against what this very request creates.
        (topic("new.one"), ErrorCode::None),
        (topic("new_one"), ErrorCode::InvalidTopicException),
        (
            CreatableTopic {
                num_partitions: 0,
                ..topic("none")
            },
            ErrorCode::InvalidPartitions,
        ),
        (
            CreatableTopic {
                num_partitions: 1_000_000,
                ..topic("many")
            },
            ErrorCode::InvalidPartitions,
        ),
        (
            CreatableTopic {
                replication_factor: 3,
                ..topic("safe")
            },
            ErrorCode::InvalidReplicationFactor,
        ),
        (assigned(1), ErrorCode::InvalidReplicaAssignment),
        (
            with_config("tiered", "remote.storage.enable", Some("true")),
            ErrorCode::InvalidConfig,
        ),
        (
            with_config("null", "retention.ms", None),
            ErrorCode::InvalidConfig,
        ),
        (
            with_config("odd", "retention", Some("1")),
            ErrorCode::InvalidConfig,
        ),
    ];
    let (topics, codes): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let names: Vec<_> = topics.iter().map(|topic| topic.name.clone()).collect();
    let results = create(&mut fixture, topics).await;
    assert_eq!(results.len(), codes.len());
    for ((result, code), name) in results.iter().zip(codes).zip(names) {
        assert_eq!(result.name, name);
        assert_eq!(
            ErrorCode::from_code(result.error_code),
            Some(code),
            "{name}"
        );
        assert_eq!(
            result.error_message.is_some(),
            code != ErrorCode::None,
            "{name}"
        );
        assert_eq!(result.topic_id.is_zero(), code != ErrorCode::None, "{name}");
    }
    let tiered = results
        .iter()
        .find(|result| result.name == "tiered")
        .unwrap();
    assert!(
        tiered
            .error_message
            .as_deref()
            .unwrap()
            .contains("remote.storage.enable=true")
    );
    let results = create(&mut fixture, vec![assigned(0)]).await;
    assert_code(results[0].error_code, ErrorCode::None);
}

#[tokio::test]
async fn a_request_creates_so_many_topics_and_no_more() {
    let mut fixture = Fixture::open().await;
    let results = create(&mut fixture, vec![topic("t"); 10_001]).await;
    assert_eq!(results.len(), 10_001);
    for result in results {
        assert_code(result.error_code, ErrorCode::PolicyViolation);
    }
}

#[tokio::test]
async fn checking_creates_nothing() {
    let mut fixture = Fixture::open().await;
    let request = CreateTopicsRequest {
        topics: vec![topic("maybe"), topic("bad name")],
        validate_only: true,
        ..CreateTopicsRequest::default()
    };
    for _ in 0..2 {
        let response = fixture.call(&request, 7).await;
        assert_code(response.topics[0].error_code, ErrorCode::None);
        assert_eq!(response.topics[0].num_partitions, 1);
        assert!(response.topics[0].topic_id.is_zero());
        assert_code(
            response.topics[1].error_code,
            ErrorCode::InvalidTopicException,
        );
    }
}

#[tokio::test]
async fn created_topics_survive_a_restart() {
    let mut fixture = Fixture::open().await;
    let created = create(
        &mut fixture,
        vec![with_config("kept", "retention.ms", Some("-1"))],
    )
    .await;
    let mut fixture = fixture.restart().await;
    assert_eq!(fixture.topic("kept").await.topic_id, created[0].topic_id);
}

#[tokio::test]
async fn topics_are_deleted_by_name_in_every_version_and_come_back_empty() {
    let mut fixture = Fixture::open().await;
    let mut last_id = TopicId::ZERO;
    for version in 1..=6 {
        create(&mut fixture, vec![topic("again")]).await;
        let described = fixture.topic("again").await;
        assert_ne!(described.topic_id, last_id);
        last_id = described.topic_id;
        assert_eq!(values(fixture.fetch("again", 0).await.records), []);
        let produced = fixture.produce("again", batch(&["x"])).await;
        assert_eq!((produced.error_code, produced.base_offset), (0, 0));
        let request = DeleteTopicsRequest {
            topics: vec![by_name("again")],
            topic_names: vec![Text::from_static("again")],
            ..DeleteTopicsRequest::default()
        };
        let response = fixture.call(&request, version).await;
        assert_eq!(response.responses.len(), 1);
        assert_code(response.responses[0].error_code, ErrorCode::None);
        assert_eq!(response.responses[0].name.as_deref(), Some("again"));
    }
    let fetched = fixture.fetch("again", 0).await;
    assert_code(fetched.error_code, ErrorCode::UnknownTopicOrPartition);
}

#[tokio::test]
async fn topics_are_deleted_by_id() {
    let mut fixture = Fixture::open().await;
    let created = create(&mut fixture, vec![topic("a"), topic("b"), topic("c")]).await;
    let unknown = TopicId([9; 16]);
    let both = DeleteTopicState {
        name: Some(Text::from_static("c")),
        topic_id: created[2].topic_id,
    };
    let asked = vec![
        by_id(created[0].topic_id),
        by_id(unknown),
        both,
        by_id(TopicId::ZERO),
        by_name("b"),
        by_id(created[1].topic_id),
        by_name("missing"),
    ];
    let results = delete(&mut fixture, asked).await;
    let told: Vec<_> = results
        .iter()
        .map(|result| {
            (
                ErrorCode::from_code(result.error_code).unwrap(),
                result.name.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (ErrorCode::None, Some("a")),
            (ErrorCode::UnknownTopicId, None),
            (ErrorCode::InvalidRequest, Some("c")),
            (ErrorCode::InvalidRequest, None),
            (ErrorCode::InvalidRequest, Some("b")),
            (ErrorCode::InvalidRequest, None),
            (ErrorCode::UnknownTopicOrPartition, Some("missing")),
        ]
    );
    assert_eq!(results[0].topic_id, created[0].topic_id);
    assert_eq!(results[1].topic_id, unknown);
}

#[tokio::test]
async fn deletion_can_be_switched_off() {
    let mut fixture = Fixture::with_settings(&[("delete.topic.enable", "false")]).await;
    create(&mut fixture, vec![topic("stays")]).await;
    for (version, code) in [
        (2, ErrorCode::InvalidRequest),
        (3, ErrorCode::TopicDeletionDisabled),
        (6, ErrorCode::TopicDeletionDisabled),
    ] {
        let request = DeleteTopicsRequest {
            topics: vec![by_name("stays")],
            topic_names: vec![Text::from_static("stays")],
            ..DeleteTopicsRequest::default()
        };
        let response = fixture.call(&request, version).await;
        assert_code(response.responses[0].error_code, code);
    }
}

#[tokio::test]
async fn the_cluster_is_one_broker() {
    let mut fixture = Fixture::with_settings(&[("node.id", "3")]).await;
    for version in 0..=2 {
        let response = fixture
            .call(&DescribeClusterRequest::default(), version)
            .await;
        assert_code(response.error_code, ErrorCode::None);
        assert_eq!(Some(&*response.cluster_id), fixture.broker.cluster_id());
        assert_eq!(response.controller_id, 3);
        assert_eq!(response.cluster_authorized_operations, i32::MIN);
        let broker = &response.brokers[0];
        assert_eq!(
            (broker.broker_id, broker.port, &broker.rack),
            (3, 9092, &None)
        );
        assert_eq!(broker.host, "broker.example");
        let request = DescribeClusterRequest {
            include_cluster_authorized_operations: true,
            ..DescribeClusterRequest::default()
        };
        let response = fixture.call(&request, version).await;
        assert_eq!(response.cluster_authorized_operations, 8096);
    }
    for (endpoint_type, code) in [
        (2, ErrorCode::MismatchedEndpointType),
        (0, ErrorCode::UnsupportedEndpointType),
        (9, ErrorCode::UnsupportedEndpointType),
    ] {
        let request = DescribeClusterRequest {
            endpoint_type,
            ..DescribeClusterRequest::default()
        };
        let response = fixture.call(&request, 1).await;
        assert_code(response.error_code, code);
    }
}
