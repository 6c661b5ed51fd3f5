//! What clients append, and what must become of it.

use std::sync::Arc;

use bytes::Bytes;
use model::{LogId, Offset};
use storage::{Append, AppendError, Appended, Durability, Permit};

use crate::batch::{self, Kind, Recipe};
use crate::engine::actions::Twist;
use crate::engine::model::{Entry, Producer, following};
use crate::engine::waits::{Promise, Reservation};
use crate::engine::world::{Checked, World, ensure, pick};

/// The ids of the producers that are idempotent only, and of those with transactions.
pub(crate) const IDEMPOTENT: std::ops::Range<i64> = 1000..1003;
pub(crate) const TRANSACTIONAL: std::ops::Range<i64> = 2000..2003;

/// What must become of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    New,
    Duplicate { entry: usize },
    Refused(AppendError),
}

impl World {
    /// Appends a batch that belongs to nobody. Without room it waits for some.
    pub(crate) fn append_plain(&mut self, log: u64, records: u32, bytes: u32) -> Checked {
        let log = self.choose(log);
        let recipe = self.recipe(records, bytes, None, Kind::Plain);
        let sent = batch::build(&recipe);
        match self.reserve(sent.len()) {
            Some(permit) => self
                .send(log, sent, Expect::New, Some(&recipe), permit)
                .map(drop),
            None => {
                self.wait_for_room(log, records, bytes, sent.len());
                Ok(())
            }
        }
    }

    /// Appends for somebody who has waited for room.
    pub(crate) fn append_with(&mut self, waited: &Reservation, permit: Permit) -> Checked {
        if !self.model.logs.contains_key(&waited.log) {
            return Ok(());
        }
        let recipe = self.recipe(waited.records, waited.bytes, None, Kind::Plain);
        let sent = batch::build(&recipe);
        self.send(waited.log, sent, Expect::New, Some(&recipe), permit)
            .map(drop)
    }

    /// Appends as one of three producers.
    pub(crate) fn produce(&mut self, log: u64, producer: u64, twist: Twist, bytes: u32) -> Checked {
        let log = self.choose(log);
        let id = IDEMPOTENT.start + pick(producer, 3) as i64;
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
        let recipe = self.recipe(records, bytes, Some(sender), Kind::Plain);
        self.append(log, &recipe, expect).map(drop)
    }

    /// Appends a batch of a transaction.
    pub(crate) fn transact(&mut self, log: u64, producer: u64, bytes: u32) -> Checked {
        let log = self.choose(log);
        let id = TRANSACTIONAL.start + pick(producer, 3) as i64;
        if log == LogId::METADATA {
            return Ok(());
        }
        let known = self.model.logs[&log].producer(id).unwrap_or_default();
        let sender = (id, known.epoch, known.next_sequence);
        let records = 1 + (producer / 3 % 3) as u32;
        let recipe = self.recipe(records, bytes, Some(sender), Kind::Transactional);
        self.append(log, &recipe, Expect::New).map(drop)
    }

    /// Ends a transaction as the broker does, which may give the producer a new epoch with it
    /// (KIP-890).
    pub(crate) fn end_transaction(&mut self, which: u64, is_commit: bool, bumps: bool) -> Checked {
        let open = self.model.logs.iter().flat_map(|(log, model)| {
            let open = model.transactions(i64::MAX).open.into_keys();
            open.map(|producer| (*log, producer))
        });
        let mut all: Vec<(LogId, i64)> = open.collect();
        if all.is_empty() || which.is_multiple_of(16) {
            // The coordinator may ask twice.
            let logs = self.model.logs.keys().skip(1);
            all = logs.map(|log| (*log, TRANSACTIONAL.start)).collect();
        }
        if all.is_empty() {
            return Ok(());
        }
        let (log, id) = all[pick(which, all.len())];
        let known = self.model.logs[&log].producer(id).unwrap_or_default();
        let kind = Kind::Marker { is_commit };
        if which % 16 == 1 && self.model.logs[&log].has_open(id) {
            // The marker of the transaction before is late (KIP-890).
            let recipe = self.recipe(1, 6, Some((id, known.epoch, -1)), kind);
            let expect = Expect::Refused(AppendError::InvalidProducerEpoch);
            return self.append(log, &recipe, expect).map(drop);
        }
        let sender = (id, known.epoch + i16::from(bumps), -1);
        let recipe = self.recipe(1, 6, Some(sender), kind);
        if self.append(log, &recipe, Expect::New)? {
            self.machine.tally.add("transactions ended", 1);
        }
        Ok(())
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
        let Some(last) = recent.len().checked_sub(1) else {
            return Ok(());
        };
        let entry = recent[last - pick(back, recent.len())];
        let sent = self.model.logs[&log].entries[entry].sent.clone();
        let waiting = self.waits.len();
        if let Some(permit) = self.reserve(sent.len()) {
            self.send(log, sent, Expect::Duplicate { entry }, None, permit)?;
        }
        if !waits {
            self.waits.truncate(waiting);
        }
        Ok(())
    }

