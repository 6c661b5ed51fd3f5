//! The steps that only damage leads to: each is taken when something is damaged for it. All others
//! are taken in the simulation of every day.

use std::path::{Path, PathBuf};

use env::Fs;
use sim::{Handles, SimFs};
use storage::{DamageCode, LogConfig, Mark, take_marks};

use crate::harness::{
    DATA_DIR, Engine, LOG, append, batch, open_with, producer_batch, sim_settings,
};

fn path(name: &str) -> PathBuf {
    Path::new(DATA_DIR).join(name)
}

/// A log with batches in segments, in the write-ahead log, and a snapshot of its producer.
fn filled() -> Handles {
    let (env, handles) = sim::env(1);
    let engine = start(&handles, 1);
    for number in 0..120u8 {
        let batch = producer_batch(&[number; 2_900], 1, (7, 0), i32::from(number));
        append(&engine.log(LOG), batch).unwrap();
        engine.settle();
    }
    engine.storage.shut_down();
    assert!(engine.storage.metrics().flushes > 1);
    drop((env, engine));
    handles.kill()
}

fn start(handles: &Handles, logs: u32) -> Engine {
    let config = LogConfig {
        segment_bytes: 16 << 10,
        ..LogConfig::default()
    };
    open_with(&handles.env(), sim_settings(), logs, &config).unwrap()
}

/// The file in a directory whose name ends so.
fn file(fs: &SimFs, directory: &str, end: &str) -> PathBuf {
    let names = fs.list_dir(&path(directory)).unwrap();
    let found = names.iter().find(|entry| entry.name.ends_with(end));
    path(directory).join(&found.unwrap().name)
}

/// The slot that holds the newest batch, where its round begins there, and where the batch does.
fn newest(fs: &SimFs) -> (PathBuf, u64, u64) {
    let slots = fs.list_dir(&path("wal")).unwrap();
    let rounds = slots.iter().flat_map(|slot| {
        let slot = path("wal").join(&slot.name);
        let rounds = storage::inspect::wal_slot(fs, &slot).unwrap().rounds;
        rounds.into_iter().map(move |round| (slot.clone(), round))
    });
    let with_batches = rounds.filter_map(|(slot, round)| {
        let entry = *round
            .entries
            .as_ref()?
            .first()
            .filter(|entry| entry.bytes > 0)?;
        Some((round.seq, slot, round.position, entry.position))
    });
    let (_, slot, round, payload) = with_batches.max().unwrap();
    (slot, round, payload)
}

/// Damages what leads to a step, and starts.
fn damage(mark: Mark, handles: &Handles) -> Option<DamageCode> {
    let fs = &handles.fs;
    let (slot, round, payload) = newest(fs);
    let segments = "logs/0000000001";
    match mark {
        Mark::AcknowledgedRoundsDamaged => fs.flip_bit(&slot, round + 70, 1),
        Mark::PayloadQuarantined => fs.flip_bit(&slot, payload + 100, 1),
        Mark::SegmentMissing => fs.lose(&file(fs, segments, ".log")),
        Mark::SnapshotRebuilt => fs.flip_bit(&file(fs, segments, ".snapshot"), 20, 1),
        Mark::FirstRoundMissing => {
            for checkpoint in ["checkpoint.a", "checkpoint.b"] {
                if fs.exists(&path(checkpoint)).unwrap() {
                    fs.flip_bit(&path(checkpoint), 9, 1);
                }
            }
        }
        Mark::UnknownLogEntry => return unknown_log(),
        _ => return None,
    }
    let opened = start(handles, 1);
    opened.report.damages.first().map(|damage| damage.code)
}

/// Nothing is damaged but what the start is told about the logs.
fn unknown_log() -> Option<DamageCode> {
    let (env, handles) = sim::env(1);
    let engine = start(&handles, 0);
    engine.storage.create_logs(&[(LOG, LogConfig::default())]);
    append(&engine.log(LOG), batch(b"value", 1)).unwrap();
    engine.commit();
    drop((env, engine));
    let opened = start(&handles.kill(), 0);
    opened.report.damages.first().map(|damage| damage.code)
}

#[test]
fn damage_is_met_in_every_way() {
    let filled = filled();
    for mark in Mark::ALL.into_iter().filter(|mark| mark.needs_damage()) {
        let code = match mark {
            Mark::AcknowledgedRoundsDamaged | Mark::FirstRoundMissing => DamageCode::WalChain,
            Mark::SegmentMissing => DamageCode::SegmentMissing,
            Mark::SnapshotRebuilt => DamageCode::ProducerSnapshot,
            Mark::PayloadQuarantined => DamageCode::WalPayload,
            Mark::UnknownLogEntry => DamageCode::WalUnknownLog,
            // No single damage leads there; the unit tests of recovery do.
            Mark::OffsetGap => continue,
            other => panic!("nothing leads to {other:?}"),
        };
        let copy = Handles {
            fs: filled.fs.fork(),
            ..filled.clone()
        };
        take_marks();
        assert_eq!(damage(mark, &copy), Some(code), "{mark:?}");
        let taken = take_marks().into_iter().find(|(taken, _)| *taken == mark);
        assert!(taken.is_some_and(|(_, times)| times > 0), "{mark:?}");
    }
}
