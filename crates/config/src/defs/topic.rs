//! Topic settings.

use crate::definition::{Definition, Kind, Synonym};
use crate::defs::MESSAGE_BYTES_MAX;

const fn same(name: &'static str) -> Synonym {
    Synonym { name, factor: 1 }
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const NO_LIMIT: &str = "9223372036854775807";

pub(crate) const CODECS: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];
pub(crate) const CLEANUP_POLICIES: &[&str] = &["delete", "compact"];
pub(crate) const TIMESTAMP_TYPES: &[&str] = &["CreateTime", "LogAppendTime"];

pub(crate) const TOPIC: &[Definition] = &[
    Definition::topic(
        "cleanup.policy",
        Kind::List,
        "delete",
        "What happens to old data: `delete` drops segments by age and size, `compact` keeps the last record of each key, both do both, and an empty list keeps everything.",
    )
    .one_of(CLEANUP_POLICIES)
    .acts()
    .synonyms(&[same("log.cleanup.policy")]),
    Definition::topic(
        "compression.gzip.level",
        Kind::Int,
        "-1",
        "Level when the broker itself compresses with gzip; -1 is the usual one.",
    )
    .between_or(1, 9, -1)
    .acts()
    .synonyms(&[same("compression.gzip.level")]),
    Definition::topic(
        "compression.lz4.level",
        Kind::Int,
        "9",
        "Level when the broker itself compresses with lz4, which has only this one here.",
    )
    .between(1, 17)
    .synonyms(&[same("compression.lz4.level")]),
    Definition::topic(
        "compression.type",
        Kind::String,
        "producer",
        "The codec of stored batches; `producer` keeps each batch as its producer compressed it.",
    )
    .one_of(CODECS)
    .acts()
    .synonyms(&[same("compression.type")]),
    Definition::topic(
        "compression.zstd.level",
        Kind::Int,
        "3",
        "Level when the broker itself compresses with zstd.",
    )
    .between(-131_072, 22)
    .acts()
    .synonyms(&[same("compression.zstd.level")]),
    Definition::topic(
        "delete.retention.ms",
        Kind::Long,
        "86400000",
        "How long a tombstone or the marker of a transaction stays after the first compaction that could have removed it.",
    )
    .at_least(0)
    .acts()
    .synonyms(&[same("log.cleaner.delete.retention.ms")]),
    Definition::topic(
        "file.delete.delay.ms",
        Kind::Long,
        "60000",
        "The wait between giving up a segment and removing its file. A full disk does not wait.",
    )
    .at_least(0)
    .acts()
    .synonyms(&[same("log.segment.delete.delay.ms")]),
    Definition::topic(
        "flush.messages",
        Kind::Long,
        "1",
        "Records between two forced writes. 1 makes the topic strict: what is acknowledged or shown is on disk. More make it relaxed: a power cut can take back the records since the last forced write, and consumers are told. Kafka's default is 9223372036854775807.",
    )
    .at_least(1)
    .acts()
    .synonyms(&[same("log.flush.interval.messages")]),
    Definition::topic(
        "flush.ms",
        Kind::Long,
        NO_LIMIT,
        "The longest time between two forced writes of a topic whose `flush.messages` is above 1. 0 makes it strict all the same.",
    )
    .at_least(0)
    .acts()
    .synonyms(&[same("log.flush.interval.ms")]),
    Definition::topic(
        "follower.replication.throttled.replicas",
        Kind::List,
        "",
        "Replicas whose fetching is throttled on the follower.",
    ),
    Definition::topic(
        "index.interval.bytes",
        Kind::Int,
        "4096",
        "Bytes of records between two entries of a segment's offset index.",
    )
    .at_least(0)
    .acts()
    .synonyms(&[same("log.index.interval.bytes")]),
    Definition::topic(
        "leader.replication.throttled.replicas",
        Kind::List,
        "",
        "Replicas whose fetching is throttled on the leader.",
    ),
    Definition::topic(
        "local.retention.bytes",
        Kind::Long,
        "-2",
        "How many bytes of a tiered log stay on the broker; -2 is as many as `retention.bytes`.",
    )
    .at_least(-2)
    .synonyms(&[same("log.local.retention.bytes")]),
    Definition::topic(
        "local.retention.ms",
        Kind::Long,
        "-2",
        "How long records of a tiered log stay on the broker; -2 is as long as `retention.ms`.",
    )
    .at_least(-2)
    .synonyms(&[same("log.local.retention.ms")]),
    Definition::topic(
        "max.compaction.lag.ms",
        Kind::Long,
        NO_LIMIT,
        "The time after which a segment is compacted however little of the log is dirty; also the age at which a new segment of a compacted topic begins.",
    )
    .at_least(1)
    .acts()
    .synonyms(&[same("log.cleaner.max.compaction.lag.ms")]),
    Definition::topic(
        "max.message.bytes",
        Kind::Int,
        "1048588",
        "The largest record batch, as it comes from the producer (compressed, with its header). At most 32 MiB here, so that a batch fits into one round of the write-ahead log.",
    )
    .between(0, MESSAGE_BYTES_MAX)
    .acts()
    .synonyms(&[same("message.max.bytes")]),
    Definition::topic(
        "message.timestamp.after.max.ms",
        Kind::Long,
        "3600000",
        "How far in the future the time of a record may lie when the producer sets it.",
    )
    .at_least(0)
    .acts()
    .synonyms(&[same("log.message.timestamp.after.max.ms")]),
    Definition::topic(
        "message.timestamp.before.max.ms",
        Kind::Long,
        NO_LIMIT,
        "How far in the past the time of a record may lie when the producer sets it.",
    )
    .at_least(0)
    .acts()
    .synonyms(&[same("log.message.timestamp.before.max.ms")]),
    Definition::topic(
        "message.timestamp.type",
        Kind::String,
        "CreateTime",
        "Whose time a record carries: the producer's (`CreateTime`) or the broker's at the append (`LogAppendTime`).",
    )
    .one_of(TIMESTAMP_TYPES)
    .acts()
    .synonyms(&[same("log.message.timestamp.type")]),
    Definition::topic(
        "min.cleanable.dirty.ratio",
        Kind::Double,
        "0.5",
        "The share of a log not yet compacted that makes compaction worth it.",
    )
    .fraction()
    .acts()
    .synonyms(&[same("log.cleaner.min.cleanable.ratio")]),
    Definition::topic(
        "min.compaction.lag.ms",
        Kind::Long,
        "0",
        "How long a record stays uncompacted at least, by its timestamp. Not above `max.compaction.lag.ms`.",
    )
    .at_least(0)
    .acts()
    .synonyms(&[same("log.cleaner.min.compaction.lag.ms")]),
    Definition::topic(
        "min.insync.replicas",
        Kind::Int,
        "1",
        "How many replicas must have a batch before `acks=all` is answered; there is one broker, and it answers when the batch is on disk.",
    )
    .at_least(1)
    .synonyms(&[same("min.insync.replicas")]),
    Definition::topic(
        "preallocate",
        Kind::Boolean,
        "false",
        "Whether segment files are made at their full size.",
    )
    .synonyms(&[same("log.preallocate")]),
    Definition::topic(
        "remote.log.copy.disable",
        Kind::Boolean,
        "false",
        "Whether a tiered log stops copying segments away.",
    ),
    Definition::topic(
        "remote.log.delete.on.disable",
        Kind::Boolean,
        "false",
        "Whether switching tiering off deletes the remote part.",
    ),
    Definition::topic(
        "remote.storage.enable",
        Kind::Boolean,
        "false",
        "Whether the log is tiered to remote storage.",
    ),
    Definition::topic(
        "retention.bytes",
        Kind::Long,
        "-1",
        "The size above which old segments of a partition are dropped; -1 is no limit. The segment being written is never dropped.",
    )
    .acts()
    .synonyms(&[same("log.retention.bytes")]),
    Definition::topic(
        "retention.ms",
        Kind::Long,
        "604800000",
        "The age at which segments are dropped, told by the largest timestamp in them; -1 is no limit.",
    )
    .at_least(-1)
    .acts()
    .synonyms(&[
        same("log.retention.ms"),
        Synonym { name: "log.retention.minutes", factor: MINUTE_MS },
        Synonym { name: "log.retention.hours", factor: HOUR_MS },
    ]),
    Definition::topic(
        "segment.bytes",
        Kind::Int,
        "1073741824",
        "The size at which a new segment begins.",
    )
    .at_least(1_048_576)
    .acts()
    .synonyms(&[same("log.segment.bytes")]),
    Definition::topic(
        "segment.index.bytes",
        Kind::Int,
        "10485760",
        "The size of a segment's index files at which a new segment begins.",
    )
    .at_least(4)
    .acts()
    .synonyms(&[same("log.index.size.max.bytes")]),
    Definition::topic(
        "segment.jitter.ms",
        Kind::Long,
        "0",
        "The random time taken off `segment.ms`.",
    )
    .at_least(0)
    .acts()
    .synonyms(&[
        same("log.roll.jitter.ms"),
        Synonym { name: "log.roll.jitter.hours", factor: HOUR_MS },
    ]),
    Definition::topic(
        "segment.ms",
        Kind::Long,
        "604800000",
        "The age at which a new segment begins even if the old one is not full, so that retention can act.",
    )
    .at_least(1)
    .acts()
    .synonyms(&[
        same("log.roll.ms"),
        Synonym { name: "log.roll.hours", factor: HOUR_MS },
    ]),
    Definition::topic(
        "unclean.leader.election.enable",
        Kind::Boolean,
        "false",
        "Whether a replica that is behind may become the leader.",
    )
    .synonyms(&[same("unclean.leader.election.enable")]),
];
