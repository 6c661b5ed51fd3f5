//! What goes into a coordinator and what comes out of it.

mod consumer;
mod settings;

use std::fmt;

use bytes::Bytes;
use coordination::Now;
use model::{GroupId, TopicName};

use crate::limits::{COMMIT_BYTES_MAX, OFFSET_RECORD_OVERHEAD_BYTES};
use crate::pattern::PatternLookup;
use crate::records::GroupRecord;
use crate::topics::Topics;
pub use consumer::{
    ConsumerGroupDescription, ConsumerHeartbeat, ConsumerHeartbeatReply, ConsumerMemberDescription,
    JOIN_EPOCH, LEAVE_EPOCH, LEAVE_STATIC_EPOCH,
};
pub use settings::{GroupSettings, MigrationPolicy};

/// What a call is decided by besides its request, and where its effects go.
pub struct Call<'a> {
    /// When it is.
    pub now: Now,
    /// The topics there are.
    pub topics: &'a dyn Topics,
    /// What follows from it.
    pub effects: &'a mut Effects,
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call at {:?}", self.now)
    }
}

/// The caller's name for a request that is kept waiting; must not be used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(pub u64);

/// What follows from calls, in order.
#[derive(Debug, Default)]
pub struct Effects {
    /// Records to append to the coordinator's log.
    pub records: Vec<GroupRecord>,
    /// Records to append as a batch of the transaction that the call was made for; when they are in the
    /// log they go to [`Coordinator::add_pending`](crate::Coordinator::add_pending).
    pub transactional: Vec<GroupRecord>,
    /// Answers to requests that were given a token. Each token is answered exactly once.
    pub replies: Vec<(Token, Reply)>,
    /// Patterns to be looked up aside; what is found goes to
    /// [`Coordinator::patterns_found`](crate::Coordinator::patterns_found).
    pub lookups: Vec<PatternLookup>,
}

/// The answer to a request that was given a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To a JoinGroup.
    Join(JoinReply),
    /// To a SyncGroup.
    Sync(SyncReply),
}

/// The answer to a JoinGroup.
pub type JoinReply = Result<Joined, JoinRefused>;

/// The answer to a SyncGroup.
pub type SyncReply = Result<Synced, GroupError>;

/// Why a coordinator refuses, as the caller must tell it to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupError {
    /// The group id is empty where it may not be, or longer than a record can hold.
    InvalidGroupId,
    /// The session timeout is outside the bounds of the settings.
    InvalidSessionTimeout,
    /// The group has no such member: join again without an id.
    UnknownMemberId,
    /// The member is of another generation: join again.
    IllegalGeneration,
    /// No protocol is supported by all members, or the type or name is not the group's.
    InconsistentGroupProtocol,
    /// Join again with the id this answer gives (KIP-394).
    MemberIdRequired,
    /// The group has as many members as it may have.
    GroupMaxSizeReached,
    /// Another member has taken over this instance id (KIP-345).
    FencedInstanceId,
    /// A rebalance is under way: join again.
    RebalanceInProgress,
    /// The group has members.
    NonEmptyGroup,
    /// There is no such group.
    GroupIdNotFound,
    /// A member reads the topic, so that the offsets are in use.
    GroupSubscribedToTopic,
    /// The metadata of this commit is too long.
    OffsetMetadataTooLarge,
    /// The records of all offsets of this commit together are too large.
    CommitTooLarge,
    /// What the members bring, or what they are assigned, does not fit a record.
    GroupTooLarge,
    /// The member is of an epoch that the group does not know it in: it has to give up everything and
    /// join again.
    FencedMemberEpoch,
    /// The member has another epoch by now.
    StaleMemberEpoch,
    /// The instance id belongs to a member that has not left.
    UnreleasedInstanceId,
    /// The version of the request knows no member epochs.
    UnsupportedVersion,
    /// The request contradicts itself or what the member said before, or a text in it is too long.
    InvalidRequest,
}

impl fmt::Display for GroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidGroupId => "the group id is empty or too long",
            Self::InvalidSessionTimeout => "the session timeout is not within the broker's bounds",
            Self::UnknownMemberId => "the group has no such member",
            Self::IllegalGeneration => "the member is not of the group's generation",
            Self::InconsistentGroupProtocol => "the group's members have no protocol in common",
            Self::MemberIdRequired => "the member must join with the id given to it",
            Self::GroupMaxSizeReached => "the group is full",
            Self::FencedInstanceId => "another member has taken over the instance id",
            Self::RebalanceInProgress => "the group is rebalancing",
            Self::NonEmptyGroup => "the group has members",
            Self::GroupIdNotFound => "there is no such group",
            Self::GroupSubscribedToTopic => "a member of the group reads the topic",
            Self::CommitTooLarge => "the offsets are too many for one request",
            Self::OffsetMetadataTooLarge => "the metadata of the offset is too long",
            Self::GroupTooLarge => "the metadata or the assignments do not fit a record",
            Self::FencedMemberEpoch => "the member must give up its partitions and join again",
            Self::StaleMemberEpoch => "the member has another epoch",
            Self::UnreleasedInstanceId => "another member has the instance id and has not left",
            Self::UnsupportedVersion => "the version of the request knows no member epochs",
            Self::InvalidRequest => "a text is too long, or the instance id is not the member's",
        })
    }
}

