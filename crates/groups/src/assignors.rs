//! Who is to read what: the assignors that the broker offers to consumer groups (KIP-848).
//!
//! An assignor sees members, what they subscribe to, and the target assignment so far. It gives each
//! partition of a subscribed topic to exactly one of the topic's subscribers. That is only the target;
//! how the group gets there without two readers of one partition is not its business.

mod range;
mod uniform;

use std::collections::BTreeMap;

use model::TopicId;

use crate::partitions::Partitions;

/// A rule for sharing partitions among members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignor {
    /// As many partitions for everyone, whatever the topic; what can stay stays.
    Uniform,
    /// A range of each topic for everyone, the same one of topics with as many partitions.
    Range,
}

impl Assignor {
    /// All assignors.
    pub const ALL: [Self; 2] = [Self::Uniform, Self::Range];

    /// Kafka's name of the assignor.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Range => "range",
        }
    }

    /// The assignor with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|assignor| assignor.name() == name)
    }

    /// The partitions of each member of the task, in its order.
    pub(crate) fn assign(self, task: &Task<'_>) -> Vec<Partitions> {
        match self {
            Self::Uniform => uniform::assign(task),
            Self::Range => range::assign(task),
        }
    }
}

/// What an assignor works on.
#[derive(Debug, Default)]
pub(crate) struct Task<'a> {
    /// The members, in an order that does not change from one assignment to the next.
    pub(crate) members: Vec<TaskMember<'a>>,
    /// The topics that anybody subscribes to and that exist, with the number of their partitions.
    pub(crate) topics: BTreeMap<TopicId, i32>,
}

/// A member as an assignor sees it.
#[derive(Debug)]
pub(crate) struct TaskMember<'a> {
    /// What tells members apart for good: the instance id of a static one, else the member id.
    pub(crate) name: &'a str,
    /// The topics it subscribes to and that exist, in order.
    pub(crate) topics: Vec<TopicId>,
    /// What it was to have so far.
    pub(crate) previous: &'a Partitions,
}

impl TaskMember<'_> {
    fn subscribes_to(&self, topic: TopicId) -> bool {
        self.topics.binary_search(&topic).is_ok()
    }
}

#[cfg(test)]
mod tests;
