//! A member of a consumer group of the classic protocol, one request at a time: what a consumer does
//! to get its partitions, without the consuming.

use std::collections::BTreeMap;

use model::ErrorCode;
use wire::Text;
use wire::messages::heartbeat::HeartbeatRequest;
use wire::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use wire::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};

use crate::admin::{encode_assignment, encode_subscription, read_assignment};
use crate::brokers::Address;
use crate::connection::Connection;
use crate::error::{ClientError, Refusal};
use crate::offsets::TopicPartition;

/// How long the group waits for its members to come back, in ms; shorter than answers are waited for.
const REBALANCE_TIMEOUT_MS: i32 = 20_000;

/// What kind of group it is, and the one assignor that its members speak.
const PROTOCOL_TYPE: &str = "consumer";
const PROTOCOL: &str = "range";

/// What a member is told when all have joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The generation that begins.
    pub generation_id: i32,
    /// The ids of all members, for the one that has to share out the partitions.
    pub members: Option<Vec<String>>,
}

/// A member of a group.
#[derive(Debug)]
pub struct GroupMember {
    connection: Connection,
    group: String,
    topic: String,
    member_id: String,
    generation_id: i32,
}

impl GroupMember {
    /// Silence after which the group takes a member for gone, in ms: Kafka's default.
    pub const SESSION_TIMEOUT_MS: i32 = 45_000;

    /// Connects to the group's coordinator; the group hears of it with the first [`GroupMember::join`].
    pub async fn connect(
        coordinator: &Address,
        group: &str,
        topic: &str,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            connection: Connection::open(coordinator).await?,
            group: group.to_owned(),
            topic: topic.to_owned(),
            member_id: String::new(),
            generation_id: -1,
        })
    }

    /// Joins, or joins again, and waits until all members have.
    pub async fn join(&mut self) -> Result<Joined, ClientError> {
        loop {
            let has_id = !self.member_id.is_empty();
            let request = JoinGroupRequest {
                group_id: Text::from(&self.group),
                session_timeout_ms: Self::SESSION_TIMEOUT_MS,
                rebalance_timeout_ms: REBALANCE_TIMEOUT_MS,
                member_id: Text::from(&self.member_id),
                protocol_type: Text::from_static(PROTOCOL_TYPE),
                protocols: vec![JoinGroupRequestProtocol {
                    name: Text::from_static(PROTOCOL),
                    metadata: encode_subscription(&[&self.topic]),
                }],
                ..JoinGroupRequest::default()
            };
            let answer = self.connection.call(&request, 0..=i16::MAX).await?;
            self.member_id = answer.member_id.to_string();
            match Refusal::check(answer.error_code, None) {
                // It is to come back with the id that it was given (KIP-394), and that is enough.
                Err(refusal) if refusal.is(ErrorCode::MemberIdRequired) && !has_id => {}
                Err(refusal) => return Err(refusal.into()),
                Ok(()) => {
                    self.generation_id = answer.generation_id;
                    let leads = answer.leader == answer.member_id;
                    let members = answer.members.iter();
                    return Ok(Joined {
                        generation_id: answer.generation_id,
                        members: leads
                            .then(|| members.map(|one| one.member_id.to_string()).collect()),
                    });
                }
            }
        }
    }

    /// Hands in what each member is given, if this one has to, and waits for its own part; `None` if the
    /// group rebalances anew. The partitions of a topic follow one another.
    pub async fn sync(
        &mut self,
        assignments: &BTreeMap<String, Vec<TopicPartition>>,
    ) -> Result<Option<Vec<TopicPartition>>, ClientError> {
        let assignment =
            |(member_id, partitions): (&String, &Vec<TopicPartition>)| SyncGroupRequestAssignment {
                member_id: Text::from(member_id),
                assignment: encode_assignment(partitions),
            };
        let request = SyncGroupRequest {
            group_id: Text::from(&self.group),
            generation_id: self.generation_id,
            member_id: Text::from(&self.member_id),
            group_instance_id: None,
            protocol_type: Some(Text::from_static(PROTOCOL_TYPE)),
            protocol_name: Some(Text::from_static(PROTOCOL)),
            assignments: assignments.iter().map(assignment).collect(),
        };
        let answer = self.connection.call(&request, 0..=i16::MAX).await?;
        if is_over(answer.error_code)? {
            return Ok(None);
        }
        let partitions = read_assignment(&answer.assignment);
        // What the leader of a group hands in is what this crate has written.
        Ok(Some(partitions.unwrap_or_default()))
    }

    /// Says that it is there; false if the group rebalances and the member has to join again.
    pub async fn heartbeat(&mut self) -> Result<bool, ClientError> {
        let request = HeartbeatRequest {
            group_id: Text::from(&self.group),
            generation_id: self.generation_id,
            member_id: Text::from(&self.member_id),
            group_instance_id: None,
        };
        let answer = self.connection.call(&request, 0..=i16::MAX).await?;
        Ok(!is_over(answer.error_code)?)
    }

    /// Leaves the group.
    pub async fn leave(mut self) -> Result<(), ClientError> {
        let request = LeaveGroupRequest {
            group_id: Text::from(&self.group),
            member_id: Text::from(&self.member_id),
            members: vec![MemberIdentity {
                member_id: Text::from(&self.member_id),
                ..MemberIdentity::default()
            }],
        };
        let answer = self.connection.call(&request, 0..=i16::MAX).await?;
        let of_member = answer.members.first().map_or(0, |member| member.error_code);
        Refusal::check(answer.error_code, None)?;
        Ok(Refusal::check(of_member, None)?)
    }
}

/// Whether a code says that the member's generation is over; other codes are errors.
fn is_over(code: i16) -> Result<bool, Refusal> {
    match Refusal::check(code, None) {
        Ok(()) => Ok(false),
        Err(refusal)
            if refusal.is(ErrorCode::RebalanceInProgress)
                || refusal.is(ErrorCode::IllegalGeneration) =>
        {
            Ok(true)
        }
        Err(refusal) => Err(refusal),
    }
}

#[cfg(test)]
mod tests;
