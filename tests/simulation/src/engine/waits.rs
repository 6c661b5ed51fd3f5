//! Who waits for an answer, or for room to append.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use model::LogId;
use storage::{CommitError, Durability, Permit, Sequence, Storage};

use crate::engine::world::{Checked, World, ensure};

/// How many wait for room. More of them prove nothing new.
const RESERVATIONS_MAX: usize = 3;

/// How many requests a crowd is at most. Each takes a quarter of what may be reserved, and everybody
/// is let in while the disk is full.
const CROWD_MAX: usize = 8;

type Answer = Result<(), CommitError>;
type Waiting<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Somebody who waits for an answer.
pub(crate) struct Wait {
    promise: Promise,
    durability: Durability,
    future: Waiting<Answer>,
    /// Held until the answer is on its way.
    _permit: Option<Permit>,
}

/// What the answer promises.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Promise {
    Entry { log: LogId, order: u64 },
    LogStart { log: LogId, offset: i64 },
    Deleted { log: LogId },
}

/// Somebody who waits for room to append a batch.
pub(crate) struct Reservation {
    pub log: LogId,
    pub records: u32,
    pub bytes: u32,
    future: Waiting<Permit>,
}

fn poll<T>(future: &mut Waiting<T>) -> Poll<T> {
    let mut ctx = Context::from_waker(Waker::noop());
    future.as_mut().poll(&mut ctx)
}

/// Room for an append; `None` if there is none now.
pub(crate) fn reserve(storage: &Storage, bytes: usize) -> Option<Permit> {
    let mut future: Waiting<Permit> = Box::pin(storage.reserve(bytes));
    match poll(&mut future) {
        Poll::Ready(permit) => Some(permit),
        Poll::Pending => None,
    }
}

impl World {
    /// Waits for an entry to come that far.
    pub(crate) fn wait(
        &mut self,
        promise: Promise,
        sequence: Sequence,
        durability: Durability,
        permit: Option<Permit>,
    ) {
        self.waits.push(Wait {
            promise,
            durability,
            future: Box::pin(self.storage.wait(sequence, durability)),
            _permit: permit,
        });
    }

    /// Room for an append; `None` if there is none now.
    pub(crate) fn reserve(&self, bytes: usize) -> Option<Permit> {
        reserve(&self.storage, bytes)
    }

    /// Takes all room there is, asks for more, and gives it all back.
    pub(crate) fn crowd(&self) {
        let reserve = || self.reserve(usize::MAX);
        let permits: Vec<Permit> = std::iter::from_fn(reserve).take(CROWD_MAX).collect();
        drop(permits);
    }

    /// Waits for room for a batch of so many records, with so many bytes in their values and `batch_bytes` in all.
    pub(crate) fn wait_for_room(
        &mut self,
        log: LogId,
        records: u32,
        bytes: u32,
        batch_bytes: usize,
    ) {
        if self.reservations.len() < RESERVATIONS_MAX {
            let future = Box::pin(self.storage.reserve(batch_bytes));
            self.reservations.push(Reservation {
                log,
                records,
                bytes,
                future,
            });
        }
    }

    /// Hears the answers that have come, and appends for who has got room.
    pub(crate) fn poll_waits(&mut self) -> Checked {
        let mut deleted = Vec::new();
        for mut wait in std::mem::take(&mut self.waits) {
            match poll(&mut wait.future) {
                Poll::Pending => self.waits.push(wait),
                Poll::Ready(Ok(())) => {
                    self.machine.tally.add("acknowledged", 1);
                    self.keep(&wait, &mut deleted)?;
                }
                Poll::Ready(Err(CommitError::ShuttingDown)) => {}
                // The record stays in the queue: the log must go when it has been written.
                Poll::Ready(Err(CommitError::DiskFull))
                    if matches!(wait.promise, Promise::Deleted { .. }) =>
                {
                    let sequence = self.storage.force_all();
                    wait.future = Box::pin(self.storage.wait(sequence, wait.durability));
                    self.waits.push(wait);
                }
                Poll::Ready(Err(CommitError::Poisoned | CommitError::DiskFull))
                    if self.is_faulty || self.is_full => {}
                Poll::Ready(Err(_)) if self.machine.fs().has_crashed() => {}
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
        for mut reservation in std::mem::take(&mut self.reservations) {
            match poll(&mut reservation.future) {
                Poll::Pending => self.reservations.push(reservation),
                Poll::Ready(permit) => self.append_with(&reservation, permit)?,
            }
        }
        Ok(())
    }

    /// From here on the promise of an answer binds; what it promises must be on disk, or in a file
    /// if that is all that was promised.
    fn keep(&mut self, wait: &Wait, deleted: &mut Vec<LogId>) -> Checked {
        let is_durable = wait.durability == Durability::Durable;
        match wait.promise {
            Promise::Entry { log, order } => {
                let entries = self.model.logs.get_mut(&log).map(|log| &mut log.entries);
                let entry = entries
                    .and_then(|entries| entries.iter_mut().find(|entry| entry.order == order));
                if let Some(entry) = entry {
                    let end = match is_durable {
                        true => self.machine.watch.durable_end(log.0),
                        false => self.machine.watch.written_end(log.0),
                    };
                    ensure!(
                        entry.last < end,
                        "log {log}: offset {} is answered ({:?}), yet only what is below {end} is there",
                        entry.base,
                        wait.durability
                    );
                    entry.is_written = true;
                    entry.is_durable |= is_durable;
                }
            }
            Promise::LogStart { log, offset } => {
                let start = self.machine.watch.durable_start(log.0);
                ensure!(
                    offset <= start,
                    "log {log}: its start at {offset} is answered, yet {start} is on disk"
                );
                if let Some(log) = self.model.logs.get_mut(&log) {
                    log.shown_log_start = log.shown_log_start.max(offset);
                }
            }
            Promise::Deleted { log } => deleted.push(log),
        }
        Ok(())
    }
}
