//! The flusher: moves batches from memory to segments, writes checkpoints, frees the write-ahead
//! log, and removes what is needed no more. It works when the log or memory fills, and otherwise
//! sleeps.
//!
//! The order is what makes it safe: segments forced, directories forced, producer snapshots forced,
//! checkpoint forced; only then are rounds released and files removed.

mod checkpointing;
mod choose;
mod segment_writer;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use env::{Defect, Monotonic, OpenMode, Step, has_defect};
use parking_lot::{Mutex, RwLock};
use tracing::{info, warn};

use crate::engine::Engine;
use crate::log::Log;
use crate::marks::{Mark, mark};
use crate::segment::Segment;
use crate::wal::slots::NoSlot;
pub(crate) use checkpointing::write_forced;
use choose::{Scope, choose};
use segment_writer::FlushedLog;
pub(crate) use segment_writer::{SEGMENT_BYTES_MAX, SEGMENT_OFFSETS_MAX};

/// How long after a failure the flusher tries again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// In how many parts what a pass has moved is evicted.
const CACHED_PARTS: u64 = 16;
/// How many segments have their index in memory.
const INDEXES_MAX: usize = 64;

/// All logs there are.
#[derive(Default)]
pub(crate) struct Logs {
    by_id: RwLock<HashMap<u32, Arc<Log>>>,
    /// Deleted ones whose files are still there.
    deleted: Mutex<Vec<Arc<Log>>>,
    next_id: AtomicU32,
}

impl Logs {
    pub(crate) fn new(logs: HashMap<u32, Arc<Log>>, next_id: u32) -> Self {
        Self {
            by_id: RwLock::new(logs),
            deleted: Mutex::default(),
            next_id: AtomicU32::new(next_id),
        }
    }

    pub(crate) fn get(&self, id: u32) -> Option<Arc<Log>> {
        self.by_id.read().get(&id).cloned()
    }

    pub(crate) fn insert(&self, log: Arc<Log>) {
        let id = log.id().0;
        self.next_id
            .fetch_max(id.saturating_add(1), Ordering::AcqRel);
        self.by_id.write().entry(id).or_insert(log);
    }

    pub(crate) fn delete(&self, id: u32) -> Option<Arc<Log>> {
        let log = self.by_id.write().remove(&id)?;
        log.delete();
        self.deleted.lock().push(Arc::clone(&log));
        Some(log)
    }

    /// The logs in the order of their ids.
    pub(crate) fn all(&self) -> Vec<Arc<Log>> {
        let mut logs: Vec<_> = self.by_id.read().values().cloned().collect();
        logs.sort_unstable_by_key(|log| log.id());
        logs
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.read().len()
    }

    pub(crate) fn next_id(&self) -> u32 {
        self.next_id.load(Ordering::Acquire)
    }

    fn take_deleted(&self) -> Vec<Arc<Log>> {
        std::mem::take(&mut self.deleted.lock())
    }

    /// Lets go of all logs, which hold the engine.
    pub(crate) fn clear(&self) {
        self.by_id.write().clear();
        self.deleted.lock().clear();
    }
}

/// A file that nobody needs once no checkpoint lists it.
#[derive(Debug)]
struct Garbage {
    path: PathBuf,
    is_directory: bool,
    /// The first generation of checkpoints that does not list it; set when that one is written.
    forgotten_by: Option<u64>,
    /// When it may go (`file.delete.delay.ms`).
    not_before: Monotonic,
}

pub(crate) struct Flusher {
    engine: Arc<Engine>,
    logs: Arc<Logs>,
    checkpoint: CheckpointState,
    garbage: Vec<Garbage>,
    retry_at: Option<Monotonic>,
    /// Which use of a slot the last flush for the sake of the write-ahead log saw.
    handled_file_number: u64,
    /// The last round of each flush and the bytes it left to readers, oldest first.
    cached: VecDeque<(u64, u64)>,
    /// Segments whose index is in memory, in the order in which they were written.
    indexed: VecDeque<Arc<Segment>>,
}

