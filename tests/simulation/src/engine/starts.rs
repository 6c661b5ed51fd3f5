//! Ends of the engine and the starts after them: what was promised must be there, and what is lost
//! was never promised.

use std::collections::BTreeMap;

use model::LogId;

use crate::engine::access as engine;
use crate::engine::appends::{IDEMPOTENT, TRANSACTIONAL};
use crate::engine::dump::{Dump, LogDump, dump, same};
use crate::engine::model::{Entry, LogModel};
use crate::engine::world::{Checked, World, ensure};

/// How the engine ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    PowerCut,
    Killed,
    ShutDown,
}

impl World {
    /// Ends the engine one way or the other, recovers, and compares.
    pub(crate) fn recover(&mut self, end: End) -> Checked {
        self.watch_disk()?;
        let is_clean =
            end == End::ShutDown && !self.storage.is_poisoned() && self.is_all_committed();
        if is_clean {
            // Nothing more is done that could fail, but what is read now.
            self.machine.fs().heal();
        }
        let before = is_clean.then(|| dump(&self.storage)).transpose()?;
        self.waits.clear();
        self.reservations.clear();
        let was_faulty = self.is_faulty;
        self.machine.tally.add("starts", 1);
        let flushed_bytes = self.storage.metrics().flushed_bytes;
        self.machine.tally.add("flushed bytes", flushed_bytes);
        let next = std::mem::take(&mut self.next_start);
        let is_settled = end == End::PowerCut && next.fault.is_none();
        self.machine.end(end == End::PowerCut)?;
        self.is_closing = false;
        self.is_faulty = false;
        self.is_full = next.is_full;
        let used = self.machine.fs().used_bytes();
        self.machine.fs().set_space(next.is_full.then_some(used));
        // Recovered once, on a copy, without any trouble...
        let once = dump(&self.machine.start_on_copy()?.storage)?;
        let opened = self.machine.start(next)?;
        ensure!(
            opened.damages.is_empty(),
            "nobody damaged the disk: {:?}",
            opened.damages
        );
        self.storage = opened.storage;
        self.unflushed_at_start = self.storage.metrics().unflushed_bytes;
        let found = dump(&self.storage)?;
        // ...must be what came of it in the end. After a kill the cache may still lose what was not
        // forced, and the two may differ in that.
        if is_settled {
            same(&once, &found).map_err(|error| format!("recovered twice: {error}"))?;
        }
        if let Some(before) = before {
            same(&before, &found).map_err(|error| format!("after a clean end: {error}"))?;
        }
        let is_calm = next.cut.is_none() && next.fault.is_none();
        let needs_written = end != End::PowerCut && !was_faulty && is_calm;
        self.settle(&found, needs_written)?;
        self.settle_groups()?;
        self.observe_folds()?;
        self.check_producers()?;
        self.observe()
    }

    /// Whether what was appended has been committed. An engine that ends need not have found room
    /// for all of it.
    fn is_all_committed(&self) -> bool {
        self.model.logs.keys().all(|id| {
            let view = self.storage.log(*id).map(|log| log.view());
            view.is_some_and(|view| view.appended_end == view.high_watermark)
        })
    }

    /// Compares what was recovered with what was promised; what is lost was never promised.
    fn settle(&mut self, found: &Dump, needs_written: bool) -> Checked {
        for id in &self.model.deleted {
            ensure!(!found.contains_key(id), "log {id} is back");
        }
        // Logs whose creation was cut, or whose deletion was not answered yet and is there.
        let live = engine::live_of(&found[&LogId::METADATA])?;
        let deleted = self.model.deleted.clone();
        let logs = &mut self.model.logs;
        logs.retain(|id, _| live.contains_key(id));
        for id in live.keys() {
            ensure!(
                logs.contains_key(id) || deleted.contains(id),
                "log {id} was never made"
            );
            ensure!(found.contains_key(id), "log {id} is not there");
        }
        let (mut newest_kept, mut oldest_lost) = (None, None);
        for (id, model) in logs {
            if *id != LogId::METADATA {
                // The broker would have recorded a change of settings; this one starts anew.
                model.config = engine::config(live[id]);
                model.was_relaxed = model.config.is_relaxed();
            }
            let lost = settle_log(*id, model, &found[id], needs_written)?;
            if let Some(entry) = lost.first() {
                let order = oldest_lost.get_or_insert(entry.order);
                *order = entry.order.min(*order);
                self.machine.tally.add("cut", lost.len() as u64);
            }
            newest_kept = newest_kept.max(model.entries.last().map(|entry| entry.order));
        }
        if let (Some(kept), Some(lost)) = (newest_kept, oldest_lost) {
            ensure!(kept < lost, "entry {lost} is lost, yet {kept} is there");
        }
        Ok(())
    }

