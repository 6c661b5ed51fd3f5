//! The membership's record: writing it, deleting it, reading it back.

use std::time::Duration;

use bytes::Bytes;

use super::member::{Member, Waiting};
use super::{ClassicGroup, Phase, Step};
use crate::api::Protocol;
use crate::records::{self, GroupMetadataValue, GroupRecord, MemberValue, RecordError};

impl ClassicGroup {
    /// Writes the group as a finished rebalance left it.
    pub(crate) fn persist(&mut self, step: &mut Step<'_>) {
        let protocol_name = self.protocol_name.as_deref().unwrap_or_default();
        let members = self.members.iter().map(|(member_id, member)| MemberValue {
            member_id: member_id.clone(),
            group_instance_id: member.group_instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            rebalance_timeout_ms: member.rebalance_timeout_ms,
            session_timeout_ms: member.session_timeout_ms,
            subscription: member.metadata(protocol_name),
            assignment: member.assignment.clone(),
        });
        let value = GroupMetadataValue {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation_id: self.generation_id,
            protocol_name: self.protocol_name.clone(),
            leader: self.leader.clone(),
            state_timestamp_ms: self.phase_since_ms,
            members: members.collect(),
        };
        let value = value.encode();
        self.persisted = Some(value.clone());
        step.effects.records.push(GroupRecord {
            key: records::group_metadata_key(&self.id),
            value: Some(value),
        });
    }

    /// Whether the group's record is one that can be written.
    pub(crate) fn fits_a_record(&self) -> bool {
        self.record_bytes() <= crate::GROUP_RECORD_BYTES_MAX
    }

    /// About how long the group's record is.
    pub(super) fn record_bytes(&self) -> usize {
        const MEMBER_FIXED_BYTES: usize = 64;
        let protocol_name = self.protocol_name.as_deref().unwrap_or_default();
        let members = self.members.iter().map(|(member_id, member)| {
            MEMBER_FIXED_BYTES
                + member_id.len()
                + member.group_instance_id.as_ref().map_or(0, String::len)
                + member.client_id.len()
                + member.client_host.len()
                + member.metadata(protocol_name).len()
                + member.assignment.len()
        });
        members.sum::<usize>() + self.protocol_type.as_ref().map_or(0, String::len)
    }

    /// Folds the group's own record, or its deletion, into the group.
    pub(crate) fn replay_metadata(&mut self, value: Option<Bytes>) -> Result<(), RecordError> {
        let decoded = match &value {
            Some(value) => GroupMetadataValue::decode(value)?,
            None => GroupMetadataValue {
                protocol_type: String::new(),
                generation_id: 0,
                protocol_name: None,
                leader: None,
                state_timestamp_ms: -1,
                members: Vec::new(),
            },
        };
        self.persisted = value;
        self.generation_id = decoded.generation_id;
        self.protocol_type = Some(decoded.protocol_type).filter(|text| !text.is_empty());
        self.phase_since_ms = decoded.state_timestamp_ms;
        self.joining = 0;
        self.pending_members.clear();
        let protocol_name = decoded.protocol_name.unwrap_or_default();
        self.members = decoded
            .members
            .into_iter()
            .map(|member| loaded_member(member, &protocol_name))
            .collect();
        self.static_members = self
            .members
            .iter()
            .filter_map(|(id, member)| Some((member.group_instance_id.clone()?, id.clone())))
            .collect();
        if self.members.is_empty() {
            self.phase = Phase::Empty;
            self.protocol_name = None;
            self.leader = None;
        } else {
            self.phase = match decoded.leader {
                Some(_) => Phase::Stable {
                    sync_deadline: None,
                },
                // Members that have become a classic group and have not agreed on anything yet. When
                // the replay is over they are given the time that they have for that.
                None => Phase::Preparing {
                    deadline: Duration::ZERO,
                    initial: None,
                },
            };
            self.protocol_name = Some(protocol_name);
            self.leader = match decoded.leader {
                Some(leader) if !self.members.contains_key(&leader) => {
                    self.members.keys().next().cloned()
                }
                leader => leader,
            };
        }
        Ok(())
    }
}

fn loaded_member(value: MemberValue, protocol_name: &str) -> (String, Member) {
    let member = Member {
        group_instance_id: value.group_instance_id,
        client_id: value.client_id,
        client_host: value.client_host,
        session_timeout_ms: value.session_timeout_ms,
        rebalance_timeout_ms: value.rebalance_timeout_ms,
        protocols: vec![Protocol {
            name: protocol_name.to_owned(),
            metadata: value.subscription,
        }],
        assignment: value.assignment,
        waiting: Waiting::No,
        is_new: false,
        must_sync: false,
        expires_at: None,
    };
    (value.member_id, member)
}
