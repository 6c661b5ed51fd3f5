//! What is accepted, what is refused and how, and what is shown.

use std::collections::BTreeMap;

use config::{
    BrokerSettings, CompressionType, ConfigError, Scope, Source, TimestampType, definition,
    definitions, documentation, lookup, nearest,
};

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

fn broker(given: &[(&str, &str)]) -> BrokerSettings {
    BrokerSettings::parse(&pairs(given)).unwrap()
}

#[test]
fn every_default_is_legal_and_every_name_unique() {
    for scope in [Scope::Topic, Scope::Broker, Scope::Group] {
        let mut names = Vec::new();
        for row in definitions(scope) {
            names.push(row.name);
            if let Some(default) = row.default {
                let shown = row.check(default).unwrap();
                assert_eq!(row.check(&shown), Ok(shown.clone()), "{}", row.name);
            }
            for synonym in row.synonyms {
                let broker = definition(Scope::Broker, synonym.name).unwrap();
                assert_eq!(broker.acts, row.acts, "{} and {}", row.name, broker.name);
                if synonym.factor == 1 && broker.default.is_some() {
                    assert_eq!(
                        broker.default, row.default,
                        "{} and {}",
                        row.name, broker.name
                    );
                    assert_eq!(broker.valid, row.valid, "{} and {}", row.name, broker.name);
                }
            }
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}

#[test]
fn the_defaults_are_kafkas() {
    let settings = BrokerSettings::default();
    assert_eq!(settings, broker(&[]));
    assert_eq!((settings.node_id, settings.num_partitions), (0, 1));
    assert!(settings.auto_create_topics_enable && settings.delete_topic_enable);
    assert_eq!(settings.group_initial_rebalance_delay_ms, 3000);
    assert_eq!(settings.connections_max_idle_ms, 600_000);
    assert_eq!(settings.socket_request_max_bytes, 104_857_600);
    let topic = settings.topic_config(&BTreeMap::new());
    assert_eq!(topic.retention_ms, 604_800_000);
    assert_eq!(topic.retention_bytes, -1);
    assert_eq!(topic.segment_bytes, 1 << 30);
    assert_eq!(topic.segment_ms, 604_800_000);
    assert_eq!(topic.max_message_bytes, 1_048_588);
    assert_eq!(topic.timestamp_type, TimestampType::CreateTime);
    assert_eq!(topic.timestamp_after_max_ms, 3_600_000);
    assert_eq!(topic.timestamp_before_max_ms, i64::MAX);
    assert_eq!(topic.index_interval_bytes, 4096);
    assert!(topic.cleanup_delete && !topic.cleanup_compact);
    assert_eq!(topic.flush_messages, 1);
    assert_eq!(topic.compression_type, CompressionType::Producer);
    assert_eq!(topic.delete_retention_ms, 86_400_000);
    assert_eq!(topic.file_delete_delay_ms, 60_000);
    assert_eq!(topic.min_cleanable_dirty_ratio, 0.5);
    assert_eq!(topic.max_compaction_lag_ms, i64::MAX);
    assert_eq!(settings.log_cleaner_dedupe_buffer_size, 128 << 20);
    assert_eq!(settings.log_cleaner_io_max_bytes_per_second, f64::MAX);
}

#[test]
fn a_topic_takes_its_own_then_the_brokers_then_the_default() {
    let settings = broker(&[
        ("log.retention.hours", "2"),
        ("log.roll.hours", "1"),
        ("message.max.bytes", "2000"),
        ("log.message.timestamp.type", "LogAppendTime"),
    ]);
    let topic = settings.topic_config(&pairs(&[("max.message.bytes", "3000")]));
    assert_eq!(topic.retention_ms, 2 * 3_600_000);
    assert_eq!(topic.segment_ms, 3_600_000);
    assert_eq!(topic.max_message_bytes, 3000);
    assert_eq!(topic.timestamp_type, TimestampType::LogAppendTime);

    let settings = broker(&[
        ("log.retention.hours", "2"),
        ("log.retention.minutes", "3"),
        ("log.retention.ms", "4"),
    ]);
    assert_eq!(settings.topic_config(&BTreeMap::new()).retention_ms, 4);
    let settings = broker(&[("log.retention.hours", "-1")]);
    assert_eq!(settings.topic_config(&BTreeMap::new()).retention_ms, -1);
}

#[test]
fn a_stored_setting_that_became_illegal_counts_as_not_set() {
    let stored = pairs(&[("segment.bytes", "14"), ("cleanup.policy", "shred")]);
    let settings = BrokerSettings::default();
    assert_eq!(settings.topic_config(&stored).segment_bytes, 1 << 30);
    let policy = settings
        .describe_topic(&stored)
        .into_iter()
        .find(|described| described.name == "cleanup.policy")
        .unwrap();
    assert_eq!(
        (policy.value.as_deref(), policy.source),
        (Some("delete"), Source::Default)
    );
}

#[test]
fn values_are_checked_and_what_does_not_act_is_refused_by_name() {
    let check = |scope, name, value| lookup(scope, name).and_then(|d| d.check(value));
    for (name, value, shown) in [
        ("retention.ms", " 1000 ", "1000"),
        ("retention.ms", "-1", "-1"),
        ("cleanup.policy", "delete", "delete"),
        ("cleanup.policy", " compact, delete", "compact,delete"),
        ("cleanup.policy", "", ""),
        ("compression.gzip.level", "-1", "-1"),
        ("compression.type", "producer", "producer"),
        ("min.cleanable.dirty.ratio", "0.50", "0.5"),
        ("flush.messages", "1", "1"),
        ("preallocate", "FALSE", "false"),
        ("leader.replication.throttled.replicas", "", ""),
    ] {
        assert_eq!(
            check(Scope::Topic, name, value),
            Ok(shown.to_owned()),
            "{name}={value}"
        );
    }
    for (name, value, message) in [
        (
            "retention.ms",
            "-2",
            "invalid value '-2' for config retention.ms: expected a whole number of at least -1",
        ),
        (
            "retention.ms",
            "soon",
            "invalid value 'soon' for config retention.ms: expected a whole number of at least -1",
        ),
        (
            "max.message.bytes",
            "33554433",
            "invalid value '33554433' for config max.message.bytes: expected a whole number from 0 to 33554432",
        ),
        (
            "segment.bytes",
            "4294967296",
            "invalid value '4294967296' for config segment.bytes: expected a whole number of at least 1048576",
        ),
        (
            "message.timestamp.type",
            "createtime",
            "invalid value 'createtime' for config message.timestamp.type: expected one of CreateTime, LogAppendTime",
        ),
        (
            "cleanup.policy",
            "shred",
            "invalid value 'shred' for config cleanup.policy: expected a list of delete, compact",
        ),
        (
            "compression.gzip.level",
            "0",
            "invalid value '0' for config compression.gzip.level: expected a whole number from 1 to 9, or -1",
        ),
        (
            "compression.lz4.level",
            "3",
            "config compression.lz4.level=3 is not supported by this broker; the only value it accepts is '9'",
        ),
        (
            "min.insync.replicas",
            "2",
            "config min.insync.replicas=2 is not supported by this broker; the only value it accepts is '1'",
        ),
        (
            "min.cleanable.dirty.ratio",
            "1.1",
            "invalid value '1.1' for config min.cleanable.dirty.ratio: expected a number from 0 to 1",
        ),
        (
            "retention.m",
            "1",
            "unknown topic config 'retention.m'; did you mean 'retention.ms'?",
        ),
        (
            "message.format.version",
            "3.0",
            "unknown topic config 'message.format.version'; did you mean 'message.timestamp.type'?",
        ),
    ] {
        let error = check(Scope::Topic, name, value).unwrap_err();
        assert_eq!(error.to_string(), message, "{name}={value}");
    }
}

#[test]
fn a_topic_is_cleaned_compressed_and_forced_as_it_says() {
    let settings = broker(&[
        ("log.cleanup.policy", "compact"),
        ("log.roll.jitter.hours", "1"),
        ("log.flush.interval.messages", "10"),
        ("compression.type", "zstd"),
        ("compression.zstd.level", "7"),
    ]);
    let by_default = settings.topic_config(&BTreeMap::new());
    assert_eq!(
        (by_default.cleanup_delete, by_default.cleanup_compact),
        (false, true)
    );
    assert_eq!(by_default.segment_jitter_ms, 3_600_000);
    assert_eq!(
        (by_default.flush_messages, by_default.flush_ms),
        (10, i64::MAX)
    );
    let zstd = CompressionType::Zstd { level: 7 };
    assert_eq!(by_default.compression_type, zstd);

    let own = settings.topic_config(&pairs(&[
        ("cleanup.policy", "compact,delete"),
        ("min.cleanable.dirty.ratio", "0.1"),
        ("max.compaction.lag.ms", "60000"),
        ("compression.type", "gzip"),
        ("flush.ms", "0"),
    ]));
    assert!(own.cleanup_delete && own.cleanup_compact);
    assert_eq!(own.flush_ms, 0);
    assert_eq!(own.min_cleanable_dirty_ratio, 0.1);
    assert_eq!(own.max_compaction_lag_ms, 60_000);
    assert_eq!(own.compression_type, CompressionType::Gzip { level: -1 });
    let kept = settings.topic_config(&pairs(&[("cleanup.policy", "")]));
    assert!(!kept.cleanup_delete && !kept.cleanup_compact);
    let lags = |min_ms, max_ms| {
        settings.check_topic(&pairs(&[
            ("min.compaction.lag.ms", min_ms),
            ("max.compaction.lag.ms", max_ms),
        ]))
    };
    assert!(lags("5", "5").is_ok() && lags("6", "5").is_err());
}

#[test]
fn keys_removed_from_kafka_are_unknown() {
    for name in [
        "message.downconversion.enable",
        "message.format.version",
        "message.timestamp.difference.max.ms",
    ] {
        assert!(
            matches!(lookup(Scope::Topic, name), Err(ConfigError::Unknown { .. })),
            "{name}"
        );
    }
}

#[test]
fn broker_settings_are_checked_one_by_one_and_together() {
    let error = |given: &[(&str, &str)]| {
        BrokerSettings::parse(&pairs(given))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(&[("num.partition", "3")]),
        "unknown broker config 'num.partition'; did you mean 'num.partitions'?"
    );
    assert_eq!(
        error(&[("retention.ms", "3")]),
        "unknown broker config 'retention.ms'; did you mean 'log.retention.ms'?"
    );
    assert_eq!(
        error(&[("log.flush.interval.ms", "-3")]),
        "invalid value '-3' for config log.flush.interval.ms: expected a whole number of at least 0"
    );
    assert_eq!(
        error(&[("default.replication.factor", "3")]),
        "config default.replication.factor=3 is not supported by this broker; the only value it accepts is '1'"
    );
    assert_eq!(
        error(&[
            ("group.min.session.timeout.ms", "10"),
            ("group.max.session.timeout.ms", "9")
        ]),
        "group.min.session.timeout.ms (10) is above group.max.session.timeout.ms (9)"
    );
    assert_eq!(
        error(&[
            ("log.cleaner.min.compaction.lag.ms", "10"),
            ("log.cleaner.max.compaction.lag.ms", "9")
        ]),
        "min.compaction.lag.ms (10) is above max.compaction.lag.ms (9)"
    );
    assert_eq!(
        error(&[("group.consumer.session.timeout.ms", "6000")]),
        "group.consumer.min.session.timeout.ms (45000) is above group.consumer.session.timeout.ms (6000)"
    );
    assert_eq!(
        error(&[
            ("group.consumer.session.timeout.ms", "45000"),
            ("group.consumer.heartbeat.interval.ms", "50000"),
            ("group.consumer.max.heartbeat.interval.ms", "50000"),
        ]),
        "group.consumer.heartbeat.interval.ms (50000) is above group.consumer.session.timeout.ms (45000)"
    );
    assert_eq!(nearest(Scope::Broker, "node_id"), Some("node.id"));
}

#[test]
fn topics_are_described_with_sources_and_synonyms_in_kafkas_order() {
    let settings = broker(&[
        ("log.retention.hours", "1"),
        ("log.segment.bytes", "2097152"),
    ]);
    let all = settings.describe_topic(&pairs(&[("retention.ms", "5")]));
    assert!(all.is_sorted_by_key(|described| described.name));
    let find = |name: &str| all.iter().find(|described| described.name == name).unwrap();
    let synonyms = |name: &str| {
        find(name)
            .synonyms
            .iter()
            .map(|s| {
                format!(
                    "{:?}:{}={}",
                    s.source,
                    s.name,
                    s.value.as_deref().unwrap_or("null")
                )
            })
            .collect::<Vec<_>>()
    };

    let retention = find("retention.ms");
    assert_eq!(
        (retention.value.as_deref(), retention.source),
        (Some("5"), Source::Topic)
    );
    assert!(!retention.read_only);
    assert_eq!(
        synonyms("retention.ms"),
        [
            "Topic:retention.ms=5",
            "StaticBroker:log.retention.hours=1",
            "Default:log.retention.hours=168"
        ]
    );
    let segment = find("segment.bytes");
    assert_eq!(
        (segment.value.as_deref(), segment.source),
        (Some("2097152"), Source::StaticBroker)
    );
    assert_eq!(
        synonyms("segment.bytes"),
        [
            "StaticBroker:log.segment.bytes=2097152",
            "Default:log.segment.bytes=1073741824"
        ]
    );
    let policy = find("cleanup.policy");
    assert_eq!(
        (policy.value.as_deref(), policy.source),
        (Some("delete"), Source::Default)
    );
    assert_eq!(
        synonyms("cleanup.policy"),
        ["Default:log.cleanup.policy=delete"]
    );
}

#[test]
fn the_broker_is_described_with_sources() {
    let settings = broker(&[("num.partitions", "3")]);
    let all = settings.describe_broker();
    let find = |name: &str| all.iter().find(|described| described.name == name).unwrap();
    let partitions = find("num.partitions");
    assert_eq!(partitions.value.as_deref(), Some("3"));
    assert_eq!(partitions.source, Source::StaticBroker);
    assert!(partitions.read_only);
    assert_eq!(partitions.synonyms.len(), 2);
    let unset = find("log.retention.ms");
    assert_eq!(
        (unset.value.as_deref(), unset.source),
        (None, Source::Default)
    );
}

#[test]
fn the_documentation_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/CONFIGURATION.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs")).unwrap();
        std::fs::write(path, documentation()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == documentation(),
        "docs/CONFIGURATION.md is old: run UPDATE_DOCS=1 cargo test -p config"
    );
}
