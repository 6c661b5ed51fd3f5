//! Transactions: what their clients have meant, and what has become known of each.
//!
//! Outcomes are told apart as a client can tell them: a transaction that nobody has asked to commit may
//! never be seen, one whose commit was acknowledged must be, and what is between must be seen whole or
//! not at all. Whoever sees one record of it settles which.

use std::collections::{BTreeMap, BTreeSet};

use env::Monotonic;

use super::model::{Deletion, Model, Topic, TopicKey};
use super::world::{Checked, ensure};

/// The transactional ids, each of which two instances fight for.
pub(crate) const IDS: [&str; 2] = ["mover-0", "mover-1"];

/// The groups in which their transactions commit what they have read.
pub(crate) const GROUPS: [&str; 2] = ["movers-0", "movers-1"];

/// What is known of how a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nobody has asked to commit it.
    NotAsked,
    /// Its commit was asked for, and nobody has heard.
    Asked,
    Committed,
    Aborted,
}

/// What a transaction has read and commits in its group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input {
    pub partition: i32,
    pub from: i64,
    pub to: i64,
}

/// A transaction as its client has meant it.
#[derive(Clone, Debug)]
pub(crate) struct Transaction {
    /// The index of its transactional id.
    pub id: usize,
    /// Whether its client goes by the second version of the rules.
    pub is_two: bool,
    pub producer: (i64, i16),
    pub batches: Vec<usize>,
    pub input: Option<Input>,
    pub outcome: Outcome,
    /// How often its commit was asked for.
    pub asks: u32,
    /// A part of it was acknowledged.
    pub is_begun: bool,
    /// When it may be aborted because of its age.
    pub deadline: Monotonic,
    /// How old it is may have been forgotten.
    pub has_outlived_broker: bool,
    /// Somebody has asked for its end, or for an epoch that ends it.
    pub may_be_ended: bool,
    /// The one before it of the same client.
    pub previous: Option<usize>,
    /// Those whose records it has read.
    pub has_read: BTreeSet<usize>,
}

impl Transaction {
    pub(crate) fn may_be_overdue(&self, now: Monotonic) -> bool {
        self.has_outlived_broker || self.deadline <= now
    }

    /// Whether it must be under way, as far as its clients can know.
    fn is_open(&self, now: Monotonic) -> bool {
        self.outcome == Outcome::NotAsked && !self.may_be_ended && !self.may_be_overdue(now)
    }
}

/// What is known of a transactional id.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub producer_id: Option<i64>,
    /// The newest epoch that anybody was given.
    pub newest: i16,
    /// All that were given.
    given: BTreeSet<i16>,
    /// How often somebody has asked for an epoch.
    pub inits: u64,
    /// Those of them that may still be done.
    pub unheard: BTreeSet<u64>,
}

impl Default for Owner {
    fn default() -> Self {
        Self {
            producer_id: None,
            newest: -1,
            given: BTreeSet::new(),
            inits: 0,
            unheard: BTreeSet::new(),
        }
    }
}

/// All transactions.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub transactions: Vec<Transaction>,
    pub owners: [Owner; 2],
    /// The transactions that may have got a partition, by its topic's name.
    pub touched: BTreeMap<(String, i32), BTreeSet<usize>>,
    /// An end may have been written step by step, and a step of it twice.
    pub may_double: bool,
    /// Those that may be open.
    open: Vec<usize>,
}

impl History {
    pub(crate) fn begin(&mut self, mut transaction: Transaction) -> usize {
        // A request for an epoch that nobody waits for any more may still come.
        transaction.may_be_ended = !self.owners[transaction.id].unheard.is_empty();
        self.transactions.push(transaction);
        let number = self.transactions.len() - 1;
        self.open.push(number);
        number
    }

    /// Those that must be under way.
    pub(crate) fn open(&mut self, now: Monotonic) -> Vec<usize> {
        let transactions = &self.transactions;
        self.open
            .retain(|number| transactions[*number].is_open(now));
        self.open.clone()
    }

    /// Somebody asks for an epoch, which ends what is under way. The number of the request.
    pub(crate) fn ask_for_epoch(&mut self, id: usize) -> u64 {
        for number in &self.open {
            let transaction = &mut self.transactions[*number];
            transaction.may_be_ended |= transaction.id == id;
        }
        let owner = &mut self.owners[id];
        owner.inits += 1;
        owner.unheard.insert(owner.inits);
        owner.inits
    }

    /// A request for an epoch was answered or never came: nothing of it is done any more.
    pub(crate) fn end_ask(&mut self, asked: Option<(usize, u64)>) {
        if let Some((id, number)) = asked {
            self.owners[id].unheard.remove(&number);
        }
    }

    /// Somebody was given an epoch. It may be heard of after a newer one if others have asked since.
    pub(crate) fn take_epoch(
        &mut self,
        id: usize,
        (producer_id, epoch): (i64, i16),
        have_others_asked: bool,
    ) -> Checked {
        let owner = &mut self.owners[id];
        let known = *owner.producer_id.get_or_insert(producer_id);
        ensure!(
            known == producer_id,
            "{} was producer {known} and is {producer_id}",
            IDS[id]
        );
        ensure!(
            epoch > owner.newest || have_others_asked && epoch < owner.newest,
            "{} gets epoch {epoch}, and had {}",
            IDS[id],
            owner.newest
        );
        ensure!(
            owner.given.insert(epoch),
            "{} gets epoch {epoch} once more",
            IDS[id]
        );
        owner.newest = owner.newest.max(epoch);
        Ok(())
    }

