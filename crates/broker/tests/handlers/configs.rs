//! DescribeConfigs and IncrementalAlterConfigs.

use model::ErrorCode;
use wire::Text;
use wire::messages::delete_topics::DeleteTopicsRequest;
use wire::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResult,
};
use wire::messages::describe_groups::DescribeGroupsRequest;
use wire::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterConfigsResourceResponse, AlterableConfig,
    IncrementalAlterConfigsRequest,
};
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};

use crate::support::{Fixture, assert_code, batch};

pub(crate) const TOPIC: i8 = 2;
pub(crate) const BROKER: i8 = 4;
pub(crate) const GROUP: i8 = 32;

fn asking(resource_type: i8, name: &'static str) -> DescribeConfigsRequest {
    DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type,
            resource_name: Text::from_static(name),
            configuration_keys: None,
        }],
        ..DescribeConfigsRequest::default()
    }
}

pub(crate) async fn describe(
    fixture: &mut Fixture,
    kind: i8,
    name: &'static str,
) -> DescribeConfigsResult {
    fixture.call(&asking(kind, name), 4).await.results.remove(0)
}

pub(crate) fn find<'a>(
    result: &'a DescribeConfigsResult,
    name: &str,
) -> &'a DescribeConfigsResourceResult {
    let config = result.configs.iter().find(|config| config.name == *name);
    config.unwrap_or_else(|| panic!("{name} is not listed"))
}

pub(crate) fn change(
    name: &'static str,
    operation: i8,
    value: Option<&'static str>,
) -> AlterableConfig {
    AlterableConfig {
        name: Text::from_static(name),
        config_operation: operation,
        value: value.map(Text::from_static),
    }
}

pub(crate) fn changes(
    kind: i8,
    name: &'static str,
    configs: Vec<AlterableConfig>,
) -> AlterConfigsResource {
    AlterConfigsResource {
        resource_type: kind,
        resource_name: Text::from_static(name),
        configs,
    }
}

pub(crate) async fn alter(
    fixture: &mut Fixture,
    resources: Vec<AlterConfigsResource>,
) -> Vec<AlterConfigsResourceResponse> {
    let request = IncrementalAlterConfigsRequest {
        resources,
        ..IncrementalAlterConfigsRequest::default()
    };
    fixture.call(&request, 1).await.responses
}

#[tokio::test]
async fn a_topic_is_described_in_every_version() {
    let mut fixture = Fixture::with_settings(&[("log.retention.hours", "2")]).await;
    fixture.topic("t").await;
    for version in 1..=4 {
        let mut request = asking(TOPIC, "t");
        request.include_synonyms = true;
        request.include_documentation = true;
        let response = fixture.call(&request, version).await;
        let result = &response.results[0];
        assert_code(result.error_code, ErrorCode::None);
        assert_eq!(
            (result.resource_type, result.resource_name.as_str()),
            (TOPIC, "t")
        );
        let retention = find(result, "retention.ms");
        assert_eq!(retention.value.as_deref(), Some("7200000"));
        assert_eq!((retention.config_source, retention.read_only), (4, false));
        let synonyms: Vec<_> = retention
            .synonyms
            .iter()
            .map(|s| (s.name.as_str(), s.value.as_deref(), s.source))
            .collect();
        assert_eq!(
            synonyms,
            [
                ("log.retention.hours", Some("2"), 4),
                ("log.retention.hours", Some("168"), 5)
            ]
        );
        let policy = find(result, "cleanup.policy");
        assert_eq!(
            (policy.value.as_deref(), policy.config_source),
            (Some("delete"), 5)
        );
        if version >= 3 {
            assert_eq!((retention.config_type, policy.config_type), (5, 7));
            assert!(retention.documentation.is_some());
        }
    }
    let plain = describe(&mut fixture, TOPIC, "t").await;
    let retention = find(&plain, "retention.ms");
    assert_eq!(
        (retention.synonyms.len(), &retention.documentation),
        (0, &None)
    );
}

#[tokio::test]
async fn only_the_settings_asked_for_are_described() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let mut request = asking(TOPIC, "t");
    let all = fixture
        .call(&request, 4)
        .await
        .results
        .remove(0)
        .configs
        .len();
    for (keys, count) in [
        (vec!["retention.ms", "segment.ms", "no.such.key"], 2),
        (vec!["no.such.key"], 0),
        (vec![], all),
    ] {
        let keys = keys.into_iter().map(Text::from_static).collect();
        request.resources[0].configuration_keys = Some(keys);
        let response = fixture.call(&request, 4).await;
        assert_eq!(response.results[0].configs.len(), count);
    }
}

#[tokio::test]
async fn an_answer_does_not_grow_with_repetitions() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let mut request = asking(TOPIC, "t");
    request.resources = vec![request.resources[0].clone(); 1000];
    assert_eq!(fixture.call(&request, 4).await.results.len(), 1);
    let topic = MetadataRequestTopic {
        name: Some(Text::from_static("t")),
        ..MetadataRequestTopic::default()
    };
    let request = MetadataRequest {
        topics: Some(vec![topic; 1000]),
        ..MetadataRequest::default()
    };
    assert_eq!(fixture.call(&request, 9).await.topics.len(), 1);
    let request = DescribeGroupsRequest {
        groups: vec![Text::from_static("g"); 1000],
        ..DescribeGroupsRequest::default()
    };
    assert_eq!(fixture.call(&request, 5).await.groups.len(), 1);
}

