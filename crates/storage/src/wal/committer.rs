//! The commit loop: takes what was appended, writes it as one round, forces it, shows it.
//!
//! While one round is being forced the next one gathers, so rounds grow with the load by
//! themselves; and those who were answered by a round are waited for a moment (`round_wait.rs`). A
//! write or a force that fails is never tried again: what was written may be there or not, and only
//! recovery can tell.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use env::{Defect, Monotonic, SECTOR_BYTES, Step, has_defect};
use tracing::{error, info, warn};

use super::CommitStart;
use super::copies::Copies;
use super::growing::GrowingRound;
use super::queue::{Queued, Refusal};
use super::round_builder::{self, BuiltRound, Held, RoundIdentity};
use super::round_wait::RoundWait;
use super::shown::{cut_into_batches, show, shown_when_written};
use super::slots::{FreeSlot, NoSlot, OpenSlot, Way};
use super::unforced::Unforced;
use crate::damage::{Damage, DamageCode};
use crate::engine::Engine;
use crate::errors::CommitError;
use crate::marks::{Mark, mark};
use crate::views::{Durability, Sequence};

/// How long after a durable round its durability is written down if no later round does it.
const ATTEST_AFTER: Duration = Duration::from_millis(100);
/// Rounds up to this length that nobody waits to be forced go into the page cache. Larger ones do not: there fresh
/// pages of the cache cost more than the disk does.
const CACHED_ROUND_BYTES_MAX: usize = 64 << 10;

/// What committing may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum May {
    /// It forces what has to be forced.
    Force,
    /// What has to be forced is left to the commit loop.
    OnlyWrite,
}

pub(crate) struct Committer {
    engine: Arc<Engine>,
    /// How many bytes of entries go into a round.
    round_bytes_max: usize,
    /// How many written bytes may wait for a force that no entry asks for: half a slot, as all of a
    /// slot is forced before it is left.
    unforced_bytes_max: u64,
    writer_epoch: u32,
    /// Whether the round that begins the epoch has been written.
    is_open: bool,
    slot: Option<OpenSlot>,
    /// The last round that was written, and its header_crc.
    seq: u64,
    prev_crc: u32,
    durable_seq: u64,
    /// The last entry that was written.
    written: Sequence,
    unforced: Unforced,
    growing: GrowingRound,
    copies: Copies,
    round_wait: RoundWait,
    /// The highest durable_seq that any round carries.
    attested_seq: u64,
    attest_at: Option<Monotonic>,
    entries: Vec<Queued>,
}

impl Committer {
    pub(crate) fn new(engine: Arc<Engine>, start: CommitStart) -> Self {
        let slot_bytes = engine.settings.wal_slot_bytes as usize;
        let round_bytes_max = engine.settings.round_bytes_max();
        let copies_bytes_max = engine.settings.copies_bytes_max();
        Self {
            engine,
            round_bytes_max,
            unforced_bytes_max: slot_bytes as u64 / 2,
            writer_epoch: start.writer_epoch,
            is_open: false,
            slot: None,
            seq: start.seq,
            prev_crc: start.prev_crc,
            durable_seq: start.seq,
            written: Sequence(0),
            unforced: Unforced::default(),
            growing: GrowingRound::default(),
            copies: Copies::new(copies_bytes_max),
            round_wait: RoundWait::default(),
            attested_seq: start.seq,
            attest_at: None,
            entries: Vec::new(),
        }
    }

    /// The last round that was written.
    pub(crate) fn written_seq(&self) -> u64 {
        self.seq
    }

    /// Writes and forces the round that begins this start's epoch.
    pub(crate) fn open(&mut self) -> Result<(), NoSlot> {
        self.make_room(SECTOR_BYTES as u64)?;
        self.write_open().map_err(NoSlot::Io)
    }

    fn write_open(&mut self) -> io::Result<()> {
        let built = round_builder::build_open(&self.engine.buffers, self.identity());
        self.write(&built, Way::Direct)?;
        self.force_file()?;
        self.durable_seq = self.seq;
        self.engine.set_durable_seq(self.seq);
        self.is_open = true;
        Ok(())
    }

    /// Begins the epoch of a start that found the disk full. `None` when it has begun.
    fn open_late(&mut self) -> Option<Step> {
        if self.is_open || self.engine.is_read_only {
            return None;
        }
        if let Err(no_slot) = self.make_room(SECTOR_BYTES as u64) {
            return Some(self.wait_for_slot(no_slot));
        }
        if let Err(error) = self.write_open() {
            self.poison(&error);
            return Some(Step::Worked);
        }
        mark(Mark::OpenLate);
        // The next checkpoint says where the epoch began.
        self.engine.ask_for_chores();
        None
    }