/// Where the next checkpoint goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CheckpointState {
    pub generation: u64,
    pub next_file: usize,
    pub writer_epoch: u32,
    /// The release_seq of the last durable checkpoint, and the header_crc of that round.
    pub release_seq: u64,
    pub release_crc: u32,
    /// What each of the two files releases. Only what both do is given up, so that either may be lost.
    pub released_by: [u64; 2],
}

impl Flusher {
    pub(crate) fn new(
        engine: Arc<Engine>,
        logs: Arc<Logs>,
        checkpoint: CheckpointState,
        unlisted: Vec<(PathBuf, bool)>,
    ) -> Self {
        let garbage = unlisted
            .into_iter()
            .map(|(path, is_directory)| Garbage {
                is_directory,
                ..Garbage::file(path, Monotonic::default())
            })
            .collect();
        Self {
            engine,
            logs,
            checkpoint,
            garbage,
            retry_at: None,
            handled_file_number: 0,
            cached: VecDeque::new(),
            indexed: VecDeque::new(),
        }
    }

    /// The rounds that the last durable checkpoint has made unnecessary.
    pub(crate) fn released_seq(&self) -> u64 {
        self.checkpoint.release_seq
    }

    /// From now on the rounds of this epoch are there.
    pub(crate) fn set_writer_epoch(&mut self, writer_epoch: u32) {
        self.checkpoint.writer_epoch = writer_epoch;
    }

