//! Looking into files without an engine: what a segment or a slot of the write-ahead log holds.
//!
//! Nothing is locked, changed or judged here; [`crate::verify()`] judges.

use std::io;
use std::path::Path;

use env::{Fs, OpenMode};
use model::{LeaderEpoch, LogId, Offset, ProducerEpoch, ProducerId, TimestampMs};

use crate::batch::BatchHeader;
use crate::format::entry::{Entry, EntryKind};
use crate::format::slot_header::SlotHeader;
use crate::recovery::payloads;
use crate::recovery::scan;

/// How much of a segment is read at once to check a batch.
const BATCH_BYTES_MAX: u64 = i32::MAX as u64;

/// A batch in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentBatch {
    /// Where it begins in the file, in bytes.
    pub position: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// The offset of its first record.
    pub base_offset: Offset,
    /// The offset of its last record.
    pub last_offset: Offset,
    /// The epoch it was appended in.
    pub leader_epoch: LeaderEpoch,
    /// The largest timestamp of its records, in milliseconds.
    pub max_timestamp_ms: TimestampMs,
    /// The producer; -1 if it is not idempotent.
    pub producer_id: ProducerId,
    /// The epoch of the producer; -1 if it is not idempotent.
    pub producer_epoch: ProducerEpoch,
    /// The sequence number of its first record; -1 if the producer is not idempotent.
    pub base_sequence: i32,
    /// How the records are compressed: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
    pub codec: u8,
    /// Whether it belongs to a transaction.
    pub is_transactional: bool,
    /// Whether it is a marker and no data.
    pub is_control: bool,
    /// Whether its checksum is right.
    pub is_sound: bool,
}

/// What a segment holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentContents {
    /// The batches from the front.
    pub batches: Vec<SegmentBatch>,
    /// The length of the file in bytes.
    pub file_bytes: u64,
    /// Where something begins that is no batch; `None` if the last batch ends the file.
    pub ends_at: Option<u64>,
}

/// Lists the batches of a segment file.
pub fn segment(fs: &dyn Fs, path: &Path) -> io::Result<SegmentContents> {
    let file = fs.open(path, OpenMode::Read)?;
    let file_bytes = file.len()?;
    let mut contents = SegmentContents {
        batches: Vec::new(),
        file_bytes,
        ends_at: None,
    };
    let mut position = 0;
    while position < file_bytes {
        let left = (file_bytes - position).min(BATCH_BYTES_MAX);
        let mut header = vec![0; left.min(crate::batch::HEADER_BYTES as u64) as usize];
        let read = file.read_at(&mut header, position)?;
        header.truncate(read);
        let parsed = BatchHeader::parse(&header).filter(|found| found.bytes as u64 <= left);
        let Some(found) = parsed else {
            contents.ends_at = Some(position);
            break;
        };
        let mut batch = vec![0; found.bytes];
        let read = file.read_at(&mut batch, position)?;
        batch.truncate(read);
        let is_sound = BatchHeader::parse_sound(&batch).is_some();
        contents.batches.push(describe(&found, position, is_sound));
        position += found.bytes as u64;
    }
    Ok(contents)
}

fn describe(header: &BatchHeader, position: u64, is_sound: bool) -> SegmentBatch {
    SegmentBatch {
        position,
        bytes: header.bytes as u64,
        base_offset: Offset(header.base_offset),
        last_offset: Offset(header.last_offset()),
        leader_epoch: LeaderEpoch(header.leader_epoch),
        max_timestamp_ms: header.max_timestamp,
        producer_id: ProducerId(header.producer_id),
        producer_epoch: ProducerEpoch(header.producer_epoch),
        base_sequence: header.base_sequence,
        codec: header.codec(),
        is_transactional: header.is_transactional(),
        is_control: header.is_control(),
        is_sound,
    }
}

/// What an entry of a round says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalEntryKind {
    /// A record batch.
    Batch,
    /// The log begins at `base_offset` from now on.
    SetLogStart,
    /// A start of the broker.
    Open,
    /// The log goes on in the slot with the number `base_offset`.
    Handover,
}

