//! Block 0 of a slot of the write-ahead log (`wal/slot-NN`). Written when the slot is made, and
//! never again; the rest of the block is zero.
//!
//! | position | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic `OTSL` |
//! | 4 | 2 | version |
//! | 6 | 2 | zero |
//! | 8 | 8 | wal_id |
//! | 16 | 8 | length of the slot in bytes, with this block |
//! | 24 | 4 | number of the slot, as in its name |
//! | 28 | 4 | CRC-32C of bytes 0 to 27 |
//!
//! Version 1 had no number.

use super::bytes::{Put, Reader, seal, unseal};

pub(crate) const MAGIC: u32 = u32::from_le_bytes(*b"OTSL");
pub(crate) const VERSION: u16 = 2;
pub(crate) const BYTES: usize = 32;
const BYTES_V1: usize = 28;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotHeader {
    pub wal_id: u64,
    pub slot_bytes: u64,
    /// `None` in slots of version 1.
    pub index: Option<u32>,
}

impl SlotHeader {
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.put_u32(MAGIC);
        bytes.put_u16(VERSION);
        bytes.put_u16(0);
        bytes.put_u64(self.wal_id);
        bytes.put_u64(self.slot_bytes);
        bytes.put_u32(self.index.unwrap_or(0));
        seal(bytes)
    }

    /// `None` when the block does not hold a header of a known version.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        Self::decode_version(bytes.get(..BYTES)?, VERSION)
            .or_else(|| Self::decode_version(bytes.get(..BYTES_V1)?, 1))
    }

    fn decode_version(bytes: &[u8], version: u16) -> Option<Self> {
        let mut reader = Reader::new(unseal(bytes)?);
        if reader.u32()? != MAGIC || reader.u16()? != version || reader.u16()? != 0 {
            return None;
        }
        Some(Self {
            wal_id: reader.u64()?,
            slot_bytes: reader.u64()?,
            index: match version {
                1 => None,
                _ => Some(reader.u32()?),
            },
        })
    }
}