    /// Does what is to be done now: one round, or one force, or nothing.
    pub(crate) fn step(&mut self) -> Step {
        if self.engine.queue.refusal() == Some(Refusal::Poisoned) {
            return Step::Stopped;
        }
        if let Some(step) = self.open_late() {
            return step;
        }
        if let Some(until) = self.waits_until() {
            return Step::Idle { until: Some(until) };
        }
        self.engine
            .queue
            .take(self.round_bytes_max, &mut self.entries);
        if self.entries.is_empty() {
            return self.idle_step();
        }
        let bytes = round_builder::round_bytes(&self.entries);
        if let Err(no_slot) = self.make_room(bytes) {
            return self.wait_for_slot(no_slot);
        }
        self.commit_taken(May::Force);
        Step::Worked
    }

    /// Until when the entries that there are wait for others to come.
    fn waits_until(&mut self) -> Option<Monotonic> {
        let is_urgent = self.engine.queue.refusal().is_some() || self.engine.is_force_demanded();
        let expected = match is_urgent {
            true => 0,
            false => self.round_wait.expected(),
        };
        let queued = self.engine.queue.wait_for(expected)?;
        mark(Mark::RoundWaited);
        self.round_wait.until(queued, self.engine.env.clock.now())
    }

    /// Commits what is queued on the thread of who has appended it, if that is one small round for which nobody waits
    /// for the disk. `false` if something is left that the commit loop has to do.
    pub(crate) fn commit_here(&mut self) -> bool {
        let is_refusing = self.engine.queue.refusal().is_some();
        if !self.is_open || is_refusing || self.engine.is_force_demanded() {
            return false;
        }
        let deadline = self.unforced.deadline();
        self.engine
            .queue
            .take(CACHED_ROUND_BYTES_MAX, &mut self.entries);
        let bytes = round_builder::round_bytes(&self.entries);
        let is_small = bytes <= CACHED_ROUND_BYTES_MAX as u64 && self.has_room(bytes);
        if !is_small || self.entries.iter().any(|entry| !entry.relaxed) {
            self.engine.queue.put_back(&mut self.entries);
            return false;
        }
        if !self.entries.is_empty() {
            mark(Mark::CommittedHere);
            if !self.commit_taken(May::OnlyWrite) {
                return false;
            }
        }
        // The loop sleeps until the deadline that it knew of.
        let is_deadline_known = self.unforced.deadline() == deadline;
        let is_force_due = self.unforced.bound(self.unforced_bytes_max).is_some();
        is_deadline_known && !is_force_due && self.engine.queue.is_empty()
    }

    /// Commits the entries that were taken; whether that succeeded.
    fn commit_taken(&mut self, may: May) -> bool {
        let mut entries = std::mem::take(&mut self.entries);
        let committed = self.commit(&entries, may);
        if let Err(error) = &committed {
            self.poison(error);
        }
        entries.clear();
        self.entries = entries;
        committed.is_ok()
    }

    /// Without entries: force what has waited long enough, and write down what is durable.
    fn idle_step(&mut self) -> Step {
        let now = self.engine.env.clock.now();
        let is_closing = self.engine.queue.refusal() == Some(Refusal::ShuttingDown);
        let is_due =
            |deadline: Option<Monotonic>| deadline.is_some_and(|at| at <= now || is_closing);
        let is_demanded = self.seq > self.durable_seq && self.engine.is_force_demanded();
        let is_old = is_due(self.unforced.deadline());
        let bound = self.unforced.bound(self.unforced_bytes_max);
        if is_demanded || is_old || bound.is_some() {
            mark(match (bound, is_old) {
                (Some(bound), _) => bound,
                (None, true) => Mark::ForceByAge,
                (None, false) => Mark::ForceByRequest,
            });
            if let Err(error) = self.force() {
                self.poison(&error);
            }
            return Step::Worked;
        }
        if is_due(self.attest_at) {
            self.attest_at = None;
            if let Err(error) = self.attest(is_closing) {
                self.poison(&error);
            }
            return Step::Worked;
        }
        if is_closing {
            self.engine.progress.fail(CommitError::ShuttingDown, true);
            return Step::Stopped;
        }
        let until = match (self.unforced.deadline(), self.attest_at) {
            (Some(force), Some(attest)) => Some(force.min(attest)),
            (force, attest) => force.or(attest),
        };
        Step::Idle { until }
    }

