//! Reading records, through librdkafka.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaRespErr;
use tokio::sync::mpsc;

use crate::brokers::Brokers;
use crate::error::ClientError;
use crate::offsets::TopicPartition;
use crate::quiet::Quiet;

/// The group id of a consumer outside any group: librdkafka wants one, no broker gets to see it.
const NO_GROUP: &str = "ottla-without-group";

/// Longest wait for a group's committed offsets when partitions are assigned.
const COMMITTED_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait at the end for the group to take the last offsets and to let the member go.
const FINISH_TIMEOUT: Duration = Duration::from_secs(10);

/// How often what was stored is committed in the background.
const COMMIT_INTERVAL: Duration = Duration::from_secs(1);

/// A record that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Topic name.
    pub topic: String,
    /// Partition index.
    pub partition: i32,
    /// Offset within the partition.
    pub offset: i64,
    /// Timestamp in ms since the epoch, or -1.
    pub timestamp_ms: i64,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers, in order; names may repeat.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// How a consumer takes part in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// None: nothing is committed.
    None,
    /// Partitions come from the group's rebalances; offsets are committed to it.
    Member(String),
    /// Partitions are chosen by the caller; offsets are committed to the group, which must have no
    /// members then.
    Standalone(String),
}

/// Reads records from one cluster.
pub struct Consumer {
    inner: StreamConsumer<Context>,
    troubles: mpsc::UnboundedReceiver<Trouble>,
    commits: bool,
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Consumer")
    }
}

/// What a consumer has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A record.
    Record(Record),
    /// Something that passes or that librdkafka repairs by itself, such as a lost connection.
    Trouble(Trouble),
}

/// Something that passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What it is; the same for all that is of one kind.
    pub kind: String,
    /// The details, with addresses and counts.
    pub text: String,
}

impl Trouble {
    fn new(error: &KafkaError, text: &str) -> Self {
        let kind = match error.rdkafka_error_code() {
            Some(code) => code.to_string(),
            None => error.to_string(),
        };
        let text = text.to_owned();
        Self { kind, text }
    }
}

impl Consumer {
    /// Makes a consumer of `starts`: the offset at which to begin each partition where the group,
    /// if there is one, has none committed.
    pub fn new(
        brokers: &Brokers,
        membership: &Membership,
        starts: BTreeMap<TopicPartition, i64>,
    ) -> Result<Self, ClientError> {
        let (group, commits) = match membership {
            Membership::None => (NO_GROUP, false),
            Membership::Member(group) | Membership::Standalone(group) => (group.as_str(), true),
        };
        let (sender, troubles) = mpsc::unbounded_channel();
        let context = Context {
            starts,
            troubles: sender,
        };
        let inner: StreamConsumer<Context> = config(brokers, group, commits)
            .create_with_context(context)
            .map_err(|error| explain(&error))?;
        let this = Self {
            inner,
            troubles,
            commits,
        };
        this.begin(membership)?;
        Ok(this)
    }

    fn begin(&self, membership: &Membership) -> Result<(), ClientError> {
        let starts = &self.inner.context().starts;
        match membership {
            Membership::Member(_) => {
                let mut topics: Vec<&str> = starts.keys().map(|at| at.topic.as_str()).collect();
                topics.dedup();
                self.inner.subscribe(&topics)
            }
            Membership::None => list(starts).and_then(|list| self.inner.assign(&list)),
            Membership::Standalone(_) => list(starts).and_then(|mut list| {
                prefer_committed(&self.inner, &mut list)?;
                self.inner.assign(&list)
            }),
        }
        .map_err(|error| explain(&error))
    }

    /// Waits for the next record or word of trouble. Nothing is lost when the wait is given up.
    pub async fn next(&mut self) -> Result<Event, ClientError> {
        tokio::select! {
            biased;
            message = self.inner.recv() => match message {
                Ok(message) => Ok(Event::Record(record(&message))),
                // The same trouble has often been called back already, and in more words.
                Err(error) if passes(&error) => Ok(Event::Trouble(
                    self.troubles.try_recv().unwrap_or_else(|_| Trouble::new(&error, "")),
                )),
                Err(error) => Err(explain(&error)),
            },
            Some(trouble) = self.troubles.recv() => Ok(Event::Trouble(trouble)),
        }
    }

    /// Notes the offsets to read next. They are committed in the background, before partitions are
    /// given away, and by [`Consumer::finish`]. Partitions that are no longer assigned are passed
    /// over: another member reads them now.
    pub fn store(&self, next: &BTreeMap<TopicPartition, i64>) -> Result<(), ClientError> {
        if !self.commits || next.is_empty() {
            return Ok(());
        }
        match list(next).and_then(|list| self.inner.store_offsets(&list)) {
            Ok(()) | Err(KafkaError::StoreOffset(RDKafkaErrorCode::State)) => Ok(()),
            Err(error) => Err(explain(&error)),
        }
    }

