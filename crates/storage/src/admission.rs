//! Who may bring in bytes: a request reserves them before it is read.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::engine::Engine;

#[derive(Debug, Default)]
pub(crate) struct Admission {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    reserved: u64,
    waiting: VecDeque<Waiting>,
    is_open_for_good: bool,
}

#[derive(Debug)]
struct Waiting {
    bytes: u64,
    /// Holds nothing yet.
    permit: Permit,
    sender: oneshot::Sender<Permit>,
}

/// How much room there is besides what is reserved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Bytes that may still be reserved or written.
    pub bytes: u64,
    /// Whether everybody is let in, to be refused with an error further on.
    pub is_open: bool,
}

impl Admission {
    /// Takes the bytes at once if nobody waits and there is room. `permit` holds nothing yet.
    pub(crate) fn try_take(
        &self,
        bytes: u64,
        mut permit: Permit,
        room: Room,
    ) -> Result<Permit, oneshot::Receiver<Permit>> {
        let mut inner = self.inner.lock();
        let fits = inner.waiting.is_empty() && inner.reserved + bytes <= room.bytes;
        if fits || room.is_open || inner.is_open_for_good {
            inner.reserved += bytes;
            permit.bytes = bytes;
            return Ok(permit);
        }
        let (sender, receiver) = oneshot::channel();
        inner.waiting.push_back(Waiting {
            bytes,
            permit,
            sender,
        });
        Err(receiver)
    }

    /// Lets in who waits, in order, as far as there is room. `true` if somebody still waits.
    pub(crate) fn let_in(&self, room: Room) -> bool {
        loop {
            let mut inner = self.inner.lock();
            let Some(first) = inner.waiting.front() else {
                return false;
            };
            let fits = inner.reserved + first.bytes <= room.bytes;
            if !(fits || room.is_open || inner.is_open_for_good) {
                return true;
            }
            let Some(mut first) = inner.waiting.pop_front() else {
                return false;
            };
            inner.reserved += first.bytes;
            drop(inner);
            first.permit.bytes = first.bytes;
            // Who has gone away gives the bytes back, as the permit is dropped.
            let _ = first.sender.send(first.permit);
        }
    }

    fn give_back(&self, bytes: u64) {
        let mut inner = self.inner.lock();
        inner.reserved = inner.reserved.saturating_sub(bytes);
    }

    /// Holds nobody up any more: what comes in is refused with an error.
    pub(crate) fn open_for_good(&self) {
        self.inner.lock().is_open_for_good = true;
        self.let_in(Room {
            bytes: 0,
            is_open: true,
        });
    }

    pub(crate) fn reserved_bytes(&self) -> u64 {
        self.inner.lock().reserved
    }
}

/// Bytes that were reserved; they are given back when it is dropped. Hold it until the answer to
/// the request is on its way.
#[must_use]
pub struct Permit {
    engine: Arc<Engine>,
    bytes: u64,
}

impl Permit {
    /// A permit that holds nothing yet.
    pub(crate) fn empty(engine: Arc<Engine>) -> Self {
        Self { engine, bytes: 0 }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.engine.admission.give_back(self.bytes);
            self.engine.let_in(true);
        }
    }
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Permit")
            .field("bytes", &self.bytes)
            .finish()
    }
}