    /// An empty round says that the rounds before it are durable, so that damage to them is told
    /// from a tail that was never acknowledged.
    fn attest(&mut self, is_closing: bool) -> io::Result<()> {
        if self.attested_seq >= self.durable_seq {
            return Ok(());
        }
        // Without a slot it can wait for the next entry.
        if self.make_room(SECTOR_BYTES as u64).is_err() {
            return Ok(());
        }
        let built =
            round_builder::build(&self.engine.buffers, self.identity(), Held::default(), &[]);
        self.write(&built, Way::Direct)?;
        mark(Mark::Attested);
        if is_closing {
            self.force_file()?;
        }
        Ok(())
    }

    fn identity(&self) -> RoundIdentity {
        RoundIdentity {
            wal_id: self.engine.wal_id,
            file_number: self.slot.as_ref().map_or(0, |slot| slot.file_number),
            seq: self.seq + 1,
            durable_seq: self.durable_seq,
            writer_epoch: self.writer_epoch,
            prev_crc: self.prev_crc,
        }
    }

    fn has_room(&self, bytes: u64) -> bool {
        let needed = bytes + SECTOR_BYTES as u64;
        let slot = self.slot.as_ref();
        slot.is_some_and(|slot| slot.position + needed <= slot.bytes)
    }

    /// Sees to it that the current slot has room for a round of this length, and for the one that
    /// hands over to the next slot.
    fn make_room(&mut self, bytes: u64) -> Result<(), NoSlot> {
        if self.has_room(bytes) {
            return Ok(());
        }
        if self.slot.is_some() && self.seq > self.durable_seq {
            // Nothing unforced is left behind in a slot, also if there is no other slot yet.
            mark(Mark::ForceLeavingSlot);
            if let Err(error) = self.force() {
                self.poison(&error);
                return Err(NoSlot::Io(error));
            }
        }
        let next = self.engine.slots.acquire(bytes)?;
        if self.slot.is_some()
            && let Err(error) = self.hand_over(&next)
        {
            self.poison(&error);
            return Err(NoSlot::Io(error));
        }
        self.slot = Some(self.engine.slots.switch(next, self.seq));
        if self.engine.set_disk_full(false) {
            info!("there is room for the write-ahead log again");
        }
        self.engine.flush_signal.raise();
        Ok(())
    }

    /// Writes into the current slot in which one the log goes on, and forces it: so a slot that is
    /// lost is missed.
    fn hand_over(&mut self, next: &FreeSlot) -> io::Result<()> {
        let next = (next.index, next.bytes);
        let built = round_builder::build_handover(&self.engine.buffers, self.identity(), next);
        self.write(&built, Way::Direct)?;
        self.force()
    }

    fn wait_for_slot(&mut self, no_slot: NoSlot) -> Step {
        if self.engine.queue.refusal() == Some(Refusal::Poisoned) {
            self.entries.clear();
            return Step::Stopped;
        }
        self.engine.queue.put_back(&mut self.entries);
        match no_slot {
            NoSlot::AllInUse => {
                mark(Mark::AllSlotsInUse);
                self.engine.demand_release();
            }
            NoSlot::Io(error) => {
                mark(Mark::NoRoomForSlot);
                if self.engine.set_disk_full(true) {
                    warn!(%error, "no room for the write-ahead log: appends wait for space");
                }
                self.engine.progress.fail(CommitError::DiskFull, false);
            }
        }
        if self.engine.queue.refusal() == Some(Refusal::ShuttingDown) {
            self.engine.queue.clear();
            self.engine.progress.fail(CommitError::ShuttingDown, true);
            return Step::Stopped;
        }
        // The flusher makes room and raises the signal; a full disk is tried again by the clock.
        let retry = self.engine.env.clock.now() + Duration::from_secs(1);
        Step::Idle { until: Some(retry) }
    }

