//! Groups with members that go over from one protocol to the other (KIP-848).
//!
//! A classic group of consumers becomes a consumer group when the first member on the consumer protocol
//! comes: the classic members stay what they are, and the group speaks their protocol to them. It
//! becomes a classic group again when the last member on the consumer protocol goes. So an
//! application can be moved over, and back, one client at a time.

use super::{Group, Members, Membership, Step};
use crate::api::{ConsumerHeartbeat, GroupError, JoinRequest};
use crate::classic::ClassicGroup;
use crate::consumer::ConsumerGroup;

impl Group {
    /// Makes a classic group a consumer group that has room for one who joins.
    pub(super) fn upgrade(
        &mut self,
        step: &mut Step<'_>,
        request: &ConsumerHeartbeat<'_>,
    ) -> Result<(), GroupError> {
        let Members::Classic(classic) = &mut self.members else {
            return Ok(());
        };
        if !step.settings.consumer_migration.may_upgrade {
            return Err(GroupError::GroupIdNotFound);
        }
        let migrants = classic.migrants(step, request.instance_id)?;
        classic.send_back_all(step);
        classic.delete_persisted(step);
        let generation_id = classic.generation();
        let consumer = ConsumerGroup::from_classic(step, self.id.clone(), generation_id, migrants);
        self.members = Members::Consumer(consumer);
        Ok(())
    }

    /// Makes a consumer group a classic group if all its members are on that protocol.
    pub(super) fn downgrade_if_all_classic(&mut self, step: &mut Step<'_>) {
        let Members::Consumer(consumer) = &mut self.members else {
            return;
        };
        if !consumer.is_all_classic()
            || !step.settings.consumer_migration.may_downgrade
            || consumer.size() > step.settings.group_size_max
        {
            return;
        }
        let generation_id = consumer.generation();
        let migrants = consumer.migrants();
        let mut classic =
            ClassicGroup::from_consumer(step, self.id.clone(), generation_id, migrants);
        if !classic.fits_a_record() {
            return;
        }
        consumer.delete_persisted(step);
        classic.persist(step);
        self.members = Members::Classic(classic);
    }

    /// Takes leave of a static member that starts anew on the classic protocol, if it was the last on
    /// the consumer protocol: the others are a classic group then, and it can join that.
    pub(super) fn downgrade_for(&mut self, step: &mut Step<'_>, request: &JoinRequest) {
        let Members::Consumer(consumer) = &mut self.members else {
            return;
        };
        let Some(instance_id) = request.group_instance_id.as_deref() else {
            return;
        };
        if !request.member_id.is_empty() || !step.settings.consumer_migration.may_downgrade {
            return;
        }
        if let Some(member_id) = consumer.last_consumer(instance_id).map(str::to_owned) {
            consumer.fence(step, &[member_id]);
            self.downgrade_if_all_classic(step);
        }
    }
}
