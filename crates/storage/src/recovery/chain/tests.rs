use std::path::Path;

use super::*;
use crate::format::entry::{Entry, EntryKind};
use crate::format::round::RoundHeader;
use crate::format::slot_header::SlotHeader;

/// A round whose checksum is its number and epoch, following one with that of `prev`.
fn round(seq: u64, durable_seq: u64, writer_epoch: u32, prev_epoch: u32) -> ScannedRound {
    ScannedRound {
        slot: 0,
        position: seq * 4096,
        header: RoundHeader {
            seq,
            durable_seq,
            writer_epoch,
            file_number: u64::from(writer_epoch),
            prev_crc: crc(seq - 1, prev_epoch),
            ..RoundHeader::default()
        },
        header_crc: crc(seq, writer_epoch),
        entries: Some(Vec::new()),
    }
}

fn crc(seq: u64, epoch: u32) -> u32 {
    if seq == 0 {
        0
    } else {
        u32::try_from(seq).unwrap() * 100 + epoch
    }
}

/// A checkpoint that released rounds up to this one, of epoch 1.
fn released(release_seq: u64) -> Origin {
    Origin {
        release_seq,
        release_crc: crc(release_seq, 1),
        attested_seq: release_seq,
        attested_slot: 0,
    }
}

/// A slot of 32 KiB whose file has this length.
fn slot(index: u32, bytes: u64) -> ScannedSlot {
    ScannedSlot {
        index,
        path: format!("wal/slot-{index:02}").into(),
        bytes,
        has_sound_header: bytes == 32_768,
        header: Some(SlotHeader {
            wal_id: 0,
            slot_bytes: 32_768,
            index: Some(index),
        }),
    }
}

/// A round that says that the log goes on in slot 1.
fn handover(seq: u64) -> ScannedRound {
    let entry = Entry {
        kind: EntryKind::Handover,
        log_id: 0,
        bytes: 0,
        crc: 0,
        base_offset: 1,
        last_offset_delta: 0,
        leader_epoch: 1,
        max_timestamp: 32_768,
    };
    ScannedRound {
        entries: Some(vec![entry]),
        ..round(seq, seq - 1, 1, 1)
    }
}

/// What is said to be wrong, and where.
fn named(rounds: &[ScannedRound], slots: &[ScannedSlot], origin: Origin) -> Option<(String, u64)> {
    let chain = build(rounds, slots, origin);
    let damage = damage(Path::new("wal"), slots, rounds, &chain)?;
    Some((damage.path.display().to_string(), damage.position))
}

/// The last round, the attested one, and where acknowledged rounds are missing.
fn ends(rounds: &[ScannedRound]) -> (u64, u64, Option<(u64, BreakReason)>) {
    let chain = build(rounds, &[], Origin::default());
    let broken = chain.broken.map(|broken| (broken.seq, broken.reason));
    (chain.end_seq, chain.attested_seq, broken)
}

#[test]
fn no_rounds_are_an_empty_log() {
    assert_eq!(ends(&[]), (0, 0, None));
}

#[test]
fn the_chain_is_found_in_any_order() {
    let rounds = [round(3, 2, 1, 1), round(1, 0, 1, 1), round(2, 1, 1, 1)];
    let chain = build(&rounds, &[], Origin::default());
    assert_eq!(chain.rounds, [1, 2, 0]);
    assert_eq!((chain.end_seq, chain.end_crc), (3, crc(3, 1)));
    assert_eq!(chain.writer_epoch, Some(1));
}

#[test]
fn a_gap_above_what_is_attested_is_a_torn_tail() {
    let rounds = [round(1, 0, 1, 1), round(2, 1, 1, 1), round(4, 1, 1, 1)];
    assert_eq!(ends(&rounds), (2, 1, None));
    let chain = build(&rounds, &[], Origin::default());
    assert_eq!(chain.cut_rounds(&rounds), (1, 4096));
}

#[test]
fn a_gap_below_what_is_attested_is_damage() {
    let rounds = [round(1, 0, 1, 1), round(2, 1, 1, 1), round(4, 3, 1, 1)];
    assert_eq!(ends(&rounds), (2, 3, Some((3, BreakReason::Missing))));
}

