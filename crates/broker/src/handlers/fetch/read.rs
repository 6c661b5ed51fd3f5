//! One look at every partition of a fetch, in request order and within its budgets.

use std::sync::Arc;

use chunks::Chunk;
use model::{ErrorCode, LeaderEpoch, Offset};
use storage::{DiskRead, Isolation, Log, LogView, Read, ReadBatches, ReadError};
use wire::Chunks;
use wire::messages::fetch::{
    AbortedTransaction, EpochEndOffset, FetchPartition, FetchRequest, FetchResponse, FetchTopic,
    FetchableTopicResponse, PartitionData,
};

use crate::context::RequestContext;
use crate::egress::Egress;
use crate::errors;
use crate::topics::{check_leader_epoch, isolation};

/// A fetch whose topics have been looked up.
pub(super) struct Fetch {
    isolation: Isolation,
    bytes_min: usize,
    bytes_max: usize,
    topics: Vec<TopicLogs>,
}

/// A topic of the request and the logs of the partitions that it names.
struct TopicLogs {
    request: FetchTopic,
    logs: Vec<Result<Arc<Log>, ErrorCode>>,
}

/// What one look has found.
pub(super) struct Pass {
    responses: Vec<FetchableTopicResponse>,
    bytes: usize,
    /// Whether there is a reason to answer now.
    pub(super) is_enough: bool,
}

impl Fetch {
    /// Looks the partitions up.
    pub(super) fn new(ctx: &RequestContext, request: FetchRequest) -> Self {
        let bytes_max = request
            .max_bytes
            .min(ctx.broker.settings.broker.fetch_max_bytes);
        let bytes_max = usize::try_from(bytes_max).unwrap_or(0);
        let bytes_max = bytes_max.min(ctx.fetchable_bytes());
        let bytes_min = usize::try_from(request.min_bytes).unwrap_or(0);
        let topics = request.topics.into_iter();
        Self {
            isolation: isolation(request.isolation_level),
            bytes_min: bytes_min.min(bytes_max),
            bytes_max,
            topics: topics.map(|topic| TopicLogs::of(ctx, topic)).collect(),
        }
    }

    /// The logs to wait for.
    pub(super) fn logs(&self) -> impl Iterator<Item = &Arc<Log>> {
        self.topics
            .iter()
            .flat_map(|topic| topic.logs.iter().flatten())
    }

    /// Reads every partition once.
    pub(super) async fn read(&self, ctx: &RequestContext) -> Pass {
        let mut pass = Pass {
            responses: Vec::with_capacity(self.topics.len()),
            bytes: 0,
            is_enough: self.topics.iter().all(|topic| topic.logs.is_empty()),
        };
        for topic in &self.topics {
            let mut partitions = Vec::with_capacity(topic.logs.len());
            for (request, log) in topic.request.partitions.iter().zip(&topic.logs) {
                let partition = self.read_partition(ctx, request, log, &mut pass).await;
                partitions.push(partition.unwrap_or_else(|error| {
                    pass.is_enough = true;
                    refused(request.partition, error)
                }));
            }
            pass.responses.push(FetchableTopicResponse {
                topic: topic.request.topic.clone(),
                topic_id: topic.request.topic_id,
                partitions,
            });
        }
        pass.is_enough |= pass.bytes >= self.bytes_min;
        pass
    }

    async fn read_partition(
        &self,
        ctx: &RequestContext,
        request: &FetchPartition,
        log: &Result<Arc<Log>, ErrorCode>,
        pass: &mut Pass,
    ) -> Result<PartitionData, ErrorCode> {
        let log = log.as_ref().map_err(|error| *error)?;
        let view = log.view();
        let current_leader_epoch = LeaderEpoch(request.current_leader_epoch);
        check_leader_epoch(current_leader_epoch, view.leader_epoch)?;
        if let Some(diverging_epoch) = diverging_epoch(log, request)? {
            pass.is_enough = true;
            return Ok(PartitionData {
                diverging_epoch,
                ..empty(request.partition, &view, self.isolation)
            });
        }
        let bytes_max = usize::try_from(request.partition_max_bytes).unwrap_or(0);
        let bytes_max = bytes_max.min(self.bytes_max.saturating_sub(pass.bytes));
        let at_least_one = pass.bytes == 0;
        let from = Offset(request.fetch_offset);
        let batches = match log.read(from, bytes_max, self.isolation, at_least_one) {
            Ok(Read::Ready(batches)) => batches.map(Chunk::from),
            Ok(Read::Disk(read)) => {
                // Old records are there for the reading: there is nothing to wait for.
                pass.is_enough = true;
                let found = match read.send_at_once() {
                    Some(batches) => Some(batches),
                    // In memory of its own, which few fetches need.
                    None => Box::pin(from_disk(ctx, read, bytes_max, pass)).await?,
                };
                let Some(batches) = found else {
                    // No memory for more: what has been read goes out first.
                    return Ok(empty(request.partition, &view, self.isolation));
                };
                batches
            }
            Err(error) => return Err(unreadable(ctx, error)),
        };
        pass.bytes += batches.bytes;
        Ok(self.data(request.partition, batches))
    }

