//! What must hold after every step, after every recovery, and when compaction has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use env::{Clock, Fs};
use model::{LogId, Offset};
use sim::Handles;
use storage::{Append, Isolation};

use super::access::{self, Dump, settings};
use super::model::LogModel;
use super::records::Record;
use super::world::{End, World};
use crate::Tally;
use crate::engine::{Checked, ensure};

impl World {
    /// Compares what is published with what was, and with what may be.
    pub(super) fn observe(&mut self) -> Checked {
        for (id, model) in &mut self.logs {
            let log = self.storage.log(*id).ok_or("a log is gone")?;
            let view = log.view();
            let (start, end) = (view.log_start.0, view.high_watermark.0);
            ensure!(
                start >= model.shown_start && end >= model.shown_end && start <= end,
                "log {id}: {view:?} after {}..{}",
                model.shown_start,
                model.shown_end
            );
            let stable = model.last_stable(start, end);
            ensure!(
                view.last_stable_offset.0 == stable,
                "log {id}: {view:?}, stable is {stable}"
            );
            (model.shown_start, model.shown_end) = (start, end);
            for batch in model.batches.iter_mut().rev() {
                if batch.last() < end {
                    if batch.is_durable {
                        break;
                    }
                    batch.is_durable = true;
                }
            }
        }
        let metrics = self.storage.metrics();
        ensure!(
            metrics.compaction_memory_bytes <= settings().compaction.memory_bytes,
            "the keys take {} bytes",
            metrics.compaction_memory_bytes
        );
        Ok(())
    }

    /// Reads everything, and compares.
    pub(super) fn look(&mut self) -> Checked<BTreeMap<LogId, Dump>> {
        let now_ms = self.handles.clock.wall_ms();
        let mut dumps = BTreeMap::new();
        for (id, model) in &self.logs {
            let log = self.storage.log(*id).ok_or("a log is gone")?;
            let dump = access::dump(&log)?;
            compare(*id, model, &dump, now_ms)?;
            dumps.insert(*id, dump);
        }
        Ok(dumps)
    }

    /// Rolls, flushes and compacts everything. Then, if nothing went wrong meanwhile, no record is
    /// left that a newer one of its key stands behind.
    pub(super) fn compact_all(&mut self) -> Checked {
        for id in self.logs.keys().copied().collect::<Vec<_>>() {
            let model = &self.logs[&id];
            for producer_id in model.open(model.end()).into_keys() {
                self.send_marker(id, producer_id, true)?;
            }
        }
        // Without room for a marker, what stands behind the transaction is not compacted.
        let has_open = self
            .logs
            .values()
            .any(|model| !model.open(model.end()).is_empty());
        self.settle();
        // Older than any lag, and than any segment may be written to.
        self.advance(7_000);
        for _ in 0..4 {
            access::rest("compaction", || self.storage.compact_step());
            self.settle();
            self.advance(201);
        }
        if self.handles.fs.has_crashed() {
            return Ok(());
        }
        if self.is_faulty || self.is_full {
            return self.look().map(drop).or_else(|error| match self.is_faulty {
                // A read may have failed.
                true => Ok(()),
                false => Err(error),
            });
        }
        let dumps = self.look()?;
        for (id, model) in &self.logs {
            if has_open || model.config.min_cleanable_dirty_ratio > 0.0 {
                continue;
            }
            let dump = &dumps[id];
            let superfluous = model.superfluous(dump.end);
            let left: Vec<i64> = offsets(dump)
                .filter(|offset| superfluous.contains(offset))
                .collect();
            ensure!(
                left.is_empty(),
                "log {id}: {left:?} are left, though newer records of their keys are there"
            );
            self.tally
                .add("compacted records", superfluous.len() as u64);
        }
        self.check_times(&dumps)?;
        self.check_files()
    }

