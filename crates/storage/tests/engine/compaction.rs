//! Compaction of single logs: what it leaves, what it leaves alone, and what readers notice of it.
//! That it is right whatever happens meanwhile, the simulation shows (`tests/simulation`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use env::{Env, Step};
use model::{LogId, Offset, ProducerEpoch, ProducerId};
use sim::Handles;
use storage::{
    CompactionSettings, Isolation, Log, LogConfig, Read, StorageSettings, TimestampType,
};
use wire::batch::{BatchBuilder, BatchView, NewRecord, Records};
use wire::compression::Codec;

use crate::harness::{
    DATA_DIR, Engine, LOG, append, open_with, producer_batch, read_all, read_some, sim_settings,
};

/// Compacts whatever is dirty, in small segments.
fn config() -> LogConfig {
    LogConfig {
        cleanup_delete: false,
        cleanup_compact: true,
        min_cleanable_dirty_ratio: 0.0,
        segment_bytes: 4 << 10,
        segment_ms: 10_000,
        ..LogConfig::default()
    }
}

fn settings() -> StorageSettings {
    StorageSettings {
        compaction: CompactionSettings {
            io_bytes: 2 << 10,
            ..CompactionSettings::default()
        },
        ..sim_settings()
    }
}

fn start(env: &Env, config: &LogConfig) -> Engine {
    open_with(env, settings(), 1, config).unwrap()
}

impl Engine {
    /// Closes the segment that is written to.
    fn roll(&self, handles: &Handles) {
        self.settle();
        handles.clock.advance(Duration::from_millis(10_001));
        self.storage.run_retention(handles.env().clock.wall_ms());
        self.settle();
    }

    /// Compacts until nothing is left to do.
    fn compact(&self) {
        let idle = (0..10_000).any(|_| self.storage.compact_step() != Step::Worked);
        assert!(idle, "compaction does not come to rest");
        self.settle();
    }
}

fn keyed(records: &[(&str, Option<&str>)], codec: Codec, timestamp_ms: i64) -> Bytes {
    let mut builder = BatchBuilder::new().codec(codec);
    for (number, (key, value)) in (0..).zip(records) {
        builder.push(NewRecord {
            timestamp: timestamp_ms + number,
            key: Some(key.as_bytes()),
            value: value.map(str::as_bytes),
            headers: &[("header", Some(b"1"))],
        });
    }
    builder.build().into()
}

/// Offset, key, value, timestamp and codec of each record.
fn records(log: &Arc<Log>) -> Vec<(i64, String, Option<String>, i64, Codec)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut all = Vec::new();
    for batch in read_all(log, log.view().log_start.get()).unwrap() {
        let (view, _) = BatchView::parse(&batch).unwrap();
        let opened = view.decompressed(1 << 20).unwrap();
        for record in Records::new(&opened, view.record_count) {
            let record = record.unwrap();
            assert_eq!(record.headers.count(), 1);
            all.push((
                view.base_offset.get() + i64::from(record.offset_delta),
                text(record.key.unwrap()),
                record.value.map(text),
                view.base_timestamp + record.timestamp_delta,
                view.attributes.codec().unwrap(),
            ));
        }
    }
    all
}