#[tokio::test]
async fn the_broker_is_described_under_its_node_id() {
    let mut fixture = Fixture::with_settings(&[("node.id", "3"), ("num.partitions", "7")]).await;
    let result = describe(&mut fixture, BROKER, "3").await;
    assert_code(result.error_code, ErrorCode::None);
    let partitions = find(&result, "num.partitions");
    assert_eq!(partitions.value.as_deref(), Some("7"));
    assert_eq!((partitions.config_source, partitions.read_only), (4, true));
    assert_eq!(find(&result, "log.retention.ms").value, None);
    let result = describe(&mut fixture, BROKER, "").await;
    assert_code(result.error_code, ErrorCode::None);
    assert!(result.configs.is_empty());
}

#[tokio::test]
async fn this_broker_tells_where_it_is_and_nobody_can_change_it() {
    let mut fixture = Fixture::open().await;
    let result = describe(&mut fixture, BROKER, "0").await;
    assert!(result.configs.is_sorted_by(|a, b| a.name < b.name));
    let data_dir = fixture.data_dir().to_str().unwrap().to_owned();
    for (name, value) in [
        ("advertised.listeners", "PLAINTEXT://broker.example:9092"),
        ("log.dirs", &data_dir),
    ] {
        let config = find(&result, name);
        assert_eq!(config.value.as_deref(), Some(value));
        assert_eq!((config.config_source, config.read_only), (4, true));
        assert_eq!(config.config_type, 7);
        let other = changes(BROKER, "0", vec![change(name, 0, Some("x"))]);
        let altered = alter(&mut fixture, vec![other]).await;
        assert_code(altered[0].error_code, ErrorCode::InvalidRequest);
    }
}

#[tokio::test]
async fn the_brokers_own_topics_are_described_as_they_are_and_stay_so() {
    let defaults = [
        ("compression.type", "zstd"),
        ("log.cleanup.policy", "delete"),
        ("log.flush.interval.messages", "1000"),
        ("log.retention.ms", "5"),
        ("log.segment.bytes", "2000000"),
    ];
    let mut fixture = Fixture::with_settings(&defaults).await;
    fixture.have_groups().await;
    let result = describe(&mut fixture, TOPIC, "__consumer_offsets").await;
    for (name, value) in [
        ("cleanup.policy", "compact"),
        ("compression.type", "producer"),
        ("flush.messages", "1"),
        ("retention.ms", "-1"),
        ("segment.bytes", "4194304"),
    ] {
        let config = find(&result, name);
        assert_eq!(
            (config.value.as_deref(), config.config_source),
            (Some(value), 1)
        );
    }
    assert!(result.configs.iter().all(|config| config.read_only));
    let one = changes(
        TOPIC,
        "__consumer_offsets",
        vec![change("retention.ms", 0, Some("5"))],
    );
    let altered = alter(&mut fixture, vec![one]).await;
    assert_code(altered[0].error_code, ErrorCode::PolicyViolation);
    let request = DeleteTopicsRequest {
        topic_names: vec![Text::from_static("__consumer_offsets")],
        ..DeleteTopicsRequest::default()
    };
    let deleted = fixture.call(&request, 5).await;
    assert_code(deleted.responses[0].error_code, ErrorCode::PolicyViolation);
}

#[tokio::test]
async fn what_has_no_settings_is_refused() {
    let mut fixture = Fixture::open().await;
    for (kind, name, code) in [
        (TOPIC, "missing", ErrorCode::UnknownTopicOrPartition),
        (TOPIC, "bad name", ErrorCode::InvalidTopicException),
        (TOPIC, "", ErrorCode::InvalidRequest),
        (BROKER, "1", ErrorCode::InvalidRequest),
        (BROKER, "x", ErrorCode::InvalidRequest),
        // Another spelling of its number is not its name.
        (BROKER, "00", ErrorCode::InvalidRequest),
        (8, "0", ErrorCode::InvalidRequest),
        (16, "m", ErrorCode::InvalidRequest),
        (GROUP, "", ErrorCode::InvalidRequest),
        (0, "", ErrorCode::InvalidRequest),
    ] {
        let result = describe(&mut fixture, kind, name).await;
        assert_eq!(
            ErrorCode::from_code(result.error_code),
            Some(code),
            "{kind} {name}"
        );
        assert!(result.error_message.is_some());
        let altered = alter(&mut fixture, vec![changes(kind, name, vec![])]).await;
        assert_eq!(
            ErrorCode::from_code(altered[0].error_code),
            Some(code),
            "{kind} {name}"
        );
    }
}

