//! What the logs, the commit loop and the flusher share.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use env::Env;
use parking_lot::Mutex;
use tracing::error;

use crate::admission::{Admission, Permit, Room};
use crate::buffers::BufferPool;
use crate::damage::Damage;
use crate::metrics::Metrics;
use crate::segment::SentFiles;
use crate::settings::{CompactionSettings, StorageSettings};
use crate::signal::Signal;
use crate::views::{Durability, Sequence};
use crate::wal::progress::Progress;
use crate::wal::queue::{Queue, Refusal};
use crate::wal::slots::Slots;

pub(crate) struct Engine {
    pub env: Env,
    pub settings: StorageSettings,
    pub wal_id: u64,
    /// The epoch of this start: batches are stamped with it.
    pub leader_epoch: i32,
    pub queue: Queue,
    pub progress: Progress,
    pub slots: Slots,
    /// For rounds, and for what is read from segments.
    pub buffers: BufferPool,
    /// Those that the kernel sends batches from.
    pub sent_files: SentFiles,
    pub admission: Admission,
    pub metrics: Metrics,
    pub commit_signal: Signal,
    pub flush_signal: Signal,
    pub compact_signal: Signal,
    /// Bytes of batches that are in no segment yet.
    pub unflushed_bytes: AtomicU64,
    /// Bytes of batches that are kept for readers only.
    pub cached_bytes: AtomicU64,
    /// How long a producer is remembered after its last batch, in milliseconds.
    pub producer_id_expiration_ms: AtomicI64,
    compaction: Mutex<CompactionSettings>,
    /// Unflushed bytes at which the flusher wants to hear.
    pub flush_at_bytes: AtomicU64,
    /// All entries of rounds up to this one are durable and shown.
    durable_seq: AtomicU64,
    /// Nothing may be written.
    pub is_read_only: bool,
    /// Acknowledged rounds are lost: any log may lack its newest batches.
    pub has_lost_rounds: bool,
    /// There is no room for another slot of the write-ahead log.
    is_slot_missing: AtomicBool,
    /// There is no room for segments.
    is_segment_missing: AtomicBool,
    /// Somebody waits for space in the log or in memory.
    release_demanded: AtomicBool,
    /// Entries up to this one are to be forced, whatever their logs say.
    force_through: AtomicU64,
    /// A log was deleted, a log start passed a segment, or a roll was asked for.
    chores_waiting: AtomicBool,
    damages: Mutex<Vec<Damage>>,
}

/// How many damages are listed; more of them tell nothing new.
const DAMAGES_MAX: usize = 1000;

impl Engine {
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn new(
        env: Env,
        settings: StorageSettings,
        wal_id: u64,
        leader_epoch: i32,
        slots: Slots,
        durable_seq: u64,
        is_read_only: bool,
        has_lost_rounds: bool,
        damages: Vec<Damage>,
    ) -> Self {
        let flush_at_bytes = AtomicU64::new(settings.flush_bytes);
        let buffers_bytes_max = settings.memory_bytes_max / 8;
        let compaction = Mutex::new(settings.compaction.clone());
        let producer_id_expiration_ms = AtomicI64::new(settings.producer_id_expiration_ms);
        Self {
            env,
            settings,
            wal_id,
            leader_epoch,
            queue: Queue::default(),
            progress: Progress::default(),
            slots,
            buffers: BufferPool::new(usize::try_from(buffers_bytes_max).unwrap_or(usize::MAX)),
            sent_files: SentFiles::default(),
            admission: Admission::default(),
            metrics: Metrics::default(),
            commit_signal: Signal::default(),
            flush_signal: Signal::default(),
            compact_signal: Signal::default(),
            unflushed_bytes: AtomicU64::new(0),
            cached_bytes: AtomicU64::new(0),
            producer_id_expiration_ms,
            compaction,
            flush_at_bytes,
            durable_seq: AtomicU64::new(durable_seq),
            is_read_only,
            has_lost_rounds,
            is_slot_missing: AtomicBool::new(false),
            is_segment_missing: AtomicBool::new(false),
            release_demanded: AtomicBool::new(false),
            force_through: AtomicU64::new(0),
            chores_waiting: AtomicBool::new(false),
            damages: Mutex::new(damages),
        }
    }

    pub(crate) fn compaction_settings(&self) -> CompactionSettings {
        self.compaction.lock().clone()
    }

    /// Replaces how compaction works; it counts at once, but for the memory of a log that is being
    /// compacted.
    pub(crate) fn set_compaction_settings(&self, settings: CompactionSettings) {
        *self.compaction.lock() = settings;
        self.compact_signal.raise();
    }

    pub(crate) fn log_directory(&self, log_id: u32) -> PathBuf {
        log_directory(&self.settings.data_dir, log_id)
    }

    pub(crate) fn durable_seq(&self) -> u64 {
        self.durable_seq.load(Ordering::Acquire)
    }

    /// Called after the views have moved.
    pub(crate) fn set_durable_seq(&self, seq: u64) {
        self.durable_seq.store(seq, Ordering::Release);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.queue.is_closing()
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.queue.refusal() == Some(Refusal::Poisoned)
    }

    pub(crate) fn raise_if_flush_wanted(&self) {
        if self.unflushed_bytes.load(Ordering::Relaxed)
            >= self.flush_at_bytes.load(Ordering::Relaxed)
        {
            self.flush_signal.raise();
        }
    }

    pub(crate) fn raise_if_spare_wanted(&self) {
        if self.slots.wants_spare() {
            self.flush_signal.raise();
        }
    }

    /// Wakes the commit loop for what was appended, unless it waits for more.
    pub(crate) fn wake_committer(&self) {
        if self.queue.is_wake_wanted() {
            self.commit_signal.raise();
        }
    }

