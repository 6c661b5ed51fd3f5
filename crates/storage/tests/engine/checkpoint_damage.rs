//! Either of the two checkpoints may be lost.

use std::path::PathBuf;

use env::Fs;
use model::{LogId, Offset};
use sim::{Handles, SimFs};

use crate::damage::{path, reopen};
use crate::harness::{append, batch, read_all};

fn checkpoints() -> [PathBuf; 2] {
    [path("checkpoint.a"), path("checkpoint.b")]
}

/// So many batches of each log, enough to fill the write-ahead log several times, and the disk as it
/// was at some moments.
fn filled(batches: i64) -> (Handles, Vec<SimFs>) {
    let (env, handles) = sim::env(1);
    let engine = reopen(&env).unwrap();
    let mut earlier = Vec::new();
    for number in 0..batches {
        for id in 1..=3 {
            append(&engine.log(LogId(id)), batch(&[1; 3_000], 1)).unwrap();
            engine.settle();
        }
        if number % 7 == 5 {
            earlier.push(handles.fs.fork());
        }
    }
    let metrics = engine.storage.metrics();
    assert!(
        metrics.flushes >= 3 && metrics.wal_slots <= 8,
        "{metrics:?}"
    );
    drop(engine);
    (handles.kill(), earlier)
}

/// Everything is there, and more can be added, also after another start.
fn check(golden: &Handles, fs: SimFs, batches: i64, what: &str) {
    let mut handles = Handles {
        fs,
        ..golden.clone()
    };
    for start in 0..2 {
        let engine = reopen(&handles.env()).unwrap();
        let damages = engine.storage.damages();
        assert!(damages.is_empty(), "{what}, start {start}: {damages:?}");
        for id in 1..=3 {
            let log = engine.log(LogId(id));
            let expected = batches + start;
            assert_eq!(log.view().high_watermark, Offset(expected), "{what}");
            assert_eq!(read_all(&log, 0).unwrap().len() as i64, expected, "{what}");
            append(&log, batch(b"more", 1)).unwrap();
        }
        engine.settle();
        drop(engine);
        handles = handles.kill();
    }
}

#[test]
fn either_checkpoint_may_be_damaged_or_lost() {
    // Some time after a flush, when slots that it has set free are in use again.
    for batches in [60, 65, 70, 75] {
        let (golden, _) = filled(batches);
        for checkpoint in checkpoints() {
            let what = format!("{checkpoint:?} after {batches}");
            let fs = golden.fs.fork();
            fs.flip_bit(&checkpoint, 30, 1);
            check(&golden, fs, batches, &what);
            let fs = golden.fs.fork();
            fs.lose(&checkpoint);
            check(&golden, fs, batches, &what);
        }
    }
}

#[test]
fn either_checkpoint_may_be_an_older_one() {
    let (golden, earlier) = filled(75);
    for disk in &earlier {
        for checkpoint in checkpoints() {
            let Ok(bytes) = disk.read(&checkpoint) else {
                continue;
            };
            let fs = golden.fs.fork();
            fs.truncate(&checkpoint, 0);
            let file = fs.open(&checkpoint, env::OpenMode::Write).unwrap();
            file.write_all_at(&bytes, 0).unwrap();
            file.sync_data().unwrap();
            check(&golden, fs, 75, "older");
        }
    }
}
