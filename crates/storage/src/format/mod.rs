//! What lies on disk, one structure per file: its layout, how it is written, how it is read.
//!
//! All numbers are little-endian, except inside record batches, which are Kafka's. Every structure
//! has a checksum (CRC-32C) of its own. Reading never trusts a length: what does not fit is
//! refused.

pub(crate) mod bytes;
pub(crate) mod checkpoint;
pub(crate) mod data_format;
pub(crate) mod entry;
pub(crate) mod offset_index;
pub(crate) mod producer_snapshot;
pub(crate) mod round;
pub(crate) mod slot_header;
pub(crate) mod time_index;

#[cfg(test)]
mod tests;
