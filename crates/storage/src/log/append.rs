//! Appending: a short critical section that gives a batch its place.

use std::sync::Arc;

use bytes::Bytes;
use env::{Defect, has_defect};
use model::{LogId, Offset};

use super::{Log, LogState};
use crate::batch::BatchHeader;
use crate::errors::{AppendError, SetLogStartError};
use crate::producers::{RememberedBatch, Verdict};
use crate::settings::TimestampType;
use crate::views::{Append, Appended, Sequence};
use crate::wal::queue::{Content, QueuedBatch, Refusal};

impl Log {
    /// Appends one batch. Magic, size, checksum and counts have been checked by the caller. The
    /// batch has its offsets when this returns; it is on disk when [`crate::Storage::wait`] for the
    /// returned sequence completes. Nothing can take it back.
    pub fn append(self: &Arc<Self>, batch: Bytes, mode: Append) -> Result<Appended, AppendError> {
        let header = BatchHeader::parse(&batch)
            .filter(|header| header.bytes == batch.len())
            .ok_or(AppendError::InvalidBatch)?;
        let engine = &self.engine;
        if batch.len() > engine.settings.batch_bytes_max() {
            return Err(AppendError::TooLarge);
        }
        if engine.is_read_only {
            return Err(AppendError::Poisoned);
        }
        let now_ms = engine.env.clock.wall_ms();
        // What deletes topics must get through: it is what frees space.
        let is_disk_full = self.id != LogId::METADATA && engine.is_disk_full();

        let mut state = self.state.lock();
        if state.is_deleted {
            return Err(AppendError::Deleted);
        }
        if state.quarantine.is_some() {
            return Err(AppendError::Quarantined);
        }
        if mode == Append::Produce
            && let Verdict::Duplicate(original) = state.producers.check(&header)?
        {
            return Ok(duplicate(&state, &original));
        }
        if is_disk_full {
            if mode == Append::Produce {
                state.producers.note_refused(&header);
            }
            return Err(AppendError::DiskFull);
        }
        let base_offset = state.appended_end;
        let last_offset = base_offset
            .checked_add(i64::from(header.last_offset_delta))
            .filter(|last| *last < i64::MAX)
            .ok_or(AppendError::InvalidBatch)?;
        let log_append_time_ms = match state.config.timestamp_type {
            TimestampType::CreateTime => None,
            TimestampType::LogAppendTime => Some(now_ms),
        };
        let content = Content::Batch(QueuedBatch {
            bytes: batch,
            base_offset,
            last_offset_delta: header.last_offset_delta,
            max_timestamp: log_append_time_ms.unwrap_or(header.max_timestamp),
            log_append_time_ms,
        });
        let sequence = engine
            .queue
            .push(self, content, state.config.is_relaxed())
            .map_err(refused)?;
        let log_append_time_ms = log_append_time_ms.unwrap_or(-1);
        state
            .producers
            .apply(&header, base_offset, log_append_time_ms, sequence, now_ms);
        state.epochs.note(engine.leader_epoch, base_offset);
        state.appended_end = last_offset + 1;
        let appended = Appended {
            base_offset: Offset(base_offset),
            last_offset: Offset(last_offset),
            log_append_time_ms,
            log_start: Offset(state.log_start),
            sequence,
            duplicate: false,
        };
        drop(state);
        engine.commit_signal.raise();
        Ok(appended)
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
            return Ok(self.engine.queue.last_sequence());
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
        self.engine.commit_signal.raise();
        Ok(sequence)
    }
}

fn refused(refusal: Refusal) -> AppendError {
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
