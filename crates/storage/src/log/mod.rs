//! One log: what has been appended to it, what readers may see of it, and where its batches are.
//!
//! State moves when a batch is appended; what readers see moves when its round is committed. The
//! lock is held for a few assignments at a time and never while anything is waited for.

mod append;
mod append_group;
mod compacting;
mod holdings;
mod housekeeping;
mod publish;
mod read;
mod restore;
mod times;
mod watch;

use std::sync::Arc;

use env::{Defect, Monotonic, has_defect};
use model::{LeaderEpoch, LogId, Offset, ProducerEpoch, ProducerId};
use parking_lot::Mutex;

pub use append_group::GroupEntry;
pub(crate) use append_group::append_group;
pub(crate) use compacting::CompactionSource;
pub use holdings::LogHoldings;
pub(crate) use housekeeping::{FlushCandidate, FlushDone, FlushWork, WrittenSegment};
pub use read::{DiskRead, Read};
pub(crate) use restore::RestoredLog;
pub use watch::WatchGuard;

use crate::damage::Quarantine;
use crate::engine::Engine;
use crate::epochs::Epochs;
use crate::producers::Producers;
use crate::segment::Segment;
use crate::settings::LogConfig;
use crate::tail::Tail;
use crate::transactions::Transactions;
use crate::views::{Durability, Isolation, LogView, ProducerView};
use watch::Watchers;

/// A log of record batches.
pub struct Log {
    id: LogId,
    engine: Arc<Engine>,
    state: Mutex<LogState>,
    /// What the segments' batches leave behind; only the flusher, compaction and retention take the
    /// lock, before `state`.
    flushed: Mutex<Flushed>,
}

struct LogState {
    config: Arc<LogConfig>,
    is_deleted: bool,
    /// Why nothing can be appended, if it is damaged.
    quarantine: Option<Quarantine>,

    appended_end: i64,
    appended_start: i64,
    producers: Producers,
    epochs: Epochs,

    log_start: i64,
    high_watermark: i64,
    transactions: Transactions,

    tail: Tail,
    segments: Vec<Arc<Segment>>,
    segments_bytes: u64,
    /// Segments that compacted ones have taken the place of, and whose files are still there.
    replaced: Vec<Arc<Segment>>,
    /// Below this offset the records have been compacted with one another.
    clean_end: i64,
    /// The last segment is not written to any more.
    is_sealed: bool,
    /// The tail is to go to its segment, which is to be the last of it.
    roll_requested: bool,
    /// Until when somebody counts as reading the segments.
    read_until: Monotonic,
    /// When the oldest batch of the tail came, by the broker's clock.
    tail_since_ms: i64,
    /// How much of `segment.jitter.ms` is taken off for the segment that is written to.
    roll_random: u64,

    watchers: Watchers,
}

/// The fold of the batches that are in segments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flushed {
    pub producers: Producers,
    pub transactions: Transactions,
    /// The name of the newest snapshot; -1 if there is none.
    pub snapshot_offset: i64,
    /// Where the segments ended when compaction forgot aborted transactions last; -1 if never. A
    /// snapshot from there or before may still know them.
    pub forgotten_at: i64,
}

impl Flushed {
    /// Of no batches.
    pub(crate) fn nothing() -> Self {
        Self {
            snapshot_offset: -1,
            forgotten_at: -1,
            ..Self::default()
        }
    }
}

impl LogState {
    fn last_stable_offset(&self) -> i64 {
        let mut first_open = self.transactions.last_stable_offset(self.high_watermark);
        if has_defect(Defect::LastStableOffByOne) {
            first_open = self.high_watermark.min(first_open + 1);
        }
        // Nobody can read what was deleted from the start of an open transaction.
        first_open.max(self.log_start)
    }

    fn end_for(&self, isolation: Isolation) -> i64 {
        match isolation {
            Isolation::ReadUncommitted => self.high_watermark,
            Isolation::ReadCommitted if has_defect(Defect::LastStableInclusive) => {
                // Every batch of the tests has fewer records than this.
                self.high_watermark.min(self.last_stable_offset() + 10)
            }
            Isolation::ReadCommitted => self.last_stable_offset(),
        }
    }

