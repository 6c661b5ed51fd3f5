//! Turning entries into the bytes of a round.

use env::SECTOR_BYTES;
use smallvec::{SmallVec, smallvec};

use super::queue::{Content, Queued};
use crate::batch;
use crate::buffers::{AlignedBuffer, BufferPool};
use crate::format::bytes::crc32c;
use crate::format::entry::{self, Entry, EntryKind};
use crate::format::round::{self, RoundHeader, padded};

/// The fields of a round that do not follow from its entries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoundIdentity {
    pub wal_id: u64,
    pub file_number: u64,
    pub seq: u64,
    pub durable_seq: u64,
    pub writer_epoch: u32,
    pub prev_crc: u32,
}

/// The entries that a round holds already and keeps, as they stand in it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Held<'a> {
    pub table: &'a [u8],
    pub payloads: &'a [u8],
}

/// Where payloads lie, and their lengths. Most rounds of relaxed logs have one.
pub(crate) type Payloads = SmallVec<[(usize, usize); 4]>;

/// A round ready to be written.
pub(crate) struct BuiltRound {
    /// The round with its padding.
    pub buffer: AlignedBuffer,
    pub header: RoundHeader,
    pub header_crc: u32,
    /// For each entry that was not held before, where its payload lies in the buffer.
    pub payloads: Payloads,
}

/// The length of a round with these entries on disk.
pub(crate) fn round_bytes(entries: &[Queued]) -> u64 {
    padded((round::BYTES + body_bytes(entries)) as u64)
}

/// What entries take of a round's body.
pub(crate) fn body_bytes(entries: &[Queued]) -> usize {
    entries.iter().map(|entry| entry.content.body_bytes()).sum()
}

/// Builds a round of queued entries, behind those that it holds already.
pub(crate) fn build(
    pool: &BufferPool,
    identity: RoundIdentity,
    held: Held<'_>,
    entries: &[Queued],
) -> BuiltRound {
    let table_bytes = held.table.len() + entries.len() * entry::BYTES;
    let mut payloads = Payloads::with_capacity(entries.len());
    let held_bytes = held.table.len() + held.payloads.len();
    let bytes = round::BYTES + held_bytes + body_bytes(entries);
    let mut buffer = pool.take(padded(bytes as u64) as usize);
    buffer.extend_blank(round::BYTES);
    buffer.extend(held.table);
    let mut described_at = buffer.as_slice().len();
    buffer.extend_blank(entries.len() * entry::BYTES);
    buffer.extend(held.payloads);
    let leader_epoch = identity.writer_epoch.cast_signed();
    for queued in entries {
        let log_id = queued.log.id().0;
        let position = buffer.as_slice().len();
        let (described, bytes) = match &queued.content {
            Content::Batch(queued_batch) => {
                let bytes = queued_batch.bytes.len();
                buffer.extend(&queued_batch.bytes);
                let place = slice_mut(buffer.as_mut_slice(), position, bytes);
                batch::stamp(
                    place,
                    queued_batch.base_offset,
                    leader_epoch,
                    queued_batch.log_append_time_ms,
                );
                let described = Entry {
                    kind: EntryKind::Batch,
                    log_id,
                    bytes: bytes as u32,
                    crc: crc32c(place.get(..batch::HEADER_BYTES).unwrap_or(place)),
                    base_offset: queued_batch.base_offset,
                    last_offset_delta: queued_batch.last_offset_delta,
                    leader_epoch,
                    max_timestamp: queued_batch.max_timestamp,
                };
                (described, bytes)
            }
            Content::SetLogStart(log_start) => (
                decision(EntryKind::SetLogStart, log_id, *log_start, leader_epoch),
                0,
            ),
        };
        slice_mut(buffer.as_mut_slice(), described_at, entry::BYTES)
            .copy_from_slice(&described.encode());
        described_at += entry::BYTES;
        payloads.push((position, bytes));
    }
    finish(buffer, identity, table_bytes, payloads)
}

/// Builds the first round of a start.
pub(crate) fn build_open(pool: &BufferPool, identity: RoundIdentity) -> BuiltRound {
    let leader_epoch = identity.writer_epoch.cast_signed();
    let open = decision(EntryKind::Open, 0, -1, leader_epoch);
    build_one(pool, identity, &open)
}

