//! Bounds that are not settings.

use std::time::Duration;

/// How long a member that has never been part of a generation may wait in JoinGroup before it is
/// taken for gone (Kafka's `group.new.member.join.timeout.ms`): it has no session yet, and a client
/// that gave up and asked again would otherwise leave a member behind each time.
pub(crate) const NEW_MEMBER_JOIN_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// Member ids one group may have given out that have not come back yet. Each is kept for a session
/// timeout, so this bounds what a client can make the broker remember by asking again and again.
pub(crate) const PENDING_MEMBERS_MAX: usize = 10_000;

/// Shortest wait before a rebalance that nobody has joined is looked at again; keeps a group of
/// absent static members with a rebalance timeout of 0 from spinning.
pub(crate) const POSTPONED_JOIN_MIN: Duration = Duration::from_secs(1);

/// The part of a client or instance id that goes into member ids. A record has room for texts of
/// 32767 bytes, and the random part needs 37 of them.
pub(crate) const MEMBER_NAME_BYTES_MAX: usize = 32_000;

const _: () = assert!(MEMBER_NAME_BYTES_MAX + 37 <= i16::MAX as usize);

/// The metadata one member may bring, for all its protocols together.
pub(crate) const MEMBER_METADATA_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The record of one group. It has to fit a batch that the storage engine takes (half a slot of its
/// write-ahead log, 32 MiB); Kafka's own bound is `max.message.bytes`, 1 MiB.
pub const GROUP_RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The records of one commit together. Each repeats the names of its group and its topic, so that a request of
/// many offsets could become many times as large.
pub(crate) const COMMIT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What a record of an offset takes beside its texts, at most.
pub(crate) const OFFSET_RECORD_OVERHEAD_BYTES: usize = 64;

/// The memory that a compiled pattern may take. A list of a thousand topic names fits.
pub(crate) const PATTERN_PROGRAM_BYTES_MAX: usize = 1024 * 1024;

/// The topics that one pattern may match, by the length of their names: they stand in one record.
pub(crate) const PATTERN_TOPICS_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long to wait before patterns are looked up again because topics have come or gone.
pub(crate) const PATTERN_LOOKUP_PAUSE: Duration = Duration::from_secs(10);

/// After how long a lookup that has not come back is begun anew.
pub(crate) const PATTERN_LOOKUP_TIMEOUT: Duration = Duration::from_secs(60);
