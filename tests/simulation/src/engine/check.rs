//! What must hold after every step, and after every recovery.

use std::collections::BTreeMap;
use std::time::Duration;

use env::Fs;
use model::LogId;
use sim::Handles;
use storage::Storage;

use crate::Tally;
use crate::engine::access::{self as engine, Dump, LogDump};
use crate::engine::model::{Entry, LogModel};
use crate::engine::world::{Checked, End, World, ensure};

impl World {
    /// Compares what is published with what was, and with what may be.
    pub(crate) fn observe(&mut self) -> Checked {
        for (id, model) in &mut self.model.logs {
            let log = self
                .storage
                .log(*id)
                .ok_or_else(|| format!("log {id} is gone"))?;
            let view = log.view();
            let (end, log_start) = (view.high_watermark.0, view.log_start.0);
            ensure!(
                end >= model.shown_end,
                "log {id}: the end went back from {} to {end}",
                model.shown_end
            );
            ensure!(
                log_start >= model.shown_log_start,
                "log {id}: the start went back from {} to {log_start}",
                model.shown_log_start
            );
            ensure!(
                end == 0 || model.entries.iter().any(|entry| entry.last + 1 == end),
                "log {id}: shown up to {end}, which is within a batch or past the end"
            );
            ensure!(
                log_start <= end && view.last_stable_offset == view.high_watermark,
                "log {id}: {view:?}"
            );
            ensure!(
                view.appended_end.0 == model.end(),
                "log {id}: ends at {}, not at {}",
                view.appended_end.0,
                model.end()
            );
            ensure!(
                log_start <= model.log_start.max(model.retention_limit),
                "log {id}: starts at {log_start}; {} was asked for, and retention may take what \
                 is below {}; {:?}",
                model.log_start,
                model.retention_limit,
                model.config
            );
            model.log_start = model.log_start.max(log_start);
            model.show(end, log_start, !model.was_relaxed);
        }
        Ok(())
    }

    /// Ends the engine one way or the other, recovers, and compares.
    pub(crate) fn recover(&mut self, end: End) -> Checked {
        let before = (end == End::ShutDown && !self.is_faulty && !self.is_full)
            .then(|| engine::dump(&self.storage))
            .transpose()?;
        self.waits.clear();
        let was_faulty = self.is_faulty;
        self.tally.add("faults", self.handles.fs.faults());
        self.tally.add("recoveries", 1);
        let flushed_bytes = self.storage.metrics().flushed_bytes;
        self.tally.add("flushed bytes", flushed_bytes);
        let is_settled = end == End::PowerCut;
        let mut handles = match end {
            End::PowerCut => self.handles.crash(),
            End::Killed | End::ShutDown => self.handles.kill(),
        };
        handles.fs.set_space(None);
        self.is_faulty = false;
        self.is_full = false;
        // Recovered once, on a copy, without any trouble...
        let reference = Handles {
            fs: handles.fs.fork(),
            ..handles.clone()
        };
        let once = engine::dump(&engine::recover(&reference.env())?.storage)?;
        let mut needs_written = end != End::PowerCut && !was_faulty;
        if let Some((after, times)) = self.crash_in_recovery.take() {
            handles = crash_within(handles, after, times)?;
            needs_written = false;
        }
        let opened = engine::recover(&handles.env())?;
        ensure!(
            opened.damages.is_empty(),
            "nobody damaged the disk: {:?}",
            opened.damages
        );
        self.handles = handles;
        self.storage = opened.storage;
        let found = engine::dump(&self.storage)?;
        // ...must be what came of it in the end. After a kill the cache may still lose what was not
        // forced, and the two may differ in that.
        if is_settled {
            same(&once, &found).map_err(|error| format!("recovered twice: {error}"))?;
        }
        if let Some(before) = before {
            same(&before, &found).map_err(|error| format!("after a clean end: {error}"))?;
        }
        self.settle(&found, needs_written)?;
        self.check_producers()?;
        self.observe()
    }

    /// Takes the troubles away and lets everything come to rest: nobody may wait for ever, every
    /// log must take batches again, and memory must equal a fresh replay.
    pub(crate) fn finish(mut self) -> Checked<Tally> {
        self.handles.fs.heal();
        self.handles.fs.set_space(None);
        if is_poisoned(&self.storage) {
            self.recover(End::Killed)?;
        }
        for round in 0..2 {
            for _ in 0..3 {
                engine::commit_all(&self.storage);
                engine::flush_all(&self.storage);
                self.handles.clock.advance(Duration::from_millis(1100));
            }
            self.poll_waits()?;
            self.observe()?;
            self.is_faulty = false;
            self.is_full = false;
            ensure!(
                self.waits.is_empty(),
                "{} wait for ever: {:?}",
                self.waits.len(),
                self.storage.metrics()
            );
            for log in 0..self.model.logs.len() as u64 {
                let appended = self.tally.of("appended");
                self.append_plain(log, 1, 10)?;
                if self.tally.of("appended") == appended {
                    // Whoever asks for room makes the flusher look for it.
                    engine::flush_all(&self.storage);
                    self.append_plain(log, 1, 10)?;
                }
                ensure!(
                    round == 0 || self.tally.of("appended") > appended,
                    "log {} takes no more batches",
                    self.choose(log)
                );
            }
        }
        self.storage.shut_down();
        self.poll_waits()?;
        self.observe()?;
        self.check_slots()?;
        let metrics = self.storage.metrics();
        ensure!(metrics.reserved_bytes == 0, "at rest: {metrics:?}");
        self.recover(End::ShutDown)?;
        Ok(self.tally)
    }

