//! The way of a member from what it has to what it is to have.
//!
//! A member gives up first and is given afterwards:
//!
//! ```text
//!            must give up                  confirmed, all free
//!   Stable --------------> Unrevoked ---------------------------> Stable
//!      |                       |                                    ^
//!      |   nothing to give up, '-----------> Unreleased ------------'
//!      '-- others still have it ----------------^       all free
//! ```
//!
//! It keeps its epoch until it has confirmed, by listing what it owns, that it has given up what it was
//! told to; with the target's epoch it is given what it lacks, as far as nobody else has it. So
//! no partition is given to one member before the other has let go of it.

use model::TopicId;

use crate::partitions::Partitions;
use crate::records::{CurrentAssignment, MemberState};

/// What a member says that it owns.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Owned<'a> {
    /// Nothing new.
    Unsaid,
    /// These; and it may be about to take up more of what it was given.
    Listed {
        partitions: &'a Partitions,
        /// Whether any answer of its present epoch has reached it.
        knows_epoch: bool,
    },
    /// These and nothing else: it has just begun, or given up everything else beforehand.
    Only(&'a Partitions),
}

impl Owned<'_> {
    /// Whether a member that has been told to give these up has done so.
    fn confirms(self, revoking: &Partitions, unheard: &Partitions) -> bool {
        match self {
            Self::Listed {
                partitions,
                knows_epoch: true,
            } => partitions.is_disjoint(revoking),
            // It cannot have heard that it was told.
            Self::Listed { .. } | Self::Unsaid | Self::Only(_) => self.disclaims(revoking, unheard),
        }
    }

    /// Whether a member that has not been told to give these up has no part in them.
    fn disclaims(self, given: &Partitions, unheard: &Partitions) -> bool {
        match self {
            Self::Unsaid => false,
            Self::Listed { partitions, .. } => {
                partitions.is_disjoint(given) && given.is_subset(unheard)
            }
            Self::Only(partitions) => partitions.is_disjoint(given),
        }
    }
}

/// Where a member is to arrive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) epoch: i32,
    pub(crate) partitions: &'a Partitions,
}

/// The next step of a member towards its target; `None` if there is none to take for now. `unheard` is
/// what it has been given in answers that did not reach it; `is_free` tells whether nobody at all has a
/// partition.
pub(crate) fn next_step(
    current: &CurrentAssignment,
    target: Target<'_>,
    owned: Owned<'_>,
    unheard: &Partitions,
    is_free: impl Fn(TopicId, i32) -> bool,
) -> Option<CurrentAssignment> {
    match current.state {
        MemberState::Stable if current.epoch == target.epoch => return None,
        MemberState::Unrevoked if !owned.confirms(&current.revoking, unheard) => return None,
        MemberState::Stable
        | MemberState::Unrevoked
        | MemberState::Unreleased
        | MemberState::Unknown => {}
    }
    let kept = current.assigned.intersection(target.partitions);
    let revoking = current.assigned.difference(target.partitions);
    let next = if revoking.is_empty() || owned.disclaims(&revoking, unheard) {
        let lacking = target.partitions.difference(&kept);
        // What it has just given up nobody else can have yet.
        let granted = lacking.filtered(|topic, partition| {
            is_free(topic, partition) || current.revoking.contains(topic, partition)
        });
        let state = if granted.len() == lacking.len() {
            MemberState::Stable
        } else {
            MemberState::Unreleased
        };
        let mut assigned = kept;
        assigned.extend(granted.iter());
        CurrentAssignment {
            epoch: target.epoch,
            previous_epoch: if current.epoch == target.epoch {
                current.previous_epoch
            } else {
                current.epoch
            },
            state,
            assigned,
            revoking: Partitions::new(),
        }
    } else {
        CurrentAssignment {
            state: MemberState::Unrevoked,
            assigned: kept,
            revoking,
            ..*current
        }
    };
    (next != *current).then_some(next)
}
