//! Data of earlier versions opens.

use std::path::{Path, PathBuf};

use env::{Fs, OpenMode};
use model::LogId;
use sim::SimFs;

use crate::harness::{DATA_DIR, LOG, append, batch, open, read_values};

fn path(name: &str) -> PathBuf {
    Path::new(DATA_DIR).join(name)
}

fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &bytes) as u32;
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

/// Takes bytes off the front of a file.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }
}

fn count(bytes: &[u8]) -> usize {
    u32::from_le_bytes(*bytes.last_chunk().unwrap()) as usize
}

/// A checkpoint as an earlier version wrote it. In both a log had no clean end and a segment no
/// generation, which are 0 here; version 1 attested nothing and knew no ends of segments either.
fn checkpoint_of(version: u8, bytes: &[u8]) -> Vec<u8> {
    let mut newer = Cursor(&bytes[..bytes.len() - 4]);
    let mut older = newer.take(52).to_vec();
    older[4] = version;
    let keep = |older: &mut Vec<u8>, since: u8, bytes: &[u8]| {
        if version >= since {
            older.extend_from_slice(bytes);
        }
    };
    keep(&mut older, 2, newer.take(12));
    let logs = newer.take(4);
    older.extend_from_slice(logs);
    for _ in 0..count(logs) {
        older.extend_from_slice(newer.take(40));
        assert_eq!(newer.take(8), [0; 8]);
        let epochs = newer.take(4);
        older.extend_from_slice(epochs);
        older.extend_from_slice(newer.take(12 * count(epochs)));
        let segments = newer.take(4);
        older.extend_from_slice(segments);
        for _ in 0..count(segments) {
            older.extend_from_slice(newer.take(40));
            let (ends, generation) = (newer.take(12), newer.take(4));
            assert_eq!(generation, [0; 4]);
            keep(&mut older, 2, ends);
            keep(&mut older, 2, generation);
        }
    }
    assert!(newer.0.is_empty());
    sealed(older)
}

fn replace(fs: &SimFs, name: &str, bytes: &[u8]) {
    let file = fs.open(&path(name), OpenMode::CreateOrTruncate).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    file.sync_data().unwrap();
}

#[test]
fn a_directory_of_an_earlier_version_is_read_and_says_that_it_is_none_any_more() {
    for version in [1, 2] {
        is_read_and_raised(version);
    }
}

fn is_read_and_raised(version: u8) {
    let (env, handles) = sim::env(1);
    let engine = open(&env);
    for number in 0..60u8 {
        append(&engine.log(LOG), batch(&[number; 3_000], 2)).unwrap();
        append(&engine.log(LogId(2)), batch(&[number; 10], 1)).unwrap();
        engine.settle();
    }
    assert!(engine.storage.metrics().checkpoints > 1);
    let expected = [LOG, LogId(2)].map(|id| read_values(&engine.log(id), 0));
    drop(engine);

    let handles = handles.crash();
    let fs = &handles.fs;
    for name in ["checkpoint.a", "checkpoint.b"] {
        let newer = fs.read(&path(name)).unwrap();
        replace(fs, name, &checkpoint_of(version, &newer));
    }
    let format = fs.read(&path("format")).unwrap();
    let mut older = format[..16].to_vec();
    older[4] = version;
    replace(fs, "format", &sealed(older));
    let report = storage::verify(fs, Path::new(DATA_DIR)).unwrap();
    assert!(!report.is_damaged(), "{report:?}");

    let engine = open(&handles.env());
    assert_eq!(engine.report.damages, []);
    for (id, expected) in [LOG, LogId(2)].iter().zip(expected) {
        assert_eq!(read_values(&engine.log(*id), 0), expected);
    }
    // The older version would take the next checkpoint for damaged.
    assert_eq!(fs.durable_bytes(&path("format")), Some(format));
}
