//! Producers as the logs of partitions know them, and the transactions that they have open there.

use std::collections::{BTreeMap, BTreeSet};

use model::ErrorCode;
use wire::Text;
use wire::messages::describe_producers::{
    DescribeProducersRequest, PartitionResponse, ProducerState, TopicRequest,
};
use wire::messages::write_txn_markers::{
    WritableTxnMarker, WritableTxnMarkerTopic, WriteTxnMarkersRequest,
};

use super::{ANY_VERSION, Admin, Outcome};
use crate::error::{ClientError, Refusal};
use crate::offsets::{TopicPartition, by_topic};

/// The most partitions that one request asks about.
const PARTITIONS_PER_REQUEST: usize = 500;

/// A producer that a partition remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveProducer {
    /// Producer id.
    pub producer_id: i64,
    /// Producer epoch.
    pub producer_epoch: i32,
    /// Epoch of the coordinator that wrote the last marker, if there was one.
    pub coordinator_epoch: Option<i32>,
    /// Sequence number of its last record; `None` where none is left.
    pub last_sequence: Option<i32>,
    /// When it wrote last, in ms since the epoch; `None` where that is not known.
    pub last_timestamp_ms: Option<i64>,
    /// Where its open transaction begins, if it has one.
    pub transaction_start_offset: Option<i64>,
}

/// The producers of partitions, or why they are not told.
pub type ActiveProducers = BTreeMap<TopicPartition, Result<Vec<ActiveProducer>, Refusal>>;

impl Admin {
    /// The producers that the leaders of partitions remember.
    pub async fn active_producers(
        &mut self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<ActiveProducers, ClientError> {
        let ask = async |admin: &mut Self, missing: &BTreeSet<TopicPartition>| {
            admin.try_active_producers(missing).await
        };
        self.until_told(partitions, ask).await
    }

    async fn try_active_producers(
        &mut self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<ActiveProducers, ClientError> {
        let mut found = ActiveProducers::new();
        for (leader, wanted) in self.by_leader(partitions, &mut found).await? {
            for some in wanted.chunks(PARTITIONS_PER_REQUEST) {
                let request = request(some);
                let response = self.call_node(leader, &request, ANY_VERSION).await?;
                for topic in &response.topics {
                    for partition in &topic.partitions {
                        let index = partition.partition_index;
                        let at = TopicPartition::new(topic.name.as_str(), index);
                        found.insert(at, producers(partition));
                    }
                }
            }
        }
        Ok(found)
    }

    /// Ends the transaction that a producer has open in a partition there and nowhere else, with a marker of its
    /// abortion. No coordinator is asked: one that is still going to end it finds it torn.
    pub async fn write_abort_marker(
        &mut self,
        at: &TopicPartition,
        producer: &ActiveProducer,
    ) -> Result<Outcome, ClientError> {
        let mut refused = BTreeMap::<_, Outcome>::new();
        let partitions = BTreeSet::from([at.clone()]);
        let leaders = self.by_leader(&partitions, &mut refused).await?;
        let Some(leader) = leaders.into_keys().next() else {
            let unknown = || Err(Refusal::of(ErrorCode::UnknownServerError));
            return Ok(refused.remove(at).unwrap_or_else(unknown));
        };
        let Ok(producer_epoch) = i16::try_from(producer.producer_epoch) else {
            return Ok(Err(Refusal::of(ErrorCode::InvalidProducerEpoch)));
        };
        let marker = WritableTxnMarker {
            producer_id: producer.producer_id,
            producer_epoch,
            transaction_result: false,
            topics: vec![WritableTxnMarkerTopic {
                name: Text::from(&at.topic),
                partition_indexes: vec![at.partition],
            }],
            // The first epoch where no coordinator has written yet: it is above that of none.
            coordinator_epoch: producer.coordinator_epoch.unwrap_or(0),
        };
        let request = WriteTxnMarkersRequest {
            markers: vec![marker],
        };
        let response = self.call_node(leader, &request, ANY_VERSION).await?;
        let topics = response.markers.iter().flat_map(|marker| &marker.topics);
        let partition = topics.flat_map(|topic| &topic.partitions).next();
        Ok(match partition {
            Some(partition) => Refusal::check(partition.error_code, None),
            None => Err(Refusal::of(ErrorCode::UnknownServerError)),
        })
    }
}

fn request(partitions: &[TopicPartition]) -> DescribeProducersRequest {
    let topics = by_topic(partitions.iter().map(|at| (at, at.partition))).into_iter();
    DescribeProducersRequest {
        topics: topics
            .map(|(name, partition_indexes)| TopicRequest {
                name,
                partition_indexes,
            })
            .collect(),
    }
}

fn producers(answer: &PartitionResponse) -> Result<Vec<ActiveProducer>, Refusal> {
    Refusal::check(answer.error_code, answer.error_message.as_deref())?;
    Ok(answer.active_producers.iter().map(producer).collect())
}

fn producer(state: &ProducerState) -> ActiveProducer {
    ActiveProducer {
        producer_id: state.producer_id,
        producer_epoch: state.producer_epoch,
        coordinator_epoch: (state.coordinator_epoch >= 0).then_some(state.coordinator_epoch),
        last_sequence: (state.last_sequence >= 0).then_some(state.last_sequence),
        last_timestamp_ms: (state.last_timestamp >= 0).then_some(state.last_timestamp),
        transaction_start_offset: (state.current_txn_start_offset >= 0)
            .then_some(state.current_txn_start_offset),
    }
}
