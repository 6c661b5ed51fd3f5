//! From the settings of the broker and of topics to those of logs.

use std::collections::BTreeMap;
use std::time::Duration;

use config::{BrokerSettings, TopicConfig};
use metadata::Image;
use model::{LogId, TopicName};
use storage::{CompactionSettings, LogConfig};

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
        LogConfig {
            max_message_bytes: i32::MAX,
            // May be smaller than that of other topics.
            segment_bytes: i64::from(settings.offsets_topic_segment_bytes),
            ..of_topic(&settings.topic_config(&internal(settings)))
        }
    } else {
        of_topic(&settings.topic_config(configs))
    }
}

/// The settings that the broker's own topics have whatever the defaults of others are: their records stay
/// until newer ones replace them, and what is acknowledged is on disk. Nobody can change that.
pub(crate) fn internal(settings: &BrokerSettings) -> BTreeMap<String, String> {
    let own = [
        ("cleanup.policy", "compact".to_owned()),
        ("compression.type", "producer".to_owned()),
        ("flush.messages", "1".to_owned()),
        ("retention.ms", "-1".to_owned()),
        (
            "segment.bytes",
            settings.offsets_topic_segment_bytes.to_string(),
        ),
    ];
    own.map(|(name, value)| (name.to_owned(), value)).into()
}

/// How compaction works by the broker's settings.
pub(crate) fn compaction(settings: &BrokerSettings) -> CompactionSettings {
    let bytes = |setting: i64| u64::try_from(setting).unwrap_or(0);
    CompactionSettings {
        memory_bytes: bytes(settings.log_cleaner_dedupe_buffer_size),
        memory_load_factor: settings.log_cleaner_io_buffer_load_factor,
        io_bytes: bytes(settings.log_cleaner_io_buffer_size.into()),
        bytes_per_second: settings.log_cleaner_io_max_bytes_per_second,
        backoff: Duration::from_millis(bytes(settings.log_cleaner_backoff_ms)),
    }
}

/// The settings of a log of a topic that clients write to.
fn of_topic(config: &TopicConfig) -> LogConfig {
    LogConfig {
        max_message_bytes: config.max_message_bytes,
        cleanup_delete: config.cleanup_delete,
        cleanup_compact: config.cleanup_compact,
        delete_retention_ms: config.delete_retention_ms,
        min_cleanable_dirty_ratio: config.min_cleanable_dirty_ratio,
        min_compaction_lag_ms: config.min_compaction_lag_ms,
        max_compaction_lag_ms: config.max_compaction_lag_ms,
        retention_ms: config.retention_ms,
        retention_bytes: config.retention_bytes,
        segment_bytes: i64::from(config.segment_bytes),
        segment_ms: config.segment_ms,
        segment_jitter_ms: config.segment_jitter_ms,
        segment_index_bytes: config.segment_index_bytes,
        file_delete_delay_ms: config.file_delete_delay_ms,
        index_interval_bytes: config.index_interval_bytes,
        timestamp_type: match config.timestamp_type {
            config::TimestampType::CreateTime => storage::TimestampType::CreateTime,
            config::TimestampType::LogAppendTime => storage::TimestampType::LogAppendTime,
        },
        flush_messages: config.flush_messages,
        flush_ms: config.flush_ms,
    }
}
