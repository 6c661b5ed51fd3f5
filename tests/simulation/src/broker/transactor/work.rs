//! What an instance does next.

use std::time::Duration;

use super::{Step, Transactor};
use crate::batch::Kind;
use crate::broker::history::{Input, Outcome, Transaction};
use crate::broker::model::TopicKey;
use crate::broker::producer::{NewBatch, create, size};
use crate::broker::world::{Shared, pick};

/// How old a transaction may become; those of one id differ.
pub(super) fn timeout_ms(instance: usize) -> i32 {
    [4000, 2500, 6000, 3000][instance % 4]
}

impl Transactor {
    pub(super) fn decide(&mut self, shared: &mut Shared, choice: u64) {
        if !self.knows_coordinators {
            self.steps
                .extend([Step::Find { kind: 1 }, Step::Find { kind: 0 }]);
            return;
        }
        if self.life.is_none() {
            // The others are let work for a while.
            if choice.is_multiple_of(if self.previous.is_some() { 12 } else { 3 }) {
                self.steps.push_back(Step::Init { goes_on: false });
            }
            return;
        }
        let (what, choice) = (choice % 16, choice / 16);
        match self.current {
            None if self.is_stale(shared) => self.steps.push_back(Step::Init { goes_on: true }),
            None => match what {
                0 => self.steps.push_back(Step::Init { goes_on: true }),
                1..9 => self.consume(choice),
                _ => self.write(shared, choice),
            },
            Some(_) if self.is_stale(shared) || self.is_doomed => self.end(shared, false),
            Some(number) => match what {
                0..5 => self.write(shared, choice),
                5 => {
                    shared.tally.add("transactions left to the timeout", 1);
                    self.lose_life();
                }
                6 => {
                    shared.tally.add("transactions left by a new instance", 1);
                    self.lose_life();
                    self.steps.push_back(Step::Init { goes_on: false });
                }
                7 | 8 => self.end(shared, false),
                9 if shared.model.history.transactions[number].input.is_none() => {
                    self.consume(choice);
                }
                _ => self.end(shared, true),
            },
        }
    }

    /// Ends the transaction, by a commit if that can be.
    pub(super) fn end(&mut self, shared: &mut Shared, wants_commit: bool) {
        let Some(number) = self.current else {
            return;
        };
        let transaction = &mut shared.model.history.transactions[number];
        transaction.may_be_ended = true;
        if !transaction.is_begun && !self.is_two {
            // There is nothing to end, and by the first version of the rules that is an error.
            self.leave_transaction();
            return;
        }
        let is_commit = wants_commit && transaction.is_begun && !self.is_doomed;
        self.steps.push_back(Step::End { is_commit });
    }

    fn consume(&mut self, choice: u64) {
        let partition = i32::try_from(choice % 2).unwrap_or(0);
        if !self.positions.contains_key(&partition) {
            self.steps.push_back(Step::Position { partition });
        }
        self.steps.push_back(Step::Read { partition });
    }

    /// Writes to up to three partitions.
    fn write(&mut self, shared: &mut Shared, choice: u64) {
        let topics = shared.model.settled();
        let mut places: Vec<(TopicKey, i32)> = Vec::new();
        for turn in 0..=choice % 3 {
            let choice = choice >> (8 * turn);
            let topic = topics[pick(choice / 3, topics.len())];
            let count = shared.model.topics[topic].partitions.len();
            let partition = i32::try_from(pick(choice / 16, count)).unwrap_or(0);
            if !places.contains(&(topic, partition)) {
                places.push((topic, partition));
            }
        }
        self.write_to(shared, &places, choice / 7, "");
    }

    fn write_to(
        &mut self,
        shared: &mut Shared,
        places: &[(TopicKey, i32)],
        choice: u64,
        text: &str,
    ) {
        let number = self.transaction(shared);
        let missing: Vec<_> = places
            .iter()
            .filter(|place| !self.added.contains(*place))
            .copied()
            .collect();
        for (topic, partition) in places {
            let name = shared.model.topics[*topic].name.clone();
            shared.model.history.touch(number, &name, *partition);
        }
        if !self.is_two && !missing.is_empty() {
            self.steps.push_back(Step::Add {
                partitions: missing,
            });
        }
        let mut batches = Vec::new();
        for (turn, (topic, partition)) in places.iter().enumerate() {
            let choice = choice >> turn;
            let records = 1 + (choice % 3) as u32;
            let sequence = self.sequences.entry((*topic, *partition)).or_default();
            let producer = self.life.map(|(id, epoch)| (id, epoch, *sequence));
            *sequence += i32::try_from(records).unwrap_or(0);
            let batch = NewBatch {
                topic: *topic,
                partition: *partition,
                records,
                bytes: size(choice / 4),
                text: text.to_owned(),
                producer,
                kind: Kind::Transactional,
                transaction: Some(number),
            };
            batches.push(create(shared, batch));
        }
        let transaction = &mut shared.model.history.transactions[number];
        transaction.batches.extend(&batches);
        self.steps.push_back(Step::Write { batches });
    }

    /// Has read something: puts it, and the new position, into the transaction.
    pub(super) fn transfer(
        &mut self,
        shared: &mut Shared,
        kept: TopicKey,
        input: Input,
        counted: &[usize],
    ) {
        let number = self.transaction(shared);
        let read: Vec<usize> = counted
            .iter()
            .filter_map(|batch| shared.model.sent[*batch].transaction)
            .collect();
        let transaction = &mut shared.model.history.transactions[number];
        transaction.input = Some(input);
        transaction.has_read.extend(read);
        if !self.is_two && !self.has_added_group {
            self.steps.push_back(Step::AddGroup);
        }
        let Input {
            partition,
            from,
            to,
        } = input;
        let text = format!("{partition}, {from}..{to}");
        self.steps.push_back(Step::Commit);
        // Each of them goes to a partition that nobody deletes, so that its outcome can be seen.
        let place = (kept, i32::try_from(from % 2).unwrap_or(0));
        self.write_to(shared, &[place], u64::try_from(to).unwrap_or(0), &text);
    }

    /// The transaction that is under way; begins one if there is none.
    fn transaction(&mut self, shared: &mut Shared) -> usize {
        if let Some(number) = self.current {
            return number;
        }
        let timeout_ms = u64::try_from(timeout_ms(self.instance)).unwrap_or(0);
        let transaction = Transaction {
            id: self.id,
            is_two: self.is_two,
            producer: self.life.unwrap_or((-1, -1)),
            batches: Vec::new(),
            input: None,
            outcome: Outcome::NotAsked,
            asks: 0,
            is_begun: false,
            deadline: shared.now() + Duration::from_millis(timeout_ms),
            has_outlived_broker: false,
            may_be_ended: false,
            previous: self.previous,
            has_read: std::collections::BTreeSet::new(),
        };
        let number = shared.model.history.begin(transaction);
        self.current = Some(number);
        shared.tally.add("transactions", 1);
        number
    }
}
