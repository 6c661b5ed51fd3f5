//! What must not happen, and the list of what did.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How many cases of each kind are told in words; all are counted.
const EXAMPLES_MAX: usize = 20;

/// What must not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Violation {
    /// An acknowledged record is not in the log.
    Lost,
    /// A record is in the log twice.
    Doubled,
    /// A record has another key, value, header or time than it was sent with.
    Changed,
    /// A record is not where it was acknowledged.
    Moved,
    /// Records of one producer are not in the order in which it sent them.
    Reordered,
    /// There is no record at an offset between the first and the last.
    Gap,
    /// A record that nobody sent.
    Invented,
    /// A record of a deleted topic is in the next topic of that name, or a deleted record is there
    /// again.
    Reborn,
    /// A reader has seen something else at an offset than the log holds in the end.
    Disagreement,
    /// A reader was not given the records of a partition one after the other.
    Skipped,
    /// A group has not read a record although its offset says so.
    NotDelivered,
    /// The offset of a group went back.
    OffsetsGoneBack,
    /// A topic whose creation was acknowledged is not there, or not as it was made.
    TopicLost,
    /// A topic whose deletion was acknowledged is there.
    TopicReborn,
    /// The client gave up a record or a request.
    Refused,
    /// The client can produce no more.
    Fatal,
    /// A record was neither acknowledged nor refused.
    Unanswered,
    /// Nothing went on, although the broker was up.
    Stalled,
    /// The broker ended by itself, or did not start.
    Died,
    /// The broker warned of what should not have happened.
    Alarm,
}

impl Violation {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::Lost,
        Self::Doubled,
        Self::Changed,
        Self::Moved,
        Self::Reordered,
        Self::Gap,
        Self::Invented,
        Self::Reborn,
        Self::Disagreement,
        Self::Skipped,
        Self::NotDelivered,
        Self::OffsetsGoneBack,
        Self::TopicLost,
        Self::TopicReborn,
        Self::Refused,
        Self::Fatal,
        Self::Unanswered,
        Self::Stalled,
        Self::Died,
        Self::Alarm,
    ];
}

/// What happened and must not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    counts: BTreeMap<Violation, u64>,
    examples: Vec<Example>,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// Its kind.
    pub violation: Violation,
    /// Where and what.
    pub text: String,
}

impl Findings {
    /// Adds a case.
    pub fn add(&mut self, violation: Violation, text: impl fmt::Display) {
        let count = self.counts.entry(violation).or_default();
        *count += 1;
        if *count <= EXAMPLES_MAX as u64 {
            self.examples.push(Example {
                violation,
                text: text.to_string(),
            });
        }
    }

    /// Adds what someone else found.
    pub fn merge(&mut self, others: Self) {
        for (violation, count) in others.counts {
            *self.counts.entry(violation).or_default() += count;
        }
        self.examples.extend(others.examples);
    }

    /// How many cases of a kind there are.
    pub fn count(&self, violation: Violation) -> u64 {
        self.counts.get(&violation).copied().unwrap_or_default()
    }

    /// How many cases there are of every kind, zeros included.
    pub fn counts(&self) -> BTreeMap<Violation, u64> {
        let kinds = Violation::ALL.into_iter();
        kinds.map(|kind| (kind, self.count(kind))).collect()
    }

    /// Some cases of each kind, in words.
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// The same, to say more about them.
    pub fn examples_mut(&mut self) -> &mut [Example] {
        &mut self.examples
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}
