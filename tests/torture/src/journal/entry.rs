//! The lines of a journal.

use serde::{Deserialize, Serialize};

use crate::content::Identity;

/// A time on the clock of the run, in microseconds since its beginning.
pub type Micros = u64;

/// When something was noted, and what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line(pub Micros, pub Entry);

/// A partition of a topic, which is named by its index in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The topic.
    pub topic: usize,
    /// Its partition.
    pub partition: i32,
}

/// An offset in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot(pub Place, pub i64);

/// A record as a reader got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Where it is.
    pub offset: i64,
    /// The producer its marker names.
    pub producer: u16,
    /// The sequence its marker names.
    pub sequence: u32,
    /// The checksum of key, headers and value.
    pub digest: u64,
    /// Its time in milliseconds.
    pub timestamp: i64,
}

impl Held {
    /// The producer that stands for no marker at all.
    pub const NOBODY: u16 = u16::MAX;

    /// Which record its marker names.
    pub fn identity(&self) -> Identity {
        Identity {
            producer: self.producer,
            sequence: self.sequence,
        }
    }
}

/// What is asked about a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// To make it.
    Create,
    /// To delete it.
    Delete,
}

/// How a request about a topic ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The broker says that it is done.
    Done,
    /// There was nothing to do: the topic exists, or does not.
    Already,
    /// No answer, or one that leaves it open.
    Unknown(String),
    /// Any other answer.
    Refused(String),
}

/// What an actor notes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// A producer is going to send a record.
    Intent {
        /// Which one.
        producer: u16,
        /// Its number, one more than that of the last one.
        sequence: u32,
        /// Where to.
        place: Place,
        /// Which of the topics that have had this name.
        incarnation: u32,
        /// The length of its value.
        bytes: u32,
        /// The checksum of key, headers and value.
        digest: u64,
        /// Its time in milliseconds.
        timestamp: i64,
    },
    /// The broker has acknowledged a record.
    Acknowledged {
        /// Whose.
        producer: u16,
        /// Which.
        sequence: u32,
        /// The partition.
        partition: i32,
        /// Where it is; -1 if the broker only said that it has it.
        offset: i64,
        /// Its time in milliseconds.
        timestamp: i64,
    },
    /// The client has given up a record.
    Failed {
        /// Whose.
        producer: u16,
        /// Which.
        sequence: u32,
        /// Why.
        reason: String,
    },
    /// The client can produce no more.
    Fatal {
        /// Which one.
        producer: u16,
        /// Why.
        reason: String,
    },
    /// A member begins to read here (-1: with the first record there is; none: wherever the group's
    /// offset is).
    Start(Place, Option<i64>),
    /// A member has lost a partition.
    Revoked(Place),
    /// A member has read a record.
    Seen(Place, Held),
    /// A group is asked to remember offsets.
    Commit(usize, Vec<Spot>),
    /// The group remembers them.
    Committed(usize, Vec<Spot>),
    /// A group was asked for its offsets from this time on (-1: there is none).
    ReadBack(usize, Micros, Vec<Spot>),
    /// The broker has deleted all records of a partition below this offset.
    Trimmed(Place, i64),
    /// A request about a topic is going to be sent.
    Asked(usize, Operation),
    /// It has ended.
    Answered(usize, Operation, Outcome),
    /// From now on the topic of this name is its next incarnation, with so many partitions.
    Incarnation(usize, u32, i32),
    /// All that a partition held when nothing was written to it any more: what is between the
    /// offsets `start` and `end`.
    Image {
        /// Which topic.
        place: Place,
        /// Which of the topics that have had this name.
        incarnation: u32,
        /// The first offset.
        start: i64,
        /// The offset behind the last one.
        end: i64,
        /// The records.
        records: Vec<Held>,
    },
    /// A kill, at which it was aimed, and what it hit.
    Killed(u32, String, String),
    /// The broker answered again after so many microseconds.
    Answers(Micros),
    /// The workload has stopped: all that was sent has been answered if it ever is.
    LoadOver,
}
