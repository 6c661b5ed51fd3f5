//! Settings of the broker and of groups that requests change while it runs.

use std::time::Duration;

use model::ErrorCode;
use wire::messages::describe_configs::DescribeConfigsResult;

use crate::alter_configs::{replace, replacing};
use crate::configs::{BROKER, GROUP, TOPIC, alter, change, changes, describe, find};
use crate::create_partitions::{grow, growing, produce_to};
use crate::support::{Fixture, assert_code, batch, idempotent_batch};

/// Sets one setting, or unsets it, and gives the answer's code.
pub(crate) async fn set(
    fixture: &mut Fixture,
    (kind, name): (i8, &'static str),
    config: &'static str,
    value: Option<&'static str>,
) -> ErrorCode {
    let operation = if value.is_some() { 0 } else { 1 };
    let one = changes(kind, name, vec![change(config, operation, value)]);
    let answer = alter(fixture, vec![one]).await.remove(0);
    let code = ErrorCode::from_code(answer.error_code).unwrap();
    let message = answer.error_message.unwrap_or_default();
    assert_eq!(code == ErrorCode::None, message.is_empty(), "{message}");
    if code != ErrorCode::None && !name.is_empty() {
        assert!(message.contains(config), "{message}");
    }
    code
}

const ALL_BROKERS: (i8, &str) = (BROKER, "");
const THIS_BROKER: (i8, &str) = (BROKER, "0");

/// Whether a batch of 100 bytes or so can be written to partition 0.
async fn takes_a_batch(fixture: &mut Fixture, topic: &'static str) -> bool {
    let produced = fixture.produce(topic, batch(&["something"])).await;
    match ErrorCode::from_code(produced.error_code).unwrap() {
        ErrorCode::None => true,
        ErrorCode::MessageTooLarge => false,
        other => panic!("{other}"),
    }
}

fn value_and_source(result: &DescribeConfigsResult, name: &str) -> (String, i8) {
    let config = find(result, name);
    let value = config.value.as_deref().unwrap_or("-").to_owned();
    (value, config.config_source)
}

#[tokio::test]
async fn the_default_of_topics_changes_at_once_on_live_logs_and_stays_over_a_restart() {
    let mut fixture = Fixture::with_settings(&[("message.max.bytes", "1000")]).await;
    for topic in ["t", "own"] {
        fixture.topic(topic).await;
    }
    let own = (TOPIC, "own");
    set(&mut fixture, own, "max.message.bytes", Some("2000")).await;

    for (resource, value, taken) in [
        (ALL_BROKERS, Some("10"), false),
        // Stronger than what is set for all.
        (THIS_BROKER, Some("500"), true),
        (ALL_BROKERS, Some("20"), true),
        (THIS_BROKER, None, false),
    ] {
        let code = set(&mut fixture, resource, "message.max.bytes", value).await;
        assert_eq!(code, ErrorCode::None);
        assert_eq!(
            takes_a_batch(&mut fixture, "t").await,
            taken,
            "{resource:?}"
        );
        assert!(takes_a_batch(&mut fixture, "own").await);
    }
    // What is made from now on has it too.
    fixture.topic("later").await;
    assert!(!takes_a_batch(&mut fixture, "later").await);
    assert_eq!(
        grow(&mut fixture, vec![growing("t", 2)]).await[0].error_code,
        0
    );
    let produced = produce_to(&mut fixture, 1, "something").await;
    assert_code(produced.error_code, ErrorCode::MessageTooLarge);

    let mut fixture = fixture.restart().await;
    assert!(!takes_a_batch(&mut fixture, "t").await);
    let topic = describe(&mut fixture, TOPIC, "t").await;
    let told = value_and_source(&topic, "max.message.bytes");
    assert_eq!(told, ("20".to_owned(), 3));
    let code = set(&mut fixture, ALL_BROKERS, "message.max.bytes", None).await;
    assert_eq!(code, ErrorCode::None);
    assert!(takes_a_batch(&mut fixture, "t").await);
    let topic = describe(&mut fixture, TOPIC, "t").await;
    let told = value_and_source(&topic, "max.message.bytes");
    assert_eq!(told, ("1000".to_owned(), 4));
}

#[tokio::test]
async fn a_changed_setting_is_described_with_its_source() {
    let mut fixture = Fixture::open().await;
    set(&mut fixture, ALL_BROKERS, "log.retention.ms", Some("1000")).await;
    set(&mut fixture, ALL_BROKERS, "max.connections", Some("100")).await;
    set(&mut fixture, THIS_BROKER, "log.retention.ms", Some("2000")).await;
    let all = describe(&mut fixture, BROKER, "").await;
    let names: Vec<_> = all.configs.iter().map(|config| &*config.name).collect();
    assert_eq!(names, ["log.retention.ms", "max.connections"]);
    let told = value_and_source(&all, "log.retention.ms");
    assert_eq!(told, ("1000".to_owned(), 3));
    let this = describe(&mut fixture, BROKER, "0").await;
    let told = value_and_source(&this, "log.retention.ms");
    assert_eq!(told, ("2000".to_owned(), 2));
    let told = value_and_source(&this, "max.connections");
    assert_eq!(told, ("100".to_owned(), 3));
    assert!(!find(&this, "max.connections").read_only);
    assert!(find(&this, "num.partitions").read_only);
    // Replacing all of them takes away what is not named.
    let wanted = replacing(BROKER, "", &[("max.connections", Some("200"))]);
    assert_eq!(replace(&mut fixture, vec![wanted]).await[0].error_code, 0);
    let all = describe(&mut fixture, BROKER, "").await;
    assert_eq!(all.configs.len(), 1);
    let told = value_and_source(&all, "max.connections");
    assert_eq!(told, ("200".to_owned(), 3));
}

#[tokio::test]
async fn those_who_go_by_the_brokers_settings_hear_of_changes() {
    let mut fixture = Fixture::open().await;
    let mut changes = fixture.broker.settings_changes();
    set(&mut fixture, ALL_BROKERS, "max.connections", Some("7")).await;
    assert!(changes.has_changed().unwrap());
    assert_eq!(changes.borrow_and_update().max_connections, 7);
    // A change of something else is none of them.
    fixture.topic("t").await;
    assert!(!changes.has_changed().unwrap());
    let fixture = fixture.restart().await;
    assert_eq!(
        fixture.broker.settings_changes().borrow().max_connections,
        7
    );
}

#[tokio::test]
async fn what_is_read_at_the_start_and_what_cannot_be_is_refused_by_name() {
    let mut fixture = Fixture::open().await;
    for resource in [ALL_BROKERS, THIS_BROKER] {
        for (name, value) in [
            ("num.partitions", "3"),
            ("node.id", "4"),
            ("no.such.setting", "1"),
            ("max.connections", "many"),
            ("num.io.threads", "3"),
        ] {
            let code = set(&mut fixture, resource, name, Some(value)).await;
            assert_eq!(code, ErrorCode::InvalidRequest, "{name}");
            let (kind, broker) = resource;
            let wanted = replacing(kind, broker, &[(name, Some(value))]);
            let answer = replace(&mut fixture, vec![wanted]).await;
            assert_code(answer[0].error_code, ErrorCode::InvalidRequest);
        }
        // Its default can be set of every setting that could change in Kafka.
        let code = set(&mut fixture, resource, "num.io.threads", Some("8")).await;
        assert_eq!(code, ErrorCode::None);
        let code = set(&mut fixture, resource, "num.partitions", None).await;
        assert_eq!(code, ErrorCode::None);
    }
    let append = changes(BROKER, "0", vec![change("max.connections", 2, Some("3"))]);
    let answer = alter(&mut fixture, vec![append]).await;
    assert_code(answer[0].error_code, ErrorCode::InvalidConfig);
}

#[tokio::test]
async fn producers_are_forgotten_after_the_time_that_is_set_now() {
    let mut fixture = Fixture::open().await;
    for topic in ["t", "other"] {
        fixture.topic(topic).await;
    }
    let first = fixture
        .produce("t", idempotent_batch(5, 0, 0, &["a"]))
        .await;
    assert_code(first.error_code, ErrorCode::None);
    let expiration = "producer.id.expiration.ms";
    set(&mut fixture, ALL_BROKERS, expiration, Some("3600000")).await;
    // A producer that is not known may begin with any sequence; this one is known for a day by default.
    let gap = fixture
        .produce("t", idempotent_batch(5, 0, 7, &["b"]))
        .await;
    assert_code(gap.error_code, ErrorCode::OutOfOrderSequenceNumber);
    fixture.clock.advance(Duration::from_secs(2 * 60 * 60));
    for _ in 0..2_000 {
        // The timer is a task of its own: waiting for the disk lets it run.
        fixture.produce("other", batch(&["x"])).await;
        let gap = fixture
            .produce("t", idempotent_batch(5, 0, 7, &["b"]))
            .await;
        if gap.error_code == 0 {
            return;
        }
    }
    panic!("it is not forgotten");
}

#[tokio::test]
async fn groups_have_settings_whether_or_not_they_exist() {
    let mut fixture = Fixture::open().await;
    let name = "consumer.session.timeout.ms";
    let told = describe(&mut fixture, GROUP, "g").await;
    assert_code(told.error_code, ErrorCode::None);
    assert_eq!(value_and_source(&told, name), ("45000".to_owned(), 5));
    let group = (GROUP, "g");
    let code = set(&mut fixture, group, name, Some("45000")).await;
    assert_eq!(code, ErrorCode::None);
    let mut fixture = fixture.restart().await;
    let told = describe(&mut fixture, GROUP, "g").await;
    assert_eq!(value_and_source(&told, name), ("45000".to_owned(), 8));
    assert!(told.configs.iter().all(|config| !config.read_only));
    let other = describe(&mut fixture, GROUP, "h").await;
    assert_eq!(value_and_source(&other, name), ("45000".to_owned(), 5));
    for (name, value) in [
        (name, "1"),
        ("retention.ms", "1"),
        ("share.heartbeat.interval.ms", "x"),
    ] {
        let code = set(&mut fixture, group, name, Some(value)).await;
        assert_eq!(code, ErrorCode::InvalidConfig, "{name}");
    }
    assert_eq!(set(&mut fixture, group, name, None).await, ErrorCode::None);
    let told = describe(&mut fixture, GROUP, "g").await;
    assert_eq!(value_and_source(&told, name), ("45000".to_owned(), 5));
}
