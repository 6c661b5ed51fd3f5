//! What goes into a coordinator and comes out of it for consumer groups (KIP-848).

use crate::api::GroupState;
use crate::partitions::Partitions;

/// The epoch with which a member joins.
pub const JOIN_EPOCH: i32 = 0;

/// The epoch with which a member leaves.
pub const LEAVE_EPOCH: i32 = -1;

/// The epoch with which a static member leaves that will be back.
pub const LEAVE_STATIC_EPOCH: i32 = -2;

/// A ConsumerGroupHeartbeat request. What is `None` has not changed since the last one.
#[derive(Clone, Debug, Default)]
pub struct ConsumerHeartbeat<'a> {
    /// The group.
    pub group_id: &'a str,
    /// The member's id; a new member may leave it empty (v0).
    pub member_id: &'a str,
    /// The member's epoch, or one of [`JOIN_EPOCH`], [`LEAVE_EPOCH`] and [`LEAVE_STATIC_EPOCH`].
    pub member_epoch: i32,
    /// The id of a static member.
    pub instance_id: Option<&'a str>,
    /// The rack of the client.
    pub rack_id: Option<&'a str>,
    /// The client's own name.
    pub client_id: &'a str,
    /// Where the client connected from.
    pub client_host: &'a str,
    /// How long the member may take to give partitions up.
    pub rebalance_timeout_ms: Option<i32>,
    /// How long the member may be silent; the group's own setting.
    pub session_timeout_ms: i32,
    /// The topics it subscribes to by name.
    pub topics: Option<Vec<&'a str>>,
    /// The pattern of the topics it subscribes to (v1); empty for none. It has been checked with
    /// [`TopicPattern`](crate::TopicPattern).
    pub pattern: Option<&'a str>,
    /// The assignor it wants.
    pub assignor: Option<&'a str>,
    /// The partitions it has and has not given up.
    pub owned: Option<Partitions>,
    /// Randomness for a new member id.
    pub random: [u8; 16],
}

/// The answer to a ConsumerGroupHeartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerHeartbeatReply {
    /// The member's id.
    pub member_id: String,
    /// The member's epoch from now on; what it left with, if it has left.
    pub member_epoch: i32,
    /// What it is to read, if that is not what it knows.
    pub assignment: Option<Partitions>,
}

/// A group as ConsumerGroupDescribe shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerGroupDescription {
    /// Its state.
    pub state: GroupState,
    /// Counts changes of members, subscriptions and topics.
    pub group_epoch: i32,
    /// The group epoch that the target assignment was made for.
    pub assignment_epoch: i32,
    /// The assignor in use.
    pub assignor_name: &'static str,
    /// Its members.
    pub members: Vec<ConsumerMemberDescription>,
}

/// A member within [`ConsumerGroupDescription`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerMemberDescription {
    /// The member's id.
    pub member_id: String,
    /// Its instance id, if it is a static one.
    pub instance_id: Option<String>,
    /// The rack of the client.
    pub rack_id: Option<String>,
    /// Its epoch.
    pub member_epoch: i32,
    /// The client's own name.
    pub client_id: String,
    /// Where it connected from.
    pub client_host: String,
    /// The topics it subscribes to by name.
    pub topics: Vec<String>,
    /// The pattern of the topics it subscribes to.
    pub pattern: Option<String>,
    /// What it has been given.
    pub assigned: Partitions,
    /// What it is to have in the end.
    pub target: Partitions,
    /// Whether it speaks the classic protocol.
    pub is_classic: bool,
}