    /// Times lead to the first record that is there.
    fn check_times(&self, dumps: &BTreeMap<LogId, Dump>) -> Checked {
        for (id, dump) in dumps {
            let log = self.storage.log(*id).ok_or("a log is gone")?;
            let records: Vec<_> = dump
                .batches
                .iter()
                .flat_map(|batch| &batch.records)
                .filter(|(offset, _)| *offset >= dump.start)
                .collect();
            let largest = records.iter().map(|(_, record)| record.timestamp_ms).max();
            // Markers have times too; they may be the latest.
            let latest = log.offset_of_max_timestamp();
            ensure!(
                largest.is_none()
                    || latest.is_ok_and(|found| found.map(|found| found.timestamp_ms) >= largest),
                "log {id}: {latest:?} is the latest of {largest:?}"
            );
            for (_, record) in records.iter().step_by(7) {
                let time = record.timestamp_ms;
                let first = records.iter().find(|(_, found)| found.timestamp_ms >= time);
                let found = log
                    .offset_for_timestamp(time, Isolation::ReadUncommitted)
                    .map_err(|error| format!("log {id}: {error:?}"))?
                    .map(|found| found.offset.0);
                // A marker in front of it is found first.
                let is_marker = |offset: i64| {
                    let mut batches = dump.batches.iter();
                    batches.any(|batch| {
                        batch.records.is_empty() && (batch.base..=batch.last).contains(&offset)
                    })
                };
                let first = first.map(|(offset, _)| *offset);
                ensure!(
                    found == first
                        || found.is_some_and(|found| Some(found) < first && is_marker(found)),
                    "log {id}: {found:?} for {time}, not {first:?}"
                );
            }
        }
        Ok(())
    }

    /// No file is left that nobody needs.
    fn check_files(&self) -> Checked {
        self.advance(501);
        self.settle();
        for id in self.logs.keys() {
            let directory = settings()
                .data_dir
                .join("logs")
                .join(format!("{:010}", id.0));
            let fs = &self.handles.fs;
            let Ok(entries) = fs.list_dir(&directory) else {
                continue;
            };
            let mut bytes = 0;
            for entry in entries.iter().filter(|entry| entry.name.ends_with(".log")) {
                let read = fs.read(&directory.join(&entry.name));
                bytes += read.map_err(|error| format!("{error}"))?.len() as u64;
            }
            let log = self.storage.log(*id).ok_or("a log is gone")?;
            let expected = log.view().bytes;
            ensure!(
                bytes == expected,
                "log {id}: files of {bytes} bytes for {expected}: {entries:?}"
            );
        }
        Ok(())
    }

    /// Ends the engine one way or the other, recovers, and compares.
    pub(super) fn recover(&mut self, end: End) -> Checked {
        self.waits.clear();
        self.late_read = None;
        let was_excused = self.is_faulty || self.is_full;
        let before = match end {
            End::ShutDown if !was_excused => Some(self.look()?),
            _ => None,
        };
        self.note_operations()?;
        let compactions = self.storage.metrics().compactions;
        self.tally.add("compactions before an end", compactions);
        let handles = match end {
            End::PowerCut => self.handles.crash(),
            End::Killed | End::ShutDown => self.handles.kill(),
        };
        handles.fs.set_space(None);
        handles.fs.heal();
        (self.is_faulty, self.is_full) = (false, false);
        self.watch.restart(&handles.fs, end == End::PowerCut)?;
        handles.fs.record();
        if end == End::PowerCut {
            verify(&handles)?;
        }
        let opened = access::recover(&handles.env())?;
        ensure!(
            opened.damages.is_empty(),
            "nobody damaged the disk: {:?}",
            opened.damages
        );
        self.handles = handles;
        self.storage = opened.storage;
        self.note_operations()?;
        self.watch.started();
        for (id, model) in &mut self.logs {
            let log = self.storage.log(*id).ok_or("a log is gone")?;
            settle(*id, model, log.view().high_watermark.0)?;
        }
        self.observe()?;
        let found = self.look()?;
        if let Some(before) = before {
            // What compaction has replaced last may be back; that it was is in no checkpoint.
            let ends = |dumps: &BTreeMap<LogId, Dump>| -> Vec<_> {
                dumps.values().map(|dump| (dump.start, dump.end)).collect()
            };
            ensure!(
                ends(&before) == ends(&found),
                "after a clean end it is another log"
            );
        }
        self.check_producers()
    }

