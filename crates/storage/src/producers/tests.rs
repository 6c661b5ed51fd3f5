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
        producers.apply(
            &header,
            None,
            offset,
            -1,
            Sequence(number as u64 + 1),
            1_000,
        );
        offset += i64::from(*records);
    }
    producers
}

fn produce(producers: &Producers, header: &BatchHeader) -> Result<Verdict, AppendError> {
    producers.check(header, None, Append::Produce)
}

/// `Ok(None)`: appended; `Ok(Some(offset))`: the duplicate of the batch at that offset.
fn check(before: &[(i16, i32, i32)], batch: (i16, i32, i32)) -> Result<Option<i64>, AppendError> {
    match produce(&producers(before), &header(batch.0, batch.1, batch.2))? {
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
    assert_eq!(produce(&producers, &header(0, 7, 1)), out_of_order);
    assert_eq!(produce(&producers, &header(0, 5, 2)), Ok(Verdict::Append));
    let next_epoch = header(1, 0, 1);
    assert_eq!(
        produce(&producers, &next_epoch),
        Ok(Verdict::Append),
        "it has given up the batch"
    );
    producers.apply(&header(0, 5, 2), None, 0, -1, Sequence(1), 1_000);
    assert_eq!(produce(&producers, &header(0, 7, 1)), Ok(Verdict::Append));
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
    let verdict = produce(&producers(&six), &header(0, 5, 1));
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

/// A batch of a transaction.
fn transactional(epoch: i16, base_sequence: i32, records: i32) -> BatchHeader {
    BatchHeader {
        attributes: 0x10,
        ..header(epoch, base_sequence, records)
    }
}

const MARKER: Option<Marker> = Some(Marker {
    is_commit: true,
    coordinator_epoch: 5,
});

fn marker_header(epoch: i16) -> BatchHeader {
    BatchHeader {
        attributes: 0x30,
        ..header(epoch, -1, 1)
    }
}

/// Judges a marker of a coordinator.
fn end(
    producers: &Producers,
    epoch: i16,
    coordinator_epoch: i32,
    is_bumped: bool,
) -> Result<Verdict, AppendError> {
    let marker = Marker {
        is_commit: true,
        coordinator_epoch,
    };
    let mode = Append::Marker { is_bumped };
    producers.check(&marker_header(epoch), Some(marker), mode)
}

#[test]
fn a_marker_brings_an_epoch_and_no_sequence() {
    let mut producers = producers(&[(0, 0, 5)]);
    producers.apply(&marker_header(1), MARKER, 5, -1, Sequence(9), 1_000);
    assert_eq!(
        produce(&producers, &header(0, 5, 1)),
        Err(AppendError::InvalidProducerEpoch)
    );
    assert_eq!(produce(&producers, &header(1, 0, 1)), Ok(Verdict::Append));
}

/// It has been forgotten, or has sent nothing to this log.
#[test]
fn a_producer_that_only_a_marker_names_begins_at_zero() {
    let mut producers = Producers::default();
    assert_eq!(end(&producers, 3, 5, true), Ok(Verdict::Append));
    producers.apply(&marker_header(3), MARKER, 0, -1, Sequence(1), 1_000);
    assert_eq!(
        produce(&producers, &header(3, 7, 1)),
        Err(AppendError::OutOfOrderSequence)
    );
    assert_eq!(produce(&producers, &header(3, 0, 1)), Ok(Verdict::Append));
}

#[test]
fn a_marker_of_an_older_epoch_or_coordinator_is_fenced() {
    let mut producers = Producers::default();
    producers.apply(&transactional(3, 0, 1), None, 0, -1, Sequence(1), 1_000);
    let fenced = Err(AppendError::InvalidProducerEpoch);
    assert_eq!(end(&producers, 2, 5, false), fenced);
    assert_eq!(end(&producers, 3, 5, false), Ok(Verdict::Append));
    assert_eq!(end(&producers, 3, 5, true), fenced, "of the one before");
    assert_eq!(end(&producers, 4, 5, true), Ok(Verdict::Append));
    producers.apply(&marker_header(4), MARKER, 1, -1, Sequence(2), 1_000);
    assert_eq!(end(&producers, 4, 5, true), Ok(Verdict::Append), "again");
    let older = Err(AppendError::CoordinatorFenced);
    assert_eq!(end(&producers, 4, 4, true), older);
    assert_eq!(end(&producers, 4, 6, true), Ok(Verdict::Append));
    producers.apply(&transactional(4, 0, 1), None, 2, -1, Sequence(3), 1_000);
    assert_eq!(end(&producers, 4, 5, true), fenced, "late");
    let no_marker = producers.check(&marker_header(4), None, Append::Marker { is_bumped: false });
    assert_eq!(no_marker, Err(AppendError::InvalidBatch));
}

#[test]
fn within_a_transaction_nothing_else_is_taken() {
    let mut producers = Producers::default();
    producers.apply(&transactional(0, 0, 2), None, 0, -1, Sequence(1), 1_000);
    producers.apply(&transactional(0, 2, 1), None, 2, -1, Sequence(2), 1_000);
    assert_eq!(
        produce(&producers, &header(0, 3, 1)),
        Err(AppendError::InvalidTransactionState)
    );
    assert_eq!(
        produce(&producers, &transactional(0, 3, 1)),
        Ok(Verdict::Append)
    );
    producers.apply(&marker_header(0), MARKER, 3, -1, Sequence(3), 1_000);
    assert_eq!(produce(&producers, &header(0, 3, 1)), Ok(Verdict::Append));
}

#[test]
fn an_unknown_producer_that_counts_its_transactions_begins_at_zero() {
    let producers = Producers::default();
    let produce = |header: BatchHeader| producers.check(&header, None, Append::ProduceBumped);
    assert_eq!(
        produce(transactional(1, 4, 1)),
        Err(AppendError::OutOfOrderSequence)
    );
    assert_eq!(produce(transactional(1, 0, 1)), Ok(Verdict::Append));
}

#[test]
fn the_broker_appends_for_a_producer_in_its_epoch_only() {
    let producers = producers(&[(3, 0, 5)]);
    let append = |header: BatchHeader| producers.check(&header, None, Append::Internal);
    assert_eq!(
        append(transactional(2, -1, 1)),
        Err(AppendError::InvalidProducerEpoch)
    );
    assert_eq!(append(transactional(3, -1, 1)), Ok(Verdict::Append));
    assert_eq!(append(transactional(4, -1, 1)), Ok(Verdict::Append));
}

#[test]
fn producers_are_forgotten_by_the_brokers_clock_unless_a_transaction_is_open() {
    let mut producers = producers(&[(0, 0, 5)]);
    producers.expire(1_999, 1_000);
    assert!(!producers.is_empty());
    producers.apply(&transactional(0, 5, 1), None, 5, -1, Sequence(2), 1_000);
    producers.expire(9_000, 1_000);
    assert!(!producers.is_empty());
    producers.apply(&marker_header(0), MARKER, 6, -1, Sequence(3), 1_000);
    producers.expire(1_999, 1_000);
    assert!(!producers.is_empty());
    producers.expire(2_000, 1_000);
    assert!(producers.is_empty());
}

proptest! {
    #[test]
    fn a_snapshot_gives_the_same_verdicts(
        batches in proptest::collection::vec((0i16..3, 0i32..12, 1i32..4, 0u8..3), 0..20),
        asked in (0i16..3, 0i32..16, 1i32..4),
    ) {
        let mut producers = Producers::default();
        let mut offset = 0;
        for (epoch, base_sequence, records, kind) in batches {
            let (header, marker) = match kind {
                0 => (header(epoch, base_sequence, records), None),
                1 => (transactional(epoch, base_sequence, records), None),
                _ => (marker_header(epoch), MARKER),
            };
            let mode = match marker {
                None => Append::Produce,
                Some(_) => Append::Marker { is_bumped: records == 1 },
            };
            if producers.check(&header, marker, mode) == Ok(Verdict::Append) {
                producers.apply(&header, marker, offset, -1, Sequence(0), 1_000);
                offset += i64::from(header.last_offset_delta) + 1;
            }
        }
        let snapshot = producers.to_snapshot();
        let restored = Producers::from_snapshot(&snapshot);
        prop_assert_eq!(&restored, &producers);
        let header = header(asked.0, asked.1, asked.2);
        prop_assert_eq!(produce(&restored, &header), produce(&producers, &header));
    }
}
