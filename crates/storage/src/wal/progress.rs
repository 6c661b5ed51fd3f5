//! How far the write-ahead log has come, and who waits for it.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::errors::CommitError;
use crate::views::{Durability, Sequence};

type Answer = Result<(), CommitError>;

#[derive(Debug, Default)]
pub(crate) struct Progress {
    written: AtomicU64,
    durable: AtomicU64,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    written: BTreeMap<(u64, u64), oneshot::Sender<Answer>>,
    durable: BTreeMap<(u64, u64), oneshot::Sender<Answer>>,
    count: u64,
    /// Set once, when nothing will be committed any more.
    failure: Option<CommitError>,
}

impl Waiting {
    fn queue(
        &mut self,
        durability: Durability,
    ) -> &mut BTreeMap<(u64, u64), oneshot::Sender<Answer>> {
        match durability {
            Durability::Written => &mut self.written,
            Durability::Durable => &mut self.durable,
        }
    }
}

impl Progress {
    fn reached(&self, durability: Durability) -> &AtomicU64 {
        match durability {
            Durability::Written => &self.written,
            Durability::Durable => &self.durable,
        }
    }

    pub(crate) fn has_reached(&self, sequence: Sequence, durability: Durability) -> bool {
        self.reached(durability).load(Ordering::Acquire) >= sequence.0
    }

    /// Completes when the entry has come that far, or never will.
    pub(crate) fn wait(
        &self,
        sequence: Sequence,
        durability: Durability,
    ) -> impl Future<Output = Answer> + Send + use<> {
        let waits = if self.has_reached(sequence, durability) {
            Ok(Ok(()))
        } else {
            self.enqueue(sequence, durability)
        };
        async move {
            match waits {
                Ok(answer) => answer,
                Err(receiver) => receiver.await.unwrap_or(Err(CommitError::ShuttingDown)),
            }
        }
    }

    fn enqueue(
        &self,
        sequence: Sequence,
        durability: Durability,
    ) -> Result<Answer, oneshot::Receiver<Answer>> {
        let mut waiting = self.waiting.lock();
        // Looked at again under the lock, which `advance` takes after it has moved the number.
        if self.has_reached(sequence, durability) {
            return Ok(Ok(()));
        }
        if let Some(failure) = waiting.failure {
            return Ok(Err(failure));
        }
        let (sender, receiver) = oneshot::channel();
        waiting.count += 1;
        let count = waiting.count;
        waiting
            .queue(durability)
            .insert((sequence.0, count), sender);
        Err(receiver)
    }

    /// Says that every entry up to this one has come that far and wakes who waited, in order.
    pub(crate) fn advance(&self, sequence: Sequence, durability: Durability) {
        self.reached(durability)
            .fetch_max(sequence.0, Ordering::AcqRel);
        let mut waiting = self.waiting.lock();
        let queue = waiting.queue(durability);
        let rest = queue.split_off(&(sequence.0.saturating_add(1), 0));
        let woken = std::mem::replace(queue, rest);
        drop(waiting);
        for sender in woken.into_values() {
            // Who has gone away does not need the answer.
            let _ = sender.send(Ok(()));
        }
    }

    /// Answers everybody who waits now. If `for_good`, also everybody who comes later.
    pub(crate) fn fail(&self, error: CommitError, for_good: bool) {
        let mut waiting = self.waiting.lock();
        if for_good && waiting.failure.is_none() {
            waiting.failure = Some(error);
        }
        let written = std::mem::take(&mut waiting.written);
        let durable = std::mem::take(&mut waiting.durable);
        drop(waiting);
        for sender in written.into_values().chain(durable.into_values()) {
            let _ = sender.send(Err(error));
        }
    }
}

#[cfg(test)]
mod tests;
