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

/// What a kill can be aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The broker has acknowledged a record.
    Acknowledged,
    /// A group remembers offsets.
    Committed,
    /// A request about a topic is being sent.
    Asked(Operation),
    /// Such a request has ended.
    Answered(Operation),
}

/// Who works until they are told to stop. Writers stop first: readers have the rest to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sends records, makes and deletes topics.
    Writer,
    /// Reads and commits.
    Reader,
}

#[derive(Debug, Default)]
struct State {
    /// The last of those who are to stop.
    stopping: Option<Role>,
    /// Whether no commit may begin.
    are_commits_held: bool,
    acknowledged: u64,
    committed: u64,
    /// For making and for deleting topics.
    asked: [u64; 2],
    answered: [u64; 2],
    findings: Findings,
}

impl State {
    fn is_stopping(&self, role: Role) -> bool {
        self.stopping >= Some(role)
    }

    /// How often something has happened.
    fn count(&mut self, event: Event) -> &mut u64 {
        match event {
            Event::Acknowledged => &mut self.acknowledged,
            Event::Committed => &mut self.committed,
            Event::Asked(operation) => &mut self.asked[operation as usize],
            Event::Answered(operation) => &mut self.answered[operation as usize],
        }
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

    /// Lets so much time pass, or less if this role is to stop.
    pub fn pause(&self, role: Role, time: Duration) {
        self.wait(time, |state| state.is_stopping(role));
    }

    /// Whether this role is to stop.
    pub fn is_stopping(&self, role: Role) -> bool {
        self.lock().is_stopping(role)
    }

    /// Lets everybody start.
    pub fn start(&self) {
        self.lock().stopping = None;
    }

    /// Asks a role to stop, and those before it.
    pub fn stop(&self, role: Role) {
        self.lock().stopping = Some(role);
        self.shared.1.notify_all();
    }

    /// Holds back commits, until the offsets that a killed broker has kept are read, or lets them go
    /// on: a member that commits once more hides what got lost.
    pub fn hold_commits(&self, hold: bool) {
        self.lock().are_commits_held = hold;
        self.shared.1.notify_all();
    }

    /// Waits until commits are not held back, at most so long; tells whether they are not.
    pub fn wait_for_commits(&self, limit: Duration) -> bool {
        self.wait(limit, |state| !state.are_commits_held)
    }

    /// Says that something has happened.
    pub fn note(&self, event: Event) {
        *self.lock().count(event) += 1;
        self.shared.1.notify_all();
    }

    /// How often it has happened.
    pub fn count(&self, event: Event) -> u64 {
        *self.lock().count(event)
    }

    /// Waits until it has happened so often; tells whether it has in time.
    pub fn wait_for(&self, event: Event, count: u64, limit: Duration) -> bool {
        self.wait(limit, |state| *state.count(event) >= count)
    }

    /// Whether a request about a topic is under way.
    pub fn is_under_way(&self, operation: Operation) -> bool {
        self.count(Event::Asked(operation)) > self.count(Event::Answered(operation))
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
