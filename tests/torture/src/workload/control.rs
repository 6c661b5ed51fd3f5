//! What the actors of a workload and the nemesis tell each other.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::findings::{Findings, Violation};
use crate::journal::Operation;

/// Shared by all actors of a run.
#[derive(Clone, Debug, Default)]
pub struct Control {
    shared: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug, Default)]
struct State {
    is_stopping: bool,
    acknowledged: u64,
    /// Requests about topics that are under way.
    creating: u32,
    deleting: u32,
    /// Requests about topics that there have ever been.
    creations: u64,
    deletions: u64,
    findings: Findings,
}

impl State {
    fn under_way(&mut self, operation: Operation) -> (&mut u32, &mut u64) {
        match operation {
            Operation::Create => (&mut self.creating, &mut self.creations),
            Operation::Delete => (&mut self.deleting, &mut self.deletions),
        }
    }
}

/// A request about a topic, until it is answered.
#[derive(Debug)]
pub struct UnderWay<'a>(&'a Control, Operation);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        *self.0.lock().under_way(self.1).0 -= 1;
    }
}

impl Control {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `done`, at most so long; tells whether it came to that.
    fn wait(&self, limit: Duration, mut done: impl FnMut(&mut State) -> bool) -> bool {
        let waited = self
            .shared
            .1
            .wait_timeout_while(self.lock(), limit, |state| !done(state));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Lets so much time pass. `false` as soon as the workload is to stop.
    pub fn pause(&self, time: Duration) -> bool {
        !self.wait(time, |state| state.is_stopping)
    }

    /// Whether the workload is to stop.
    pub fn is_stopping(&self) -> bool {
        self.lock().is_stopping
    }

    /// Asks the actors to stop, or lets the next ones start.
    pub fn set_stopping(&self, is_stopping: bool) {
        self.lock().is_stopping = is_stopping;
        self.shared.1.notify_all();
    }

    /// Says that the broker has acknowledged a record.
    pub fn note_acknowledged(&self) {
        self.lock().acknowledged += 1;
        self.shared.1.notify_all();
    }

    /// How many records the broker has acknowledged.
    pub fn acknowledged(&self) -> u64 {
        self.lock().acknowledged
    }

    /// Waits until it has acknowledged so many; tells whether it has in time.
    pub fn wait_for_acknowledged(&self, count: u64, limit: Duration) -> bool {
        self.wait(limit, |state| state.acknowledged >= count)
    }

    /// Says that a request about a topic is being sent. It is under way until the value is dropped.
    pub fn begin(&self, operation: Operation) -> UnderWay<'_> {
        let mut state = self.lock();
        let (under_way, all) = state.under_way(operation);
        *under_way += 1;
        *all += 1;
        drop(state);
        self.shared.1.notify_all();
        UnderWay(self, operation)
    }

    /// Waits for the next request of this kind; tells whether it came in time.
    pub fn wait_for_request(&self, operation: Operation, limit: Duration) -> bool {
        let before = *self.lock().under_way(operation).1;
        self.wait(limit, |state| *state.under_way(operation).1 > before)
    }

    /// Whether a request of this kind is under way.
    pub fn is_under_way(&self, operation: Operation) -> bool {
        *self.lock().under_way(operation).0 > 0
    }

    /// Adds what must not happen.
    pub fn find(&self, violation: Violation, text: impl std::fmt::Display) {
        self.lock().findings.add(violation, text);
    }

    /// What was found so far.
    pub fn findings(&self) -> Findings {
        self.lock().findings.clone()
    }
}

/// A limit on what is under way, in records and bytes.
#[derive(Debug)]
pub struct Window {
    state: Mutex<(usize, usize)>,
    changed: Condvar,
    records_max: usize,
    bytes_max: usize,
}

impl Window {
    /// A window of this size.
    pub fn new(records_max: usize, bytes_max: usize) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            records_max,
            bytes_max,
        }
    }

    fn lock(&self) -> MutexGuard<'_, (usize, usize)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the place of a record.
    pub fn take(&self, bytes: usize) {
        let mut state = self.lock();
        state.0 += 1;
        state.1 += bytes;
    }

    /// Gives it back.
    pub fn give(&self, bytes: usize) {
        let mut state = self.lock();
        state.0 -= 1;
        state.1 -= bytes;
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for room, at most so long; tells whether there is some.
    pub fn wait_for_room(&self, limit: Duration) -> bool {
        self.wait(limit, |records, bytes| {
            records < self.records_max && bytes < self.bytes_max
        })
    }

    /// Waits until nothing is under way, at most so long; tells whether that is so.
    pub fn wait_for_none(&self, limit: Duration) -> bool {
        self.wait(limit, |records, _| records == 0)
    }

    fn wait(&self, limit: Duration, done: impl Fn(usize, usize) -> bool) -> bool {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        while !done(state.0, state.1) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }
}
