//! The naive model: all batches that were ever appended, in their order.

use std::collections::{BTreeMap, BTreeSet};

use storage::LogConfig;

use super::records::{Record, Sender};

/// A batch that was appended.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub base: i64,
    pub sent: Vec<u8>,
    pub content: Content,
    pub sender: Option<Sender>,
    /// When it was appended, by the wall clock.
    pub appended_ms: i64,
    /// An answer that it is on disk has left, or a reader of a strict log has seen it.
    pub is_durable: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Data(Vec<Record>),
    Marker { is_commit: bool },
}

impl Batch {
    pub(super) fn last(&self) -> i64 {
        let count = match &self.content {
            Content::Data(records) => records.len() as i64,
            Content::Marker { .. } => 1,
        };
        self.base + count - 1
    }
}

/// A log as it should be.
#[derive(Clone, Debug, Default)]
pub(super) struct LogModel {
    pub config: LogConfig,
    pub batches: Vec<Batch>,
    /// The highest start and end that were shown.
    pub shown_start: i64,
    pub shown_end: i64,
}

/// A record with what became of its transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate<'a> {
    pub offset: i64,
    pub record: &'a Record,
    pub appended_ms: i64,
    pub state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Committed,
    Aborted,
    Open,
}

impl LogModel {
    pub(super) fn end(&self) -> i64 {
        self.batches.last().map_or(0, |batch| batch.last() + 1)
    }

    /// The open transactions below an offset: the first offset of each producer's.
    pub(super) fn open(&self, end: i64) -> BTreeMap<i64, i64> {
        let mut open = BTreeMap::new();
        for batch in self.batches.iter().filter(|batch| batch.base < end) {
            let Some(sender) = batch.sender.filter(|sender| sender.is_transactional) else {
                continue;
            };
            match batch.content {
                Content::Data(_) => {
                    open.entry(sender.producer_id).or_insert(batch.base);
                }
                Content::Marker { .. } => {
                    open.remove(&sender.producer_id);
                }
            }
        }
        open
    }

    pub(super) fn last_stable(&self, start: i64, end: i64) -> i64 {
        let first_open = self.open(end).into_values().min();
        first_open.map_or(end, |first| first.max(start))
    }

    /// All records below an offset.
    pub(super) fn fates(&self, end: i64) -> Vec<Fate<'_>> {
        let mut fates = Vec::new();
        // Where the records of each open transaction stand in the list.
        let mut open: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for batch in self.batches.iter().filter(|batch| batch.base < end) {
            let transaction = batch
                .sender
                .filter(|sender| sender.is_transactional)
                .map(|sender| sender.producer_id);
            match (&batch.content, transaction) {
                (Content::Data(records), transaction) => {
                    for (offset, record) in (batch.base..).zip(records) {
                        if let Some(id) = transaction {
                            open.entry(id).or_default().push(fates.len());
                        }
                        fates.push(Fate {
                            offset,
                            record,
                            appended_ms: batch.appended_ms,
                            state: match transaction {
                                Some(_) => State::Open,
                                None => State::Committed,
                            },
                        });
                    }
                }
                (Content::Marker { is_commit }, id) => {
                    let ended = open.remove(&id.unwrap_or(-1)).unwrap_or_default();
                    for index in ended {
                        fates[index].state = match is_commit {
                            true => State::Committed,
                            false => State::Aborted,
                        };
                    }
                }
            }
        }
        fates
    }

    /// The offsets below `end` that compaction may have removed by now.
    pub(super) fn removable(&self, end: i64, now_ms: i64) -> BTreeSet<i64> {
        let old_ms = now_ms.saturating_sub(self.config.min_compaction_lag_ms);
        let mut removable = BTreeSet::new();
        // Keys with a committed record further on that is old enough.
        let mut replaced: BTreeSet<&[u8]> = BTreeSet::new();
        for fate in self.fates(end).iter().rev() {
            let is_old = fate.record.timestamp_ms <= old_ms;
            let is_expired = fate.record.value.is_none()
                && fate.appended_ms + self.config.delete_retention_ms <= now_ms;
            let is_removable = match fate.state {
                State::Aborted => true,
                State::Open => false,
                State::Committed => {
                    replaced.contains(&fate.record.key[..]) || (is_expired && is_old)
                }
            };
            if is_removable {
                removable.insert(fate.offset);
            }
            if fate.state == State::Committed && is_old {
                replaced.insert(&fate.record.key);
            }
        }
        removable
    }

    /// The offsets below `end` that a compaction of all must have removed: every record of a key but
    /// the last, and all aborted ones.
    pub(super) fn superfluous(&self, end: i64) -> BTreeSet<i64> {
        let mut superfluous = BTreeSet::new();
        let mut replaced: BTreeSet<&[u8]> = BTreeSet::new();
        for fate in self.fates(end).iter().rev() {
            let is_last = replaced.insert(&fate.record.key);
            match fate.state {
                State::Committed if is_last => {}
                State::Committed => {
                    superfluous.insert(fate.offset);
                }
                State::Aborted => {
                    superfluous.insert(fate.offset);
                    if is_last {
                        replaced.remove(&fate.record.key[..]);
                    }
                }
                State::Open => {
                    if is_last {
                        replaced.remove(&fate.record.key[..]);
                    }
                }
            }
        }
        superfluous
    }

    /// What an idempotent producer has sent: its batches, oldest first.
    pub(super) fn sent_by(&self, producer_id: i64) -> Vec<usize> {
        let is_his = |batch: &Batch| {
            let sender = batch.sender.filter(|sender| sender.sequence >= 0);
            sender.is_some_and(|sender| sender.producer_id == producer_id)
        };
        let batches = self.batches.iter().enumerate();
        batches
            .filter(|(_, batch)| is_his(batch))
            .map(|(index, _)| index)
            .collect()
    }
}
