//! The value of a classic group's metadata.
//!
//! - v0: protocol type, generation, protocol, leader, members (id, client id, client host, session
//!   timeout, subscription, assignment).
//! - v1: a member's rebalance timeout, before its session timeout (KIP-62).
//! - v2: when the group entered its state, before the members (KIP-211).
//! - v3: a member's instance id, after its id (KIP-345).
//! - v4: v3 in the flexible encoding.

use std::collections::BTreeSet;

use bytes::Bytes;
use coordination::{Reader, Writer};

use super::RecordError;

/// A group as the log keeps it: only what a finished rebalance left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMetadataValue {
    /// What the members agree on the meaning of, `consumer` for consumers; "" if there is none.
    pub protocol_type: String,
    /// The number of the rebalance that made this membership.
    pub generation_id: i32,
    /// The protocol the members chose; `None` without members.
    pub protocol_name: Option<String>,
    /// The member that assigns; `None` without members.
    pub leader: Option<String>,
    /// When the group entered its state, in milliseconds since the Unix epoch; -1 if unknown.
    pub state_timestamp_ms: i64,
    /// The members; the order means nothing.
    pub members: Vec<MemberValue>,
}

/// A member within [`GroupMetadataValue`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberValue {
    /// The id the broker gave it.
    pub member_id: String,
    /// The id a static member keeps over restarts (KIP-345).
    pub group_instance_id: Option<String>,
    /// The client's own name.
    pub client_id: String,
    /// Where it connected from.
    pub client_host: String,
    /// How long a rebalance waits for it, in milliseconds.
    pub rebalance_timeout_ms: i32,
    /// How long it may be silent, in milliseconds.
    pub session_timeout_ms: i32,
    /// Its metadata for the chosen protocol.
    pub subscription: Bytes,
    /// What the leader assigned to it.
    pub assignment: Bytes,
}

impl GroupMetadataValue {
    /// Reads a value of any version from 0 to 4.
    pub fn decode(value: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::new(value);
        let version = reader.i16()?;
        let value = match version {
            0..=3 => Self::decode_fixed(&mut reader, version),
            4 => Self::decode_flexible(&mut reader),
            _ => Err(RecordError::UnknownVersion(version)),
        }?;
        if value.is_possible() {
            Ok(value)
        } else {
            Err(RecordError::ImpossibleGroup)
        }
    }

    /// Whether a rebalance can have left this behind: nobody is a member twice, and generations are
    /// counted from 0.
    fn is_possible(&self) -> bool {
        let mut ids = BTreeSet::new();
        let mut instances = BTreeSet::new();
        self.generation_id >= 0
            && self.members.iter().all(|member| {
                let instance_id = member.group_instance_id.as_deref();
                ids.insert(&member.member_id) && instance_id.is_none_or(|id| instances.insert(id))
            })
    }

    fn decode_fixed(reader: &mut Reader<'_>, version: i16) -> Result<Self, RecordError> {
        let protocol_type = reader.text()?.to_owned();
        let generation_id = reader.i32()?;
        let protocol_name = reader.nullable_text()?.map(str::to_owned);
        let leader = reader.nullable_text()?.map(str::to_owned);
        let state_timestamp_ms = if version >= 2 { reader.i64()? } else { -1 };
        let count = reader.count()?;
        let mut members = Vec::new();
        for _ in 0..count {
            let member_id = reader.text()?.to_owned();
            let group_instance_id = match version {
                3 => reader.nullable_text()?.map(str::to_owned),
                _ => None,
            };
            let client_id = reader.text()?.to_owned();
            let client_host = reader.text()?.to_owned();
            let rebalance_timeout_ms = if version >= 1 { reader.i32()? } else { -1 };
            let session_timeout_ms = reader.i32()?;
            members.push(MemberValue {
                member_id,
                group_instance_id,
                client_id,
                client_host,
                rebalance_timeout_ms: or_session(rebalance_timeout_ms, session_timeout_ms),
                session_timeout_ms,
                subscription: Bytes::copy_from_slice(reader.bytes()?),
                assignment: Bytes::copy_from_slice(reader.bytes()?),
            });
        }
        Ok(Self {
            protocol_type,
            generation_id,
            protocol_name,
            leader,
            state_timestamp_ms,
            members,
        })
    }

    fn decode_flexible(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        let protocol_type = reader.compact_text()?.to_owned();
        let generation_id = reader.i32()?;
        let protocol_name = reader.compact_nullable_text()?.map(str::to_owned);
        let leader = reader.compact_nullable_text()?.map(str::to_owned);
        let state_timestamp_ms = reader.i64()?;
        let count = reader.compact_length()?.ok_or(RecordError::BadLength)?;
        let mut members = Vec::new();
        for _ in 0..count {
            let member_id = reader.compact_text()?.to_owned();
            let group_instance_id = reader.compact_nullable_text()?.map(str::to_owned);
            let client_id = reader.compact_text()?.to_owned();
            let client_host = reader.compact_text()?.to_owned();
            let rebalance_timeout_ms = reader.i32()?;
            let session_timeout_ms = reader.i32()?;
            members.push(MemberValue {
                member_id,
                group_instance_id,
                client_id,
                client_host,
                rebalance_timeout_ms: or_session(rebalance_timeout_ms, session_timeout_ms),
                session_timeout_ms,
                subscription: Bytes::copy_from_slice(reader.compact_bytes()?),
                assignment: Bytes::copy_from_slice(reader.compact_bytes()?),
            });
            reader.skip_tags()?;
        }
        reader.skip_tags()?;
        Ok(Self {
            protocol_type,
            generation_id,
            protocol_name,
            leader,
            state_timestamp_ms,
            members,
        })
    }

    /// Writes version 3.
    pub fn encode(&self) -> Bytes {
        let mut writer = Writer::default();
        writer.i16(3);
        writer.text(&self.protocol_type);
        writer.i32(self.generation_id);
        writer.nullable_text(self.protocol_name.as_deref());
        writer.nullable_text(self.leader.as_deref());
        writer.i64(self.state_timestamp_ms);
        writer.count(self.members.len());
        for member in &self.members {
            writer.text(&member.member_id);
            writer.nullable_text(member.group_instance_id.as_deref());
            writer.text(&member.client_id);
            writer.text(&member.client_host);
            writer.i32(member.rebalance_timeout_ms);
            writer.i32(member.session_timeout_ms);
            writer.bytes(&member.subscription);
            writer.bytes(&member.assignment);
        }
        writer.finish()
    }
}

/// A member written before rebalance timeouts existed (-1) is waited for as long as its session.
fn or_session(rebalance_timeout_ms: i32, session_timeout_ms: i32) -> i32 {
    if rebalance_timeout_ms == -1 {
        session_timeout_ms
    } else {
        rebalance_timeout_ms
    }
}
