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

use env::Monotonic;
use model::{ErrorCode, Offset, TopicId};
use storage::{Append, Durability, Gathering, Log, Permit, Sequence};
use wire::messages::produce::{
    BatchIndexAndErrorMessage, PartitionProduceData, PartitionProduceResponse, ProduceRequest,
    ProduceResponse, TopicProduceData, TopicProduceResponse,
};
use wire::{Chunks, Text};

use self::check::{BatchRules, Checked, Refusal, checked_batch};
use self::transactional::TransactionalBatch;
use crate::broker::Broker;
use crate::context::RequestContext;
use crate::dispatch::{Answer, Stage, close_reason};
use crate::errors;
use crate::limits::RESERVED_AT_ONCE_BYTES_MAX;
use crate::metadata_store::Published;
use crate::topics::Topic;

/// The client id under which Kafka's own tools may write to internal topics.
const ADMIN_CLIENT_ID: &str = "__admin_client";

/// Stage one, at once if there is space for the bytes and after a wait for it otherwise.
pub(crate) fn handle(ctx: &RequestContext, request: ProduceRequest) -> Stage<ProduceResponse> {
    let timeout_ms = u64::try_from(request.timeout_ms).unwrap_or(0);
    let terms = Terms {
        acks: Acks::of(request.acks),
        deadline: ctx.received + Duration::from_millis(timeout_ms),
        throttle_time_ms: ctx.charge_produced(ctx.request_bytes),
    };
    let bytes = records_bytes(&request);
    let published = ctx.broker.metadata.published();
    if bytes > RESERVED_AT_ONCE_BYTES_MAX || may_grow(ctx, &published, &request) {
        return paced(ctx.clone(), terms, request);
    }
    match ctx.broker.storage.try_reserve(bytes) {
        Ok(space) => append_gathered(ctx, &published, terms, request, space).stage(&ctx.broker),
        Err(wait) => {
            let ctx = ctx.clone();
            Stage::Blocked(Box::pin(async move {
                let space = wait.await;
                let published = ctx.broker.metadata.published();
                let appended = append_gathered(&ctx, &published, terms, request, space);
                drop(published);
                appended.complete(ctx.broker).await
            }))
        }
    }
}

/// Stage one of a request whose batches take their space one by one.
fn paced(ctx: RequestContext, terms: Terms, request: ProduceRequest) -> Stage<ProduceResponse> {
    let broker = Arc::clone(&ctx.broker);
    let mut appending = Box::pin(append_paced(ctx, terms, request));
    let first_look = appending
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    match first_look {
        Poll::Ready(appended) => appended.stage(&broker),
        Poll::Pending => Stage::Blocked(Box::pin(async {
            let appended = appending.await;
            appended.complete(broker).await
        })),
    }
}

/// What the answer to a request depends on besides its batches.
struct Terms {
    /// `None` if what is asked for is not known.
    acks: Option<Acks>,
    deadline: Monotonic,
    throttle_time_ms: i32,
}

