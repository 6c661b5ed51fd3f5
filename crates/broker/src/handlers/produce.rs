//! Produce (key 0), versions 3 to 13: appends one batch to each partition named.
//!
//! - Stage one runs in the order of the connection: it checks the batches and appends them, which
//!   gives them their offsets. Stage two waits for the disk and answers. Many requests of one
//!   connection may be in stage two.
//! - acks=-1 is answered when the round is on disk, acks=1 when it is written; on a topic that is not
//!   strict both are answered when it is written. acks=0 is never answered: an error closes the
//!   connection, which is the only sign there is.
//! - A refused partition does not spoil the others. What a refusal depends on (the sequence of an
//!   earlier batch) is durable before it is told.
//! - When the disk does not come back within `timeout_ms`, the answer is REQUEST_TIMED_OUT; the records
//!   stay and may become visible.
//! - v7: zstd. v8: error messages (KIP-467). v10: the leader to turn to instead (KIP-951), of no use with
//!   one broker. v11: TRANSACTION_ABORTABLE (KIP-1050). v12: partitions join transactions by themselves (KIP-890).
//!   v13: topics by id (KIP-516).
//! - A topic with a codec of its own gets its batches recompressed, in stage one; the size counts before
//!   and after. A compacted topic refuses records without a key: INVALID_RECORD, with their numbers
//!   (v8, KIP-467), the first hundred of them; likewise INVALID_TIMESTAMP.
//! - The whole request counts against `producer_byte_rate` in stage one, so that a client that is over its
//!   quota is held back at once, however many requests it has under way.
//! - A transactional batch is appended only if its partition belongs to the producer's transaction
//!   (`transactional.rs`).

mod check;
mod records;
mod transactional;

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use config::CompressionType;
use env::Monotonic;
use model::{ErrorCode, Offset, TopicName};
use storage::{Append, Durability, Gathering, Log, Permit, Sequence};
use wire::Chunks;
use wire::messages::produce::{
    BatchIndexAndErrorMessage, PartitionProduceData, PartitionProduceResponse, ProduceRequest,
    ProduceResponse, TopicProduceData, TopicProduceResponse,
};

use self::check::{BatchRules, Checked, Refusal, checked_batch};
use self::transactional::TransactionalBatch;
use crate::context::RequestContext;
use crate::dispatch::{Answer, Stage, close_reason};
use crate::errors;
use crate::limits::RESERVED_AT_ONCE_BYTES_MAX;
use crate::topics::Topic;

/// The client id under which Kafka's own tools may write to internal topics.
const ADMIN_CLIENT_ID: &str = "__admin_client";

/// Stage one, at once if there is space for the bytes and after a wait for it otherwise.
pub(crate) fn handle(ctx: RequestContext, request: ProduceRequest) -> Stage<ProduceResponse> {
    let mut appending = Box::pin(append(ctx, request));
    let first_look = appending
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    match first_look {
        Poll::Ready(appended) if appended.is_proven() => Stage::Answered(appended.answer()),
        Poll::Ready(appended) => Stage::Done(Box::pin(appended.complete())),
        Poll::Pending => Stage::Blocked(Box::pin(async { appending.await.complete().await })),
    }
}

/// A request whose batches have their places in the log.
struct Appended {
    ctx: RequestContext,
    acks: Acks,
    deadline: Monotonic,
    throttle_time_ms: i32,
    topics: Vec<(TopicProduceResponse, Vec<Pending>)>,
    /// Held until the answer: the bytes of a request under way count against a budget.
    _space: Option<Permit>,
}

/// What a partition's answer waits for; `None` if it depends on nothing that is not durable.
type Pending = Option<(Sequence, Durability)>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Acks {
    None,
    Leader,
    All,
}

impl Acks {
    fn of(acks: i16) -> Option<Self> {
        match acks {
            0 => Some(Self::None),
            1 => Some(Self::Leader),
            -1 => Some(Self::All),
            _ => None,
        }
    }
}

/// Appends every batch that may be appended. Waits for space, and a request that brings much for the
/// disk.
async fn append(ctx: RequestContext, request: ProduceRequest) -> Appended {
    let now = ctx.broker.env.clock.now();
    let timeout_ms = u64::try_from(request.timeout_ms).unwrap_or(0);
    let acks = Acks::of(request.acks);
    let throttle_time_ms = ctx.charge_produced(ctx.request_bytes);
    let bytes = records_bytes(&request);
    let space = if bytes <= RESERVED_AT_ONCE_BYTES_MAX && !may_grow(&ctx, &request) {
        Some(ctx.broker.storage.reserve(bytes).await)
    } else {
        None
    };
    if acks.is_some() {
        transactional::join_together(&ctx, &request);
    }
    let mut way = match space {
        Some(_) => Way::Gathered(ctx.broker.storage.gather()),
        None => Way::Paced(Pace::default()),
    };
    let mut topics = Vec::with_capacity(request.topic_data.len());
    for topic in request.topic_data {
        let transactional_id = request.transactional_id.as_deref();
        topics.push(append_topic(&ctx, transactional_id, acks, topic, &mut way).await);
    }
    drop(way);
    Appended {
        acks: acks.unwrap_or(Acks::All),
        deadline: now + Duration::from_millis(timeout_ms),
        throttle_time_ms,
        topics,
        ctx,
        _space: space,
    }
}

