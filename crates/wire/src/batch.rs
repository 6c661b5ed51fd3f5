//! Record batches, format 2 (magic 2): the unit in which records are sent, stored and read.
//!
//! A batch is a header of 61 bytes and the records, which may be compressed as a whole. All numbers
//! of the header are big-endian:
//!
//! | at | field | type |
//! | -- | ----- | ---- |
//! | 0  | base offset | i64 |
//! | 8  | length: bytes after this field | i32 |
//! | 12 | partition leader epoch | i32 |
//! | 16 | magic | i8 |
//! | 17 | CRC-32C of everything after this field | u32 |
//! | 21 | attributes | i16 |
//! | 23 | last offset delta | i32 |
//! | 27 | base timestamp | i64 |
//! | 35 | max timestamp | i64 |
//! | 43 | producer id | i64 |
//! | 51 | producer epoch | i16 |
//! | 53 | base sequence | i32 |
//! | 57 | record count | i32 |
//!
//! Base offset, length, leader epoch and magic lie outside the checksum, so the broker can set them
//! in place. A reader continues at last offset + 1: compaction may remove records and leave the
//! header's offsets as they were, so the count says nothing about offsets.

mod builder;
mod header;
mod records;
mod rewrite;
mod varint;
mod view;

pub use builder::{BatchBuilder, NewRecord};
pub use header::{Attributes, BatchHeader, HEADER_BYTES, MAGIC};
pub use records::{Headers, RecordError, RecordView, Records};
pub use rewrite::{recompress, retain};
pub use varint::len as varint_bytes;
pub use view::{BatchError, BatchView, Batches, stamp, stamp_log_append_time};

#[cfg(test)]
mod tests;
