//! Batches against an independent codec, and on bytes that are no batches.

use bytes::{Bytes, BytesMut};
use kafka_protocol::records as oracle;
use model::{LeaderEpoch, Offset, ProducerEpoch, ProducerId};
use proptest::prelude::*;

use super::*;
use crate::compression::Codec;

/// A record with owned bytes, in the order of [`NewRecord`].
type OwnedRecord = (
    i64,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Vec<(String, Option<Vec<u8>>)>,
);

fn record() -> impl Strategy<Value = OwnedRecord> {
    let bytes = || prop::option::of(prop::collection::vec(any::<u8>(), 0..40));
    let headers = prop::collection::btree_map("[a-z]{0,3}", bytes(), 0..4);
    let headers = headers.prop_map(|headers| headers.into_iter().collect());
    (0..1i64 << 45, bytes(), bytes(), headers)
}

fn build(records: &[OwnedRecord], mut builder: BatchBuilder) -> Vec<u8> {
    for (timestamp, key, value, headers) in records {
        let headers: Vec<(&str, Option<&[u8]>)> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref()))
            .collect();
        builder.push(NewRecord {
            timestamp: *timestamp,
            key: key.as_deref(),
            value: value.as_deref(),
            headers: &headers,
        });
    }
    builder.build()
}

fn parse(bytes: &[u8]) -> BatchView<'_> {
    let (batch, rest) = BatchView::parse(bytes).unwrap();
    assert!(rest.is_empty());
    batch
}

fn owned(batch: &BatchView<'_>, records: Records<'_>) -> Vec<OwnedRecord> {
    records
        .map(|record| {
            let record = record.unwrap();
            let header = |(name, value): (&[u8], Option<&[u8]>)| {
                (
                    String::from_utf8(name.to_vec()).unwrap(),
                    value.map(<[u8]>::to_vec),
                )
            };
            (
                batch.base_timestamp + record.timestamp_delta,
                record.key.map(<[u8]>::to_vec),
                record.value.map(<[u8]>::to_vec),
                record.headers.map(header).collect(),
            )
        })
        .collect()
}

