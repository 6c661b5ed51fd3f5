//! Offsets of partitions.

use std::collections::{BTreeMap, BTreeSet};

use wire::messages::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};

use super::partitions::Answers;
use super::{ANY_VERSION, Admin};
use crate::error::{ClientError, Refusal};
use crate::offsets::{Position, StartAt, TopicPartition, by_topic};

/// Kafka's numbers for special offsets, sent in place of a timestamp.
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;

/// "This is no follower", as requests write it.
const NO_REPLICA: i32 = -1;

/// Offsets; `None` where no record is as late as the time asked for.
type Found = Answers<Option<i64>>;

impl Admin {
    /// The offset at a position of each partition. Partitions without a leader, and those of
    /// topics that are gone, have a refusal.
    pub async fn offsets(
        &mut self,
        partitions: &BTreeSet<TopicPartition>,
        position: Position,
    ) -> Result<Found, ClientError> {
        let ask = async |admin: &mut Self, missing: &BTreeSet<TopicPartition>| {
            admin.try_offsets(missing, position).await
        };
        self.until_told(partitions, ask).await
    }

    async fn try_offsets(
        &mut self,
        partitions: &BTreeSet<TopicPartition>,
        position: Position,
    ) -> Result<Found, ClientError> {
        let mut found = BTreeMap::new();
        for (leader, wanted) in self.by_leader(partitions, &mut found).await? {
            let request = request(&wanted, position);
            let response = self.call_node(leader, &request, ANY_VERSION).await?;
            for topic in &response.topics {
                for partition in &topic.partitions {
                    let at = TopicPartition::new(topic.name.as_str(), partition.partition_index);
                    let offset = (partition.offset >= 0).then_some(partition.offset);
                    let checked = Refusal::check(partition.error_code, None);
                    found.insert(at, checked.map(|()| offset));
                }
            }
        }
        Ok(found)
    }

    /// Where to begin reading each partition; a partition that cannot be read is an error.
    pub async fn resolve(
        &mut self,
        partitions: &BTreeSet<TopicPartition>,
        at: StartAt,
    ) -> Result<BTreeMap<TopicPartition, i64>, ClientError> {
        let starts = self.offsets(partitions, Position::Start).await?;
        let ends = self.offsets(partitions, Position::End).await?;
        let asked = match at {
            StartAt::Position(Position::Time(time)) => {
                self.offsets(partitions, Position::Time(time)).await?
            }
            StartAt::Position(Position::Start) => starts.clone(),
            _ => ends.clone(),
        };
        let mut resolved = BTreeMap::new();
        for partition in partitions {
            let offset = |answers: &Found| {
                let answer = answers.get(partition).cloned();
                answer.unwrap_or_else(|| Refusal::check(-1, None).map(|()| None))
            };
            let start = offset(&starts)?.unwrap_or_default();
            let end = offset(&ends)?.unwrap_or(start);
            let found = offset(&asked)?.unwrap_or(end);
            resolved.insert(partition.clone(), at.resolve(start, end, found));
        }
        Ok(resolved)
    }
}

fn request(partitions: &[TopicPartition], position: Position) -> ListOffsetsRequest {
    let timestamp = match position {
        Position::Start => EARLIEST,
        Position::End => LATEST,
        Position::Time(time) => time,
    };
    let wanted = partitions.iter().map(|at| {
        let partition = ListOffsetsPartition {
            partition_index: at.partition,
            timestamp,
            ..ListOffsetsPartition::default()
        };
        (at, partition)
    });
    let topics = by_topic(wanted).into_iter();
    ListOffsetsRequest {
        replica_id: NO_REPLICA,
        topics: topics
            .map(|(name, partitions)| ListOffsetsTopic { name, partitions })
            .collect(),
        ..ListOffsetsRequest::default()
    }
}
