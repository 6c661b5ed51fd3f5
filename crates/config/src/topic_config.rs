//! The settings of one topic, ready for use.

use std::collections::BTreeMap;

use crate::broker_settings::BrokerSettings;
use crate::value::{ConfigError, Value};

/// Who sets the time of a record (`message.timestamp.type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// The producer.
    #[default]
    CreateTime,
    /// The broker, when it appends the batch.
    LogAppendTime,
}

/// How batches are compressed in the log (`compression.type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CompressionType {
    /// As their producers have compressed them.
    #[default]
    Producer,
    /// Not at all.
    Uncompressed,
    /// With gzip; the level is -1 for the usual one.
    Gzip {
        /// `compression.gzip.level`.
        level: i32,
    },
    /// With Snappy.
    Snappy,
    /// With lz4.
    Lz4,
    /// With zstd.
    Zstd {
        /// `compression.zstd.level`.
        level: i32,
    },
}

/// The settings of one topic that act: its own ones over the broker's defaults. Made by
/// [`BrokerSettings::topic_config`].
#[derive(Clone, Debug, PartialEq)]
pub struct TopicConfig {
    /// `cleanup.policy` holds `delete`.
    pub cleanup_delete: bool,
    /// `cleanup.policy` holds `compact`.
    pub cleanup_compact: bool,
    /// `compression.type` and the levels.
    pub compression_type: CompressionType,
    /// `delete.retention.ms`: how long tombstones stay after they could go; not negative.
    pub delete_retention_ms: i64,
    /// `file.delete.delay.ms`: how long files stay after they were given up; not negative.
    pub file_delete_delay_ms: i64,
    /// `flush.messages`: records between two forced writes; at least 1.
    pub flush_messages: i64,
    /// `flush.ms`: time between two forced writes; not negative.
    pub flush_ms: i64,
    /// `index.interval.bytes`: bytes between two entries of the offset index; not negative.
    pub index_interval_bytes: i32,
    /// `max.compaction.lag.ms`: time after which records are compacted in any case; at least 1.
    pub max_compaction_lag_ms: i64,
    /// `max.message.bytes`: largest batch with its header; 0 to 32 MiB.
    pub max_message_bytes: i32,
    /// `message.timestamp.after.max.ms`: how far ahead a producer's timestamp may be; not negative.
    pub timestamp_after_max_ms: i64,
    /// `message.timestamp.before.max.ms`: how old a producer's timestamp may be; not negative.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `min.cleanable.dirty.ratio`: the share that makes compaction worth it; 0 to 1.
    pub min_cleanable_dirty_ratio: f64,
    /// `min.compaction.lag.ms`: how long records are not compacted; not negative.
    pub min_compaction_lag_ms: i64,
    /// `retention.bytes`: size of a partition above which segments are dropped; negative is no
    /// limit.
    pub retention_bytes: i64,
    /// `retention.ms`: age at which segments are dropped; -1 is no limit.
    pub retention_ms: i64,
    /// `segment.bytes`: size at which a new segment begins; at least 1 MiB.
    pub segment_bytes: i32,
    /// `segment.index.bytes`: size of the index at which a new segment begins; at least 4.
    pub segment_index_bytes: i32,
    /// `segment.jitter.ms`: how much is taken off `segment.ms` at most; not negative.
    pub segment_jitter_ms: i64,
    /// `segment.ms`: age at which a new segment begins; at least 1.
    pub segment_ms: i64,
}

impl BrokerSettings {
    /// The settings of a topic with these settings of its own. A stored setting that is no longer
    /// legal counts as not set: a log must open whatever an older version let in.
    pub fn topic_config(&self, overrides: &BTreeMap<String, String>) -> TopicConfig {
        let read = Reader {
            settings: self,
            overrides,
        };
        TopicConfig {
            cleanup_delete: read.has("cleanup.policy", "delete"),
            cleanup_compact: read.has("cleanup.policy", "compact"),
            compression_type: read.compression_type(),
            delete_retention_ms: read.long("delete.retention.ms"),
            file_delete_delay_ms: read.long("file.delete.delay.ms"),
            flush_messages: read.long("flush.messages"),
            flush_ms: read.long("flush.ms"),
            index_interval_bytes: read.int("index.interval.bytes"),
            max_compaction_lag_ms: read.long("max.compaction.lag.ms"),
            max_message_bytes: read.int("max.message.bytes"),
            timestamp_after_max_ms: read.long("message.timestamp.after.max.ms"),
            timestamp_before_max_ms: read.long("message.timestamp.before.max.ms"),
            timestamp_type: match read.text("message.timestamp.type").as_str() {
                "LogAppendTime" => TimestampType::LogAppendTime,
                _ => TimestampType::CreateTime,
            },
            min_cleanable_dirty_ratio: read.double("min.cleanable.dirty.ratio"),
            min_compaction_lag_ms: read.long("min.compaction.lag.ms"),
            retention_bytes: read.long("retention.bytes"),
            retention_ms: read.long("retention.ms"),
            segment_bytes: read.int("segment.bytes"),
            segment_index_bytes: read.int("segment.index.bytes"),
            segment_jitter_ms: read.long("segment.jitter.ms"),
            segment_ms: read.long("segment.ms"),
        }
    }

    /// Whether the settings of a topic, with these of its own, go together.
    pub fn check_topic(&self, overrides: &BTreeMap<String, String>) -> Result<(), ConfigError> {
        let config = self.topic_config(overrides);
        let (min_ms, max_ms) = (config.min_compaction_lag_ms, config.max_compaction_lag_ms);
        if min_ms > max_ms {
            return Err(ConfigError::Contradiction {
                message: format!(
                    "min.compaction.lag.ms ({min_ms}) is above max.compaction.lag.ms ({max_ms})"
                ),
            });
        }
        Ok(())
    }
}

/// Reads the values that hold for a topic.
struct Reader<'a> {
    settings: &'a BrokerSettings,
    overrides: &'a BTreeMap<String, String>,
}

impl Reader<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        self.settings.topic_value(self.overrides, name)
    }

    fn long(&self, name: &str) -> i64 {
        match self.value(name) {
            Some(Value::Number(number)) => number,
            _ => 0,
        }
    }

    fn int(&self, name: &str) -> i32 {
        i32::try_from(self.long(name)).unwrap_or(i32::MAX)
    }

    fn double(&self, name: &str) -> f64 {
        match self.value(name) {
            Some(Value::Double(number)) => number,
            _ => 0.0,
        }
    }

    fn text(&self, name: &str) -> String {
        match self.value(name) {
            Some(Value::Text(text)) => text,
            _ => String::new(),
        }
    }

    fn has(&self, name: &str, wanted: &str) -> bool {
        match self.value(name) {
            Some(Value::List(items)) => items.iter().any(|item| item == wanted),
            _ => false,
        }
    }

    fn compression_type(&self) -> CompressionType {
        match self.text("compression.type").as_str() {
            "uncompressed" => CompressionType::Uncompressed,
            "gzip" => CompressionType::Gzip {
                level: self.int("compression.gzip.level"),
            },
            "snappy" => CompressionType::Snappy,
            "lz4" => CompressionType::Lz4,
            "zstd" => CompressionType::Zstd {
                level: self.int("compression.zstd.level"),
            },
            _ => CompressionType::Producer,
        }
    }
}
