//! The naive model: what was sent, what was answered, and what somebody has seen.

use std::collections::{BTreeMap, BTreeSet};

use super::history::History;

/// A topic as clients tell topics apart: a name that is used again is another topic.
pub(crate) type TopicKey = usize;

/// How far the promise of an answer goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Proof {
    /// Nobody has said that it is there.
    #[default]
    None,
    /// It outlives the process.
    Written,
    /// It outlives a loss of power.
    Durable,
}

/// A batch that a client has sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub topic: TopicKey,
    pub partition: i32,
    pub bytes: Vec<u8>,
    pub records: i64,
    pub proof: Proof,
    /// Where it is, as far as anybody knows.
    pub base: Option<i64>,
    /// The producer, its epoch and its first sequence number.
    pub producer: Option<(i64, i16, i32)>,
    /// Whether it names its topic, so that it may get into the next one of that name.
    pub is_by_name: bool,
    /// The transaction that it belongs to.
    pub transaction: Option<usize>,
}

/// How a transaction has ended in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    pub producer_id: i64,
    pub epoch: i16,
    pub is_commit: bool,
}

/// What has been told of a log: its start, its end, and up to where it is stable.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    pub start: i64,
    pub end: i64,
    pub stable: i64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Partition {
    /// What lies where: the number of the batch by its base offset.
    pub batches: BTreeMap<i64, usize>,
    /// The markers between them.
    pub markers: BTreeMap<i64, Marker>,
    pub told: Told,
}

#[derive(Clone, Debug)]
pub(crate) struct Topic {
    pub name: String,
    pub id: [u8; 16],
    pub partitions: Vec<Partition>,
    /// Whether retention may take records away.
    pub may_trim: bool,
    /// Whether the broker stamps the records.
    pub is_stamped: bool,
    pub deletion: Deletion,
    /// How many partitions it may have grown to: the answer is not there.
    pub growing_to: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deletion {
    None,
    /// It may be gone.
    Asked,
    /// It is gone and stays so.
    Done,
}

/// A topic that may have been made: the answer is not there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub partitions: i32,
    pub may_trim: bool,
    pub is_stamped: bool,
}

/// What a group has committed for a partition. Commits name topics, so a late one for a topic that
/// was deleted counts for the next one of that name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Committed {
    /// The highest that was answered or shown.
    pub known: Option<i64>,
    /// The highest that was ever sent.
    pub sent: i64,
    /// Whether one is under way. Two at a time could arrive in any order.
    pub is_open: bool,
    /// Those that were refused: nobody may ever see them.
    pub refused: BTreeSet<i64>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub offsets: BTreeMap<(String, i32), Committed>,
    /// The newest generation that any member was told.
    pub generation: i32,
    /// What leaders gave each member of a generation. A leader that hears no answer asks again, and a
    /// generation that was cut short by the end of the process may come again.
    pub assignments: BTreeMap<(i32, String), BTreeSet<Vec<u8>>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub topics: Vec<Topic>,
    pub sent: Vec<Sent>,
    /// Creations without an answer, by name.
    pub wanted: BTreeMap<String, Wanted>,
    pub groups: BTreeMap<String, Group>,
    pub history: History,
}

impl Model {
    /// The topic that has this name now; deleted ones have none.
    pub(crate) fn live(&self, name: &str) -> Option<TopicKey> {
        let is_live = |topic: &Topic| topic.name == name && topic.deletion != Deletion::Done;
        self.topics.iter().rposition(is_live)
    }

    /// All topics that nobody has asked to delete.
    pub(crate) fn settled(&self) -> Vec<TopicKey> {
        let keys = 0..self.topics.len();
        keys.filter(|key| self.topics[*key].deletion == Deletion::None)
            .collect()
    }

    pub(crate) fn by_id(&self, id: [u8; 16]) -> Option<TopicKey> {
        self.topics.iter().position(|topic| topic.id == id)
    }

    /// A topic that the broker has told of.
    pub(crate) fn adopt(&mut self, name: &str, id: [u8; 16], wanted: Wanted) -> TopicKey {
        let count = usize::try_from(wanted.partitions).unwrap_or(0);
        self.topics.push(Topic {
            name: name.to_owned(),
            id,
            partitions: vec![Partition::default(); count],
            may_trim: wanted.may_trim,
            is_stamped: wanted.is_stamped,
            deletion: Deletion::None,
            growing_to: None,
        });
        self.topics.len() - 1
    }

    /// A topic has grown.
    pub(crate) fn grow(&mut self, topic: TopicKey, count: usize) {
        let topic = &mut self.topics[topic];
        topic.partitions.resize(count, Partition::default());
        topic.growing_to = None;
    }

    /// A partition of a topic.
    pub(crate) fn partition(&mut self, topic: TopicKey, partition: i32) -> &mut Partition {
        let index = usize::try_from(partition).unwrap_or(usize::MAX);
        &mut self.topics[topic].partitions[index]
    }

    /// What a group has committed.
    pub(crate) fn committed(&mut self, group: &str, name: &str, partition: i32) -> &mut Committed {
        let group = self.groups.entry(group.to_owned()).or_default();
        group
            .offsets
            .entry((name.to_owned(), partition))
            .or_default()
    }

    /// With a topic goes what was committed for it.
    pub(crate) fn forget_committed(&mut self, name: &str) {
        for group in self.groups.values_mut() {
            for ((topic, _), committed) in &mut group.offsets {
                if topic == name {
                    committed.known = None;
                }
            }
        }
    }
}
