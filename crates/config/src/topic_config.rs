//! The settings of one topic, ready for use.

/// Who sets the time of a record (`message.timestamp.type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// The producer.
    #[default]
    CreateTime,
    /// The broker, when it appends the batch.
    LogAppendTime,
}

/// The settings of one topic that act: its own ones over the broker's defaults. Made by
/// [`crate::BrokerSettings::topic_config`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicConfig {
    /// `retention.ms`: age at which segments are dropped; -1 is no limit.
    pub retention_ms: i64,
    /// `retention.bytes`: size of a partition above which segments are dropped; negative is no
    /// limit.
    pub retention_bytes: i64,
    /// `segment.bytes`: size at which a new segment begins; at least 1 MiB.
    pub segment_bytes: i32,
    /// `segment.ms`: age at which a new segment begins; at least 1.
    pub segment_ms: i64,
    /// `max.message.bytes`: largest batch with its header; 0 to 32 MiB.
    pub max_message_bytes: i32,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`: how old a producer's timestamp may be; not negative.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`: how far ahead a producer's timestamp may be; not negative.
    pub timestamp_after_max_ms: i64,
    /// `index.interval.bytes`: bytes between two entries of the offset index; not negative.
    pub index_interval_bytes: i32,
}
