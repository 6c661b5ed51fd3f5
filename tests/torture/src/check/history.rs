//! The journal of a run, put in order.

use std::collections::HashMap;

use crate::content::Identity;
use crate::journal::{Entry, Held, Line, Micros, Operation, Outcome, Place, Spot};

/// A record that was going to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Where to.
    pub place: Place,
    /// Which of the topics that have had this name.
    pub incarnation: u32,
    /// The checksum of key, headers and value.
    pub digest: u64,
    /// Its time in milliseconds.
    pub timestamp: i64,
    /// What the broker said.
    pub answer: Answer,
}

/// What a producer was told about a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing.
    None,
    /// It has been given up.
    Failed,
    /// It is in the log: its offset (-1: not told) and time.
    Acknowledged(i64, i64),
}

/// What a reader noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It begins here.
    Start(Place, Option<i64>),
    /// It has lost a partition.
    Revoked(Place),
    /// It has read a record.
    Seen(Place, Held),
}

/// What was noted about the offsets of one group in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetEvent {
    /// The group was asked to remember an offset.
    Asked(i64),
    /// The group said that it does.
    Committed(i64),
    /// Asked from this time on, the group said what its offset is.
    ReadBack(Micros, i64),
}

/// What was noted about a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicEvent {
    /// A request is going to be sent.
    Asked(Operation),
    /// It has ended.
    Answered(Operation, Outcome),
    /// The topic is a new one, with so many partitions.
    Incarnation(u32, i32),
}

/// All that a partition held at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Which topic and partition.
    pub place: Place,
    /// Which of the topics that have had this name.
    pub incarnation: u32,
    /// The first offset.
    pub start: i64,
    /// The offset behind the last one.
    pub end: i64,
    /// The records in the order in which they were read.
    pub records: Vec<Held>,
}

/// A journal, put in order.
#[derive(Clone, Debug, Default)]
pub struct History {
    sent: HashMap<u16, Vec<Sent>>,
    /// What each reader noted, in the order of the notes and with the time of each.
    pub readers: Vec<(String, Vec<(Micros, Reading)>)>,
    /// When the broker answered after each start.
    pub starts: Vec<Micros>,
    /// What was noted about the offsets of a group, with the time of each note.
    pub offsets: HashMap<(usize, Place), Vec<(Micros, OffsetEvent)>>,
    /// The highest offset below which records of a partition were deleted by request.
    pub trimmed: HashMap<Place, i64>,
    /// How many such requests were answered.
    pub trims: u64,
    /// What was noted about each topic that was made, in the order of the notes.
    pub topics: HashMap<usize, Vec<TopicEvent>>,
    /// What deleted topics held.
    pub images: Vec<Image>,
    /// Records that clients gave up, and why.
    pub failures: Vec<(Identity, String)>,
    /// Clients that ended.
    pub fatal: Vec<(u16, String)>,
    /// Entries that do not fit together: the journal itself is wrong.
    pub nonsense: Vec<String>,
    /// Whether the workload came to its end.
    pub is_load_over: bool,
}

impl History {
    /// Adds a line of an actor. The lines of each actor come in their order.
    pub fn add(&mut self, actor: &str, line: Line) {
        let Line(at, entry) = line;
        match entry {
            Entry::Intent { .. } => self.add_intent(entry),
            Entry::Acknowledged {
                producer,
                sequence,
                partition,
                offset,
                timestamp,
            } => {
                let answer = Answer::Acknowledged(offset, timestamp);
                self.answer(Identity { producer, sequence }, Some(partition), answer);
            }
            Entry::Failed {
                producer,
                sequence,
                reason,
            } => {
                let identity = Identity { producer, sequence };
                self.answer(identity, None, Answer::Failed);
                self.failures.push((identity, reason));
            }
            Entry::Fatal { producer, reason } => self.fatal.push((producer, reason)),
            Entry::Start(place, offset) => self.read(actor, at, Reading::Start(place, offset)),
            Entry::Revoked(place) => self.read(actor, at, Reading::Revoked(place)),
            Entry::Seen(place, held) => self.read(actor, at, Reading::Seen(place, held)),
            Entry::Commit(group, spots) => self.offsets(at, group, &spots, OffsetEvent::Asked),
            Entry::Committed(group, spots) => {
                self.offsets(at, group, &spots, OffsetEvent::Committed);
            }
            Entry::ReadBack(group, since, spots) => {
                self.offsets(at, group, &spots, |offset| {
                    OffsetEvent::ReadBack(since, offset)
                });
            }
            Entry::Trimmed(place, start) => {
                let known = self.trimmed.entry(place).or_insert(start);
                *known = start.max(*known);
                self.trims += 1;
            }
            Entry::Asked(topic, operation) => self.topic(topic, TopicEvent::Asked(operation)),
            Entry::Answered(topic, operation, outcome) => {
                self.topic(topic, TopicEvent::Answered(operation, outcome));
            }
            Entry::Incarnation(topic, number, partitions) => {
                self.topic(topic, TopicEvent::Incarnation(number, partitions));
            }
            Entry::Image {
                place,
                incarnation,
                start,
                end,
                records,
            } => self.images.push(Image {
                place,
                incarnation,
                start,
                end,
                records,
            }),
            Entry::LoadOver => self.is_load_over = true,
            Entry::Answers(_) => self.starts.push(at),
            Entry::Killed(..) => {}
        }
    }

