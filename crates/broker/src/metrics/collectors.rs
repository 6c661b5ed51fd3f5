//! Numbers that other parts keep anyway, asked for when somebody looks.

use std::fmt;
use std::sync::{Arc, Weak};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use storage::{DURATION_BOUNDS_MICROSECONDS, DurationHistogram, StorageMetricsSnapshot};

use crate::broker::Broker;

/// What the broker's parts hold at the moment of the question.
pub(crate) struct BrokerCollector {
    /// Weak, because the broker owns the registry that owns this.
    broker: Weak<Broker>,
}

impl BrokerCollector {
    /// Asks this broker.
    pub(crate) fn new(broker: &Arc<Broker>) -> Self {
        Self {
            broker: Arc::downgrade(broker),
        }
    }
}

impl fmt::Debug for BrokerCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrokerCollector")
    }
}

impl Collector for BrokerCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let Some(broker) = self.broker.upgrade() else {
            return Ok(());
        };
        let published = broker.metadata.published();
        let topics = published.topics.iter().count() as u64;
        let partitions = published.topics.partition_count() as u64;
        gauge(
            &mut encoder,
            "topics",
            "Topics, internal ones included",
            topics,
        )?;
        gauge(
            &mut encoder,
            "partitions",
            "Partitions of all topics",
            partitions,
        )?;
        let damages = broker.health().len() as u64;
        let help = "Damaged places and failures that keep the broker from being ready";
        gauge(&mut encoder, "damages", help, damages)?;
        super::groups::encode(&mut encoder, &broker)?;
        storage(&mut encoder, &broker.storage.metrics())
    }
}

fn storage(encoder: &mut DescriptorEncoder, now: &StorageMetricsSnapshot) -> fmt::Result {
    for (name, help, value) in [
        (
            "wal_rounds",
            "Writes of rounds to the write-ahead log; a small round may be written again with more",
            now.rounds,
        ),
        (
            "wal_round_bytes",
            "Bytes of these writes, with padding",
            now.round_bytes,
        ),
        (
            "flushes",
            "Times that batches were moved to segments",
            now.flushes,
        ),
        (
            "flushed_bytes",
            "Bytes that were moved to segments",
            now.flushed_bytes,
        ),
        (
            "flush_failures",
            "Times that moving them failed",
            now.flush_failures,
        ),
        ("checkpoints", "Checkpoints written", now.checkpoints),
        (
            "compactions",
            "Times that a log was compacted",
            now.compactions,
        ),
        (
            "compaction_failures",
            "Times that compacting one failed",
            now.compaction_failures,
        ),
        (
            "compaction_read_bytes",
            "Bytes of batches that compaction has read",
            now.compaction_read_bytes,
        ),
        (
            "compaction_written_bytes",
            "Bytes of batches that compaction has written",
            now.compaction_written_bytes,
        ),
    ] {
        counter(encoder, name, help, value)?;
    }
    for (name, help, value) in [
        (
            "unflushed_bytes",
            "Bytes of batches in no segment yet",
            now.unflushed_bytes,
        ),
        (
            "cached_bytes",
            "Bytes kept in memory for readers",
            now.cached_bytes,
        ),
        (
            "wal_used_bytes",
            "Bytes of the write-ahead log in use",
            now.wal_used_bytes,
        ),
        ("wal_slots", "Slots of the write-ahead log", now.wal_slots),
        (
            "compaction_memory_bytes",
            "Memory for the keys of the log that is being compacted",
            now.compaction_memory_bytes,
        ),
        (
            "reserved_bytes",
            "Bytes reserved for requests under way",
            now.reserved_bytes,
        ),
    ] {
        gauge(encoder, name, help, value)?;
    }
    let help = "Time to write a round of the write-ahead log";
    histogram(encoder, "wal_write_seconds", help, &now.write_time)?;
    let help = "Time to force the write-ahead log to disk";
    histogram(encoder, "wal_fsync_seconds", help, &now.force_time)
}

fn counter(encoder: &mut DescriptorEncoder, name: &str, help: &str, value: u64) -> fmt::Result {
    encoder
        .encode_descriptor(name, help, None, MetricType::Counter)?
        .encode_counter::<NoLabelSet, _, u64>(&value, None)
}

fn gauge(encoder: &mut DescriptorEncoder, name: &str, help: &str, value: u64) -> fmt::Result {
    encoder
        .encode_descriptor(name, help, None, MetricType::Gauge)?
        .encode_gauge(&value)
}

fn histogram(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    times: &DurationHistogram,
) -> fmt::Result {
    let seconds = |microseconds: u64| microseconds as f64 / 1e6;
    let bounds = DURATION_BOUNDS_MICROSECONDS
        .iter()
        .map(|bound| seconds(*bound));
    let buckets: Vec<_> = bounds
        .chain(std::iter::once(f64::INFINITY))
        .zip(times.buckets)
        .collect();
    encoder
        .encode_descriptor(name, help, None, MetricType::Histogram)?
        .encode_histogram::<NoLabelSet>(
            seconds(times.sum_microseconds),
            times.count(),
            &buckets,
            None,
        )
}