impl std::error::Error for GroupError {}

/// A protocol a member supports: a name, and bytes only the leader reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// The name, for example of an assignor.
    pub name: String,
    /// The member's metadata under this protocol.
    pub metadata: Bytes,
}

impl Protocol {
    /// The same with bytes of its own: those of a request are a part of its frame, and would keep all of
    /// that in memory.
    pub(crate) fn detached(&self) -> Self {
        Self {
            name: self.name.clone(),
            metadata: Bytes::copy_from_slice(&self.metadata),
        }
    }
}

/// A JoinGroup request.
#[derive(Clone, Debug)]
pub struct JoinRequest {
    /// The group.
    pub group_id: String,
    /// The member's id; empty if it has none yet.
    pub member_id: String,
    /// The id of a static member (v5, KIP-345).
    pub group_instance_id: Option<String>,
    /// The client's own name.
    pub client_id: String,
    /// Where the client connected from, as DescribeGroups shows it.
    pub client_host: String,
    /// How long the member may be silent.
    pub session_timeout_ms: i32,
    /// How long a rebalance waits for the member; the session timeout where the request has none
    /// (v0).
    pub rebalance_timeout_ms: i32,
    /// What kind of members these are, `consumer` for consumers.
    pub protocol_type: String,
    /// What the member supports, best first.
    pub protocols: Vec<Protocol>,
    /// Whether a member without an id must come back with one before it counts (v4, KIP-394).
    pub requires_known_member_id: bool,
    /// Whether the client knows an answer that spares its leader the assignment (v9).
    pub supports_skipping_assignment: bool,
    /// Randomness for a new member id.
    pub random: [u8; 16],
}

/// A member has been let into a generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The generation.
    pub generation_id: i32,
    /// The protocol type of the group.
    pub protocol_type: String,
    /// The protocol chosen by vote.
    pub protocol_name: String,
    /// The member id of the leader.
    pub leader: String,
    /// The member's own id.
    pub member_id: String,
    /// Whether a leader must not assign, because what was assigned still stands (v9).
    pub skip_assignment: bool,
    /// All members, for the leader; empty for the others.
    pub members: Vec<JoinedMember>,
}

/// What a leader learns of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedMember {
    /// The member's id.
    pub member_id: String,
    /// Its instance id, if it is a static one.
    pub group_instance_id: Option<String>,
    /// Its metadata under the chosen protocol.
    pub metadata: Bytes,
}

/// A JoinGroup is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRefused {
    /// Why.
    pub error: GroupError,
    /// The member id to answer with: the one to come back with for
    /// [`GroupError::MemberIdRequired`], else the request's own or an empty one.
    pub member_id: String,
}

/// A SyncGroup request.
#[derive(Clone, Debug)]
pub struct SyncRequest {
    /// The group.
    pub group_id: String,
    /// The member's id.
    pub member_id: String,
    /// The id of a static member (v3).
    pub group_instance_id: Option<String>,
    /// The generation it was let into.
    pub generation_id: i32,
    /// The protocol type it was told (v5); not checked if absent.
    pub protocol_type: Option<String>,
    /// The protocol it was told (v5); not checked if absent.
    pub protocol_name: Option<String>,
    /// What the leader assigns, by member id; empty from the others.
    pub assignments: Vec<(String, Bytes)>,
}

/// A member's assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synced {
    /// The protocol type of the group.
    pub protocol_type: String,
    /// The protocol chosen.
    pub protocol_name: String,
    /// What the leader assigned; empty if it assigned nothing.
    pub assignment: Bytes,
}

/// A Heartbeat request.
#[derive(Clone, Copy, Debug)]
pub struct HeartbeatRequest<'a> {
    /// The group.
    pub group_id: &'a str,
    /// The member's id.
    pub member_id: &'a str,
    /// The id of a static member (v3).
    pub group_instance_id: Option<&'a str>,
    /// The generation it was let into.
    pub generation_id: i32,
}

