//! Members of a consumer group that are still on the classic protocol.
//!
//! To them the group looks like a classic one that is led by somebody else. Its epoch is their
//! generation; a JoinGroup takes the place of a heartbeat that lists what is owned, and is answered at once;
//! a SyncGroup fetches what there is to read. When they have something to give up, or something new
//! has become free for them, their heartbeat is told that a rebalance is in progress.

use bytes::Bytes;

use super::ConsumerGroup;
use super::reconcile::Owned;
use crate::api::{
    GroupError, HeartbeatRequest, JoinRequest, Joined, Leaver, Protocol, SyncRequest, Synced, Token,
};
use crate::consumer_protocol::{CONSUMER_PROTOCOL_TYPE, Subscription, by_id, encode_assignment};
use crate::group::Step;
use crate::member_id;
use crate::partitions::Partitions;
use crate::records::{ClassicMetadata, MemberMetadata, MemberState};
use crate::topics::Topics;

impl ConsumerGroup {
    /// Lets a member in, or leads one that is in a step further.
    pub(crate) fn join_classic(&mut self, step: &mut Step<'_>, token: Token, request: JoinRequest) {
        let member_id = match request.member_id.as_str() {
            "" => member_id::named(&request.client_id, request.random),
            member_id => member_id.to_owned(),
        };
        let Some((metadata, owned)) = describe_classic(&request, step.topics) else {
            let error = GroupError::InconsistentGroupProtocol;
            return step.refuse_join(token, error, &request.member_id);
        };
        match self.admit_classic(step, &member_id, &request) {
            Ok(()) => {}
            Err(GroupError::MemberIdRequired) => {
                return step.refuse_join(token, GroupError::MemberIdRequired, &member_id);
            }
            Err(error) => return step.refuse_join(token, error, &request.member_id),
        }
        if !owned.is_empty()
            && !request.member_id.is_empty()
            && !self.members.contains_key(&member_id)
        {
            // It has been fenced and has not heard of it; others may have what it says is its own.
            let error = GroupError::UnknownMemberId;
            return step.refuse_join(token, error, &request.member_id);
        }
        let is_changed = self.change_member(step, &member_id, metadata);
        self.hear_from(step, &member_id, request.session_timeout_ms, true, true);
        self.count_up_if(step, is_changed);
        self.make_target_if_old(step);
        self.reconcile(step, &member_id, Owned::Only(&owned));
        self.expect_sync(step, &member_id);
        let joined = Joined {
            generation_id: self.current(&member_id).epoch,
            protocol_type: CONSUMER_PROTOCOL_TYPE.to_owned(),
            protocol_name: self.classic_protocol(&member_id).unwrap_or_default(),
            // The broker leads, so no member does.
            leader: String::new(),
            member_id,
            skip_assignment: false,
            members: Vec::new(),
        };
        step.joined(token, joined);
    }

    fn admit_classic(
        &mut self,
        step: &mut Step<'_>,
        member_id: &str,
        request: &JoinRequest,
    ) -> Result<(), GroupError> {
        if !self.supports_classic(member_id, request) {
            return Err(GroupError::InconsistentGroupProtocol);
        }
        let Some(instance_id) = &request.group_instance_id else {
            self.check_room(step, member_id)?;
            let is_nameless = request.member_id.is_empty() && request.requires_known_member_id;
            return if is_nameless {
                Err(GroupError::MemberIdRequired)
            } else {
                Ok(())
            };
        };
        if !request.member_id.is_empty() {
            return self.check_instance(member_id, Some(instance_id));
        }
        // On the classic protocol a static member that starts anew takes over without further ado.
        match self.static_members.get(instance_id).cloned() {
            Some(old_id) => {
                self.replace(step, &old_id, member_id);
                Ok(())
            }
            None => self.check_room(step, member_id),
        }
    }

    /// Whether the request has a protocol that all other members on the classic protocol know.
    fn supports_classic(&self, member_id: &str, request: &JoinRequest) -> bool {
        let replaced = request
            .group_instance_id
            .as_ref()
            .and_then(|instance_id| self.static_members.get(instance_id));
        let others = || {
            self.members
                .iter()
                .filter(|(id, _)| *id != member_id && Some(*id) != replaced)
                .filter_map(|(_, member)| member.classic.as_ref())
        };
        let is_known_to = |classic: &ClassicMetadata, name: &str| {
            classic.protocols.iter().any(|known| known.name == name)
        };
        request.protocol_type == CONSUMER_PROTOCOL_TYPE
            && request
                .protocols
                .iter()
                .any(|protocol| others().all(|classic| is_known_to(classic, &protocol.name)))
    }

    /// The protocol that a member on the classic protocol is told was chosen: its own first one.
    fn classic_protocol(&self, member_id: &str) -> Option<String> {
        let classic = self.members.get(member_id)?.classic.as_ref()?;
        Some(classic.protocols.first()?.name.clone())
    }