/// Whether the broker compresses batches anew, so that they may become much larger than what was sent.
fn may_grow(ctx: &RequestContext, request: &ProduceRequest) -> bool {
    request.topic_data.iter().any(|topic| {
        let topic = writable_topic(ctx, topic);
        topic.is_ok_and(|topic| topic.config.compression_type != CompressionType::Producer)
    })
}

/// How the batches of a request are appended.
enum Way<'a> {
    /// All together, in space that is taken for all of them.
    Gathered(Gathering<'a>),
    Paced(Pace),
}

/// How a request is appended that is larger than the space, or may become so: batch by batch, each of
/// which takes its space alone, and never more ahead of the disk than a small request may bring.
#[derive(Debug, Default)]
struct Pace {
    /// What is appended and not known to be durable: then it is counted as unflushed.
    ahead_bytes: usize,
}

impl Pace {
    /// Waits until there is room for a batch. The permit is for as long as it is appended.
    async fn wait(&mut self, ctx: &RequestContext, bytes: usize) -> Permit {
        let storage = &ctx.broker.storage;
        if self.ahead_bytes > RESERVED_AT_ONCE_BYTES_MAX {
            // Why it is not becomes clear with the answer.
            let _ = storage.wait(storage.force_all(), Durability::Durable).await;
            self.ahead_bytes = 0;
        }
        self.ahead_bytes += bytes;
        storage.reserve(bytes).await
    }
}

fn records_bytes(request: &ProduceRequest) -> usize {
    let topics = request.topic_data.iter();
    let partitions = topics.flat_map(|topic| &topic.partition_data);
    let bytes =
        |partition: &PartitionProduceData| partition.records.as_ref().map_or(0, Chunks::len);
    partitions.map(bytes).sum()
}

async fn append_topic(
    ctx: &RequestContext,
    transactional_id: Option<&str>,
    acks: Option<Acks>,
    request: TopicProduceData,
    way: &mut Way<'_>,
) -> (TopicProduceResponse, Vec<Pending>) {
    let topic = writable_topic(ctx, &request);
    let mut partition_responses = Vec::with_capacity(request.partition_data.len());
    let mut pending = Vec::with_capacity(request.partition_data.len());
    for partition in request.partition_data {
        let index = partition.index;
        let checked = match (&topic, acks) {
            (_, None) => Err(Refused::now(ErrorCode::InvalidRequiredAcks)),
            (Err(error), Some(_)) => Err(Refused::now(*error)),
            (Ok(topic), Some(acks)) => check_partition(ctx, topic, partition)
                .map(|(log, checked)| (topic.name(), log, checked, acks)),
        };
        let outcome = match checked {
            Err(refused) => Err(refused),
            Ok((topic, log, checked, acks)) => {
                let _space = match way {
                    Way::Paced(pace) => Some(pace.wait(ctx, checked.bytes.len()).await),
                    Way::Gathered(_) => None,
                };
                append_batch(ctx, transactional_id, (topic, index), &log, checked, way)
                    .map(|appended| accepted(&log, index, acks, &appended))
                    .map_err(|error| Refused {
                        // The refusal may rest on a batch that is not durable yet.
                        pending: Some((ctx.broker.storage.force_all(), Durability::Durable)),
                        ..Refused::now(error)
                    })
            }
        };
        let (response, rests_on) = match outcome {
            Ok((response, rests_on)) => (response, Some(rests_on)),
            Err(refused) => (refused.response(index), refused.pending),
        };
        partition_responses.push(response);
        // What is never answered waits for nothing.
        pending.push(rests_on.filter(|_| acks != Some(Acks::None)));
    }
    let response = TopicProduceResponse {
        name: request.name,
        topic_id: request.topic_id,
        partition_responses,
    };
    (response, pending)
}

/// The topic, if clients may write to it.
fn writable_topic(
    ctx: &RequestContext,
    request: &TopicProduceData,
) -> Result<Arc<Topic>, ErrorCode> {
    let topics = &ctx.broker.metadata.published().topics;
    let topic = if ctx.version >= 13 {
        topics.by_id(request.topic_id)?
    } else {
        topics.by_name(&request.name)?
    };
    if topic.is_internal() && ctx.client_id() != ADMIN_CLIENT_ID {
        return Err(ErrorCode::InvalidTopicException);
    }
    Ok(Arc::clone(topic))
}

