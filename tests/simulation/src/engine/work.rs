//! What clients and the broker do: append, delete, make and remove logs, read.

use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use model::{LogId, Offset};
use storage::{Append, AppendError, CommitError, Durability, SetLogStartError};

use crate::batch::{self, Recipe};
use crate::engine::access as engine;
use crate::engine::actions::Twist;
use crate::engine::model::{Entry, LogModel, Producer, following};
use crate::engine::world::{Checked, Promise, Wait, World, ensure, pick};

/// What must become of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    New,
    Duplicate { entry: usize },
    Refused(AppendError),
}

impl World {
    /// Appends a batch that belongs to nobody.
    pub(crate) fn append_plain(&mut self, log: u64, records: u32, bytes: u32) -> Checked {
        let log = self.choose(log);
        let recipe = self.recipe(records, bytes, None);
        self.append(log, &recipe, Expect::New).map(drop)
    }

    /// Appends as one of three producers.
    pub(crate) fn produce(&mut self, log: u64, producer: u64, twist: Twist, bytes: u32) -> Checked {
        let log = self.choose(log);
        let id = 1000 + (producer % 3) as i64;
        let known = self.model.logs[&log].producer(id);
        let (sender, expect) = match (known, twist) {
            // Whatever an unknown producer begins with is right (KIP-360). Close to the largest
            // number for some, so that runs wrap; the same each time, since one that a full disk
            // refuses has to come back with it.
            (None, _) => {
                let first = if id % 2 == 0 { 0 } else { i32::MAX - 4 };
                ((id, 0, first), Expect::New)
            }
            (Some(known), Twist::Retry(back)) => return self.retry(log, &known, back, true),
            (Some(known), Twist::Next) => ((id, known.epoch, known.next_sequence), Expect::New),
            (Some(known), Twist::Gap) => {
                let sequence = following(known.next_sequence, 7);
                let expect = Expect::Refused(AppendError::OutOfOrderSequence);
                ((id, known.epoch, sequence), expect)
            }
            (Some(known), Twist::Bump) => ((id, known.epoch + 1, 0), Expect::New),
            (Some(known), Twist::Zombie) => {
                let expect = Expect::Refused(AppendError::InvalidProducerEpoch);
                ((id, known.epoch - 1, known.next_sequence), expect)
            }
        };
        if sender.1 < 0 {
            return Ok(());
        }
        let records = 1 + (producer / 3 % 3) as u32;
        let recipe = self.recipe(records, bytes, Some(sender));
        self.append(log, &recipe, expect).map(drop)
    }

    /// Sends one of the last batches of a producer again; it must be recognised.
    pub(crate) fn retry(
        &mut self,
        log: LogId,
        known: &Producer,
        back: u64,
        waits: bool,
    ) -> Checked {
        let recent = &known.recent;
        let entry = recent[recent.len() - 1 - pick(back, recent.len())];
        let sent = self.model.logs[&log].entries[entry].sent.clone();
        let waiting = self.waits.len();
        self.send(log, sent, Expect::Duplicate { entry }, None)?;
        if !waits {
            self.waits.truncate(waiting);
        }
        Ok(())
    }

    fn append(&mut self, log: LogId, recipe: &Recipe, expect: Expect) -> Checked<bool> {
        self.send(log, batch::build(recipe), expect, Some(recipe))
    }

