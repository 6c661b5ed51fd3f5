//! AlterConfigs.

use model::ErrorCode;
use wire::Text;
use wire::messages::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResourceResponse, AlterableConfig,
};

use crate::configs::{TOPIC, describe, find};
use crate::support::{Fixture, assert_code, batch};

pub(crate) fn replacing(
    kind: i8,
    name: &'static str,
    configs: &[(&'static str, Option<&'static str>)],
) -> AlterConfigsResource {
    let configs = configs.iter().map(|(name, value)| AlterableConfig {
        name: Text::from_static(name),
        value: value.map(Text::from_static),
    });
    AlterConfigsResource {
        resource_type: kind,
        resource_name: Text::from_static(name),
        configs: configs.collect(),
    }
}

pub(crate) async fn replace(
    fixture: &mut Fixture,
    resources: Vec<AlterConfigsResource>,
) -> Vec<AlterConfigsResourceResponse> {
    let request = AlterConfigsRequest {
        resources,
        ..AlterConfigsRequest::default()
    };
    fixture.call(&request, 2).await.responses
}

#[tokio::test]
async fn what_is_not_named_goes_back_to_its_default_at_once_and_over_a_restart() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    for version in 0..=2 {
        for (configs, code) in [
            (
                &[("max.message.bytes", Some("10")), ("segment.ms", Some("5"))][..],
                ErrorCode::MessageTooLarge,
            ),
            (&[("segment.ms", Some("6"))], ErrorCode::None),
        ] {
            let request = AlterConfigsRequest {
                resources: vec![replacing(TOPIC, "t", configs)],
                ..AlterConfigsRequest::default()
            };
            let response = fixture.call(&request, version).await;
            assert_code(response.responses[0].error_code, ErrorCode::None);
            assert_eq!(response.responses[0].error_message, None);
            let produced = fixture.produce("t", batch(&["something"])).await;
            assert_code(produced.error_code, code);
        }
    }
    let mut fixture = fixture.restart().await;
    let result = describe(&mut fixture, TOPIC, "t").await;
    let size = find(&result, "max.message.bytes");
    assert_eq!(
        (size.value.as_deref(), size.config_source),
        (Some("1048588"), 5)
    );
    let age = find(&result, "segment.ms");
    assert_eq!((age.value.as_deref(), age.config_source), (Some("6"), 1));
}

#[tokio::test]
async fn resources_fail_by_themselves_and_what_fails_is_left_as_it_is() {
    let mut fixture = Fixture::open().await;
    for name in ["t", "u", "v"] {
        fixture.topic(name).await;
        let own = replacing(TOPIC, name, &[("retention.ms", Some("7"))]);
        assert_eq!(replace(&mut fixture, vec![own]).await[0].error_code, 0);
    }
    let good = [("retention.ms", Some("8"))];
    let answers = replace(
        &mut fixture,
        vec![
            replacing(TOPIC, "t", &good),
            replacing(TOPIC, "u", &good),
            replacing(
                TOPIC,
                "v",
                &[("retention.ms", Some("8")), ("segment.ms", Some("x"))],
            ),
            replacing(TOPIC, "u", &[]),
            replacing(TOPIC, "missing", &good),
            replacing(8, "0", &[]),
            replacing(99, "x", &[]),
        ],
    )
    .await;
    let codes: Vec<_> = answers
        .iter()
        .map(|answer| ErrorCode::from_code(answer.error_code).unwrap())
        .collect();
    assert_eq!(
        codes,
        [
            ErrorCode::None,
            ErrorCode::InvalidRequest,
            ErrorCode::InvalidConfig,
            ErrorCode::InvalidRequest,
            ErrorCode::UnknownTopicOrPartition,
            ErrorCode::InvalidRequest,
            ErrorCode::InvalidRequest,
        ]
    );
    assert!(answers[1..].iter().all(|one| one.error_message.is_some()));
    for (name, value) in [("t", "8"), ("u", "7"), ("v", "7")] {
        let result = describe(&mut fixture, TOPIC, name).await;
        let retention = find(&result, "retention.ms").value.clone();
        assert_eq!(retention.as_deref(), Some(value), "{name}");
    }
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused_and_a_check_changes_nothing() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    for (configs, code) in [
        (
            &[("retention.ms", Some("1")), ("retention.ms", Some("2"))][..],
            ErrorCode::InvalidRequest,
        ),
        (&[("retention.ms", None)], ErrorCode::InvalidRequest),
        (&[("retention", Some("1"))], ErrorCode::InvalidConfig),
        (&[("preallocate", Some("true"))], ErrorCode::InvalidConfig),
    ] {
        let answers = replace(&mut fixture, vec![replacing(TOPIC, "t", configs)]).await;
        assert_code(answers[0].error_code, code);
        let message = answers[0].error_message.as_deref().unwrap();
        assert!(message.contains(configs[0].0), "{message}");
    }
    let request = AlterConfigsRequest {
        resources: vec![replacing(TOPIC, "t", &[("retention.ms", Some("8"))])],
        validate_only: true,
    };
    let checked = fixture.call(&request, 2).await.responses;
    assert_code(checked[0].error_code, ErrorCode::None);
    let result = describe(&mut fixture, TOPIC, "t").await;
    assert!(
        result
            .configs
            .iter()
            .all(|config| config.config_source == 5)
    );
}
