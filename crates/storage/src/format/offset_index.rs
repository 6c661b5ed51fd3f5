//! An offset index (`<base offset>.index`): where some of the batches of a segment begin.
//!
//! A header of 24 bytes: magic `OTOI` 4, version 3, zero 2, base offset of the segment 8, log_id 4,
//! generation of the segment 4.
//! Then entries of 16 bytes in rising order:
//!
//! | position | bytes | field |
//! |---|---|---|
//! | 0 | 4 | offset of the batch, less the base offset of the segment |
//! | 4 | 4 | zero |
//! | 8 | 4 | position of the batch in the segment file |
//! | 12 | 4 | CRC-32C of bytes 0 to 11, continued over base offset, log_id and generation |
//!
//! Version 2 had no generation, and version 1 no log_id either. They count as damaged.
//!
//! The file is not forced: an entry speaks for itself, and whatever is missing is found by
//! reading the segment on from the last sound entry.

use super::bytes::{Put, Reader, crc32c};

pub(crate) const MAGIC: u32 = u32::from_le_bytes(*b"OTOI");
pub(crate) const VERSION: u16 = 3;
pub(crate) const HEADER_BYTES: usize = 24;
pub(crate) const ENTRY_BYTES: usize = 16;

/// The segment that an index is of. It goes into every checksum, so that an entry of another one is
/// not taken for one of this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IndexOf {
    pub log_id: u32,
    pub base_offset: i64,
    pub generation: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OffsetIndexEntry {
    pub offset_delta: u32,
    pub position: u32,
}

pub(crate) fn encode_header(segment: IndexOf) -> Vec<u8> {
    header(MAGIC, VERSION, segment)
}

pub(crate) fn encode_entry(segment: IndexOf, entry: OffsetIndexEntry, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    bytes.put_u32(entry.offset_delta);
    bytes.put_u32(0);
    bytes.put_u32(entry.position);
    seal_entry(segment, start, bytes);
}

/// The sound entries at the front of the file, up to the first that is not above the one before.
pub(crate) fn decode(bytes: &[u8], segment: IndexOf) -> Vec<OffsetIndexEntry> {
    let mut entries: Vec<OffsetIndexEntry> = Vec::new();
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
            last.offset_delta >= entry.offset_delta || last.position >= entry.position
        }) {
            break;
        }
        entries.push(entry);
    }
    entries
}

fn decode_entry(bytes: &[u8], segment: IndexOf) -> Option<OffsetIndexEntry> {
    let mut reader = Reader::new(unseal_entry(bytes, segment)?);
    let offset_delta = reader.u32()?;
    let zero = reader.u32()?;
    let position = reader.u32()?;
    (zero == 0).then_some(OffsetIndexEntry {
        offset_delta,
        position,
    })
}

/// The header that both kinds of index have.
pub(super) fn header(magic: u32, version: u16, segment: IndexOf) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    bytes.put_u32(magic);
    bytes.put_u16(version);
    bytes.put_u16(0);
    bytes.put_i64(segment.base_offset);
    bytes.put_u32(segment.log_id);
    bytes.put_u32(segment.generation);
    bytes
}

/// Appends the checksum of an entry that begins at `start`.
pub(super) fn seal_entry(segment: IndexOf, start: usize, bytes: &mut Vec<u8>) {
    let crc = entry_crc(bytes.get(start..).unwrap_or(&[]), segment);
    bytes.put_u32(crc);
}

/// Takes off the checksum that [`seal_entry`] appended; `None` if it is wrong.
pub(super) fn unseal_entry(bytes: &[u8], segment: IndexOf) -> Option<&[u8]> {
    let (body, crc) = bytes.split_last_chunk::<4>()?;
    (u32::from_le_bytes(*crc) == entry_crc(body, segment)).then_some(body)
}

fn entry_crc(body: &[u8], segment: IndexOf) -> u32 {
    let mut covered = Vec::with_capacity(24);
    covered.put(body);
    covered.put_i64(segment.base_offset);
    covered.put_u32(segment.log_id);
    covered.put_u32(segment.generation);
    crc32c(&covered)
}
