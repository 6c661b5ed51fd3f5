//! The engine as the broker sees it.

mod state;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use env::{Loop, Monotonic, Step};
use model::{LeaderEpoch, LogId, Offset};
use parking_lot::{Condvar, Mutex};
use tracing::warn;

use crate::admission::Permit;
use crate::compaction::Compactor;
use crate::damage::Damage;
use crate::engine::Engine;
use crate::errors::{AppendError, AppendGroupError, CommitError};
use crate::flush::{Flusher, Logs};
use crate::log::{GroupEntry, Log, append_group};
use crate::metrics::StorageMetricsSnapshot;
use crate::settings::{CompactionSettings, LogConfig};
use crate::signal::Signal;
use crate::views::{Append, Appended, Durability, Sequence};
use crate::wal::committer::Committer;
use crate::wal::queue::Refusal;

pub use state::StorageState;

/// All logs of a broker.
pub struct Storage {
    engine: Arc<Engine>,
    logs: Arc<Logs>,
    committer: Mutex<Committer>,
    flusher: Mutex<Flusher>,
    compactor: Mutex<Compactor>,
    /// The lock of the data directory.
    lock: Mutex<Option<Box<dyn Send + Sync>>>,
    running: Arc<Running>,
}

/// The loops that run.
#[derive(Debug, Default)]
struct Running {
    count: Mutex<usize>,
    ended: Condvar,
    started: AtomicUsize,
}

impl Storage {
    pub(crate) fn new(
        engine: Arc<Engine>,
        logs: Arc<Logs>,
        committer: Committer,
        flusher: Flusher,
        lock: Box<dyn Send + Sync>,
    ) -> Arc<Self> {
        let compactor = Compactor::new(Arc::clone(&engine), Arc::clone(&logs));
        Arc::new(Self {
            engine,
            logs,
            committer: Mutex::new(committer),
            flusher: Mutex::new(flusher),
            compactor: Mutex::new(compactor),
            lock: Mutex::new(Some(lock)),
            running: Arc::default(),
        })
    }

    /// Starts the commit loop, the flusher and compaction, each on a thread of its own. Without this
    /// nothing is committed unless somebody calls [`Storage::commit_step`].
    pub fn start(self: &Arc<Self>) {
        self.running.started.store(1, Ordering::Release);
        *self.running.count.lock() += 3;
        self.spawn("ottla-commit", Self::commit_step, |engine| {
            &engine.commit_signal
        });
        self.spawn("ottla-flush", Self::flush_step, |engine| {
            &engine.flush_signal
        });
        self.spawn("ottla-compact", Self::compact_step, |engine| {
            &engine.compact_signal
        });
    }

    fn spawn(
        self: &Arc<Self>,
        name: &'static str,
        step: fn(&Self) -> Step,
        signal: fn(&Engine) -> &Signal,
    ) {
        let body = StorageLoop {
            storage: Some(Arc::clone(self)),
            engine: Arc::clone(&self.engine),
            step,
            signal,
        };
        self.engine.env.spawn.thread(name, Box::new(body));
    }