/// A partition that was refused, and what must be durable before that is told.
struct Refused {
    error: ErrorCode,
    message: Option<&'static str>,
    /// The records that are to blame, by their number in the batch.
    records: Vec<i32>,
    pending: Pending,
}

impl Refused {
    fn now(error: ErrorCode) -> Self {
        Self {
            error,
            message: None,
            records: Vec::new(),
            pending: None,
        }
    }

    fn response(&self, index: i32) -> PartitionProduceResponse {
        PartitionProduceResponse {
            index,
            error_code: self.error.code(),
            base_offset: Offset::NONE.0,
            error_message: self.message.map(Into::into),
            record_errors: self
                .records
                .iter()
                .map(|number| BatchIndexAndErrorMessage {
                    batch_index: *number,
                    // The message of the partition says it once for all of them.
                    batch_index_error_message: None,
                })
                .collect(),
            ..PartitionProduceResponse::default()
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            error: refusal.error,
            message: Some(refusal.message),
            records: refusal.records,
            pending: None,
        }
    }
}

/// The log, and the batch in the form in which it goes there.
fn check_partition(
    ctx: &RequestContext,
    topic: &Topic,
    request: PartitionProduceData,
) -> Result<(Arc<Log>, Checked), Refused> {
    let log = topic.log(request.index).map_err(Refused::now)?;
    let batch = request.records.map(Chunks::into_bytes).unwrap_or_default();
    let now_ms = ctx.broker.env.clock.wall_ms();
    let rules = BatchRules::of(&topic.config, ctx.version, now_ms);
    let checked = checked_batch(batch, &rules)?;
    Ok((Arc::clone(log), checked))
}

fn append_batch(
    ctx: &RequestContext,
    transactional_id: Option<&str>,
    (topic, index): (&TopicName, i32),
    log: &Arc<Log>,
    Checked {
        bytes,
        transactional,
    }: Checked,
    way: &mut Way<'_>,
) -> Result<storage::Appended, ErrorCode> {
    let Some(producer) = transactional else {
        let appended = match way {
            Way::Gathered(gathering) => gathering.append(log, bytes, Append::Produce),
            Way::Paced(_) => log.append(bytes, Append::Produce),
        };
        return appended.map_err(errors::of_append);
    };
    let batch = TransactionalBatch {
        transactional_id,
        producer,
        topic,
        index,
        log,
        bytes,
    };
    transactional::append(ctx, batch)
}

/// The answer for a batch that has its place, and what it waits for.
fn accepted(
    log: &Log,
    index: i32,
    acks: Acks,
    appended: &storage::Appended,
) -> (PartitionProduceResponse, (Sequence, Durability)) {
    let response = PartitionProduceResponse {
        index,
        base_offset: appended.base_offset.0,
        log_append_time_ms: appended.log_append_time_ms,
        log_start_offset: appended.log_start.0,
        ..PartitionProduceResponse::default()
    };
    let durability = match acks {
        Acks::All => log.ack_durability(),
        Acks::Leader | Acks::None => Durability::Written,
    };
    (response, (appended.sequence, durability))
}

impl Appended {
    /// Whether nothing that the answer rests on has to be waited for. A round of a relaxed topic is mostly written by who
    /// has appended it.
    fn is_proven(&self) -> bool {
        let storage = &self.ctx.broker.storage;
        let is_proven = |pending: &Pending| {
            pending.is_none_or(|(sequence, durability)| storage.has_reached(sequence, durability))
        };
        self.topics
            .iter()
            .all(|(_, pending)| pending.iter().all(is_proven))
    }

    /// Stage two: waits for the disk, then answers.
    async fn complete(mut self) -> Answer<ProduceResponse> {
        let broker = &self.ctx.broker;
        for (topic, pending) in &mut self.topics {
            for (partition, pending) in topic.partition_responses.iter_mut().zip(pending) {
                let Some((sequence, durability)) = pending.take() else {
                    continue;
                };
                let proven = broker.proven(sequence, durability, self.deadline).await;
                if let Err(error) = proven {
                    *partition = Refused::now(error).response(partition.index);
                }
            }
        }
        self.answer()
    }

    /// The answer, when nothing is to be waited for any more.
    fn answer(self) -> Answer<ProduceResponse> {
        if self.acks == Acks::None {
            return self.answer_unasked();
        }
        let responses = self.topics.into_iter().map(|(topic, _)| topic);
        Answer::Response(ProduceResponse {
            responses: responses.collect(),
            throttle_time_ms: self.throttle_time_ms,
            ..ProduceResponse::default()
        })
    }

    fn answer_unasked(&self) -> Answer<ProduceResponse> {
        let mut partitions = self
            .topics
            .iter()
            .flat_map(|(topic, _)| &topic.partition_responses);
        if partitions.all(|partition| partition.error_code == ErrorCode::None.code()) {
            Answer::Silence
        } else {
            Answer::Close(close_reason::UNACKNOWLEDGED_PRODUCE_FAILED)
        }
    }
}