    /// Commits what was noted, leaves the group and waits for both, but not for ever.
    pub async fn finish(self) -> Result<(), ClientError> {
        let Self { inner, commits, .. } = self;
        let finish = tokio::task::spawn_blocking(move || {
            let committed = match commits {
                true => inner.commit_consumer_state(CommitMode::Sync),
                false => Ok(()),
            };
            drop(inner);
            committed
        });
        match tokio::time::timeout(FINISH_TIMEOUT, finish).await {
            Ok(Ok(Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)))) => Ok(()),
            Ok(Ok(Err(error))) => Err(explain(&error)),
            Ok(Err(_)) | Err(_) if !commits => Ok(()),
            Ok(Err(_)) | Err(_) => Err(ClientError::Library(format!(
                "the group did not take the offsets of what was printed within {} s: it may be \
                 printed again",
                FINISH_TIMEOUT.as_secs()
            ))),
        }
    }
}

fn config(brokers: &Brokers, group: &str, commits: bool) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers.to_string())
        .set("client.id", crate::CLIENT_ID)
        .set("group.id", group)
        // What most clients offer, so that this one can join any group.
        .set("partition.assignment.strategy", "range,roundrobin")
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", commits.to_string())
        .set(
            "auto.commit.interval.ms",
            COMMIT_INTERVAL.as_millis().to_string(),
        )
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "false")
        .set("fetch.wait.max.ms", "500")
        // A terminal is slow: do not take more into memory than it can be shown.
        .set("queued.max.messages.kbytes", "16384")
        .set("socket.nagle.disable", "true");
    config
}

/// What librdkafka calls back into.
struct Context {
    starts: BTreeMap<TopicPartition, i64>,
    troubles: mpsc::UnboundedSender<Trouble>,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        Quiet.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // The receiver lives as long as the consumer; at its end nobody wants to know.
        let _ = self.troubles.send(Trouble::new(&error, reason));
    }
}

impl ConsumerContext for Context {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        cause: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let outcome = match cause {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                self.assign(consumer, partitions)
            }
            _ => consumer.unassign(),
        };
        if let Err(error) = outcome {
            let _ = self
                .troubles
                .send(Trouble::new(&error, "while partitions changed hands"));
        }
    }
}

impl Context {
    fn assign(
        &self,
        consumer: &BaseConsumer<Self>,
        partitions: &TopicPartitionList,
    ) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::with_capacity(partitions.count());
        for partition in partitions.elements() {
            let at = TopicPartition::new(partition.topic(), partition.partition());
            // A partition added since the start: from its first record.
            let start = self.starts.get(&at).copied();
            let start = start.map_or(Offset::Beginning, Offset::Offset);
            list.add_partition_offset(&at.topic, at.partition, start)?;
        }
        if let Err(error) = prefer_committed(consumer, &mut list) {
            // librdkafka asks again by itself, but then falls back to the first record.
            let _ = self
                .troubles
                .send(Trouble::new(&error, "while partitions changed hands"));
            list.set_all_offsets(Offset::Stored)?;
        }
        consumer.assign(&list)
    }
}

/// Replaces each offset by the group's own where it has one.
fn prefer_committed<C: rdkafka::consumer::Consumer<Context>>(
    consumer: &C,
    list: &mut TopicPartitionList,
) -> Result<(), KafkaError> {
    let committed = consumer.committed_offsets(list.clone(), COMMITTED_TIMEOUT)?;
    for partition in committed.elements() {
        partition.error()?;
        if let Offset::Offset(offset) = partition.offset() {
            list.set_partition_offset(
                partition.topic(),
                partition.partition(),
                Offset::Offset(offset),
            )?;
        }
    }
    Ok(())
}

fn list(offsets: &BTreeMap<TopicPartition, i64>) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::with_capacity(offsets.len());
    for (at, offset) in offsets {
        list.add_partition_offset(&at.topic, at.partition, Offset::Offset(*offset))?;
    }
    Ok(list)
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        let headers = headers.iter();
        headers
            .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
            .collect()
    });
    Record {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis().unwrap_or(-1),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers,
    }
}

/// Whether reading goes on after this error without anybody's help.
fn passes(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::RequestTimedOut
                | RDKafkaErrorCode::Resolve
                | RDKafkaErrorCode::CoordinatorLoadInProgress
                | RDKafkaErrorCode::CoordinatorNotAvailable
                | RDKafkaErrorCode::NotCoordinator
                | RDKafkaErrorCode::LeaderNotAvailable
                | RDKafkaErrorCode::NotLeaderForPartition
                | RDKafkaErrorCode::RebalanceInProgress
                | RDKafkaErrorCode::PollExceeded
                | RDKafkaErrorCode::AutoOffsetReset
                | RDKafkaErrorCode::KafkaStorageError
        )
    )
}

fn explain(error: &KafkaError) -> ClientError {
    ClientError::Library(match error {
        KafkaError::ConsumerCommit(code) => {
            format!("the group did not take the offsets of what was printed: {code}")
        }
        KafkaError::MessageConsumptionFatal(code) | KafkaError::MessageConsumption(code) => {
            format!("reading failed: {code}")
        }
        _ => match error.rdkafka_error_code() {
            Some(code) => code.to_string(),
            None => error.to_string(),
        },
    })
}
