//! Reading the entries of the chain that no segment holds.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use env::{Fs, OpenMode};

use super::chain::Chain;
use super::scan::{ScannedRound, ScannedSlot};
use crate::batch::{self, BatchHeader};
use crate::format::bytes::crc32c;
use crate::format::checkpoint::Checkpoint;
use crate::format::entry::{Entry, EntryKind};
use crate::format::round;
use crate::marks::{Mark, mark};

/// Smaller payloads are copied, so that they do not keep their round in memory.
const SHARED_BYTES_MIN: usize = 4 << 10;

/// An entry of the chain.
#[derive(Clone, Debug)]
pub(crate) struct ReplayEntry {
    pub seq: u64,
    pub entry: Entry,
    /// The batch; `None` if it is damaged. Empty for a decision.
    pub payload: Option<Bytes>,
    pub path: PathBuf,
    /// Where the payload lies in its slot.
    pub position: u64,
}

/// Reads what is to be replayed. The chain is cut before a damaged payload that was never
/// acknowledged.
pub(crate) fn read(
    fs: &dyn Fs,
    slots: &[ScannedSlot],
    rounds: &[ScannedRound],
    chain: &mut Chain,
    checkpoint: Option<&Checkpoint>,
) -> io::Result<Vec<ReplayEntry>> {
    let flushed: HashMap<u32, i64> = checkpoint
        .map(|checkpoint| {
            let logs = checkpoint.logs.iter();
            logs.map(|log| (log.log_id, log.flushed_end)).collect()
        })
        .unwrap_or_default();
    let is_needed = |entry: &Entry| match entry.kind {
        EntryKind::Batch => entry.base_offset >= flushed.get(&entry.log_id).copied().unwrap_or(0),
        EntryKind::SetLogStart => true,
        EntryKind::Open | EntryKind::Handover => false,
    };
    let mut replay = Vec::new();
    for index in chain.rounds.clone() {
        let Some(round) = rounds.get(index) else {
            continue;
        };
        let entries = round.entries.as_deref().unwrap_or(&[]);
        let is_flushed = |entry: &Entry| entry.kind == EntryKind::Batch && !is_needed(entry);
        if entries.iter().any(is_flushed) {
            mark(Mark::FlushedEntrySkipped);
        }
        if !entries.iter().any(is_needed) {
            continue;
        }
        let Some(slot) = slots.get(round.slot) else {
            continue;
        };
        let read = read_round(fs, slot, round, is_needed)?;
        let is_damaged = read.iter().any(|entry| entry.payload.is_none());
        if is_damaged && round.header.seq > chain.attested_seq {
            chain.cut_at(round.header.seq, rounds);
            break;
        }
        replay.extend(read);
    }
    Ok(replay)
}

/// Reads the entries of a round that are needed.
pub(crate) fn read_round(
    fs: &dyn Fs,
    slot: &ScannedSlot,
    round: &ScannedRound,
    is_needed: impl Fn(&Entry) -> bool,
) -> io::Result<Vec<ReplayEntry>> {
    let file = fs.open(&slot.path, OpenMode::Read)?;
    let entries = round.entries.as_deref().unwrap_or(&[]);
    let payload_start = round.position + round::BYTES as u64 + round.header.table_bytes();
    let payload_bytes = u64::from(round.header.body_bytes) - round.header.table_bytes();
    // A round lies within its slot, whose length was looked at.
    let mut payloads = vec![0; usize::try_from(payload_bytes).map_err(io::Error::other)?];
    let read = file.read_at(&mut payloads, payload_start)?;
    payloads.truncate(read);
    let payloads = Bytes::from(payloads);
    let mut at = 0;
    let mut needed = Vec::new();
    for entry in entries {
        let bytes = entry.bytes as usize;
        if is_needed(entry) {
            let payload = payloads
                .get(at..at + bytes)
                .filter(|payload| is_sound(entry, payload));
            let payload = payload.map(|payload| {
                if bytes >= SHARED_BYTES_MIN {
                    payloads.slice(at..at + bytes)
                } else {
                    Bytes::copy_from_slice(payload)
                }
            });
            needed.push(ReplayEntry {
                seq: round.header.seq,
                entry: *entry,
                payload,
                path: slot.path.clone(),
                position: payload_start + at as u64,
            });
        }
        at += bytes;
    }
    Ok(needed)
}

/// Whether a payload is what its entry says.
pub(crate) fn is_sound(entry: &Entry, payload: &[u8]) -> bool {
    if entry.kind != EntryKind::Batch {
        return payload.is_empty() && entry.crc == crc32c(&[]);
    }
    let head = payload.get(..batch::HEADER_BYTES).unwrap_or(payload);
    crc32c(head) == entry.crc
        && BatchHeader::parse_sound(payload).is_some_and(|header| {
            header.bytes == payload.len()
                && header.base_offset == entry.base_offset
                && header.last_offset_delta == entry.last_offset_delta
                && header.leader_epoch == entry.leader_epoch
                && header.max_timestamp == entry.max_timestamp
        })
}