#[test]
fn compressed_batches_keep_their_codec_and_their_last_records() {
    let (env, handles) = sim::env(1);
    let engine = start(&env, &config());
    let log = engine.log(LOG);
    let mut last = BTreeMap::new();
    for round in 0..40_i64 {
        let codec = Codec::ALL[(round % 5) as usize];
        let long = format!("value {round} ").repeat(30);
        let own = format!("only {round}");
        let batch = [
            ("a", Some(&long[..])),
            (&own, Some("x")),
            ("b", Some(&long)),
        ];
        append(&log, keyed(&batch, codec, round * 100)).unwrap();
        engine.settle();
        for (number, (key, value)) in (0..).zip(batch) {
            let record = (
                round * 3 + number,
                value.map(str::to_owned),
                round * 100 + number,
                codec,
            );
            last.insert(key.to_owned(), record);
        }
    }
    engine.roll(&handles);
    let before = log.view();
    engine.compact();
    let mut expected: Vec<_> = last
        .into_iter()
        .map(|(key, (offset, value, time, codec))| (offset, key, value, time, codec))
        .collect();
    expected.sort();
    assert_eq!(records(&log), expected);
    let after = log.view();
    assert!(after.bytes < before.bytes / 2, "{before:?} {after:?}");
    assert_eq!(
        (after.log_start, after.high_watermark),
        (Offset(0), Offset(120))
    );
    // Every offset leads to what is left from there on.
    for from in 0..120 {
        let read = read_some(&log, Offset(from), 1).unwrap();
        let (view, _) = BatchView::parse(&read.chunks[0]).unwrap();
        assert!(view.next_offset() > Offset(from));
    }
    let found = log
        .offset_for_timestamp(1_000, Isolation::ReadUncommitted)
        .unwrap();
    assert_eq!(found.unwrap().offset, Offset(31), "the first one is gone");
    assert_eq!(
        log.offset_of_max_timestamp().unwrap().unwrap().offset,
        Offset(119)
    );

    let metrics = engine.storage.metrics();
    assert_eq!((metrics.compactions, metrics.compaction_failures), (1, 0));
    drop(engine);
    let again = start(&handles.crash().env(), &config());
    assert_eq!(again.report.damages, []);
    assert_eq!(records(&again.log(LOG)), expected);
    again.compact();
    assert_eq!(
        again.storage.metrics().compactions,
        0,
        "it knows what is clean"
    );
}

#[test]
fn the_segment_being_written_and_open_transactions_are_left_alone() {
    let (env, handles) = sim::env(1);
    let engine = start(&env, &config());
    let log = engine.log(LOG);
    let twice = [("a", Some("1")), ("a", Some("2"))];
    append(&log, keyed(&twice, Codec::None, 0)).unwrap();
    engine.settle();
    engine.compact();
    assert_eq!(records(&log).len(), 2, "it is still in memory");
    let mut open = BatchBuilder::new()
        .producer(ProducerId(5), ProducerEpoch(0), 0)
        .transactional();
    open.push(NewRecord {
        key: Some(b"a"),
        value: Some(b"3"),
        headers: &[("header", None)],
        ..NewRecord::default()
    });
    append(&log, open.build().into()).unwrap();
    engine.roll(&handles);
    engine.compact();
    assert_eq!(
        records(&log).len(),
        3,
        "the transaction is in the same segment"
    );
    assert_eq!(engine.storage.metrics().compactions, 0);
}

#[test]
fn a_read_that_began_before_a_compaction_is_answered_after_it() {
    for isolation in [Isolation::ReadUncommitted, Isolation::ReadCommitted] {
        let (env, handles) = sim::env(1);
        let without_cache = StorageSettings {
            memory_bytes_max: 64 << 10,
            flush_bytes: 1 << 10,
            ..settings()
        };
        let engine = open_with(&env, without_cache, 1, &config()).unwrap();
        let log = engine.log(LOG);
        let value = "x".repeat(700);
        for _ in 0..40 {
            append(&log, keyed(&[("a", Some(&value))], Codec::None, 0)).unwrap();
            engine.settle();
        }
        engine.roll(&handles);
        let Read::Disk(read) = log.read(Offset(0), 1 << 20, isolation, true).unwrap() else {
            panic!("the first batches are in segments only");
        };
        engine.compact();
        handles.clock.advance(Duration::from_secs(61));
        engine.settle();
        let batches = read.run().unwrap();
        let (view, rest) = BatchView::parse(&batches.chunks[0]).unwrap();
        assert_eq!((view.base_offset, rest), (Offset(39), &[][..]));
        assert!(!log.is_quarantined());
    }
}

