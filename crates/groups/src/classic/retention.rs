//! How the state of a classic group keeps offsets from expiring and from being deleted.

use std::collections::BTreeSet;

use super::{ClassicGroup, Phase};
use crate::api::GroupError;
use crate::consumer_protocol::{CONSUMER_PROTOCOL_TYPE, subscribed_topics};
use crate::group::RetentionBase;

impl ClassicGroup {
    /// From when on the retention of the group's offsets counts.
    pub(super) fn base_of_retention(&self) -> RetentionBase<'_> {
        if self.protocol_type.is_none() {
            // It never had members: its users only store offsets here.
            return match self.phase {
                Phase::Empty => RetentionBase::Commit,
                _ => RetentionBase::Never,
            };
        }
        match self.phase {
            Phase::Empty if self.phase_since_ms >= 0 => {
                RetentionBase::GroupEmptySince(self.phase_since_ms)
            }
            Phase::Empty => RetentionBase::Commit,
            Phase::Stable { .. } if self.is_of_consumers() => match self.subscribed_topics() {
                Some(topics) => RetentionBase::CommitUnlessSubscribed(topics),
                None => RetentionBase::Never,
            },
            Phase::Stable { .. } | Phase::Preparing { .. } | Phase::Completing { .. } => {
                RetentionBase::Never
            }
        }
    }

    /// The topics whose offsets a member may still ask for; `None` if those may be any.
    pub(super) fn topics_read_by_members(&self) -> Result<Option<BTreeSet<&str>>, GroupError> {
        match self.phase {
            Phase::Empty => Ok(Some(BTreeSet::new())),
            // What members of another kind read is not known to us.
            _ if !self.is_of_consumers() => Err(GroupError::NonEmptyGroup),
            // All have left while the others were waited for.
            _ if self.members.is_empty() => Ok(Some(BTreeSet::new())),
            _ => Ok(self.subscribed_topics()),
        }
    }

    /// Whether the members are consumers, whose subscriptions can be read.
    fn is_of_consumers(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER_PROTOCOL_TYPE)
    }

    /// The topics any member subscribes to; `None` if one does not say so in a way we can read.
    fn subscribed_topics(&self) -> Option<BTreeSet<&str>> {
        let protocol_name = self.protocol_name.as_deref()?;
        let mut topics = BTreeSet::new();
        for member in self.members.values() {
            let protocol = member.protocols.iter().find(|p| p.name == protocol_name)?;
            topics.extend(subscribed_topics(&protocol.metadata)?);
        }
        Some(topics)
    }
}