#[test]
fn the_last_attested_round_itself_must_be_there() {
    let rounds = [round(1, 0, 1, 1), round(3, 2, 1, 1)];
    assert_eq!(ends(&rounds), (1, 2, Some((2, BreakReason::Missing))));
}

#[test]
fn a_damaged_table_ends_the_chain() {
    let mut damaged = round(2, 1, 1, 1);
    damaged.entries = None;
    let rounds = [round(1, 0, 1, 1), damaged.clone()];
    assert_eq!(ends(&rounds), (1, 1, None));
    let rounds = [round(1, 0, 1, 1), damaged, round(3, 2, 1, 1)];
    assert_eq!(ends(&rounds), (1, 2, Some((2, BreakReason::DamagedTable))));
}

#[test]
fn the_later_writer_counts() {
    // Epoch 1 wrote up to 3; epoch 2 found only 1 and went on from there.
    let rounds = [
        round(1, 0, 1, 1),
        round(2, 1, 1, 1),
        round(3, 1, 1, 1),
        round(2, 1, 2, 1),
    ];
    assert_eq!(ends(&rounds), (2, 1, None), "round 3 follows the other 2");
    let chain = build(&rounds, &[], Origin::default());
    assert_eq!(chain.rounds, [0, 3]);
    assert_eq!(chain.writer_epoch, Some(2));
}

#[test]
fn rounds_of_another_predecessor_or_an_older_writer_do_not_follow() {
    let mut other = round(2, 1, 1, 1);
    other.header.prev_crc = 5;
    let rounds = [round(1, 0, 1, 1), other, round(3, 2, 1, 1)];
    assert_eq!(
        ends(&rounds),
        (1, 2, Some((2, BreakReason::OtherPredecessor)))
    );
    let rounds = [round(1, 0, 2, 1), round(2, 1, 1, 2)];
    assert_eq!(ends(&rounds), (1, 1, None), "older epoch, not attested");
}

#[test]
fn released_rounds_do_not_count_but_what_they_attest_does() {
    let rounds = [round(5, 4, 1, 1), round(6, 5, 1, 1), round(9, 8, 1, 1)];
    let chain = build(&rounds, &[], released(5));
    assert_eq!((chain.end_seq, chain.attested_seq), (6, 8));
    assert!(chain.broken.is_some());
}

#[test]
fn a_cut_goes_back_to_the_round_before() {
    let rounds = [round(1, 0, 1, 1), round(2, 1, 1, 1), round(3, 1, 1, 1)];
    let mut chain = build(&rounds, &[], Origin::default());
    chain.cut_at(2, &rounds);
    assert_eq!((chain.end_seq, chain.end_crc), (1, crc(1, 1)));
    chain.cut_at(1, &rounds);
    assert_eq!((chain.end_seq, chain.end_crc), (0, 0));
}

#[test]
fn the_end_may_be_released_but_not_gone() {
    assert_eq!(
        named(&[round(5, 4, 1, 1)], &[slot(0, 32_768)], released(5)),
        None
    );
    let other = [round(4, 3, 1, 1)];
    let named = named(&other, &[slot(0, 32_768)], released(5));
    assert_eq!(named, Some(("wal/slot-00".to_owned(), 4096)));
}

#[test]
fn what_a_checkpoint_calls_durable_must_be_there() {
    let origin = Origin {
        attested_seq: 3,
        attested_slot: 2,
        ..Origin::default()
    };
    let rounds = [round(1, 0, 1, 1), round(2, 1, 1, 1)];
    // The whole slot is gone that it was in.
    let slots = [slot(0, 32_768), slot(1, 32_768)];
    assert_eq!(
        named(&rounds, &slots, origin),
        Some(("wal/slot-02".to_owned(), 0))
    );
    // It is there, and does not hold it.
    let slots = [0, 1, 2].map(|index| slot(index, 32_768));
    assert_eq!(
        named(&rounds, &slots, origin),
        Some(("wal/slot-02".to_owned(), 4096))
    );
}

#[test]
fn a_slot_that_was_cut_may_have_held_more() {
    let rounds = [round(1, 0, 1, 1), round(2, 1, 1, 1)];
    assert_eq!(named(&rounds, &[slot(0, 32_768)], Origin::default()), None);
    assert_eq!(
        named(&rounds, &[slot(0, 20_000)], Origin::default()),
        Some(("wal/slot-00".to_owned(), 20_000))
    );
}

