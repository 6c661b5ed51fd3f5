//! Settings that requests change while the broker runs.

use std::collections::BTreeMap;

use config::{BrokerSettings, Described, Scope, Source, definition, definitions};

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn changed(
    start: &[(&str, &str)],
    all_brokers: &[(&str, &str)],
    this_broker: &[(&str, &str)],
) -> BrokerSettings {
    let settings = BrokerSettings::parse(&pairs(start)).unwrap();
    settings.with_changes(&pairs(all_brokers), &pairs(this_broker))
}

fn find<'a>(listed: &'a [Described], name: &str) -> &'a Described {
    listed.iter().find(|one| one.name == name).unwrap()
}

/// The synonyms of a setting, as `name=value source`.
fn synonyms(listed: &[Described], name: &str) -> Vec<String> {
    let synonyms = find(listed, name).synonyms.iter();
    synonyms
        .map(|one| {
            let value = one.value.as_deref().unwrap_or("-");
            format!("{}={value} {}", one.name, one.source.code())
        })
        .collect()
}

#[test]
fn this_broker_is_stronger_than_all_brokers_and_both_than_the_start() {
    let start = [("message.max.bytes", "1000"), ("max.connections", "10")];
    let all = [("message.max.bytes", "2000"), ("max.connections", "20")];
    let settings = changed(&start, &all, &[("message.max.bytes", "3000")]);
    assert_eq!(settings.max_connections, 20);
    let topic = settings.topic_config(&BTreeMap::new());
    assert_eq!(topic.max_message_bytes, 3000);
    let own = pairs(&[("max.message.bytes", "4000")]);
    assert_eq!(settings.topic_config(&own).max_message_bytes, 4000);
    assert_eq!(
        settings.broker_value_shown("message.max.bytes").as_deref(),
        Some("3000")
    );
    // What was changed goes back when the change does.
    let back = settings.with_changes(&BTreeMap::new(), &BTreeMap::new());
    assert_eq!(back, changed(&start, &[], &[]));
    assert_eq!(back.max_connections, 10);
}

#[test]
fn the_name_counts_before_the_place_it_was_set_in() {
    // As in Kafka: a time in milliseconds hides one in hours, wherever the two were set.
    let start = [("log.retention.ms", "5")];
    let settings = changed(&start, &[("log.retention.bytes", "7")], &[]);
    let topic = settings.topic_config(&BTreeMap::new());
    assert_eq!((topic.retention_ms, topic.retention_bytes), (5, 7));
    let settings = changed(
        &[("log.retention.hours", "1")],
        &[("log.retention.ms", "5")],
        &[],
    );
    assert_eq!(settings.topic_config(&BTreeMap::new()).retention_ms, 5);
}

#[test]
fn what_cannot_change_or_is_not_legal_any_more_counts_as_not_set() {
    let stored = [
        ("num.partitions", "7"),
        ("log.retention.bytes", "many"),
        ("min.insync.replicas", "2"),
        ("no.such.setting", "1"),
        ("max.connections", "30"),
    ];
    let settings = changed(&[], &stored, &stored);
    assert_eq!(settings.num_partitions, 1);
    assert_eq!(settings.topic_config(&BTreeMap::new()).retention_bytes, -1);
    assert_eq!(settings.max_connections, 30);
    let listed = settings.describe_all_brokers();
    let names: Vec<_> = listed.iter().map(|one| one.name).collect();
    assert_eq!(names, ["max.connections"]);
}

#[test]
fn each_place_is_told_with_its_source() {
    let settings = changed(
        &[("log.retention.hours", "2"), ("max.connections", "10")],
        &[("log.retention.ms", "1000"), ("max.connections", "20")],
        &[("log.retention.ms", "2000")],
    );
    let broker = settings.describe_broker();
    let retention = find(&broker, "log.retention.ms");
    assert_eq!(
        (
            retention.value.as_deref(),
            retention.source,
            retention.read_only
        ),
        (Some("2000"), Source::DynamicBroker, false)
    );
    assert_eq!(
        synonyms(&broker, "log.retention.ms"),
        ["log.retention.ms=2000 2", "log.retention.ms=1000 3"]
    );
    assert_eq!(
        synonyms(&broker, "max.connections"),
        [
            "max.connections=20 3",
            "max.connections=10 4",
            "max.connections=2147483647 5"
        ]
    );
    assert!(find(&broker, "num.partitions").read_only);
    let topic = settings.describe_topic(&BTreeMap::new());
    assert_eq!(find(&topic, "retention.ms").value.as_deref(), Some("2000"));
    assert_eq!(
        synonyms(&topic, "retention.ms"),
        [
            "log.retention.ms=2000 2",
            "log.retention.ms=1000 3",
            "log.retention.hours=2 4",
            "log.retention.hours=168 5"
        ]
    );
    let all = settings.describe_all_brokers();
    assert_eq!(
        synonyms(&all, "log.retention.ms"),
        ["log.retention.ms=1000 3"]
    );
}

