//! What compaction asks of a log, and what it brings back.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Log, LogState};
use crate::compaction::{CompactionFacts, CompactionPlan, LastOfProducer, SegmentPart, plan};
use crate::producers::Producers;
use crate::segment::Segment;
use crate::settings::LogConfig;
use crate::views::AbortedTransaction;

/// Everything that a round of compaction works from.
pub(crate) struct CompactionSource {
    pub config: Arc<LogConfig>,
    pub plan: CompactionPlan,
    /// The segments to be compacted, from the front of the log.
    pub segments: Vec<Arc<Segment>>,
    pub log_start: i64,
    pub last_of_producers: HashMap<i64, LastOfProducer>,
    /// The aborted transactions of the log, in the order of their last offsets. The marker of one may
    /// not be in a segment yet.
    pub aborted: Vec<AbortedTransaction>,
    /// Whether a snapshot may know of others.
    pub is_list_older_on_disk: bool,
}

impl SegmentPart {
    pub(crate) fn of(segment: &Segment) -> Self {
        let facts = segment.facts();
        Self {
            base_offset: segment.base_offset,
            end_offset: facts.end_offset,
            bytes: facts.bytes,
            max_timestamp: facts.max_timestamp,
            created_ms: facts.created_ms,
        }
    }
}

impl LogState {
    fn wants_compaction(&self) -> bool {
        !self.is_deleted && self.quarantine.is_none() && self.config.cleanup_compact
    }

    fn plan_compaction(&self, now_ms: i64) -> Option<CompactionPlan> {
        if !self.wants_compaction() {
            return None;
        }
        let open = usize::from(self.is_last_open());
        let closed = self.segments.len().saturating_sub(open);
        let closed: Vec<_> = self
            .segments
            .iter()
            .take(closed)
            .map(|segment| SegmentPart::of(segment))
            .collect();
        plan::plan(&CompactionFacts {
            config: &self.config,
            now_ms,
            log_start: self.log_start,
            clean_end: self.clean_end,
            last_stable_offset: self.last_stable_offset(),
            closed: &closed,
        })
    }
}

impl Log {
    /// What is to be compacted now.
    pub(crate) fn plan_compaction(&self, now_ms: i64) -> Option<CompactionPlan> {
        self.state.lock().plan_compaction(now_ms)
    }

    /// What is to be compacted now, with all that it takes.
    pub(crate) fn compaction_source(&self, now_ms: i64) -> Option<CompactionSource> {
        let flushed = self.flushed.lock();
        let state = self.state.lock();
        let plan = state.plan_compaction(now_ms)?;
        Some(CompactionSource {
            config: Arc::clone(&state.config),
            segments: state.segments.iter().take(plan.segments).cloned().collect(),
            log_start: state.log_start,
            last_of_producers: last_of_producers(&flushed.producers),
            aborted: state.transactions.aborted().to_vec(),
            is_list_older_on_disk: flushed.snapshot_offset >= 0
                && flushed.forgotten_at >= flushed.snapshot_offset,
            plan,
        })
    }

    /// Whether a round that has begun is still wanted.
    pub(crate) fn is_compaction_wanted(&self) -> bool {
        self.state.lock().wants_compaction()
    }

    /// Puts segments in the place of others, whose records they hold as far as compaction has left
    /// them, and which are forced. `false` if the others are not all there any more.
    pub(crate) fn replace_segments(&self, old: &[Arc<Segment>], new: Vec<Arc<Segment>>) -> bool {
        let mut state = self.state.lock();
        let state = &mut *state;
        let Some(first) = old.first() else {
            return false;
        };
        let is_same = |one: &Arc<Segment>, other: &Arc<Segment>| Arc::ptr_eq(one, other);
        let at = state
            .segments
            .iter()
            .position(|segment| is_same(segment, first));
        let Some(places) = at.map(|at| at..at + old.len()) else {
            return false;
        };
        let found = state.segments.get(places.clone()).unwrap_or_default();
        let are_there = found.len() == old.len()
            && found
                .iter()
                .zip(old)
                .all(|(one, other)| is_same(one, other));
        if state.is_deleted || !are_there {
            return false;
        }
        for segment in old {
            segment.set_replaced();
        }
        // Readers must not find in memory what is gone.
        let end_offset = old.last().map_or(0, |last| last.facts().end_offset);
        let cached = state.tail.evict_below(end_offset);
        self.engine
            .cached_bytes
            .fetch_sub(cached, Ordering::Relaxed);
        let replaced = state.segments.splice(places, new);
        state.replaced.extend(replaced);
        state.count_segments_bytes();
        state.check_invariants();
        true
    }

    /// Says up to where the records have been compacted with one another, and which aborted
    /// transactions have left nothing but their markers.
    pub(crate) fn finish_compaction(&self, clean_end: i64, gone: &[AbortedTransaction]) {
        let mut flushed = self.flushed.lock();
        let mut state = self.state.lock();
        state.clean_end = clean_end;
        if !gone.is_empty() {
            state.transactions.forget(gone);
            flushed.transactions.forget(gone);
            flushed.forgotten_at = state.tail.flushed_end();
        }
        state.check_invariants();
    }
}

fn last_of_producers(producers: &Producers) -> HashMap<i64, LastOfProducer> {
    let last = producers.iter().map(|(producer_id, producer)| {
        let last = match producer.batches.back() {
            Some(batch) => LastOfProducer::Batch {
                last_offset: batch.last_offset,
            },
            None => LastOfProducer::Marker {
                epoch: producer.epoch,
            },
        };
        (producer_id, last)
    });
    last.collect()
}
