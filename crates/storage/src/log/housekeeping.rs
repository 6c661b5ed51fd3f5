//! What the flusher and retention ask of a log.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Flushed, Log};
use crate::batch::{BatchHeader, transaction_marker};
use crate::damage::Quarantine;
use crate::format::checkpoint::LogCheckpoint;
use crate::format::producer_snapshot::ProducerSnapshot;
use crate::marks::{Mark, mark};
use crate::retention::{self, RetentionFacts, RetentionPlan, SegmentAge};
use crate::segment::{SNAPSHOT, Segment, SegmentFacts, SegmentIndex, file_name};
use crate::settings::LogConfig;
use crate::tail::TailBatch;
use crate::views::Sequence;

/// What the flusher decides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FlushCandidate {
    pub log_id: u32,
    /// Bytes that are in no segment.
    pub bytes: u64,
    /// The round of the oldest of them.
    pub oldest_round: u64,
    pub roll_requested: bool,
}

/// What is to be moved to segments.
pub(crate) struct FlushWork {
    pub config: Arc<LogConfig>,
    /// The batches that are durable and in no segment, those below the log start left out.
    pub batches: Vec<TailBatch>,
    /// The segment that can be written on, if there is one.
    pub active: Option<Arc<Segment>>,
    /// Whether the log has no segment, and so perhaps no directory.
    pub is_first: bool,
    /// Whether somebody reads the segments.
    pub is_read: bool,
    /// Whether the last segment is not to be written to after this.
    pub rolls_after: bool,
    /// When the oldest of the batches came, by the broker's clock.
    pub since_ms: i64,
    /// How long a segment is written to, in milliseconds.
    pub segment_ms: i64,
    /// Where the flushed end will be: after the last of the batches.
    pub end: i64,
}

/// A segment that has gained batches, which are forced.
pub(crate) struct WrittenSegment {
    pub segment: Arc<Segment>,
    /// What counts of it now.
    pub facts: SegmentFacts,
    pub index: SegmentIndex,
    /// Whether what it has gained is in the page cache.
    pub is_cached: bool,
}

/// What has been moved to segments.
pub(crate) struct FlushDone {
    pub written: Vec<WrittenSegment>,
    pub is_sealed: bool,
    pub end: i64,
}

impl Log {
    /// Whether there is something to flush, and how urgent it is.
    pub(crate) fn flush_candidate(&self) -> Option<FlushCandidate> {
        let state = self.state.lock();
        let oldest_round = state.tail.oldest_unflushed_round();
        if state.is_deleted || (oldest_round.is_none() && !state.roll_requested) {
            return None;
        }
        Some(FlushCandidate {
            log_id: self.id.0,
            bytes: state.tail.unflushed_bytes(),
            oldest_round: oldest_round.unwrap_or(u64::MAX),
            roll_requested: state.roll_requested,
        })
    }

    pub(crate) fn flush_work(&self, durable_seq: u64) -> FlushWork {
        let state = self.state.lock();
        let durable = state
            .tail
            .unflushed()
            .take_while(|batch| batch.round_seq <= durable_seq);
        let mut end = state.tail.flushed_end();
        let mut batches = Vec::new();
        for batch in durable {
            end = batch.last_offset + 1;
            if batch.last_offset >= state.log_start {
                batches.push(batch.clone());
            } else {
                mark(Mark::BelowStartLeftOut);
            }
        }
        let is_contiguous = |segment: &&Arc<Segment>| {
            let next = batches.first().map_or(end, |batch| batch.base_offset);
            !state.is_sealed && segment.generation == 0 && segment.facts().end_offset == next
        };
        FlushWork {
            config: Arc::clone(&state.config),
            active: state.segments.last().filter(is_contiguous).cloned(),
            is_first: state.segments.is_empty(),
            is_read: self.engine.env.clock.now() < state.read_until,
            rolls_after: state.roll_requested,
            since_ms: state.tail_since_ms,
            segment_ms: state.config.roll_ms(state.roll_random),
            batches,
            end,
        }
    }

