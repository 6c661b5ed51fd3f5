use std::collections::BTreeSet;

use wire::batch::BatchView;

use super::*;

const KEYS: Keys = Keys {
    count: 100,
    bytes: 8,
};

fn shape(keys: Option<Keys>) -> Shape {
    Shape {
        value_bytes: 101,
        keys,
        codec: Codec::None,
        acks: -1,
    }
}

#[test]
fn every_key_belongs_to_one_partition_and_partitions_without_keys_are_left_out() {
    let all = lanes(7, Some(KEYS));
    let mut numbers: Vec<u64> = all.iter().flat_map(|lane| lane.keys.clone()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
    for lane in &all {
        for number in &lane.keys {
            let partition = partition_of_key(&KEYS.key(*number), 7);
            assert_eq!(partition, i32::try_from(lane.partition).unwrap());
        }
    }
    let one = Keys { count: 1, bytes: 1 };
    assert_eq!(lanes(100, Some(one)).len(), 1);
    assert_eq!(lanes(3, None).len(), 3);
}

#[test]
fn keys_are_distinct_and_as_long_as_was_asked_for() {
    for (count, bytes) in [(1, 1), (10, 1), (11, 2), (1000, 3), (1001, 4)] {
        assert_eq!(Keys::bytes_min(count), bytes, "{count}");
        let keys = Keys { count, bytes };
        let distinct: BTreeSet<Vec<u8>> = (0..count).map(|number| keys.key(number)).collect();
        assert_eq!(distinct.len() as u64, count);
        assert!(distinct.iter().all(|key| key.len() == bytes));
    }
}

#[test]
fn batches_hold_what_was_asked_for_and_go_through_the_keys() {
    let lane = &lanes(2, Some(KEYS))[1];
    let shape = shape(Some(KEYS));
    let mut seen = Vec::new();
    for round in 0..4 {
        let bytes = shape.batch(lane, round, 5, 1_700_000_000_123_456_789, false);
        let (batch, rest) = BatchView::parse(&bytes).unwrap();
        assert!(batch.crc_is_valid() && rest.is_empty());
        assert_eq!(batch.record_count, 5);
        assert_eq!(batch.max_timestamp, 1_700_000_000_123);
        for record in batch.records() {
            let record = record.unwrap();
            let value = record.value.unwrap();
            assert_eq!(value.len(), 101);
            assert!(value[51..].iter().all(|byte| *byte == 0), "half is random");
            assert!(value[..51].iter().any(|byte| *byte != 0));
            seen.push(record.key.unwrap().to_vec());
        }
    }
    let keys: Vec<Vec<u8>> = lane.keys.iter().map(|number| KEYS.key(*number)).collect();
    assert_eq!(seen, keys[..20]);
}

#[test]
fn as_many_records_as_fit_are_in_a_batch() {
    for (value_bytes, keys) in [
        (0, None),
        (1, None),
        (100, None),
        (100, Some(KEYS)),
        (1024, Some(KEYS)),
        (40_000, None),
    ] {
        let shape = Shape {
            value_bytes,
            ..shape(keys)
        };
        let lane = &lanes(1, keys)[0];
        let bytes = |count| shape.batch(lane, 0, count, 0, false).len();
        let count = shape.records_in(16_384);
        assert!(bytes(count) <= 16_384 || count == 1, "{value_bytes}");
        // The length of an offset is taken for that of the last one.
        let more = count + count / 8 + 1;
        assert!(bytes(more) > 16_384, "{value_bytes}");
    }
}

#[test]
fn every_value_is_stamped_if_that_is_asked_for() {
    let bytes = shape(None).batch(&lanes(1, None)[0], 0, 3, 42, true);
    let (batch, _) = BatchView::parse(&bytes).unwrap();
    for record in batch.records() {
        assert_eq!(stamp::get(record.unwrap().value.unwrap()), Some(42));
    }
}