    /// Appends that belong to one request; see [`Gathering`].
    pub fn gather(&self) -> Gathering<'_> {
        Gathering {
            storage: self,
            strongest: None,
        }
    }

    /// Commits what was appended at once if nobody else commits and the disk is not needed for it, and
    /// otherwise wakes the commit loop.
    fn commit_here_or_wake(&self) {
        let is_done = self
            .committer
            .try_lock()
            .is_some_and(|mut committer| committer.commit_here());
        if !is_done {
            self.engine.wake_committer();
        }
    }

    /// One step of the commit loop: at most one round. For the loop, and for simulations.
    pub fn commit_step(&self) -> Step {
        self.committer.lock().step()
    }

    /// One step of the flusher: at most one pass. For the loop, and for simulations.
    pub fn flush_step(&self) -> Step {
        self.flusher.lock().step()
    }

    /// One step of compaction: it chooses a log, or reads a piece of one and writes what stays. For
    /// the loop, and for simulations.
    pub fn compact_step(&self) -> Step {
        self.compactor.lock().step()
    }

    /// Takes no more appends from now on; the loops end when what was taken is durable.
    pub fn stop(&self) {
        self.engine.queue.refuse(Refusal::ShuttingDown);
        self.engine.admission.open_for_good();
        self.engine.commit_signal.raise();
        self.engine.flush_signal.raise();
        self.engine.compact_signal.raise();
    }

    /// Takes no more appends, commits what was taken, and returns when that is durable and the loops
    /// have ended. The data directory can be opened again after this.
    pub fn shut_down(&self) {
        self.stop();
        if self.running.started.load(Ordering::Acquire) == 0 {
            while self.commit_step() == Step::Worked {}
        }
        let mut count = self.running.count.lock();
        while *count > 0 {
            self.running.ended.wait(&mut count);
        }
        drop(count);
        self.lock.lock().take();
    }

    /// A log that exists.
    pub fn log(&self, id: LogId) -> Option<Arc<Log>> {
        self.logs.get(id.0)
    }

    /// Makes logs; one that exists stays as it is. To be called after the metadata record that says
    /// so has been appended.
    pub fn create_logs(&self, logs: &[(LogId, LogConfig)]) {
        for (id, config) in logs {
            if self.logs.get(id.0).is_none() {
                let log = Log::new(*id, Arc::clone(&self.engine), config.clone());
                self.logs.insert(log);
            }
        }
    }

    /// Deletes a log and, when no checkpoint lists them any more, its files. To be called when the
    /// metadata record that says so is durable.
    pub fn delete_log(&self, id: LogId) {
        if self.logs.delete(id.0).is_some() {
            self.engine.ask_for_chores();
        }
    }

    /// Appends batches to several logs, or several to one, as one: they are on disk when the last
    /// one's sequence is, and after a crash all of them are there or none. Readers of a relaxed log
    /// see its batch no earlier than those of a strict one see theirs. Of one producer a log takes
    /// one batch of a group.
    pub fn append_group(&self, entries: &[GroupEntry]) -> Result<Vec<Appended>, AppendGroupError> {
        append_group(&self.engine, entries)
    }

    /// The epoch of this start; no earlier start had it.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        LeaderEpoch(self.engine.leader_epoch)
    }

    /// Completes when an entry, and so every earlier one, has come that far; with an error if it
    /// never will, or if the disk is full.
    pub fn wait(
        &self,
        sequence: Sequence,
        durability: Durability,
    ) -> impl Future<Output = Result<(), CommitError>> + Send + 'static + use<> {
        self.engine.progress.wait(sequence, durability)
    }

    /// Has everything forced that has been appended so far, whatever the logs say of that; the newest
    /// entry of it, whose durability can be waited for. `Sequence(0)` if nothing has been appended since
    /// the start.
    pub fn force_all(&self) -> Sequence {
        self.engine.demand_force()
    }

    /// Whether the entry is durable.
    pub fn is_durable(&self, sequence: Sequence) -> bool {
        self.has_reached(sequence, Durability::Durable)
    }

    /// Whether the entry has come that far.
    pub fn has_reached(&self, sequence: Sequence, durability: Durability) -> bool {
        self.engine.progress.has_reached(sequence, durability)
    }

    /// What is damaged, as found at the start and since.
    pub fn damages(&self) -> Vec<Damage> {
        self.engine.damages()
    }

    /// Whether nothing can be appended until a restart, for a failed write or damage.
    pub fn is_poisoned(&self) -> bool {
        self.engine.is_read_only || self.engine.queue.refusal() == Some(Refusal::Poisoned)
    }

    /// Whether what was acknowledged is lost that concerns all logs: rounds of the write-ahead log, or
    /// parts of the log that says which logs there are. Nothing can be appended, and topics may be
    /// missing.
    pub fn is_read_only(&self) -> bool {
        self.engine.is_read_only
    }

    /// Whether appends of users are refused because the disk is full; they are taken again by
    /// themselves when there is space.
    pub fn is_disk_full(&self) -> bool {
        self.engine.is_disk_full()
    }

    /// Reserves room for a request of this many bytes; without room it gives what waits for some. A poisoned or
    /// full engine lets everybody in: the append says what is wrong.
    pub fn try_reserve(
        &self,
        bytes: usize,
    ) -> Result<Permit, impl Future<Output = Permit> + Send + 'static + use<>> {
        self.engine.try_reserve(bytes)
    }

    /// As [`Storage::try_reserve`], and waits until there is room.
    pub fn reserve(&self, bytes: usize) -> impl Future<Output = Permit> + Send + 'static + use<> {
        let engine = Arc::clone(&self.engine);
        async move {
            match engine.try_reserve(bytes) {
                Ok(permit) => permit,
                Err(waits) => waits.await,
            }
        }
    }

    /// Changes how compaction works.
    pub fn set_compaction_settings(&self, settings: CompactionSettings) {
        self.engine.set_compaction_settings(settings);
    }

    /// Counters, and what is held now.
    pub fn metrics(&self) -> StorageMetricsSnapshot {
        let engine = &self.engine;
        StorageMetricsSnapshot {
            unflushed_bytes: engine.unflushed_bytes.load(Ordering::Relaxed),
            cached_bytes: engine.cached_bytes.load(Ordering::Relaxed),
            wal_used_bytes: engine.slots.used_bytes(),
            wal_slots: engine.slots.count() as u64,
            reserved_bytes: engine.admission.reserved_bytes(),
            logs: self.logs.len() as u64,
            ..engine.metrics.snapshot()
        }
    }

    /// Changes how long producers are remembered after their last batch; counts from the next
    /// [`Storage::run_retention`] on.
    pub fn set_producer_id_expiration_ms(&self, expiration_ms: i64) {
        let current = &self.engine.producer_id_expiration_ms;
        current.store(expiration_ms, Ordering::Relaxed);
    }

    /// Removes what has had its time: moves log starts by the retention settings, asks for rolls,
    /// and forgets producers. To be called now and then.
    pub fn run_retention(&self, now_ms: i64) {
        if self.is_poisoned() {
            return;
        }
        for log in self.logs.all() {
            if log.has_producers() {
                log.expire_producers(now_ms);
            }
            let plan = log.plan_retention(now_ms);
            if plan.roll {
                log.request_roll();
            }
            if let Some(log_start) = plan.log_start
                && let Err(error) = log.set_log_start(Offset(log_start))
            {
                warn!(log = %log.id(), %error, "retention cannot move the start of a log");
            }
        }
    }
}