    /// Whether the last segment is written to, if there is one.
    fn is_last_open(&self) -> bool {
        let is_compacted = |last: &Arc<Segment>| last.generation > 0;
        !self.is_sealed && !self.segments.last().is_some_and(is_compacted)
    }

    fn view(&self, leader_epoch: i32) -> LogView {
        LogView {
            log_start: Offset(self.log_start),
            high_watermark: Offset(self.high_watermark),
            last_stable_offset: Offset(self.last_stable_offset()),
            appended_end: Offset(self.appended_end),
            leader_epoch: LeaderEpoch(leader_epoch),
            bytes: self.segments_bytes + self.tail.unflushed_bytes(),
        }
    }

    /// Panics if the log contradicts itself.
    fn check_invariants(&self) {
        assert!(self.log_start <= self.appended_start);
        assert!(self.log_start <= self.high_watermark);
        assert!(self.high_watermark <= self.appended_end);
        assert!(self.appended_start <= self.appended_end);
        assert!(self.tail.flushed_end() <= self.high_watermark);
        assert!(self.clean_end <= self.high_watermark);
        debug_assert!(
            self.segments
                .windows(2)
                .all(|pair| matches!(pair, [a, b] if a.facts().end_offset <= b.base_offset))
        );
    }
}

impl LogState {
    fn count_segments_bytes(&mut self) {
        let bytes = self.segments.iter().map(|segment| segment.facts().bytes);
        self.segments_bytes = bytes.sum();
    }
}

impl Log {
    /// The identity of the log.
    pub fn id(&self) -> LogId {
        self.id
    }

    /// What readers may know of the log now.
    pub fn view(&self) -> LogView {
        self.state.lock().view(self.engine.leader_epoch)
    }

    /// The settings of the log.
    pub fn config(&self) -> Arc<LogConfig> {
        Arc::clone(&self.state.lock().config)
    }

    /// Replaces the settings; they count at once. What a relaxed log has acknowledged under other
    /// bounds is forced.
    pub fn set_config(&self, config: LogConfig) {
        let mut state = self.state.lock();
        let old = std::mem::replace(&mut state.config, Arc::new(config));
        let bounds = |config: &LogConfig| (config.flush_messages, config.flush_ms);
        let have_changed = bounds(&old) != bounds(&state.config);
        let may_compact = state.config.cleanup_compact;
        drop(state);
        if old.is_relaxed() && have_changed {
            self.engine.demand_force();
        }
        if may_compact {
            self.engine.compact_signal.raise();
        }
    }

    /// What an answer to `acks=all` waits for: for relaxed logs, that the batch is written.
    pub fn ack_durability(&self) -> Durability {
        self.state.lock().config.ack_durability()
    }

    /// Whether the log is damaged, so that nothing can be appended to it.
    pub fn is_quarantined(&self) -> bool {
        self.state.lock().quarantine.is_some()
    }

    /// Whether records that were acknowledged are known to be missing at the end of the log.
    pub fn lacks_end(&self) -> bool {
        self.is_cut_off(&self.state.lock())
    }

    /// The largest epoch of the log's batches that is not above `epoch`, and the offset at which it
    /// ended; -1 and -1 if there is none or if `epoch` has not begun (KIP-101, KIP-279).
    pub fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> (LeaderEpoch, Offset) {
        let state = self.state.lock();
        state
            .epochs
            .end_offset_for(epoch, self.engine.leader_epoch, state.high_watermark)
    }

    /// The producers the log remembers, in the order of their ids (KIP-664). That is of what has been
    /// appended: an answer has to wait for [`crate::Storage::last_sequence`].
    pub fn producers(&self) -> Vec<ProducerView> {
        let state = self.state.lock();
        let mut views: Vec<_> = state
            .producers
            .iter()
            .map(|(producer_id, producer)| ProducerView {
                producer_id: ProducerId(producer_id),
                producer_epoch: ProducerEpoch(producer.epoch),
                last_sequence: producer
                    .batches
                    .back()
                    .map_or(-1, |batch| batch.last_sequence),
                last_timestamp_ms: producer.last_append_ms,
                coordinator_epoch: producer.coordinator_epoch,
                current_transaction_start_offset: Offset(producer.transaction_start),
            })
            .collect();
        drop(state);
        views.sort_unstable_by_key(|view| view.producer_id);
        views
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
