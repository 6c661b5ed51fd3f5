//! The coordinator, the logs of three partitions, and the clients of one transactional id.

use std::collections::BTreeMap;

use model::{ProducerEpoch, TransactionalId};

use super::Action;
use super::client::{Answer, Client, Request, Stories};
use super::judge::{Entry, judge};
use crate::tests::harness::{Harness, ID, topic};
use crate::*;

/// What stands in the one log below all others.
#[derive(Clone, Debug)]
enum Written {
    Transaction(TransactionRecord),
    Partition(i32, Entry),
}

/// Whom an id belongs to, as the answers have it.
#[derive(Clone, Copy, Debug, Default)]
struct Owner {
    /// Nobody, if the last one was fenced and the next one has not come back.
    producer: Option<Producer>,
    /// The newest end by the rules of version two, if nothing has happened since: who has asked for what,
    /// and was told to be whom.
    last_end: Option<(Producer, Outcome, Producer)>,
}

impl Owner {
    fn followed_by(self, new: Producer) -> Self {
        let is_later = |before: Producer| before.id != new.id || before.epoch < new.epoch;
        assert!(
            self.producer.is_none_or(is_later),
            "{new:?} comes after {self:?}"
        );
        Self {
            producer: Some(new),
            last_end: None,
        }
    }

    /// Nobody but the owner succeeds, and the owner is told at most to wait.
    fn check(self, producer: Producer, answer: Result<(), TransactionError>) {
        let is_owner = self.producer == Some(producer);
        match answer {
            Ok(()) => assert!(is_owner, "{producer:?} succeeds, and {self:?}"),
            Err(TransactionError::ConcurrentTransactions) => {}
            Err(error) => assert!(!is_owner, "{error:?} to {producer:?}"),
        }
    }
}

pub(super) struct World {
    h: Harness,
    version: ClientVersion,
    clients: Vec<Client>,
    stories: Stories,
    /// All that was written, in rounds that are there as a whole or not at all.
    rounds: Vec<Vec<Written>>,
    /// How many of them are durable.
    durable: usize,
    /// Answers on their way.
    answers: Vec<(usize, Answer)>,
    /// Requests that may come again.
    late: Vec<Request>,
    /// Whom the id belonged to after so many rounds.
    owners: Vec<(usize, Owner)>,
}

impl World {
    pub(super) fn new(version: ClientVersion, at_last_epochs: bool) -> Self {
        let mut world = Self {
            h: Harness::new(),
            version,
            clients: vec![Client::default(), Client::default()],
            stories: Stories::new(),
            rounds: Vec::new(),
            durable: 0,
            answers: Vec::new(),
            late: Vec::new(),
            owners: vec![(0, Owner::default())],
        };
        if at_last_epochs {
            world.begin_at_last_epochs();
        }
        world
    }

    /// A log whose producer has few epochs left.
    fn begin_at_last_epochs(&mut self) {
        self.h.init().unwrap();
        let record = self.h.log.pop().unwrap();
        let mut value = TransactionValue::decode(record.value.as_deref().unwrap()).unwrap();
        value.producer.epoch = ProducerEpoch(i16::MAX - 4);
        let value = Some(value.encode());
        self.rounds
            .push(vec![Written::Transaction(TransactionRecord {
                value,
                ..record
            })]);
        self.durable = 1;
        self.restart();
    }

    pub(super) fn run(&mut self, action: &Action) {
        match *action {
            Action::Step { client, choice } => self.step(client, choice),
            Action::Hear => self.hear(),
            Action::Late(index) => self.repeat(index),
            Action::Mark(index) => self.mark(index),
            Action::Complete => self.complete(),
            Action::Crash(share) => {
                let open = self.rounds.len() - self.durable;
                self.rounds
                    .truncate(self.durable + open * usize::from(share) / 256);
                self.restart();
            }
            Action::Pass(ms) => {
                let owner = self.owner();
                let was_ongoing = self.is_ongoing();
                self.h.pass_ms(ms);
                self.push(Vec::new());
                let is_fenced = was_ongoing && !self.is_ongoing();
                self.note(if is_fenced { Owner::default() } else { owner });
            }
        }
        self.check();
    }

    fn step(&mut self, client: usize, choice: u8) {
        let next = self.clients[client].next(choice, self.version, &mut self.stories);
        let Some(request) = next else {
            return;
        };
        self.late.push(request);
        let answer = self.ask(request);
        self.answers.push((client, answer));
        self.clients[client].asking = Some((request, true));
    }

    /// A request arrives again, and nobody hears the answer. By the first version of the rules a late end or
    /// record may hit the next transaction; there it does not happen.
    fn repeat(&mut self, index: usize) {
        if self.late.is_empty() {
            return;
        }
        let request = self.late[index % self.late.len()];
        let is_safe = match request {
            Request::Init(producer) => producer.is_some(),
            Request::Add(..) => false,
            Request::Write(..) | Request::End(..) => self.version == ClientVersion::Two,
        };
        if is_safe {
            let _ = self.ask(request);
        }
    }

    /// Everything that was written becomes durable, and the answers arrive.
    fn hear(&mut self) {
        self.durable = self.rounds.len();
        for (client, answer) in std::mem::take(&mut self.answers) {
            self.clients[client].hear(answer, &mut self.stories);
        }
    }

