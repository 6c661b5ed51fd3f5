//! One partition of `__consumer_offsets`: its groups, its log, and who waits for them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use coordination::Now;
use env::Env;
use groups::{Call, Coordinator, Effects, GroupRecord, PatternLookup, Reply, Token, Topics};
use parking_lot::Mutex;
use storage::{Log, Sequence};
use tokio::sync::oneshot;

use crate::broker::Broker;
use crate::deadline_timer::{Timed, Timer};
use crate::journal::{Journal, Proven, Unavailable};
use crate::metadata_store::MetadataStore;
use crate::record_batches::KeyAndValue;

/// What a parked request waits on.
pub(crate) type Parked = oneshot::Receiver<Proven<Reply>>;

/// One partition.
pub(crate) struct Partition {
    metadata: Arc<MetadataStore>,
    pub(super) env: Env,
    timer: Arc<Timer>,
    pub(super) log: Arc<Log>,
    pub(super) state: Mutex<State>,
}

pub(super) struct State {
    /// `None` if the log could not be folded.
    pub(super) coordinator: Option<Coordinator>,
    parked: HashMap<Token, oneshot::Sender<Proven<Reply>>>,
    next_token: u64,
    pub(super) journal: Journal,
}

impl Partition {
    /// A partition whose log has been folded; `None` if it could not be.
    pub(super) fn new(
        log: Arc<Log>,
        broker: &Broker,
        timer: Arc<Timer>,
        coordinator: Option<Coordinator>,
    ) -> Self {
        let state = State {
            coordinator,
            parked: HashMap::new(),
            next_token: 0,
            journal: Journal::new(Arc::clone(&log), broker.env.clone()),
        };
        Self {
            log,
            metadata: Arc::clone(&broker.metadata),
            env: broker.env.clone(),
            timer,
            state: Mutex::new(state),
        }
    }

    /// Runs a call that answers at once.
    pub(super) fn step<T>(
        self: &Arc<Self>,
        run: impl FnOnce(&mut Coordinator, &mut Call<'_>) -> T,
    ) -> Result<Proven<T>, Unavailable> {
        let mut state = self.state.lock();
        self.run(&mut state, run)
    }

    /// Runs a call whose answer may have to wait for other calls.
    pub(super) fn park(
        self: &Arc<Self>,
        run: impl FnOnce(&mut Coordinator, Token, &mut Call<'_>),
    ) -> Result<Parked, Unavailable> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state.lock();
        let token = Token(state.next_token);
        state.next_token += 1;
        state.parked.insert(token, sender);
        let ran = self.run(&mut state, |coordinator, call| {
            run(coordinator, token, call)
        });
        if ran.is_err() {
            state.parked.remove(&token);
        }
        ran.map(|_| receiver)
    }

    /// Looks without changing anything.
    pub(super) fn look<T>(
        &self,
        look: impl FnOnce(&Coordinator) -> T,
    ) -> Result<Proven<T>, Unavailable> {
        let mut state = self.state.lock();
        state.journal.catch_up()?;
        let coordinator = state.coordinator.as_ref().ok_or(Unavailable::Damaged)?;
        Ok(Proven {
            value: look(coordinator),
            sequence: state.journal.sequence(),
        })
    }

    /// Drops the offsets of a topic that is gone.
    pub(super) fn delete_topic(&self, topic: &str) {
        let mut state = self.state.lock();
        if let Some(coordinator) = &mut state.coordinator {
            let mut effects = Effects::default();
            self.call(coordinator, &mut effects, |coordinator, call| {
                coordinator.delete_topic(topic, call);
            });
            // Also behind a backlog: the deletion will not come again.
            let _ = state
                .journal
                .write(effects.records.into_iter().map(written));
            self.timer.arm(next_deadline(&state));
        }
    }

    fn run<T>(
        self: &Arc<Self>,
        state: &mut State,
        run: impl FnOnce(&mut Coordinator, &mut Call<'_>) -> T,
    ) -> Result<Proven<T>, Unavailable> {
        state.journal.catch_up()?;
        let coordinator = state.coordinator.as_mut().ok_or(Unavailable::Damaged)?;
        let mut effects = Effects::default();
        let value = self.call(coordinator, &mut effects, run);
        for lookup in effects.lookups {
            self.look_up(lookup);
        }
        let written = state
            .journal
            .write(effects.records.into_iter().map(written));
        for (token, reply) in effects.replies {
            let sender = state.parked.remove(&token);
            if let (Some(sender), Ok(())) = (sender, written) {
                // A client that has gone does not hear its answer. One whose records could not be
                // written hears, by the dropped sender, that the coordinator is not available.
                let _ = sender.send(Proven {
                    value: reply,
                    sequence: state.journal.sequence(),
                });
            }
        }
        self.timer.arm(next_deadline(state));
        written?;
        Ok(Proven {
            value,
            sequence: state.journal.sequence(),
        })
    }

    /// Has the state machine take in what has been written elsewhere, with others.
    pub(super) fn fold<T>(
        &self,
        state: &mut State,
        sequence: Sequence,
        run: impl FnOnce(&mut Coordinator, &mut Call<'_>) -> T,
    ) -> Option<T> {
        state.journal.written(sequence);
        let mut effects = Effects::default();
        let coordinator = state.coordinator.as_mut()?;
        let value = self.call(coordinator, &mut effects, run);
        self.timer.arm(next_deadline(state));
        Some(value)
    }

    /// Looks patterns up on another thread, and hands over what it finds.
    fn look_up(self: &Arc<Self>, lookup: PatternLookup) {
        let partition = Arc::clone(self);
        let work = move || {
            let published = partition.metadata.published();
            let topics = published.topics.iter();
            // A pattern means topics that somebody has made, as a client's own would.
            let names = topics
                .filter(|topic| !topic.is_internal())
                .map(|topic| topic.name());
            let found = lookup.run(published.topics.version(), names);
            // What is lost here is looked up again when the group has waited for it long enough.
            let _ = partition.step(|coordinator, call| coordinator.patterns_found(found, call));
        };
        drop(self.env.spawn.blocking(Box::new(work)));
    }

    pub(super) fn call<T>(
        &self,
        coordinator: &mut Coordinator,
        effects: &mut Effects,
        run: impl FnOnce(&mut Coordinator, &mut Call<'_>) -> T,
    ) -> T {
        let published = self.metadata.published();
        let mut call = Call {
            now: self.now(),
            topics: &published.topics,
            effects,
        };
        run(coordinator, &mut call)
    }

    fn now(&self) -> Now {
        Now {
            monotonic: self.env.clock.now().0,
            wall_ms: self.env.clock.wall_ms(),
        }
    }
}

impl Timed for Partition {
    fn next_deadline(&self) -> Option<Duration> {
        next_deadline(&self.state.lock())
    }

    fn tick(self: &Arc<Self>) {
        // An error shows in the answers of the calls that follow.
        let _ = self.step(Coordinator::tick);
    }
}

fn next_deadline(state: &State) -> Option<Duration> {
    if let Some(retry_at) = state.journal.retry_at() {
        return Some(retry_at);
    }
    state.coordinator.as_ref()?.next_deadline()
}

pub(super) fn written(record: GroupRecord) -> KeyAndValue {
    (Some(record.key), record.value)
}
