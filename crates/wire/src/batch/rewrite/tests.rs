//! What is left of a batch is what was kept, as an independent codec reads it too.

use bytes::Bytes;
use kafka_protocol::records as oracle;
use model::{LeaderEpoch, Offset, ProducerEpoch, ProducerId};
use proptest::prelude::*;

use super::*;
use crate::batch::{BatchBuilder, NewRecord, Records};

const BYTES_MAX: usize = 1 << 20;

fn parse(bytes: &[u8]) -> BatchView<'_> {
    let (batch, rest) = BatchView::parse(bytes).unwrap();
    assert!(rest.is_empty());
    assert!(batch.crc_is_valid());
    batch
}

/// A batch of so many records with values that compress a little.
fn batch(count: i32, codec: Codec) -> Vec<u8> {
    let mut builder = BatchBuilder::new()
        .base_offset(Offset(100))
        .leader_epoch(LeaderEpoch(7))
        .producer(ProducerId(99), ProducerEpoch(3), 40)
        .codec(codec);
    for number in 0..count {
        let key = format!("key {number}");
        let value = format!("value {number} ").repeat(number as usize % 5);
        builder.push(NewRecord {
            timestamp: 5_000 + i64::from(number * 7 % 20),
            key: Some(key.as_bytes()),
            value: (number % 4 != 3).then_some(value.as_bytes()),
            headers: &[("a", Some(b"1")), ("", None)],
        });
    }
    builder.build()
}

/// Offset, timestamp, key, value and number of headers of each record.
type Seen = (i64, i64, Option<Vec<u8>>, Option<Vec<u8>>, usize);

fn seen(bytes: &[u8]) -> Vec<Seen> {
    let batch = parse(bytes);
    let opened = batch.decompressed(BYTES_MAX).unwrap();
    let records = Records::new(&opened, batch.record_count).map(|record| {
        let record = record.unwrap();
        (
            batch.base_offset.0 + i64::from(record.offset_delta),
            batch.base_timestamp + record.timestamp_delta,
            record.key.map(<[u8]>::to_vec),
            record.value.map(<[u8]>::to_vec),
            record.headers.count(),
        )
    });
    records.collect()
}

/// What an independent codec, which opens nothing, finds in an uncompressed batch.
fn foreign(bytes: &[u8]) -> Vec<Seen> {
    let mut bytes = Bytes::copy_from_slice(bytes);
    let decoded = oracle::RecordBatchDecoder::decode(&mut bytes).unwrap();
    let records = decoded.records.into_iter().map(|record| {
        (
            record.offset,
            record.timestamp,
            record.key.map(|key| key.to_vec()),
            record.value.map(|value| value.to_vec()),
            record.headers.len(),
        )
    });
    records.collect()
}

fn retained(
    bytes: &[u8],
    keep: impl Fn(usize) -> bool + Clone,
    horizon_ms: Option<i64>,
) -> Vec<u8> {
    let batch = parse(bytes);
    let opened = batch.decompressed(BYTES_MAX).unwrap();
    let records = Records::new(&opened, batch.record_count).map(Result::unwrap);
    let kept = records
        .enumerate()
        .filter(|(index, _)| keep(*index))
        .map(|(_, record)| record);
    retain(&batch, kept, horizon_ms)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_kept_is_what_it_was(
        keep in prop::collection::vec(any::<bool>(), 1..60),
        codec in 0..Codec::ALL.len(),
        horizon_ms in prop::option::of(0..1i64 << 45),
    ) {
        let original = batch(keep.len() as i32, Codec::ALL[codec]);
        let left = retained(&original, |index| keep[index], horizon_ms);
        let expected: Vec<_> = seen(&original)
            .into_iter()
            .zip(&keep)
            .filter(|(_, keep)| **keep)
            .map(|(record, _)| record)
            .collect();
        prop_assert_eq!(&seen(&left), &expected);
        let (before, after) = (parse(&original), parse(&left));
        let places = |batch: &BatchView<'_>| (
            batch.base_offset,
            batch.last_offset_delta,
            batch.leader_epoch,
            batch.producer_id,
            batch.producer_epoch,
            batch.base_sequence,
        );
        prop_assert_eq!(places(&before), places(&after));
        let latest = expected.iter().map(|(_, timestamp, ..)| *timestamp).max();
        prop_assert_eq!(after.max_timestamp, latest.unwrap_or(-1));
        prop_assert_eq!(after.record_count as usize, expected.len());
        if !expected.is_empty() {
            prop_assert_eq!(after.attributes.codec(), Some(Codec::ALL[codec]));
            if Codec::ALL[codec] == Codec::None {
                prop_assert_eq!(foreign(&left), expected);
            }
            let horizon = after.attributes.has_delete_horizon().then_some(after.base_timestamp);
            prop_assert_eq!(horizon, horizon_ms);
        }
    }

    #[test]
    fn another_codec_changes_no_record(from in 0..Codec::ALL.len(), to in 0..Codec::ALL.len()) {
        let original = batch(30, Codec::ALL[from]);
        let view = parse(&original);
        let opened = view.decompressed(BYTES_MAX).unwrap();
        let other = recompress(&view, &opened, Codec::ALL[to], None);
        prop_assert_eq!(parse(&other).attributes.codec(), Some(Codec::ALL[to]));
        prop_assert_eq!(seen(&other), seen(&original));
        if Codec::ALL[to] == Codec::None {
            prop_assert_eq!(foreign(&other), seen(&original));
        }
    }
}

#[test]
fn a_horizon_stays_and_times_stay_right_when_records_go_later() {
    let first = retained(&batch(10, Codec::None), |index| index > 2, Some(900_000));
    let second = retained(&first, |index| index % 2 == 0, None);
    let view = parse(&second);
    assert!(view.attributes.has_delete_horizon());
    assert_eq!(view.base_timestamp, 900_000);
    let expected: Vec<_> = seen(&first).into_iter().step_by(2).collect();
    assert_eq!(seen(&second), expected);
}

#[test]
fn the_append_time_of_a_batch_stays_when_records_go() {
    let mut original = batch(10, Codec::Lz4);
    crate::batch::stamp_log_append_time(&mut original, 77_000);
    let left = retained(&original, |index| index == 4, Some(1));
    assert_eq!(parse(&left).max_timestamp, 77_000);
    assert!(parse(&left).attributes.is_log_append_time());
}

#[test]
fn an_empty_batch_keeps_its_place_and_its_producer() {
    let bytes = batch(5, Codec::Zstd);
    let left = retained(&bytes, |_| false, Some(5));
    let view = parse(&left);
    assert_eq!(left.len(), super::super::HEADER_BYTES);
    assert_eq!(view.attributes, Attributes(0));
    assert_eq!(
        (view.next_offset(), view.last_sequence()),
        (Offset(105), 44)
    );
    assert_eq!((view.base_timestamp, view.max_timestamp), (-1, -1));
}

#[test]
fn levels_act() {
    let bytes: Vec<u8> = (0..60_000u32)
        .map(|n| (n.wrapping_mul(n) >> 9) as u8 & 15)
        .collect();
    for (codec, low, high) in [(Codec::Gzip, 1, 9), (Codec::Zstd, 1, 19)] {
        let [low, high] = [low, high].map(|level| compress_at(codec, Some(level), &bytes));
        assert!(
            high.len() < low.len(),
            "{codec}: {} {}",
            high.len(),
            low.len()
        );
        let usual = compress_at(codec, None, &bytes);
        assert_eq!(usual, compress(codec, &bytes));
    }
}
