//! The moments at which the broker is killed: what was aimed at, and what was hit.

use std::fmt;

use crate::random::Random;

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
}

impl Aim {
    /// Draws an aim.
    pub(super) fn draw(random: &mut Random) -> Self {
        match random.between(0, 99) {
            0..=34 => Self::Anything,
            35..=54 => Self::Start,
            55..=74 => Self::Flush,
            75..=86 => Self::Create,
            _ => Self::Delete,
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
