//! What is asked about partitions, each at the node that leads it.

use std::collections::{BTreeMap, BTreeSet};

use model::ErrorCode;

use super::{Admin, Patience};
use crate::error::{ClientError, Refusal};
use crate::offsets::TopicPartition;

/// For each partition what was told of it, or why it was not.
pub(super) type Answers<T> = BTreeMap<TopicPartition, Result<T, Refusal>>;

impl Admin {
    /// Asks about partitions, and again about those of which there may soon be an answer. A partition
    /// that `ask` leaves out gets a refusal.
    pub(super) async fn until_told<T>(
        &mut self,
        partitions: &BTreeSet<TopicPartition>,
        mut ask: impl AsyncFnMut(
            &mut Self,
            &BTreeSet<TopicPartition>,
        ) -> Result<Answers<T>, ClientError>,
    ) -> Result<Answers<T>, ClientError> {
        let patience = Patience::new();
        let mut found = Answers::new();
        let mut missing = partitions.clone();
        loop {
            let mut answers = ask(self, &missing).await?;
            fill_in(&mut answers, &missing);
            missing = answers
                .iter()
                .filter(|(_, answer)| answer.as_ref().is_err_and(is_passing))
                .map(|(at, _)| at.clone())
                .collect();
            found.extend(answers);
            if missing.is_empty() || !patience.wait().await {
                return Ok(found);
            }
        }
    }

    /// Groups partitions by the node that leads them; those that cannot be asked for get their
    /// refusal in `found`.
    pub(super) async fn by_leader<T>(
        &mut self,
        partitions: &BTreeSet<TopicPartition>,
        found: &mut Answers<T>,
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
                        Some(partition) => partition.leader.ok_or(ErrorCode::LeaderNotAvailable),
                        None => Err(ErrorCode::UnknownTopicOrPartition),
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
}

/// Gives a refusal to what the answers have left out.
pub(super) fn fill_in<T>(answers: &mut Answers<T>, partitions: &BTreeSet<TopicPartition>) {
    for at in partitions {
        let unknown = || Err(Refusal::of(ErrorCode::UnknownServerError));
        answers.entry(at.clone()).or_insert_with(unknown);
    }
}

/// Whether asking again may bring an answer: a topic that does not exist will not appear.
fn is_passing(refusal: &Refusal) -> bool {
    refusal.is_retriable() && !refusal.is(ErrorCode::UnknownTopicOrPartition)
}
