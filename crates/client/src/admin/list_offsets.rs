//! Offsets of partitions.

use std::collections::{BTreeMap, BTreeSet};

use wire::messages::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};

use super::{ANY_VERSION, Admin, Patience};
use crate::error::{ClientError, Refusal};
use crate::offsets::{Position, StartAt, TopicPartition, by_topic};

/// Kafka's numbers for special offsets, sent in place of a timestamp.
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;

/// "This is no follower", as requests write it.
const NO_REPLICA: i32 = -1;

/// An offset, or why there is none; `None` where no record is as late as the time asked for.
pub(super) type Found = Result<Option<i64>, Refusal>;

impl Admin {
    /// The offset at a position of each partition. Partitions without a leader, and those of
    /// topics that are gone, have a refusal.
    pub async fn offsets(
        &mut self,
        partitions: &BTreeSet<TopicPartition>,
        position: Position,
    ) -> Result<BTreeMap<TopicPartition, Found>, ClientError> {
        let patience = Patience::new();
        let mut found = BTreeMap::new();
        let mut missing = partitions.clone();
        loop {
            let answers = self.try_offsets(&missing, position).await?;
            missing = answers
                .iter()
                .filter(|(_, answer)| answer.as_ref().is_err_and(is_passing))
                .map(|(partition, _)| partition.clone())
                .collect();
            found.extend(answers);
            if missing.is_empty() || !patience.wait().await {
                return Ok(found);
            }
        }
    }

    async fn try_offsets(
        &mut self,
        partitions: &BTreeSet<TopicPartition>,
        position: Position,
    ) -> Result<BTreeMap<TopicPartition, Found>, ClientError> {
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
        // What an answer left out.
        for partition in partitions {
            let unknown = || Refusal::check(-1, None).map(|()| None);
            found.entry(partition.clone()).or_insert_with(unknown);
        }
        Ok(found)
    }

    /// Groups partitions by the node that leads them; those that cannot be asked for get their
    /// refusal in `found`.
    pub(super) async fn by_leader<T>(
        &mut self,
        partitions: &BTreeSet<TopicPartition>,
        found: &mut BTreeMap<TopicPartition, Result<T, Refusal>>,
    ) -> Result<BTreeMap<i32, Vec<TopicPartition>>, ClientError> {
        let names: BTreeSet<String> = partitions.iter().map(|at| at.topic.clone()).collect();
        let names: Vec<String> = names.into_iter().collect();
        let topics: BTreeMap<_, _> = self.topics(&names).await?.into_iter().collect();
        let mut by_leader: BTreeMap<i32, Vec<TopicPartition>> = BTreeMap::new();
        for at in partitions {
            let leader = match topics.get(&at.topic) {
                Some(Ok(topic)) => {
                    let mut all = topic.partitions.iter();
                    match all.find(|partition| partition.index == at.partition) {
                        Some(partition) => {
                            partition.leader.ok_or(model::ErrorCode::LeaderNotAvailable)
                        }
                        None => Err(model::ErrorCode::UnknownTopicOrPartition),
                    }
                    .map_err(Refusal::of)
                }
                Some(Err(refusal)) => Err(refusal.clone()),
                None => continue,
            };
            match leader {
                Ok(leader) => by_leader.entry(leader).or_default().push(at.clone()),
                Err(refusal) => {
                    found.insert(at.clone(), Err(refusal));
                }
            }
        }
        Ok(by_leader)
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
            let offset = |answers: &BTreeMap<TopicPartition, Found>| {
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

/// Whether asking again may bring an answer: a topic that does not exist will not appear.
pub(super) fn is_passing(refusal: &Refusal) -> bool {
    refusal.is_retriable() && !refusal.is(model::ErrorCode::UnknownTopicOrPartition)
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
