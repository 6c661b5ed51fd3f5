use proptest::prelude::*;

use super::bytes::{crc32c, seal, unseal};
use super::checkpoint::{Checkpoint, LogCheckpoint, SegmentCheckpoint, SegmentEnds};
use super::data_format::{self, DataFormat, DataFormatError};
use super::entry::{self, Entry, EntryKind};
use super::offset_index::{IndexOf, OffsetIndexEntry};
use super::producer_snapshot::{
    AbortedSnapshotEntry, BatchSnapshotEntry, ProducerSnapshot, ProducerSnapshotEntry,
};
use super::round::{self, RoundHeader};
use super::slot_header::{self, SlotHeader};
use super::time_index::TimeIndexEntry;
use super::{COUNTER_MAX, offset_index, time_index};
use crate::damage::{Damage, DamageCode, Quarantine};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What an earlier version wrote, made of what this one writes.
fn as_version(bytes: &[u8], version: u8, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let mut body = unseal(bytes).unwrap().to_vec();
    body[4] = version;
    seal(change(body))
}

#[test]
fn the_checksum_is_castagnolis() {
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
}

#[test]
fn the_format_file_tells_a_newer_version() {
    let format = DataFormat {
        wal_id: 0x0102_0304_0506_0708,
        is_older: false,
    };
    let bytes = format.encode();
    assert_eq!(bytes.len(), data_format::BYTES);
    assert_eq!(hex(&bytes[..16]), "4f54464d030000000807060504030201");
    assert_eq!(DataFormat::decode(&bytes), Ok(format));
    let mut newer = bytes.clone();
    newer[4] = 4;
    assert_eq!(DataFormat::decode(&newer), Err(DataFormatError::Newer(4)));
    let older = as_version(&bytes, 1, |body| body);
    let is_older = DataFormat::decode(&older).map(|format| format.is_older);
    assert_eq!(is_older, Ok(true));
    let mut damaged = bytes;
    damaged[9] ^= 1;
    assert_eq!(
        DataFormat::decode(&damaged),
        Err(DataFormatError::Malformed)
    );
}

#[test]
fn the_slot_header_has_32_bytes() {
    let header = SlotHeader {
        wal_id: 5,
        slot_bytes: 65_536,
        index: Some(3),
    };
    assert_eq!(header.encode().len(), slot_header::BYTES);
    assert_eq!(SlotHeader::decode(&header.encode()), Some(header));
    assert_eq!(SlotHeader::decode(&[0; 4096]), None);
    let mut older = as_version(&header.encode(), 1, |mut body| {
        body.truncate(24);
        body
    });
    older.resize(4096, 0);
    let nameless = SlotHeader {
        index: None,
        ..header
    };
    assert_eq!(SlotHeader::decode(&older), Some(nameless));
}

fn round_header() -> RoundHeader {
    RoundHeader {
        wal_id: 0x11,
        file_number: 0x22,
        seq: 0x33,
        durable_seq: 0x32,
        writer_epoch: 0x44,
        entry_count: 1,
        body_bytes: 4096,
        prev_crc: 0x55,
        table_crc: 0x66,
    }
}

#[test]
fn the_round_header_has_64_bytes() {
    let (bytes, crc) = round_header().encode();
    assert_eq!(bytes.len(), round::BYTES);
    let fields = "4f545244010000001100000000000000220000000000000033000000000000003200000000000000\
                  4400000001000000001000005500000066000000";
    assert_eq!(hex(&bytes[..60]), fields);
    assert_eq!(RoundHeader::decode(&bytes), Some((round_header(), crc)));
    assert_eq!(round_header().padded_bytes(), 8192);
    let mut too_many = round_header();
    too_many.entry_count = 1_000_000;
    assert_eq!(
        RoundHeader::decode(&too_many.encode().0),
        None,
        "the table does not fit the body"
    );
}

fn entry_of(kind: EntryKind) -> Entry {
    let base_offset = match kind {
        EntryKind::Open => -1,
        EntryKind::Batch | EntryKind::SetLogStart | EntryKind::Handover => 3,
    };
    Entry {
        kind,
        log_id: 1,
        bytes: 100,
        crc: 2,
        base_offset,
        last_offset_delta: 4,
        leader_epoch: 5,
        max_timestamp: 6,
    }
}

