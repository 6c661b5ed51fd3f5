//! What the batches of a log say about its transactions, worked out from all of them each time.

use std::collections::BTreeMap;

use crate::batch::Kind;
use crate::engine::model::{Entry, LogModel};

/// A transaction that was aborted: its producer, its first offset, and that of its marker.
pub(crate) type Aborted = (i64, i64, i64);

/// The transactions of some batches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Transactions {
    /// The first offset of what each producer has not ended.
    pub open: BTreeMap<i64, i64>,
    pub aborted: Vec<Aborted>,
}

impl Transactions {
    /// Of the batches that lie below an offset.
    pub(crate) fn below(entries: &[Entry], end: i64) -> Self {
        let mut found = Self::default();
        for entry in entries.iter().filter(|entry| entry.last < end) {
            let Some((producer, ..)) = entry.producer else {
                continue;
            };
            match entry.kind {
                Kind::Plain => {}
                Kind::Transactional => {
                    found.open.entry(producer).or_insert(entry.base);
                }
                Kind::Marker { is_commit } => {
                    let first = found.open.remove(&producer);
                    if let (Some(first), false) = (first, is_commit) {
                        found.aborted.push((producer, first, entry.last));
                    }
                }
            }
        }
        found
    }

    /// Up to where readers of committed records may read, of a log that is shown from `log_start`
    /// to `end`.
    pub(crate) fn last_stable(&self, log_start: i64, end: i64) -> i64 {
        let first = self.open.values().copied().min();
        // What was deleted with the start of the log is not waited for.
        first.map_or(end, |first| first.min(end).max(log_start))
    }

    /// The aborted ones that meet the offsets from `from` up to but not with `end`.
    pub(crate) fn aborted_in(&self, from: i64, end: i64) -> Vec<Aborted> {
        let aborted = self.aborted.iter().copied();
        aborted
            .filter(|(_, first, last)| *last >= from && *first < end)
            .collect()
    }
}

impl LogModel {
    /// What may be known of its transactions when it is shown up to an offset.
    pub(crate) fn transactions(&self, end: i64) -> Transactions {
        Transactions::below(&self.entries, end)
    }
}