    /// Says that the segments hold what they hold. Returns the bytes that only readers need now.
    pub(crate) fn finish_flush(&self, done: FlushDone, now_ms: i64) -> u64 {
        let mut flushed = self.flushed.lock();
        let mut state = self.state.lock();
        if state.is_deleted {
            return 0;
        }
        let moved: Vec<_> = state
            .tail
            .unflushed()
            .take_while(|batch| batch.base_offset < done.end)
            .map(|batch| batch.bytes.clone())
            .collect();
        let bytes = state.tail.set_flushed_end(done.end);
        let has_written = !done.written.is_empty();
        for written in done.written {
            let segment = written.segment;
            let is_new = state
                .segments
                .last()
                .is_none_or(|last| last.base_offset < segment.base_offset);
            segment.extend(written.facts, Some(written.index), written.is_cached);
            if is_new {
                state.segments.push(segment);
                state.roll_random = self.engine.env.rng.random_u64();
            }
        }
        state.count_segments_bytes();
        // What is sealed stays so until another segment follows it.
        state.is_sealed = done.is_sealed || (state.is_sealed && !has_written);
        let rolls_for_compaction = done.is_sealed && state.config.cleanup_compact;
        state.roll_requested = false;
        state.tail_since_ms = now_ms;
        state.check_invariants();
        drop(state);
        for batch in moved {
            flushed.fold(&batch, now_ms);
        }
        self.engine
            .unflushed_bytes
            .fetch_sub(bytes, Ordering::Relaxed);
        self.engine.cached_bytes.fetch_add(bytes, Ordering::Relaxed);
        if rolls_for_compaction {
            self.engine.compact_signal.raise();
        }
        bytes
    }

    /// Says that the last segment is not to be written to again: a force of it failed.
    pub(crate) fn seal(&self) {
        self.state.lock().is_sealed = true;
    }

    /// Takes out the segments that lie below the log start or that have been replaced.
    pub(crate) fn take_unneeded_segments(&self) -> Vec<Arc<Segment>> {
        let mut state = self.state.lock();
        let state = &mut *state;
        let log_start = state.log_start;
        let below = state
            .segments
            .partition_point(|segment| segment.facts().end_offset <= log_start);
        let mut taken: Vec<_> = state.segments.drain(..below).collect();
        if !taken.is_empty() {
            state.count_segments_bytes();
        }
        taken.append(&mut state.replaced);
        taken
    }

    /// Whether the tail begins with batches below the log start.
    pub(crate) fn has_tail_below_start(&self) -> bool {
        let state = self.state.lock();
        let first = state.tail.unflushed().next();
        first.is_some_and(|first| first.last_offset < state.log_start)
    }

    /// A snapshot to be written, if there is something to remember that no snapshot holds; and the
    /// file that it takes the place of.
    pub(crate) fn snapshot_work(&self) -> Option<(Option<ProducerSnapshot>, Option<PathBuf>)> {
        let flushed = self.flushed.lock();
        let state = self.state.lock();
        let offset = state.tail.flushed_end();
        let is_empty = flushed.producers.is_empty() && flushed.transactions.is_empty();
        if state.is_deleted || offset == flushed.snapshot_offset {
            return None;
        }
        let old =
            (flushed.snapshot_offset >= 0).then(|| self.snapshot_path(flushed.snapshot_offset));
        if is_empty {
            return old.map(|old| (None, Some(old)));
        }
        let snapshot = ProducerSnapshot {
            offset,
            log_id: Some(self.id.0),
            producers: flushed.producers.to_snapshot(),
            aborted: flushed.transactions.to_snapshot(),
        };
        Some((Some(snapshot), old))
    }

    pub(crate) fn snapshot_path(&self, offset: i64) -> PathBuf {
        self.engine
            .log_directory(self.id.0)
            .join(file_name(offset, SNAPSHOT))
    }

    /// Says which snapshot is on disk; -1 for none.
    pub(crate) fn finish_snapshot(&self, offset: i64) {
        self.flushed.lock().snapshot_offset = offset;
    }

    /// The log as a checkpoint names it.
    pub(crate) fn to_checkpoint(&self) -> LogCheckpoint {
        let flushed = self.flushed.lock();
        let state = self.state.lock();
        let data_dir = &self.engine.settings.data_dir;
        LogCheckpoint {
            log_id: self.id.0,
            log_start: state.log_start,
            flushed_end: state.tail.flushed_end(),
            quarantine: state.quarantine.as_ref().map(|found| Quarantine {
                from: found.from,
                cause: found.cause.moved(data_dir, Path::new("")),
            }),
            snapshot_offset: flushed.snapshot_offset,
            clean_end: state.clean_end,
            epochs: state.epochs.below(state.tail.flushed_end()),
            segments: state
                .segments
                .iter()
                .map(|segment| segment.to_checkpoint())
                .collect(),
        }
    }

