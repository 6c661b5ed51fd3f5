//! One partition of `__transaction_state`: its transactional ids and its log.

use std::sync::Arc;
use std::time::Duration;

use coordination::Now;
use env::{Defect, Env, has_defect};
use model::TopicName;
use parking_lot::Mutex;
use storage::{Log, Storage};
use transactions::{
    Call, ClientVersion, Coordinator, InitProducerId, Partitions, Producer, ProducerOf,
    TransactionError, TransactionRecord,
};

use super::ending::{Endings, Markers};
use super::member::Member;
use crate::broker::Broker;
use crate::deadline_timer::{Timed, Timer};
use crate::journal::{Journal, Proven, Unavailable};
use crate::record_batches::KeyAndValue;

/// One partition.
pub(crate) struct Partition {
    storage: Arc<Storage>,
    markers: Markers,
    env: Env,
    timer: Arc<Timer>,
    state: Mutex<State>,
}

struct State {
    /// `None` if the log could not be folded.
    coordinator: Option<Coordinator>,
    journal: Journal,
    endings: Endings,
}

/// How a partition comes to belong to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Membership {
    /// It must have been added before (KIP-890, part 1).
    Verified,
    /// The client has seen to it, and nobody asks.
    Unverified,
    /// By being written to (KIP-890, part 2).
    Implied,
}

/// Why nothing is written for a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoMember {
    /// The coordinator refuses.
    Refused(TransactionError),
    /// The partition does not belong to the transaction.
    NotAdded,
    /// The coordinator can say nothing.
    Unavailable(Unavailable),
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
            journal: Journal::new(log, broker.env.clone()),
            endings: Endings::default(),
        };
        Self {
            storage: Arc::clone(&broker.storage),
            markers: Markers::new(broker),
            env: broker.env.clone(),
            timer,
            state: Mutex::new(state),
        }
    }

    /// Runs a call, and ends the transactions that it wants ended.
    pub(super) fn step<T>(
        &self,
        run: impl FnOnce(&mut Coordinator, &mut Call<'_>) -> T,
    ) -> Result<Proven<T>, Unavailable> {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.journal.catch_up()?;
        let coordinator = state.coordinator.as_mut().ok_or(Unavailable::Damaged)?;
        let now = self.now();
        let mut records = Vec::new();
        let mut call = Call {
            now,
            records: &mut records,
        };
        let value = run(coordinator, &mut call);
        let records = records.into_iter().map(written).collect();
        let carried_out =
            state
                .endings
                .carry_out(&self.markers, coordinator, &mut state.journal, records, now);
        self.timer.arm(next_deadline(state));
        carried_out?;
        Ok(Proven {
            value,
            sequence: state.journal.sequence(),
        })
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

    /// Lets something be written that belongs to a transaction, which cannot end before it has been.
    pub(super) fn write_as_member<T>(
        &self,
        of: ProducerOf<'_>,
        (topic, index): (&TopicName, i32),
        membership: Membership,
        write: impl FnOnce(&mut Member<'_>) -> T,
    ) -> Result<Proven<T>, NoMember> {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.journal.catch_up().map_err(NoMember::Unavailable)?;
        let coordinator = state.coordinator.as_mut();
        let coordinator = coordinator.ok_or(NoMember::Unavailable(Unavailable::Damaged))?;
        let mut records = Vec::new();
        match membership {
            Membership::Verified => match coordinator.has_partition(of, topic, index) {
                Ok(true) => {}
                Ok(false) => return Err(NoMember::NotAdded),
                Err(error) => return Err(NoMember::Refused(error)),
            },
            Membership::Unverified => {}
            Membership::Implied => {
                let partitions: Partitions = [(topic, index)].into_iter().collect();
                let mut call = Call {
                    now: self.now(),
                    records: &mut records,
                };
                add_partitions(coordinator, of, &partitions, ClientVersion::Two, &mut call)
                    .map_err(NoMember::Refused)?;
            }
        }
        let records = records.into_iter().map(written).collect();
        let mut member = Member::new(&self.storage, &mut state.journal, records, &self.env);
        let value = write(&mut member);
        let finished = member.finish();
        self.timer.arm(next_deadline(state));
        finished.map_err(NoMember::Unavailable)?;
        Ok(Proven {
            value,
            sequence: state.journal.sequence(),
        })
    }

    fn now(&self) -> Now {
        Now {
            monotonic: self.env.clock.now().0,
            wall_ms: self.env.clock.wall_ms(),
        }
    }
}

/// Takes partitions into a transaction.
pub(super) fn add_partitions(
    coordinator: &mut Coordinator,
    of: ProducerOf<'_>,
    partitions: &Partitions,
    version: ClientVersion,
    call: &mut Call<'_>,
) -> Result<(), TransactionError> {
    let added = coordinator.add_partitions(of, partitions, version, call);
    if has_defect(Defect::BeginInMemory) {
        call.records.clear();
    }
    added
}

/// Gives a transactional id to whoever asks for it.
pub(super) fn init_producer_id(
    coordinator: &mut Coordinator,
    request: &InitProducerId<'_>,
    call: &mut Call<'_>,
) -> Result<Producer, TransactionError> {
    if has_defect(Defect::KeepEpoch)
        && let Some(known) = coordinator.describe(request.transactional_id)
    {
        return Ok(known.producer);
    }
    coordinator.init_producer_id(request, call)
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
    let coordinator = state.coordinator.as_ref()?;
    let deadlines = [coordinator.next_deadline(), state.endings.retry_at()];
    deadlines.into_iter().flatten().min()
}

fn written(record: TransactionRecord) -> KeyAndValue {
    (Some(record.key), record.value)
}
