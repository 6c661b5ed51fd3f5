//! What must hold after every step.

use std::collections::BTreeMap;

use env::SECTOR_BYTES;
use model::{LeaderEpoch, LogId};
use storage::{LogHoldings, LogView, StorageState};

use crate::engine::model::LogModel;
use crate::engine::setup::Setup;
use crate::engine::world::{Checked, World, ensure};

/// The largest group, in bytes: a batch of the largest size, three of half of it, and small ones.
const GROUP_BYTES_MAX: u64 = 16_500 + 3 * 8_250 + 1_000;

impl World {
    /// Reads what the disk was told to do since the last step, and compares it with what was to be
    /// written.
    pub(crate) fn watch_disk(&mut self) -> Checked {
        self.machine.note_operations()?;
        for written in self.machine.watch.take_written() {
            let Some(model) = self.model.logs.get(&LogId(written.log_id)) else {
                continue;
            };
            let mut entries = model.entries.iter();
            let entry = entries.find(|entry| entry.base == written.base);
            ensure!(
                entry.is_some_and(|entry| entry.stored == written.payload),
                "log {}: what is written at offset {} is not what was sent",
                written.log_id,
                written.base
            );
        }
        Ok(())
    }

    /// Compares what is published with what was, and with what may be.
    pub(crate) fn observe(&mut self) -> Checked {
        for id in self.machine.watch.take_forgotten() {
            ensure!(
                !self.model.logs.contains_key(&LogId(id)),
                "the rounds of log {id} are released, and no checkpoint lists it"
            );
        }
        for (id, model) in &mut self.model.logs {
            let log = self
                .storage
                .log(*id)
                .ok_or_else(|| format!("log {id} is gone"))?;
            let view = log.view();
            let end = match model.was_relaxed {
                true => self.machine.watch.written_end(id.0),
                false => self.machine.watch.durable_end(id.0),
            };
            let start = self.machine.watch.durable_start(id.0);
            observe_log(model, &view, start, end)
                .map_err(|error| format!("log {id}: {error}; {view:?}"))?;
            // What is on the medium stays, whether anybody was told or not.
            let durable_end = self.machine.watch.durable_end(id.0);
            for entry in model.entries.iter_mut().rev() {
                if entry.last < durable_end {
                    if entry.is_durable {
                        break;
                    }
                    (entry.is_written, entry.is_durable) = (true, true);
                }
            }
        }
        self.observe_groups()?;
        let state = self.storage.state();
        self.observe_positions(&state)?;
        self.observe_memory(&state)
    }

    /// What the engine takes for written, durable and released is so, and it writes over nothing
    /// that is needed.
    fn observe_positions(&self, state: &StorageState) -> Checked {
        let (released_seq, durable_seq, written_seq) = self.machine.watch.positions();
        ensure!(
            state.released_seq <= state.durable_seq
                && state.durable_seq <= state.written_seq
                && state.released_seq <= released_seq
                && state.durable_seq <= durable_seq
                && state.written_seq <= written_seq,
            "{released_seq} is released, {durable_seq} durable, {written_seq} written, yet {state:?}"
        );
        for slot in &state.free_slots {
            ensure!(
                !self.machine.watch.is_slot_needed(*slot),
                "slot {slot} is free, yet its rounds are not released: {released_seq} is"
            );
        }
        Ok(())
    }

    /// The counts of bytes in memory are right, and within what they may be.
    fn observe_memory(&self, state: &StorageState) -> Checked {
        let metrics = self.storage.metrics();
        let sum = |bytes: fn(&LogHoldings) -> u64| state.logs.iter().map(bytes).sum::<u64>();
        let unflushed = sum(|log| log.unflushed_bytes);
        let cached = sum(|log| log.cached_bytes);
        ensure!(
            (unflushed, cached) == (metrics.unflushed_bytes, metrics.cached_bytes),
            "{unflushed} bytes are unflushed and {cached} cached, yet {metrics:?}"
        );
        let room = unflushed_bytes_max(self.machine.setup).max(self.unflushed_at_start);
        // While nothing can be flushed everybody is let in, to be told so.
        let is_open = self.is_full || metrics.flush_failures > 0;
        ensure!(
            unflushed <= room || is_open,
            "{unflushed} bytes are unflushed, {room} may be"
        );
        let cache = self.machine.setup.memory_bytes_max / 8 + room;
        ensure!(cached <= cache, "{cached} bytes are cached, {cache} may be");
        Ok(())
    }

