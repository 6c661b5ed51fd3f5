//! Writes and forces that fail, and a disk that is full.

use std::time::Duration;

use env::Step;
use model::{LogId, Offset};
use sim::{Fault, Handles, Operation};
use storage::{
    Append, AppendError, CommitError, DamageCode, Durability, LogConfig, OpenError,
    SetLogStartError,
};

use crate::harness::{
    Engine, LOG, append, batch, open, open_with, poll, producer_batch, read_values, sim_settings,
};

fn advance(handles: &Handles, engine: &Engine) {
    handles.clock.advance(Duration::from_millis(1_100));
    engine.settle();
}

#[test]
fn a_force_that_fails_ends_all_acknowledging_and_reads_go_on() {
    for kind in [Operation::Force, Operation::Write] {
        let (env, handles) = sim::env(1);
        let engine = open(&env);
        let log = engine.log(LOG);
        append(&log, batch(b"durable", 1)).unwrap();
        engine.commit();
        handles.fs.fail_next(kind, "slot", Fault::Device, 1);
        let appended = append(&log, batch(b"lost", 1)).unwrap();
        let mut waits = Box::pin(engine.storage.wait(appended.sequence, Durability::Durable));
        assert_eq!(poll(waits.as_mut()), None);
        engine.commit();
        assert_eq!(poll(waits.as_mut()), Some(Err(CommitError::Poisoned)));
        assert!(engine.storage.is_poisoned());
        let again = log.append(batch(b"more", 1), Append::Internal);
        assert_eq!(again, Err(AppendError::Poisoned));
        assert_eq!(
            log.set_log_start(Offset(1)),
            Err(SetLogStartError::Poisoned)
        );
        assert_eq!(log.view().high_watermark, Offset(1));
        assert_eq!(read_values(&log, 0), [(0, b'd', 7)]);
        let damages = engine.storage.damages();
        assert_eq!(damages[0].code, DamageCode::WalPoisoned);
        assert!(damages[0].path.ends_with("wal/slot-00"));
        assert_eq!(engine.storage.commit_step(), Step::Stopped);
        let mut permit = Box::pin(engine.storage.reserve(usize::MAX));
        assert!(poll(permit.as_mut()).is_some(), "nobody waits for ever");

        drop(engine);
        let engine = open(&handles.crash().env());
        let values = read_values(&engine.log(LOG), 0);
        assert!(values.len() <= 2 && values[0] == (0, b'd', 7), "{values:?}");
        append(&engine.log(LOG), batch(b"goes on", 1)).unwrap();
        engine.commit();
        assert_eq!(
            engine.log(LOG).view().high_watermark,
            Offset(values.len() as i64 + 1)
        );
    }
}

#[test]
fn a_segment_that_fails_is_tried_again_in_a_new_file() {
    for (kind, part) in [
        (Operation::Write, ".log"),
        (Operation::Force, ".log"),
        (Operation::Force, "checkpoint"),
        (Operation::ForceDir, "/logs/"),
        (Operation::Create, ".log"),
    ] {
        let (env, handles) = sim::env(1);
        let config = LogConfig {
            segment_bytes: 32 << 10,
            ..LogConfig::default()
        };
        let engine = open_with(&env, sim_settings(), 3, &config).unwrap();
        let log = engine.log(LOG);
        let mut expected = Vec::new();
        for number in 0..120u8 {
            if number == 60 {
                handles.fs.fail_next(kind, part, Fault::Device, 2);
            }
            let value = vec![number; 3_000];
            append(&log, batch(&value, 1)).unwrap();
            expected.push((i64::from(number), number, 3_000));
            advance(&handles, &engine);
        }
        let metrics = engine.storage.metrics();
        assert_eq!(metrics.flush_failures, 2, "{kind:?} {part}");
        assert!(metrics.flushes > 0);
        assert_eq!(engine.storage.damages(), []);
        assert_eq!(read_values(&log, 0), expected, "{kind:?} {part}");
        let engine = open(&handles.crash().env());
        assert_eq!(engine.report.damages, []);
        assert_eq!(read_values(&engine.log(LOG), 0), expected);
    }
}

