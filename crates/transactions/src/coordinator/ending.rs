//! What is missing at the end of a transaction.

use std::collections::btree_set;

use coordination::Now;
use model::{TimestampMs, TopicName, TransactionalId};

use super::Coordinator;
use crate::api::Producer;
use crate::records::{TransactionRecord, record};
use crate::state::{ClientVersion, Outcome, TransactionState};
use crate::transaction::TransactionValue;

/// A marker that is to stand in the log of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The topic.
    pub topic: TopicName,
    /// The partition's index.
    pub partition: i32,
    /// Whose records it ends, and the epoch they must not be above.
    pub producer: Producer,
    /// Whether they count.
    pub outcome: Outcome,
    /// The rules that the transaction goes by: with the second version no record has the marker's epoch.
    pub version: ClientVersion,
}

/// What is missing until the end of a transaction has come about.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Whose transaction it is.
    pub transactional_id: TransactionalId,
    /// The markers of the partitions that have none.
    pub markers: Vec<Marker>,
    /// The record that stands behind all of them.
    pub record: TransactionRecord,
    /// What that record says.
    completed: TransactionValue,
}

impl Coordinator {
    /// The transactions whose end is decided and has not come about.
    pub fn preparing(&self) -> btree_set::Iter<'_, TransactionalId> {
        self.preparing.iter()
    }

    /// What is missing at the end of a transaction; `None` if nothing is.
    pub fn ending(
        &self,
        transactional_id: &TransactionalId,
        now_ms: TimestampMs,
    ) -> Option<Ending> {
        let known = self.transactions.get(transactional_id)?;
        let value = &known.value;
        let TransactionState::Prepare(outcome) = value.state else {
            return None;
        };
        let completed = value.completed(now_ms)?;
        let partitions = known.without_marker.iter();
        let markers = partitions.map(|(topic, partition)| Marker {
            topic: topic.clone(),
            partition,
            producer: value.producer,
            outcome,
            version: value.version,
        });
        Some(Ending {
            transactional_id: transactional_id.clone(),
            markers: markers.collect(),
            record: record(transactional_id, Some(&completed)),
            completed,
        })
    }

    /// Takes in that one marker of an end has been written, or that its partition is gone.
    pub fn marker_written(&mut self, transactional_id: &TransactionalId, marker: &Marker) {
        if let Some(known) = self.transactions.get_mut(transactional_id) {
            let Marker {
                topic, partition, ..
            } = marker;
            known.without_marker.remove(topic, *partition);
        }
    }

    /// Takes in that an end has come about: all of its markers are written, and its record is.
    pub fn complete(&mut self, ending: Ending, now: Now) {
        self.put(&ending.transactional_id, ending.completed, now);
    }
}