    /// What memory knows of transactions and of leader epochs follows from what is shown.
    pub(crate) fn observe_folds(&mut self) -> Checked {
        let ids: Vec<LogId> = self.model.logs.keys().copied().collect();
        for id in ids {
            self.read_committed(id)?;
        }
        let state = self.storage.state();
        let by_id: BTreeMap<_, _> = state.logs.iter().map(|log| (log.log_id, log)).collect();
        for (id, model) in &self.model.logs {
            let log = self.storage.log(*id).ok_or("a log is gone")?;
            let view = log.view();
            let expected = model.transactions(view.high_watermark.0);
            let found = by_id.get(id).ok_or("a log is gone")?;
            let open: BTreeMap<i64, i64> = found
                .open_transactions
                .iter()
                .map(|(producer, first)| (producer.0, first.0))
                .collect();
            ensure!(
                open == expected.open,
                "log {id}: {open:?} are open, not {:?}",
                expected.open
            );
            for epoch in 0..=self.storage.leader_epoch().0 {
                let (_, found) = log.end_offset_for_epoch(LeaderEpoch(epoch));
                let expected = model.epoch_end(epoch, view.log_start.0, view.high_watermark.0);
                ensure!(
                    found.0 == expected,
                    "log {id}: epoch {epoch} ended at {found}, not at {expected}; {view:?}"
                );
            }
        }
        Ok(())
    }
}

/// How much requests may bring in before it is in segments. What is reserved finds room in half the memory. A
/// request reserves a quarter of the memory or of the write-ahead log at most, so a larger one brings in more than
/// it has reserved; of these there are as many as find room together.
fn unflushed_bytes_max(setup: Setup) -> u64 {
    let memory_bytes = setup.memory_bytes_max / 2;
    let wal_bytes = setup.wal_bytes_max / 8 * 7;
    let reserved_bytes = setup.memory_bytes_max.min(setup.wal_bytes_max) / 4;
    // Larger ones are refused.
    let round_bytes = u64::from(setup.wal_slot_bytes) - 3 * SECTOR_BYTES as u64;
    let batch_bytes = setup.settings().batch_bytes_max() as u64;
    let largest_bytes = GROUP_BYTES_MAX.min(round_bytes.max(batch_bytes));
    let together = memory_bytes.min(wal_bytes) / reserved_bytes;
    memory_bytes + together * largest_bytes.saturating_sub(reserved_bytes)
}

/// One log: `start` and `end` are what is on disk of it.
fn observe_log(model: &mut LogModel, view: &LogView, start: i64, durable_end: i64) -> Checked {
    let (end, log_start) = (view.high_watermark.0, view.log_start.0);
    ensure!(
        end >= model.shown_end && log_start >= model.shown_log_start,
        "{}..{} was shown before",
        model.shown_log_start,
        model.shown_end
    );
    ensure!(
        end <= durable_end && log_start <= start,
        "only {start}..{durable_end} is on disk"
    );
    ensure!(
        end == 0 || model.entries.iter().any(|entry| entry.last + 1 == end),
        "the end is within a batch or past all of them"
    );
    let stable = model.transactions(end).last_stable(log_start, end);
    ensure!(
        log_start <= end && view.last_stable_offset.0 == stable,
        "what is stable ends at {stable}"
    );
    ensure!(
        view.appended_end.0 == model.end(),
        "the last batch ends at {}",
        model.end()
    );
    ensure!(
        log_start <= model.log_start.max(model.retention_limit),
        "{} was asked for, and retention may take what is below {}; {:?}",
        model.log_start,
        model.retention_limit,
        model.config
    );
    model.log_start = model.log_start.max(log_start);
    model.show(end, log_start, !model.was_relaxed);
    Ok(())
}
