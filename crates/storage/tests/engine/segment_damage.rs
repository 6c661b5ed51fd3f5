//! Damage within segments: nothing is passed over in silence because of it.

use std::path::{Path, PathBuf};

use env::{Clock, Env, Fs, OpenMode};
use model::{LogId, Offset};
use sim::Handles;
use storage::{DamageCode, Isolation, LogConfig, ReadError, verify};

use crate::damage::{config, files, filled, path, reopen};
use crate::harness::{
    DATA_DIR, Engine, LOG, append, batch, open_with, producer_batch, read_all, read_some,
    read_values, sim_settings, timed_batch,
};

/// The first segment of the first log.
fn first_segment() -> PathBuf {
    path("logs/0000000001/00000000000000000000.log")
}

/// The batches of a segment: offset and position.
fn batches(handles: &Handles, segment: &Path) -> Vec<(i64, u64)> {
    let contents = storage::inspect::segment(&handles.fs, segment).unwrap();
    let batches = contents.batches.iter();
    batches
        .map(|one| (one.base_offset.get(), one.position))
        .collect()
}

fn start(env: &Env) -> Engine {
    reopen(env).unwrap()
}

#[test]
fn a_count_that_reaches_behind_the_end_is_damage_and_not_the_end() {
    let handles = filled(1);
    let (offset, position) = batches(&handles, &first_segment())[2];
    // The high bits of last_offset_delta.
    handles.fs.flip_bit(&first_segment(), position + 24, 5);
    let engine = start(&handles.env());
    let log = engine.log(LOG);
    let read = read_some(&log, Offset(offset), 1 << 20).map(|read| read.bytes);
    assert_eq!(read, Err(ReadError::Damaged));
    let damages = engine.storage.damages();
    assert_eq!(
        damages.iter().map(|one| (&one.path, one.position)).next(),
        Some((&first_segment(), position))
    );
    // Behind the next entry of the index.
    assert_eq!(read_values(&log, offset + 2).len(), 60 - 4);
}

#[test]
fn a_damaged_time_hides_no_record() {
    let (env, handles) = sim::env(1);
    let engine = start(&env);
    let log = engine.log(LOG);
    for number in 0..60 {
        let batch = timed_batch(&[1; 900], 1, 1_000 + number);
        append(&log, batch).unwrap();
        engine.settle();
    }
    handles.clock.advance(std::time::Duration::from_secs(1));
    engine.settle();
    drop((log, engine));
    let handles = handles.crash();
    let (offset, position) = batches(&handles, &first_segment())[4];
    assert_eq!(offset, 4);
    // The highest byte of max_timestamp: the batch seems to be from before all time.
    handles.fs.flip_bit(&first_segment(), position + 35, 7);
    let engine = start(&handles.env());
    let find = |time| {
        let found = engine
            .log(LOG)
            .offset_for_timestamp(time, Isolation::ReadUncommitted);
        found.map(|found| found.map(|found| found.offset.get()))
    };
    assert_eq!(find(1_000 + 2), Ok(Some(2)));
    assert_eq!(find(1_000 + 4), Err(ReadError::Damaged));
    assert_eq!(find(1_000 + 40), Ok(Some(40)));
}

#[test]
fn a_time_behind_what_is_lost_is_not_answered() {
    let handles = filled(1);
    // The log ends early: the payload of one of its last batches is damaged.
    let (slot, payload, _) = crate::damage::payload_of(&handles, 58);
    handles.fs.flip_bit(&slot, payload + 200, 1);
    let engine = start(&handles.env());
    let log = engine.log(LOG);
    assert!(log.lacks_end());
    let none = log.offset_for_timestamp(5_000, Isolation::ReadUncommitted);
    assert_eq!(none, Err(ReadError::Damaged));
    assert_eq!(log.offset_of_max_timestamp(), Err(ReadError::Damaged));
    let first = log.offset_for_timestamp(1_000, Isolation::ReadUncommitted);
    assert_eq!(first.unwrap().unwrap().offset, Offset(0));
    let whole = engine.log(LogId(2));
    let none = whole.offset_for_timestamp(5_000, Isolation::ReadUncommitted);
    assert_eq!(none, Ok(None));
    assert_eq!(read_all(&whole, 0).unwrap().len(), 60);
}

/// Puts the bytes of one file into another.
fn copy(handles: &Handles, from: &Path, to: &Path) {
    let bytes = handles.fs.read(from).unwrap();
    let file = handles.fs.open(to, OpenMode::CreateOrTruncate).unwrap();
    file.write_all_at(&bytes, 0).unwrap();
    file.sync_data().unwrap();
}