    /// Appends; whether the batch went in.
    fn send(
        &mut self,
        id: LogId,
        sent: Vec<u8>,
        expect: Expect,
        recipe: Option<&Recipe>,
    ) -> Checked<bool> {
        let Some(log) = self.storage.log(id) else {
            return Err(format!("log {id} is gone"));
        };
        // No space or no memory: the client would wait, and this one goes away.
        let Some(permit) = engine::reserve(&self.storage, sent.len()) else {
            return Ok(false);
        };
        let result = log.append(Bytes::from(sent.clone()), Append::Produce);
        drop(permit);
        let appended = match (result, expect) {
            (Err(error), Expect::Refused(expected)) if error == expected => {
                self.tally.add("refused", 1);
                return Ok(false);
            }
            (Err(AppendError::Poisoned), _) if self.is_faulty || self.is_full => return Ok(false),
            (Err(AppendError::DiskFull), _) if self.is_faulty || self.is_full => return Ok(false),
            (Err(_), _) if self.handles.fs.has_crashed() => return Ok(false),
            (Err(error), _) => {
                return Err(format!("log {id}: append: {error:?}, expected {expect:?}"));
            }
            (Ok(appended), _) => appended,
        };
        let order = match expect {
            Expect::Refused(error) => {
                return Err(format!("log {id}: {appended:?}, expected {error:?}"));
            }
            Expect::Duplicate { entry } => {
                let original = &self.model.logs[&id].entries[entry];
                ensure!(
                    appended.duplicate
                        && appended.base_offset == Offset(original.base)
                        && appended.last_offset == Offset(original.last),
                    "log {id}: {appended:?} for a retry of offset {}",
                    original.base
                );
                self.tally.add("duplicates", 1);
                original.order
            }
            Expect::New => {
                let recipe = recipe.ok_or("a new batch has a recipe")?;
                self.remember(id, recipe, sent, &appended)?
            }
        };
        let durability = match order % 3 {
            0 => Durability::Written,
            _ => Durability::Durable,
        };
        let future = Box::pin(self.storage.wait(appended.sequence, durability));
        self.waits.push(Wait {
            promise: Promise::Entry { log: id, order },
            durability,
            future,
        });
        Ok(true)
    }

