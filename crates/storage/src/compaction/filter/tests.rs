use bytes::Bytes;
use model::{LeaderEpoch, Offset, ProducerEpoch, ProducerId};
use wire::batch::{BatchBuilder, NewRecord};
use wire::compression::Codec;

use super::*;
use crate::format::bytes::crc32c;
use crate::views::AbortedTransaction;

const NOW_MS: i64 = 1_000_000;
const DELETE_RETENTION_MS: i64 = 5_000;

type Record<'a> = (Option<&'a str>, Option<&'a str>);

/// A batch at an offset, of a producer if it has an id.
fn batch(base_offset: i64, producer_id: i64, records: &[Record<'_>]) -> Bytes {
    let mut builder = BatchBuilder::new()
        .base_offset(Offset(base_offset))
        .leader_epoch(LeaderEpoch(1))
        .codec(Codec::Gzip);
    if producer_id >= 0 {
        builder = builder.producer(ProducerId(producer_id), ProducerEpoch(0), 0);
    }
    for (key, value) in records {
        builder.push(NewRecord {
            timestamp: 500,
            key: key.map(str::as_bytes),
            value: value.map(str::as_bytes),
            ..NewRecord::default()
        });
    }
    builder.build().into()
}

fn marker(base_offset: i64, producer_id: i64, is_commit: bool) -> Bytes {
    let mut builder = BatchBuilder::new()
        .base_offset(Offset(base_offset))
        .producer(ProducerId(producer_id), ProducerEpoch(3), -1)
        .transactional()
        .control();
    builder.push(NewRecord {
        timestamp: 500,
        key: Some(&[0, 0, 0, u8::from(is_commit)]),
        value: Some(&[0; 6]),
        ..NewRecord::default()
    });
    builder.build().into()
}

/// A filter over keys with the offsets of their last records.
fn filter(last: &[(&str, i64)]) -> Filter {
    let mut map = OffsetMap::new(1 << 16, 0.5, 100, [0; 16]);
    for (key, offset) in last {
        map.insert(key.as_bytes(), *offset).unwrap();
    }
    Filter {
        map,
        mapped_end: 1_000,
        until: 1_000,
        log_start: 0,
        now_ms: NOW_MS,
        delete_retention_ms: DELETE_RETENTION_MS,
        last_of_producers: HashMap::new(),
        transactions: SeenTransactions::default(),
    }
}

fn judge(filter: &mut Filter, batch: &[u8]) -> Kept {
    filter.judge(&BatchHeader::parse(batch).unwrap(), batch)
}

fn view(batch: &[u8]) -> BatchView<'_> {
    BatchView::parse(batch).unwrap().0
}

/// The offsets of the records that stay.
fn left(kept: &Kept, original: &[u8]) -> Vec<i64> {
    let batch = match kept {
        Kept::Whole => original,
        Kept::Rewritten(batch) => batch,
        Kept::Nothing => return vec![],
    };
    let view = view(batch);
    assert!(view.crc_is_valid());
    let opened = view.decompressed(1 << 20).unwrap();
    Records::new(&opened, view.record_count)
        .map(|record| view.base_offset.get() + i64::from(record.unwrap().offset_delta))
        .collect()
}

#[test]
fn the_last_record_of_each_key_stays() {
    let mut filter = filter(&[("a", 12), ("b", 50), ("d", 14)]);
    let records = [
        (Some("a"), Some("1")),
        (Some("b"), Some("1")),
        (Some("a"), Some("2")),
        (Some("c"), Some("1")),
        (Some("d"), Some("1")),
        (None, Some("keyless")),
    ];
    let batch = batch(10, -1, &records);
    let kept = judge(&mut filter, &batch);
    assert_eq!(left(&kept, &batch), [12, 13, 14]);
    let Kept::Rewritten(rewritten) = kept else {
        panic!("records have gone");
    };
    assert_eq!(
        judge(&mut filter, &rewritten),
        Kept::Whole,
        "all the last ones"
    );
}

#[test]
fn what_the_map_does_not_cover_stays() {
    let mut filter = filter(&[("a", 12)]);
    filter.mapped_end = 13;
    let mut records = [(Some("a"), Some("1")); 5];
    records[4].0 = None;
    let batch = batch(10, -1, &records);
    let kept = judge(&mut filter, &batch);
    assert_eq!(left(&kept, &batch), [12, 13, 14]);
}

#[test]
fn a_batch_whose_records_are_not_what_its_header_says_stays() {
    let mut filter = filter(&[("a", 50)]);
    let mut batch = batch(10, -1, &[(Some("a"), Some("1")); 2]).to_vec();
    // It ends with the first of them, it says.
    batch[23..27].copy_from_slice(&0_i32.to_be_bytes());
    let crc = crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    assert!(view(&batch).crc_is_valid());
    assert_eq!(judge(&mut filter, &batch), Kept::Whole);
}

