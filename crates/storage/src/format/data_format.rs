//! The file `format`: which version wrote the data directory, and the identity of its log.
//!
//! | position | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic `OTFM` |
//! | 4 | 2 | version |
//! | 6 | 2 | zero |
//! | 8 | 8 | wal_id: random, made with the directory; rounds of another log are not ours |
//! | 16 | 4 | CRC-32C of bytes 0 to 15 |
//!
//! A reader looks at the magic and the version first: a newer version may continue differently.
//! Version 2 has Handover entries and version 3 segments that compaction has made, which readers of
//! earlier versions would take for damage.

use super::bytes::{Put, Reader, seal, unseal};

pub(crate) const FILE_NAME: &str = "format";
pub(crate) const MAGIC: u32 = u32::from_le_bytes(*b"OTFM");
/// The version that is written, and the newest that is read.
pub(crate) const VERSION: u16 = 3;
pub(crate) const BYTES: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DataFormat {
    pub wal_id: u64,
    /// Whether it was written by an earlier version.
    pub is_older: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataFormatError {
    Malformed,
    Newer(u16),
}

impl DataFormat {
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.put_u32(MAGIC);
        bytes.put_u16(VERSION);
        bytes.put_u16(0);
        bytes.put_u64(self.wal_id);
        seal(bytes)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DataFormatError> {
        let mut reader = Reader::new(bytes);
        let (magic, version) = (reader.u32(), reader.u16());
        if magic != Some(MAGIC) {
            return Err(DataFormatError::Malformed);
        }
        match version {
            Some(1..=VERSION) => {}
            Some(newer) if newer > VERSION => return Err(DataFormatError::Newer(newer)),
            _ => return Err(DataFormatError::Malformed),
        }
        let body = unseal(bytes.get(..BYTES).unwrap_or(&[])).ok_or(DataFormatError::Malformed)?;
        let mut reader = Reader::new(body);
        reader
            .take(8)
            .and_then(|_| reader.u64())
            .map(|wal_id| Self {
                wal_id,
                is_older: version != Some(VERSION),
            })
            .ok_or(DataFormatError::Malformed)
    }
}