    /// Writes down that the epoch has begun, and in which slot: a slot that is lost later is missed.
    /// On a full disk it is done when there is space.
    pub(crate) fn attest_epoch(&mut self) -> io::Result<()> {
        let logs = self.logs.all();
        // A flush within the start may have got as far as the segments.
        let snapshots = self.write_snapshots(&logs);
        match snapshots.and_then(|()| self.write_checkpoint(&logs, self.checkpoint.release_seq)) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                self.engine.ask_for_chores();
                Ok(())
            }
            written => written,
        }
    }

    /// Does what is to be done now, if anything.
    pub(crate) fn step(&mut self) -> Step {
        if self.engine.is_closing() {
            return Step::Stopped;
        }
        if self.engine.is_read_only {
            return Step::Idle { until: None };
        }
        let now = self.engine.env.clock.now();
        if let Some(retry_at) = self.retry_at {
            if now < retry_at {
                return Step::Idle {
                    until: Some(retry_at),
                };
            }
            self.retry_at = None;
        }
        if self.engine.slots.wants_spare() {
            if !self.make_spare() {
                return Step::Idle {
                    until: self.retry_at,
                };
            }
        } else if self.engine.queue.is_empty() && self.engine.set_disk_full(false) {
            // The spare slot that could not be made is not needed any more, and the commit loop
            // does not wait for one.
            info!("there is room for the write-ahead log again");
        }
        self.remove_due_garbage();
        let Some(scope) = self.scope() else {
            return Step::Idle {
                until: self.next_garbage_due(),
            };
        };
        match self.pass(scope) {
            Ok(()) => Step::Worked,
            Err(error) => {
                self.engine.metrics.note_flush_failure();
                if self.engine.set_segments_stuck(true) {
                    warn!(%error, "segments cannot be written: trying again until they can");
                }
                if scope.is_memory_high {
                    self.engine.demand_release();
                }
                self.engine.ask_for_chores();
                self.handled_file_number = 0;
                self.retry_at = Some(now + RETRY_AFTER);
                Step::Idle {
                    until: self.retry_at,
                }
            }
        }
    }

    /// Makes the slot that the commit loop will need next. `false` if it could not be made.
    fn make_spare(&mut self) -> bool {
        match self.engine.slots.make_spare() {
            Ok(_) => {
                mark(Mark::SpareMade);
                if self.engine.set_disk_full(false) {
                    info!("there is room for the write-ahead log again");
                }
                self.engine.commit_signal.raise();
                true
            }
            Err(NoSlot::AllInUse) => true,
            Err(NoSlot::Io(error)) => {
                mark(Mark::SpareFailed);
                if self.engine.set_disk_full(true) {
                    warn!(%error, "no room for the write-ahead log: appends are refused");
                }
                self.retry_at = Some(self.engine.env.clock.now() + RETRY_AFTER);
                false
            }
        }
    }

    /// What calls for a flush now, if anything does.
    fn scope(&mut self) -> Option<Scope> {
        let engine = &self.engine;
        let unflushed = engine.unflushed_bytes.load(Ordering::Relaxed);
        let (is_pressed, file_number) = engine.slots.pressure();
        let is_wal_high = is_pressed && file_number != self.handled_file_number;
        let is_demanded = engine.take_release_demand();
        let flush_at = engine.flush_at_bytes.load(Ordering::Relaxed);
        let scope = Scope {
            everything: false,
            is_memory_high: is_demanded || unflushed >= flush_at,
            older_than_round: if is_demanded || is_wal_high {
                engine.slots.older_half_seq()
            } else {
                0
            },
            // Half of what may be in memory only.
            memory_target_bytes: engine.settings.memory_bytes_max / 4,
        };
        let has_chores = engine.take_chores();
        if is_wal_high {
            self.handled_file_number = file_number;
        }
        (scope.is_memory_high || is_wal_high || has_chores).then_some(scope)
    }

    /// Moves everything to segments.
    pub(crate) fn flush_everything(&mut self) -> io::Result<()> {
        self.pass(Scope {
            everything: true,
            is_memory_high: false,
            older_than_round: 0,
            memory_target_bytes: 0,
        })
    }

    fn pass(&mut self, scope: Scope) -> io::Result<()> {
        // Looked at before the logs are: what is durable later is not released by this pass.
        let durable_seq = self.engine.durable_seq();
        let now_ms = self.engine.env.clock.wall_ms();
        let logs = self.logs.all();
        let mut failure = None;
        let candidates: Vec<_> = logs
            .iter()
            .filter_map(|log| log.flush_candidate())
            .collect();
        let choice = choose(&candidates, scope);
        let mut chosen = choice.log_ids;
        chosen.extend(
            logs.iter()
                .filter(|log| log.has_tail_below_start())
                .map(|log| log.id().0),
        );
        chosen.sort_unstable();
        chosen.dedup();
        let flushed = self.flush_logs(&chosen, durable_seq, now_ms, &mut failure);
        let bytes: u64 = flushed
            .into_iter()
            .map(|(log, done)| {
                let segments = done.done.written.iter();
                self.indexed
                    .extend(segments.map(|written| Arc::clone(&written.segment)));
                log.finish_flush(done.done, now_ms)
            })
            .sum();
        if bytes > 0 {
            // Whether the checkpoint succeeds or not: the batches are in segments.
            self.note_cached(durable_seq, bytes);
            self.engine.metrics.note_flush(bytes);
        }
        if scope.is_memory_high || scope.everything {
            // Cold logs stay in memory, but must not keep the buffers of busy ones. What has come since is mostly of busy
            // ones, which the next pass takes.
            logs.iter().for_each(|log| log.detach(durable_seq));
        }
        self.collect_garbage(&logs);
        self.write_snapshots(&logs)?;
        self.write_checkpoint(&logs, durable_seq)
            .inspect_err(|_| mark(Mark::CheckpointFailed))?;
        // The other one too: only what neither needs can be given up.
        self.write_checkpoint(&logs, self.checkpoint.release_seq)
            .inspect_err(|_| mark(Mark::CheckpointFailed))?;
        if has_defect(Defect::CheckpointBeforeSegments) {
            for segment in &self.indexed {
                let file = self.engine.env.fs.open(&segment.path(), OpenMode::Write)?;
                file.sync_data()?;
            }
        }
        self.remove_due_garbage();
        self.evict(&logs);
        self.engine.let_in(bytes > 0);
        self.engine.commit_signal.raise();
        match failure {
            Some(error) => Err(error),
            None => {
                self.plan_next_pass(scope, choice.is_complete);
                if self.engine.set_segments_stuck(false) {
                    info!("segments can be written again");
                }
                Ok(())
            }
        }
    }

    /// Writes and forces the segments of the chosen logs. A log that fails is left as it is and
    /// goes on in a new file.
    fn flush_logs(
        &self,
        chosen: &[u32],
        durable_seq: u64,
        now_ms: i64,
        failure: &mut Option<io::Error>,
    ) -> Vec<(Arc<Log>, FlushedLog)> {
        let mut flushed = Vec::with_capacity(chosen.len());
        let mut has_new_directory = false;
        for log in chosen.iter().filter_map(|id| self.logs.get(*id)) {
            match segment_writer::flush_log(&self.engine, &log, durable_seq, now_ms) {
                Ok(done) => {
                    has_new_directory |= done.has_new_directory;
                    flushed.push((log, done));
                }
                Err(error) => {
                    mark(Mark::FlushFailedAndSealed);
                    log.seal();
                    *failure = Some(error);
                }
            }
        }
        if has_new_directory {
            let parent = self.engine.settings.data_dir.join("logs");
            if let Err(error) = self.engine.env.fs.sync_dir(&parent) {
                *failure = Some(error);
                flushed.retain(|(log, done)| {
                    if done.has_new_directory {
                        log.seal();
                    }
                    !done.has_new_directory
                });
            } else {
                mark(Mark::LogsDirectoryForced);
            }
        }
        flushed
    }

    /// After a pass for the sake of memory that took all it wanted, the next one comes when as much has gathered again. One
    /// for the sake of something else does not put it off.
    fn plan_next_pass(&mut self, scope: Scope, is_complete: bool) {
        if is_complete {
            let left = self.engine.unflushed_bytes.load(Ordering::Relaxed);
            let next = left.saturating_add(self.engine.settings.flush_bytes);
            let flush_at = &self.engine.flush_at_bytes;
            if scope.is_memory_high {
                flush_at.store(next, Ordering::Relaxed);
            } else {
                flush_at.fetch_min(next, Ordering::Relaxed);
            }
            return;
        }
        if scope.older_than_round > 0 {
            self.handled_file_number = 0;
        }
        if scope.is_memory_high {
            self.engine.demand_release();
        }
    }

    /// Notes what a pass has left to readers, as if it were spread evenly over its rounds.
    fn note_cached(&mut self, durable_seq: u64, bytes: u64) {
        let first = self.cached.back().map_or(0, |(round_seq, _)| *round_seq);
        let rounds = durable_seq.saturating_sub(first);
        for part in 1..=CACHED_PARTS {
            let through = first + rounds * part / CACHED_PARTS;
            self.cached.push_back((through, bytes / CACHED_PARTS));
        }
    }

    /// Drops from memory what only readers need, down to the budget.
    fn evict(&mut self, logs: &[Arc<Log>]) {
        let budget = self.engine.settings.memory_bytes_max / 8;
        let mut through = None;
        let mut cached: u64 = self.cached.iter().map(|(_, bytes)| bytes).sum();
        while cached > budget {
            let Some((round_seq, bytes)) = self.cached.pop_front() else {
                break;
            };
            cached -= bytes;
            through = Some(round_seq);
        }
        if let Some(round_seq) = through {
            mark(Mark::Evicted);
            logs.iter().for_each(|log| log.evict(round_seq));
        }
        while self.indexed.len() > INDEXES_MAX {
            if let Some(segment) = self.indexed.pop_front() {
                segment.forget_index();
            }
        }
    }
}
