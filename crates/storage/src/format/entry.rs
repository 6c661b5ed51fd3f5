//! An entry of a round: one batch, or one decision, for one log.
//!
//! | position | bytes | field |
//! |---|---|---|
//! | 0 | 1 | kind: 1 Batch, 2 SetLogStart, 4 Open, 6 Handover; 3 and 5 are reserved |
//! | 1 | 1 | flags, zero; bit 0 is reserved: the entry belongs together with the next one (today that is what a round says) |
//! | 2 | 2 | zero |
//! | 4 | 4 | log_id |
//! | 8 | 4 | bytes: length of the payload |
//! | 12 | 4 | crc: CRC-32C of the payload; for a Batch of its first 61 bytes, as its own covers the rest |
//! | 16 | 8 | base_offset of the batch; the new start of a SetLogStart; the number of the slot of a Handover; -1 for Open |
//! | 24 | 4 | last_offset_delta of the batch, else 0 |
//! | 28 | 4 | leader_epoch the entry was made in |
//! | 32 | 8 | max_timestamp of the batch; the length of the slot of a Handover; else -1 |

use super::bytes::{Put, Reader};
use super::is_offset;

pub(crate) const BYTES: usize = 40;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// A record batch.
    Batch,
    /// The log begins at a later offset from now on.
    SetLogStart,
    /// A start of the broker; the first entry of its writer epoch.
    Open,
    /// The log goes on in another slot; the last entry of this one.
    Handover,
}

impl EntryKind {
    fn code(self) -> u8 {
        match self {
            Self::Batch => 1,
            Self::SetLogStart => 2,
            Self::Open => 4,
            Self::Handover => 6,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Batch),
            2 => Some(Self::SetLogStart),
            4 => Some(Self::Open),
            6 => Some(Self::Handover),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub kind: EntryKind,
    pub log_id: u32,
    pub bytes: u32,
    pub crc: u32,
    pub base_offset: i64,
    pub last_offset_delta: i32,
    pub leader_epoch: i32,
    pub max_timestamp: i64,
}

impl Entry {
    /// The number and the length of the slot in which the log goes on, if the entry says so.
    pub(crate) fn next_slot(&self) -> Option<(u32, u64)> {
        let index = u32::try_from(self.base_offset).ok()?;
        let bytes = u64::try_from(self.max_timestamp).ok()?;
        (self.kind == EntryKind::Handover).then_some((index, bytes))
    }

    pub(crate) fn encode(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let mut rest = &mut bytes[..];
        rest.put(&[self.kind.code(), 0]);
        rest.put_u16(0);
        rest.put_u32(self.log_id);
        rest.put_u32(self.bytes);
        rest.put_u32(self.crc);
        rest.put_i64(self.base_offset);
        rest.put_i32(self.last_offset_delta);
        rest.put_i32(self.leader_epoch);
        rest.put_i64(self.max_timestamp);
        bytes
    }

    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let kind = EntryKind::from_code(reader.u8()?)?;
        if reader.u8()? != 0 || reader.u16()? != 0 {
            return None;
        }
        let entry = Self {
            kind,
            log_id: reader.u32()?,
            bytes: reader.u32()?,
            crc: reader.u32()?,
            base_offset: reader.i64()?,
            last_offset_delta: reader.i32()?,
            leader_epoch: reader.i32()?,
            max_timestamp: reader.i64()?,
        };
        entry.is_possible().then_some(entry)
    }

    fn is_possible(&self) -> bool {
        let is_placed = match self.kind {
            EntryKind::Batch | EntryKind::SetLogStart => is_offset(self.base_offset),
            EntryKind::Open => self.base_offset == -1,
            EntryKind::Handover => self.next_slot().is_some(),
        };
        is_placed && self.last_offset_delta >= 0
    }
}

/// The entries of a table whose payloads take exactly `payload_bytes`; `None` if the table is not
/// sound. The table's checksum is the caller's to check.
pub(crate) fn decode_table(table: &[u8], payload_bytes: u64) -> Option<Vec<Entry>> {
    let mut reader = Reader::new(table);
    let mut entries = Vec::with_capacity(table.len() / BYTES);
    let mut sum = 0u64;
    while reader.remaining() > 0 {
        let entry = Entry::decode(&mut reader)?;
        sum += u64::from(entry.bytes);
        entries.push(entry);
    }
    (sum == payload_bytes).then_some(entries)
}