/// An entry of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalEntry {
    /// What it says.
    pub kind: WalEntryKind,
    /// The log it belongs to.
    pub log_id: LogId,
    /// Where its payload begins in the file, in bytes.
    pub position: u64,
    /// The length of the payload in bytes.
    pub bytes: u64,
    /// The offset of the batch's first record, or the new start of the log.
    pub base_offset: Offset,
    /// The offset of the batch's last record.
    pub last_offset: Offset,
    /// The epoch it was made in.
    pub leader_epoch: LeaderEpoch,
    /// The largest timestamp of the batch, in milliseconds.
    pub max_timestamp_ms: TimestampMs,
    /// Whether the payload is what the entry says.
    pub is_sound: bool,
}

/// A round in a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalRound {
    /// Where it begins in the file, in bytes.
    pub position: u64,
    /// Its length with padding, in bytes.
    pub bytes: u64,
    /// Its number.
    pub seq: u64,
    /// The last round that was durable when it was built.
    pub durable_seq: u64,
    /// The start that wrote it.
    pub writer_epoch: u32,
    /// Which use of the slot it belongs to; rounds of earlier uses may stand behind it.
    pub file_number: u64,
    /// The checksum of the round before it.
    pub prev_crc: u32,
    /// Its own checksum.
    pub header_crc: u32,
    /// Its entries; `None` if the table is damaged.
    pub entries: Option<Vec<WalEntry>>,
}

/// What a slot holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalSlotContents {
    /// The identity of the log that the slot belongs to; `None` if its header is damaged.
    pub wal_id: Option<u64>,
    /// The length of the file in bytes.
    pub file_bytes: u64,
    /// The rounds in the order of their positions, those of earlier uses included.
    pub rounds: Vec<WalRound>,
}

/// Lists the rounds of a slot of the write-ahead log. Without a sound slot header rounds of any log
/// are listed.
pub fn wal_slot(fs: &dyn Fs, path: &Path) -> io::Result<WalSlotContents> {
    let file = fs.open(path, OpenMode::Read)?;
    let mut block = vec![0; env::SECTOR_BYTES];
    let read = file.read_at(&mut block, 0)?;
    block.truncate(read);
    let wal_id = SlotHeader::decode(&block).map(|header| header.wal_id);
    let mut found = Vec::new();
    let slot = scan::scan_slot(
        fs,
        &(0, path.to_owned()),
        scan::ScanOptions {
            number: 0,
            wal_id,
            release_seq: 0,
            repairs: false,
        },
        &mut found,
    )?;
    let mut rounds = Vec::with_capacity(found.len());
    for round in &found {
        let entries = match round.entries {
            Some(_) => Some(
                payloads::read_round(fs, &slot, round, |_| true)?
                    .iter()
                    .map(|replayed| {
                        let is_sound = replayed.payload.is_some();
                        describe_entry(&replayed.entry, replayed.position, is_sound)
                    })
                    .collect(),
            ),
            None => None,
        };
        rounds.push(WalRound {
            position: round.position,
            bytes: round.header.padded_bytes(),
            seq: round.header.seq,
            durable_seq: round.header.durable_seq,
            writer_epoch: round.header.writer_epoch,
            file_number: round.header.file_number,
            prev_crc: round.header.prev_crc,
            header_crc: round.header_crc,
            entries,
        });
    }
    Ok(WalSlotContents {
        wal_id,
        file_bytes: slot.bytes,
        rounds,
    })
}

fn describe_entry(entry: &Entry, position: u64, is_sound: bool) -> WalEntry {
    WalEntry {
        kind: match entry.kind {
            EntryKind::Batch => WalEntryKind::Batch,
            EntryKind::SetLogStart => WalEntryKind::SetLogStart,
            EntryKind::Open => WalEntryKind::Open,
            EntryKind::Handover => WalEntryKind::Handover,
        },
        log_id: LogId(entry.log_id),
        position,
        bytes: u64::from(entry.bytes),
        base_offset: Offset(entry.base_offset),
        last_offset: Offset(entry.base_offset + i64::from(entry.last_offset_delta)),
        leader_epoch: LeaderEpoch(entry.leader_epoch),
        max_timestamp_ms: entry.max_timestamp,
        is_sound,
    }
}