#[tokio::test]
async fn a_change_is_in_force_on_a_live_log_when_it_is_answered() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    assert_eq!(
        fixture.produce("t", batch(&["something"])).await.error_code,
        0
    );
    for version in 0..=1 {
        let request = IncrementalAlterConfigsRequest {
            resources: vec![changes(
                TOPIC,
                "t",
                vec![change("max.message.bytes", 0, Some("10"))],
            )],
            ..IncrementalAlterConfigsRequest::default()
        };
        let response = fixture.call(&request, version).await;
        assert_code(response.responses[0].error_code, ErrorCode::None);
        let produced = fixture.produce("t", batch(&["something"])).await;
        assert_code(produced.error_code, ErrorCode::MessageTooLarge);
        let result = describe(&mut fixture, TOPIC, "t").await;
        let config = find(&result, "max.message.bytes");
        assert_eq!(
            (config.value.as_deref(), config.config_source),
            (Some("10"), 1)
        );

        let back = changes(TOPIC, "t", vec![change("max.message.bytes", 1, None)]);
        assert_eq!(alter(&mut fixture, vec![back]).await[0].error_code, 0);
        assert_eq!(
            fixture.produce("t", batch(&["something"])).await.error_code,
            0
        );
    }
}

#[tokio::test]
async fn a_change_survives_a_restart() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let one = changes(TOPIC, "t", vec![change("retention.bytes", 0, Some("4096"))]);
    assert_eq!(alter(&mut fixture, vec![one]).await[0].error_code, 0);
    let mut fixture = fixture.restart().await;
    let result = describe(&mut fixture, TOPIC, "t").await;
    assert_eq!(
        find(&result, "retention.bytes").value.as_deref(),
        Some("4096")
    );
}

#[tokio::test]
async fn changes_of_a_topic_are_made_together_or_not_at_all() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    let good = || change("retention.ms", 0, Some("5"));
    for (bad, code) in [
        (
            change("preallocate", 0, Some("true")),
            ErrorCode::InvalidConfig,
        ),
        (
            change("cleanup.policy", 2, Some("shred")),
            ErrorCode::InvalidConfig,
        ),
        (change("segment.ms", 2, Some("5")), ErrorCode::InvalidConfig),
        (change("segment.ms", 0, Some("x")), ErrorCode::InvalidConfig),
        (change("segment", 0, Some("5")), ErrorCode::InvalidConfig),
        (change("segment.ms", 0, None), ErrorCode::InvalidRequest),
        (
            change("segment.ms", 9, Some("5")),
            ErrorCode::InvalidRequest,
        ),
        (change("retention.ms", 1, None), ErrorCode::InvalidRequest),
    ] {
        let what = format!("{bad:?}");
        let altered = alter(&mut fixture, vec![changes(TOPIC, "t", vec![good(), bad])]).await;
        assert_eq!(
            ErrorCode::from_code(altered[0].error_code),
            Some(code),
            "{what}"
        );
        assert!(altered[0].error_message.is_some());
    }
    let result = describe(&mut fixture, TOPIC, "t").await;
    assert_eq!(find(&result, "retention.ms").config_source, 5);
}

#[tokio::test]
async fn resources_fail_by_themselves_and_checking_changes_nothing() {
    let mut fixture = Fixture::open().await;
    for name in ["t", "u"] {
        fixture.topic(name).await;
    }
    let one = |name| changes(TOPIC, name, vec![change("retention.ms", 0, Some("5"))]);
    let codes = |responses: Vec<AlterConfigsResourceResponse>| -> Vec<_> {
        let codes = responses
            .iter()
            .map(|response| ErrorCode::from_code(response.error_code));
        codes.map(Option::unwrap).collect()
    };
    let altered = alter(
        &mut fixture,
        vec![one("u"), one("t"), one("u"), one("missing")],
    )
    .await;
    assert_eq!(
        codes(altered),
        [
            ErrorCode::InvalidRequest,
            ErrorCode::None,
            ErrorCode::InvalidRequest,
            ErrorCode::UnknownTopicOrPartition,
        ]
    );
    let request = IncrementalAlterConfigsRequest {
        resources: vec![one("u")],
        validate_only: true,
    };
    let checked = fixture.call(&request, 1).await.responses;
    assert_eq!(codes(checked), [ErrorCode::None]);
    let result = describe(&mut fixture, TOPIC, "u").await;
    assert_eq!(find(&result, "retention.ms").config_source, 5);
}

#[tokio::test]
async fn the_smallest_sizes_are_large_enough_to_work_with() {
    let smallest = |name| {
        let definition = config::definition(config::Scope::Broker, name).unwrap();
        let config::Valid::Range(smallest, _) = definition.valid else {
            panic!("{name} has no range");
        };
        smallest.to_string()
    };
    let [wal, memory] = ["wal.max.bytes", "memory.max.bytes"].map(smallest);
    let settings = [("wal.max.bytes", &*wal), ("memory.max.bytes", &*memory)];
    let mut fixture = Fixture::with_settings(&settings).await;
    fixture.topic("t").await;
    let produced = fixture.produce("t", batch(&["a"])).await;
    assert_code(produced.error_code, ErrorCode::None);
}
