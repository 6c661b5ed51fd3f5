//! Making a log: a new one, or one as recovery found it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use env::{Defect, Monotonic, has_defect};
use model::LogId;
use parking_lot::Mutex;

use super::{Flushed, Log, LogState};
use crate::damage::Quarantine;
use crate::engine::Engine;
use crate::epochs::Epochs;
use crate::producers::Producers;
use crate::segment::Segment;
use crate::settings::LogConfig;
use crate::tail::{Tail, TailBatch};
use crate::transactions::Transactions;

/// What recovery knows of a log.
#[derive(Debug, Default)]
pub(crate) struct RestoredLog {
    pub log_start: i64,
    pub end: i64,
    pub flushed_end: i64,
    pub clean_end: i64,
    pub quarantine: Option<Quarantine>,
    pub producers: Producers,
    pub transactions: Transactions,
    pub epochs: Epochs,
    pub flushed: Flushed,
    pub segments: Vec<Arc<Segment>>,
    pub tail: Vec<TailBatch>,
}

impl Log {
    /// A log without batches.
    pub(crate) fn new(id: LogId, engine: Arc<Engine>, config: LogConfig) -> Arc<Self> {
        let restored = RestoredLog {
            flushed: Flushed::nothing(),
            ..RestoredLog::default()
        };
        Self::restore(id, engine, config, restored)
    }

    /// A log as it was found.
    pub(crate) fn restore(
        id: LogId,
        engine: Arc<Engine>,
        config: LogConfig,
        restored: RestoredLog,
    ) -> Arc<Self> {
        let mut tail = Tail::new(restored.flushed_end);
        for batch in restored.tail {
            tail.push(batch);
        }
        engine
            .unflushed_bytes
            .fetch_add(tail.unflushed_bytes(), Ordering::Relaxed);
        let state = LogState {
            config: Arc::new(config),
            is_deleted: false,
            quarantine: restored.quarantine,
            appended_end: restored.end,
            appended_start: restored.log_start,
            producers: match has_defect(Defect::ForgetProducers) {
                true => Producers::default(),
                false => restored.producers,
            },
            epochs: restored.epochs,
            log_start: restored.log_start,
            high_watermark: restored.end,
            transactions: restored.transactions,
            segments_bytes: restored
                .segments
                .iter()
                .map(|segment| segment.facts().bytes)
                .sum(),
            segments: restored.segments,
            replaced: Vec::new(),
            clean_end: restored.clean_end,
            tail,
            is_sealed: false,
            roll_requested: false,
            read_until: Monotonic::default(),
            tail_since_ms: engine.env.clock.wall_ms(),
            roll_random: engine.env.rng.random_u64(),
            watchers: super::watch::Watchers::default(),
        };
        state.check_invariants();
        Arc::new(Self {
            id,
            engine,
            state: Mutex::new(state),
            flushed: Mutex::new(restored.flushed),
        })
    }
}