/// Builds the last round of a slot: it says in which one the log goes on.
pub(crate) fn build_handover(
    pool: &BufferPool,
    identity: RoundIdentity,
    (index, slot_bytes): (u32, u64),
) -> BuiltRound {
    let leader_epoch = identity.writer_epoch.cast_signed();
    let handover = Entry {
        // Slots are far shorter than 2^63 bytes.
        max_timestamp: slot_bytes.cast_signed(),
        ..decision(EntryKind::Handover, 0, i64::from(index), leader_epoch)
    };
    build_one(pool, identity, &handover)
}

/// Builds a round of one entry without a payload.
fn build_one(pool: &BufferPool, identity: RoundIdentity, entry: &Entry) -> BuiltRound {
    let end = round::BYTES + entry::BYTES;
    let mut buffer = pool.take(padded(end as u64) as usize);
    buffer.extend_blank(round::BYTES);
    buffer.extend(&entry.encode());
    finish(buffer, identity, entry::BYTES, smallvec![(end, 0)])
}

fn decision(kind: EntryKind, log_id: u32, offset: i64, leader_epoch: i32) -> Entry {
    Entry {
        kind,
        log_id,
        bytes: 0,
        crc: crc32c(&[]),
        base_offset: offset,
        last_offset_delta: 0,
        leader_epoch,
        max_timestamp: -1,
    }
}

/// Writes the header before the table, and padding behind the payloads.
fn finish(
    mut buffer: AlignedBuffer,
    identity: RoundIdentity,
    table_bytes: usize,
    payloads: Payloads,
) -> BuiltRound {
    let end = buffer.as_slice().len();
    let memory = buffer.as_mut_slice();
    let table = slice_mut(memory, round::BYTES, table_bytes);
    let header = RoundHeader {
        wal_id: identity.wal_id,
        file_number: identity.file_number,
        seq: identity.seq,
        durable_seq: identity.durable_seq,
        writer_epoch: identity.writer_epoch,
        entry_count: (table_bytes / entry::BYTES) as u32,
        body_bytes: (end - round::BYTES) as u32,
        prev_crc: identity.prev_crc,
        table_crc: crc32c(table),
    };
    let (header_bytes, header_crc) = header.encode();
    slice_mut(memory, 0, round::BYTES).copy_from_slice(&header_bytes);
    let padding = padded(end as u64) as usize - end;
    debug_assert!(padding < SECTOR_BYTES);
    buffer.extend_blank(padding).fill(0);
    BuiltRound {
        buffer,
        header,
        header_crc,
        payloads,
    }
}

/// A part of our own buffer, whose size was computed from the same entries.
#[allow(clippy::indexing_slicing)]
fn slice_mut(memory: &mut [u8], position: usize, bytes: usize) -> &mut [u8] {
    &mut memory[position..position + bytes]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::entry::decode_table;

    const IDENTITY: RoundIdentity = RoundIdentity {
        wal_id: 1,
        file_number: 1,
        seq: 2,
        durable_seq: 1,
        writer_epoch: 1,
        prev_crc: 1,
    };

    /// Whatever its buffer was used for before.
    #[test]
    fn a_round_keeps_what_it_holds() {
        let first = build_handover(&BufferPool::new(0), IDENTITY, (7, 1 << 20));
        let table_bytes = first.header.table_bytes() as usize;
        let first = first.buffer.as_slice();
        let held = Held {
            table: &first[round::BYTES..round::BYTES + table_bytes],
            payloads: b"what the entry has",
        };
        let pool = BufferPool::new(1 << 20);
        pool.take(SECTOR_BYTES).extend_blank(SECTOR_BYTES).fill(7);
        let again = build(&pool, IDENTITY, held, &[]);
        assert_eq!(again.header.entry_count, 1);
        assert_eq!(again.header.table_crc, crc32c(held.table));
        let (head, body) = again.buffer.as_slice().split_at(round::BYTES);
        assert_eq!(RoundHeader::decode(head).unwrap().0, again.header);
        assert!(decode_table(&body[..table_bytes], 0).is_some());
        let held = [held.table, held.payloads].concat();
        assert_eq!(body[..held.len()], held);
        assert!(body[held.len()..].iter().all(|byte| *byte == 0));
        assert_eq!(again.buffer.as_slice().len(), SECTOR_BYTES);
    }
}