    /// The broker has ended: what was under way to it is gone, and how old transactions are.
    pub(crate) fn outlive_broker(&mut self) {
        for owner in &mut self.owners {
            owner.unheard.clear();
        }
        for transaction in &mut self.transactions {
            transaction.has_outlived_broker = true;
        }
    }

    /// A reader of what is committed was shown some of a transaction.
    pub(crate) fn see_committed(&mut self, number: usize) -> Checked {
        let transaction = &mut self.transactions[number];
        match transaction.outcome {
            Outcome::NotAsked => Err(format!(
                "transaction {number} is shown, and nobody has asked to commit it"
            )),
            Outcome::Aborted => Err(format!("transaction {number} is shown, and was aborted")),
            Outcome::Asked | Outcome::Committed => {
                transaction.outcome = Outcome::Committed;
                Ok(())
            }
        }
    }

    /// A reader of what is committed was told that a transaction was aborted.
    pub(crate) fn see_aborted(&mut self, number: usize, now: Monotonic) -> Checked {
        let transaction = &mut self.transactions[number];
        ensure!(
            !transaction.is_open(now),
            "transaction {number} is hidden as aborted, and nobody has aborted it"
        );
        match transaction.outcome {
            Outcome::Committed => Err(format!("transaction {number} is hidden, and is committed")),
            Outcome::NotAsked | Outcome::Asked | Outcome::Aborted => {
                transaction.outcome = Outcome::Aborted;
                Ok(())
            }
        }
    }

    /// Somebody was told what the group of a transactional id has committed. `least` is what was known when it
    /// was asked for.
    pub(crate) fn see_position(
        &mut self,
        (id, partition): (usize, i32),
        offset: i64,
        metadata: &str,
        least: Option<i64>,
    ) -> Checked {
        let place = format!("{}, partition {partition}", GROUPS[id]);
        if offset < 0 {
            return match least {
                None => Ok(()),
                Some(least) => Err(format!("{place} has lost its position {least}")),
            };
        }
        let number: Option<usize> = metadata.strip_prefix('t').and_then(|n| n.parse().ok());
        let transaction = number.and_then(|number| self.transactions.get(number));
        let (Some(number), Some(transaction)) = (number, transaction) else {
            return Err(format!("{place} is at {offset}, by {metadata:?}"));
        };
        let input = transaction
            .input
            .filter(|input| (transaction.id, input.partition, input.to) == (id, partition, offset));
        ensure!(
            input.is_some(),
            "{place} is at {offset}, which transaction {number} has not committed"
        );
        self.see_committed(number)
            .map_err(|error| format!("{place} is at {offset}: {error}"))?;
        ensure!(
            least.is_none_or(|least| least <= offset),
            "{place} went back from {least:?} to {offset}"
        );
        Ok(())
    }

    /// The last position that a group is known to have committed.
    pub(crate) fn position(&self, id: usize, partition: i32) -> Option<i64> {
        let committed = self.transactions.iter().filter(|transaction| {
            transaction.id == id && transaction.outcome == Outcome::Committed
        });
        let inputs = committed.filter_map(|transaction| transaction.input);
        inputs
            .filter(|input| input.partition == partition)
            .map(|input| input.to)
            .max()
    }

    /// A partition may get into a transaction.
    pub(crate) fn touch(&mut self, number: usize, name: &str, partition: i32) {
        let key = (name.to_owned(), partition);
        self.touched.entry(key).or_default().insert(number);
    }
}

impl Model {
    /// The broker ends. After troubles, or with a topic that goes, an end may have been written step by step.
    pub(crate) fn note_troubles(&mut self, were_there: bool) {
        let is_asked = |topic: &Topic| topic.deletion == Deletion::Asked;
        self.history.may_double |= were_there || self.topics.iter().any(is_asked);
    }

    /// Whether transactions may have written to a partition, or its topic's namesakes.
    pub(crate) fn may_have_transactions(&self, topic: TopicKey, partition: i32) -> bool {
        let key = (self.topics[topic].name.clone(), partition);
        self.history.touched.contains_key(&key)
    }

    /// The first offset of a transaction in a partition, as far as anybody knows.
    pub(crate) fn first_offset(
        &self,
        transaction: usize,
        topic: TopicKey,
        partition: i32,
    ) -> Option<i64> {
        let batches = &self.history.transactions[transaction].batches;
        let sent = batches.iter().map(|number| &self.sent[*number]);
        sent.filter(|sent| (sent.topic, sent.partition) == (topic, partition))
            .filter_map(|sent| sent.base)
            .min()
    }
}

#[test]
fn an_epoch_is_given_once() {
    let mut history = History::default();
    assert_eq!(history.take_epoch(0, (7, 3), false), Ok(()));
    assert_eq!(history.take_epoch(0, (7, 5), false), Ok(()));
    // The one before the newest is heard of late.
    assert_eq!(history.take_epoch(0, (7, 4), true), Ok(()));
    for epoch in 3..=5 {
        assert!(history.take_epoch(0, (7, epoch), true).is_err());
    }
    assert_eq!(history.take_epoch(1, (8, 3), false), Ok(()));
}
