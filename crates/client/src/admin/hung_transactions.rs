//! Transactions that hang: open in a partition, and no coordinator is going to end them (KIP-664).
//!
//! A partition belongs to a transaction at its coordinator before anything is written to it, and until
//! the marker is there. So what is open in a partition before the coordinators are asked and still is
//! afterwards hangs if none of them has it: it did not end in between, nor begin.

use std::collections::BTreeSet;

use model::ErrorCode;

use super::producers::{ActiveProducer, ActiveProducers};
use super::{Admin, Topic, TransactionFilter};
use crate::error::{ClientError, Refusal};
use crate::offsets::TopicPartition;

/// Where coordinators keep their transactions; whoever leads a partition of it coordinates what is there.
const COORDINATORS_TOPIC: &str = "__transaction_state";

/// What coordinators are going to end: partitions by the ids of producers.
type Known = BTreeSet<(i64, TopicPartition)>;

impl Admin {
    /// The producers whose transactions hang in these partitions. Where there are none the partition is left
    /// out; where that cannot be told it has a refusal.
    pub async fn hung_transactions(
        &mut self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<ActiveProducers, ClientError> {
        let before = self.active_producers(partitions).await?;
        let open = only(before, |_, producer| {
            producer.transaction_start_offset.is_some()
        });
        let producers = open.values().flatten().flatten();
        let producer_ids: BTreeSet<i64> = producers.map(|producer| producer.producer_id).collect();
        if producer_ids.is_empty() {
            return Ok(open);
        }
        let known = self.known_transactions(producer_ids).await?;
        let suspects = only(open, |at, producer| {
            !known.contains(&(producer.producer_id, at.clone()))
        });
        let asked = suspects.iter().filter(|(_, producers)| producers.is_ok());
        let asked = asked.map(|(at, _)| at.clone()).collect();
        let after = self.active_producers(&asked).await?;
        Ok(still_open(suspects, &after))
    }

    /// What the coordinators are going to end for these producers.
    async fn known_transactions(
        &mut self,
        producer_ids: BTreeSet<i64>,
    ) -> Result<Known, ClientError> {
        for (_, topic) in self.topics(&[COORDINATORS_TOPIC.to_owned()]).await? {
            are_all_led(topic)?;
        }
        let filter = TransactionFilter {
            producer_ids: producer_ids.into_iter().collect(),
            ..TransactionFilter::default()
        };
        let mut known = Known::new();
        for listing in self.transactions(&filter).await? {
            if let Some(found) = self.transaction(&listing.transactional_id).await? {
                let partitions = found.partitions.into_iter();
                known.extend(partitions.map(|at| (listing.producer_id, at)));
            }
        }
        Ok(known)
    }
}

/// Errs if there is a partition of coordinators that nobody leads: what it has nobody lists. Without the topic
/// there are no coordinators.
fn are_all_led(topic: Result<Topic, Refusal>) -> Result<(), Refusal> {
    match topic {
        Ok(topic) if topic.partitions.iter().all(|one| one.leader.is_some()) => Ok(()),
        Ok(_) => Err(Refusal::of(ErrorCode::CoordinatorNotAvailable)),
        Err(refusal) if refusal.is(ErrorCode::UnknownTopicOrPartition) => Ok(()),
        Err(refusal) => Err(refusal),
    }
}

/// The producers that pass; partitions where none does are left out.
fn only(
    found: ActiveProducers,
    passes: impl Fn(&TopicPartition, &ActiveProducer) -> bool,
) -> ActiveProducers {
    let found = found.into_iter().filter_map(|(at, producers)| {
        let producers = producers.map(|mut producers| {
            producers.retain(|producer| passes(&at, producer));
            producers
        });
        let is_none = producers.as_ref().is_ok_and(Vec::is_empty);
        (!is_none).then_some((at, producers))
    });
    found.collect()
}

/// Those whose transactions are still the same ones; a refusal where that is not told.
fn still_open(mut suspects: ActiveProducers, after: &ActiveProducers) -> ActiveProducers {
    for (at, producers) in &mut suspects {
        if let Some(Err(refusal)) = after.get(at) {
            *producers = Err(refusal.clone());
        }
    }
    only(suspects, |at, suspect| {
        let producers = after.get(at).and_then(|found| found.as_ref().ok());
        producers.into_iter().flatten().any(|producer| {
            producer.producer_id == suspect.producer_id
                && producer.transaction_start_offset == suspect.transaction_start_offset
        })
    })
}

#[cfg(test)]
mod tests;