#[test]
fn groups_are_described_over_the_brokers_settings() {
    let settings = changed(&[], &[], &[]);
    let own = pairs(&[("consumer.session.timeout.ms", "45000")]);
    let group = settings.describe_group(&own);
    assert_eq!(group.len(), definitions(Scope::Group).count());
    let session = find(&group, "consumer.session.timeout.ms");
    assert_eq!((session.source, session.read_only), (Source::Group, false));
    assert_eq!(
        synonyms(&group, "consumer.session.timeout.ms"),
        [
            "consumer.session.timeout.ms=45000 8",
            "group.consumer.session.timeout.ms=45000 5"
        ]
    );
    assert_eq!(
        synonyms(&group, "share.auto.offset.reset"),
        ["share.auto.offset.reset=latest 5"]
    );
    let session = find(
        &settings.describe_group(&BTreeMap::new()),
        "consumer.session.timeout.ms",
    )
    .clone();
    assert_eq!(
        (session.value.as_deref(), session.source),
        (Some("45000"), Source::Default)
    );
}

#[test]
fn groups_have_settings_within_the_brokers_bounds() {
    let config = |settings: &BrokerSettings, own: &[(&str, &str)]| {
        let config = settings.group_config(&pairs(own));
        (
            config.consumer_heartbeat_interval_ms,
            config.consumer_session_timeout_ms,
        )
    };
    let session = "consumer.session.timeout.ms";
    let heartbeat = "consumer.heartbeat.interval.ms";
    let settings = BrokerSettings::default();
    assert_eq!(config(&settings, &[]), (5_000, 45_000));
    assert_eq!(config(&settings, &[(session, "50000")]), (5_000, 50_000));
    assert_eq!(settings.check_group(&pairs(&[(session, "60000")])), Ok(()));
    let refused = |settings: &BrokerSettings, own: &[(&str, &str)]| {
        settings.check_group(&pairs(own)).unwrap_err().to_string()
    };
    assert_eq!(
        refused(&settings, &[(session, "60001")]),
        "invalid value '60001' for config consumer.session.timeout.ms: expected a whole number from 45000 to \
         60000, which are the broker's bounds"
    );
    // What was stored under other bounds counts as not set, also where it is shown.
    let stored = [(session, "60001"), (heartbeat, "6000")];
    assert_eq!(config(&settings, &stored), (5_000, 45_000));
    let shown = settings.group_value_shown(&pairs(&stored), heartbeat);
    assert_eq!(shown.as_deref(), Some("5000"));

    let start = [
        ("group.consumer.min.session.timeout.ms", "6000"),
        ("group.consumer.session.timeout.ms", "8000"),
    ];
    let settings = changed(&start, &[], &[]);
    assert_eq!(config(&settings, &[]), (5_000, 8_000));
    assert_eq!(config(&settings, &[(session, "6000")]), (5_000, 6_000));
    assert_eq!(
        refused(&settings, &[(heartbeat, "8000")]),
        "consumer.heartbeat.interval.ms (8000) is not below consumer.session.timeout.ms (8000)"
    );
}

#[test]
fn every_dynamic_setting_is_known() {
    let dynamic: Vec<_> = definitions(Scope::Broker)
        .filter(|one| one.is_dynamic())
        .map(|one| one.name)
        .collect();
    assert_eq!(dynamic.len(), 47, "a name in the list is not in the tables");
    for scope in [Scope::Topic, Scope::Group] {
        assert!(definitions(scope).all(|one| one.is_dynamic()));
    }
    // What gives the default of a topic setting in the same unit can change with it.
    for synonym in definitions(Scope::Topic).flat_map(|topic| topic.synonyms) {
        let broker = definition(Scope::Broker, synonym.name).unwrap();
        assert!(
            broker.is_dynamic() || synonym.factor != 1,
            "{}",
            broker.name
        );
    }
}
