//! How the state of a classic group keeps offsets from expiring.

use std::collections::BTreeSet;

use super::{ClassicGroup, Phase};
use crate::consumer_protocol::{CONSUMER_PROTOCOL_TYPE, subscribed_topics};
use crate::group::RetentionBase;

impl ClassicGroup {
    /// From when on the retention of the group's offsets counts.
    pub(super) fn base_of_retention(&self) -> RetentionBase<'_> {
        let Some(protocol_type) = self.protocol_type.as_deref() else {
            // It never had members: its users only store offsets here.
            return match self.phase {
                Phase::Empty => RetentionBase::Commit,
                _ => RetentionBase::Never,
            };
        };
        match self.phase {
            Phase::Empty if self.phase_since_ms >= 0 => {
                RetentionBase::GroupEmptySince(self.phase_since_ms)
            }
            Phase::Empty => RetentionBase::Commit,
            Phase::Stable { .. } if protocol_type == CONSUMER_PROTOCOL_TYPE => {
                match self.subscribed_topics() {
                    Some(topics) => RetentionBase::CommitUnlessSubscribed(topics),
                    None => RetentionBase::Never,
                }
            }
            Phase::Stable { .. } | Phase::Preparing { .. } | Phase::Completing { .. } => {
                RetentionBase::Never
            }
        }
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
