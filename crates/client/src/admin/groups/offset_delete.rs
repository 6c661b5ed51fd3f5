//! Deleting offsets that a group has committed.

use std::collections::{BTreeMap, BTreeSet};

use model::ErrorCode;
use wire::Text;
use wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
    OffsetDeleteResponse,
};

use super::super::coordinators::Coordinated;
use super::super::{ANY_VERSION, Admin, Outcome};
use crate::error::{ClientError, Refusal};
use crate::offsets::{TopicPartition, by_topic};

impl Admin {
    /// Deletes the offsets of a group for these partitions; one without an offset succeeds. An error of
    /// the group as a whole is an error of the call.
    pub async fn delete_offsets(
        &mut self,
        group: &str,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<BTreeMap<TopicPartition, Outcome>, ClientError> {
        let request = OffsetDeleteRequest {
            group_id: Text::from(group),
            topics: topics(partitions),
        };
        let code = |response: &OffsetDeleteResponse| response.error_code;
        let (_, response) = self
            .call_coordinator(&Coordinated::group(group), &request, ANY_VERSION, code)
            .await?;
        Refusal::check(response.error_code, None)?;
        let mut outcomes = BTreeMap::new();
        for topic in &response.topics {
            for partition in &topic.partitions {
                let at = TopicPartition::new(topic.name.as_str(), partition.partition_index);
                outcomes.insert(at, Refusal::check(partition.error_code, None));
            }
        }
        // What an answer left out.
        for at in partitions {
            let unknown = || Err(Refusal::of(ErrorCode::UnknownServerError));
            outcomes.entry(at.clone()).or_insert_with(unknown);
        }
        Ok(outcomes)
    }
}

fn topics(partitions: &BTreeSet<TopicPartition>) -> Vec<OffsetDeleteRequestTopic> {
    let wanted = partitions.iter().map(|at| {
        let partition = OffsetDeleteRequestPartition {
            partition_index: at.partition,
        };
        (at, partition)
    });
    let topics = by_topic(wanted).into_iter();
    topics
        .map(|(name, partitions)| OffsetDeleteRequestTopic { name, partitions })
        .collect()
}
