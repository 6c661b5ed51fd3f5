//! A coordinator with a clock that the test moves and a log that it keeps.

use std::time::Duration;

use coordination::Now;
use model::{ProducerEpoch, ProducerId, TopicName, TransactionalId};

use crate::*;

/// A transactional id that all tests use.
pub(super) const ID: &str = "tx";

/// The timeout that producers ask for unless a test says otherwise.
pub(super) const TIMEOUT_MS: i32 = 60_000;

pub(super) struct Harness {
    pub(super) coordinator: Coordinator,
    pub(super) settings: TransactionSettings,
    pub(super) now: Now,
    /// Everything that was written, in order.
    pub(super) log: Vec<TransactionRecord>,
    /// The markers that were written, in order.
    pub(super) markers: Vec<Marker>,
    next_producer_id: i64,
}

pub(super) fn producer(id: i64, epoch: i16) -> Producer {
    Producer {
        id: ProducerId(id),
        epoch: ProducerEpoch(epoch),
    }
}

pub(super) fn topic(name: &str) -> TopicName {
    TopicName::new(name).unwrap()
}

pub(super) fn partitions(list: &[(&str, i32)]) -> Partitions {
    let mut set = Partitions::default();
    for (name, partition) in list {
        set.insert(&topic(name), *partition);
    }
    set
}

impl Harness {
    pub(super) fn new() -> Self {
        Self::with(TransactionSettings::default())
    }

    pub(super) fn with(settings: TransactionSettings) -> Self {
        let mut harness = Self {
            coordinator: Coordinator::new(settings),
            settings,
            now: Now {
                monotonic: Duration::from_secs(1_000),
                wall_ms: 1_700_000_000_000,
            },
            log: Vec::new(),
            markers: Vec::new(),
            next_producer_id: 1_000,
        };
        harness.restart();
        harness
    }

    /// Makes a call and takes in its records; ends nothing.
    pub(super) fn run<R>(&mut self, run: impl FnOnce(&mut Coordinator, &mut Call<'_>) -> R) -> R {
        let mut call = Call {
            now: self.now,
            records: &mut self.log,
        };
        let result = run(&mut self.coordinator, &mut call);
        self.coordinator.check_invariants();
        result
    }

    pub(super) fn fresh_id(&mut self) -> ProducerId {
        self.next_producer_id += 1;
        ProducerId(self.next_producer_id)
    }

    pub(super) fn init_with(
        &mut self,
        producer: Option<Producer>,
        timeout_ms: i32,
    ) -> Result<Producer, TransactionError> {
        let mut request = InitProducerId {
            transactional_id: ID,
            timeout_ms,
            producer,
            fresh_id: None,
        };
        let first = self.run(|coordinator, call| coordinator.init_producer_id(&request, call));
        if first != Err(TransactionError::ProducerIdNeeded) {
            return first;
        }
        request.fresh_id = Some(self.fresh_id());
        self.run(|coordinator, call| coordinator.init_producer_id(&request, call))
    }

    /// A new instance.
    pub(super) fn init(&mut self) -> Result<Producer, TransactionError> {
        self.init_with(None, TIMEOUT_MS)
    }

    /// An instance that goes on (KIP-360).
    pub(super) fn go_on(&mut self, producer: Producer) -> Result<Producer, TransactionError> {
        self.init_with(Some(producer), TIMEOUT_MS)
    }

    pub(super) fn add(
        &mut self,
        producer: Producer,
        list: &[(&str, i32)],
        version: ClientVersion,
    ) -> Result<(), TransactionError> {
        let of = ProducerOf {
            transactional_id: ID,
            producer,
        };
        self.run(|coordinator, call| {
            coordinator.add_partitions(of, &partitions(list), version, call)
        })
    }

    pub(super) fn end(
        &mut self,
        producer: Producer,
        outcome: Outcome,
        version: ClientVersion,
    ) -> Result<Producer, TransactionError> {
        let mut request = EndTransaction {
            of: ProducerOf {
                transactional_id: ID,
                producer,
            },
            outcome,
            version,
            fresh_id: None,
        };
        let first = self.run(|coordinator, call| coordinator.end(&request, call));
        if first != Err(TransactionError::ProducerIdNeeded) {
            return first;
        }
        request.fresh_id = Some(self.fresh_id());
        self.run(|coordinator, call| coordinator.end(&request, call))
    }

    /// What is missing at the end of the transaction.
    pub(super) fn ending(&self) -> Option<Ending> {
        let id = TransactionalId::new(ID);
        self.coordinator.ending(&id, self.now.wall_ms)
    }

    /// Brings everything to its end that is being ended.
    pub(super) fn complete(&mut self) {
        let preparing: Vec<_> = self.coordinator.preparing().cloned().collect();
        for id in preparing {
            let ending = self.coordinator.ending(&id, self.now.wall_ms).unwrap();
            self.markers.extend(ending.markers.iter().cloned());
            self.log.push(ending.record.clone());
            self.run(|coordinator, call| coordinator.complete(ending, call.now));
        }
        assert_eq!(self.coordinator.preparing().len(), 0);
    }

    /// Ends a transaction and sees it through.
    pub(super) fn end_wholly(
        &mut self,
        producer: Producer,
        outcome: Outcome,
        version: ClientVersion,
    ) -> Result<Producer, TransactionError> {
        let ended = self.end(producer, outcome, version);
        self.complete();
        ended
    }

    pub(super) fn state(&self) -> Option<TransactionState> {
        Some(self.coordinator.describe(ID)?.state)
    }

    /// The producer that the id belongs to.
    pub(super) fn owner(&self) -> Producer {
        self.coordinator.describe(ID).unwrap().producer
    }

    pub(super) fn pass_ms(&mut self, ms: u64) {
        let end = self.now.monotonic + Duration::from_millis(ms);
        while let Some(deadline) = self.coordinator.next_deadline()
            && deadline <= end
        {
            self.advance(deadline.max(self.now.monotonic));
            self.run(|coordinator, call| coordinator.tick(call));
            let next = self.coordinator.next_deadline();
            assert!(next.is_none_or(|next| next > deadline), "it would spin");
        }
        self.advance(end);
    }

    fn advance(&mut self, to: Duration) {
        let passed = to - self.now.monotonic;
        self.now.monotonic = to;
        self.now.wall_ms += i64::try_from(passed.as_millis()).unwrap();
    }

    /// A coordinator that knows what the log says.
    pub(super) fn replayed(&self) -> Coordinator {
        let mut coordinator = Coordinator::new(self.settings);
        for record in &self.log {
            coordinator
                .replay(&record.key, record.value.clone())
                .unwrap();
        }
        coordinator.finish_replay(self.now);
        coordinator.check_invariants();
        coordinator
    }

    pub(super) fn restart(&mut self) {
        self.coordinator = self.replayed();
    }
}