    /// Appends a record to the metadata log; whether it went in.
    pub(crate) fn append_metadata(&mut self, value: Vec<u8>) -> Checked<bool> {
        let recipe = Recipe {
            value,
            ..self.recipe(1, 0, None, Kind::Plain)
        };
        self.append(LogId::METADATA, &recipe, Expect::New)
    }

    fn append(&mut self, log: LogId, recipe: &Recipe, expect: Expect) -> Checked<bool> {
        let sent = batch::build(recipe);
        // No space or no memory: the client would wait, and this one goes away.
        let Some(permit) = self.reserve(sent.len()) else {
            return Ok(false);
        };
        self.send(log, sent, expect, Some(recipe), permit)
    }

    /// Appends; whether the batch went in.
    fn send(
        &mut self,
        id: LogId,
        sent: Vec<u8>,
        expect: Expect,
        recipe: Option<&Recipe>,
        permit: Permit,
    ) -> Checked<bool> {
        let Some(log) = self.storage.log(id) else {
            return Err(format!("log {id} is gone"));
        };
        let is_too_large = sent.len() > self.machine.setup.settings().batch_bytes_max();
        let expect = match is_too_large {
            true => Expect::Refused(AppendError::TooLarge),
            false => expect,
        };
        let mode = match recipe.map(|recipe| recipe.kind) {
            Some(Kind::Marker { .. }) => Append::Marker {
                is_bumped: matches!(expect, Expect::Refused(_)),
            },
            _ => Append::Produce,
        };
        let storage = Arc::clone(&self.storage);
        // What is gathered goes on its way when the model knows of it.
        let mut gathering = self
            .model
            .next_order
            .is_multiple_of(2)
            .then(|| storage.gather());
        let bytes = Bytes::from(sent.clone());
        let result = match &mut gathering {
            Some(gathering) => gathering.append(&log, bytes, mode),
            None => log.append(bytes, mode),
        };
        let appended = match (result, expect) {
            (Err(error), Expect::Refused(expected)) if error == expected => {
                self.machine.tally.add("refused", 1);
                return Ok(false);
            }
            (Err(error), _) if self.may_refuse(error) => return Ok(false),
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
                self.machine.tally.add("duplicates", 1);
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
        let promise = Promise::Entry { log: id, order };
        self.wait(promise, appended.sequence, durability, Some(permit));
        Ok(true)
    }

    /// Whether the machine is in a state in which anything may be refused so.
    pub(crate) fn may_refuse(&self, error: AppendError) -> bool {
        let is_expected = match error {
            AppendError::Poisoned | AppendError::DiskFull => self.is_faulty || self.is_full,
            AppendError::ShuttingDown => self.is_closing,
            _ => false,
        };
        is_expected || self.machine.fs().has_crashed()
    }

    pub(crate) fn remember(
        &mut self,
        id: LogId,
        recipe: &Recipe,
        sent: Vec<u8>,
        appended: &Appended,
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
            kind: recipe.kind,
            is_written: false,
            is_durable: false,
        });
        self.machine.tally.add("appended", 1);
        Ok(order)
    }

    pub(crate) fn recipe(
        &self,
        records: u32,
        bytes: u32,
        producer: Option<(i64, i16, i32)>,
        kind: Kind,
    ) -> Recipe {
        let epoch = self.storage.leader_epoch().0;
        Recipe {
            records,
            value: match kind {
                Kind::Marker { .. } => batch::marker_value(epoch),
                _ => vec![self.model.next_order as u8; (bytes / records) as usize],
            },
            timestamp_ms: self.machine.wall_ms(),
            producer,
            kind,
        }
    }
}