/// A request whose batches have their places in the log.
struct Appended {
    terms: Terms,
    responses: Vec<TopicProduceResponse>,
    /// For each partition of the responses, in their order.
    pending: Vec<Pending>,
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

/// Appends every batch that may be appended, in space that is taken for all of them.
fn append_gathered(
    ctx: &RequestContext,
    published: &Published,
    terms: Terms,
    request: ProduceRequest,
    space: Permit,
) -> Appended {
    if terms.acks.is_some() {
        transactional::join_together(ctx, published, &request);
    }
    let mut gathering = ctx.broker.storage.gather();
    let mut appended = Appended::none(terms, &request, Some(space));
    for asked in request.topic_data {
        let transactional_id = request.transactional_id.as_deref();
        let target = Target::of(ctx, published, &appended.terms, transactional_id, &asked);
        appended.begin(asked.name, asked.topic_id, asked.partition_data.len());
        for partition in asked.partition_data {
            let index = partition.index;
            let candidate = target.check(partition);
            let outcome = candidate.and_then(|candidate| candidate.append(Some(&mut gathering)));
            appended.note(index, outcome);
        }
    }
    appended
}

/// As [`append_gathered`], for a request that is larger than the space, or may become so: batch by
/// batch, each of which takes its space alone. Waits for that, and for the disk.
async fn append_paced(ctx: RequestContext, terms: Terms, request: ProduceRequest) -> Appended {
    let published = || ctx.broker.metadata.published();
    if terms.acks.is_some() {
        transactional::join_together(&ctx, &published(), &request);
    }
    let mut pace = Pace::default();
    let mut appended = Appended::none(terms, &request, None);
    for asked in request.topic_data {
        // Before it others may have waited for long.
        let published = published();
        let transactional_id = request.transactional_id.as_deref();
        let target = Target::of(&ctx, &published, &appended.terms, transactional_id, &asked);
        appended.begin(asked.name, asked.topic_id, asked.partition_data.len());
        for partition in asked.partition_data {
            let index = partition.index;
            let outcome = match target.check(partition) {
                Ok(candidate) => {
                    let _space = pace.wait(&ctx, candidate.checked.bytes.len()).await;
                    candidate.append(None)
                }
                Err(refused) => Err(refused),
            };
            appended.note(index, outcome);
        }
    }
    appended
}

/// Whether the broker compresses batches anew, so that they may become much larger than what was sent.
fn may_grow(ctx: &RequestContext, published: &Published, request: &ProduceRequest) -> bool {
    let recompresses = |topic: &TopicProduceData| {
        let topic = writable_topic(ctx, published, topic);
        topic.is_ok_and(Topic::recompresses)
    };
    published.topics.recompresses() && request.topic_data.iter().any(recompresses)
}

/// Sees to it that a large request is never more ahead of the disk than a small one may bring.
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

/// The topic, if clients may write to it.
fn writable_topic<'a>(
    ctx: &RequestContext,
    published: &'a Published,
    asked: &TopicProduceData,
) -> Result<&'a Topic, ErrorCode> {
    let topics = &published.topics;
    let topic = if ctx.version >= 13 {
        topics.by_id(asked.topic_id)?
    } else {
        topics.by_name(&asked.name)?
    };
    if topic.is_internal() && ctx.client_id() != ADMIN_CLIENT_ID {
        return Err(ErrorCode::InvalidTopicException);
    }
    Ok(topic)
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

/// Where the batches of a topic go.
struct Target<'a> {
    ctx: &'a RequestContext,
    transactional_id: Option<&'a str>,
    topic: Result<(&'a Topic, Acks), ErrorCode>,
}

/// A batch that may be appended as far as it can be told without its log.
struct Candidate<'a> {
    ctx: &'a RequestContext,
    transactional_id: Option<&'a str>,
    topic: &'a Topic,
    acks: Acks,
    index: i32,
    log: &'a Arc<Log>,
    checked: Checked,
}

/// The answer for a batch that has its place, and what it waits for.
type Accepted = (PartitionProduceResponse, (Sequence, Durability));

impl<'a> Target<'a> {
    fn of(
        ctx: &'a RequestContext,
        published: &'a Published,
        terms: &Terms,
        transactional_id: Option<&'a str>,
        asked: &TopicProduceData,
    ) -> Self {
        let acks = terms.acks.ok_or(ErrorCode::InvalidRequiredAcks);
        Self {
            ctx,
            transactional_id,
            topic: acks.and_then(|acks| Ok((writable_topic(ctx, published, asked)?, acks))),
        }
    }

    /// The batch in the form in which it goes to its log.
    fn check(&self, request: PartitionProduceData) -> Result<Candidate<'a>, Refused> {
        let (topic, acks) = self.topic.map_err(Refused::now)?;
        let log = topic.log(request.index).map_err(Refused::now)?;
        let batch = request.records.map(Chunks::into_bytes).unwrap_or_default();
        let now_ms = self.ctx.broker.env.clock.wall_ms();
        let rules = BatchRules::of(&topic.config, self.ctx.version, now_ms);
        Ok(Candidate {
            ctx: self.ctx,
            transactional_id: self.transactional_id,
            topic,
            acks,
            index: request.index,
            log,
            checked: checked_batch(batch, &rules)?,
        })
    }
}

