//! Broker settings about logs; most give the default of a topic setting.

use crate::definition::{Definition, Kind};
use crate::defs::MESSAGE_BYTES_MAX;
use crate::defs::topic::{CLEANUP_POLICIES, CODECS, TIMESTAMP_TYPES};

const NO_LIMIT: &str = "9223372036854775807";

pub(crate) const BROKER_LOG: &[Definition] = &[
    Definition::broker("compression.gzip.level", Kind::Int, "-1", "Default of the topic setting `compression.gzip.level`.")
        .between_or(1, 9, -1)
        .acts(),
    Definition::broker("compression.lz4.level", Kind::Int, "9", "Default of the topic setting `compression.lz4.level`.")
        .between(1, 17),
    Definition::broker("compression.type", Kind::String, "producer", "Default of the topic setting `compression.type`.")
        .one_of(CODECS)
        .acts(),
    Definition::broker("compression.zstd.level", Kind::Int, "3", "Default of the topic setting `compression.zstd.level`.")
        .between(-131_072, 22)
        .acts(),
    Definition::broker("log.cleaner.backoff.ms", Kind::Long, "15000", "The pause of compaction when there is nothing to do.")
        .at_least(0)
        .acts(),
    Definition::broker("log.cleaner.dedupe.buffer.size", Kind::Long, "134217728", "Memory of compaction for keys, in bytes; a key takes 24. Keys that do not fit are left to another round.")
        .at_least(1_048_576)
        .acts(),
    Definition::broker("log.cleaner.delete.retention.ms", Kind::Long, "86400000", "Default of the topic setting `delete.retention.ms`.")
        .at_least(0)
        .acts(),
    Definition::broker("log.cleaner.io.buffer.load.factor", Kind::Double, "0.9", "How full the key memory of compaction may get.")
        .fraction()
        .acts(),
    Definition::broker("log.cleaner.io.buffer.size", Kind::Int, "524288", "How much compaction reads at once, in bytes; one batch at least.")
        .at_least(0)
        .acts(),
    Definition::broker("log.cleaner.io.max.bytes.per.second", Kind::Double, "1.7976931348623157E308", "The most that compaction reads and writes in a second, in bytes.").acts(),
    Definition::broker("log.cleaner.max.compaction.lag.ms", Kind::Long, NO_LIMIT, "Default of the topic setting `max.compaction.lag.ms`.")
        .at_least(1)
        .acts(),
    Definition::broker("log.cleaner.min.cleanable.ratio", Kind::Double, "0.5", "Default of the topic setting `min.cleanable.dirty.ratio`.")
        .fraction()
        .acts(),
    Definition::broker("log.cleaner.min.compaction.lag.ms", Kind::Long, "0", "Default of the topic setting `min.compaction.lag.ms`.")
        .at_least(0)
        .acts(),
    Definition::broker("log.cleaner.threads", Kind::Int, "1", "Threads that compact.").at_least(0),
    Definition::broker("log.cleanup.policy", Kind::List, "delete", "Default of the topic setting `cleanup.policy`.")
        .one_of(CLEANUP_POLICIES)
        .acts(),
    Definition::broker("log.flush.interval.messages", Kind::Long, "1", "Default of the topic setting `flush.messages`. Kafka's is 9223372036854775807.")
        .at_least(1)
        .acts(),
    Definition::broker("log.flush.interval.ms", Kind::Long, "", "Default of the topic setting `flush.ms`.")
        .unset()
        .at_least(0)
        .acts(),
    Definition::broker("log.index.interval.bytes", Kind::Int, "4096", "Default of the topic setting `index.interval.bytes`.")
        .at_least(0)
        .acts(),
    Definition::broker("log.index.size.max.bytes", Kind::Int, "10485760", "Default of the topic setting `segment.index.bytes`.")
        .at_least(4)
        .acts(),
    Definition::broker("log.local.retention.bytes", Kind::Long, "-2", "Default of the topic setting `local.retention.bytes`.")
        .at_least(-2),
    Definition::broker("log.local.retention.ms", Kind::Long, "-2", "Default of the topic setting `local.retention.ms`.")
        .at_least(-2),
    Definition::broker("log.message.timestamp.after.max.ms", Kind::Long, "3600000", "Default of the topic setting `message.timestamp.after.max.ms`.")
        .at_least(0)
        .acts(),
    Definition::broker("log.message.timestamp.before.max.ms", Kind::Long, NO_LIMIT, "Default of the topic setting `message.timestamp.before.max.ms`.")
        .at_least(0)
        .acts(),
    Definition::broker("log.message.timestamp.type", Kind::String, "CreateTime", "Default of the topic setting `message.timestamp.type`.")
        .one_of(TIMESTAMP_TYPES)
        .acts(),
    Definition::broker("log.preallocate", Kind::Boolean, "false", "Default of the topic setting `preallocate`."),
    Definition::broker("log.retention.bytes", Kind::Long, "-1", "Default of the topic setting `retention.bytes`.").acts(),
    Definition::broker("log.retention.check.interval.ms", Kind::Long, "300000", "The time between two looks for segments that retention drops.")
        .at_least(1)
        .acts(),
    Definition::broker("log.retention.hours", Kind::Int, "168", "Default of the topic setting `retention.ms`, in hours, if neither `log.retention.ms` nor `log.retention.minutes` is set.")
        .at_least(-1)
        .acts(),
    Definition::broker("log.retention.minutes", Kind::Int, "", "Default of the topic setting `retention.ms`, in minutes, if `log.retention.ms` is not set.")
        .unset()
        .at_least(-1)
        .acts(),
    Definition::broker("log.retention.ms", Kind::Long, "", "Default of the topic setting `retention.ms`.")
        .unset()
        .at_least(-1)
        .acts(),
    Definition::broker("log.roll.hours", Kind::Int, "168", "Default of the topic setting `segment.ms`, in hours, if `log.roll.ms` is not set.")
        .at_least(1)
        .acts(),
    Definition::broker("log.roll.jitter.hours", Kind::Int, "0", "Default of the topic setting `segment.jitter.ms`, in hours, if `log.roll.jitter.ms` is not set.")
        .at_least(0)
        .acts(),
    Definition::broker("log.roll.jitter.ms", Kind::Long, "", "Default of the topic setting `segment.jitter.ms`.")
        .unset()
        .at_least(0)
        .acts(),
    Definition::broker("log.roll.ms", Kind::Long, "", "Default of the topic setting `segment.ms`.")
        .unset()
        .at_least(1)
        .acts(),
    Definition::broker("log.segment.bytes", Kind::Int, "1073741824", "Default of the topic setting `segment.bytes`.")
        .at_least(1_048_576)
        .acts(),
    Definition::broker("log.segment.delete.delay.ms", Kind::Long, "60000", "Default of the topic setting `file.delete.delay.ms`.")
        .at_least(0)
        .acts(),
    Definition::broker("message.max.bytes", Kind::Int, "1048588", "Default of the topic setting `max.message.bytes`.")
        .between(0, MESSAGE_BYTES_MAX)
        .acts(),
    Definition::broker("min.insync.replicas", Kind::Int, "1", "Default of the topic setting `min.insync.replicas`.").at_least(1),
    Definition::broker("producer.id.expiration.ms", Kind::Int, "86400000", "How long a partition remembers an idempotent producer after its last write.")
        .at_least(1)
        .acts(),
    Definition::broker("unclean.leader.election.enable", Kind::Boolean, "false", "Default of the topic setting `unclean.leader.election.enable`."),
    Definition::broker("wal.max.bytes", Kind::Long, "1073741824", "Ottla's own: the most that the files of the write-ahead log take together. A batch may be a thirty-second of it, and never more than 32 MiB.")
        .between(128 * 1024 * 1024, 1 << 40)
        .acts(),
    Definition::broker("memory.max.bytes", Kind::Long, "536870912", "Ottla's own: the most memory for records that are not yet in segments, are kept for readers, or wait to be sent.")
        .between(64 * 1024 * 1024, 1 << 44)
        .acts(),
];
