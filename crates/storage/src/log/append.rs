//! Appending: a short critical section that gives a batch its place.

use std::sync::Arc;

use bytes::Bytes;
use env::{Defect, has_defect};
use model::{LogId, Offset};

use super::{Log, LogState};
use crate::batch::{BatchHeader, Marker, transaction_marker};
use crate::engine::Engine;
use crate::errors::{AppendError, SetLogStartError};
use crate::producers::{RememberedBatch, Verdict};
use crate::settings::TimestampType;
use crate::views::{Append, Appended, Durability, Sequence};
use crate::wal::queue::{Content, QueuedBatch, Refusal};

/// A batch that somebody wants to append, as far as that can be judged without its log.
pub(super) struct Candidate {
    pub batch: Bytes,
    pub header: BatchHeader,
    marker: Option<Marker>,
    pub mode: Append,
}

impl Candidate {
    pub(super) fn new(engine: &Engine, batch: Bytes, mode: Append) -> Result<Self, AppendError> {
        let header = BatchHeader::parse(&batch)
            .filter(|header| header.bytes == batch.len())
            .ok_or(AppendError::InvalidBatch)?;
        if batch.len() > engine.settings.batch_bytes_max() {
            return Err(AppendError::TooLarge);
        }
        if engine.is_read_only {
            return Err(AppendError::Poisoned);
        }
        Ok(Self {
            marker: transaction_marker(&header, &batch),
            batch,
            header,
            mode,
        })
    }
}

/// The place that a batch gets in its log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    base_offset: i64,
    pub last_offset: i64,
    log_append_time_ms: Option<i64>,
}

impl Place {
    pub(super) fn content(&self, candidate: &Candidate) -> Content {
        Content::Batch(QueuedBatch {
            bytes: candidate.batch.clone(),
            base_offset: self.base_offset,
            last_offset_delta: candidate.header.last_offset_delta,
            max_timestamp: self
                .log_append_time_ms
                .unwrap_or(candidate.header.max_timestamp),
            log_append_time_ms: self.log_append_time_ms,
        })
    }
}

impl LogState {
    /// Whether the batch may be appended, or what it is a duplicate of. Changes nothing.
    pub(super) fn judge(&self, candidate: &Candidate) -> Result<Option<Appended>, AppendError> {
        if self.is_deleted {
            return Err(AppendError::Deleted);
        }
        if self.quarantine.is_some() {
            return Err(AppendError::Quarantined);
        }
        let Candidate {
            header,
            marker,
            mode,
            ..
        } = candidate;
        Ok(match self.producers.check(header, *marker, *mode)? {
            Verdict::Append => None,
            Verdict::Duplicate(original) => Some(duplicate(self, &original)),
        })
    }

    /// The place of a batch in a log that ends at `end`.
    pub(super) fn place(
        &self,
        header: &BatchHeader,
        end: i64,
        now_ms: i64,
    ) -> Result<Place, AppendError> {
        let last_offset = end
            .checked_add(i64::from(header.last_offset_delta))
            .filter(|last| *last < i64::MAX)
            .ok_or(AppendError::InvalidBatch)?;
        Ok(Place {
            base_offset: end,
            last_offset,
            log_append_time_ms: match self.config.timestamp_type {
                TimestampType::CreateTime => None,
                TimestampType::LogAppendTime => Some(now_ms),
            },
        })
    }

    /// Notes that a batch was refused for a reason that is not in it: the one behind it must not
    /// take its place.
    pub(super) fn note_refused(&mut self, candidate: &Candidate) {
        if matches!(candidate.mode, Append::Produce | Append::ProduceBumped) {
            self.producers.note_refused(&candidate.header);
        }
    }

    /// Moves the appended view over a batch that is in the queue.
    pub(super) fn accept(
        &mut self,
        candidate: &Candidate,
        place: Place,
        sequence: Sequence,
        (leader_epoch, now_ms): (i32, i64),
    ) -> Appended {
        let log_append_time_ms = place.log_append_time_ms.unwrap_or(-1);
        self.producers.apply(
            &candidate.header,
            candidate.marker,
            place.base_offset,
            log_append_time_ms,
            sequence,
            now_ms,
        );
        self.epochs.note(leader_epoch, place.base_offset);
        self.appended_end = place.last_offset + 1;
        Appended {
            base_offset: Offset(place.base_offset),
            last_offset: Offset(place.last_offset),
            log_append_time_ms,
            log_start: Offset(self.log_start),
            sequence,
            duplicate: false,
        }
    }
}