    fn commit(&mut self, entries: &[Queued], may: May) -> io::Result<()> {
        let has_strict = entries.iter().any(|entry| !entry.relaxed);
        let mut held = Held::default();
        if !has_strict && self.seq > self.durable_seq && self.growing.has_room(entries) {
            self.take_back();
            held = self.growing.held();
        }
        let built = round_builder::build(&self.engine.buffers, self.identity(), held, entries);
        if let (Some(last), true) = (entries.last(), has_defect(Defect::AcknowledgeBeforeWrite)) {
            let progress = &self.engine.progress;
            progress.advance(last.sequence, Durability::Durable);
        }
        let bytes = built.buffer.as_slice().len();
        let is_large = bytes > CACHED_ROUND_BYTES_MAX;
        let way = match has_strict || is_large {
            true => Way::Direct,
            false => Way::Cached,
        };
        self.write(&built, way)?;
        if let Some(last) = entries.last() {
            self.written = last.sequence;
        }
        let batches = cut_into_batches(&mut self.copies, built, entries, self.seq);
        let early = shown_when_written(entries);
        for ((entry, batch), is_early) in entries.iter().zip(&batches).zip(&early) {
            if *is_early {
                show(entry, batch.clone());
                self.unforced.note(entry, self.engine.env.clock.now());
            }
        }
        self.engine
            .progress
            .advance(self.written, Durability::Written);
        let is_demanded = self.engine.is_force_demanded();
        let bound = self.unforced.bound(self.unforced_bytes_max);
        let bound = bound.or(is_demanded.then_some(Mark::ForceByRequest));
        if has_strict || (bound.is_some() && may == May::Force) {
            let relaxed_bound = bound.filter(|_| !has_strict);
            mark(relaxed_bound.unwrap_or(Mark::ForceStrict));
            let force = self.force_file()?;
            self.unforced = Unforced::default();
            self.durable_seq = self.seq;
            for ((entry, batch), is_early) in entries.iter().zip(batches).zip(early) {
                if !is_early {
                    show(entry, batch);
                }
            }
            self.finish_force();
            if has_strict {
                let expected = entries.len() + self.engine.queue.len();
                self.round_wait.note_strict(bytes, force, expected);
            }
        }
        Ok(())
    }

    /// The next round is the last one again, with more: see `growing.rs`.
    fn take_back(&mut self) {
        mark(Mark::RoundGrown);
        if let Some(slot) = &mut self.slot {
            slot.position -= SECTOR_BYTES as u64;
        }
        self.seq -= 1;
        self.prev_crc = self.growing.prev_crc();
    }

    fn write(&mut self, built: &BuiltRound, way: Way) -> io::Result<()> {
        let identity = self.identity();
        let Some(slot) = &mut self.slot else {
            return Err(io::Error::other("no slot is open"));
        };
        let bytes = built.buffer.as_slice();
        let started = self.engine.env.clock.now();
        slot.append(bytes, way)?;
        self.growing.note(built, way);
        self.seq = identity.seq;
        self.prev_crc = built.header_crc;
        self.attested_seq = identity.durable_seq;
        self.engine
            .slots
            .note_round(self.seq, built.header_crc, slot.position);
        let taken = self.engine.env.clock.now().since(started);
        self.engine.metrics.note_round(bytes.len() as u64, taken);
        if slot.position > slot.bytes / 2 {
            self.engine.raise_if_spare_wanted();
        }
        Ok(())
    }

    /// Forces the current slot; how long that took.
    fn force_file(&self) -> io::Result<Duration> {
        let Some(slot) = &self.slot else {
            return Ok(Duration::ZERO);
        };
        if has_defect(Defect::SkipForce) {
            return Ok(Duration::ZERO);
        }
        let started = self.engine.env.clock.now();
        slot.force()?;
        let taken = self.engine.env.clock.now().since(started);
        self.engine.metrics.note_force(taken);
        Ok(taken)
    }

    /// Forces what was written; all of it has been shown already.
    fn force(&mut self) -> io::Result<()> {
        self.force_file()?;
        self.unforced = Unforced::default();
        self.durable_seq = self.seq;
        self.finish_force();
        Ok(())
    }

    fn finish_force(&mut self) {
        self.engine.set_durable_seq(self.durable_seq);
        self.engine
            .progress
            .advance(self.written, Durability::Durable);
        self.attest_at = Some(self.engine.env.clock.now() + ATTEST_AFTER);
        self.engine.raise_if_flush_wanted();
        // Only what is durable is flushed: whoever waits for room may have asked too early.
        self.engine.let_in(true);
    }

    fn poison(&self, cause: &io::Error) {
        let (path, position) = self.slot.as_ref().map_or_else(Default::default, |slot| {
            (slot.path().clone(), slot.position)
        });
        mark(Mark::Poisoned);
        error!(path = %path.display(), position, error = %cause,
            "the write-ahead log cannot be written: nothing is acknowledged until a restart");
        self.engine.queue.refuse(Refusal::Poisoned);
        self.engine.add_damage(Damage {
            code: DamageCode::WalPoisoned,
            path,
            position,
            message: format!("a write or a force failed: {cause}"),
        });
        self.engine.queue.clear();
        self.engine.progress.fail(CommitError::Poisoned, true);
        self.engine.admission.open_for_good();
    }
}
