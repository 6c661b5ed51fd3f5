//! The sound directory that is changed: small, and with every kind of file in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bytes::Bytes;
use env::Fs;
use env::Step;
use model::{LogId, Offset, ProducerEpoch, ProducerId};
use sim::SimFs;
use storage::{Append, LogConfig, Opened, Recovery, Storage, StorageSettings};
use wire::batch::{BatchBuilder, NewRecord};

/// Where it is.
pub(super) const DATA_DIR: &str = "/data";
/// Logs besides log 0: numbers 1 to this one.
pub(super) const LOGS: u32 = 3;

/// A directory and its files.
#[derive(Debug)]
pub(super) struct SoundDirectory {
    pub(super) fs: SimFs,
    /// In the order of their names.
    pub(super) files: Vec<PathBuf>,
}

/// The directory; made when it is asked for first.
pub(super) fn sound() -> &'static SoundDirectory {
    static SOUND: OnceLock<SoundDirectory> = OnceLock::new();
    SOUND.get_or_init(make)
}

/// The smallest slots that there can be.
pub(super) fn settings() -> StorageSettings {
    StorageSettings {
        wal_bytes_max: 96 << 10,
        wal_slot_bytes: 16 << 10,
        wal_first_slot_bytes: 16 << 10,
        memory_bytes_max: 256 << 10,
        flush_bytes: 12 << 10,
        ..StorageSettings::new(DATA_DIR)
    }
}

/// Two records of this value, of the idempotent producer with this sequence if there is one.
pub(super) fn batch(value: &[u8], base_sequence: Option<i32>) -> Bytes {
    let mut builder = BatchBuilder::new();
    if let Some(base_sequence) = base_sequence {
        builder = builder.producer(ProducerId(5), ProducerEpoch(1), base_sequence);
    }
    for timestamp in [1_000, 1_001] {
        builder.push(NewRecord {
            timestamp,
            key: Some(b"key"),
            value: Some(value),
            headers: &[],
        });
    }
    Bytes::from(builder.build())
}

fn make() -> SoundDirectory {
    let (env, handles) = sim::env(7);
    let recovery = Recovery::open(&env, settings()).expect("an empty directory");
    let config = LogConfig {
        segment_bytes: 6 << 10,
        index_interval_bytes: 512,
        ..LogConfig::default()
    };
    let live: BTreeMap<_, _> = (1..=LOGS).map(|id| (LogId(id), config.clone())).collect();
    let Opened { storage, .. } = recovery.finish(live, LogId(LOGS + 1)).expect("it opens");
    // Enough that segments are written and slots used again.
    for number in 0..40 {
        append(&storage, 0, batch(&[1; 40], None));
        append(&storage, 1, batch(&[2; 300], Some(2 * number)));
        append(&storage, 2, batch(&[3; 100], None));
        if number % 8 == 0 {
            transaction(&storage, 2, number / 8);
        }
        settle(&storage);
    }
    let log = storage.log(LogId(2)).expect("a log");
    log.set_log_start(Offset(3)).expect("within the log");
    // And what is only in the write-ahead log.
    for number in 40..43 {
        append(&storage, 1, batch(&[4; 200], Some(2 * number)));
        append(&storage, 3, batch(&[5; 50], None));
        while storage.commit_step() == Step::Worked {}
    }
    drop(storage);
    let fs = handles.fs.kill();
    let mut files = Vec::new();
    list(&fs, Path::new(DATA_DIR), &mut files);
    for suffix in ["log", "index", "timeindex", "snapshot", "b"] {
        let has_suffix = |path: &PathBuf| path.extension().is_some_and(|found| found == suffix);
        assert!(files.iter().any(has_suffix), "a file .{suffix}: {files:?}");
    }
    SoundDirectory { fs, files }
}

fn append(storage: &Storage, id: u32, batch: Bytes) {
    let log = storage.log(LogId(id)).expect("a log");
    let appended = log.append(batch, Append::Produce);
    appended.expect("there is room");
}

/// A transaction of one record, aborted, committed, or left open as the last one is.
fn transaction(storage: &Storage, id: u32, number: i32) {
    let builder = |base_sequence| {
        BatchBuilder::new()
            .producer(ProducerId(6), ProducerEpoch(0), base_sequence)
            .transactional()
    };
    let mut data = builder(number);
    data.push(NewRecord {
        timestamp: 1_000,
        value: Some(b"value"),
        ..NewRecord::default()
    });
    append(storage, id, data.build().into());
    if number == 4 {
        return;
    }
    let mut marker = builder(-1).control();
    marker.push(NewRecord {
        timestamp: 1_000,
        key: Some(&[0, 0, 0, u8::from(number % 2 == 0)]),
        value: Some(&[0; 6]),
        headers: &[],
    });
    let log = storage.log(LogId(id)).expect("a log");
    let appended = log.append(marker.build().into(), Append::Internal);
    appended.expect("there is room");
}

fn settle(storage: &Storage) {
    loop {
        let steps = [storage.commit_step(), storage.flush_step()];
        if !steps.contains(&Step::Worked) {
            return;
        }
    }
}

fn list(fs: &SimFs, directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs.list_dir(directory).expect("a directory") {
        let path = directory.join(entry.name);
        if entry.is_dir {
            list(fs, &path, files);
        } else {
            files.push(path);
        }
    }
}
