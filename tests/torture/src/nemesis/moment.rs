//! The moments at which the broker is killed: what was aimed at, and what was hit.

use std::fmt;

use crate::journal::Operation;
use crate::random::Random;
use crate::workload::Event;

/// What a kill is aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aim {
    /// Any moment.
    Anything,
    /// The first milliseconds after a start.
    Start,
    /// While segments are written.
    Flush,
    /// Right after a topic was asked for.
    Create,
    /// Right after the deletion of a topic was asked for.
    Delete,
    /// As soon as the acknowledgement of a record has come.
    Acknowledged,
    /// As soon as the answer to a commit of offsets has come.
    Committed,
    /// As soon as the answer to a request for a topic has come.
    Created,
    /// As soon as the answer to the deletion of a topic has come.
    Deleted,
}

impl Aim {
    /// Draws an aim.
    pub(super) fn draw(random: &mut Random) -> Self {
        match random.between(0, 99) {
            0..=24 => Self::Anything,
            25..=44 => Self::Start,
            45..=60 => Self::Flush,
            61..=68 => Self::Create,
            69..=76 => Self::Delete,
            77..=82 => Self::Acknowledged,
            83..=89 => Self::Committed,
            90..=94 => Self::Created,
            _ => Self::Deleted,
        }
    }

    /// What to wait for, if it is something that the workload notes.
    pub(super) fn event(self) -> Option<Event> {
        match self {
            Self::Anything | Self::Start | Self::Flush => None,
            Self::Create => Some(Event::Asked(Operation::Create)),
            Self::Delete => Some(Event::Asked(Operation::Delete)),
            Self::Acknowledged => Some(Event::Acknowledged),
            Self::Committed => Some(Event::Committed),
            Self::Created => Some(Event::Answered(Operation::Create)),
            Self::Deleted => Some(Event::Answered(Operation::Delete)),
        }
    }
}

/// What the broker was doing when it was killed, as far as it can be seen from outside. Of several
/// things the first of this list is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It was reading its data directory.
    Recovery,
    /// It had recovered and did not listen yet.
    BeforeListening,
    /// It had begun to write segments, and no checkpoint listed them.
    Flush,
    /// It had been asked for a topic and had not answered.
    Create,
    /// It had been asked to delete a topic and had not answered.
    Delete,
    /// It served producers and consumers.
    Serving,
    /// Nothing was asked of it.
    Idle,
}

impl Phase {
    /// All of them.
    pub(super) const ALL: [Self; 7] = [
        Self::Recovery,
        Self::BeforeListening,
        Self::Flush,
        Self::Create,
        Self::Delete,
        Self::Serving,
        Self::Idle,
    ];
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anything => "anything",
            Self::Start => "start",
            Self::Flush => "flush",
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Acknowledged => "acknowledged",
            Self::Committed => "committed",
            Self::Created => "created",
            Self::Deleted => "deleted",
        })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Recovery => "recovery",
            Self::BeforeListening => "before-listening",
            Self::Flush => "flush",
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Serving => "serving",
            Self::Idle => "idle",
        })
    }
}
