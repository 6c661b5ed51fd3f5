//! The files `checkpoint.a` and `checkpoint.b`: what the segments hold, so that the write-ahead log
//! need not be kept. They are written in turn; the sound one with the higher generation counts.
//!
//! | field | bytes |
//! |---|---|
//! | magic `OTCP` | 4 |
//! | version: 3; earlier ones are read too | 2 |
//! | zero | 2 |
//! | generation: rises with each checkpoint | 8 |
//! | wal_id | 8 |
//! | release_seq: rounds up to this one are not needed | 8 |
//! | prev_crc: header_crc of round release_seq | 4 |
//! | writer_epoch: the newest one that was used | 4 |
//! | file_number: the highest one that was used | 8 |
//! | next_log_id | 4 |
//! | attested_seq: rounds up to this one are durable | 8 |
//! | attested_slot: the number of the slot that was written to then | 4 |
//! | count of logs, then the logs in the order of their ids | 4 |
//! | CRC-32C of everything before | 4 |
//!
//! A log:
//!
//! | field | bytes |
//! |---|---|
//! | log_id | 4 |
//! | flags, zero | 4 |
//! | log_start | 8 |
//! | flushed_end: the segments hold every offset from log_start to here | 8 |
//! | quarantined_from: the first damaged offset, -1 if there is none | 8 |
//! | snapshot_offset: the producer snapshot's name, equal to flushed_end; -1 if there is none | 8 |
//! | clean_end: records below it have been compacted with one another | 8 |
//! | count of leader epochs, then each: epoch 4, start offset 8 | 4 |
//! | count of segments, then each: base offset 8, end offset 8, bytes 8, max_timestamp 8, created_ms 8, then its ends: crc of the first batch 4, of the last batch 4, length of the last batch 4, and its generation 4 | 4 |
//! | if quarantined_from is not -1, the damage: number of its code 4, position 8, path below the data directory, what is wrong | 12 |
//!
//! The last segment is the one that is written to if its end offset is flushed_end and its generation
//! 0. Segments of higher generations are what compaction has left.
//!
//! A text: its length in bytes 4, then UTF-8.
//!
//! Version 2 had no clean_end and zero for the generation of a segment: nothing was compacted. Version 1
//! had no attested_seq, no attested_slot, no ends of segments and no damage either. Ends of zeros are not
//! known.

use std::path::Path;

use super::bytes::{Put, Reader, seal, unseal};
use super::{COUNTER_MAX, is_offset};
use crate::damage::{Damage, DamageCode, Quarantine};
use crate::engine::log_directory;

pub(crate) const FILE_NAMES: [&str; 2] = ["checkpoint.a", "checkpoint.b"];
pub(crate) const MAGIC: u32 = u32::from_le_bytes(*b"OTCP");
pub(crate) const VERSION: u16 = 3;
/// Of version 1, which had less.
pub(crate) const LOG_BYTES_MIN: usize = 48;
pub(crate) const EPOCH_BYTES: usize = 12;
pub(crate) const SEGMENT_BYTES: usize = 56;
const SEGMENT_BYTES_V1: usize = 40;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub generation: u64,
    pub wal_id: u64,
    pub release_seq: u64,
    pub prev_crc: u32,
    pub writer_epoch: u32,
    pub file_number: u64,
    pub next_log_id: u32,
    pub attested_seq: u64,
    pub attested_slot: u32,
    pub logs: Vec<LogCheckpoint>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogCheckpoint {
    pub log_id: u32,
    pub log_start: i64,
    pub flushed_end: i64,
    /// With the path of the damage below the data directory.
    pub quarantine: Option<Quarantine>,
    pub snapshot_offset: i64,
    pub clean_end: i64,
    pub epochs: Vec<(i32, i64)>,
    pub segments: Vec<SegmentCheckpoint>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentCheckpoint {
    pub base_offset: i64,
    pub end_offset: i64,
    pub bytes: u64,
    pub max_timestamp: i64,
    pub created_ms: i64,
    pub generation: u32,
    /// `None` if an earlier version wrote it, or there is no batch.
    pub ends: Option<SegmentEnds>,
}

/// By which a segment is told from others: the checksums that its first and its last batch carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SegmentEnds {
    pub first_crc: u32,
    pub last_crc: u32,
    pub last_bytes: u32,
}

