//! What a log remembers of its idempotent producers (KIP-98): a fold over its batches.
//!
//! The last five batches of a producer are kept, as that is how many a client has under way at
//! most: a batch that comes again is answered with the offsets of the first time. A producer that
//! is not known may begin at any sequence number: it may have been forgotten by age (KIP-360).

use std::collections::{HashMap, VecDeque};

use crate::batch::{BatchHeader, Marker, add_sequence};
use crate::errors::AppendError;
use crate::format::producer_snapshot::{BatchSnapshotEntry, ProducerSnapshotEntry};
use crate::views::{Append, Sequence};

/// How many unknown producers are remembered whose first batch had no room.
const REFUSED_MAX: usize = 10_000;
/// How many batches of a producer are remembered.
pub(crate) const BATCHES_MAX: usize = 5;

/// A batch as it was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RememberedBatch {
    pub first_sequence: i32,
    pub last_sequence: i32,
    pub base_offset: i64,
    pub last_offset: i64,
    pub log_append_time_ms: i64,
    /// What an answer that rests on this batch has to wait for; 0 when it was recovered.
    pub sequence: Sequence,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Producer {
    pub epoch: i16,
    /// When the broker saw it last. The producer's own clock has no say in when it is forgotten.
    pub last_append_ms: i64,
    /// The epoch of the coordinator that wrote its last marker; -1 if that is not known.
    pub coordinator_epoch: i32,
    /// The first offset of its open transaction; -1 if it has none.
    pub transaction_start: i64,
    /// Oldest first.
    pub batches: VecDeque<RememberedBatch>,
}

/// What is to be done with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Append,
    Duplicate(RememberedBatch),
}

/// All producers of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Producers {
    by_id: HashMap<i64, Producer>,
    /// Producers that are not known yet and whose first batch was refused for want of space: the
    /// epoch and the sequence number they have to come back with. Without this the batch behind it,
    /// already under way, would be taken for the first one.
    refused: HashMap<i64, (i16, i32)>,
}

impl Producers {
    /// Judges a batch. Changes nothing.
    pub(crate) fn check(
        &self,
        header: &BatchHeader,
        marker: Option<Marker>,
        mode: Append,
    ) -> Result<Verdict, AppendError> {
        match mode {
            Append::Produce => self.check_produced(header, false),
            Append::ProduceBumped => self.check_produced(header, true),
            Append::Internal => self.check_epoch(header),
            Append::Marker { is_bumped } => {
                let marker = marker.ok_or(AppendError::InvalidBatch)?;
                self.check_marker(header, marker, is_bumped)
            }
        }
    }

    /// The broker keeps its own order, and has no sequence numbers.
    fn check_epoch(&self, header: &BatchHeader) -> Result<Verdict, AppendError> {
        match self.by_id.get(&header.producer_id) {
            Some(producer) if header.producer_epoch < producer.epoch => {
                Err(AppendError::InvalidProducerEpoch)
            }
            _ => Ok(Verdict::Append),
        }
    }

    fn check_marker(
        &self,
        header: &BatchHeader,
        marker: Marker,
        is_bumped: bool,
    ) -> Result<Verdict, AppendError> {
        let Some(producer) = self.by_id.get(&header.producer_id) else {
            return Ok(Verdict::Append);
        };
        if marker.coordinator_epoch < producer.coordinator_epoch {
            return Err(AppendError::CoordinatorFenced);
        }
        // The transaction that is open under the epoch of the marker is the next one: the marker is
        // late (KIP-890). Without one it comes a second time, which does no harm.
        let is_late =
            is_bumped && header.producer_epoch == producer.epoch && producer.transaction_start >= 0;
        match is_late {
            true => Err(AppendError::InvalidProducerEpoch),
            false => self.check_epoch(header),
        }
    }

    fn check_produced(
        &self,
        header: &BatchHeader,
        is_bumped: bool,
    ) -> Result<Verdict, AppendError> {
        if header.producer_id < 0 {
            return Ok(Verdict::Append);
        }
        if header.producer_epoch < 0 || header.base_sequence < 0 {
            return Err(AppendError::InvalidBatch);
        }
        let Some(producer) = self.by_id.get(&header.producer_id) else {
            if is_bumped && header.base_sequence != 0 {
                return Err(AppendError::OutOfOrderSequence);
            }
            let refused = self.refused.get(&header.producer_id);
            let comes_back = refused.is_none_or(|(epoch, sequence)| {
                *epoch != header.producer_epoch || *sequence == header.base_sequence
            });
            return match comes_back {
                true => Ok(Verdict::Append),
                false => Err(AppendError::OutOfOrderSequence),
            };
        };
        if header.producer_epoch < producer.epoch {
            return Err(AppendError::InvalidProducerEpoch);
        }
        let expected = if header.producer_epoch > producer.epoch {
            0
        } else {
            let last_sequence = header.last_sequence();
            let original = producer.batches.iter().find(|batch| {
                batch.first_sequence == header.base_sequence && batch.last_sequence == last_sequence
            });
            if let Some(original) = original {
                return Ok(Verdict::Duplicate(*original));
            }
            if producer.transaction_start >= 0 && !header.is_transactional() {
                // It would be shown or hidden with the transaction, though it is not part of it.
                return Err(AppendError::InvalidTransactionState);
            }
            match producer.batches.back() {
                Some(last) => add_sequence(last.last_sequence, 1),
                None => 0,
            }
        };
        if header.base_sequence == expected {
            Ok(Verdict::Append)
        } else {
            Err(AppendError::OutOfOrderSequence)
        }
    }

