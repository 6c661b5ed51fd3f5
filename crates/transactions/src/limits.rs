//! Bounds that are not settings.

/// The record of one transaction. It has to fit a batch that the storage engine takes (half a slot of its
/// write-ahead log, 32 MiB); Kafka's own bound is `max.message.bytes`, 1 MiB.
pub const TRANSACTION_RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The longest transactional id: what its length has room for in a record's key.
pub(crate) const TRANSACTIONAL_ID_BYTES_MAX: usize = i16::MAX as usize;

/// The newest epoch that a producer is given. The one above it is only there to fence that producer.
pub(crate) const PRODUCER_EPOCH_MAX: i16 = i16::MAX - 1;