impl Checkpoint {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64 + self.logs.len() * 2 * LOG_BYTES_MIN);
        bytes.put_u32(MAGIC);
        bytes.put_u16(VERSION);
        bytes.put_u16(0);
        bytes.put_u64(self.generation);
        bytes.put_u64(self.wal_id);
        bytes.put_u64(self.release_seq);
        bytes.put_u32(self.prev_crc);
        bytes.put_u32(self.writer_epoch);
        bytes.put_u64(self.file_number);
        bytes.put_u32(self.next_log_id);
        bytes.put_u64(self.attested_seq);
        bytes.put_u32(self.attested_slot);
        bytes.put_count(self.logs.len());
        for log in &self.logs {
            log.encode_into(&mut bytes);
        }
        seal(bytes)
    }

    /// `None` when the bytes are not a sound checkpoint of a known version.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(unseal(bytes)?);
        let (magic, version) = (reader.u32()?, reader.u16()?);
        if magic != MAGIC || !(1..=VERSION).contains(&version) || reader.u16()? != 0 {
            return None;
        }
        let mut checkpoint = Self {
            generation: reader.u64()?,
            wal_id: reader.u64()?,
            release_seq: reader.u64()?,
            prev_crc: reader.u32()?,
            writer_epoch: reader.u32()?,
            file_number: reader.u64()?,
            next_log_id: reader.u32()?,
            ..Self::default()
        };
        if version > 1 {
            checkpoint.attested_seq = reader.u64()?;
            checkpoint.attested_slot = reader.u32()?;
        }
        let count = reader.count(LOG_BYTES_MIN)?;
        checkpoint.logs.reserve_exact(count);
        for _ in 0..count {
            let log = LogCheckpoint::decode(&mut reader, version)?;
            checkpoint.logs.push(log);
        }
        (reader.remaining() == 0 && checkpoint.is_possible()).then_some(checkpoint)
    }

    fn is_possible(&self) -> bool {
        let counters = [self.generation, self.release_seq, self.file_number];
        counters.iter().all(|counter| *counter <= COUNTER_MAX)
            && self.writer_epoch < i32::MAX.unsigned_abs()
            && self.logs.is_sorted_by(|one, next| one.log_id < next.log_id)
            && self.logs.iter().all(LogCheckpoint::is_possible)
    }
}

impl LogCheckpoint {
    fn encode_into(&self, bytes: &mut Vec<u8>) {
        bytes.put_u32(self.log_id);
        bytes.put_u32(0);
        bytes.put_i64(self.log_start);
        bytes.put_i64(self.flushed_end);
        bytes.put_i64(self.quarantine.as_ref().map_or(-1, |found| found.from));
        bytes.put_i64(self.snapshot_offset);
        bytes.put_i64(self.clean_end);
        bytes.put_count(self.epochs.len());
        for (epoch, start_offset) in &self.epochs {
            bytes.put_i32(*epoch);
            bytes.put_i64(*start_offset);
        }
        bytes.put_count(self.segments.len());
        for segment in &self.segments {
            bytes.put_i64(segment.base_offset);
            bytes.put_i64(segment.end_offset);
            bytes.put_u64(segment.bytes);
            bytes.put_i64(segment.max_timestamp);
            bytes.put_i64(segment.created_ms);
            let ends = segment.ends.unwrap_or_default();
            bytes.put_u32(ends.first_crc);
            bytes.put_u32(ends.last_crc);
            bytes.put_u32(ends.last_bytes);
            bytes.put_u32(segment.generation);
        }
        if let Some(Quarantine { cause, .. }) = &self.quarantine {
            bytes.put_u32(cause.code.number());
            bytes.put_u64(cause.position);
            for text in [&cause.path.to_string_lossy(), cause.message.as_str()] {
                bytes.put_count(text.len());
                bytes.put(text.as_bytes());
            }
        }
    }

