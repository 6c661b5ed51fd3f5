//! DeleteRecords (key 21), versions 0 to 2 (KIP-107): deletes what lies below an offset.
//!
//! - Offset -1 is the high watermark. Above it, or below -1: OFFSET_OUT_OF_RANGE. An offset at or below
//!   the log start deletes nothing and succeeds.
//! - A partition is answered when the new log start is durable: the records do not come back, and a
//!   fetch below it gets OFFSET_OUT_OF_RANGE. After `timeout_ms`: REQUEST_TIMED_OUT; the records go all
//!   the same.
//! - Topics that are only compacted: POLICY_VIOLATION. The broker's own: INVALID_TOPIC_EXCEPTION.
//! - A partition that is named twice is answered once, and the offset named last counts, as in Kafka.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use env::Monotonic;
use model::{ErrorCode, Offset};
use storage::{Durability, Log, Sequence};
use wire::Text;
use wire::messages::delete_records::{
    DeleteRecordsPartitionResult, DeleteRecordsRequest, DeleteRecordsResponse, DeleteRecordsTopic,
    DeleteRecordsTopicResult,
};

use crate::context::RequestContext;
use crate::errors;

/// The offset that stands for the high watermark.
const HIGH_WATERMARK: i64 = -1;

/// A partition whose log start has been moved, and the round that says so.
type Moved = Result<(Arc<Log>, Sequence), ErrorCode>;

/// Moves the log starts, all in one round if need be, then waits for it.
pub(crate) async fn handle(
    ctx: RequestContext,
    mut request: DeleteRecordsRequest,
) -> DeleteRecordsResponse {
    let timeout_ms = u64::try_from(request.timeout_ms).unwrap_or(0);
    let deadline = ctx.broker.env.clock.now() + Duration::from_millis(timeout_ms);
    name_each_once(&mut request.topics);
    let moved = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let moved = move_log_start(
                &ctx,
                &topic.name,
                partition.partition_index,
                partition.offset,
            );
            (partition.partition_index, moved)
        });
        let partitions: Vec<_> = partitions.collect();
        (topic.name, partitions)
    });
    let moved: Vec<(Text, Vec<(i32, Moved)>)> = moved.collect();
    let mut topics = Vec::with_capacity(moved.len());
    for (name, moved) in moved {
        let mut partitions = Vec::with_capacity(moved.len());
        for (partition_index, moved) in moved {
            let low_watermark = low_watermark(&ctx, moved, deadline).await;
            partitions.push(result(partition_index, low_watermark));
        }
        topics.push(DeleteRecordsTopicResult { name, partitions });
    }
    DeleteRecordsResponse {
        topics,
        ..DeleteRecordsResponse::default()
    }
}

/// Leaves one entry for each partition, with the offset that was named last.
fn name_each_once(topics: &mut [DeleteRecordsTopic]) {
    let mut last = HashMap::new();
    for topic in topics.iter() {
        for partition in &topic.partitions {
            let key = (topic.name.clone(), partition.partition_index);
            last.insert(key, partition.offset);
        }
    }
    for topic in topics {
        let name = &topic.name;
        topic.partitions.retain_mut(|partition| {
            let last = last.remove(&(name.clone(), partition.partition_index));
            partition.offset = last.unwrap_or(partition.offset);
            last.is_some()
        });
    }
}

fn move_log_start(ctx: &RequestContext, topic: &str, partition: i32, offset: i64) -> Moved {
    let published = ctx.broker.metadata.published();
    let topic = published.topics.by_name(topic)?;
    if topic.is_internal() {
        return Err(ErrorCode::InvalidTopicException);
    }
    let log = topic.log(partition)?;
    if !log.config().cleanup_delete {
        return Err(ErrorCode::PolicyViolation);
    }
    let offset = match offset {
        HIGH_WATERMARK => log.view().high_watermark,
        offset if offset < 0 => return Err(ErrorCode::OffsetOutOfRange),
        offset => Offset(offset),
    };
    let sequence = log
        .set_log_start(offset)
        .map_err(errors::of_set_log_start)?;
    Ok((Arc::clone(log), sequence))
}

/// Where the partition starts when its new log start is durable.
async fn low_watermark(
    ctx: &RequestContext,
    moved: Moved,
    deadline: Monotonic,
) -> Result<Offset, ErrorCode> {
    let (log, sequence) = moved?;
    ctx.broker
        .proven(sequence, Durability::Durable, deadline)
        .await?;
    Ok(log.view().log_start)
}

fn result(
    partition_index: i32,
    low_watermark: Result<Offset, ErrorCode>,
) -> DeleteRecordsPartitionResult {
    let (error, low_watermark) = match low_watermark {
        Ok(low_watermark) => (ErrorCode::None, low_watermark),
        Err(error) => (error, Offset::NONE),
    };
    DeleteRecordsPartitionResult {
        partition_index,
        low_watermark: low_watermark.0,
        error_code: error.code(),
    }
}