/// A member that leaves, or that an administrator removes by its instance id alone.
#[derive(Clone, Copy, Debug)]
pub struct Leaver<'a> {
    /// The member's id; may be empty if there is an instance id.
    pub member_id: &'a str,
    /// The id of a static member (v3).
    pub group_instance_id: Option<&'a str>,
}

/// An OffsetCommit request whose topics exist.
#[derive(Clone, Debug)]
pub struct CommitRequest<'a> {
    /// The group; here the empty id is allowed.
    pub group_id: &'a str,
    /// The member's id; empty from a client outside the group.
    pub member_id: &'a str,
    /// The id of a static member (v7).
    pub group_instance_id: Option<&'a str>,
    /// The generation or the member epoch; -1 from a client outside the group.
    pub generation_id: i32,
    /// Whether the version of the request knows member epochs (v9).
    pub knows_member_epochs: bool,
    /// How long to keep the offsets, from versions that say so (v2-4); `None` for the broker's own
    /// retention.
    pub retention_ms: Option<i64>,
    /// The offsets.
    pub offsets: Vec<OffsetToCommit>,
}

impl CommitRequest<'_> {
    /// Refuses what would become too large as records.
    pub(crate) fn check_size(&self) -> Result<(), GroupError> {
        let sizes = self.offsets.iter().map(|offset| {
            let texts = self.group_id.len() + offset.topic.len() + offset.metadata.len();
            texts + OFFSET_RECORD_OVERHEAD_BYTES
        });
        match sizes.sum::<usize>() <= COMMIT_BYTES_MAX {
            true => Ok(()),
            false => Err(GroupError::CommitTooLarge),
        }
    }

    /// Whether it does not say which member it is from.
    pub(crate) fn names_nobody(&self) -> bool {
        self.generation_id < 0 && self.member_id.is_empty() && self.group_instance_id.is_none()
    }
}

/// One offset of a [`CommitRequest`].
#[derive(Clone, Debug)]
pub struct OffsetToCommit {
    /// The topic.
    pub topic: TopicName,
    /// The partition.
    pub partition: i32,
    /// The next offset to be read.
    pub offset: i64,
    /// The leader epoch of the last record read; -1 if unknown.
    pub leader_epoch: i32,
    /// What the client wants to keep beside it.
    pub metadata: String,
}

/// The state of a group, under the names Kafka's tools show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupState {
    /// No members; perhaps offsets.
    Empty,
    /// Members are awaited.
    PreparingRebalance,
    /// The leader's assignment is awaited.
    CompletingRebalance,
    /// All is assigned. In a consumer group: and everyone has what it is to have.
    Stable,
    /// In a consumer group: what members are to have is not known yet.
    Assigning,
    /// In a consumer group: members are on their way to what they are to have.
    Reconciling,
    /// There is no such group.
    Dead,
}

impl GroupState {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Empty,
        Self::PreparingRebalance,
        Self::CompletingRebalance,
        Self::Stable,
        Self::Assigning,
        Self::Reconciling,
        Self::Dead,
    ];

    /// Kafka's name of the state.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Assigning => "Assigning",
            Self::Reconciling => "Reconciling",
            Self::Dead => "Dead",
        }
    }

    /// The state with this name, whatever the case of its letters (KIP-518).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|state| state.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for GroupState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which protocol the members of a group speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// Members share among themselves, led by one of them.
    Classic,
    /// The broker shares out (KIP-848).
    Consumer,
}

impl GroupKind {
    /// Kafka's name of the kind.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Consumer => "consumer",
        }
    }
}

/// One line of ListGroups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupListing {
    /// The group.
    pub group_id: GroupId,
    /// Its kind.
    pub kind: GroupKind,
    /// Its protocol type; empty if it only has offsets.
    pub protocol_type: String,
    /// Its state.
    pub state: GroupState,
}

/// A group as DescribeGroups shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDescription {
    /// Its state.
    pub state: GroupState,
    /// Its generation.
    pub generation_id: i32,
    /// Its protocol type; empty if it only has offsets.
    pub protocol_type: String,
    /// The protocol in use; empty unless the group is stable.
    pub protocol_name: String,
    /// Its members. Metadata is empty unless the group is stable.
    pub members: Vec<MemberDescription>,
}

/// A member within [`GroupDescription`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberDescription {
    /// The member's id.
    pub member_id: String,
    /// Its instance id, if it is a static one.
    pub group_instance_id: Option<String>,
    /// The client's own name.
    pub client_id: String,
    /// Where it connected from.
    pub client_host: String,
    /// Its metadata under the protocol in use.
    pub metadata: Bytes,
    /// What it was assigned last.
    pub assignment: Bytes,
}
