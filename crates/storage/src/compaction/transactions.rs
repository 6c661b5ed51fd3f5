//! What the transactions of a log mean for compaction: whose records go, and when a marker is of no
//! use any more.

use std::collections::{HashMap, HashSet};

use crate::batch::BatchHeader;
use crate::views::AbortedTransaction;

/// What is to become of the marker that ends a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MarkerUse {
    /// Records of its transaction stand before it.
    Needed,
    /// Nothing of its transaction is left. It goes when readers have had the time to see it.
    Spare,
    /// As before, but what is known of the transaction may come back with a restart: a list of
    /// aborted transactions without their markers would take later ones of the producer for aborted.
    StillListed,
}

/// The transactions of the part that is compacted, seen in the order of offsets.
#[derive(Debug, Default)]
pub(crate) struct SeenTransactions {
    /// The aborted ones of each producer, in the order of their offsets.
    aborted: HashMap<i64, Vec<AbortedTransaction>>,
    /// A snapshot may know of aborted transactions that are not in the list any more.
    is_list_older_on_disk: bool,
    /// Producers with a batch since their last marker.
    open: HashSet<i64>,
    /// Aborted transactions of which nothing but the marker is left.
    gone: Vec<AbortedTransaction>,
}

impl SeenTransactions {
    pub(crate) fn new(aborted: &[AbortedTransaction], is_list_older_on_disk: bool) -> Self {
        let mut seen = Self {
            is_list_older_on_disk,
            ..Self::default()
        };
        for transaction in aborted {
            let of_producer = seen.aborted.entry(transaction.producer_id.0).or_default();
            of_producer.push(*transaction);
        }
        seen
    }

    /// Whether a batch of data belongs to an aborted transaction.
    pub(crate) fn is_aborted(&self, header: &BatchHeader) -> bool {
        header.is_transactional()
            && self
                .ended_at_or_after(header.producer_id, header.base_offset)
                .is_some_and(|found| found.first_offset.get() <= header.base_offset)
    }

    /// The first aborted transaction of a producer whose marker is at or behind an offset.
    fn ended_at_or_after(&self, producer_id: i64, offset: i64) -> Option<&AbortedTransaction> {
        let of_producer = self.aborted.get(&producer_id)?;
        let before = of_producer.partition_point(|found| found.last_offset.get() < offset);
        of_producer.get(before)
    }

    /// Notes a batch of data, also one without records.
    pub(crate) fn see_data(&mut self, header: &BatchHeader) {
        if header.is_transactional() {
            self.open.insert(header.producer_id);
        }
    }

    /// Notes a marker.
    pub(crate) fn see_marker(&mut self, header: &BatchHeader, is_commit: bool) -> MarkerUse {
        if self.open.remove(&header.producer_id) {
            return MarkerUse::Needed;
        }
        if is_commit {
            return MarkerUse::Spare;
        }
        let listed = self
            .ended_at_or_after(header.producer_id, header.last_offset())
            .filter(|found| found.last_offset.get() == header.last_offset())
            .copied();
        let is_listed = listed.is_some();
        self.gone.extend(listed);
        if is_listed || self.is_list_older_on_disk {
            MarkerUse::StillListed
        } else {
            MarkerUse::Spare
        }
    }

    /// The aborted transactions that need not be listed any more.
    pub(crate) fn into_gone(self) -> Vec<AbortedTransaction> {
        self.gone
    }
}

#[cfg(test)]
mod tests;
