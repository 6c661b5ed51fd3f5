//! Checksums made right after a change, as docs/ON_DISK_FORMAT.md describes them.

use std::path::Path;

/// Where rounds begin, and what they are padded to.
const BLOCK_BYTES: usize = 4096;
const ROUND_HEADER_BYTES: usize = 64;
const ENTRY_BYTES: usize = 40;
const BATCH_HEADER_BYTES: usize = 61;

/// The bytes of a file with all checksums right that can be found in it.
pub(super) fn reseal(path: &Path, mut bytes: Vec<u8>) -> Vec<u8> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match name.rsplit_once('.') {
        None if name == "format" => seal(&mut bytes, 0, 16),
        None if name.starts_with("slot-") => reseal_slot(&mut bytes),
        Some((_, "a" | "b" | "snapshot")) => {
            let end = bytes.len().saturating_sub(4);
            seal(&mut bytes, 0, end);
        }
        Some((_, "index" | "timeindex")) => reseal_index(&mut bytes),
        Some((_, "log")) => reseal_batches(&mut bytes),
        _ => {}
    }
    bytes
}

fn crc(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

fn put(bytes: &mut [u8], at: usize, number: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + number.len()) {
        place.copy_from_slice(number);
    }
}

/// Puts the checksum of `from..to` at `to`.
fn seal(bytes: &mut [u8], from: usize, to: usize) {
    if let Some(covered) = bytes.get(from..to) {
        let crc = crc(covered).to_le_bytes();
        put(bytes, to, &crc);
    }
}

fn number(bytes: &[u8], at: usize) -> usize {
    let number = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>());
    number.map_or(0, |number| u32::from_le_bytes(*number) as usize)
}

fn reseal_slot(bytes: &mut [u8]) {
    seal(bytes, 0, 24);
    let mut position = BLOCK_BYTES;
    // The round before this one, if it stands right before it.
    let mut before: Option<(u64, [u8; 4])> = None;
    while position + ROUND_HEADER_BYTES <= bytes.len() {
        let round = &mut bytes[position..];
        if !round.starts_with(b"OTRD") {
            before = None;
            position += BLOCK_BYTES;
            continue;
        }
        let seq = u64::from_le_bytes(*round[24..].first_chunk().expect("within the header"));
        if let Some((before, header_crc)) = before
            && before.checked_add(1) == Some(seq)
        {
            put(round, 52, &header_crc);
        }
        let entries = number(round, 44);
        let body = number(round, 48);
        reseal_entries(round, entries);
        let table_end = ROUND_HEADER_BYTES + entries.saturating_mul(ENTRY_BYTES);
        if let Some(table) = round.get(ROUND_HEADER_BYTES..table_end) {
            let crc = crc(table).to_le_bytes();
            put(round, 56, &crc);
        }
        seal(round, 0, 60);
        let header_crc = *round[60..].first_chunk().expect("within the header");
        before = Some((seq, header_crc));
        position += (ROUND_HEADER_BYTES + body).next_multiple_of(BLOCK_BYTES);
    }
}

fn reseal_entries(round: &mut [u8], entries: usize) {
    let mut payload_at = ROUND_HEADER_BYTES + entries.saturating_mul(ENTRY_BYTES);
    for entry in 0..entries {
        let entry_at = ROUND_HEADER_BYTES + entry * ENTRY_BYTES;
        if entry_at + ENTRY_BYTES > round.len() {
            return;
        }
        let payload_bytes = number(round, entry_at + 8);
        let Some(payload) = round.get_mut(payload_at..payload_at.saturating_add(payload_bytes))
        else {
            return;
        };
        reseal_batches(payload);
        let covered = payload.get(..BATCH_HEADER_BYTES).unwrap_or(payload);
        let crc = crc(covered).to_le_bytes();
        put(round, entry_at + 12, &crc);
        payload_at += payload_bytes;
    }
}

/// Batches one after the other, as far as their lengths lead.
fn reseal_batches(bytes: &mut [u8]) {
    let mut position = 0;
    while let Some(batch) = bytes.get_mut(position..)
        && let Some(length) = batch.get(8..).and_then(|rest| rest.first_chunk())
        && let Ok(length) = usize::try_from(i32::from_be_bytes(*length))
        && let Some(batch) = batch.get_mut(..length + 12)
        && batch.len() >= BATCH_HEADER_BYTES
    {
        let crc = crc(&batch[21..]).to_be_bytes();
        put(batch, 17, &crc);
        position += batch.len();
    }
}

/// Entries of 16 bytes whose checksum goes on over the base offset in the header.
fn reseal_index(bytes: &mut [u8]) {
    let Some((header, entries)) = bytes.split_at_mut_checked(16) else {
        return;
    };
    for entry in entries.chunks_exact_mut(16) {
        let crc = crc(&[&entry[..12], &header[8..]].concat()).to_le_bytes();
        put(entry, 12, &crc);
    }
}
