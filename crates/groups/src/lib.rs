//! The coordinator of consumer groups, classic ones and those of KIP-848, as a state machine without
//! clock, files or tasks.
//!
//! One [`Coordinator`] answers for the groups of one partition of `__consumer_offsets`. It is given
//! requests and the time, and says what follows from them: records for that partition's log,
//! answers for requests that were kept waiting, patterns to look up ([`Effects`]). The log is the only durable state:
//! [`Coordinator::replay`] folds records back into what a restart may know, and
//! [`Coordinator::snapshot`] gives the shortest log with the same meaning.
//!
//! # What the caller owes
//!
//! - The records of one call are appended in order, as one batch, before the next call.
//! - No answer leaves before the newest record of this coordinator is durable, also answers of
//!   calls that wrote nothing: they may speak of what an earlier call wrote.
//! - [`Coordinator::tick`] is called when [`Coordinator::next_deadline`] has passed.
//!
//! # Reading order
//!
//! [`api`](crate) types first (`api.rs`), then `coordinator.rs` (which group, which timer), then
//! `group.rs` (one group: its offsets and its members), then one of the two kinds of members, with one
//! file per thing that can happen to them: `classic.rs` (the members agree, and one of them shares the
//! partitions) or `consumer.rs` (the broker shares them, by the `assignors.rs`, and leads everyone from what
//! it has to what it is to have). `group/migration.rs` goes from one kind to the other. `records.rs` is the
//! format of the log, Kafka's own.

mod api;
mod assignors;
mod classic;
mod consumer;
mod consumer_protocol;
mod coordinator;
mod group;
mod limits;
mod member_id;
mod partitions;
mod pattern;
mod records;
mod topics;

#[cfg(test)]
mod tests;

pub use api::{
    Call, CommitRequest, ConsumerGroupDescription, ConsumerHeartbeat, ConsumerHeartbeatReply,
    ConsumerMemberDescription, Effects, GroupDescription, GroupError, GroupKind, GroupListing,
    GroupSettings, GroupState, HeartbeatRequest, JOIN_EPOCH, JoinRefused, JoinReply, JoinRequest,
    Joined, JoinedMember, LEAVE_EPOCH, LEAVE_STATIC_EPOCH, Leaver, MemberDescription,
    MigrationPolicy, OffsetToCommit, Protocol, Reply, SyncReply, SyncRequest, Synced, Token,
};
pub use assignors::Assignor;
pub use coordinator::Coordinator;
pub use group::CommittedOffset;
pub use limits::GROUP_RECORD_BYTES_MAX;
pub use partitions::Partitions;
pub use pattern::{FoundPatterns, PatternError, PatternLookup, TopicPattern};
pub use records::{
    ConsumerKey, GroupMetadataValue, GroupRecord, MemberValue, OffsetCommitValue, RecordError,
    RecordKey,
};
pub use topics::{TopicShape, Topics};

/// A number of milliseconds as a duration; nothing below zero.
fn millis(ms: i32) -> std::time::Duration {
    std::time::Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