#[test]
fn an_entry_has_40_bytes() {
    let kinds = [
        EntryKind::Batch,
        EntryKind::SetLogStart,
        EntryKind::Open,
        EntryKind::Handover,
    ];
    let entries = kinds.map(entry_of);
    assert_eq!(entries[3].next_slot(), Some((3, 6)));
    assert_eq!(entries[2].next_slot(), None);
    let mut table = Vec::new();
    entries
        .iter()
        .for_each(|entry| table.extend_from_slice(&entry.encode()));
    assert_eq!(table.len(), 4 * entry::BYTES);
    let first = "010000000100000064000000020000000300000000000000040000000500000006000000000000\
                 00";
    assert_eq!(hex(&table[..40]), first);
    assert_eq!(entry::decode_table(&table, 400), Some(entries.to_vec()));
    assert_eq!(
        entry::decode_table(&table, 401),
        None,
        "the payloads fill the body"
    );
    table[0] = 3;
    assert_eq!(entry::decode_table(&table, 400), None, "a reserved kind");
}

fn checkpoint() -> Checkpoint {
    Checkpoint {
        generation: 3,
        wal_id: 4,
        release_seq: 5,
        prev_crc: 6,
        writer_epoch: 7,
        file_number: 8,
        next_log_id: 9,
        attested_seq: 10,
        attested_slot: 11,
        logs: vec![LogCheckpoint {
            log_id: 1,
            log_start: 10,
            flushed_end: 30,
            quarantine: None,
            snapshot_offset: 30,
            clean_end: 25,
            epochs: vec![(1, 10), (3, 20)],
            segments: vec![SegmentCheckpoint {
                base_offset: 10,
                end_offset: 30,
                bytes: 1_000,
                max_timestamp: 77,
                created_ms: 66,
                generation: 2,
                ends: Some(SegmentEnds {
                    first_crc: 1,
                    last_crc: 2,
                    last_bytes: 3,
                }),
            }],
        }],
    }
}

#[test]
fn a_checkpoint_tells_what_is_damaged() {
    let mut damaged = checkpoint();
    damaged.logs[0].quarantine = Some(Quarantine {
        from: 15,
        cause: Damage {
            code: DamageCode::WalPayload,
            path: "wal/slot-03".into(),
            position: 8_192,
            message: "what is wrong".to_owned(),
        },
    });
    let bytes = damaged.encode();
    assert_eq!(Checkpoint::decode(&bytes), Some(damaged));
    assert!((0..bytes.len()).all(|end| Checkpoint::decode(&bytes[..end]).is_none()));
}

#[test]
fn a_checkpoint_of_version_1_attests_nothing() {
    let bytes = "4f5443500100000003000000000000000400000000000000050000000000000006000000070000000800000000000000\
                   090000000100000001000000000000000a000000000000001e00000000000000ffffffffffffffff1e00000000000000\
                   02000000010000000a00000000000000030000001400000000000000010000000a000000000000001e00000000000000\
                   e8030000000000004d0000000000000042000000000000009904309b";
    let bytes: Vec<u8> = (0..bytes.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&bytes[at..at + 2], 16).unwrap())
        .collect();
    let mut expected = Checkpoint {
        attested_seq: 0,
        attested_slot: 0,
        ..checkpoint()
    };
    let log = &mut expected.logs[0];
    log.clean_end = 0;
    (log.segments[0].generation, log.segments[0].ends) = (0, None);
    assert_eq!(Checkpoint::decode(&bytes), Some(expected));
}

#[test]
fn a_checkpoint_of_version_2_knows_of_no_compaction() {
    let mut expected = checkpoint();
    let log = &mut expected.logs[0];
    (log.clean_end, log.segments[0].generation) = (0, 0);
    let bytes = expected.encode();
    let older = as_version(&bytes, 2, |mut body| {
        // The clean end, behind the header of the checkpoint and five fields of the log.
        body.drain(68 + 40..68 + 48);
        body
    });
    assert_eq!(Checkpoint::decode(&older), Some(expected));
    let strange = as_version(&older, 2, |mut body| {
        *body.last_mut().unwrap() = 1;
        body
    });
    assert_eq!(Checkpoint::decode(&strange), None);
}

