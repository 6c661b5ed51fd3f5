//! All transactional ids of one partition of `__transaction_state`, and their timers.

mod ending;
mod replay;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use coordination::Now;
use model::TransactionalId;

use crate::api::{
    Call, EndTransaction, InitProducerId, Producer, ProducerOf, TransactionDescription,
    TransactionError, TransactionListing, TransactionSettings,
};
use crate::limits::{TRANSACTION_RECORD_BYTES_MAX, TRANSACTIONAL_ID_BYTES_MAX};
use crate::partitions::Partitions;
use crate::records::record;
use crate::state::{ClientVersion, TransactionState};
use crate::transaction::{Decision, TransactionValue};
pub use ending::{Ending, Marker};

/// One transactional id.
#[derive(Debug)]
struct Transaction {
    /// What the log says.
    value: TransactionValue,
    /// When a transaction that is under way is aborted.
    deadline: Option<Duration>,
    /// The partitions of a transaction that is being ended which are not known to have their markers.
    without_marker: Partitions,
}

/// The coordinator of the transactional ids of one partition of `__transaction_state`.
#[derive(Debug)]
pub struct Coordinator {
    settings: TransactionSettings,
    transactions: BTreeMap<TransactionalId, Transaction>,
    /// When which transaction is aborted.
    deadlines: BTreeSet<(Duration, TransactionalId)>,
    /// The transactions that are being ended.
    preparing: BTreeSet<TransactionalId>,
    /// When to look for ids to forget.
    forget_at: Duration,
}

impl Coordinator {
    /// A coordinator that knows no ids.
    pub fn new(settings: TransactionSettings) -> Self {
        Self {
            settings,
            transactions: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            preparing: BTreeSet::new(),
            forget_at: Duration::ZERO,
        }
    }

    /// InitProducerId with a transactional id.
    ///
    /// # Errors
    ///
    /// [`TransactionError::ConcurrentTransactions`] while a transaction of the id comes to its end, be it
    /// because this request has aborted it; the others tell why the client cannot have the id.
    pub fn init_producer_id(
        &mut self,
        request: &InitProducerId<'_>,
        call: &mut Call<'_>,
    ) -> Result<Producer, TransactionError> {
        let id = request.transactional_id;
        if id.is_empty() || id.len() > TRANSACTIONAL_ID_BYTES_MAX {
            return Err(TransactionError::InvalidTransactionalId);
        }
        if !(1..=self.settings.timeout_ms_max).contains(&request.timeout_ms) {
            return Err(TransactionError::InvalidTimeout);
        }
        let decision = match self.transactions.get(id) {
            Some(known) => known.value.init_producer_id(request, call.now.wall_ms),
            None => {
                let first = TransactionValue::first(request, call.now.wall_ms)?;
                let producer = first.producer;
                Decision::go(first, producer)
            }
        };
        self.carry_out(id, decision, call)
    }

    /// AddPartitionsToTxn, AddOffsetsToTxn, and the Produce and TxnOffsetCommit of clients that leave these
    /// out. The first partitions begin a transaction.
    ///
    /// # Errors
    ///
    /// Why the producer cannot add to a transaction.
    pub fn add_partitions(
        &mut self,
        of: ProducerOf<'_>,
        partitions: &Partitions,
        version: ClientVersion,
        call: &mut Call<'_>,
    ) -> Result<(), TransactionError> {
        let known = self.known(of.transactional_id)?;
        let now_ms = call.now.wall_ms;
        let decision = known
            .value
            .add_partitions(of.producer, partitions, version, now_ms);
        self.carry_out(of.transactional_id, decision, call)
    }

    /// Whether a partition belongs to the producer's transaction.
    ///
    /// # Errors
    ///
    /// Why the producer can have no transaction.
    pub fn has_partition(
        &self,
        of: ProducerOf<'_>,
        topic: &str,
        partition: i32,
    ) -> Result<bool, TransactionError> {
        let known = self.known(of.transactional_id)?;
        let partitions = known.value.verify(of.producer)?;
        Ok(partitions.contains(topic, partition))
    }

    /// EndTxn. Answers with the producer that the client is from then on. The end is decided by then; it
    /// comes about with [`Coordinator::ending`].
    ///
    /// # Errors
    ///
    /// [`TransactionError::ConcurrentTransactions`] if the same has been decided already and has not come
    /// about; the others tell why it cannot be decided.
    pub fn end(
        &mut self,
        request: &EndTransaction<'_>,
        call: &mut Call<'_>,
    ) -> Result<Producer, TransactionError> {
        let id = request.of.transactional_id;
        let decision = self.known(id)?.value.end(request, call.now.wall_ms);
        self.carry_out(id, decision, call)
    }

    /// DescribeTransactions; `None` if the id is not known.
    pub fn describe(&self, transactional_id: &str) -> Option<TransactionDescription> {
        let known = self.transactions.get(transactional_id)?;
        let value = &known.value;
        Some(TransactionDescription {
            state: value.state,
            timeout_ms: value.timeout_ms,
            started_ms: value.started_ms,
            producer: value.producer,
            partitions: match value.state {
                TransactionState::Prepare(_) => known.without_marker.clone(),
                _ => value.partitions.clone(),
            },
        })
    }

    /// ListTransactions: all ids, in order. The caller filters.
    pub fn list(&self) -> impl Iterator<Item = TransactionListing> {
        self.transactions.iter().map(|(id, known)| {
            let value = &known.value;
            TransactionListing {
                transactional_id: id.clone(),
                producer_id: value.producer.id,
                state: value.state,
                started_ms: value.started_ms,
            }
        })
    }