    /// Gives a member what it is to read.
    pub(crate) fn sync_classic(
        &mut self,
        step: &mut Step<'_>,
        request: &SyncRequest,
    ) -> Result<Synced, GroupError> {
        let member_id = &request.member_id;
        let instance_id = request.group_instance_id.as_deref();
        let session_timeout_ms =
            self.check_classic(member_id, instance_id, request.generation_id)?;
        let protocol_name = self.classic_protocol(member_id).unwrap_or_default();
        let agrees =
            |asked: &Option<String>, known: &str| asked.as_ref().is_none_or(|asked| asked == known);
        if !agrees(&request.protocol_type, CONSUMER_PROTOCOL_TYPE)
            || !agrees(&request.protocol_name, &protocol_name)
        {
            return Err(GroupError::InconsistentGroupProtocol);
        }
        let current = self.current(member_id);
        // One that must give up first is told what it keeps, and joins again when it has.
        if current.epoch < self.group_epoch() && current.state != MemberState::Unrevoked {
            self.expect_join(step, member_id);
            return Err(GroupError::RebalanceInProgress);
        }
        self.hear_from(step, member_id, session_timeout_ms, true, true);
        self.has_synced(member_id);
        Ok(Synced {
            protocol_type: CONSUMER_PROTOCOL_TYPE.to_owned(),
            protocol_name,
            assignment: self.classic_assignment(step.topics, member_id),
        })
    }

    /// What a member may read, as the leader of a classic group would put it.
    fn classic_assignment(&self, topics: &dyn Topics, member_id: &str) -> Bytes {
        let classic = self.members.get(member_id).and_then(|m| m.classic.as_ref());
        let subscription = classic.and_then(|classic| classic.protocols.first());
        let assigned = &self.current(member_id).assigned;
        let subscription = subscription.map_or(&[][..], |protocol| &protocol.metadata);
        encode_assignment(subscription, assigned, topics)
    }

    /// Renews the session of a member, and tells it whether it has to join again.
    pub(crate) fn heartbeat_classic(
        &mut self,
        step: &mut Step<'_>,
        request: HeartbeatRequest<'_>,
    ) -> Result<(), GroupError> {
        let (member_id, instance_id) = (request.member_id, request.group_instance_id);
        let session_timeout_ms =
            self.check_classic(member_id, instance_id, request.generation_id)?;
        self.hear_from(step, member_id, session_timeout_ms, true, true);
        self.count_up_if(step, false);
        let current = self.current(member_id);
        let has_news = match current.state {
            MemberState::Unrevoked => true,
            MemberState::Unreleased => self.waits_for_nobody(member_id),
            MemberState::Stable | MemberState::Unknown => false,
        };
        if has_news || current.epoch < self.group_epoch() {
            self.expect_join(step, member_id);
            return Err(GroupError::RebalanceInProgress);
        }
        Ok(())
    }

    /// Whether everything that a member is still to get has been let go of.
    fn waits_for_nobody(&self, member_id: &str) -> bool {
        let lacking = self
            .target(member_id)
            .difference(&self.current(member_id).assigned);
        lacking.is_disjoint(&self.held)
    }

    /// Whether a member is one on the classic protocol, of this generation; gives its session timeout.
    fn check_classic(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
        generation_id: i32,
    ) -> Result<i32, GroupError> {
        self.check_instance(member_id, instance_id)?;
        let classic = self.members.get(member_id).and_then(|m| m.classic.as_ref());
        let classic = classic.ok_or(GroupError::UnknownMemberId)?;
        if self.current(member_id).epoch != generation_id {
            return Err(GroupError::IllegalGeneration);
        }
        Ok(classic.session_timeout_ms)
    }

    /// Lets members go, or has an administrator remove them, whatever protocol they speak; one answer
    /// per leaver, in order.
    pub(crate) fn leave_classic(
        &mut self,
        step: &mut Step<'_>,
        leavers: &[Leaver<'_>],
    ) -> Vec<Result<(), GroupError>> {
        let mut gone: Vec<String> = Vec::new();
        let results = leavers
            .iter()
            .map(|leaver| {
                let member_id = self.leaving_member(*leaver)?;
                if gone.contains(&member_id) {
                    return Err(GroupError::UnknownMemberId);
                }
                gone.push(member_id);
                Ok(())
            })
            .collect();
        self.fence(step, &gone);
        results
    }

    fn leaving_member(&self, leaver: Leaver<'_>) -> Result<String, GroupError> {
        if leaver.member_id.is_empty() {
            // An administrator knows the instance and not what id it has at present.
            return leaver
                .group_instance_id
                .and_then(|instance_id| self.static_members.get(instance_id))
                .cloned()
                .ok_or(GroupError::UnknownMemberId);
        }
        self.check_instance(leaver.member_id, leaver.group_instance_id)?;
        Ok(leaver.member_id.to_owned())
    }
}

/// What a JoinGroup says of a member, and what the member owns; `None` if that cannot be read.
fn describe_classic(
    request: &JoinRequest,
    topics: &dyn Topics,
) -> Option<(MemberMetadata, Partitions)> {
    let first = request.protocols.first()?;
    let subscription = Subscription::decode(&first.metadata)?;
    let metadata = MemberMetadata {
        instance_id: request.group_instance_id.clone(),
        rack_id: subscription.rack_id.map(str::to_owned),
        client_id: request.client_id.clone(),
        client_host: request.client_host.clone(),
        topics: subscription.sorted_topics(),
        pattern: None,
        rebalance_timeout_ms: request.rebalance_timeout_ms,
        assignor: None,
        classic: Some(ClassicMetadata {
            session_timeout_ms: request.session_timeout_ms,
            protocols: request.protocols.iter().map(Protocol::detached).collect(),
        }),
    };
    Some((metadata, by_id(&subscription.owned, topics)))
}