fn snapshot() -> ProducerSnapshot {
    ProducerSnapshot {
        offset: 9,
        log_id: Some(7),
        producers: vec![ProducerSnapshotEntry {
            producer_id: 1,
            producer_epoch: 2,
            coordinator_epoch: 11,
            last_append_ms: 3,
            transaction_start: -1,
            batches: vec![BatchSnapshotEntry {
                first_sequence: 4,
                last_sequence: 5,
                base_offset: 6,
                last_offset: 7,
                log_append_time_ms: -1,
            }],
        }],
        aborted: vec![AbortedSnapshotEntry {
            producer_id: 8,
            first_offset: 1,
            last_offset: 3,
        }],
    }
}

#[test]
fn checkpoints_and_snapshots_come_back_and_any_cut_is_noticed() {
    let bytes = checkpoint().encode();
    assert_eq!(bytes.len(), 68 + 56 + 2 * 12 + 56 + 4);
    assert_eq!(Checkpoint::decode(&bytes), Some(checkpoint()));
    assert!((0..bytes.len()).all(|end| Checkpoint::decode(&bytes[..end]).is_none()));
    let bytes = snapshot().encode();
    assert_eq!(ProducerSnapshot::decode(&bytes), Some(snapshot()));
    assert!((0..bytes.len()).all(|end| ProducerSnapshot::decode(&bytes[..end]).is_none()));
    assert_eq!(ProducerSnapshot::decode_of(&bytes, 7, 9), Some(snapshot()));
    assert_eq!(
        ProducerSnapshot::decode_of(&bytes, 8, 9),
        None,
        "another log"
    );
    assert_eq!(
        ProducerSnapshot::decode_of(&bytes, 7, 8),
        None,
        "an older one"
    );
    // The epoch of the coordinator stands behind the counts and the producer's id and epoch.
    let mut without_epochs = snapshot();
    without_epochs.producers[0].coordinator_epoch = -1;
    let older = as_version(&bytes, 2, |mut body| {
        assert_eq!(body.drain(36..40).collect::<Vec<_>>(), [11, 0, 0, 0]);
        body
    });
    let found = ProducerSnapshot::decode_of(&older, 7, 9);
    assert_eq!(found.as_ref(), Some(&without_epochs));
    let older = as_version(&older, 1, |mut body| {
        body.drain(16..20);
        body
    });
    let nameless = ProducerSnapshot {
        log_id: None,
        ..without_epochs
    };
    assert_eq!(ProducerSnapshot::decode_of(&older, 8, 9), Some(nameless));
}

fn of(log_id: u32, base_offset: i64) -> IndexOf {
    IndexOf {
        log_id,
        base_offset,
        generation: 0,
    }
}

const OF: IndexOf = IndexOf {
    log_id: 1,
    base_offset: 100,
    generation: 2,
};

