//! A time index (`<base offset>.timeindex`): how the largest timestamp of a segment grows.
//!
//! A header of 24 bytes: magic `OTTI` 4, version 3, zero 2, base offset of the segment 8, log_id 4,
//! generation of the segment 4. Then entries of 16 bytes, one for each entry of the offset index:
//!
//! | position | bytes | field |
//! |---|---|---|
//! | 0 | 8 | a timestamp in milliseconds: the largest of the batches up to and with that offset |
//! | 8 | 4 | offset of the batch, less the base offset of the segment |
//! | 12 | 4 | CRC-32C of bytes 0 to 11, continued over base offset, log_id and generation |
//!
//! Not forced, like the offset index, and with the same versions.

use super::bytes::{Put, Reader};
use super::offset_index::{IndexOf, header, seal_entry, unseal_entry};

pub(crate) const MAGIC: u32 = u32::from_le_bytes(*b"OTTI");
pub(crate) const VERSION: u16 = 3;
pub(crate) const HEADER_BYTES: usize = 24;
pub(crate) const ENTRY_BYTES: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeIndexEntry {
    pub max_timestamp: i64,
    pub offset_delta: u32,
}

pub(crate) fn encode_header(segment: IndexOf) -> Vec<u8> {
    header(MAGIC, VERSION, segment)
}

pub(crate) fn encode_entry(segment: IndexOf, entry: TimeIndexEntry, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    bytes.put_i64(entry.max_timestamp);
    bytes.put_u32(entry.offset_delta);
    seal_entry(segment, start, bytes);
}

/// The sound entries at the front of the file, up to the first that is not above the one before.
pub(crate) fn decode(bytes: &[u8], segment: IndexOf) -> Vec<TimeIndexEntry> {
    let mut entries: Vec<TimeIndexEntry> = Vec::new();
    let Some((found, rest)) = bytes.split_at_checked(HEADER_BYTES) else {
        return entries;
    };
    if found != encode_header(segment) {
        return entries;
    }
    for bytes in rest.chunks_exact(ENTRY_BYTES) {
        let Some(entry) = decode_entry(bytes, segment) else {
            break;
        };
        if entries.last().is_some_and(|last| {
            last.max_timestamp > entry.max_timestamp || last.offset_delta >= entry.offset_delta
        }) {
            break;
        }
        entries.push(entry);
    }
    entries
}

fn decode_entry(bytes: &[u8], segment: IndexOf) -> Option<TimeIndexEntry> {
    let mut reader = Reader::new(unseal_entry(bytes, segment)?);
    Some(TimeIndexEntry {
        max_timestamp: reader.i64()?,
        offset_delta: reader.u32()?,
    })
}