/// One of the loops.
struct StorageLoop {
    /// Let go of when the loop has stopped.
    storage: Option<Arc<Storage>>,
    engine: Arc<Engine>,
    step: fn(&Storage) -> Step,
    signal: fn(&Engine) -> &Signal,
}

impl Loop for StorageLoop {
    fn step(&mut self) -> Step {
        let Some(storage) = &self.storage else {
            return Step::Stopped;
        };
        let step = (self.step)(storage);
        if step == Step::Stopped {
            let running = Arc::clone(&storage.running);
            self.storage = None;
            *running.count.lock() -= 1;
            running.ended.notify_all();
        }
        step
    }

    fn wait(&mut self, until: Option<Monotonic>) {
        let now = self.engine.env.clock.now();
        (self.signal)(&self.engine).wait(until.map(|until| until.since(now)));
    }

    fn is_woken(&self) -> bool {
        (self.signal)(&self.engine).is_raised()
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        // What waits to be committed holds its log, and the log holds the engine; so does who waits
        // for room.
        self.engine.queue.refuse(Refusal::ShuttingDown);
        self.engine.queue.clear();
        self.engine.admission.open_for_good();
        self.logs.clear();
    }
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage").finish_non_exhaustive()
    }
}

/// What is appended with it goes on its way when it is dropped: together, and if only relaxed logs are
/// concerned without waking another thread.
#[derive(Debug)]
pub struct Gathering<'a> {
    storage: &'a Storage,
    /// The strongest promise that any of the logs gives; `None` as long as nothing was appended.
    strongest: Option<Durability>,
}

impl Gathering<'_> {
    /// As [`Log::append`].
    pub fn append(
        &mut self,
        log: &Arc<Log>,
        batch: Bytes,
        mode: Append,
    ) -> Result<Appended, AppendError> {
        let (appended, durability) = log.enqueue(batch, mode)?;
        self.strongest = self.strongest.max(Some(durability));
        Ok(appended)
    }
}

impl Drop for Gathering<'_> {
    fn drop(&mut self) {
        match self.strongest {
            None => {}
            Some(Durability::Written) => self.storage.commit_here_or_wake(),
            Some(Durability::Durable) => self.storage.engine.wake_committer(),
        }
    }
}