    fn remember(
        &mut self,
        id: LogId,
        recipe: &Recipe,
        sent: Vec<u8>,
        appended: &storage::Appended,
    ) -> Checked<u64> {
        let epoch = self.storage.leader_epoch().0;
        let log = self.model.logs.get_mut(&id).ok_or("an unknown log")?;
        let base = log.end();
        let last = base + i64::from(recipe.records) - 1;
        ensure!(
            !appended.duplicate
                && appended.base_offset == Offset(base)
                && appended.last_offset == Offset(last),
            "log {id}: {appended:?} for a new batch at {base}..={last}"
        );
        let time = log.is_stamped().then_some(appended.log_append_time_ms);
        ensure!(
            time.is_some() || appended.log_append_time_ms == -1,
            "log {id}: {appended:?} has a time, the log keeps the producer's"
        );
        let order = self.model.next_order;
        self.model.next_order += 1;
        log.entries.push(Entry {
            order,
            base,
            last,
            stored: batch::stamped(&sent, base, epoch, time),
            sent,
            timestamp_ms: time.unwrap_or(recipe.timestamp_ms),
            producer: recipe.producer,
            is_written: false,
            is_durable: false,
        });
        self.tally.add("appended", 1);
        Ok(order)
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
                self.waits.push(Wait {
                    promise: Promise::LogStart { log: id, offset },
                    durability: Durability::Durable,
                    future: Box::pin(self.storage.wait(sequence, Durability::Durable)),
                });
                ensure!(
                    offset <= view.high_watermark.0,
                    "log {id} starts at {offset}, above its end"
                );
                Ok(())
            }
            Err(SetLogStartError::OutOfRange { .. }) if offset > view.high_watermark.0 => Ok(()),
            Err(SetLogStartError::Poisoned) if self.is_faulty || self.is_full => Ok(()),
            Err(_) if self.handles.fs.has_crashed() => Ok(()),
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
        let sequence = self.storage.last_sequence();
        self.waits.push(Wait {
            promise: Promise::Deleted { log: id },
            durability: Durability::Durable,
            future: Box::pin(self.storage.wait(sequence, Durability::Durable)),
        });
        Ok(())
    }

    /// Appends a record to the metadata log.
    fn log_metadata(&mut self, sign: char, id: LogId, choice: u64) -> Checked<bool> {
        let recipe = Recipe {
            records: 1,
            value: format!("{sign}{}:{choice}", id.0).into_bytes(),
            timestamp_ms: self.wall_ms(),
            producer: None,
        };
        self.append(LogId::METADATA, &recipe, Expect::New)
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

    /// Reads from some offset and compares.
    pub(crate) fn read(&mut self, log: u64, from: u64, bytes: u32) -> Checked {
        let id = self.choose(log);
        let log = self.storage.log(id).ok_or("the log is gone")?;
        let view = log.view();
        let span = view.appended_end.0 - view.log_start.0;
        let from = view.log_start.0 + pick(from, span as usize + 3) as i64 - 1;
        let faults = self.handles.fs.faults();
        let found = match engine::read(&log, from, bytes as usize) {
            // That one read has failed, and nothing else may come of it.
            Err(_) if self.handles.fs.faults() > faults => return Ok(()),
            found => found?,
        };
        let is_inside = (view.log_start.0..=view.appended_end.0).contains(&from);
        let Some(found) = found else {
            ensure!(!is_inside, "log {id}: {from} is out of range, yet {view:?}");
            return Ok(());
        };
        ensure!(is_inside, "log {id}: {from} is in range, yet {view:?}");
        let entries = &self.model.logs[&id].entries;
        let mut expected = entries
            .iter()
            .filter(|entry| entry.last >= from && entry.last < view.high_watermark.0);
        let mut total = 0;
        for (base, _, batch) in batch::split(&found)? {
            let Some(entry) = expected.next() else {
                return Err(format!("log {id}: offset {base} is more than was shown"));
            };
            ensure!(
                entry.stored == batch,
                "log {id}: offset {base} is not as it was sent"
            );
            total += batch.len();
            ensure!(
                total <= bytes as usize || total == batch.len(),
                "log {id}: {total} bytes where {bytes} were asked for"
            );
        }
        ensure!(
            total > 0 || from >= view.high_watermark.0,
            "log {id}: nothing at {from}, yet {view:?}"
        );
        Ok(())
    }

    /// Hears the answers that have come.
    pub(crate) fn poll_waits(&mut self) -> Checked {
        let mut deleted = Vec::new();
        for mut wait in std::mem::take(&mut self.waits) {
            let mut ctx = Context::from_waker(Waker::noop());
            match wait.future.as_mut().poll(&mut ctx) {
                Poll::Pending => self.waits.push(wait),
                Poll::Ready(Ok(())) => {
                    self.tally.add("acknowledged", 1);
                    self.keep(&wait, &mut deleted);
                }
                Poll::Ready(Err(CommitError::ShuttingDown)) => {}
                // The record stays in the queue: the log must go when it has been written.
                Poll::Ready(Err(CommitError::DiskFull))
                    if matches!(wait.promise, Promise::Deleted { .. }) =>
                {
                    let sequence = self.storage.last_sequence();
                    wait.future = Box::pin(self.storage.wait(sequence, wait.durability));
                    self.waits.push(wait);
                }
                Poll::Ready(Err(CommitError::Poisoned | CommitError::DiskFull))
                    if self.is_faulty || self.is_full => {}
                Poll::Ready(Err(_)) if self.handles.fs.has_crashed() => {}
                Poll::Ready(Err(error)) => {
                    return Err(format!("{:?}: {error:?} without a fault", wait.promise));
                }
            }
        }
        for id in deleted {
            if self.model.logs.remove(&id).is_some() {
                self.storage.delete_log(id);
                self.model.deleted.insert(id);
            }
        }
        Ok(())
    }

    /// From here on the promise of an answer binds.
    fn keep(&mut self, wait: &Wait, deleted: &mut Vec<LogId>) {
        match wait.promise {
            Promise::Entry { log, order } => {
                let entries = self.model.logs.get_mut(&log).map(|log| &mut log.entries);
                let entry = entries
                    .and_then(|entries| entries.iter_mut().find(|entry| entry.order == order));
                if let Some(entry) = entry {
                    entry.is_written = true;
                    entry.is_durable |= wait.durability == Durability::Durable;
                }
            }
            Promise::LogStart { log, offset } => {
                if let Some(log) = self.model.logs.get_mut(&log) {
                    log.shown_log_start = log.shown_log_start.max(offset);
                }
            }
            Promise::Deleted { log } => deleted.push(log),
        }
    }

    fn recipe(&self, records: u32, bytes: u32, producer: Option<(i64, i16, i32)>) -> Recipe {
        Recipe {
            records,
            value: vec![self.model.next_order as u8; (bytes / records) as usize],
            timestamp_ms: self.wall_ms(),
            producer,
        }
    }

    /// One of the logs that exist, rarely the metadata log.
    pub(crate) fn choose(&self, number: u64) -> LogId {
        let ids: Vec<LogId> = self.model.logs.keys().copied().collect();
        ids[pick(number, ids.len())]
    }
}
