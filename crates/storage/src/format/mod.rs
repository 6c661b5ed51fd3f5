//! What lies on disk, one structure per file: its layout, how it is written, how it is read.
//!
//! All numbers are little-endian, except inside record batches, which are Kafka's. Every structure
//! has a checksum (CRC-32C) of its own. Reading never trusts a length: what does not fit is
//! refused. So are numbers that no broker can have given out, whatever the checksum says: who works
//! with what was read may add to it.

pub(crate) mod bytes;
pub(crate) mod checkpoint;
pub(crate) mod data_format;
pub(crate) mod entry;
pub(crate) mod offset_index;
pub(crate) mod producer_snapshot;
pub(crate) mod round;
pub(crate) mod slot_header;
pub(crate) mod time_index;

/// The largest offset that is taken for one.
pub(crate) const OFFSET_MAX: i64 = 1 << 62;
/// The largest number that is taken for something counted: rounds, starts of slots, checkpoints.
pub(crate) const COUNTER_MAX: u64 = 1 << 50;

/// Whether a number can be an offset.
pub(crate) fn is_offset(offset: i64) -> bool {
    (0..=OFFSET_MAX).contains(&offset)
}

#[cfg(test)]
mod tests;
