//! From the settings of the broker and of topics to those of logs.

use std::collections::BTreeMap;

use config::{BrokerSettings, TopicConfig};
use metadata::Image;
use model::{LogId, TopicName};
use storage::LogConfig;

/// What the broker was given at its start, with what requests have set since.
pub(crate) fn settings_of(image: &Image, start: &BrokerSettings) -> BrokerSettings {
    let all_brokers = image.broker_configs(None);
    start.with_changes(all_brokers, image.broker_configs(Some(start.node_id)))
}

/// The settings of every log that an image names. `start` is what the broker was given at its start.
pub(crate) fn live_logs(
    image: &Image,
    start: &BrokerSettings,
) -> impl Iterator<Item = (LogId, LogConfig)> {
    let settings = settings_of(image, start);
    image.topics().flat_map(move |topic| {
        let config = of(&topic.name, &topic.configs, &settings);
        topic
            .partitions
            .iter()
            .map(move |log| (*log, config.clone()))
    })
}

/// The settings of the logs of a topic with these settings of its own.
pub(crate) fn of(
    name: &TopicName,
    configs: &BTreeMap<String, String>,
    settings: &BrokerSettings,
) -> LogConfig {
    if metadata::is_internal(name) {
        LogConfig::internal()
    } else {
        of_topic(&settings.topic_config(configs))
    }
}

/// The settings of a log of a topic that clients write to. Topics are strict: `flush.messages` is 1.
fn of_topic(config: &TopicConfig) -> LogConfig {
    LogConfig {
        max_message_bytes: config.max_message_bytes,
        cleanup_delete: true,
        retention_ms: config.retention_ms,
        retention_bytes: config.retention_bytes,
        segment_bytes: i64::from(config.segment_bytes),
        segment_ms: config.segment_ms,
        index_interval_bytes: config.index_interval_bytes,
        timestamp_type: match config.timestamp_type {
            config::TimestampType::CreateTime => storage::TimestampType::CreateTime,
            config::TimestampType::LogAppendTime => storage::TimestampType::LogAppendTime,
        },
        flush_messages: 1,
        ..LogConfig::default()
    }
}
