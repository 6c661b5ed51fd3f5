//! Looking records up by time and by epoch.

use std::time::Duration;

use bytes::Bytes;
use model::{LeaderEpoch, LogId, Offset};
use storage::{Isolation, LogConfig, StorageSettings, TimestampType};
use wire::batch::{BatchBuilder, BatchView, NewRecord};
use wire::compression::Codec;

use crate::harness::{
    LOG, append, batch, open, open_with, producer_batch, read_all, sim_settings, timed_batch,
};

#[test]
fn records_are_found_by_time_in_memory_and_in_segments() {
    let (env, _) = sim::env(1);
    let config = LogConfig {
        segment_bytes: 16 << 10,
        index_interval_bytes: 1_000,
        ..LogConfig::default()
    };
    let engine = open_with(&env, sim_settings(), 1, &config).unwrap();
    let log = engine.log(LOG);
    // Times rise by 10, except that each tenth is early.
    let time = |number: i64| {
        if number % 10 == 9 {
            5
        } else {
            1_000 + number * 10
        }
    };
    for number in 0..200i64 {
        append(&log, timed_batch(&[1; 1_000], 1, time(number))).unwrap();
        engine.settle();
    }
    assert!(engine.storage.metrics().flushes > 0);
    for asked in (0..3_100).step_by(7) {
        let expected = (0..200).find(|number| time(*number) >= asked);
        let found = log
            .offset_for_timestamp(asked, Isolation::ReadUncommitted)
            .unwrap();
        assert_eq!(found.map(|found| found.offset.get()), expected, "{asked}");
        if let Some(found) = found {
            assert_eq!(found.timestamp_ms, time(found.offset.get()));
        }
    }
    let latest = log.offset_of_max_timestamp().unwrap().unwrap();
    assert_eq!(
        (latest.offset, latest.timestamp_ms),
        (Offset(198), time(198))
    );
    log.set_log_start(Offset(100)).unwrap();
    engine.settle();
    let found = log
        .offset_for_timestamp(0, Isolation::ReadUncommitted)
        .unwrap()
        .unwrap();
    assert_eq!(found.offset, Offset(100));
    let empty = engine.log(LogId::METADATA);
    assert_eq!(empty.offset_of_max_timestamp(), Ok(None));
}

#[test]
fn a_record_within_a_batch_is_found_by_time() {
    let (env, _) = sim::env(1);
    let engine = open(&env);
    let log = engine.log(LOG);
    let mut builder = BatchBuilder::new().codec(Codec::Lz4);
    for timestamp in [100, 300, 200, 400] {
        builder.push(NewRecord {
            timestamp,
            value: Some(b"value"),
            ..NewRecord::default()
        });
    }
    append(&log, builder.build().into()).unwrap();
    engine.commit();
    let find = |asked| {
        let found = log
            .offset_for_timestamp(asked, Isolation::ReadUncommitted)
            .unwrap();
        found.map(|found| (found.offset.get(), found.timestamp_ms))
    };
    assert_eq!(find(0), Some((0, 100)));
    assert_eq!(find(150), Some((1, 300)));
    assert_eq!(find(350), Some((3, 400)));
    assert_eq!(find(401), None);
}

/// A batch of two records, the second of which has the later time, and zeros to be opened.
fn bomb(codec: Codec, zeros: usize) -> Bytes {
    let zeros = vec![0; zeros];
    let mut builder = BatchBuilder::new().codec(codec);
    for (timestamp, value) in [(100, &zeros[..]), (200, b"value")] {
        builder.push(NewRecord {
            timestamp,
            value: Some(value),
            ..NewRecord::default()
        });
    }
    builder.build().into()
}

#[test]
fn a_batch_that_would_take_too_much_memory_is_not_opened_for_a_time() {
    let (env, _) = sim::env(1);
    let settings = StorageSettings {
        wal_bytes_max: 32 << 20,
        wal_slot_bytes: 4 << 20,
        wal_first_slot_bytes: 4 << 20,
        memory_bytes_max: 64 << 20,
        ..sim_settings()
    };
    let engine = open_with(&env, settings, 4, &LogConfig::default()).unwrap();
    let codecs = [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];
    for (codec, id) in codecs.into_iter().zip(1..) {
        let log = engine.log(LogId(id));
        let find = |asked| {
            let found = log.offset_for_timestamp(asked, Isolation::ReadUncommitted);
            let found = found.unwrap().unwrap();
            (found.offset.get(), found.timestamp_ms)
        };
        append(&log, bomb(codec, 15 << 20)).unwrap();
        engine.commit();
        assert_eq!(find(0), (0, 100), "{codec}: it is opened");
        assert_eq!(find(150), (1, 200), "{codec}");
        append(&log, bomb(codec, 17 << 20)).unwrap();
        log.set_log_start(Offset(2)).unwrap();
        engine.commit();
        assert_eq!(find(0), (2, 200), "{codec}: what its header says is told");
    }
}

