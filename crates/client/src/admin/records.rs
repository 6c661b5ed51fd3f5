//! Deleting records from the front of partitions.

use std::collections::{BTreeMap, BTreeSet};

use wire::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};

use super::partitions::fill_in;
use super::{ANY_VERSION, Admin};
use crate::error::{ClientError, Refusal};
use crate::offsets::{TopicPartition, by_topic};

/// Longest wait of a broker for the records to be gone, in ms.
const TIMEOUT_MS: i32 = 20_000;

/// The first offset that is left of a partition, or why nothing was deleted.
pub type Trimmed = Result<i64, Refusal>;

impl Admin {
    /// Deletes what lies below an offset of each partition.
    pub async fn delete_records(
        &mut self,
        offsets: &BTreeMap<TopicPartition, i64>,
    ) -> Result<BTreeMap<TopicPartition, Trimmed>, ClientError> {
        let partitions: BTreeSet<_> = offsets.keys().cloned().collect();
        let mut trimmed: BTreeMap<_, Trimmed> = BTreeMap::new();
        for (leader, wanted) in self.by_leader(&partitions, &mut trimmed).await? {
            let request = request(&wanted, offsets);
            let response = self.call_node(leader, &request, ANY_VERSION).await?;
            for topic in &response.topics {
                for partition in &topic.partitions {
                    let at = TopicPartition::new(topic.name.as_str(), partition.partition_index);
                    let checked = Refusal::check(partition.error_code, None);
                    trimmed.insert(at, checked.map(|()| partition.low_watermark));
                }
            }
        }
        fill_in(&mut trimmed, &partitions);
        Ok(trimmed)
    }
}

fn request(
    partitions: &[TopicPartition],
    offsets: &BTreeMap<TopicPartition, i64>,
) -> DeleteRecordsRequest {
    let wanted = partitions.iter().filter_map(|at| {
        let partition = DeleteRecordsPartition {
            partition_index: at.partition,
            offset: *offsets.get(at)?,
        };
        Some((at, partition))
    });
    let topics = by_topic(wanted).into_iter();
    DeleteRecordsRequest {
        topics: topics
            .map(|(name, partitions)| DeleteRecordsTopic { name, partitions })
            .collect(),
        timeout_ms: TIMEOUT_MS,
    }
}
