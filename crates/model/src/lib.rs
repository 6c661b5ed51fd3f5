//! The words everything else is written in: names, ids, offsets, epochs and error codes.
//!
//! Nothing here knows bytes on the wire or on disk. A type exists where mixing two values would
//! otherwise compile: an [`Offset`] is not a timestamp, a [`LogId`] is not a partition.

mod error_code;
mod ids;
mod names;
mod numbers;

pub use error_code::ErrorCode;
pub use ids::{LogId, ParseTopicIdError, ProducerEpoch, ProducerId, TopicId};
pub use names::{GroupId, InvalidTopicName, TopicName, TransactionalId};
pub use numbers::{LeaderEpoch, Offset, PartitionIndex};

/// Milliseconds since the Unix epoch, as records carry them; -1 means "none".
pub type TimestampMs = i64;
