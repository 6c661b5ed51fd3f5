//! A round of the write-ahead log: what one write brings to disk. A small one may be written again with more (see
//! `wal/growing.rs`).
//!
//! A round starts on a boundary of 4096 bytes, lies in one slot, and is padded with zeros to the
//! next boundary: header, entry table (`entry_count` times 40 bytes, see `entry.rs`), then the
//! payloads in the order of the table.
//!
//! | position | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic `OTRD` |
//! | 4 | 2 | version |
//! | 6 | 2 | flags, zero |
//! | 8 | 8 | wal_id |
//! | 16 | 8 | file_number: rises with each use of a slot |
//! | 24 | 8 | seq: the number of the round, from 1 |
//! | 32 | 8 | durable_seq: the last round known to be forced when this one was built |
//! | 40 | 4 | writer_epoch: rises with each start |
//! | 44 | 4 | entry_count |
//! | 48 | 4 | body_bytes: table and payloads, without padding |
//! | 52 | 4 | prev_crc: header_crc of round seq - 1; 0 for the first |
//! | 56 | 4 | table_crc: CRC-32C of the entry table |
//! | 60 | 4 | header_crc: CRC-32C of bytes 0 to 59 |

use env::SECTOR_BYTES;

use super::bytes::{Put, Reader, seal_in_place, unseal};
use super::{COUNTER_MAX, entry};

pub(crate) const MAGIC: u32 = u32::from_le_bytes(*b"OTRD");
pub(crate) const VERSION: u16 = 1;
pub(crate) const BYTES: usize = 64;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RoundHeader {
    pub wal_id: u64,
    pub file_number: u64,
    pub seq: u64,
    pub durable_seq: u64,
    pub writer_epoch: u32,
    pub entry_count: u32,
    pub body_bytes: u32,
    pub prev_crc: u32,
    pub table_crc: u32,
}

impl RoundHeader {
    /// The header and its header_crc.
    pub(crate) fn encode(&self) -> ([u8; BYTES], u32) {
        let mut bytes = [0; BYTES];
        let mut rest = &mut bytes[..];
        rest.put_u32(MAGIC);
        rest.put_u16(VERSION);
        rest.put_u16(0);
        rest.put_u64(self.wal_id);
        rest.put_u64(self.file_number);
        rest.put_u64(self.seq);
        rest.put_u64(self.durable_seq);
        rest.put_u32(self.writer_epoch);
        rest.put_u32(self.entry_count);
        rest.put_u32(self.body_bytes);
        rest.put_u32(self.prev_crc);
        rest.put_u32(self.table_crc);
        let crc = seal_in_place(&mut bytes);
        (bytes, crc)
    }

    /// The header and its header_crc; `None` when the bytes do not begin with a sound header.
    pub(crate) fn decode(bytes: &[u8]) -> Option<(Self, u32)> {
        let bytes = bytes.get(..BYTES)?;
        let body = unseal(bytes)?;
        let header_crc = u32::from_le_bytes(*bytes.last_chunk::<4>()?);
        let mut reader = Reader::new(body);
        if reader.u32()? != MAGIC || reader.u16()? != VERSION || reader.u16()? != 0 {
            return None;
        }
        let header = Self {
            wal_id: reader.u64()?,
            file_number: reader.u64()?,
            seq: reader.u64()?,
            durable_seq: reader.u64()?,
            writer_epoch: reader.u32()?,
            entry_count: reader.u32()?,
            body_bytes: reader.u32()?,
            prev_crc: reader.u32()?,
            table_crc: reader.u32()?,
        };
        header.is_possible().then_some((header, header_crc))
    }

    fn is_possible(&self) -> bool {
        let counters = [self.file_number, self.seq, self.durable_seq];
        self.table_bytes() <= u64::from(self.body_bytes)
            && counters.iter().all(|counter| *counter <= COUNTER_MAX)
            && self.writer_epoch < i32::MAX.unsigned_abs()
    }

    /// The length of the entry table in bytes.
    pub(crate) fn table_bytes(&self) -> u64 {
        u64::from(self.entry_count) * entry::BYTES as u64
    }

    /// The length of the round on disk with its padding.
    pub(crate) fn padded_bytes(&self) -> u64 {
        padded(BYTES as u64 + u64::from(self.body_bytes))
    }
}

/// The next boundary of a block at or above a length.
pub(crate) fn padded(bytes: u64) -> u64 {
    bytes.next_multiple_of(SECTOR_BYTES as u64)
}