impl Candidate<'_> {
    /// Appends it together with others, or alone.
    fn append(self, gathering: Option<&mut Gathering<'_>>) -> Result<Accepted, Refused> {
        let (index, log, bytes) = (self.index, self.log, self.checked.bytes);
        let appended = match (self.checked.transactional, gathering) {
            (Some(producer), _) => {
                let batch = TransactionalBatch {
                    transactional_id: self.transactional_id,
                    producer,
                    topic: self.topic.name(),
                    index,
                    log,
                    bytes,
                };
                transactional::append(self.ctx, batch)
            }
            (None, Some(gathering)) => gathering
                .append(log, bytes, Append::Produce)
                .map_err(errors::of_append),
            (None, None) => log
                .append(bytes, Append::Produce)
                .map_err(errors::of_append),
        };
        let appended = appended.map_err(|error| Refused {
            // The refusal may rest on a batch that is not durable yet.
            pending: Some((self.ctx.broker.storage.force_all(), Durability::Durable)),
            ..Refused::now(error)
        })?;
        let response = PartitionProduceResponse {
            index,
            base_offset: appended.base_offset.0,
            log_append_time_ms: appended.log_append_time_ms,
            log_start_offset: appended.log_start.0,
            ..PartitionProduceResponse::default()
        };
        let durability = match self.acks {
            Acks::All => log.ack_durability(),
            Acks::Leader | Acks::None => Durability::Written,
        };
        Ok((response, (appended.sequence, durability)))
    }
}

impl Appended {
    /// What nothing has been appended of yet.
    fn none(terms: Terms, request: &ProduceRequest, space: Option<Permit>) -> Self {
        let topics = &request.topic_data;
        let partitions = topics.iter().map(|topic| topic.partition_data.len()).sum();
        Self {
            terms,
            responses: Vec::with_capacity(topics.len()),
            pending: Vec::with_capacity(partitions),
            _space: space,
        }
    }

    /// Begins with the next topic.
    fn begin(&mut self, name: Text, topic_id: TopicId, partitions: usize) {
        self.responses.push(TopicProduceResponse {
            name,
            topic_id,
            partition_responses: Vec::with_capacity(partitions),
        });
    }

    /// Notes what became of the next partition of the topic.
    fn note(&mut self, index: i32, outcome: Result<Accepted, Refused>) {
        let (response, pending) = match outcome {
            Ok((response, pending)) => (response, Some(pending)),
            Err(refused) => (refused.response(index), refused.pending),
        };
        if let Some(topic) = self.responses.last_mut() {
            topic.partition_responses.push(response);
            // What is never answered waits for nothing.
            let is_answered = self.terms.acks != Some(Acks::None);
            self.pending.push(pending.filter(|_| is_answered));
        }
    }

    /// What is left to do when nothing has been waited for.
    fn stage(self, broker: &Arc<Broker>) -> Stage<ProduceResponse> {
        match self.is_proven(broker) {
            true => Stage::Answered(self.answer()),
            false => Stage::Done(Box::pin(self.complete(Arc::clone(broker)))),
        }
    }

    /// Whether nothing that the answer rests on has to be waited for. A round of a relaxed topic is mostly written by who
    /// has appended it.
    fn is_proven(&self, broker: &Broker) -> bool {
        let is_proven = |pending: &Pending| {
            pending.is_none_or(|(sequence, durability)| {
                broker.storage.has_reached(sequence, durability)
            })
        };
        self.pending.iter().all(is_proven)
    }

    /// Stage two: waits for the disk, then answers.
    async fn complete(mut self, broker: Arc<Broker>) -> Answer<ProduceResponse> {
        let topics = self.responses.iter_mut();
        let partitions = topics.flat_map(|topic| &mut topic.partition_responses);
        for (partition, pending) in partitions.zip(&self.pending) {
            let Some((sequence, durability)) = *pending else {
                continue;
            };
            let proven = broker
                .proven(sequence, durability, self.terms.deadline)
                .await;
            if let Err(error) = proven {
                *partition = Refused::now(error).response(partition.index);
            }
        }
        self.answer()
    }

    /// The answer, when nothing is to be waited for any more.
    fn answer(self) -> Answer<ProduceResponse> {
        if self.terms.acks == Some(Acks::None) {
            return self.answer_unasked();
        }
        Answer::Response(ProduceResponse {
            responses: self.responses,
            throttle_time_ms: self.terms.throttle_time_ms,
            ..ProduceResponse::default()
        })
    }

    fn answer_unasked(&self) -> Answer<ProduceResponse> {
        let topics = self.responses.iter();
        let mut partitions = topics.flat_map(|topic| &topic.partition_responses);
        if partitions.all(|partition| partition.error_code == ErrorCode::None.code()) {
            Answer::Silence
        } else {
            Answer::Close(close_reason::UNACKNOWLEDGED_PRODUCE_FAILED)
        }
    }
}