/// Two logs with batches of the same sizes at the same offsets: only what is in them differs.
#[test]
fn the_segment_of_another_log_is_not_served() {
    let handles = filled(1);
    let one = first_segment();
    let two = path("logs/0000000002/00000000000000000000.log");
    assert_eq!(batches(&handles, &one), batches(&handles, &two));
    copy(&handles, &two, &one);

    let report = verify(&handles.fs, Path::new(DATA_DIR)).unwrap();
    let found: Vec<_> = report
        .damages
        .iter()
        .map(|one| (one.code, &one.path))
        .collect();
    assert_eq!(found, [(DamageCode::SegmentBatch, &one)]);
    let engine = start(&handles.env());
    for from in [0, 7] {
        let read = read_some(&engine.log(LOG), Offset(from), 1 << 20).map(|read| read.bytes);
        assert_eq!(read, Err(ReadError::Damaged));
    }
    let time = engine
        .log(LOG)
        .offset_for_timestamp(0, Isolation::ReadUncommitted);
    assert_eq!(time, Err(ReadError::Damaged));
    assert_eq!(engine.storage.damages()[0].path, one);
    assert_eq!(read_values(&engine.log(LogId(2)), 0).len(), 60);
}

#[test]
fn a_segment_is_known_by_either_end() {
    let contents = batches(&filled(1), &first_segment());
    let last = contents.last().unwrap();
    for (offset, position) in [contents[0], *last] {
        // Its checksum itself.
        let handles = filled(1);
        handles.fs.flip_bit(&first_segment(), position + 17, 0);
        let engine = start(&handles.env());
        let read =
            |from| read_some(&engine.log(LOG), Offset(from), 1).map(|read| read.chunks.len());
        assert_eq!(read(offset), Err(ReadError::Damaged));
        assert_eq!(read(5), Ok(1));
    }
}

#[test]
fn damage_in_a_segment_is_told_by_every_start_until_it_is_gone() {
    let mut handles = filled(1);
    let (offset, position) = batches(&handles, &first_segment())[2];
    // In what the checksum of the batch does not cover: the leader epoch.
    let epoch = position + 15;
    handles.fs.flip_bit(&first_segment(), epoch, 2);
    for is_damaged in [true, true, true, false, false] {
        if !is_damaged && handles.fs.read(&first_segment()).unwrap()[epoch as usize] != 0 {
            handles.fs.flip_bit(&first_segment(), epoch, 2);
        }
        let engine = start(&handles.env());
        let log = engine.log(LOG);
        let told: Vec<_> = engine.storage.damages();
        let read = read_some(&log, Offset(offset), 1).map(|read| read.chunks.len());
        assert_eq!(read.is_err(), is_damaged);
        for damage in told.iter().chain(&engine.storage.damages()) {
            assert_eq!(
                (&damage.path, damage.position),
                (&first_segment(), position)
            );
        }
        assert_eq!(engine.storage.damages().is_empty(), !is_damaged);
        assert_eq!(append(&log, batch(b"more", 1)).is_err(), is_damaged);
        // A flush and a checkpoint.
        for _ in 0..100 {
            append(&engine.log(LogId(2)), batch(&[1; 3_000], 1)).unwrap();
            engine.settle();
        }
        drop((log, engine));
        handles = handles.crash();
    }
}

/// Three logs with the same offsets in segments, each of a producer of its own.
fn alike() -> Handles {
    let (env, handles) = sim::env(1);
    let rolling = LogConfig {
        segment_ms: 1_000,
        retention_ms: -1,
        ..config()
    };
    let engine = open_with(&env, sim_settings(), 3, &rolling).unwrap();
    for number in 0..30 {
        for id in 1..=3 {
            let batch = producer_batch(&[1; 900], 1, (i64::from(id), 0), number);
            append(&engine.log(LogId(id)), batch).unwrap();
        }
        engine.commit();
    }
    handles.clock.advance(std::time::Duration::from_secs(5));
    engine.storage.run_retention(handles.clock.wall_ms());
    engine.settle();
    drop(engine);
    handles.crash()
}

#[test]
fn snapshots_and_indexes_of_another_log_are_built_anew() {
    let handles = alike();
    let mut copied = 0;
    for file in files(&handles.fs, &path("logs/0000000001")) {
        let name = file.file_name().unwrap().to_owned();
        let other = path("logs/0000000002").join(&name);
        if !name.to_str().unwrap().ends_with(".log") && handles.fs.exists(&other).unwrap() {
            copy(&handles, &other, &file);
            copied += 1;
        }
    }
    assert!(copied > 2);
    let report = verify(&handles.fs, Path::new(DATA_DIR)).unwrap();
    let found: Vec<_> = report.damages.iter().map(|one| one.code).collect();
    assert!(found.contains(&DamageCode::ProducerSnapshot), "{found:?}");
    assert!(
        found.contains(&DamageCode::Index) && !report.is_damaged(),
        "{found:?}"
    );
    let engine = start(&handles.env());
    let log = engine.log(LOG);
    assert_eq!(read_values(&log, 17).len(), 30 - 17);
    // The producer of this log is known, and that of the other one is not.
    let again = producer_batch(&[1; 900], 1, (1, 0), 29);
    assert!(append(&log, again).unwrap().duplicate);
    assert!(
        log.producers()
            .iter()
            .all(|producer| producer.producer_id.0 == 1)
    );
}
