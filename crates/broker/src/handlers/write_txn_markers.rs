//! WriteTxnMarkers (key 27), version 1: writes markers into logs, as a tool does that ends a transaction which nobody
//! else ends (KIP-664).
//!
//! - The coordinator is not asked: the marker is held to the epochs that the log knows. One of an older producer
//!   epoch gets INVALID_PRODUCER_EPOCH, one of an older coordinator epoch TRANSACTION_COORDINATOR_FENCED, and one of an
//!   epoch that no coordinator has had yet INVALID_REQUEST: it would fence the real one.
//! - Of the internal topics only that of groups has transactions; the others get INVALID_TOPIC_EXCEPTION.
//! - Nothing is answered before it is durable. With more than 10,000 partitions nothing is written:
//!   POLICY_VIOLATION.
//! - v2 (KIP-1228) is for brokers and not served.

use std::sync::Arc;

use model::{ErrorCode, ProducerEpoch, ProducerId};
use storage::Append;
use transactions::{ClientVersion, Marker, Outcome, Producer};
use wire::messages::write_txn_markers::{
    WritableTxnMarker, WritableTxnMarkerPartitionResult, WritableTxnMarkerResult,
    WritableTxnMarkerTopicResult, WriteTxnMarkersRequest, WriteTxnMarkersResponse,
};

use crate::context::RequestContext;
use crate::coordinator::OFFSETS_TOPIC;
use crate::journal::all_durable;
use crate::limits::CHANGES_PER_REQUEST_MAX;
use crate::{errors, record_batches};

/// Writes each marker into each of its partitions.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: WriteTxnMarkersRequest,
) -> WriteTxnMarkersResponse {
    let mut response = WriteTxnMarkersResponse::default();
    let topics = request.markers.iter().flat_map(|marker| &marker.topics);
    let count: usize = topics.map(|topic| topic.partition_indexes.len()).sum();
    let is_too_much = count > CHANGES_PER_REQUEST_MAX;
    for marker in &request.markers {
        let topics = marker.topics.iter().map(|topic| {
            let partitions = topic.partition_indexes.iter().map(|index| {
                let written = match is_too_much {
                    true => Err(ErrorCode::PolicyViolation),
                    false => write(&ctx, marker, &topic.name, *index),
                };
                WritableTxnMarkerPartitionResult {
                    partition_index: *index,
                    error_code: written.err().unwrap_or(ErrorCode::None).code(),
                }
            });
            WritableTxnMarkerTopicResult {
                name: topic.name.clone(),
                partitions: partitions.collect(),
            }
        });
        response.markers.push(WritableTxnMarkerResult {
            producer_id: marker.producer_id,
            topics: topics.collect(),
        });
    }
    // What is refused rests on what is there, which may not be durable either.
    if let Err(error) = all_durable(&ctx.broker).await {
        let markers = response.markers.iter_mut();
        let topics = markers.flat_map(|marker| &mut marker.topics);
        for partition in topics.flat_map(|topic| &mut topic.partitions) {
            partition.error_code = error.code();
        }
    }
    response
}

fn write(
    ctx: &RequestContext,
    asked: &WritableTxnMarker,
    topic: &str,
    index: i32,
) -> Result<(), ErrorCode> {
    let broker = &ctx.broker;
    if asked.producer_id < 0 || asked.producer_epoch < 0 {
        return Err(ErrorCode::InvalidRequest);
    }
    let ours = broker.storage.leader_epoch().0;
    if asked.coordinator_epoch > ours {
        return Err(ErrorCode::InvalidRequest);
    }
    let published = broker.metadata.published();
    let topic = published.topics.by_name(topic)?;
    let log = topic.log(index)?;
    let holds_groups = **topic.name() == *OFFSETS_TOPIC;
    if topic.is_internal() && !holds_groups {
        return Err(ErrorCode::InvalidTopicException);
    }
    let marker = Marker {
        topic: topic.name().clone(),
        partition: index,
        producer: Producer {
            id: ProducerId(asked.producer_id),
            epoch: ProducerEpoch(asked.producer_epoch),
        },
        outcome: match asked.transaction_result {
            true => Outcome::Commit,
            false => Outcome::Abort,
        },
        version: ClientVersion::One,
    };
    let now_ms = broker.env.clock.wall_ms();
    let batch = record_batches::marker(
        marker.producer,
        marker.outcome,
        asked.coordinator_epoch,
        now_ms,
    );
    let mode = Append::Marker { is_bumped: false };
    if holds_groups {
        let lock = broker.groups.lock_for_marker(index);
        let mut lock = lock.ok_or(ErrorCode::CoordinatorNotAvailable)?;
        let appended = Arc::clone(lock.log()).append(batch, mode);
        let appended = appended.map_err(errors::of_append)?;
        lock.settle(&marker, &appended);
        return Ok(());
    }
    log.append(batch, mode)
        .map(|_| ())
        .map_err(errors::of_append)
}
