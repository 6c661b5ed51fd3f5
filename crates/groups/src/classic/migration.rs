//! From the members of a classic group to those of a consumer group, and back.

use std::collections::BTreeMap;

use bytes::Bytes;
use model::GroupId;

use super::ClassicGroup;
use super::join::session_end;
use super::member::{Member, Waiting};
use crate::api::GroupError;
use crate::consumer::Migrant;
use crate::consumer_protocol::{
    Assignment, CONSUMER_PROTOCOL_TYPE, Subscription, by_id, encode_assignment,
};
use crate::group::Step;
use crate::partitions::Partitions;
use crate::records::{ClassicMetadata, MemberMetadata};

/// What every client library knows. With these, members go by their partitions alone, whatever else their
/// leader gives them: librdkafka's gives back what the member has told it.
const COMMON_ASSIGNORS: [&str; 4] = ["range", "roundrobin", "sticky", "cooperative-sticky"];

impl ClassicGroup {
    /// The members as those of a consumer group, which one under this instance id is about to join.
    ///
    /// # Errors
    ///
    /// - [`GroupError::GroupIdNotFound`] if they are no consumers, or if their leader says more to them
    ///   than which partitions to read: nobody could take its place.
    /// - [`GroupError::GroupMaxSizeReached`] if there is no room for another one.
    pub(crate) fn migrants(
        &self,
        step: &Step<'_>,
        instance_id: Option<&str>,
    ) -> Result<Vec<Migrant>, GroupError> {
        if self.protocol_type.as_deref() != Some(CONSUMER_PROTOCOL_TYPE) {
            return Err(GroupError::GroupIdNotFound);
        }
        let takes_a_place = instance_id.is_some_and(|id| self.static_members.contains_key(id));
        let size = self.members.len() + usize::from(!takes_a_place);
        if size > step.settings.consumer_group_size_max {
            return Err(GroupError::GroupMaxSizeReached);
        }
        let mut taken = Partitions::new();
        let migrants = self.members.iter().map(|(member_id, member)| {
            let migrant = self.migrant(step, member_id, member, &mut taken);
            migrant.ok_or(GroupError::GroupIdNotFound)
        });
        migrants.collect()
    }

    fn migrant(
        &self,
        step: &Step<'_>,
        member_id: &str,
        member: &Member,
        taken: &mut Partitions,
    ) -> Option<Migrant> {
        let named = self.protocol_name.as_deref();
        let metadata = match named {
            Some(name) => member.metadata(name),
            None => member.protocols.first()?.metadata.clone(),
        };
        let subscription = Subscription::decode(&metadata)?;
        let assignment = Assignment::decode(&member.assignment)?;
        let is_custom = !named.is_some_and(|name| COMMON_ASSIGNORS.contains(&name));
        if assignment.has_user_data && is_custom {
            return None;
        }
        // What it was assigned, and what it has told since that it has not given up: a rebalance that
        // came to nothing has taken the assignment back, but not what the member owns.
        let mut owned = by_id(&assignment.partitions, step.topics);
        owned.extend(by_id(&subscription.owned, step.topics).iter());
        let owned = owned.filtered(|topic, partition| taken.insert(topic, partition));
        Some(Migrant {
            member_id: member_id.to_owned(),
            metadata: MemberMetadata {
                instance_id: member.group_instance_id.clone(),
                rack_id: subscription.rack_id.map(str::to_owned),
                client_id: member.client_id.clone(),
                client_host: member.client_host.clone(),
                topics: subscription.sorted_topics(),
                pattern: None,
                rebalance_timeout_ms: member.rebalance_timeout_ms,
                assignor: None,
                classic: Some(ClassicMetadata {
                    session_timeout_ms: member.session_timeout_ms,
                    protocols: member.protocols.clone(),
                }),
            },
            owned,
        })
    }

    /// The generation, which becomes the epoch of a consumer group.
    pub(crate) fn generation(&self) -> i32 {
        self.generation_id
    }

    /// Sends everyone who waits back to join.
    pub(crate) fn send_back_all(&mut self, step: &mut Step<'_>) {
        for (member_id, member) in &mut self.members {
            match std::mem::replace(&mut member.waiting, Waiting::No) {
                Waiting::No => {}
                Waiting::Join(token) => {
                    step.refuse_join(token, GroupError::RebalanceInProgress, member_id);
                }
                Waiting::Sync(token) => step.synced(token, Err(GroupError::RebalanceInProgress)),
            }
        }
    }

    /// A group of members that have been a consumer group so far. A rebalance follows at once, so that
    /// what the last member on the consumer protocol has left behind finds a reader. The log has
    /// the members with what they have and without a leader: by that a restart knows that the
    /// rebalance is still to come.
    pub(crate) fn from_consumer(
        step: &Step<'_>,
        id: GroupId,
        generation_id: i32,
        migrants: Vec<Migrant>,
    ) -> Self {
        let mut group = Self::new(id);
        group.generation_id = generation_id;
        group.protocol_type = Some(CONSUMER_PROTOCOL_TYPE.to_owned());
        let members = migrants.into_iter().filter_map(|migrant| {
            let assignment = migrant.assignment(step);
            Some((
                migrant.member_id.clone(),
                member(step, migrant, assignment)?,
            ))
        });
        group.members = members.collect::<BTreeMap<_, _>>();
        let instances = group.members.iter().filter_map(|(member_id, member)| {
            Some((member.group_instance_id.clone()?, member_id.clone()))
        });
        group.static_members = instances.collect();
        group.protocol_name = group.protocol_by_vote();
        group.phase_since_ms = step.now.wall_ms;
        group.phase = group.gathering(step.now.monotonic);
        group.wake_at = group.next_deadline();
        group
    }
}

impl Migrant {
    fn assignment(&self, step: &Step<'_>) -> Bytes {
        let classic = self.metadata.classic.as_ref();
        let first = classic.and_then(|classic| classic.protocols.first());
        let subscription = first.map_or(&[][..], |protocol| &protocol.metadata);
        encode_assignment(subscription, &self.owned, step.topics)
    }
}

fn member(step: &Step<'_>, migrant: Migrant, assignment: Bytes) -> Option<Member> {
    let classic = migrant.metadata.classic?;
    let mut member = Member {
        group_instance_id: migrant.metadata.instance_id,
        client_id: migrant.metadata.client_id,
        client_host: migrant.metadata.client_host,
        session_timeout_ms: classic.session_timeout_ms,
        rebalance_timeout_ms: migrant.metadata.rebalance_timeout_ms,
        protocols: classic.protocols,
        assignment,
        waiting: Waiting::No,
        is_new: false,
        must_sync: false,
        expires_at: None,
    };
    member.expires_at = Some(session_end(step.now.monotonic, &member));
    Some(member)
}