    /// Every producer is where the batches say, and all its last batches are recognised.
    fn check_producers(&mut self) -> Checked {
        let ids: Vec<LogId> = self.model.logs.keys().copied().collect();
        for id in ids {
            for producer in IDEMPOTENT.chain(TRANSACTIONAL) {
                let Some(known) = self.model.logs[&id].producer(producer) else {
                    continue;
                };
                let found = engine::producer(&self.storage, id, producer);
                ensure!(
                    found == Some((known.epoch, known.last_sequence)),
                    "log {id}: producer {producer} is {found:?}, not {known:?}"
                );
                for back in 0..known.recent.len() {
                    self.retry(id, &known, back as u64, false)?;
                }
            }
        }
        Ok(())
    }

    /// What memory holds must be what a start would make of the disk.
    pub(crate) fn compare_with_start(&mut self) -> Checked {
        if !self.is_all_committed() || self.storage.is_poisoned() || self.machine.fs().has_crashed()
        {
            return Ok(());
        }
        self.observe_folds()?;
        let faults = self.machine.fs().faults();
        let memory = match dump(&self.storage) {
            Err(_) if self.machine.fs().faults() > faults => return Ok(()),
            memory => memory?,
        };
        let started = dump(&self.machine.start_on_copy()?.storage)?;
        let live: BTreeMap<_, _> = started
            .into_iter()
            .filter(|(id, _)| memory.contains_key(id))
            .collect();
        self.machine
            .tally
            .add("comparisons of memory with a start", 1);
        same(&memory, &live).map_err(|error| format!("memory, and then a start: {error}"))
    }
}

fn settle_log(
    id: LogId,
    model: &mut LogModel,
    found: &LogDump,
    needs_written: bool,
) -> Checked<Vec<Entry>> {
    let (start, end) = (found.log_start, found.end);
    ensure!(
        start >= model.shown_log_start && start <= end,
        "log {id}: starts at {start} after {} was shown, ends at {end}",
        model.shown_log_start
    );
    let kept = model
        .entries
        .iter()
        .filter(|entry| entry.last < end)
        .count();
    let boundary = kept
        .checked_sub(1)
        .map_or(0, |last| model.entries[last].last + 1);
    ensure!(
        boundary == end,
        "log {id}: ends at {end}, batches at {boundary}"
    );
    let mut batches = found.batches.iter();
    for entry in &model.entries[..kept] {
        if entry.last < start {
            continue;
        }
        let batch = batches
            .next()
            .ok_or_else(|| format!("log {id}: offset {} cannot be read", entry.base))?;
        ensure!(
            *batch == entry.stored,
            "log {id}: offset {} is not as it was sent",
            entry.base
        );
    }
    ensure!(batches.next().is_none(), "log {id}: batches too many");
    let lost = model.entries.split_off(kept);
    for entry in &lost {
        let is_promised = entry.is_durable || (entry.is_written && needs_written);
        ensure!(
            !is_promised,
            "log {id}: offset {} is lost after its answer (durable: {}); the log ends at {end}",
            entry.base,
            entry.is_durable
        );
    }
    for entry in &mut model.entries {
        entry.is_written = true;
        entry.is_durable = true;
    }
    model.log_start = model.log_start.min(end).max(start);
    model.shown_end = end;
    model.shown_log_start = start;
    Ok(lost)
}