    fn ask(&mut self, request: Request) -> Answer {
        let mut owner = self.owner();
        let answer = match request {
            Request::Init(producer) => {
                let was_ongoing = self.is_ongoing();
                let answer = self.h.init_with(producer, 60_000);
                match answer {
                    Ok(new) if owner.producer != Some(new) => owner = owner.followed_by(new),
                    Err(_) if was_ongoing && !self.is_ongoing() => owner.producer = None,
                    Ok(_) | Err(_) => {}
                }
                answer.map(Some)
            }
            Request::Add(producer, _, partition) => {
                let answer = self.h.add(producer, &[("t", partition)], self.version);
                owner.check(producer, answer);
                answer.map(|()| None)
            }
            Request::Write(producer, number, partition) => {
                let answer = self.write(producer, number, partition);
                owner.check(producer, answer);
                if answer.is_ok() {
                    owner.last_end = None;
                }
                answer.map(|()| None)
            }
            Request::End(producer, _, outcome) => {
                let answer = self.h.end(producer, outcome, self.version);
                match owner.last_end {
                    Some((who, what, told)) if who == producer => {
                        let expected = [Ok(told), Err(TransactionError::ConcurrentTransactions)];
                        assert_eq!(outcome, what, "no client changes its mind");
                        assert!(
                            expected.contains(&answer),
                            "{answer:?} to what got {told:?}"
                        );
                    }
                    _ => owner.check(producer, answer.map(|_| ())),
                }
                if let Ok(next) = answer
                    && self.version == ClientVersion::Two
                {
                    owner.producer = Some(next);
                    owner.last_end = Some((producer, outcome, next));
                }
                answer.map(Some)
            }
        };
        self.push(Vec::new());
        self.note(owner);
        answer
    }

    /// From here on the id belongs to this one, if what is written until now is not lost.
    fn note(&mut self, owner: Owner) {
        self.owners.push((self.rounds.len(), owner));
    }

    fn is_ongoing(&self) -> bool {
        self.h.state() == Some(TransactionState::Ongoing)
    }

    /// A record, in the same round as its partition's membership.
    fn write(
        &mut self,
        producer: Producer,
        number: usize,
        partition: i32,
    ) -> Result<(), TransactionError> {
        if self.version == ClientVersion::Two {
            self.h.add(producer, &[("t", partition)], self.version)?;
        } else {
            let of = ProducerOf {
                transactional_id: ID,
                producer,
            };
            let has_it = self.h.coordinator.has_partition(of, "t", partition)?;
            assert!(has_it, "the partition was added");
        }
        let data = Written::Partition(partition, Entry::Data(producer, number));
        self.push(vec![data]);
        Ok(())
    }

    fn mark(&mut self, index: usize) {
        let Some(ending) = self.h.ending() else {
            return;
        };
        if let Some(marker) = ending.markers.get(index) {
            let id = TransactionalId::new(ID);
            self.h
                .run(|coordinator, _| coordinator.marker_written(&id, marker));
            self.push(vec![written_marker(marker)]);
        }
    }

    fn complete(&mut self) {
        if let Some(ending) = self.h.ending() {
            let mut round: Vec<_> = ending.markers.iter().map(written_marker).collect();
            round.push(Written::Transaction(ending.record.clone()));
            self.h
                .run(|coordinator, call| coordinator.complete(ending, call.now));
            self.push(round);
        }
    }

    /// Writes a round: what the coordinator wants, and then the rest.
    fn push(&mut self, more: Vec<Written>) {
        let records = std::mem::take(&mut self.h.log).into_iter();
        let round: Vec<_> = records.map(Written::Transaction).chain(more).collect();
        if !round.is_empty() {
            self.rounds.push(round);
        }
    }

    fn owner(&self) -> Owner {
        self.owners
            .last()
            .map(|(_, owner)| *owner)
            .unwrap_or_default()
    }

    fn restart(&mut self) {
        let rounds = self.rounds.len();
        self.owners.retain(|(after, _)| *after <= rounds);
        self.h.coordinator = self.replayed();
        for (client, _) in std::mem::take(&mut self.answers) {
            if let Some((_, is_on_its_way)) = &mut self.clients[client].asking {
                *is_on_its_way = false;
            }
        }
        self.durable = rounds;
    }

    fn replayed(&self) -> Coordinator {
        let mut coordinator = Coordinator::new(self.h.settings);
        for written in self.rounds.iter().flatten() {
            if let Written::Transaction(record) = written {
                coordinator
                    .replay(&record.key, record.value.clone())
                    .unwrap();
            }
        }
        coordinator.finish_replay(self.h.now);
        coordinator
    }

    fn check(&self) {
        let snapshot = self.h.coordinator.snapshot();
        assert_eq!(
            self.replayed().snapshot(),
            snapshot,
            "the log says something else"
        );
        judge(&self.logs(), &self.stories, false);
    }

    fn logs(&self) -> BTreeMap<i32, Vec<Entry>> {
        let mut logs: BTreeMap<i32, Vec<Entry>> = BTreeMap::new();
        for written in self.rounds.iter().flatten() {
            if let Written::Partition(partition, entry) = written {
                logs.entry(*partition).or_default().push(*entry);
            }
        }
        logs
    }

    /// Leaves everybody alone until nothing can be under way any more.
    pub(super) fn settle(&mut self) {
        self.hear();
        self.run(&Action::Pass(70_000));
        self.run(&Action::Complete);
        self.hear();
        self.restart();
        assert_eq!(self.h.coordinator.preparing().len(), 0);
        judge(&self.logs(), &self.stories, true);
    }
}

fn written_marker(marker: &Marker) -> Written {
    assert_eq!(marker.topic, topic("t"));
    Written::Partition(
        marker.partition,
        Entry::Marker(marker.producer, marker.outcome),
    )
}
