//! Caps of this crate, with the relations between them.

use std::time::Duration;

/// Disk reads for fetches that run at the same time. More of them only queue up at the disk.
pub(crate) const DISK_READS_MAX: usize = 16;

/// The metadata log is rewritten when what was appended since the last time exceeds this many
/// bytes, and [`METADATA_GROWTH_FACTOR`] times the bytes of the live state.
pub(crate) const METADATA_REWRITE_BYTES_MIN: u64 = 1024 * 1024;

/// See [`METADATA_REWRITE_BYTES_MIN`].
pub(crate) const METADATA_GROWTH_FACTOR: u64 = 4;

/// Topics that one Metadata request can create. The rest is reported as unknown and created when
/// the client asks again.
pub(crate) const AUTO_CREATED_TOPICS_PER_REQUEST_MAX: usize = 100;

/// The longest a fetch waits, whatever it asks for: what nobody answers within this time, a client
/// has given up.
pub(crate) const FETCH_WAIT_MS_MAX: i32 = 10 * 60 * 1000;

/// A produce request of at most this many bytes takes its space in the write-ahead log at once; a
/// larger one batch by batch.
pub(crate) const RESERVED_AT_ONCE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How far a compressed batch is opened, in bytes, to look at its records. One request at a time on
/// each thread does so.
pub(crate) const BATCH_OPENED_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Records of a refused batch that are named one by one.
pub(crate) const RECORD_ERRORS_MAX: usize = 100;

/// What part of `memory.max.bytes` answers under way may take that were read from disk. Storage uses
/// the other three quarters.
pub(crate) const EGRESS_MEMORY_DIVISOR: i64 = 4;

/// The longest an answer of a coordinator waits for the disk (Kafka's `offsets.commit.timeout.ms`).
pub(crate) const COORDINATOR_ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// A coordinator's records are appended in batches of about this many bytes; a single record may be larger
/// (`groups::GROUP_RECORD_BYTES_MAX`, `transactions::TRANSACTION_RECORD_BYTES_MAX`).
pub(crate) const COORDINATOR_BATCH_BYTES: usize = 1024 * 1024;

/// How much of a coordinator's log is read at once when it is loaded.
pub(crate) const COORDINATOR_LOAD_BYTES: usize = 1024 * 1024;

/// How long to wait before what a log did not take of a coordinator is offered again.
pub(crate) const COORDINATOR_WRITE_RETRY: Duration = Duration::from_secs(1);

/// Deleted topics whose late commits are still recognised. A commit would have to be under way while
/// this many topics are deleted to slip through.
pub(crate) const DELETED_TOPICS_REMEMBERED: usize = 1024;

/// Topics that one request can create, delete or alter.
pub(crate) const CHANGES_PER_REQUEST_MAX: usize = 10_000;

/// The largest request other than Produce. What is decoded of it may take 16 MiB of memory; a group's
/// assignments, the largest thing that clients send, must fit into one record anyway.
pub(crate) const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;