#[test]
fn a_full_disk_refuses_appends_until_there_is_space() {
    let (env, handles) = sim::env(1);
    let engine = open_with(&env, sim_settings(), 3, &LogConfig::default()).unwrap();
    let log = engine.log(LOG);
    let mut acknowledged = 0;
    handles
        .fs
        .set_space(Some(handles.fs.used_bytes() + (20 << 10)));
    let mut refused = None;
    for number in 0..200u8 {
        match append(&log, batch(&[number; 3_000], 1)) {
            Ok(_) => acknowledged += 1,
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
        advance(&handles, &engine);
    }
    assert_eq!(refused, Some(AppendError::DiskFull));
    assert!(acknowledged > 1, "{acknowledged}");
    assert!(!engine.storage.is_poisoned());
    assert_eq!(
        log.view().high_watermark,
        Offset(acknowledged),
        "all of them are durable"
    );
    assert_eq!(read_values(&log, 0).len() as i64, acknowledged);
    let metadata = engine.log(LogId::METADATA);
    let delete = metadata
        .append(batch(b"delete a topic", 1), Append::Internal)
        .unwrap();
    engine.commit();
    assert!(
        engine.storage.is_durable(delete.sequence),
        "what frees space gets through"
    );
    let mut permit = Box::pin(engine.storage.reserve(1_000));
    assert!(poll(permit.as_mut()).is_some(), "to be refused further on");

    handles.fs.set_space(None);
    advance(&handles, &engine);
    append(&log, batch(b"space", 1)).unwrap();
    engine.settle();
    assert_eq!(log.view().high_watermark, Offset(acknowledged + 1));
}

/// Without a slot nothing leaves the queue, and nobody waits for room.
#[test]
fn what_frees_space_waits_for_a_slot_only_as_far_as_there_is_room_in_memory() {
    let (env, handles) = sim::env(1);
    let engine = open_with(&env, sim_settings(), 3, &LogConfig::default()).unwrap();
    let room = sim_settings().memory_bytes_max / 2;
    let metadata = engine.log(LogId::METADATA);
    handles.fs.set_space(Some(handles.fs.used_bytes()));
    let (mut accepted_bytes, mut end) = (0, 0);
    let refused = loop {
        let delete = batch(&[7; 12_000], 1);
        accepted_bytes += delete.len() as u64;
        match metadata.append(delete, Append::Internal) {
            Ok(appended) => end = appended.last_offset.get() + 1,
            Err(error) => break error,
        }
        advance(&handles, &engine);
        assert!(
            accepted_bytes <= room + (512 << 10),
            "also in the write-ahead log"
        );
    };
    assert_eq!(refused, AppendError::DiskFull);
    assert!(accepted_bytes > room / 2, "{accepted_bytes}");

    handles.fs.set_space(None);
    advance(&handles, &engine);
    metadata
        .append(batch(b"space", 1), Append::Internal)
        .unwrap();
    engine.settle();
    assert_eq!(metadata.view().high_watermark, Offset(end + 1));
}

#[test]
fn a_start_on_a_full_disk_serves_readers_and_goes_on_when_there_is_space() {
    let (env, handles) = sim::env(1);
    let engine = open(&env);
    append(&engine.log(LOG), batch(b"before", 1)).unwrap();
    engine.commit();
    drop(engine);
    let handles = handles.crash();
    handles.fs.set_space(Some(handles.fs.used_bytes()));
    let engine = open(&handles.env());
    let log = engine.log(LOG);
    assert_eq!(read_values(&log, 0), [(0, b'b', 6)]);
    assert_eq!(
        append(&log, batch(b"refused", 1)),
        Err(AppendError::DiskFull)
    );
    advance(&handles, &engine);
    assert_eq!(read_values(&log, 0).len(), 1);
    handles.fs.set_space(None);
    advance(&handles, &engine);
    let appended = append(&log, batch(b"after", 1)).unwrap();
    engine.settle();
    assert!(engine.storage.is_durable(appended.sequence));
    drop((log, engine));
    let engine = open(&handles.crash().env());
    assert_eq!(engine.report.damages, []);
    assert_eq!(read_values(&engine.log(LOG), 0).len(), 2);
}

/// A producer's first batch in a log was refused, the disk being full; the next one, already under way,
/// was taken for the first, and the refused one never got in.
#[test]
fn a_first_batch_that_a_full_disk_refuses_is_not_overtaken() {
    let (env, handles) = sim::env(1);
    drop(open(&env));
    let handles = handles.crash();
    handles.fs.set_space(Some(handles.fs.used_bytes()));
    let engine = open(&handles.env());
    let log = engine.log(LOG);
    let [first, second] = [0, 1].map(|sequence| producer_batch(b"value", 1, (7, 0), sequence));
    advance(&handles, &engine);
    let full = Err(AppendError::DiskFull);
    assert_eq!(append(&log, first.clone()), full);
    handles.fs.set_space(None);
    advance(&handles, &engine);
    let out_of_order = Err(AppendError::OutOfOrderSequence);
    assert_eq!(append(&log, second.clone()), out_of_order);
    append(&log, first).unwrap();
    append(&log, second).unwrap();
    engine.settle();
    assert_eq!(read_values(&log, 0).len(), 2);
}

/// An error of the device was taken for segments that are gone, and remembered by the next
/// checkpoint: the log was not written to ever again.
#[test]
fn a_start_that_cannot_read_fails_and_condemns_nothing() {
    let (env, mut handles) = sim::env(1);
    let engine = open(&env);
    let log = engine.log(LOG);
    for number in 0..100u8 {
        let batch = producer_batch(&[number; 3_000], 1, (7, 0), i32::from(number));
        append(&log, batch).unwrap();
        engine.settle();
    }
    assert!(engine.storage.metrics().flushes > 0);
    engine.storage.shut_down();
    drop((log, engine));
    let parts = ["logs/0000000001", ".snapshot", "wal/slot", "checkpoint.a"];
    for part in parts {
        handles = handles.kill();
        for kind in [Operation::Read, Operation::Open] {
            let fs = handles.fs.fork();
            fs.fail_next(kind, part, Fault::Device, 1);
            let env = env::Env {
                fs: std::sync::Arc::new(fs.clone()),
                ..handles.env()
            };
            let opened = open_with(&env, sim_settings(), 3, &LogConfig::default());
            assert_eq!(fs.faults(), 1, "{kind:?} {part}");
            assert!(
                matches!(opened, Err(OpenError::Io { .. })),
                "{kind:?} {part}"
            );
        }
        let engine = open(&handles.env());
        assert_eq!(engine.report.damages, [], "{part}");
        assert_eq!(read_values(&engine.log(LOG), 0).len(), 100);
    }
}