#[test]
fn a_round_ends_early_when_it_is_not_wanted_any_more() {
    for is_deleted in [false, true] {
        let (env, handles) = sim::env(1);
        let engine = start(&env, &config());
        let log = engine.log(LOG);
        let value = "x".repeat(900);
        for _ in 0..30 {
            append(&log, keyed(&[("a", Some(&value))], Codec::None, 0)).unwrap();
            engine.settle();
        }
        engine.roll(&handles);
        let files = || {
            let directory = std::path::Path::new(DATA_DIR).join("logs/0000000001");
            let entries = env.fs.list_dir(&directory).unwrap();
            let names = entries.into_iter().map(|entry| entry.name);
            names.filter(|name| name.contains('-')).count()
        };
        while files() == 0 {
            assert_eq!(engine.storage.compact_step(), Step::Worked);
        }
        if is_deleted {
            engine.storage.delete_log(LOG);
        } else {
            log.set_config(LogConfig::default());
        }
        engine.compact();
        assert_eq!(files(), 0, "what it has begun is removed");
        assert_eq!(engine.storage.metrics().compactions, 0);
        assert_eq!(engine.storage.metrics().compaction_memory_bytes, 0);
    }
}

#[test]
fn producers_are_known_by_what_compaction_leaves() {
    let (env, handles) = sim::env(1);
    let engine = start(&env, &config());
    let log = engine.log(LOG);
    // Without keys: nothing of it stays.
    for sequence in 0..20 {
        let batch = producer_batch(&[1; 900], 1, (7, 3), sequence);
        append(&log, batch).unwrap();
        engine.settle();
    }
    append(&log, keyed(&[("a", Some("1"))], Codec::None, 0)).unwrap();
    engine.roll(&handles);
    engine.compact();
    let left = read_all(&log, 0).unwrap();
    let counts: Vec<_> = left
        .iter()
        .map(|batch| BatchView::parse(batch).unwrap().0)
        .map(|view| (view.base_offset.get(), view.record_count))
        .collect();
    assert_eq!(
        counts,
        [(19, 0), (20, 1)],
        "the last batch of the producer, empty"
    );
    drop(engine);

    let handles = handles.crash();
    let directory = std::path::Path::new(DATA_DIR).join("logs/0000000001");
    for entry in handles.env().fs.list_dir(&directory).unwrap() {
        if entry.name.ends_with(".snapshot") {
            handles.fs.lose(&directory.join(entry.name));
        }
    }
    let again = start(&handles.env(), &config());
    assert_eq!(again.report.damages.len(), 1, "the snapshot was built anew");
    let log = again.log(LOG);
    let known = log.producers();
    assert_eq!((known[0].producer_epoch.0, known[0].last_sequence), (3, 19));
    let appended = append(&log, producer_batch(&[1; 900], 1, (7, 3), 19)).unwrap();
    assert!(appended.duplicate);
    assert_eq!(appended.base_offset, Offset(19));
    assert!(append(&log, producer_batch(&[1; 9], 1, (7, 3), 21)).is_err());
}

#[test]
fn tombstones_go_after_their_time_and_append_times_stay() {
    let (env, handles) = sim::env(1);
    let config = LogConfig {
        delete_retention_ms: 60_000,
        timestamp_type: TimestampType::LogAppendTime,
        ..config()
    };
    let engine = start(&env, &config);
    let log = engine.log(LOG);
    let appended_ms = env.clock.wall_ms();
    append(
        &log,
        keyed(&[("a", Some("1")), ("b", Some("1"))], Codec::Zstd, 5),
    )
    .unwrap();
    append(&log, keyed(&[("a", None)], Codec::None, 5)).unwrap();
    let left = |engine: &Engine, expected: &[i64]| {
        engine.roll(&handles);
        engine.compact();
        let offsets: Vec<_> = records(&log).iter().map(|record| record.0).collect();
        assert_eq!(offsets, expected);
    };
    left(&engine, &[1, 2]);
    let found = log.offset_for_timestamp(appended_ms, Isolation::ReadUncommitted);
    let found = found.unwrap().unwrap();
    assert_eq!((found.offset, found.timestamp_ms), (Offset(1), appended_ms));
    // Compaction looks again when there is something new.
    append(&log, keyed(&[("c", Some("1"))], Codec::None, 5)).unwrap();
    left(&engine, &[1, 2, 3]);
    handles.clock.advance(Duration::from_secs(60));
    append(&log, keyed(&[("d", Some("1"))], Codec::None, 5)).unwrap();
    left(&engine, &[1, 3, 4]);
}