    fn data(&self, partition_index: i32, batches: ReadBatches<Chunk>) -> PartitionData {
        let aborted = batches.aborted.iter().map(|aborted| AbortedTransaction {
            producer_id: aborted.producer_id.0,
            first_offset: aborted.first_offset.0,
        });
        let empty = empty(partition_index, &batches.view, self.isolation);
        PartitionData {
            aborted_transactions: empty.aborted_transactions.map(|_| aborted.collect()),
            records: Some(Chunks::from(batches.chunks)),
            ..empty
        }
    }
}

/// Reads where that may block; `None` if there is no memory for it.
async fn from_disk(
    ctx: &RequestContext,
    read: DiskRead,
    bytes_max: usize,
    pass: &Pass,
) -> Result<Option<ReadBatches<Chunk>>, ErrorCode> {
    let Some(egress) = egress(ctx, bytes_max, pass).await else {
        return Ok(None);
    };
    let batches = ctx.broker.read_disk(move || read.run_to_send()).await?;
    let mut batches = batches.map_err(|error| unreadable(ctx, error))?;
    batches.chunks = egress.attach(batches.chunks);
    Ok(Some(batches))
}

/// A topic that was deleted during a wait is unknown by what the request calls it.
fn unreadable(ctx: &RequestContext, error: ReadError) -> ErrorCode {
    match error {
        ReadError::Deleted if ctx.version >= 13 => ErrorCode::UnknownTopicId,
        error => errors::of_read(error),
    }
}

/// Memory for a read from disk. Waits for it only when this answer holds none, so that two answers
/// never wait for each other.
async fn egress(ctx: &RequestContext, bytes: usize, pass: &Pass) -> Option<Egress> {
    match pass.bytes {
        0 => ctx.broker.egress.take(bytes).await,
        _ => ctx.broker.egress.try_take(bytes),
    }
}

impl TopicLogs {
    fn of(ctx: &RequestContext, request: FetchTopic) -> Self {
        let topics = &ctx.broker.metadata.published().topics;
        let topic = if ctx.version >= 13 {
            topics.by_id(request.topic_id)
        } else {
            topics.by_name(&request.topic)
        };
        let logs = request
            .partitions
            .iter()
            .map(|partition| topic?.log(partition.partition).cloned())
            .collect();
        Self { request, logs }
    }
}

impl Pass {
    /// What was found, as an answer; nothing of it if the client has no quota left for it.
    pub(super) fn into_response(self, ctx: &RequestContext) -> FetchResponse {
        let (responses, throttle_time_ms) = match ctx.charge_fetched(self.bytes) {
            Ok(ms) => (self.responses, ms),
            Err(ms) => (Vec::new(), ms),
        };
        FetchResponse {
            responses,
            throttle_time_ms,
            ..FetchResponse::default()
        }
    }
}

/// A partition without records. They are empty and never null: some clients fail on null.
fn empty(partition_index: i32, view: &LogView, isolation: Isolation) -> PartitionData {
    PartitionData {
        partition_index,
        error_code: ErrorCode::None.code(),
        high_watermark: view.high_watermark.0,
        last_stable_offset: view.last_stable_offset.0,
        log_start_offset: view.log_start.0,
        aborted_transactions: match isolation {
            Isolation::ReadUncommitted => None,
            Isolation::ReadCommitted => Some(Vec::new()),
        },
        records: Some(Chunks::new()),
        ..PartitionData::default()
    }
}

fn refused(partition_index: i32, error: ErrorCode) -> PartitionData {
    PartitionData {
        partition_index,
        error_code: error.code(),
        high_watermark: Offset::NONE.0,
        last_stable_offset: Offset::NONE.0,
        log_start_offset: Offset::NONE.0,
        aborted_transactions: None,
        records: Some(Chunks::new()),
        ..PartitionData::default()
    }
}

/// Where the reader's history leaves ours (KIP-595), if it does: our end of the epoch that the
/// reader has read last lies before the offset that it wants to read.
fn diverging_epoch(
    log: &Log,
    request: &FetchPartition,
) -> Result<Option<EpochEndOffset>, ErrorCode> {
    if request.last_fetched_epoch < 0 {
        return Ok(None);
    }
    let (epoch, end) = log.end_offset_for_epoch(LeaderEpoch(request.last_fetched_epoch));
    if epoch == LeaderEpoch::UNKNOWN {
        return Err(ErrorCode::OffsetOutOfRange);
    }
    let diverges = epoch.0 < request.last_fetched_epoch || end.0 < request.fetch_offset;
    Ok(diverges.then_some(EpochEndOffset {
        epoch: epoch.0,
        end_offset: end.0,
    }))
}