#[test]
fn numbers_that_no_broker_gives_out_are_refused_under_a_right_checksum() {
    let refused = |change: fn(&mut Checkpoint)| {
        let mut checkpoint = checkpoint();
        change(&mut checkpoint);
        Checkpoint::decode(&checkpoint.encode()).is_none()
    };
    assert!(!refused(|_| ()));
    assert!(refused(|checkpoint| checkpoint.generation = u64::MAX));
    assert!(refused(
        |checkpoint| checkpoint.logs[0].segments[0].generation = u32::MAX
    ));
    assert!(refused(
        |checkpoint| checkpoint.release_seq = COUNTER_MAX + 1
    ));
    assert!(refused(|checkpoint| checkpoint.file_number = u64::MAX));
    assert!(refused(|checkpoint| checkpoint.writer_epoch = u32::MAX));
    assert!(refused(|checkpoint| checkpoint.logs[0].log_start = -1));
    assert!(refused(
        |checkpoint| checkpoint.logs[0].flushed_end = i64::MAX
    ));
    assert!(refused(|checkpoint| checkpoint.logs[0].flushed_end = 29));
    assert!(refused(
        |checkpoint| checkpoint.logs[0].segments[0].base_offset = 31
    ));
    assert!(refused(
        |checkpoint| checkpoint.logs[0].segments[0].bytes = u64::MAX
    ));
    assert!(refused(|checkpoint| {
        let segment = checkpoint.logs[0].segments[0];
        checkpoint.logs[0].segments.push(segment);
    }));
    assert!(refused(|checkpoint| {
        let log = checkpoint.logs[0].clone();
        checkpoint.logs.push(log);
    }));

    let refused = |change: fn(&mut RoundHeader)| {
        let mut header = round_header();
        change(&mut header);
        RoundHeader::decode(&header.encode().0).is_none()
    };
    assert!(!refused(|_| ()));
    assert!(refused(|header| header.seq = u64::MAX));
    assert!(refused(|header| header.durable_seq = COUNTER_MAX + 1));
    assert!(refused(|header| header.file_number = u64::MAX));
    assert!(refused(|header| header.writer_epoch = u32::MAX));

    let refused = |change: fn(&mut Entry)| {
        let mut entry = entry_of(EntryKind::Batch);
        change(&mut entry);
        let mut table = Vec::new();
        table.extend_from_slice(&entry.encode());
        entry::decode_table(&table, 100).is_none()
    };
    assert!(!refused(|_| ()));
    assert!(refused(|entry| entry.base_offset = i64::MAX));
    assert!(refused(|entry| entry.base_offset = -1));
    assert!(refused(|entry| entry.last_offset_delta = -1));
}

#[test]
fn an_index_is_sound_up_to_the_first_entry_that_is_not() {
    let offsets = [(10, 4_100), (20, 8_300), (30, 12_500)];
    let mut bytes = offset_index::encode_header(OF);
    for (offset_delta, position) in offsets {
        let entry = OffsetIndexEntry {
            offset_delta,
            position,
        };
        offset_index::encode_entry(OF, entry, &mut bytes);
    }
    assert_eq!(offset_index::decode(&bytes, OF).len(), 3);
    assert_eq!(
        offset_index::decode(&bytes, of(1, 101)).len()
            + offset_index::decode(&bytes, of(2, 100)).len(),
        0,
        "of another segment"
    );
    assert_eq!(offset_index::decode(&bytes[..bytes.len() - 1], OF).len(), 2);
    bytes[offset_index::HEADER_BYTES + offset_index::ENTRY_BYTES + 3] ^= 1;
    assert_eq!(offset_index::decode(&bytes, OF).len(), 1);
    let mut bytes = time_index::encode_header(OF);
    for (max_timestamp, offset_delta) in [(5, 10), (5, 20), (4, 30)] {
        let entry = TimeIndexEntry {
            max_timestamp,
            offset_delta,
        };
        time_index::encode_entry(OF, entry, &mut bytes);
    }
    assert_eq!(
        time_index::decode(&bytes, OF).len(),
        2,
        "the largest time never falls"
    );
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = DataFormat::decode(&bytes);
        let _ = SlotHeader::decode(&bytes);
        let _ = RoundHeader::decode(&bytes);
        let _ = entry::decode_table(&bytes, 100);
        let _ = offset_index::decode(&bytes, OF);
        let _ = time_index::decode(&bytes, OF);
        prop_assert_eq!(Checkpoint::decode(&bytes), None);
        prop_assert_eq!(ProducerSnapshot::decode(&bytes), None);
    }

    #[test]
    fn a_sealed_body_of_any_bytes_does_no_harm(
        at in 0usize..100,
        with in any::<u32>(),
    ) {
        for bytes in [checkpoint().encode(), snapshot().encode()] {
            let mut body = bytes[..bytes.len() - 4].to_vec();
            let at = at.min(body.len() - 4);
            body[at..at + 4].copy_from_slice(&with.to_le_bytes());
            let sealed = seal(body);
            let _ = Checkpoint::decode(&sealed);
            let _ = ProducerSnapshot::decode(&sealed);
        }
    }
}
