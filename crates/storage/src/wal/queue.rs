//! The entries that wait for the next round, in the order in which they were appended.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use env::{Defect, has_defect};
use parking_lot::Mutex;

use crate::format::entry;
use crate::log::Log;
use crate::marks::{Mark, mark};
use crate::views::Sequence;

/// One entry on its way to disk.
pub(crate) struct Queued {
    pub log: Arc<Log>,
    pub sequence: Sequence,
    pub content: Content,
    /// Whether readers see it when it is written, before it is forced.
    pub relaxed: bool,
    /// Whether it goes into one round with the entry behind it.
    pub joins_next: bool,
}

/// An entry that comes to the queue.
pub(crate) struct Coming {
    pub log: Arc<Log>,
    pub content: Content,
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

impl Content {
    /// What an entry takes of a round's body.
    pub(crate) fn body_bytes(&self) -> usize {
        entry::BYTES
            + match self {
                Self::Batch(batch) => batch.bytes.len(),
                Self::SetLogStart(_) => 0,
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
    /// With how many entries the commit loop wants to be woken; it looks sooner by itself.
    wanted_entries: usize,
    last: u64,
    refusal: Option<Refusal>,
}

impl Inner {
    /// How many entries at the front belong together, and what they take of a round's body.
    fn next_group(&self) -> (usize, usize) {
        let mut bytes = 0;
        for (number, entry) in self.entries.iter().enumerate() {
            bytes += entry.content.body_bytes();
            if !entry.joins_next {
                return (number + 1, bytes);
            }
        }
        (0, 0)
    }
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
        let log = Arc::clone(log);
        self.push_group(std::iter::once(Coming { log, content }), relaxed)
    }

    /// Adds entries that go into one round, and numbers them from the returned sequence on. The
    /// caller holds the locks of all their logs.
    pub(crate) fn push_group(
        &self,
        group: impl ExactSizeIterator<Item = Coming>,
        relaxed: bool,
    ) -> Result<Sequence, Refusal> {
        let mut inner = self.inner.lock();
        if let Some(refusal) = inner.refusal {
            return Err(refusal);
        }
        let first = Sequence(inner.last + 1);
        let count = group.len();
        for (number, coming) in group.enumerate() {
            inner.last += 1;
            let sequence = Sequence(inner.last);
            inner.entries.push_back(Queued {
                log: coming.log,
                sequence,
                content: coming.content,
                relaxed,
                joins_next: number + 1 < count && !has_defect(Defect::SplitGroups),
            });
        }
        Ok(first)
    }

    /// Takes the entries of the next round: as many as fit into `bytes_max`, at least one, and of a
    /// group all or none.
    pub(crate) fn take(&self, bytes_max: usize, entries: &mut Vec<Queued>) {
        let mut inner = self.inner.lock();
        let mut bytes = 0;
        loop {
            let (group_entries, group_bytes) = inner.next_group();
            bytes += group_bytes;
            if group_entries == 0 {
                return;
            }
            if bytes > bytes_max && !entries.is_empty() {
                if group_entries > 1 {
                    mark(Mark::GroupLeftToNextRound);
                }
                return;
            }
            entries.extend(inner.entries.drain(..group_entries));
        }
    }

    /// Puts entries back that could not be written yet.
    pub(crate) fn put_back(&self, entries: &mut Vec<Queued>) {
        let mut inner = self.inner.lock();
        for entry in entries.drain(..).rev() {
            inner.entries.push_front(entry);
        }
    }

    /// How many entries there are if there are some, of a strict log the first, but fewer than these; who
    /// appends then wakes the commit loop only when there are as many.
    pub(crate) fn wait_for(&self, entries: usize) -> Option<usize> {
        let mut inner = self.inner.lock();
        let queued = inner.entries.len();
        let is_strict = inner.entries.front().is_some_and(|first| !first.relaxed);
        let is_waiting = is_strict && queued < entries;
        inner.wanted_entries = if is_waiting { entries } else { 0 };
        is_waiting.then_some(queued)
    }

    /// Whether the commit loop is to be woken for what there is.
    pub(crate) fn is_wake_wanted(&self) -> bool {
        let inner = self.inner.lock();
        inner.entries.len() >= inner.wanted_entries
    }

    /// How much the entries take of rounds, which is more than they take of memory. Looks at each of them.
    pub(crate) fn bytes(&self) -> usize {
        let inner = self.inner.lock();
        let bytes = inner.entries.iter().map(|entry| entry.content.body_bytes());
        bytes.sum()
    }

    pub(crate) fn len(&self) -> usize {
        self.inner.lock().entries.len()
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
