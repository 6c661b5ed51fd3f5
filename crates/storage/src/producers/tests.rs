use proptest::prelude::*;

use super::*;

const PRODUCER: i64 = 7;

fn header(epoch: i16, base_sequence: i32, records: i32) -> BatchHeader {
    BatchHeader {
        base_offset: 0,
        bytes: 100,
        leader_epoch: 0,
        crc: 0,
        attributes: 0,
        last_offset_delta: records - 1,
        max_timestamp: 0,
        producer_id: PRODUCER,
        producer_epoch: epoch,
        base_sequence,
    }
}

/// Appends batches of (epoch, base sequence, records) one after the other.
fn producers(batches: &[(i16, i32, i32)]) -> Producers {
    let mut producers = Producers::default();
    let mut offset = 0;
    for (number, (epoch, base_sequence, records)) in batches.iter().enumerate() {
        let header = header(*epoch, *base_sequence, *records);
        producers.apply(&header, offset, -1, Sequence(number as u64 + 1), 1_000);
        offset += i64::from(*records);
    }
    producers
}

/// `Ok(None)`: appended; `Ok(Some(offset))`: the duplicate of the batch at that offset.
fn check(before: &[(i16, i32, i32)], batch: (i16, i32, i32)) -> Result<Option<i64>, AppendError> {
    match producers(before).check(&header(batch.0, batch.1, batch.2))? {
        Verdict::Append => Ok(None),
        Verdict::Duplicate(original) => Ok(Some(original.base_offset)),
    }
}

/// The first batch had no room, and the one behind it, under way already, was taken for the first.
#[test]
fn a_first_batch_that_was_refused_is_not_overtaken() {
    let mut producers = Producers::default();
    producers.note_refused(&header(0, 5, 2));
    let out_of_order = Err(AppendError::OutOfOrderSequence);
    assert_eq!(producers.check(&header(0, 7, 1)), out_of_order);
    assert_eq!(producers.check(&header(0, 5, 2)), Ok(Verdict::Append));
    let next_epoch = header(1, 0, 1);
    assert_eq!(
        producers.check(&next_epoch),
        Ok(Verdict::Append),
        "it has given up the batch"
    );
    producers.apply(&header(0, 5, 2), 0, -1, Sequence(1), 1_000);
    assert_eq!(producers.check(&header(0, 7, 1)), Ok(Verdict::Append));
}

#[test]
fn sequences_follow_one_another() {
    let out_of_order = Err(AppendError::OutOfOrderSequence);
    assert_eq!(check(&[], (0, 0, 1)), Ok(None));
    assert_eq!(
        check(&[], (3, 55, 1)),
        Ok(None),
        "an unknown producer may begin anywhere"
    );
    assert_eq!(check(&[(0, 0, 3)], (0, 3, 1)), Ok(None));
    assert_eq!(check(&[(0, 0, 3)], (0, 4, 1)), out_of_order, "a gap");
    assert_eq!(
        check(&[(0, 0, 3)], (0, 1, 1)),
        out_of_order,
        "within the last one"
    );
    assert_eq!(
        check(&[(0, 0, 3)], (0, 0, 2)),
        out_of_order,
        "same start, other length"
    );
    assert_eq!(
        check(&[(0, i32::MAX - 1, 2)], (0, 0, 1)),
        Ok(None),
        "goes on at 0"
    );
    assert_eq!(
        check(&[(0, i32::MAX, 3)], (0, 2, 1)),
        Ok(None),
        "wraps within a batch"
    );
}

#[test]
fn the_last_five_batches_are_known_again() {
    let six = [
        (0, 0, 1),
        (0, 1, 1),
        (0, 2, 2),
        (0, 4, 1),
        (0, 5, 1),
        (0, 6, 1),
    ];
    assert_eq!(check(&six, (0, 0, 1)), Err(AppendError::OutOfOrderSequence));
    assert_eq!(check(&six, (0, 1, 1)), Ok(Some(1)));
    assert_eq!(check(&six, (0, 2, 2)), Ok(Some(2)));
    assert_eq!(check(&six, (0, 6, 1)), Ok(Some(6)));
    assert_eq!(check(&six, (0, 7, 1)), Ok(None));
    let verdict = producers(&six).check(&header(0, 5, 1));
    let Ok(Verdict::Duplicate(original)) = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!(
        original.sequence,
        Sequence(5),
        "the answer waits for the original"
    );
}

#[test]
fn epochs_only_rise() {
    let known = [(3, 0, 5)];
    assert_eq!(
        check(&known, (2, 5, 1)),
        Err(AppendError::InvalidProducerEpoch)
    );
    assert_eq!(check(&known, (4, 0, 1)), Ok(None));
    assert_eq!(
        check(&known, (4, 5, 1)),
        Err(AppendError::OutOfOrderSequence)
    );
    let renewed = [(3, 0, 5), (4, 0, 1)];
    assert_eq!(check(&renewed, (4, 0, 1)), Ok(Some(5)));
    assert_eq!(check(&renewed, (4, 1, 1)), Ok(None));
    assert_eq!(
        check(&renewed, (3, 0, 5)),
        Err(AppendError::InvalidProducerEpoch)
    );
}

#[test]
fn half_a_producer_is_refused() {
    assert_eq!(check(&[], (-1, 0, 1)), Err(AppendError::InvalidBatch));
    assert_eq!(check(&[], (0, -1, 1)), Err(AppendError::InvalidBatch));
}

#[test]
fn a_marker_brings_an_epoch_and_no_sequence() {
    let mut producers = producers(&[(0, 0, 5)]);
    let mut marker = header(1, -1, 1);
    marker.attributes = 0x30;
    producers.apply(&marker, 5, -1, Sequence(9), 1_000);
    assert_eq!(
        producers.check(&header(0, 5, 1)),
        Err(AppendError::InvalidProducerEpoch)
    );
    assert_eq!(producers.check(&header(1, 0, 1)), Ok(Verdict::Append));
}

#[test]
fn producers_are_forgotten_by_the_brokers_clock_unless_they_are_needed() {
    let mut producers = producers(&[(0, 0, 5)]);
    producers.expire(1_999, 1_000, |_| false);
    assert!(!producers.is_empty());
    producers.expire(2_000, 1_000, |id| id == PRODUCER);
    assert!(!producers.is_empty());
    producers.expire(2_000, 1_000, |_| false);
    assert!(producers.is_empty());
}

proptest! {
    #[test]
    fn a_snapshot_gives_the_same_verdicts(
        batches in proptest::collection::vec((0i16..3, 0i32..12, 1i32..4), 0..20),
        asked in (0i16..3, 0i32..16, 1i32..4),
    ) {
        let mut producers = Producers::default();
        let mut offset = 0;
        for (epoch, base_sequence, records) in batches {
            let header = header(epoch, base_sequence, records);
            if producers.check(&header) == Ok(Verdict::Append) {
                producers.apply(&header, offset, -1, Sequence(0), 1_000);
                offset += i64::from(records);
            }
        }
        let snapshot = producers.to_snapshot(|_| -1);
        let restored = Producers::from_snapshot(&snapshot);
        prop_assert_eq!(&restored, &producers);
        let header = header(asked.0, asked.1, asked.2);
        prop_assert_eq!(restored.check(&header), producers.check(&header));
    }
}
