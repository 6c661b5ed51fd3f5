//! Reading a topic as it is, with a consumer of its own that belongs to no group.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::content::{Identity, digest};
use crate::journal::Held;

/// How long nothing may come before reading is given up.
const IDLE_LIMIT: Duration = Duration::from_secs(60);
/// How long one question may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// The pause before a question is asked again.
const PAUSE: Duration = Duration::from_millis(20);
/// How long a poll waits: it is only asked again.
const POLL: Duration = Duration::from_millis(100);

/// All that a partition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The partition.
    pub partition: i32,
    /// The first offset.
    pub start: i64,
    /// The offset behind the last one.
    pub end: i64,
    /// The records.
    pub records: Vec<Held>,
}

/// What all clients of the workload have in common: they come back soon after a kill, and check
/// what they read.
pub fn client_config(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("client.id", "torture")
        .set("reconnect.backoff.ms", "20")
        .set("reconnect.backoff.max.ms", "200")
        .set("retry.backoff.ms", "20")
        .set("retry.backoff.max.ms", "200")
        .set("socket.nagle.disable", "true");
    config
}

/// A consumer's settings: everything there is, with its checksums.
pub fn consumer_config(bootstrap: &str, group: &str) -> ClientConfig {
    let mut config = client_config(bootstrap);
    config
        .set("group.id", group)
        .set("check.crcs", "true")
        .set("isolation.level", "read_uncommitted")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("allow.auto.create.topics", "false")
        .set("fetch.wait.max.ms", "100")
        .set("fetch.error.backoff.ms", "20")
        .set("queued.max.messages.kbytes", "8192");
    config
}

/// The record that a message is.
pub fn held(message: &BorrowedMessage<'_>) -> Held {
    let headers = message
        .headers()
        .into_iter()
        .flat_map(|headers| headers.iter());
    let identity = message.payload().and_then(Identity::of);
    Held {
        offset: message.offset(),
        producer: identity.map_or(Held::NOBODY, |identity| identity.producer),
        sequence: identity.map_or(0, |identity| identity.sequence),
        digest: digest(
            message.key(),
            headers.map(|header| (header.key, header.value)),
            message.payload(),
        ),
        timestamp: message.timestamp().to_millis().unwrap_or(-1),
    }
}

/// Reads a topic that nobody writes to from its first record to its end. Partitions that are not
/// there are not in the answer.
///
/// # Errors
///
/// When the broker does not answer, or gives no more records before the end that it names.
pub fn read_topic(bootstrap: &str, topic: &str, partitions: i32) -> anyhow::Result<Vec<Log>> {
    let consumer: BaseConsumer = consumer_config(bootstrap, "nobody").create()?;
    let there = partition_count(&consumer, topic)?.min(partitions);
    let mut logs = Vec::new();
    let mut list = TopicPartitionList::new();
    for partition in 0..there {
        let (start, end) = watermarks(&consumer, topic, partition)?;
        list.add_partition_offset(topic, partition, Offset::Offset(start))?;
        logs.push(Log {
            partition,
            start,
            end,
            records: Vec::new(),
        });
    }
    consumer.assign(&list)?;
    let mut idle_since = Instant::now();
    while let Some(behind) = logs.iter().find(|log| reached(log) < log.end) {
        ensure!(
            idle_since.elapsed() < IDLE_LIMIT,
            "{topic}-{} has records up to {}, but none comes after {}",
            behind.partition,
            behind.end,
            reached(behind)
        );
        match consumer.poll(POLL) {
            Some(Ok(message)) => {
                let log = logs
                    .iter_mut()
                    .find(|log| log.partition == message.partition());
                log.context("a partition of the topic")?
                    .records
                    .push(held(&message));
                idle_since = Instant::now();
            }
            // A broker that is killed meanwhile comes back: the limit is how long that takes.
            Some(Err(KafkaError::MessageConsumption(error))) if !is_final(error) => {}
            Some(Err(error)) => return Err(error.into()),
            None => {}
        }
    }
    for log in &mut logs {
        // Retention may have gone on while this was read.
        let (start, _) = watermarks(&consumer, topic, log.partition)?;
        log.start = start;
        log.records.retain(|held| held.offset >= start);
    }
    Ok(logs)
}

/// Whether no waiting helps.
fn is_final(error: rdkafka::error::RDKafkaErrorCode) -> bool {
    use rdkafka::error::RDKafkaErrorCode as Code;
    matches!(
        error,
        Code::BadMessage | Code::InvalidMessage | Code::UnknownTopic
    )
}

fn reached(log: &Log) -> i64 {
    log.records.last().map_or(log.start, |held| held.offset + 1)
}

fn partition_count(consumer: &BaseConsumer, topic: &str) -> anyhow::Result<i32> {
    let metadata = persevere(|| consumer.fetch_metadata(Some(topic), ANSWER_LIMIT))?;
    let topic = metadata
        .topics()
        .first()
        .context("the topic that was asked for")?;
    Ok(i32::try_from(topic.partitions().len())?)
}

fn watermarks(consumer: &BaseConsumer, topic: &str, partition: i32) -> anyhow::Result<(i64, i64)> {
    persevere(|| consumer.fetch_watermarks(topic, partition, ANSWER_LIMIT))
        .with_context(|| format!("the ends of {topic}-{partition}"))
}

/// The offsets that the consumer's group remembers, if the broker has an answer for all of them.
///
/// # Errors
///
/// When it has none, or not for each.
pub fn committed_offsets<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    partitions: &TopicPartitionList,
    limit: Duration,
) -> KafkaResult<TopicPartitionList> {
    let committed = consumer.committed_offsets(partitions.clone(), limit)?;
    committed
        .elements()
        .iter()
        .try_for_each(|one| one.error())?;
    Ok(committed)
}

/// Asks until there is an answer; a broker that was killed is back before the limit.
pub fn persevere<T>(mut ask: impl FnMut() -> Result<T, KafkaError>) -> anyhow::Result<T> {
    let began = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return Ok(answer),
            Err(error) if began.elapsed() > IDLE_LIMIT => bail!(error),
            Err(_) => std::thread::park_timeout(PAUSE),
        }
    }
}