#[test]
fn compaction_keeps_to_its_pace() {
    let (env, handles) = sim::env(1);
    let slow = StorageSettings {
        compaction: CompactionSettings {
            io_bytes: 2 << 10,
            bytes_per_second: 10_000.0,
            ..CompactionSettings::default()
        },
        ..sim_settings()
    };
    let engine = open_with(&env, slow, 1, &config()).unwrap();
    let log = engine.log(LOG);
    let value = "x".repeat(900);
    for number in 0..20 {
        append(
            &log,
            keyed(&[(&number.to_string(), Some(&value))], Codec::None, 0),
        )
        .unwrap();
        engine.settle();
    }
    engine.roll(&handles);
    let started = env.clock.now();
    // 20 KB are read twice and written once.
    while engine.storage.metrics().compactions == 0 {
        if let Step::Idle { until } = engine.storage.compact_step() {
            let until = until.unwrap();
            handles.clock.advance(until.since(env.clock.now()));
        }
    }
    let seconds = env.clock.now().since(started).as_secs_f64();
    assert!((4.0..7.0).contains(&seconds), "{seconds} s");
}

#[test]
fn a_log_that_cannot_be_read_is_damaged_and_the_others_are_compacted() {
    let (env, handles) = sim::env(1);
    let engine = open_with(&env, settings(), 2, &config()).unwrap();
    for id in [1, 2] {
        let log = engine.log(LogId(id));
        for _ in 0..20 {
            let value = "x".repeat(900);
            append(&log, keyed(&[("a", Some(&value))], Codec::None, 0)).unwrap();
            engine.settle();
        }
    }
    engine.roll(&handles);
    let first = std::path::Path::new(DATA_DIR).join("logs/0000000001/00000000000000000000.log");
    handles.fs.flip_bit(&first, 500, 3);
    engine.compact();
    assert!(engine.log(LogId(1)).is_quarantined());
    assert_eq!(records(&engine.log(LogId(2))).len(), 1);
    let metrics = engine.storage.metrics();
    assert_eq!((metrics.compactions, metrics.compaction_failures), (1, 1));
    assert_eq!(engine.storage.damages().len(), 1);
}

#[test]
fn the_latest_record_is_found_when_the_start_has_passed_a_later_one() {
    let (env, handles) = sim::env(1);
    let config = LogConfig {
        retention_ms: -1,
        segment_ms: 10_000,
        ..LogConfig::default()
    };
    let engine = start(&env, &config);
    let log = engine.log(LOG);
    let four = [
        ("a", Some("1")),
        ("b", Some("1")),
        ("c", Some("1")),
        ("d", Some("1")),
    ];
    append(&log, keyed(&four, Codec::Gzip, 9_000)).unwrap();
    append(&log, keyed(&four, Codec::None, 100)).unwrap();
    engine.settle();
    let latest = || {
        let found = log.offset_of_max_timestamp().unwrap().unwrap();
        (found.offset.get(), found.timestamp_ms)
    };
    for is_in_segments in [false, true] {
        if is_in_segments {
            engine.roll(&handles);
        }
        let start = if is_in_segments { 3 } else { 2 };
        log.set_log_start(Offset(start)).unwrap();
        engine.settle();
        assert_eq!(latest(), (3, 9_003));
    }
    log.set_log_start(Offset(4)).unwrap();
    engine.settle();
    assert_eq!(latest(), (7, 103));
    log.set_log_start(Offset(8)).unwrap();
    engine.settle();
    assert_eq!(log.offset_of_max_timestamp(), Ok(None));
}
