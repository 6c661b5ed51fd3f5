//! What a group needs of the members of a classic group.

use std::collections::BTreeSet;
use std::time::Duration;

use super::join::session_end;
use super::{ClassicGroup, Phase};
use crate::api::{CommitRequest, GroupError, GroupKind, GroupListing, GroupSettings};
use crate::group::{Membership, RetentionBase, Step};
use crate::records::{self, GroupRecord, RecordError};

impl Membership for ClassicGroup {
    fn wake_at(&self) -> Option<Duration> {
        self.wake_at
    }

    fn is_deserted(&self) -> bool {
        self.phase == Phase::Empty && self.pending_members.is_empty()
    }

    fn is_vacant(&self) -> bool {
        self.is_deserted() && self.persisted.is_none()
    }

    fn desert(&mut self) -> Result<(), GroupError> {
        if self.phase != Phase::Empty {
            return Err(GroupError::NonEmptyGroup);
        }
        self.pending_members.clear();
        Ok(())
    }

    fn admit_commit(
        &mut self,
        step: &Step<'_>,
        request: &CommitRequest<'_>,
        in_transaction: bool,
    ) -> Result<(), GroupError> {
        self.validate_commit(request, in_transaction)?;
        // A member that commits is alive.
        self.renew_session(step.now.monotonic, request.member_id);
        Ok(())
    }

    fn admit_fetch(&self, _member_id: Option<&str>, _member_epoch: i32) -> Result<(), GroupError> {
        // Nobody is asked who he is.
        Ok(())
    }

    fn retention_base(&self) -> RetentionBase<'_> {
        self.base_of_retention()
    }

    fn topics_in_use(&self) -> Result<Option<BTreeSet<&str>>, GroupError> {
        self.topics_read_by_members()
    }

    fn delete_persisted(&mut self, step: &mut Step<'_>) {
        if self.persisted.take().is_some() {
            step.effects.records.push(GroupRecord {
                key: records::group_metadata_key(&self.id),
                value: None,
            });
        }
    }

    fn snapshot(&self, into: &mut Vec<GroupRecord>) {
        if let Some(value) = &self.persisted {
            into.push(GroupRecord {
                key: records::group_metadata_key(&self.id),
                value: Some(value.clone()),
            });
        }
    }

    fn start(&mut self, now: Duration, _settings: &GroupSettings) -> Result<(), RecordError> {
        for member in self.members.values_mut() {
            member.expires_at = Some(session_end(now, member));
        }
        if matches!(self.phase, Phase::Preparing { .. }) {
            self.phase = self.gathering(now);
        }
        self.wake_at = self.next_deadline();
        Ok(())
    }

    fn tick(&mut self, step: &mut Step<'_>) {
        self.do_what_is_due(step);
    }

    fn list(&self) -> GroupListing {
        GroupListing {
            group_id: self.id.clone(),
            kind: GroupKind::Classic,
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            state: self.state(),
        }
    }

    fn check_invariants(&self) {
        self.check_all();
    }
}
