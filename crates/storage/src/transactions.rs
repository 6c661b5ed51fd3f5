//! Which transactions of a log are open and which were aborted (KIP-98): a fold over its batches.

use std::collections::BTreeMap;

use model::{Offset, ProducerId};

use crate::batch::{BatchHeader, Marker};
use crate::format::producer_snapshot::{
    AbortedSnapshotEntry, ProducerSnapshot, ProducerSnapshotEntry,
};
use crate::views::AbortedTransaction;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Transactions {
    /// The first offset of each producer's open transaction.
    open: BTreeMap<i64, i64>,
    /// In the order of their last offsets.
    aborted: Vec<AbortedTransaction>,
}

impl Transactions {
    /// Folds in a batch. `marker` is what a control batch says.
    pub(crate) fn apply(&mut self, header: &BatchHeader, marker: Option<Marker>) {
        if header.producer_id < 0 || !header.is_transactional() {
            return;
        }
        if !header.is_control() {
            self.open
                .entry(header.producer_id)
                .or_insert(header.base_offset);
            return;
        }
        let Some(marker) = marker else {
            return;
        };
        if let Some(first_offset) = self.open.remove(&header.producer_id)
            && !marker.is_commit
        {
            self.aborted.push(AbortedTransaction {
                producer_id: ProducerId(header.producer_id),
                first_offset: Offset(first_offset),
                last_offset: Offset(header.last_offset()),
            });
        }
    }

    /// The first offset that an open transaction holds back, or the high watermark.
    pub(crate) fn last_stable_offset(&self, high_watermark: i64) -> i64 {
        self.open
            .values()
            .copied()
            .min()
            .map_or(high_watermark, |first| first.min(high_watermark))
    }

    /// The aborted transactions that meet the offsets from `from` up to but not with `end`.
    pub(crate) fn aborted_in(&self, from: i64, end: i64) -> Vec<AbortedTransaction> {
        self.aborted
            .iter()
            .filter(|aborted| aborted.last_offset.get() >= from && aborted.first_offset.get() < end)
            .copied()
            .collect()
    }

    /// Forgets aborted transactions of which nothing is left.
    pub(crate) fn forget(&mut self, gone: &[AbortedTransaction]) {
        self.aborted.retain(|aborted| !gone.contains(aborted));
    }

    /// Forgets the aborted transactions that lie wholly below the start of the log.
    pub(crate) fn forget_below(&mut self, log_start: i64) {
        self.aborted
            .retain(|aborted| aborted.last_offset.get() >= log_start);
    }

    /// The producers with an open transaction, and its first offset.
    pub(crate) fn open(&self) -> impl Iterator<Item = (ProducerId, Offset)> {
        let open = self.open.iter();
        open.map(|(producer_id, first)| (ProducerId(*producer_id), Offset(*first)))
    }

    /// The aborted transactions in the order of their last offsets.
    pub(crate) fn aborted(&self) -> &[AbortedTransaction] {
        &self.aborted
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.aborted.is_empty()
    }

    pub(crate) fn to_snapshot(&self) -> Vec<AbortedSnapshotEntry> {
        self.aborted
            .iter()
            .map(|aborted| AbortedSnapshotEntry {
                producer_id: aborted.producer_id.0,
                first_offset: aborted.first_offset.get(),
                last_offset: aborted.last_offset.get(),
            })
            .collect()
    }

    pub(crate) fn from_snapshot(snapshot: &ProducerSnapshot) -> Self {
        let is_open = |entry: &&ProducerSnapshotEntry| entry.transaction_start >= 0;
        Self {
            open: snapshot
                .producers
                .iter()
                .filter(is_open)
                .map(|entry| (entry.producer_id, entry.transaction_start))
                .collect(),
            aborted: snapshot
                .aborted
                .iter()
                .map(|aborted| AbortedTransaction {
                    producer_id: ProducerId(aborted.producer_id),
                    first_offset: Offset(aborted.first_offset),
                    last_offset: Offset(aborted.last_offset),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests;