    /// Does everything that is due. To be called when [`Coordinator::next_deadline`] has passed;
    /// earlier or later is harmless.
    pub fn tick(&mut self, call: &mut Call<'_>) {
        let now = call.now;
        while let Some((deadline, id)) = self.deadlines.first().cloned()
            && deadline <= now.monotonic
        {
            let Some(known) = self.transactions.get(&id) else {
                unreachable!("the deadline of an id that is not known");
            };
            let next = known.value.fenced(now.wall_ms);
            call.records.push(record(&id, Some(&next)));
            self.put(&id, next, now);
        }
        if self.forget_at <= now.monotonic {
            self.forget_at = now.monotonic + self.forget_interval();
            self.forget(call);
        }
    }

    /// When [`Coordinator::tick`] is to be called; `None` if no id is known.
    pub fn next_deadline(&self) -> Option<Duration> {
        let forget_at = (!self.transactions.is_empty()).then_some(self.forget_at);
        let abort_at = self.deadlines.first().map(|(deadline, _)| *deadline);
        let interval = millis(self.settings.timeout_check_interval_ms);
        let looked_at = abort_at.map(|deadline| next_multiple(deadline, interval));
        [forget_at, looked_at].into_iter().flatten().min()
    }

    /// Forgets the ids that nobody has used for long enough.
    fn forget(&mut self, call: &mut Call<'_>) {
        let now_ms = call.now.wall_ms;
        let expiration_ms = self.settings.expiration_ms;
        self.transactions.retain(|id, known| {
            let value = &known.value;
            let is_used = now_ms.saturating_sub(value.updated_ms) < expiration_ms;
            let keep = is_used || !value.is_at_rest();
            if !keep {
                call.records.push(record(id, None));
            }
            keep
        });
    }

    fn forget_interval(&self) -> Duration {
        millis(self.settings.expiration_check_interval_ms)
    }

    fn known(&self, transactional_id: &str) -> Result<&Transaction, TransactionError> {
        if transactional_id.is_empty() {
            return Err(TransactionError::InvalidTransactionalId);
        }
        self.transactions
            .get(transactional_id)
            .ok_or(TransactionError::InvalidProducerIdMapping)
    }

    fn carry_out<T>(
        &mut self,
        transactional_id: &str,
        decision: Decision<T>,
        call: &mut Call<'_>,
    ) -> Result<T, TransactionError> {
        let Some(next) = decision.next else {
            return decision.answer;
        };
        let id = TransactionalId::new(transactional_id);
        let record = record(&id, Some(&next));
        // Only what is under way grows; an end must always have room.
        let bytes = record.value.as_ref().map_or(0, Bytes::len);
        if next.state == TransactionState::Ongoing && bytes > TRANSACTION_RECORD_BYTES_MAX {
            return Err(TransactionError::TransactionTooLarge);
        }
        call.records.push(record);
        self.put(&id, next, call.now);
        decision.answer
    }

    /// Makes a value the one that is known.
    fn put(&mut self, id: &TransactionalId, value: TransactionValue, now: Now) {
        if cfg!(debug_assertions) {
            value.check_invariants();
        }
        let before = self.transactions.remove(id);
        let armed = before.and_then(|before| before.deadline);
        if let Some(deadline) = armed {
            self.deadlines.remove(&(deadline, id.clone()));
        }
        let is_ongoing = value.state == TransactionState::Ongoing;
        let deadline = is_ongoing.then(|| armed.unwrap_or_else(|| deadline(&value, now)));
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, id.clone()));
        }
        let without_marker = match value.state {
            TransactionState::Prepare(_) => {
                self.preparing.insert(id.clone());
                value.partitions.clone()
            }
            _ => {
                self.preparing.remove(id);
                Partitions::default()
            }
        };
        let transaction = Transaction {
            value,
            deadline,
            without_marker,
        };
        self.transactions.insert(id.clone(), transaction);
    }

    /// Panics if anything contradicts itself.
    pub fn check_invariants(&self) {
        let mut timers = 0;
        for (id, known) in &self.transactions {
            known.value.check_invariants();
            let state = known.value.state;
            assert_eq!(
                known.deadline.is_some(),
                state == TransactionState::Ongoing,
                "{id}: a deadline for what is under way, and for nothing else"
            );
            if let Some(deadline) = known.deadline {
                assert!(self.deadlines.contains(&(deadline, id.clone())));
                timers += 1;
            }
            assert_eq!(
                self.preparing.contains(id),
                matches!(state, TransactionState::Prepare(_)),
                "{id}: is it being ended?"
            );
            assert!(known.without_marker.is_subset(&known.value.partitions));
        }
        assert_eq!(self.deadlines.len(), timers, "deadlines");
        for id in &self.preparing {
            assert!(self.transactions.contains_key(id), "{id} is not known");
        }
    }
}

/// When a transaction that is under way is aborted. After a restart only the wall clock knows how old it is; a
/// clock that has jumped cannot make it live longer than from now on.
fn deadline(value: &TransactionValue, now: Now) -> Duration {
    let timeout_ms = i64::from(value.timeout_ms);
    let age_ms = now.wall_ms.saturating_sub(value.started_ms);
    let rest_ms = timeout_ms
        .saturating_sub(age_ms)
        .clamp(0, timeout_ms.max(0));
    now.monotonic + Duration::from_millis(rest_ms.unsigned_abs())
}

/// The first multiple of an interval that is not before a time.
fn next_multiple(time: Duration, interval: Duration) -> Duration {
    let (time, interval) = (time.as_nanos(), interval.as_nanos().max(1));
    let nanos = time.div_ceil(interval).saturating_mul(interval);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

fn millis(ms: i32) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
