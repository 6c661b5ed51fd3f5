use super::*;
use crate::format::round::RoundHeader;

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

/// The last round, the attested one, and where acknowledged rounds are missing.
fn ends(rounds: &[ScannedRound]) -> (u64, u64, Option<(u64, BreakReason)>) {
    let chain = build(rounds, 0, 0);
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
    let chain = build(&rounds, 0, 0);
    assert_eq!(chain.rounds, [1, 2, 0]);
    assert_eq!((chain.end_seq, chain.end_crc), (3, crc(3, 1)));
    assert_eq!(chain.writer_epoch, Some(1));
}

#[test]
fn a_gap_above_what_is_attested_is_a_torn_tail() {
    let rounds = [round(1, 0, 1, 1), round(2, 1, 1, 1), round(4, 1, 1, 1)];
    assert_eq!(ends(&rounds), (2, 1, None));
    let chain = build(&rounds, 0, 0);
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
    let chain = build(&rounds, 0, 0);
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
    let chain = build(&rounds, 5, crc(5, 1));
    assert_eq!((chain.end_seq, chain.attested_seq), (6, 8));
    assert!(chain.broken.is_some());
}

#[test]
fn a_cut_goes_back_to_the_round_before() {
    let rounds = [round(1, 0, 1, 1), round(2, 1, 1, 1), round(3, 1, 1, 1)];
    let mut chain = build(&rounds, 0, 0);
    chain.cut_at(2, &rounds, (0, 0));
    assert_eq!((chain.end_seq, chain.end_crc), (1, crc(1, 1)));
    chain.cut_at(1, &rounds, (0, 0));
    assert_eq!((chain.end_seq, chain.end_crc), (0, 0));
}