#[test]
fn the_slot_that_the_log_goes_on_in_must_be_there() {
    let rounds = [round(1, 0, 1, 1), handover(2)];
    let whole = slot(0, 32_768);
    let slots = [whole.clone(), slot(1, 32_768)];
    assert_eq!(named(&rounds, &slots, Origin::default()), None, "not begun");
    let of_slot_1 = |position| Some(("wal/slot-01".to_owned(), position));
    assert_eq!(
        named(&rounds, std::slice::from_ref(&whole), Origin::default()),
        of_slot_1(0)
    );
    let slots = [whole.clone(), slot(1, 100)];
    assert_eq!(named(&rounds, &slots, Origin::default()), of_slot_1(100));
    // Another slot stands in its place.
    let mut copy = slot(1, 32_768);
    copy.header = whole.header;
    let slots = [whole, copy];
    assert_eq!(named(&rounds, &slots, Origin::default()), of_slot_1(4096));
}

#[test]
fn a_missing_round_is_named_where_it_was() {
    let mut rounds = vec![round(1, 0, 1, 1), handover(2), round(4, 3, 1, 1)];
    rounds[2].slot = 1;
    rounds[2].position = 8192;
    let slots = [slot(0, 32_768), slot(1, 32_768)];
    let expected = Some(("wal/slot-01".to_owned(), 4096));
    assert_eq!(named(&rounds, &slots, Origin::default()), expected);
    // The last round of a slot stood behind the one before it.
    let mut last_lost = vec![round(1, 0, 1, 1), round(3, 2, 1, 1)];
    last_lost[1].slot = 1;
    last_lost[1].position = 4096;
    let of_slot_0 = Some(("wal/slot-00".to_owned(), 8192));
    assert_eq!(named(&last_lost, &slots, Origin::default()), of_slot_0);
    // A slot is missing as a whole that was used between those two.
    last_lost[1].header.file_number = 3;
    let of_slot_2 = Some(("wal/slot-02".to_owned(), 0));
    assert_eq!(named(&last_lost, &slots, Origin::default()), of_slot_2);
    // Also if the round before it does not say so, being the last one of an earlier start.
    rounds[1].entries = Some(Vec::new());
    assert_eq!(named(&rounds, &slots, Origin::default()), expected);
    // Or if a round of an earlier use of the slot has come to stand in its place.
    let mut stray = round(7, 0, 0, 0);
    stray.slot = 1;
    stray.position = 4096;
    stray.header.seq = 1;
    rounds.insert(2, stray);
    assert_eq!(named(&rounds, &slots, Origin::default()), expected);
}

#[test]
fn the_only_round_of_a_slot_is_named_where_it_was() {
    // Round 12 was the only one that its start wrote, to slot 1; slot 1 holds what was there before.
    let in_slot = |mut round: ScannedRound, slot, position, file_number| {
        (round.slot, round.position) = (slot, position);
        round.header.file_number = file_number;
        round
    };
    let mut rounds = vec![
        in_slot(round(11, 0, 2, 2), 0, 4096, 12),
        in_slot(round(13, 12, 3, 2), 2, 4096, 14),
        in_slot(round(5, 4, 1, 1), 1, 8192, 8),
    ];
    let slots = [0, 1, 2].map(|index| slot(index, 32_768));
    let origin = Origin {
        release_seq: 11,
        release_crc: crc(11, 2),
        attested_seq: 13,
        attested_slot: 2,
    };
    let expected = Some(("wal/slot-01".to_owned(), 4096));
    assert_eq!(named(&rounds, &slots, origin), expected);
    // A round of elsewhere stands in its place.
    rounds.push(in_slot(round(3, 2, 1, 1), 1, 4096, 7));
    assert_eq!(named(&rounds, &slots, origin), expected);
    // Also a newer one.
    let copied = round(10, 9, 2, 2);
    rounds.pop();
    rounds.push(in_slot(copied.clone(), 1, 4096, 12));
    rounds.push(in_slot(copied, 0, 8192, 12));
    assert_eq!(named(&rounds, &slots, origin), expected);
}