    fn add_intent(&mut self, entry: Entry) {
        let Entry::Intent {
            producer,
            sequence,
            place,
            incarnation,
            digest,
            timestamp,
            ..
        } = entry
        else {
            return;
        };
        let sent = self.sent.entry(producer).or_default();
        if sent.len() != sequence as usize {
            let text = format!("producer {producer} goes from {} to {sequence}", sent.len());
            self.nonsense.push(text);
            return;
        }
        sent.push(Sent {
            place,
            incarnation,
            digest,
            timestamp,
            answer: Answer::None,
        });
    }

    fn answer(&mut self, identity: Identity, partition: Option<i32>, answer: Answer) {
        let records = self.sent.get_mut(&identity.producer);
        match records.and_then(|sent| sent.get_mut(identity.sequence as usize)) {
            Some(sent)
                if sent.answer == Answer::None
                    && partition.is_none_or(|partition| partition == sent.place.partition) =>
            {
                sent.answer = answer;
            }
            _ => {
                let text = format!("{answer:?} to {identity:?} in {partition:?} answers nothing");
                self.nonsense.push(text);
            }
        }
    }

    fn read(&mut self, actor: &str, at: Micros, reading: Reading) {
        match self.readers.last_mut() {
            Some((reader, readings)) if reader == actor => readings.push((at, reading)),
            _ => self.readers.push((actor.to_owned(), vec![(at, reading)])),
        }
    }

    fn offsets(
        &mut self,
        at: Micros,
        group: usize,
        spots: &[Spot],
        event: impl Fn(i64) -> OffsetEvent,
    ) {
        for Spot(place, offset) in spots {
            let events = self.offsets.entry((group, *place)).or_default();
            events.push((at, event(*offset)));
        }
    }

    fn topic(&mut self, topic: usize, event: TopicEvent) {
        self.topics.entry(topic).or_default().push(event);
    }

    /// The record with this identity, if anybody was going to send it.
    pub fn sent(&self, identity: Identity) -> Option<&Sent> {
        self.sent
            .get(&identity.producer)?
            .get(identity.sequence as usize)
    }

    /// All records that anybody was going to send.
    pub fn all_sent(&self) -> impl Iterator<Item = (Identity, &Sent)> {
        self.sent.iter().flat_map(|(producer, sent)| {
            sent.iter().enumerate().map(|(sequence, sent)| {
                let identity = Identity {
                    producer: *producer,
                    sequence: u32::try_from(sequence).unwrap_or(u32::MAX),
                };
                (identity, sent)
            })
        })
    }

    /// The newest topic of this name and its number of partitions; none if it has been deleted, or
    /// may have been.
    pub fn living(&self, topic: usize) -> Option<(u32, i32)> {
        let mut living = None;
        for event in self.topics.get(&topic).into_iter().flatten() {
            match event {
                TopicEvent::Incarnation(number, partitions) => {
                    living = Some((*number, *partitions))
                }
                TopicEvent::Asked(Operation::Delete) => living = None,
                TopicEvent::Asked(Operation::Create) | TopicEvent::Answered(..) => {}
            }
        }
        living
    }
}