    /// Asks the commit loop to force what has been appended so far; the newest entry of it.
    pub(crate) fn demand_force(&self) -> Sequence {
        let last = self.queue.last_sequence();
        self.force_through.fetch_max(last.0, Ordering::AcqRel);
        self.commit_signal.raise();
        last
    }

    /// Whether what has been appended is to be forced though no entry asks for it.
    pub(crate) fn is_force_demanded(&self) -> bool {
        let through = Sequence(self.force_through.load(Ordering::Acquire));
        !self.progress.has_reached(through, Durability::Durable)
    }

    /// Asks the flusher to free memory and the write-ahead log. Only what is durable can be freed.
    pub(crate) fn demand_release(&self) {
        self.demand_force();
        self.release_demanded.store(true, Ordering::Release);
        self.flush_signal.raise();
    }

    pub(crate) fn take_release_demand(&self) -> bool {
        self.release_demanded.swap(false, Ordering::AcqRel)
    }

    /// Asks the flusher to look after deleted logs, log starts and rolls.
    pub(crate) fn ask_for_chores(&self) {
        self.chores_waiting.store(true, Ordering::Release);
        self.flush_signal.raise();
    }

    pub(crate) fn take_chores(&self) -> bool {
        self.chores_waiting.swap(false, Ordering::AcqRel)
    }

    /// Notes whether there is room for slots; `true` if that is news.
    pub(crate) fn set_disk_full(&self, is_full: bool) -> bool {
        let changed = self.is_slot_missing.swap(is_full, Ordering::AcqRel) != is_full;
        if is_full {
            self.let_in(false);
        }
        changed
    }

    /// Notes whether there is room for segments; `true` if that is news.
    pub(crate) fn set_segments_stuck(&self, is_stuck: bool) -> bool {
        let changed = self.is_segment_missing.swap(is_stuck, Ordering::AcqRel) != is_stuck;
        if is_stuck {
            self.let_in(false);
        }
        changed
    }

    /// Whether appends are refused because there is no room.
    pub(crate) fn is_disk_full(&self) -> bool {
        self.is_slot_missing.load(Ordering::Acquire)
            || (self.is_segment_missing.load(Ordering::Acquire) && self.room().bytes == 0)
    }

    /// Whether there is room in memory for an entry of so many bytes, should it have to wait until a slot can be made:
    /// everybody is let in meanwhile, so that this is the only bound for what is not refused.
    pub(crate) fn may_wait_for_slot(&self, bytes: usize) -> bool {
        let is_slot_missing = self.is_slot_missing.load(Ordering::Acquire);
        !is_slot_missing || (self.queue.bytes() + bytes) as u64 <= self.memory_room_bytes()
    }

    /// Whether something could not be written for want of space.
    pub(crate) fn lacks_space(&self) -> bool {
        self.is_slot_missing.load(Ordering::Acquire)
            || self.is_segment_missing.load(Ordering::Acquire)
    }

    /// What user requests may still bring in: the last eighth of the write-ahead log is for the
    /// entries that free space, and half the memory is for what is not in a segment.
    fn room(&self) -> Room {
        let wal_max = self.slots.bytes_max() / 8 * 7;
        let wal = wal_max.saturating_sub(self.slots.used_bytes());
        Room {
            bytes: wal.min(self.memory_room_bytes()),
            is_open: self.is_slot_missing.load(Ordering::Acquire)
                || self.is_segment_missing.load(Ordering::Acquire)
                || self.is_read_only,
        }
    }

    /// How much more than there is may be in no segment.
    fn memory_room_bytes(&self) -> u64 {
        let memory_max = self.settings.memory_bytes_max / 2;
        memory_max.saturating_sub(self.unflushed_bytes.load(Ordering::Relaxed))
    }

    /// Reserves bytes now if there is room, and otherwise gives what waits for it.
    pub(crate) fn try_reserve(
        self: &Arc<Self>,
        bytes: usize,
    ) -> Result<Permit, impl Future<Output = Permit> + Send + use<>> {
        // A request larger than what may ever be reserved for one goes with one other at the most.
        let most = (self.slots.bytes_max() / 4).min(self.settings.memory_bytes_max / 4);
        let bytes = (bytes as u64).min(most).max(1);
        let permit = Permit::empty(Arc::clone(self));
        let taken = self.admission.try_take(bytes, permit, self.room());
        taken.map_err(|receiver| {
            self.demand_release();
            let engine = Arc::clone(self);
            // The sender goes away only with the engine, which this future holds.
            async move { receiver.await.unwrap_or_else(|_| Permit::empty(engine)) }
        })
    }

    /// Lets in who waits, as far as there is room now.
    pub(crate) fn let_in(&self, may_demand: bool) {
        let still_waiting = self.admission.let_in(self.room());
        if still_waiting && may_demand && self.unflushed_bytes.load(Ordering::Relaxed) > 0 {
            // There may be room as soon as more is in segments.
            self.demand_release();
        }
    }

    /// Notes damage found while running, and logs it.
    pub(crate) fn add_damage(&self, damage: Damage) {
        let mut damages = self.damages.lock();
        if damages.len() < DAMAGES_MAX && !damages.contains(&damage) {
            error!(code = damage.code.as_str(), path = %damage.path.display(),
                position = damage.position, "{}", damage.message);
            damages.push(damage);
        }
    }

    pub(crate) fn damages(&self) -> Vec<Damage> {
        self.damages.lock().clone()
    }
}

/// Where the segments of a log lie.
pub(crate) fn log_directory(data_dir: &Path, log_id: u32) -> PathBuf {
    data_dir.join("logs").join(format!("{log_id:010}"))
}