/// Nobody looks into a compressed batch when it is appended.
#[test]
fn a_record_outside_of_its_batch_is_not_found_by_time() {
    let (env, _) = sim::env(1);
    let engine = open(&env);
    let log = engine.log(LOG);
    let mut builder = BatchBuilder::new().codec(Codec::Gzip);
    for (offset_delta, timestamp) in [(0, 100), (1_000_000, 200)] {
        let record = NewRecord {
            timestamp,
            value: Some(b"value"),
            ..NewRecord::default()
        };
        builder.push_at(offset_delta, record);
    }
    let mut batch = builder.build();
    // The header says that the last of the two records has offset 1.
    batch[23..27].copy_from_slice(&1i32.to_be_bytes());
    let crc = crc_fast::crc32_iscsi(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    append(&log, batch.into()).unwrap();
    engine.commit();
    let find = |asked| {
        let found = log.offset_for_timestamp(asked, Isolation::ReadUncommitted);
        found.unwrap().map(|found| found.offset.get())
    };
    assert_eq!(find(0), Some(0));
    assert_eq!(find(150), None);
}

#[test]
fn log_append_time_is_stamped_and_answered() {
    let (env, handles) = sim::env(1);
    let config = LogConfig {
        timestamp_type: TimestampType::LogAppendTime,
        ..LogConfig::default()
    };
    let engine = open_with(&env, sim_settings(), 1, &config).unwrap();
    let log = engine.log(LOG);
    handles.clock.advance(Duration::from_secs(77));
    let now_ms = env.clock.wall_ms();
    let sent = producer_batch(b"x", 2, (1, 0), 0);
    let appended = append(&log, sent.clone()).unwrap();
    assert_eq!(appended.log_append_time_ms, now_ms);
    engine.commit();
    handles.clock.advance(Duration::from_secs(1));
    assert_eq!(
        append(&log, sent).unwrap().log_append_time_ms,
        now_ms,
        "that of the original"
    );
    let batches = read_all(&log, 0).unwrap();
    let (view, _) = BatchView::parse(&batches[0]).unwrap();
    assert!(view.crc_is_valid() && view.header().attributes.is_log_append_time());
    assert_eq!(view.header().max_timestamp, now_ms);
    let found = log
        .offset_for_timestamp(now_ms, Isolation::ReadUncommitted)
        .unwrap()
        .unwrap();
    assert_eq!((found.offset, found.timestamp_ms), (Offset(0), now_ms));
}

#[test]
fn each_start_is_an_epoch_and_epochs_end_where_the_next_begins() {
    let (env, handles) = sim::env(1);
    let engine = open(&env);
    assert_eq!(engine.storage.leader_epoch(), LeaderEpoch(0));
    append(&engine.log(LOG), batch(b"a", 3)).unwrap();
    engine.commit();
    drop(engine);
    let handles = handles.crash();
    drop(open(&handles.env()));
    let handles = handles.crash();
    let engine = open(&handles.env());
    let log = engine.log(LOG);
    assert_eq!(engine.storage.leader_epoch(), LeaderEpoch(2));
    append(&log, batch(b"b", 2)).unwrap();
    engine.commit();
    let end = |epoch| {
        let (epoch, end) = log.end_offset_for_epoch(LeaderEpoch(epoch));
        (epoch.get(), end.get())
    };
    assert_eq!(
        [end(0), end(1), end(2), end(3)],
        [(0, 3), (0, 3), (2, 5), (-1, -1)]
    );
    let batches = read_all(&log, 0).unwrap();
    let epochs: Vec<_> = batches
        .iter()
        .map(|batch| {
            BatchView::parse(batch)
                .unwrap()
                .0
                .header()
                .leader_epoch
                .get()
        })
        .collect();
    assert_eq!(epochs, [0, 2]);
}

/// The checkpoint knew the start of the log, and not the batches below it, which were replayed.
#[test]
fn no_epoch_ends_below_the_start_of_its_log_after_a_restart() {
    let (env, handles) = sim::env(1);
    drop(open(&env));
    let handles = handles.crash();
    let engine = open(&handles.env());
    let log = engine.log(LOG);
    append(&log, batch(b"four", 4)).unwrap();
    engine.commit();
    log.set_log_start(Offset(2)).unwrap();
    engine.commit();
    // For this the flusher writes a checkpoint and moves no batches.
    engine.storage.delete_log(LogId(3));
    engine.settle();
    let metrics = engine.storage.metrics();
    assert!(metrics.checkpoints > 0 && metrics.flushes == 0);
    let ended = log.end_offset_for_epoch(LeaderEpoch(0));
    assert_eq!(ended, (LeaderEpoch(0), Offset(2)));
    drop((log, engine));
    let log = open(&handles.crash().env()).log(LOG);
    assert_eq!(log.view().log_start, Offset(2));
    assert_eq!(log.end_offset_for_epoch(LeaderEpoch(0)), ended);
}
