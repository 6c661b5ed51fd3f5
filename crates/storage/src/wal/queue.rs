//! The entries that wait for the next round, in the order in which they were appended.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::format::entry;
use crate::log::Log;
use crate::views::Sequence;

/// One entry on its way to disk.
pub(crate) struct Queued {
    pub log: Arc<Log>,
    pub sequence: Sequence,
    pub content: Content,
    /// Whether readers see it when it is written, before it is forced.
    pub relaxed: bool,
}

pub(crate) enum Content {
    Batch(QueuedBatch),
    SetLogStart(i64),
}

/// A batch as the client sent it, and what is to be stamped into it.
pub(crate) struct QueuedBatch {
    pub bytes: Bytes,
    pub base_offset: i64,
    pub last_offset_delta: i32,
    pub max_timestamp: i64,
    pub log_append_time_ms: Option<i64>,
}

impl Queued {
    /// What the entry takes of a round's body.
    pub(crate) fn body_bytes(&self) -> usize {
        entry::BYTES
            + match &self.content {
                Content::Batch(batch) => batch.bytes.len(),
                Content::SetLogStart(_) => 0,
            }
    }
}

/// Why nothing more is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Poisoned,
    ShuttingDown,
}

#[derive(Default)]
pub(crate) struct Queue {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// The engine is to end, whether or not it is poisoned.
    is_closing: bool,
    entries: VecDeque<Queued>,
    last: u64,
    refusal: Option<Refusal>,
}

impl Queue {
    /// Adds an entry and numbers it. The caller holds the lock of the log, so that the order of
    /// entries is the order of offsets.
    pub(crate) fn push(
        &self,
        log: &Arc<Log>,
        content: Content,
        relaxed: bool,
    ) -> Result<Sequence, Refusal> {
        let mut inner = self.inner.lock();
        if let Some(refusal) = inner.refusal {
            return Err(refusal);
        }
        inner.last += 1;
        let sequence = Sequence(inner.last);
        inner.entries.push_back(Queued {
            log: Arc::clone(log),
            sequence,
            content,
            relaxed,
        });
        Ok(sequence)
    }

    /// Takes the entries of the next round: as many as fit into `bytes_max`, at least one.
    pub(crate) fn take(&self, bytes_max: usize, entries: &mut Vec<Queued>) {
        let mut inner = self.inner.lock();
        let mut bytes = 0;
        while let Some(next) = inner.entries.front() {
            bytes += next.body_bytes();
            if bytes > bytes_max && !entries.is_empty() {
                return;
            }
            entries.extend(inner.entries.pop_front());
        }
    }

    /// Puts entries back that could not be written yet.
    pub(crate) fn put_back(&self, entries: &mut Vec<Queued>) {
        let mut inner = self.inner.lock();
        for entry in entries.drain(..).rev() {
            inner.entries.push_front(entry);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.inner.lock().entries.is_empty()
    }

    pub(crate) fn last_sequence(&self) -> Sequence {
        Sequence(self.inner.lock().last)
    }

    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.inner.lock().refusal
    }

    /// Whether the engine is to end. A poisoned one ends too.
    pub(crate) fn is_closing(&self) -> bool {
        self.inner.lock().is_closing
    }

    /// Takes nothing more from now on. That it is poisoned stays the reason.
    pub(crate) fn refuse(&self, refusal: Refusal) {
        let mut inner = self.inner.lock();
        inner.is_closing |= refusal == Refusal::ShuttingDown;
        if inner.refusal != Some(Refusal::Poisoned) {
            inner.refusal = Some(refusal);
        }
    }

    /// Drops what waits.
    pub(crate) fn clear(&self) {
        let entries = std::mem::take(&mut self.inner.lock().entries);
        drop(entries);
    }
}
