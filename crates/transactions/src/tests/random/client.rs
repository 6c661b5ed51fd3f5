//! An instance of a producer, and what it believes.

use std::collections::BTreeMap;

use crate::{ClientVersion, Outcome, Producer, TransactionError};

/// What an instance asks. The number is that of its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Init(Option<Producer>),
    /// Adds a partition to the transaction, without a record (version one).
    Add(Producer, usize, i32),
    /// Writes a record.
    Write(Producer, usize, i32),
    End(Producer, usize, Outcome),
}

/// What it is told: who it is from now on, where that is part of the answer.
pub(super) type Answer = Result<Option<Producer>, TransactionError>;

/// What an instance has asked of a transaction and heard about it.
#[derive(Clone, Debug, Default)]
pub(super) struct Story {
    /// What it has asked for.
    pub(super) asked: Option<Outcome>,
    /// What it was told has been done.
    pub(super) told: Option<Outcome>,
    /// How many of its records were acknowledged.
    pub(super) acknowledged: usize,
}

/// One instance.
#[derive(Debug, Default)]
pub(super) struct Client {
    pub(super) producer: Option<Producer>,
    /// The transaction that it is in, and the partitions it has added to it.
    pub(super) transaction: Option<(usize, Vec<i32>)>,
    /// What it waits for, and whether an answer is on its way.
    pub(super) asking: Option<(Request, bool)>,
}

/// The transactions of all instances, by number.
pub(super) type Stories = BTreeMap<usize, Story>;

impl Client {
    /// What the instance does next.
    pub(super) fn next(
        &mut self,
        choice: u8,
        version: ClientVersion,
        stories: &mut Stories,
    ) -> Option<Request> {
        match self.asking {
            Some((_, true)) => return None,
            Some((request, false)) => return Some(request),
            None => {}
        }
        let Some(producer) = self.producer else {
            return Some(Request::Init(None));
        };
        let what = choice % 16;
        if what == 0 {
            // It dies, and another one begins.
            *self = Self::default();
            return Some(Request::Init(None));
        }
        if what == 1 && self.transaction.is_none() {
            return Some(Request::Init(Some(producer)));
        }
        let partition = i32::from(choice / 16 % 3);
        let (number, added) = self.transaction.get_or_insert_with(|| {
            let number = stories.len();
            stories.insert(number, Story::default());
            (number, Vec::new())
        });
        let number = *number;
        let has_written = stories[&number].acknowledged > 0;
        if what > 10 && has_written {
            let outcome = match what {
                11..=13 => Outcome::Commit,
                _ => Outcome::Abort,
            };
            if let Some(story) = stories.get_mut(&number) {
                story.asked = Some(outcome);
            }
            return Some(Request::End(producer, number, outcome));
        }
        if version == ClientVersion::One && !added.contains(&partition) {
            return Some(Request::Add(producer, number, partition));
        }
        Some(Request::Write(producer, number, partition))
    }

    /// Takes in an answer.
    pub(super) fn hear(&mut self, answer: Answer, stories: &mut Stories) {
        let Some((request, _)) = self.asking.take() else {
            panic!("an answer to nothing");
        };
        match answer {
            Ok(producer) => {
                match request {
                    Request::Init(_) => self.transaction = None,
                    Request::Add(_, _, partition) => {
                        if let Some((_, added)) = &mut self.transaction {
                            added.push(partition);
                        }
                    }
                    Request::Write(_, number, _) => {
                        stories.get_mut(&number).unwrap().acknowledged += 1;
                    }
                    Request::End(_, number, outcome) => {
                        stories.get_mut(&number).unwrap().told = Some(outcome);
                        self.transaction = None;
                    }
                }
                self.producer = producer.or(self.producer);
            }
            Err(TransactionError::ConcurrentTransactions) => self.asking = Some((request, false)),
            Err(TransactionError::ProducerFenced | TransactionError::InvalidProducerIdMapping) => {
                *self = Self::default()
            }
            Err(error) => panic!("{error:?} to {request:?}"),
        }
    }
}
