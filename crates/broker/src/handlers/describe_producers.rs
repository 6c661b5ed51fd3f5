//! DescribeProducers (key 61), version 0 (KIP-664): who produces to partitions, and whose transactions are open.
//!
//! - All producers that a partition remembers, in the order of their ids. The last timestamp is when the broker took the
//!   batch, or read it again at a start; in Kafka it is what the producer says.
//! - Answers when what it tells is durable. A partition that a request names again is not told again.

use std::collections::{BTreeMap, BTreeSet};

use model::ErrorCode;
use storage::ProducerView;
use wire::Text;
use wire::messages::describe_producers::{
    DescribeProducersRequest, DescribeProducersResponse, PartitionResponse, ProducerState,
    TopicResponse,
};

use crate::context::RequestContext;
use crate::journal::all_durable;
use crate::topics::Topics;

/// Describes the producers of each partition.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: DescribeProducersRequest,
) -> DescribeProducersResponse {
    let published = ctx.broker.metadata.published();
    let mut asked: BTreeMap<Text, BTreeSet<i32>> = BTreeMap::new();
    for topic in request.topics {
        let indexes = asked.entry(topic.name).or_default();
        indexes.extend(topic.partition_indexes);
    }
    let topics = asked.into_iter().map(|(name, indexes)| TopicResponse {
        partitions: indexes
            .into_iter()
            .map(|index| described(&published.topics, &name, index))
            .collect(),
        name,
    });
    let mut response = DescribeProducersResponse {
        topics: topics.collect(),
        ..DescribeProducersResponse::default()
    };
    // A log tells what was appended to it, committed or not.
    if let Err(error) = all_durable(&ctx.broker).await {
        let topics = response.topics.iter_mut();
        for partition in topics.flat_map(|topic| &mut topic.partitions) {
            *partition = failed(partition.partition_index, error);
        }
    }
    response
}

fn described(topics: &Topics, name: &str, index: i32) -> PartitionResponse {
    let log = topics.by_name(name).and_then(|topic| topic.log(index));
    match log {
        Ok(log) => PartitionResponse {
            partition_index: index,
            active_producers: log.producers().into_iter().map(state).collect(),
            ..PartitionResponse::default()
        },
        Err(error) => failed(index, error),
    }
}

fn failed(partition_index: i32, error: ErrorCode) -> PartitionResponse {
    PartitionResponse {
        partition_index,
        error_code: error.code(),
        ..PartitionResponse::default()
    }
}

fn state(producer: ProducerView) -> ProducerState {
    ProducerState {
        producer_id: producer.producer_id.0,
        producer_epoch: i32::from(producer.producer_epoch.0),
        last_sequence: producer.last_sequence,
        last_timestamp: producer.last_timestamp_ms,
        coordinator_epoch: producer.coordinator_epoch,
        current_txn_start_offset: producer.current_transaction_start_offset.0,
    }
}