    /// The round of the oldest batch that is in no segment.
    pub(crate) fn oldest_unflushed_round(&self) -> Option<u64> {
        self.state.lock().tail.oldest_unflushed_round()
    }

    /// Drops batches from memory that a segment holds.
    pub(crate) fn evict(&self, round_seq: u64) {
        let mut state = self.state.lock();
        let bytes = state.tail.evict(round_seq);
        drop(state);
        self.engine.cached_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Makes what came with a round up to this one, and stays in memory, independent of larger buffers.
    pub(crate) fn detach(&self, round_seq: u64) {
        if self.state.lock().tail.detach(round_seq) {
            mark(Mark::Detached);
        }
    }

    /// Ends the log: readers and appends are refused.
    pub(crate) fn delete(&self) {
        let mut state = self.state.lock();
        state.is_deleted = true;
        let (unflushed, cached) = state.tail.clear();
        state.watchers.notify();
        drop(state);
        self.engine
            .unflushed_bytes
            .fetch_sub(unflushed, Ordering::Relaxed);
        self.engine
            .cached_bytes
            .fetch_sub(cached, Ordering::Relaxed);
    }

    /// All files of a deleted log.
    pub(crate) fn take_all_segments(&self) -> Vec<Arc<Segment>> {
        let mut state = self.state.lock();
        let mut taken = std::mem::take(&mut state.segments);
        taken.append(&mut state.replaced);
        taken
    }

    pub(crate) fn snapshot_file(&self) -> Option<PathBuf> {
        let offset = self.flushed.lock().snapshot_offset;
        (offset >= 0).then(|| self.snapshot_path(offset))
    }

    /// What retention has to do for this log now.
    pub(crate) fn plan_retention(&self, now_ms: i64) -> RetentionPlan {
        let state = self.state.lock();
        if state.is_deleted || state.quarantine.is_some() {
            return RetentionPlan::default();
        }
        let segments: Vec<_> = state
            .segments
            .iter()
            .map(|segment| {
                let facts = segment.facts();
                SegmentAge {
                    end_offset: facts.end_offset,
                    bytes: facts.bytes,
                    max_timestamp: facts.max_timestamp,
                    created_ms: facts.created_ms,
                }
            })
            .collect();
        retention::plan(&RetentionFacts {
            config: &state.config,
            now_ms,
            log_start: state.appended_start,
            end: state.last_stable_offset(),
            is_last_open: state.is_last_open(),
            roll_ms: state.config.roll_ms(state.roll_random),
            segments: &segments,
            tail_bytes: state.tail.unflushed_bytes(),
            tail_max_timestamp: state
                .tail
                .unflushed()
                .map(|batch| batch.max_timestamp)
                .max(),
            tail_since_ms: state.tail_since_ms,
        })
    }

    /// Asks the flusher to move the tail to its segment and to begin another one after it.
    pub(crate) fn request_roll(&self) {
        self.state.lock().roll_requested = true;
        self.engine.ask_for_chores();
    }

    /// Forgets producers that have not been heard of for long.
    pub(crate) fn expire_producers(&self, now_ms: i64) {
        let expiration_ms = self
            .engine
            .producer_id_expiration_ms
            .load(Ordering::Relaxed);
        let mut flushed = self.flushed.lock();
        flushed.producers.expire(now_ms, expiration_ms);
        let mut state = self.state.lock();
        state.producers.expire(now_ms, expiration_ms);
    }

    pub(crate) fn has_producers(&self) -> bool {
        !self.state.lock().producers.is_empty()
    }
}

impl Flushed {
    /// Folds in a batch that is in a segment now.
    pub(crate) fn fold(&mut self, batch: &[u8], now_ms: i64) {
        let Some(header) = BatchHeader::parse(batch) else {
            return;
        };
        let log_append_time_ms = if header.has_log_append_time() {
            header.max_timestamp
        } else {
            -1
        };
        let marker = transaction_marker(&header, batch);
        self.producers.apply(
            &header,
            marker,
            header.base_offset,
            log_append_time_ms,
            Sequence(0),
            now_ms,
        );
        self.transactions.apply(&header, marker);
    }
}