impl Log {
    /// Appends one batch. Magic, size, checksum and counts have been checked by the caller. The
    /// batch has its offsets when this returns; it is on disk when [`crate::Storage::wait`] for the
    /// returned sequence completes. Nothing can take it back.
    pub fn append(self: &Arc<Self>, batch: Bytes, mode: Append) -> Result<Appended, AppendError> {
        let (appended, _) = self.enqueue(batch, mode)?;
        self.engine.wake_committer();
        Ok(appended)
    }

    /// Appends without waking the commit loop. Returns as well how the log acknowledges.
    pub(crate) fn enqueue(
        self: &Arc<Self>,
        batch: Bytes,
        mode: Append,
    ) -> Result<(Appended, Durability), AppendError> {
        let engine = &self.engine;
        let candidate = Candidate::new(engine, batch, mode)?;
        let now_ms = engine.env.clock.wall_ms();
        let is_disk_full = self.lacks_disk(candidate.batch.len());
        let mut state = self.state.lock();
        let durability = state.config.ack_durability();
        if let Some(original) = state.judge(&candidate)? {
            return Ok((original, durability));
        }
        if is_disk_full {
            state.note_refused(&candidate);
            return Err(AppendError::DiskFull);
        }
        let place = state.place(&candidate.header, state.appended_end, now_ms)?;
        let content = place.content(&candidate);
        let sequence = engine
            .queue
            .push(self, content, state.config.is_relaxed())
            .map_err(refused)?;
        let appended = state.accept(&candidate, place, sequence, (engine.leader_epoch, now_ms));
        Ok((appended, durability))
    }

    /// Whether an append of so many bytes is refused because the disk is full. What deletes topics must get through: it
    /// is what frees space. Without a slot it waits in memory, though, and so as far as there is room.
    pub(super) fn lacks_disk(&self, bytes: usize) -> bool {
        match self.id {
            LogId::METADATA => !self.engine.may_wait_for_slot(bytes),
            _ => self.engine.is_disk_full(),
        }
    }

    /// Moves the start of the log up to an offset (DeleteRecords, retention). The records below it
    /// are gone for readers when the returned sequence is durable. An offset at or below the start
    /// changes nothing.
    pub fn set_log_start(self: &Arc<Self>, offset: Offset) -> Result<Sequence, SetLogStartError> {
        if self.engine.is_read_only {
            return Err(SetLogStartError::Poisoned);
        }
        let mut state = self.state.lock();
        if state.is_deleted {
            return Err(SetLogStartError::Deleted);
        }
        if state.quarantine.is_some() {
            return Err(SetLogStartError::Quarantined);
        }
        if offset.get() > state.high_watermark {
            return Err(SetLogStartError::OutOfRange {
                high_watermark: Offset(state.high_watermark),
            });
        }
        if offset.get() <= state.appended_start {
            // Whoever set it before may not be durable yet.
            return Ok(self.engine.demand_force());
        }
        let sequence = self
            .engine
            .queue
            .push(self, Content::SetLogStart(offset.get()), false)
            .map_err(|refusal| match refusal {
                Refusal::Poisoned => SetLogStartError::Poisoned,
                Refusal::ShuttingDown => SetLogStartError::ShuttingDown,
            })?;
        state.appended_start = offset.get();
        drop(state);
        self.engine.wake_committer();
        Ok(sequence)
    }
}

pub(super) fn refused(refusal: Refusal) -> AppendError {
    match refusal {
        Refusal::Poisoned => AppendError::Poisoned,
        Refusal::ShuttingDown => AppendError::ShuttingDown,
    }
}

fn duplicate(state: &LogState, original: &RememberedBatch) -> Appended {
    Appended {
        base_offset: Offset(original.base_offset),
        last_offset: Offset(original.last_offset),
        log_append_time_ms: original.log_append_time_ms,
        log_start: Offset(state.log_start),
        sequence: match has_defect(Defect::AnswerDuplicateEarly) {
            true => Sequence::default(),
            false => original.sequence,
        },
        duplicate: true,
    }
}