    /// Notes that a batch which [`Producers::check`] lets in was refused because there is no room.
    pub(crate) fn note_refused(&mut self, header: &BatchHeader) {
        let id = header.producer_id;
        let is_unknown = id >= 0 && !self.by_id.contains_key(&id);
        if is_unknown && (self.refused.len() < REFUSED_MAX || self.refused.contains_key(&id)) {
            let first = (header.producer_epoch, header.base_sequence);
            self.refused.insert(id, first);
        }
    }

    /// Folds in a batch that has been appended at `base_offset`. A marker (a control batch) brings
    /// only epochs, and ends the transaction.
    pub(crate) fn apply(
        &mut self,
        header: &BatchHeader,
        marker: Option<Marker>,
        base_offset: i64,
        log_append_time_ms: i64,
        sequence: Sequence,
        now_ms: i64,
    ) {
        if header.producer_id < 0 {
            return;
        }
        self.refused.remove(&header.producer_id);
        let producer = self
            .by_id
            .entry(header.producer_id)
            .or_insert_with(|| Producer {
                epoch: header.producer_epoch,
                last_append_ms: now_ms,
                coordinator_epoch: -1,
                transaction_start: -1,
                batches: VecDeque::new(),
            });
        producer.last_append_ms = now_ms;
        if header.producer_epoch != producer.epoch {
            producer.epoch = header.producer_epoch;
            producer.batches.clear();
        }
        if let (true, Some(marker)) = (header.is_transactional(), marker) {
            producer.transaction_start = -1;
            producer.coordinator_epoch = marker.coordinator_epoch;
        }
        if header.is_control() {
            return;
        }
        if header.is_transactional() && producer.transaction_start < 0 {
            producer.transaction_start = base_offset;
        }
        if header.base_sequence < 0 {
            return;
        }
        if producer.batches.len() == BATCHES_MAX {
            producer.batches.pop_front();
        }
        producer.batches.push_back(RememberedBatch {
            first_sequence: header.base_sequence,
            last_sequence: header.last_sequence(),
            base_offset,
            last_offset: base_offset + i64::from(header.last_offset_delta),
            log_append_time_ms,
            sequence,
        });
    }

    /// Forgets the producers that were last seen `expiration_ms` ago, but for those with an open
    /// transaction: somebody has to end it.
    pub(crate) fn expire(&mut self, now_ms: i64, expiration_ms: i64) {
        self.by_id.retain(|_, producer| {
            now_ms.saturating_sub(producer.last_append_ms) < expiration_ms
                || producer.transaction_start >= 0
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (i64, &Producer)> {
        self.by_id.iter().map(|(id, producer)| (*id, producer))
    }

    /// The producers as a snapshot holds them, in the order of their ids.
    pub(crate) fn to_snapshot(&self) -> Vec<ProducerSnapshotEntry> {
        let mut entries: Vec<_> = self
            .iter()
            .map(|(producer_id, producer)| ProducerSnapshotEntry {
                producer_id,
                producer_epoch: producer.epoch,
                last_append_ms: producer.last_append_ms,
                coordinator_epoch: producer.coordinator_epoch,
                transaction_start: producer.transaction_start,
                batches: producer
                    .batches
                    .iter()
                    .map(|batch| BatchSnapshotEntry {
                        first_sequence: batch.first_sequence,
                        last_sequence: batch.last_sequence,
                        base_offset: batch.base_offset,
                        last_offset: batch.last_offset,
                        log_append_time_ms: batch.log_append_time_ms,
                    })
                    .collect(),
            })
            .collect();
        entries.sort_unstable_by_key(|entry| entry.producer_id);
        entries
    }

    /// The producers that a snapshot holds.
    pub(crate) fn from_snapshot(entries: &[ProducerSnapshotEntry]) -> Self {
        let by_id = entries
            .iter()
            .map(|entry| {
                let skipped = entry.batches.len().saturating_sub(BATCHES_MAX);
                let producer = Producer {
                    epoch: entry.producer_epoch,
                    last_append_ms: entry.last_append_ms,
                    coordinator_epoch: entry.coordinator_epoch,
                    transaction_start: entry.transaction_start,
                    batches: entry
                        .batches
                        .iter()
                        .skip(skipped)
                        .map(|batch| RememberedBatch {
                            first_sequence: batch.first_sequence,
                            last_sequence: batch.last_sequence,
                            base_offset: batch.base_offset,
                            last_offset: batch.last_offset,
                            log_append_time_ms: batch.log_append_time_ms,
                            sequence: Sequence(0),
                        })
                        .collect(),
                };
                (entry.producer_id, producer)
            })
            .collect();
        Self {
            by_id,
            refused: HashMap::new(),
        }
    }
}

#[cfg(test)]
mod tests;
