//! Folding the logs of `__consumer_offsets` at the start.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use groups::{Coordinator, GroupSettings, RecordError};
use model::{ErrorCode, TopicName};
use storage::{Isolation, Log, Read, ReadError};
use wire::batch::BatchView;

use super::partition::Partition;
use super::timer::Timer;
use crate::broker::Broker;
use crate::limits::GROUP_LOAD_BYTES;
use crate::record_batches;
use crate::topics::Topic;

/// Why a partition's groups are not known.
#[derive(Debug)]
enum LoadError {
    /// The log is damaged, and what can be read of it may be older than what was acknowledged.
    Damaged,
    /// The log cannot be read.
    Read(ReadError),
    /// A batch in it is malformed.
    Batch(String),
    /// A record in it is.
    Record(RecordError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged => f.write_str("the log is damaged"),
            Self::Read(error) => error.fmt(f),
            Self::Batch(message) => f.write_str(message),
            Self::Record(error) => error.fmt(f),
        }
    }
}

/// Loads all partitions. Blocks while it reads. A partition that cannot be read answers for none of
/// its groups; the others do.
pub(super) fn load(
    broker: &Arc<Broker>,
    topic: &Topic,
    settings: &GroupSettings,
    timer: &Arc<Timer>,
) -> Result<Vec<Arc<Partition>>, ErrorCode> {
    let mut partitions = Vec::with_capacity(topic.partition_count());
    for index in (0..).take(topic.partition_count()) {
        let log = topic.log(index)?;
        let coordinator = match fold(broker, log, settings) {
            Ok(coordinator) => Some(coordinator),
            Err(error) => {
                tracing::error!(partition = index, log = %log.id(), %error, "groups are not known");
                None
            }
        };
        let gone = coordinator.as_ref().map(|c| topics_gone(broker, c));
        let partition = Partition::new(Arc::clone(log), broker, Arc::clone(timer), coordinator);
        for name in gone.into_iter().flatten() {
            partition.delete_topic(&name);
        }
        partitions.push(Arc::new(partition));
    }
    Ok(partitions)
}

fn fold(
    broker: &Arc<Broker>,
    log: &Arc<Log>,
    settings: &GroupSettings,
) -> Result<Coordinator, LoadError> {
    if log.is_quarantined() || log.lacks_end() {
        return Err(LoadError::Damaged);
    }
    let mut coordinator = Coordinator::new(settings.clone());
    let view = log.view();
    let mut from = view.log_start;
    while from < view.high_watermark {
        let read = log.read(from, GROUP_LOAD_BYTES, Isolation::ReadUncommitted, true);
        let batches = match read.map_err(LoadError::Read)? {
            Read::Ready(batches) => batches,
            Read::Disk(read) => read.run().map_err(LoadError::Read)?,
        };
        let before = from;
        for mut chunk in batches.chunks {
            while !chunk.is_empty() {
                let (batch, _) = BatchView::parse(&chunk)
                    .map_err(|error| LoadError::Batch(error.to_string()))?;
                let (batch_bytes, next) = (batch.size_bytes(), batch.next_offset());
                let batch = chunk.split_to(batch_bytes);
                let records = record_batches::records(&batch).map_err(LoadError::Batch)?;
                for (key, value) in records {
                    coordinator
                        .replay(&key.unwrap_or_default(), value)
                        .map_err(LoadError::Record)?;
                }
                from = next;
            }
        }
        if from <= before {
            return Err(LoadError::Batch("the log ends before its end".to_owned()));
        }
    }
    coordinator
        .finish_replay(broker.env.clock.now().0)
        .map_err(LoadError::Record)?;
    Ok(coordinator)
}

/// Topics that have offsets and are not there any more: the broker stopped between a deletion and
/// what follows from it.
fn topics_gone(broker: &Arc<Broker>, coordinator: &Coordinator) -> BTreeSet<TopicName> {
    let published = broker.metadata.published();
    if published.topics.may_lack() {
        return BTreeSet::new();
    }
    coordinator
        .offsets()
        .map(|(_, topic, _, _)| topic)
        .filter(|topic| published.topics.by_name(topic).is_err())
        .cloned()
        .collect()
}
