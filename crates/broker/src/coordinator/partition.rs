//! One partition of `__consumer_offsets`: its groups, its log, and who waits for them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use coordination::Now;
use env::Env;
use groups::{Call, Coordinator, Effects, GroupRecord, PatternLookup, Reply, Token, Topics};
use model::ErrorCode;
use parking_lot::Mutex;
use storage::{Append, AppendError, Log, Sequence};
use tokio::sync::oneshot;

use super::timer::Timer;
use crate::broker::Broker;
use crate::limits::{GROUP_BATCH_BYTES, GROUP_WRITE_RETRY};
use crate::metadata_store::MetadataStore;
use crate::record_batches;

/// A value with what must be durable before anybody is told of it.
#[derive(Debug)]
pub(crate) struct Proven<T> {
    pub(crate) value: T,
    pub(crate) sequence: Sequence,
}

/// Why nobody is told anything of a partition's groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unavailable {
    /// The log is damaged: what the last run acknowledged is not known.
    Damaged,
    /// The log took no records, or will not keep them; that may change.
    NotWritten,
}

impl From<Unavailable> for ErrorCode {
    fn from(unavailable: Unavailable) -> Self {
        match unavailable {
            // Fails the client, which is right: waiting mends nothing.
            Unavailable::Damaged => Self::KafkaStorageError,
            // The client looks for its coordinator again and repeats what it asked.
            Unavailable::NotWritten => Self::CoordinatorNotAvailable,
        }
    }
}

/// What a parked request waits on.
pub(crate) type Parked = oneshot::Receiver<Proven<Reply>>;

/// One partition.
pub(crate) struct Partition {
    log: Arc<Log>,
    metadata: Arc<MetadataStore>,
    env: Env,
    timer: Arc<Timer>,
    state: Mutex<State>,
}

struct State {
    /// `None` if the log could not be folded.
    coordinator: Option<Coordinator>,
    parked: HashMap<Token, oneshot::Sender<Proven<Reply>>>,
    next_token: u64,
    /// The newest record, and with it the round that everything said of these groups rests on.
    sequence: Sequence,
    /// Records of the last call that the log did not take. The state machine is ahead of its log by
    /// them; until they are written no other call is taken and nothing is answered.
    backlog: Vec<GroupRecord>,
    /// When the backlog is tried again.
    retry_at: Duration,
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
            sequence: Sequence::default(),
            backlog: Vec::new(),
            retry_at: Duration::ZERO,
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
        self.write_backlog(&mut state)?;
        let coordinator = state.coordinator.as_ref().ok_or(Unavailable::Damaged)?;
        Ok(Proven {
            value: look(coordinator),
            sequence: state.sequence,
        })
    }

    /// Does what is due.
    pub(super) fn tick(self: &Arc<Self>) {
        // An error shows in the answers of the calls that follow.
        let _ = self.step(Coordinator::tick);
    }

    /// When [`Partition::tick`] is to be called.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        next_deadline(&self.state.lock())
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
            let _ = self.write(&mut state, effects.records);
            self.timer.arm(next_deadline(&state));
        }
    }

    fn run<T>(
        self: &Arc<Self>,
        state: &mut State,
        run: impl FnOnce(&mut Coordinator, &mut Call<'_>) -> T,
    ) -> Result<Proven<T>, Unavailable> {
        self.write_backlog(state)?;
        let coordinator = state.coordinator.as_mut().ok_or(Unavailable::Damaged)?;
        let mut effects = Effects::default();
        let value = self.call(coordinator, &mut effects, run);
        for lookup in effects.lookups {
            self.look_up(lookup);
        }
        let written = self.write(state, effects.records);
        for (token, reply) in effects.replies {
            let sender = state.parked.remove(&token);
            if let (Some(sender), Ok(())) = (sender, written) {
                // A client that has gone does not hear its answer. One whose records could not be
                // written hears, by the dropped sender, that the coordinator is not available.
                let _ = sender.send(Proven {
                    value: reply,
                    sequence: state.sequence,
                });
            }
        }
        self.timer.arm(next_deadline(state));
        written?;
        Ok(Proven {
            value,
            sequence: state.sequence,
        })
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

    fn call<T>(
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

    fn write_backlog(&self, state: &mut State) -> Result<(), Unavailable> {
        if state.backlog.is_empty() {
            return Ok(());
        }
        self.write(state, Vec::new())
    }

    /// Appends records behind the backlog; what the log does not take becomes the backlog.
    fn write(&self, state: &mut State, records: Vec<GroupRecord>) -> Result<(), Unavailable> {
        let is_retry = !state.backlog.is_empty();
        let mut pending = std::mem::take(&mut state.backlog);
        pending.extend(records);
        while !pending.is_empty() {
            let count = batch_len(&pending);
            if let Err(error) = self.append(state, pending.iter().take(count)) {
                if !is_retry {
                    let log = self.log.id();
                    tracing::error!(%error, %log, "group records cannot be written for now");
                }
                state.backlog = pending;
                state.retry_at = self.env.clock.now().0.saturating_add(GROUP_WRITE_RETRY);
                return Err(Unavailable::NotWritten);
            }
            pending.drain(..count);
        }
        Ok(())
    }

    fn append<'a>(
        &self,
        state: &mut State,
        records: impl Iterator<Item = &'a GroupRecord>,
    ) -> Result<(), AppendError> {
        let records = records.map(|record| (Some(record.key.clone()), record.value.clone()));
        let batch = record_batches::build(records, self.env.clock.wall_ms());
        let appended = self.log.append(batch, Append::Internal)?;
        state.sequence = appended.sequence;
        Ok(())
    }
}

fn next_deadline(state: &State) -> Option<Duration> {
    if !state.backlog.is_empty() {
        return Some(state.retry_at);
    }
    state.coordinator.as_ref()?.next_deadline()
}

/// How many of these records go into one batch: one at least.
fn batch_len(records: &[GroupRecord]) -> usize {
    let mut bytes = 0;
    let fitting = records.iter().take_while(|record| {
        bytes += record.key.len() + record.value.as_ref().map_or(0, |value| value.len());
        bytes <= GROUP_BATCH_BYTES
    });
    fitting.count().max(1)
}
