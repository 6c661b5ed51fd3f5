//! Compaction: of each key the last record is kept, at its offset and in its order, and the earlier
//! ones go (`cleanup.policy=compact`).
//!
//! A round takes one log. It reads the dirty part and notes the last offset of each key; then it
//! reads all from the front of the log and writes what stays into new segment files, which take the
//! place of the old ones in memory when they are forced. That they do so for good is a fact when a
//! checkpoint lists them; until then a restart goes on with the old files, which are removed only
//! after that. So a round may end anywhere.
//!
//! `plan` says what is dirty and worth it, `filter` what stays of a batch, `round` runs one round,
//! `group` writes the new segments, and this file chooses.

mod filter;
mod group;
mod offset_map;
pub(crate) mod plan;
mod reader;
mod round;
mod transactions;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use env::{Monotonic, Step};
use tracing::{debug, info, warn};

pub(crate) use filter::LastOfProducer;
use plan::is_more_urgent;
pub(crate) use plan::{CompactionFacts, CompactionPlan, SegmentPart};
use round::{Progress, Round, RoundError};

use crate::engine::Engine;
use crate::flush::Logs;
use crate::log::Log;
use crate::marks::{Mark, mark};

pub(crate) struct Compactor {
    engine: Arc<Engine>,
    logs: Arc<Logs>,
    round: Option<Round>,
    /// Nothing is read or written before.
    pause_until: Monotonic,
    /// Logs whose last round failed, and when they are tried again.
    failed: BTreeMap<u32, Monotonic>,
}

impl Compactor {
    pub(crate) fn new(engine: Arc<Engine>, logs: Arc<Logs>) -> Self {
        Self {
            engine,
            logs,
            round: None,
            pause_until: Monotonic::default(),
            failed: BTreeMap::new(),
        }
    }

    /// Does what is to be done now: chooses a log, or reads a piece of one and writes what stays.
    pub(crate) fn step(&mut self) -> Step {
        if self.engine.is_closing() {
            self.give_up();
            return Step::Stopped;
        }
        if self.engine.is_read_only || self.engine.is_poisoned() {
            self.give_up();
            return Step::Idle { until: None };
        }
        let now = self.engine.env.clock.now();
        if now < self.pause_until {
            return Step::Idle {
                until: Some(self.pause_until),
            };
        }
        let Some(mut round) = self.round.take().or_else(|| self.begin(now)) else {
            return Step::Idle {
                until: Some(now + self.engine.compaction_settings().backoff),
            };
        };
        match round.step(&self.engine) {
            Ok(Progress::More { bytes }) => {
                self.pause_until = now + self.pause_for(bytes);
                self.round = Some(round);
            }
            Ok(Progress::Done) => self.finish(&round),
            Err(error) => self.fail(round, error, now),
        }
        Step::Worked
    }

    /// How long so many bytes must take at least.
    fn pause_for(&self, bytes: u64) -> Duration {
        let per_second = self.engine.compaction_settings().bytes_per_second.max(1.0);
        Duration::try_from_secs_f64(bytes as f64 / per_second).unwrap_or_default()
    }

    /// Begins a round on the log that needs it most.
    fn begin(&mut self, now: Monotonic) -> Option<Round> {
        let now_ms = self.engine.env.clock.wall_ms();
        self.failed.retain(|_, retry_at| *retry_at > now);
        let mut best: Option<(CompactionPlan, Arc<Log>)> = None;
        for log in self.logs.all() {
            if !log.is_compaction_wanted() {
                continue;
            }
            // What is written to is not compacted, so it must not be written to for ever.
            if log.plan_retention(now_ms).roll {
                log.request_roll();
            }
            if self.failed.contains_key(&log.id().0) {
                continue;
            }
            if let Some(plan) = log.plan_compaction(now_ms)
                && best
                    .as_ref()
                    .is_none_or(|(best, _)| is_more_urgent(&plan, best))
            {
                best = Some((plan, log));
            }
        }
        let (_, log) = best?;
        let source = log.compaction_source(now_ms)?;
        debug!(log = %log.id(), from = source.plan.from, until = source.plan.until,
            dirty_ratio = source.plan.dirty_ratio, "compaction begins");
        Some(Round::new(&self.engine, log, source, now_ms))
    }

    fn finish(&self, round: &Round) {
        mark(Mark::LogCompacted);
        let metrics = &self.engine.metrics;
        metrics.note_compaction(round.read_bytes(), round.written_bytes());
        metrics.set_compaction_memory(0);
        info!(log = %round.log().id(), until = round.mapped_end(), read_bytes = round.read_bytes(),
            written_bytes = round.written_bytes(), "compacted");
        // Where the clean part ends now is to be written down.
        self.engine.ask_for_chores();
    }

    fn fail(&mut self, round: Round, error: RoundError, now: Monotonic) {
        let log = Arc::clone(round.log());
        round.abandon(&self.engine);
        self.engine.metrics.set_compaction_memory(0);
        match error {
            RoundError::NotWanted => {
                mark(Mark::CompactionGivenUp);
                return;
            }
            RoundError::Fault(fault, offset) => {
                // A damaged log is not compacted again; a device may work again.
                log.note_fault(fault, offset);
            }
            RoundError::Io(error) => {
                warn!(log = %log.id(), %error, "a log cannot be compacted for now");
            }
        }
        mark(Mark::CompactionFailed);
        self.engine.metrics.note_compaction_failure();
        let retry_at = now + self.engine.compaction_settings().backoff;
        self.failed.insert(log.id().0, retry_at);
    }

    fn give_up(&mut self) {
        if let Some(round) = self.round.take() {
            round.abandon(&self.engine);
            self.engine.metrics.set_compaction_memory(0);
        }
    }
}