#[test]
fn a_tombstone_goes_when_its_horizon_has_come() {
    let mut filter = filter(&[("a", 10), ("b", 11)]);
    let batch = batch(10, -1, &[(Some("a"), None), (Some("b"), Some("1"))]);
    let first = judge(&mut filter, &batch);
    assert_eq!(left(&first, &batch), [10, 11], "it gets its horizon");
    let Kept::Rewritten(first) = first else {
        panic!("the horizon is in the batch");
    };
    let horizon_ms = NOW_MS + DELETE_RETENTION_MS;
    assert!(view(&first).attributes.has_delete_horizon());
    assert_eq!(view(&first).base_timestamp, horizon_ms);
    filter.now_ms = horizon_ms - 1;
    assert_eq!(judge(&mut filter, &first), Kept::Whole, "and keeps it");
    filter.now_ms = horizon_ms;
    assert_eq!(left(&judge(&mut filter, &first), &first), [11]);
}

#[test]
fn a_batch_without_records_goes_unless_something_is_known_by_it() {
    let mut filter = filter(&[("a", 900)]);
    let one = batch(10, 7, &[(Some("a"), Some("1"))]);
    let newer = LastOfProducer::Batch { last_offset: 11 };
    filter.last_of_producers.insert(7, newer);
    assert_eq!(judge(&mut filter, &one), Kept::Nothing);
    let last = LastOfProducer::Batch { last_offset: 10 };
    filter.last_of_producers.insert(7, last);
    let kept = judge(&mut filter, &one);
    assert_eq!(left(&kept, &one), []);
    let Kept::Rewritten(empty) = kept else {
        panic!("an empty batch stays");
    };
    assert_eq!(view(&empty).producer_id, ProducerId(7));
    assert_eq!(judge(&mut filter, &empty), Kept::Whole);
    filter.last_of_producers.clear();
    assert_eq!(judge(&mut filter, &empty), Kept::Nothing);
    filter.until = 11;
    assert_eq!(
        judge(&mut filter, &empty),
        Kept::Whole,
        "the end of the round"
    );
}

#[test]
fn what_lies_below_the_start_goes() {
    let mut filter = filter(&[]);
    filter.log_start = 12;
    filter.until = 12;
    let below = batch(10, -1, &[(Some("a"), Some("1")); 2]);
    assert_eq!(judge(&mut filter, &below), Kept::Nothing);
    filter.log_start = 11;
    assert_eq!(judge(&mut filter, &below), Kept::Whole);
}

#[test]
fn what_cannot_be_opened_stays() {
    let mut filter = filter(&[("a", 900)]);
    let sound = batch(10, -1, &[(Some("a"), Some("1"))]);
    let mut broken = sound.to_vec();
    let end = broken.len();
    broken[end - 12..].fill(0xee);
    assert_eq!(judge(&mut filter, &broken), Kept::Whole);
    let mut uncompressed = BatchBuilder::new();
    uncompressed.push(NewRecord::default());
    let mut miscounted = uncompressed.build();
    miscounted[57..61].copy_from_slice(&5_i32.to_be_bytes());
    assert_eq!(judge(&mut filter, &miscounted), Kept::Whole);
}

#[test]
fn records_of_an_aborted_transaction_go_and_its_marker_much_later() {
    let transactional = |base_offset| {
        let mut builder = BatchBuilder::new()
            .base_offset(Offset(base_offset))
            .producer(ProducerId(1), ProducerEpoch(0), 0)
            .transactional();
        builder.push(NewRecord {
            key: Some(b"a"),
            value: Some(b"1"),
            ..NewRecord::default()
        });
        Bytes::from(builder.build())
    };
    let aborted = AbortedTransaction {
        producer_id: ProducerId(1),
        first_offset: Offset(10),
        last_offset: Offset(11),
    };
    let mut filter = filter(&[]);
    let with = |filter: &mut Filter, listed: bool| {
        let list = if listed { vec![aborted] } else { vec![] };
        filter.transactions = SeenTransactions::new(&list, false);
    };
    with(&mut filter, true);
    let marker = marker(11, 1, false);
    assert_eq!(judge(&mut filter, &transactional(10)), Kept::Nothing);
    assert_eq!(
        judge(&mut filter, &marker),
        Kept::Whole,
        "there was a record"
    );

    with(&mut filter, true);
    let Kept::Rewritten(marked) = judge(&mut filter, &marker) else {
        panic!("the marker gets its horizon");
    };
    assert_eq!(view(&marked).record_count, 1);
    let header = BatchHeader::parse(&marked).unwrap();
    let found = transaction_marker(&header, &marked).unwrap();
    assert_eq!((found.is_commit, found.coordinator_epoch), (false, 0));

    filter.now_ms = NOW_MS + DELETE_RETENTION_MS;
    with(&mut filter, true);
    assert_eq!(
        judge(&mut filter, &marked),
        Kept::Whole,
        "it is still listed"
    );
    with(&mut filter, false);
    filter.now_ms -= 1;
    assert_eq!(
        judge(&mut filter, &marked),
        Kept::Whole,
        "its time has not come"
    );
    filter.now_ms += 1;
    let marker_only = LastOfProducer::Marker { epoch: 3 };
    filter.last_of_producers.insert(1, marker_only);
    assert!(matches!(judge(&mut filter, &marked), Kept::Rewritten(empty)
        if view(&empty).record_count == 0 && view(&empty).attributes.is_control()));
    filter.last_of_producers.clear();
    assert_eq!(judge(&mut filter, &marked), Kept::Nothing);

    with(&mut filter, false);
    assert_eq!(judge(&mut filter, &transactional(20)), Kept::Whole);
    let commit = self::marker(21, 1, true);
    assert_eq!(judge(&mut filter, &commit), Kept::Whole);
}