    fn decode(reader: &mut Reader<'_>, version: u16) -> Option<Self> {
        let log_id = reader.u32()?;
        if reader.u32()? != 0 {
            return None;
        }
        let (log_start, flushed_end) = (reader.i64()?, reader.i64()?);
        let quarantined_from = reader.i64()?;
        let mut log = Self {
            log_id,
            log_start,
            flushed_end,
            quarantine: None,
            snapshot_offset: reader.i64()?,
            clean_end: match version {
                1 | 2 => 0,
                _ => reader.i64()?,
            },
            epochs: Vec::new(),
            segments: Vec::new(),
        };
        let epochs = reader.count(EPOCH_BYTES)?;
        log.epochs.reserve_exact(epochs);
        for _ in 0..epochs {
            log.epochs.push((reader.i32()?, reader.i64()?));
        }
        let segment_bytes = match version {
            1 => SEGMENT_BYTES_V1,
            _ => SEGMENT_BYTES,
        };
        let segments = reader.count(segment_bytes)?;
        log.segments.reserve_exact(segments);
        for _ in 0..segments {
            log.segments.push(SegmentCheckpoint {
                base_offset: reader.i64()?,
                end_offset: reader.i64()?,
                bytes: reader.u64()?,
                max_timestamp: reader.i64()?,
                created_ms: reader.i64()?,
                ends: match version {
                    1 => None,
                    _ => decode_ends(reader)?,
                },
                generation: match version {
                    1 => 0,
                    2 => (reader.u32()? == 0).then_some(0)?,
                    _ => reader.u32()?,
                },
            });
        }
        if quarantined_from >= 0 {
            log.quarantine = Some(Quarantine {
                from: quarantined_from,
                cause: match version {
                    1 => unknown_damage(log_id),
                    _ => decode_damage(reader)?,
                },
            });
        }
        Some(log)
    }

    /// The log may start behind what is flushed: then its start lies in the write-ahead log.
    fn is_possible(&self) -> bool {
        let follow =
            |one: &SegmentCheckpoint, next: &SegmentCheckpoint| one.end_offset <= next.base_offset;
        let last = self.segments.last();
        is_offset(self.log_start)
            && is_offset(self.flushed_end)
            && (0..=self.flushed_end).contains(&self.clean_end)
            && self.segments.iter().all(SegmentCheckpoint::is_possible)
            && self.segments.is_sorted_by(follow)
            && last.is_none_or(|last| last.end_offset <= self.flushed_end)
    }
}

impl SegmentCheckpoint {
    /// Positions in a segment have 32 bits, and there is always a next generation.
    fn is_possible(&self) -> bool {
        is_offset(self.base_offset)
            && self.base_offset <= self.end_offset
            && self.generation < u32::MAX
            && self.bytes <= u64::from(u32::MAX)
    }
}

fn decode_damage(reader: &mut Reader<'_>) -> Option<Damage> {
    let code = DamageCode::from_number(reader.u32()?)?;
    let position = reader.u64()?;
    let mut text = || {
        let count = reader.count(1)?;
        let bytes = reader.take(count)?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    };
    Some(Damage {
        code,
        position,
        path: text()?.into(),
        message: text()?,
    })
}

/// What is known of damage that an earlier version has found.
fn unknown_damage(log_id: u32) -> Damage {
    Damage {
        code: DamageCode::SegmentBatch,
        path: log_directory(Path::new(""), log_id),
        position: 0,
        message: "the log is damaged".to_owned(),
    }
}

/// The ends of a segment; those of zeros are not known.
fn decode_ends(reader: &mut Reader<'_>) -> Option<Option<SegmentEnds>> {
    let ends = SegmentEnds {
        first_crc: reader.u32()?,
        last_crc: reader.u32()?,
        last_bytes: reader.u32()?,
    };
    Some((ends.last_bytes > 0).then_some(ends))
}