/// The records as the oracle has them.
fn foreign(records: &[OwnedRecord], base: i64, sequence: i32) -> Vec<oracle::Record> {
    let convert =
        |(index, (timestamp, key, value, headers)): (usize, &OwnedRecord)| oracle::Record {
            transactional: true,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: 7,
            producer_id: 99,
            producer_epoch: 3,
            timestamp_type: oracle::TimestampType::Creation,
            offset: base + index as i64,
            sequence: sequence + index as i32,
            timestamp: *timestamp,
            key: key.clone().map(Bytes::from),
            value: value.clone().map(Bytes::from),
            headers: headers
                .iter()
                .map(|(name, value)| (name.clone().into(), value.clone().map(Bytes::from)))
                .collect(),
        };
    records.iter().enumerate().map(convert).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_independent_codec_reads_what_is_built(records in prop::collection::vec(record(), 1..20)) {
        let builder = BatchBuilder::new()
            .base_offset(Offset(500))
            .leader_epoch(LeaderEpoch(7))
            .producer(ProducerId(99), ProducerEpoch(3), 40)
            .transactional();
        let batch = build(&records, builder);
        let read = oracle::RecordBatchDecoder::decode(&mut Bytes::from(batch.clone())).unwrap();
        prop_assert_eq!(&read.records, &foreign(&records, 500, 40));

        let view = parse(&batch);
        prop_assert!(view.crc_is_valid());
        prop_assert_eq!(owned(&view, view.records()), records);
    }

    #[test]
    fn what_an_independent_codec_builds_is_read(records in prop::collection::vec(record(), 1..20)) {
        let mut batch = BytesMut::new();
        let options =
            oracle::RecordEncodeOptions { version: 2, compression: oracle::Compression::None };
        let foreign = foreign(&records, 500, 40);
        oracle::RecordBatchEncoder::encode(&mut batch, &foreign, &options).unwrap();

        let view = parse(&batch);
        prop_assert!(view.crc_is_valid());
        prop_assert_eq!(view.base_offset, Offset(500));
        prop_assert_eq!(view.next_offset(), Offset(500 + records.len() as i64));
        prop_assert_eq!(view.leader_epoch, LeaderEpoch(7));
        prop_assert_eq!((view.producer_id, view.producer_epoch), (ProducerId(99), ProducerEpoch(3)));
        prop_assert_eq!((view.base_sequence, view.last_sequence()), (40, 39 + records.len() as i32));
        prop_assert!(view.attributes.is_transactional() && !view.attributes.is_control());
        prop_assert_eq!(view.max_timestamp, records.iter().map(|record| record.0).max().unwrap());
        prop_assert_eq!(view.record_count as usize, records.len());
        prop_assert_eq!(owned(&view, view.records()), records);
        prop_assert_eq!(&view.header().to_bytes(), batch.first_chunk().unwrap());
    }

    #[test]
    fn compressed_records_come_back(records in prop::collection::vec(record(), 0..20)) {
        for codec in Codec::ALL {
            let batch = build(&records, BatchBuilder::new().codec(codec));
            let view = parse(&batch);
            prop_assert!(view.crc_is_valid());
            prop_assert_eq!(view.attributes.codec(), Some(codec));
            let payload = view.decompressed(1 << 20).unwrap();
            prop_assert_eq!(&owned(&view, Records::new(&payload, view.record_count)), &records);
            if codec != Codec::None {
                let refused: Vec<_> = view.records().collect();
                prop_assert_eq!(refused, [Err(RecordError::Compressed)]);
            }
        }
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused(mut bytes: Vec<u8>, count: i32, length in 0..400i32) {
        look_at_everything(&bytes);
        read_in_both_ways(&bytes, count);
        for record in Records::new(&bytes, count).flatten() {
            prop_assert_eq!(record.headers.count(), record.headers.len());
        }
        // Past the checks of magic and length, too.
        if bytes.len() > 16 {
            bytes[8..12].copy_from_slice(&length.to_be_bytes());
            bytes[16] = 2;
        }
        look_at_everything(&bytes);
    }

    #[test]
    fn damaged_batches_are_read_or_refused(
        records in prop::collection::vec(record(), 1..5),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        codec in 0..5usize,
        cut: prop::sample::Index,
    ) {
        let mut batch = build(&records, BatchBuilder::new().codec(Codec::ALL[codec]));
        for (at, byte) in damages {
            let at = at.index(batch.len());
            batch[at] = byte;
        }
        look_at_everything(&batch);
        look_at_everything(&batch[..cut.index(batch.len())]);
    }

    #[test]
    fn a_changed_bit_behind_the_checksum_is_noticed(
        records in prop::collection::vec(record(), 1..5),
        at: prop::sample::Index,
    ) {
        let mut batch = build(&records, BatchBuilder::new());
        let bit = at.index((batch.len() - 17) * 8);
        batch[17 + bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!parse(&batch).crc_is_valid());
    }
}

/// Calls everything that reads; nothing of it may panic.
fn look_at_everything(bytes: &[u8]) {
    for batch in Batches::new(bytes).flatten() {
        let _ = (
            batch.crc_is_valid(),
            batch.last_offset(),
            batch.next_offset(),
        );
        let _ = (
            batch.last_sequence(),
            batch.attributes.codec(),
            batch.has_producer(),
        );
        let mut records = batch.records();
        let errors = records.by_ref().filter(Result::is_err).count();
        assert!(errors <= 1 && records.next().is_none());
        if let Ok(payload) = batch.decompressed(100_000) {
            read_in_both_ways(&payload, batch.record_count);
        }
    }
}

/// All at once, the same records are found as one by one, and the same error.
fn read_in_both_ways(bytes: &[u8], record_count: i32) {
    let records = Records::new(bytes, record_count);
    let mut one_by_one = records.clone();
    let read = records.read_all(|record| assert_eq!(one_by_one.next(), Some(Ok(record))));
    assert_eq!(one_by_one.next(), read.err().map(Err));
}

fn one_record() -> Vec<u8> {
    build(
        &[(5, None, Some(b"v".to_vec()), Vec::new())],
        BatchBuilder::new(),
    )
}

#[test]
fn a_batch_in_bytes() {
    let batch = one_record();
    #[rustfmt::skip]
    let expected = [
        0, 0, 0, 0, 0, 0, 0, 0, // base offset
        0, 0, 0, 57, // length
        0xff, 0xff, 0xff, 0xff, // leader epoch
        2, // magic
        batch[17], batch[18], batch[19], batch[20], // CRC
        0, 0, // attributes
        0, 0, 0, 0, // last offset delta
        0, 0, 0, 0, 0, 0, 0, 5, // base timestamp
        0, 0, 0, 0, 0, 0, 0, 5, // max timestamp
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // producer id
        0xff, 0xff, // producer epoch
        0xff, 0xff, 0xff, 0xff, // base sequence
        0, 0, 0, 1, // record count
        14, 0, 0, 0, 1, 2, b'v', 0, // the record
    ];
    assert_eq!(batch, expected);
}

#[test]
fn batches_are_taken_off_one_by_one() {
    let two = [one_record(), one_record()].concat();
    let (first, rest) = BatchView::parse(&two).unwrap();
    assert_eq!((first.size_bytes(), rest.len()), (69, 69));
    assert_eq!(Batches::new(&two).filter(Result::is_ok).count(), 2);
    let cut: Vec<_> = Batches::new(&two[..137])
        .map(|batch| batch.map(|b| b.size_bytes()))
        .collect();
    assert_eq!(cut, [Ok(69), Err(BatchError::Truncated)]);
}

#[test]
fn what_is_no_batch_is_refused() {
    let batch = one_record();
    for end in 0..batch.len() {
        assert_eq!(
            BatchView::parse(&batch[..end]).err(),
            Some(BatchError::Truncated),
            "{end}"
        );
    }
    let mut old = batch.clone();
    old[16] = 1;
    assert_eq!(BatchView::parse(&old).err(), Some(BatchError::Magic(1)));
    assert_eq!(
        BatchView::parse(&old[..17]).err(),
        Some(BatchError::Magic(1))
    );
    for length in [-1, 0, 48, i32::MIN] {
        let mut wrong = batch.clone();
        wrong[8..12].copy_from_slice(&length.to_be_bytes());
        assert_eq!(
            BatchView::parse(&wrong).err(),
            Some(BatchError::Length(length))
        );
    }
}

#[test]
fn stamping_keeps_the_checksum_valid() {
    let mut batch = one_record();
    stamp(&mut batch, Offset(1 << 40), LeaderEpoch(9));
    let view = parse(&batch);
    assert!(view.crc_is_valid());
    assert_eq!(
        (view.base_offset, view.leader_epoch),
        (Offset(1 << 40), LeaderEpoch(9))
    );
    assert!(!view.attributes.is_log_append_time());

    stamp_log_append_time(&mut batch, 1234);
    let view = parse(&batch);
    assert!(view.crc_is_valid() && view.attributes.is_log_append_time());
    assert_eq!((view.base_timestamp, view.max_timestamp), (5, 1234));
    assert_eq!(view.base_offset, Offset(1 << 40));
}

#[test]
fn sequences_wrap_to_zero() {
    let none = (0, None, None, Vec::new());
    let producer =
        |sequence| BatchBuilder::new().producer(ProducerId(1), ProducerEpoch(0), sequence);
    let batch = build(&[none.clone(), none.clone(), none], producer(i32::MAX - 1));
    let view = parse(&batch);
    assert_eq!(view.last_sequence(), 0);
    assert!(view.has_producer());
}

#[test]
fn offsets_may_have_gaps() {
    let mut builder = BatchBuilder::new().base_offset(Offset(10));
    builder.push_at(3, NewRecord::default());
    builder.push_at(8, NewRecord::default());
    let batch = builder.build();
    let view = parse(&batch);
    assert_eq!((view.last_offset(), view.record_count), (Offset(18), 2));
    let deltas: Vec<i32> = view
        .records()
        .map(|record| record.unwrap().offset_delta)
        .collect();
    assert_eq!(deltas, [3, 8]);
}

#[test]
fn too_few_or_too_many_records_are_noticed() {
    let batch = one_record();
    let payload = parse(&batch).payload();
    let errors = |count| {
        Records::new(payload, count)
            .filter_map(Result::err)
            .collect::<Vec<_>>()
    };
    assert_eq!(errors(0), [RecordError::TrailingBytes]);
    assert_eq!(errors(1), []);
    assert_eq!(errors(2), [RecordError::Malformed]);
    assert_eq!(errors(-1), [RecordError::Malformed]);
    assert_eq!(errors(i32::MAX), [RecordError::Malformed]);
    for count in [-1, 0, 1, 2] {
        read_in_both_ways(payload, count);
    }
}
