//! Slots of the write-ahead log that are lost, cut or mixed up: what was acknowledged in them is
//! missed.

use std::path::{Path, PathBuf};

use env::{Fs, OpenMode};
use model::{LogId, Offset};
use sim::{Handles, SimFs};
use storage::inspect::WalEntryKind;
use storage::{DamageCode, verify};

use crate::damage::{files, path, reopen};
use crate::harness::{DATA_DIR, append, batch, read_all};

/// Some batches that are in the write-ahead log alone, over several starts and several slots.
fn filled() -> Handles {
    filled_by(&[9, 9, 9])
}

/// So many batches of each log in each start.
fn filled_by(starts: &[usize]) -> Handles {
    let (env, mut handles) = sim::env(1);
    drop(env);
    for batches in starts {
        let engine = reopen(&handles.env()).unwrap();
        for _ in 0..*batches {
            for id in 1..=3 {
                append(&engine.log(LogId(id)), batch(&[1; 3_000], 1)).unwrap();
                engine.commit();
            }
        }
        drop(engine);
        handles = handles.crash();
    }
    handles
}

fn slots(fs: &SimFs) -> Vec<PathBuf> {
    files(fs, &path("wal"))
}

fn put(fs: &SimFs, path: &Path, bytes: &[u8]) {
    let file = fs.open(path, OpenMode::CreateOrTruncate).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    file.sync_data().unwrap();
}

/// Whether a slot holds batches.
fn is_used(fs: &SimFs, slot: &Path) -> bool {
    let contents = storage::inspect::wal_slot(fs, slot).unwrap();
    let mut entries = contents
        .rounds
        .iter()
        .flat_map(|round| round.entries.iter().flatten());
    entries.any(|entry| entry.kind == WalEntryKind::Batch)
}

/// Opens what is left: if anything is missing, the slot is named, by the start and by `verify`.
fn check(golden: &Handles, fs: &SimFs, slot: &Path, is_needed: bool, what: &str) {
    let report = verify(fs, Path::new(DATA_DIR)).unwrap();
    let handles = Handles {
        fs: fs.clone(),
        ..golden.clone()
    };
    let engine = reopen(&handles.env()).unwrap();
    let damages = engine.storage.damages();
    let is_whole = (1..=3).all(|id| {
        let log = engine.log(LogId(id));
        log.view().high_watermark == Offset(27) && read_all(&log, 0).unwrap().len() == 27
    });
    assert_eq!(engine.report.is_read_only, is_needed, "{what}: {damages:?}");
    if is_needed {
        assert_eq!(damages[0].code, DamageCode::WalChain, "{what}");
        assert_eq!(damages[0].path, slot, "{what}: {damages:?}");
        assert!(report.damages.contains(&damages[0]), "{what}: {report:?}");
    } else {
        assert!(is_whole && damages.is_empty(), "{what}: {damages:?}");
        assert!(!report.is_damaged(), "{what}: {report:?}");
    }
}

#[test]
fn a_slot_that_is_lost_is_missed() {
    let golden = filled();
    let slots = slots(&golden.fs);
    let used = slots.iter().filter(|slot| is_used(&golden.fs, slot));
    assert!(used.count() >= 5, "{slots:?}");
    for slot in &slots {
        let fs = golden.fs.fork();
        fs.lose(slot);
        check(
            &golden,
            &fs,
            slot,
            is_used(&golden.fs, slot),
            &format!("without {slot:?}"),
        );
    }
}

/// Nothing in the write-ahead log itself tells of a start that used one slot.
#[test]
fn the_only_slot_of_a_start_is_missed() {
    for starts in [&[1][..], &[9, 1], &[1, 0]] {
        let golden = filled_by(starts);
        for slot in slots(&golden.fs) {
            let fs = golden.fs.fork();
            fs.lose(&slot);
            let what = format!("{starts:?} without {slot:?}");
            let report = verify(&fs, Path::new(DATA_DIR)).unwrap();
            let handles = Handles {
                fs,
                ..golden.clone()
            };
            let engine = reopen(&handles.env()).unwrap();
            let damages = engine.storage.damages();
            assert_eq!(damages[0].path, slot, "{what}: {damages:?}");
            assert!(engine.report.is_read_only && report.is_damaged(), "{what}");
        }
    }
}

#[test]
fn a_slot_that_is_cut_is_missed() {
    let golden = filled();
    for slot in slots(&golden.fs) {
        let length = golden.fs.read(&slot).unwrap().len() as u64;
        for left in [0, 20, 4_096, 4_097, 8_192, 12_288 + 64, length - 1] {
            let fs = golden.fs.fork();
            fs.truncate(&slot, left);
            let what = format!("{slot:?} cut to {left}");
            let report = verify(&fs, Path::new(DATA_DIR)).unwrap();
            let handles = Handles {
                fs,
                ..golden.clone()
            };
            let engine = reopen(&handles.env()).unwrap();
            let is_whole =
                (1..=3).all(|id| engine.log(LogId(id)).view().high_watermark == Offset(27));
            let damages = engine.storage.damages();
            assert_eq!(report.is_damaged(), engine.report.is_read_only, "{what}");
            assert!(is_whole || damages[0].path == slot, "{what}: {damages:?}");
        }
    }
}

#[test]
fn a_slot_that_is_written_over_by_another_one_is_missed() {
    let golden = filled();
    for slot in slots(&golden.fs) {
        for other in slots(&golden.fs).iter().filter(|other| **other != slot) {
            let fs = golden.fs.fork();
            put(&fs, &slot, &golden.fs.read(other).unwrap());
            let what = format!("{slot:?} is {other:?}");
            check(&golden, &fs, &slot, is_used(&golden.fs, &slot), &what);
        }
    }
}

#[test]
fn slots_that_have_changed_places_are_as_good() {
    let golden = filled();
    let slots = slots(&golden.fs);
    for pair in slots.windows(2) {
        let fs = golden.fs.fork();
        put(&fs, &pair[0], &golden.fs.read(&pair[1]).unwrap());
        put(&fs, &pair[1], &golden.fs.read(&pair[0]).unwrap());
        check(&golden, &fs, &pair[0], false, &format!("{pair:?} swapped"));
    }
}
