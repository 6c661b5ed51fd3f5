//! What a group needs of its members, whichever protocol they speak.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use super::{RetentionBase, Step};
use crate::api::{CommitRequest, GroupError, GroupListing, GroupSettings};
use crate::classic::ClassicGroup;
use crate::consumer::ConsumerGroup;
use crate::records::{GroupRecord, RecordError};

/// The members of a group, by the protocol that they speak.
#[derive(Debug)]
pub(crate) enum Members {
    Classic(ClassicGroup),
    Consumer(ConsumerGroup),
}

/// What is the same for both protocols.
pub(crate) trait Membership: fmt::Debug {
    /// Not later than the earliest deadline; `None` if there is none.
    fn wake_at(&self) -> Option<Duration>;

    /// Whether nobody is in the group, nor about to be.
    fn is_deserted(&self) -> bool;

    /// Whether nothing would be lost by forgetting the membership: nothing of it is in the log.
    fn is_vacant(&self) -> bool;

    /// Forgets those who are about to join; refused if there are members.
    fn desert(&mut self) -> Result<(), GroupError>;

    /// Lets a client commit for this group, or says why it may not. In a transaction it need not say
    /// who it is: the producer is known.
    fn admit_commit(
        &mut self,
        step: &Step<'_>,
        request: &CommitRequest<'_>,
        in_transaction: bool,
    ) -> Result<(), GroupError>;

    /// Whether somebody may ask for the group's offsets as this member.
    fn admit_fetch(&self, member_id: Option<&str>, member_epoch: i32) -> Result<(), GroupError>;

    /// From when on the retention of the group's offsets counts.
    fn retention_base(&self) -> RetentionBase<'_>;

    /// The topics that members read, so that the offsets in them are in use; `None` if that may be any.
    /// Refused if the members are such that nobody can know what the offsets are to them.
    fn topics_in_use(&self) -> Result<Option<BTreeSet<&str>>, GroupError>;

    /// Writes that the membership is gone, if the log knows it. There are no members.
    fn delete_persisted(&mut self, step: &mut Step<'_>);

    /// The records a log needs to give the membership back as a restart would find it.
    fn snapshot(&self, into: &mut Vec<GroupRecord>);

    /// Starts all timers of a membership that a restart has found; its members could not reach us
    /// before. Refused if its records contradict each other.
    fn start(&mut self, now: Duration, settings: &GroupSettings) -> Result<(), RecordError>;

    /// Does what is due. To be called when [`Membership::wake_at`] has passed; sets it anew.
    fn tick(&mut self, step: &mut Step<'_>);

    /// The group's line in a list.
    fn list(&self) -> GroupListing;

    /// Panics if the membership contradicts itself.
    fn check_invariants(&self);
}

/// Whether a group has this member, and no other one under its instance id.
pub(crate) fn check_instance(
    static_members: &BTreeMap<String, String>,
    is_member: bool,
    member_id: &str,
    instance_id: Option<&str>,
) -> Result<(), GroupError> {
    if let Some(instance_id) = instance_id {
        match static_members.get(instance_id) {
            None => return Err(GroupError::UnknownMemberId),
            Some(current) if current != member_id => return Err(GroupError::FencedInstanceId),
            Some(_) => {}
        }
    }
    if is_member {
        Ok(())
    } else {
        Err(GroupError::UnknownMemberId)
    }
}

impl Members {
    /// The membership, whatever its protocol.
    pub(crate) fn any(&self) -> &dyn Membership {
        match self {
            Self::Classic(classic) => classic,
            Self::Consumer(consumer) => consumer,
        }
    }

    /// The same, to be changed.
    pub(crate) fn any_mut(&mut self) -> &mut dyn Membership {
        match self {
            Self::Classic(classic) => classic,
            Self::Consumer(consumer) => consumer,
        }
    }
}
