//! What the broker does to logs: makes and removes them, moves their starts, reads them.

use model::{LogId, Offset};
use storage::{Durability, SetLogStartError};

use crate::batch;
use crate::engine::access::{self as engine, Wanted};
use crate::engine::model::LogModel;
use crate::engine::waits::Promise;
use crate::engine::world::{Checked, World, ensure, pick};

impl World {
    /// Retention looks at all logs. How far it may go is worked out before.
    pub(crate) fn run_retention(&mut self) -> Checked {
        let now_ms = self.machine.wall_ms();
        for (id, model) in &mut self.model.logs {
            let log = self.storage.log(*id).ok_or("a log is gone")?;
            let view = log.view();
            let ends = (view.last_stable_offset.0, view.high_watermark.0);
            let limit = retention_limit(model, ends, now_ms);
            model.retention_limit = model.retention_limit.max(limit);
        }
        self.storage.run_retention(now_ms);
        Ok(())
    }

    /// Deletes records from the start of a log.
    pub(crate) fn set_log_start(&mut self, log: u64, at: u64) -> Checked {
        let id = self.choose(log);
        if id == LogId::METADATA {
            return Ok(());
        }
        let log = self.storage.log(id).ok_or("the log is gone")?;
        let view = log.view();
        let span = view.high_watermark.0 - view.log_start.0;
        let offset = view.log_start.0 + pick(at, span as usize + 2) as i64;
        match log.set_log_start(Offset(offset)) {
            Ok(sequence) => {
                let entry = self.model.logs.get_mut(&id).ok_or("an unknown log")?;
                entry.log_start = entry.log_start.max(offset);
                let promise = Promise::LogStart { log: id, offset };
                self.wait(promise, sequence, Durability::Durable, None);
                ensure!(
                    offset <= view.high_watermark.0,
                    "log {id} starts at {offset}, above its end"
                );
                Ok(())
            }
            Err(SetLogStartError::OutOfRange { .. }) if offset > view.high_watermark.0 => Ok(()),
            Err(SetLogStartError::Poisoned) if self.is_faulty || self.is_full => Ok(()),
            Err(_) if self.machine.fs().has_crashed() => Ok(()),
            Err(error) => Err(format!("log {id}: start at {offset}: {error:?}")),
        }
    }

    /// Makes a log: a record in the metadata log, then the log itself.
    pub(crate) fn create_log(&mut self, choice: u64) -> Checked {
        if self.model.logs.len() > 6 {
            return Ok(());
        }
        let id = LogId(self.model.next_log_id);
        if !self.log_metadata('+', id, choice)? {
            return Ok(());
        }
        self.model.next_log_id += 1;
        let config = engine::config(choice);
        self.storage.create_logs(&[(id, config.clone())]);
        self.model.logs.insert(id, LogModel::new(config));
        Ok(())
    }

    /// Deletes a log: a record in the metadata log, and the log once that is durable.
    pub(crate) fn delete_log(&mut self, log: u64) -> Checked {
        let id = self.choose(log);
        if id == LogId::METADATA || !self.log_metadata('-', id, 0)? {
            return Ok(());
        }
        let sequence = self.storage.force_all();
        let promise = Promise::Deleted { log: id };
        self.wait(promise, sequence, Durability::Durable, None);
        Ok(())
    }

    fn log_metadata(&mut self, sign: char, id: LogId, choice: u64) -> Checked<bool> {
        self.append_metadata(format!("{sign}{}:{choice}", id.0).into_bytes())
    }

    /// Gives a log other settings; whether it is relaxed among them.
    pub(crate) fn set_config(&mut self, log: u64, choice: u64) -> Checked {
        let id = self.choose(log);
        if id == LogId::METADATA {
            return Ok(());
        }
        let log = self.storage.log(id).ok_or("the log is gone")?;
        log.set_config(engine::config(choice));
        let model = self.model.logs.get_mut(&id).ok_or("an unknown log")?;
        model.config = engine::config(choice);
        // What readers see from now on may have been appended before.
        model.was_relaxed |= model.config.is_relaxed();
        Ok(())
    }

