//! The formats of the write-ahead log and of checkpoints, read from their description and not with
//! the engine's code.

use crate::batch::crc32c;

pub(super) const SECTOR_BYTES: usize = 4096;

const ROUND_MAGIC: u32 = u32::from_le_bytes(*b"OTRD");
const ROUND_HEADER_BYTES: usize = 64;
const ENTRY_BYTES: usize = 40;
const CHECKPOINT_MAGIC: u32 = u32::from_le_bytes(*b"OTCP");

/// The header of a round, and what it holds.
#[derive(Clone, Debug)]
pub(super) struct RoundContent {
    pub seq: u64,
    pub durable_seq: u64,
    pub writer_epoch: u32,
    pub prev_crc: u32,
    pub header_crc: u32,
    /// Header, table and payloads. What a torn write leaves behind them is of no account.
    pub bytes_without_padding: usize,
    pub entries: Vec<Entry>,
}

/// An entry of a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub log_id: u32,
    pub leader_epoch: i32,
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Batch {
        base: i64,
        last: i64,
        payload: Vec<u8>,
    },
    LogStart(i64),
    /// A start of the broker, or the slot in which the log goes on.
    OfNoLog,
}

/// What a checkpoint says.
#[derive(Clone, Debug)]
pub(super) struct Checkpoint {
    pub generation: u64,
    pub release_seq: u64,
    pub prev_crc: u32,
    pub logs: Vec<CheckpointLog>,
}

/// What a checkpoint says of a log.
#[derive(Clone, Debug)]
pub(super) struct CheckpointLog {
    pub log_id: u32,
    pub log_start: i64,
    pub flushed_end: i64,
    /// -1 if there is none.
    pub snapshot_offset: i64,
    pub segments: Vec<CheckpointSegment>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct CheckpointSegment {
    pub base_offset: i64,
    pub end_offset: i64,
    pub bytes: u64,
    /// Above 0 it is what compaction has left.
    pub generation: u32,
}

/// Takes numbers from the front.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (front, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*front)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn i32(&mut self) -> Option<i32> {
        self.take().map(i32::from_le_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.take().map(i64::from_le_bytes)
    }
}

/// The round that the bytes are, with its padding and nothing else.
pub(super) fn round(bytes: &[u8]) -> Option<RoundContent> {
    let (header, body) = bytes.split_at_checked(ROUND_HEADER_BYTES)?;
    let mut fields = Reader(header);
    let is_ours = fields.u32()? == ROUND_MAGIC && fields.u16()? == 1 && fields.u16()? == 0;
    let (_wal_id, _file_number) = (fields.u64()?, fields.u64()?);
    let (seq, durable_seq) = (fields.u64()?, fields.u64()?);
    let (writer_epoch, count, body_bytes) = (fields.u32()?, fields.u32()?, fields.u32()?);
    let (prev_crc, table_crc, header_crc) = (fields.u32()?, fields.u32()?, fields.u32()?);
    if !is_ours || crc32c(&header[..60]) != header_crc {
        return None;
    }
    let (body, padding) = body.split_at_checked(body_bytes as usize)?;
    if padding.len() >= SECTOR_BYTES || padding.iter().any(|byte| *byte != 0) {
        return None;
    }
    let (table, mut payloads) = body.split_at_checked(count as usize * ENTRY_BYTES)?;
    if crc32c(table) != table_crc {
        return None;
    }
    let entries = table
        .chunks(ENTRY_BYTES)
        .map(|fields| entry(fields, &mut payloads))
        .collect::<Option<Vec<_>>>()?;
    payloads.is_empty().then_some(RoundContent {
        seq,
        durable_seq,
        writer_epoch,
        prev_crc,
        header_crc,
        bytes_without_padding: ROUND_HEADER_BYTES + body_bytes as usize,
        entries,
    })
}

fn entry(fields: &[u8], payloads: &mut &[u8]) -> Option<Entry> {
    let mut fields = Reader(fields);
    let kind = fields.u32()?;
    let (log_id, bytes, crc) = (fields.u32()?, fields.u32()?, fields.u32()?);
    let base = fields.i64()?;
    let (delta, leader_epoch) = (fields.i32()?, fields.i32()?);
    let (payload, rest) = payloads.split_at_checked(bytes as usize)?;
    *payloads = rest;
    // The checksum of a batch's entry covers its header.
    if crc32c(&payload[..payload.len().min(61)]) != crc {
        return None;
    }
    let content = match kind {
        1 => Content::Batch {
            base,
            last: base + i64::from(delta),
            payload: payload.to_vec(),
        },
        2 => Content::LogStart(base),
        4 | 6 => Content::OfNoLog,
        _ => return None,
    };
    Some(Entry {
        log_id,
        leader_epoch,
        content,
    })
}

/// The checkpoint that the bytes are.
pub(super) fn checkpoint(bytes: &[u8]) -> Option<Checkpoint> {
    let (body, crc) = bytes.split_last_chunk::<4>()?;
    if crc32c(body) != u32::from_le_bytes(*crc) {
        return None;
    }
    let mut fields = Reader(body);
    if fields.u32()? != CHECKPOINT_MAGIC || fields.u16()? != 3 || fields.u16()? != 0 {
        return None;
    }
    let (generation, _wal_id) = (fields.u64()?, fields.u64()?);
    let (release_seq, prev_crc) = (fields.u64()?, fields.u32()?);
    let (_writer_epoch, _file_number) = (fields.u32()?, fields.u64()?);
    let _next_log_id = fields.u32()?;
    let (_attested_seq, _attested_slot) = (fields.u64()?, fields.u32()?);
    let count = fields.u32()?;
    let logs = (0..count)
        .map(|_| checkpoint_log(&mut fields))
        .collect::<Option<Vec<_>>>()?;
    Some(Checkpoint {
        generation,
        release_seq,
        prev_crc,
        logs,
    })
}

fn checkpoint_log(fields: &mut Reader<'_>) -> Option<CheckpointLog> {
    let (log_id, _flags) = (fields.u32()?, fields.u32()?);
    let (log_start, flushed_end) = (fields.i64()?, fields.i64()?);
    let (quarantined_from, snapshot_offset) = (fields.i64()?, fields.i64()?);
    let _clean_end = fields.i64()?;
    for _ in 0..fields.u32()? {
        let (_epoch, _start) = (fields.i32()?, fields.i64()?);
    }
    let count = fields.u32()?;
    let segments = (0..count)
        .map(|_| {
            let (base_offset, end_offset) = (fields.i64()?, fields.i64()?);
            let bytes = fields.u64()?;
            let (_max_timestamp, _created_ms) = (fields.i64()?, fields.i64()?);
            let _ends: [u8; 12] = fields.take()?;
            let generation = fields.u32()?;
            Some(CheckpointSegment {
                base_offset,
                end_offset,
                bytes,
                generation,
            })
        })
        .collect::<Option<Vec<_>>>()?;
    // Nobody damages the disk here, so no log may be called damaged.
    (quarantined_from == -1).then_some(CheckpointLog {
        log_id,
        log_start,
        flushed_end,
        snapshot_offset,
        segments,
    })
}