    /// The write-ahead log keeps to its size.
    fn check_slots(&self) -> Checked {
        let settings = engine::settings();
        let directory = settings.data_dir.join("wal");
        let error = |error| format!("the slots cannot be listed: {error}");
        let fs = &self.handles.fs;
        let mut total = 0;
        for slot in fs.list_dir(&directory).map_err(error)? {
            let path = directory.join(slot.name);
            let bytes = fs.read(&path).map_err(error)?.len() as u64;
            ensure!(
                bytes <= u64::from(settings.wal_slot_bytes),
                "{} has {bytes} bytes",
                path.display()
            );
            total += bytes;
        }
        ensure!(
            total <= settings.wal_bytes_max,
            "all slots have {total} bytes"
        );
        Ok(())
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
                self.tally.add("cut", lost.len() as u64);
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
            for producer in 1000..1003 {
                let Some(known) = self.model.logs[&id].producer(producer) else {
                    continue;
                };
                let last = &self.model.logs[&id].entries[known.recent[known.recent.len() - 1]];
                let last_sequence =
                    crate::engine::model::following(known.next_sequence, i64::from(i32::MAX));
                let found = engine::producer(&self.storage, id, producer);
                ensure!(
                    found == Some((known.epoch, last_sequence)),
                    "log {id}: producer {producer} is {found:?}, not {:?}, last at {}",
                    (known.epoch, last_sequence),
                    last.base
                );
                for back in 0..known.recent.len() {
                    self.retry(id, &known, back as u64, false)?;
                }
            }
        }
        Ok(())
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

/// Up to where retention may move the start of a log now: over batches that are too old, or that
/// leave enough bytes behind them.
pub(crate) fn retention_limit(model: &LogModel, end: i64, now_ms: i64) -> i64 {
    let config = &model.config;
    let shown = model.entries.iter().filter(|entry| entry.last < end);
    let mut left: u64 = shown
        .clone()
        .filter(|entry| entry.last >= model.log_start)
        .map(|entry| entry.stored.len() as u64)
        .sum();
    let mut limit = model.log_start;
    for entry in shown.filter(|entry| entry.last >= model.log_start) {
        left -= entry.stored.len() as u64;
        let is_old = config.retention_ms >= 0 && entry.timestamp_ms < now_ms - config.retention_ms;
        let is_large = u64::try_from(config.retention_bytes).is_ok_and(|bytes| left >= bytes);
        if !config.cleanup_delete || !(is_old || is_large) {
            break;
        }
        limit = entry.last + 1;
    }
    limit
}

/// Lets the power go again and again while recovery is at work.
fn crash_within(mut handles: Handles, after: u64, times: u64) -> Checked<Handles> {
    for round in 0..times {
        handles.fs.crash_at(after + round * 3);
        match engine::recover(&handles.env()) {
            Err(error) if !handles.fs.has_crashed() => return Err(error),
            _ => handles = handles.crash(),
        }
    }
    Ok(handles)
}

fn same(one: &Dump, other: &Dump) -> Checked {
    let logs: BTreeMap<_, _> = one.iter().chain(other).collect();
    for id in logs.keys() {
        let (Some(one), Some(other)) = (one.get(*id), other.get(*id)) else {
            return Err(format!("log {id} is there only once"));
        };
        ensure!(
            (one.log_start, one.end) == (other.log_start, other.end),
            "log {id} is {}..{} and then {}..{}",
            one.log_start,
            one.end,
            other.log_start,
            other.end
        );
        let different = one
            .batches
            .iter()
            .zip(&other.batches)
            .position(|(a, b)| a != b);
        ensure!(
            one.batches == other.batches,
            "log {id} has {} batches and then {}; number {different:?} is different",
            one.batches.len(),
            other.batches.len()
        );
        ensure!(
            one.producers == other.producers,
            "log {id} has other producers: {:?} and then {:?}",
            one.producers,
            other.producers
        );
    }
    Ok(())
}

/// Whether the engine refuses appends for a fault; for the checks of the end of a run.
pub(crate) fn is_poisoned(storage: &Storage) -> bool {
    storage
        .damages()
        .iter()
        .any(|damage| damage.code == storage::DamageCode::WalPoisoned)
}