    /// Reads from some offset, as both kinds of readers do, and compares.
    pub(crate) fn read(&mut self, log: u64, from: u64, bytes: u32) -> Checked {
        let id = self.choose(log);
        let view = self.storage.log(id).ok_or("the log is gone")?.view();
        let span = view.appended_end.0 - view.log_start.0;
        let from = view.log_start.0 + pick(from, span as usize + 3) as i64 - 1;
        for is_committed in [false, true] {
            let wanted = Wanted {
                from,
                bytes_max: bytes as usize,
                is_committed,
                at_least_one: !bytes.is_multiple_of(4),
            };
            self.read_and_compare(id, wanted)?;
        }
        Ok(())
    }

    /// Reads all that readers of committed records may read, piece by piece, and compares.
    pub(crate) fn read_committed(&mut self, id: LogId) -> Checked {
        let view = self.storage.log(id).ok_or("the log is gone")?.view();
        let mut from = view.log_start.0;
        while from < view.last_stable_offset.0 {
            let wanted = Wanted {
                from,
                bytes_max: 3000,
                is_committed: true,
                at_least_one: true,
            };
            match self.read_and_compare(id, wanted)? {
                Some(next) => from = next,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Reads and compares; the offset behind what was read, or `None` if the read has failed with
    /// the device.
    fn read_and_compare(&mut self, id: LogId, wanted: Wanted) -> Checked<Option<i64>> {
        let result = self.try_read(id, wanted);
        result.map_err(|error| format!("log {id}: {wanted:?}: {error}"))
    }

    fn try_read(&mut self, id: LogId, wanted: Wanted) -> Checked<Option<i64>> {
        let log = self.storage.log(id).ok_or("the log is gone")?;
        let view = log.view();
        let faults = self.machine.fs().faults();
        let found = match engine::read(&log, wanted) {
            // That one read has failed, and nothing else may come of it.
            Err(_) if self.machine.fs().faults() > faults => return Ok(None),
            found => found?,
        };
        let from = wanted.from;
        let is_inside = (view.log_start.0..=view.appended_end.0).contains(&from);
        ensure!(
            found.is_some() == is_inside,
            "the range is judged wrongly: {view:?}"
        );
        let Some(found) = found else {
            return Ok(Some(from));
        };
        let model = &self.model.logs[&id];
        let transactions = model.transactions(view.high_watermark.0);
        let end = match wanted.is_committed {
            true => transactions.last_stable(view.log_start.0, view.high_watermark.0),
            false => view.high_watermark.0,
        };
        let entries = model.entries.iter();
        let mut expected = entries.filter(|entry| entry.last >= from && entry.last < end);
        let (mut total, mut next) = (0, from);
        for (base, last, batch) in batch::split(&found.bytes)? {
            let entry = expected
                .next()
                .ok_or_else(|| format!("offset {base} is more than may be read"))?;
            ensure!(entry.stored == batch, "offset {base} is not as it was sent");
            total += batch.len();
            next = last + 1;
            let is_first = wanted.at_least_one && total == batch.len();
            ensure!(
                total <= wanted.bytes_max || is_first,
                "{total} bytes are more than were asked for"
            );
        }
        ensure!(
            total > 0 || from >= end || !wanted.at_least_one,
            "nothing, though there is something up to {end}"
        );
        let aborted = match wanted.is_committed && total > 0 {
            true => transactions.aborted_in(from, next),
            false => Vec::new(),
        };
        self.machine
            .tally
            .add("aborted transactions read", aborted.len() as u64);
        ensure!(
            found.aborted == aborted || (total == 0 && wanted.is_committed),
            "the aborted transactions are {:?}, not {aborted:?}",
            found.aborted
        );
        Ok(Some(next))
    }

    /// One of the logs that exist, rarely the metadata log.
    pub(crate) fn choose(&self, number: u64) -> LogId {
        let ids: Vec<LogId> = self.model.logs.keys().copied().collect();
        ids[pick(number, ids.len())]
    }
}

/// Up to where retention may move the start of a log now: over batches that are too old, or that
/// leave enough bytes behind them, and that belong to no open transaction.
fn retention_limit(model: &LogModel, (stable, end): (i64, i64), now_ms: i64) -> i64 {
    let config = &model.config;
    let entries = model.entries.iter();
    let shown = entries.filter(|entry| entry.last >= model.log_start && entry.last < end);
    let mut left: u64 = shown.clone().map(|entry| entry.stored.len() as u64).sum();
    let mut limit = model.log_start;
    for entry in shown.take_while(|entry| entry.last < stable) {
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