    /// The last batch of every idempotent producer is recognised, compacted or not.
    fn check_producers(&self) -> Checked {
        for (id, model) in &self.logs {
            let log = self.storage.log(*id).ok_or("a log is gone")?;
            for producer_id in [1000, 1001, 1002] {
                let Some(last) = model.sent_by(producer_id).last().copied() else {
                    continue;
                };
                let batch = &model.batches[last];
                let appended = log.append(batch.sent.clone().into(), Append::Produce);
                ensure!(
                    appended.is_ok_and(|appended| {
                        appended.duplicate && appended.base_offset == Offset(batch.base)
                    }),
                    "log {id}: producer {producer_id} again: {appended:?}, not {}",
                    batch.base
                );
            }
        }
        Ok(())
    }

    /// Takes the troubles away, and lets everything come to rest.
    pub(super) fn finish(mut self) -> Checked<Tally> {
        self.handles.fs.heal();
        self.handles.fs.set_space(None);
        self.recover(End::Killed)?;
        // What was full needs time to notice.
        self.settle();
        self.advance(1_100);
        self.settle();
        self.poll_waits()?;
        self.compact_all()?;
        self.consume(0, 0, 400)?;
        self.consume(1, 0, 400)?;
        self.consume(2, 0, 400)?;
        self.storage.shut_down();
        self.poll_waits()?;
        self.recover(End::ShutDown)?;
        verify(&self.handles)?;
        Ok(self.tally)
    }
}

/// What a file-by-file check of the directory says.
fn verify(handles: &Handles) -> Checked {
    let report = storage::verify(&handles.fs, &settings().data_dir)
        .map_err(|error| format!("verify: {error}"))?;
    ensure!(!report.is_damaged(), "verify: {:?}", report.damages);
    Ok(())
}

fn offsets(dump: &Dump) -> impl Iterator<Item = i64> {
    let records = dump.batches.iter().flat_map(|batch| &batch.records);
    records
        .map(|(offset, _)| *offset)
        .filter(|offset| *offset >= dump.start)
}

/// What is there is what was sent; and what is not there may be missing.
fn compare(id: LogId, model: &LogModel, dump: &Dump, now_ms: i64) -> Checked {
    let fates = model.fates(dump.end);
    let sent: BTreeMap<i64, &Record> = fates
        .iter()
        .map(|fate| (fate.offset, fate.record))
        .collect();
    for (offset, record) in dump.batches.iter().flat_map(|batch| &batch.records) {
        ensure!(
            sent.get(offset) == Some(&record),
            "log {id}: offset {offset} is {record:?}, not {:?}",
            sent.get(offset)
        );
    }
    let found: BTreeSet<i64> = offsets(dump).collect();
    let removable = model.removable(dump.end, now_ms);
    let missing = sent
        .keys()
        .filter(|offset| **offset >= dump.start)
        .filter(|offset| !found.contains(offset) && !removable.contains(offset))
        .collect::<Vec<_>>();
    ensure!(
        missing.is_empty(),
        "log {id}: {missing:?} are gone, and nothing newer is there; from {} to {}",
        dump.start,
        dump.end
    );
    Ok(())
}

/// Drops from the model what a crash has cut; none of it was promised.
fn settle(id: LogId, model: &mut LogModel, end: i64) -> Checked {
    let kept = model
        .batches
        .iter()
        .filter(|batch| batch.last() < end)
        .count();
    let lost = model.batches.split_off(kept);
    ensure!(
        model.end() == end,
        "log {id}: ends at {end}, a batch at {}",
        model.end()
    );
    let promised = lost.iter().find(|batch| batch.is_durable);
    ensure!(
        promised.is_none(),
        "log {id}: offset {:?} is lost after its answer",
        promised.map(|batch| batch.base)
    );
    for batch in &mut model.batches {
        batch.is_durable = true;
    }
    model.shown_end = end;
    Ok(())
}
