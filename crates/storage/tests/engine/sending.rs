//! Batches that the kernel can send from a segment. Only files of the real file system can be sent.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use chunks::Chunk;
use model::{Offset, ProducerId};
use storage::{Isolation, Log, LogConfig, Read, ReadBatches};
use wire::batch::BatchView;

use crate::harness::{
    Engine, LOG, append, batch, next_offset, open_with, read_all, settings, split,
};

const BATCHES: i64 = 400;

fn reopen(directory: &Path) -> Engine {
    let config = LogConfig {
        segment_bytes: 400 << 10,
        ..LogConfig::default()
    };
    open_with(&env::real::env(), settings(directory), 3, &config).unwrap()
}

/// A log of batches of two records, most of which are in segments.
fn filled(directory: &Path) -> Engine {
    let engine = reopen(directory);
    let log = engine.log(LOG);
    for number in 0..BATCHES {
        append(&log, batch(&vec![number as u8; 1500], 2)).unwrap();
        engine.settle();
    }
    engine
}

fn read(log: &Arc<Log>, from: i64, bytes_max: usize, isolation: Isolation) -> ReadBatches<Chunk> {
    match log.read(Offset(from), bytes_max, isolation, true).unwrap() {
        Read::Ready(read) => read.map(Chunk::from),
        Read::Disk(disk) => disk.run_to_send().unwrap(),
    }
}

fn is_in_file(chunk: &Chunk) -> bool {
    matches!(chunk, Chunk::File(_))
}

/// All batches from an offset on, and how many bytes of them the kernel could have sent.
fn read_to_the_end(log: &Arc<Log>, from: i64, bytes_max: usize) -> (Vec<Bytes>, usize) {
    let (mut batches, mut sendable, mut from) = (Vec::new(), 0, from);
    loop {
        let read = read(log, from, bytes_max, Isolation::ReadUncommitted);
        if read.chunks.is_empty() {
            return (batches, sendable);
        }
        assert_eq!(
            read.bytes,
            read.chunks.iter().map(Chunk::len).sum::<usize>()
        );
        for chunk in read.chunks {
            if is_in_file(&chunk) {
                sendable += chunk.len();
            }
            for batch in split(&chunk.into_bytes()) {
                from = next_offset(&batch).get();
                batches.push(batch);
            }
        }
    }
}

fn segments(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory.join(format!("logs/{:010}", LOG.0))).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    paths.sort();
    paths
}

#[test]
fn what_this_process_has_written_is_sent_whatever_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let engine = filled(directory.path());
    let log = engine.log(LOG);
    let expected = read_all(&log, 0).unwrap();
    assert_eq!(expected.len() as i64, BATCHES);
    assert!(segments(directory.path()).len() > 2);
    for bytes_max in [64 << 10, 100_000, 150_000, 300_000, 10 << 20] {
        let (batches, sendable) = read_to_the_end(&log, 0, bytes_max);
        assert!(batches == expected, "{bytes_max}");
        let is_enough = bytes_max > 64 << 10;
        assert_eq!(sendable > 500_000, is_enough, "{sendable} of {bytes_max}");
    }
    // From within a batch, from the end of a segment on, and less than a batch.
    for from in [1, 2, 7, 201, 260] {
        let (batches, sendable) = read_to_the_end(&log, from, 200_000);
        assert!(batches == expected[from as usize / 2..], "{from}");
        assert!(sendable > 0, "{from}");
    }
    let one = read(&log, 3, 100, Isolation::ReadUncommitted);
    assert_eq!(one.chunks.len(), 1);
    assert!(one.chunks[0].clone().into_bytes() == expected[1]);
}

#[test]
fn what_was_there_before_is_read_once_and_then_sent() {
    let directory = tempfile::tempdir().unwrap();
    let engine = filled(directory.path());
    let expected = read_all(&engine.log(LOG), 0).unwrap();
    drop(engine);
    let engine = reopen(directory.path());
    let log = engine.log(LOG);
    // What lies behind a part that nobody has read is not known to be sound.
    let middle = read(&log, 100, 100_000, Isolation::ReadUncommitted);
    assert!(!is_in_file(&middle.chunks[0]));
    let (batches, sendable) = read_to_the_end(&log, 0, 100_000);
    assert_eq!(sendable, 0);
    assert!(batches == expected);
    let (batches, sendable) = read_to_the_end(&log, 0, 100_000);
    assert!(sendable > 500_000);
    assert!(batches == expected);
}

#[test]
fn damage_is_found_before_anything_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    drop(filled(directory.path()));
    let damaged = &segments(directory.path())[0];
    let file = OpenOptions::new().write(true).open(damaged).unwrap();
    file.write_all_at(b"!", 200_000).unwrap();
    let engine = reopen(directory.path());
    let log = engine.log(LOG);
    for _ in 0..2 {
        let first = read(&log, 0, 10 << 20, Isolation::ReadUncommitted);
        assert!(first.bytes > 150_000 && first.bytes <= 200_000);
        let mut served = first.chunks.into_iter().map(Chunk::into_bytes);
        let last = served.next_back().and_then(|bytes| split(&bytes).pop());
        served.for_each(|bytes| drop(split(&bytes)));
        let next = next_offset(&last.unwrap());
        let behind = log.read(next, 10 << 20, Isolation::ReadUncommitted, true);
        match behind {
            Ok(Read::Disk(disk)) => drop(disk.run_to_send().unwrap_err()),
            Ok(Read::Ready(read)) => panic!("{read:?}"),
            Err(_) => {}
        }
    }
}

#[test]
fn what_has_left_the_page_cache_is_checked_again() {
    let directory = tempfile::tempdir().unwrap();
    let engine = filled(directory.path());
    let log = engine.log(LOG);
    assert!(is_in_file(
        &read(&log, 0, 200_000, Isolation::ReadUncommitted).chunks[0]
    ));
    let first = &segments(directory.path())[0];
    let file = env::real::env()
        .fs
        .open(first, env::OpenMode::Write)
        .unwrap();
    file.write_all_at(b"!", 150_000).unwrap();
    file.sync_data().unwrap();
    file.drop_cache().unwrap();
    // The first time it comes from the disk, the second time it is in the cache again.
    for is_known in [false, true] {
        let again = read(&log, 0, 200_000, Isolation::ReadUncommitted);
        assert!(is_known || !is_in_file(&again.chunks[0]));
        assert!(
            again.bytes <= 150_000,
            "the batch that was damaged is not served"
        );
    }
}

#[test]
fn a_range_ends_only_where_a_batch_begins() {
    let directory = tempfile::tempdir().unwrap();
    let engine = filled(directory.path());
    let log = engine.log(LOG);
    let read_first = || read(&log, 0, 200_000, Isolation::ReadUncommitted);
    let before = read_first();
    assert!(is_in_file(&before.chunks[0]));
    // The offset of the batch behind it, in the page cache too.
    let first = &segments(directory.path())[0];
    let file = OpenOptions::new().write(true).open(first).unwrap();
    file.write_all_at(&[0x55; 8], before.bytes as u64).unwrap();
    let after = read_first();
    assert!(!is_in_file(&after.chunks[0]));
    assert_eq!(after.bytes, before.bytes);
}

#[test]
fn what_a_segment_held_before_is_not_vouched_for_by_who_goes_on_in_it() {
    let directory = tempfile::tempdir().unwrap();
    drop(filled(directory.path()));
    let last_before = segments(directory.path()).pop().unwrap();
    let bytes_before = std::fs::metadata(&last_before).unwrap().len();
    let engine = reopen(directory.path());
    let log = engine.log(LOG);
    for number in 0..BATCHES {
        append(&log, batch(&vec![number as u8; 1500], 2)).unwrap();
        engine.settle();
    }
    let bytes = std::fs::metadata(&last_before).unwrap().len();
    assert!(bytes > bytes_before, "{bytes_before} bytes, then {bytes}");
    let name = last_before.file_stem().unwrap().to_str().unwrap();
    let first: i64 = name.parse().unwrap();
    let read_first = || read(&log, first, 10 << 20, Isolation::ReadUncommitted);
    assert!(!is_in_file(&read_first().chunks[0]));
    assert!(is_in_file(&read_first().chunks[0]));
}

#[test]
fn nothing_of_an_open_transaction_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let engine = filled(directory.path());
    let log = engine.log(LOG);
    let transactional = crate::transactions::transactional(1, 0);
    let open_from = append(&log, transactional).unwrap().base_offset.get();
    for number in 0..BATCHES {
        append(&log, batch(&vec![number as u8; 1500], 2)).unwrap();
        engine.settle();
    }
    // So that it is in a segment, with more behind it.
    assert_eq!(log.view().last_stable_offset, Offset(open_from));
    let mut from = 0;
    let mut sendable = 0;
    while from < open_from {
        let read = read(&log, from, 10 << 20, Isolation::ReadCommitted);
        for chunk in read.chunks {
            sendable += usize::from(is_in_file(&chunk));
            for batch in split(&chunk.into_bytes()) {
                let (view, _) = BatchView::parse(&batch).unwrap();
                assert_eq!(view.header().base_offset.get(), from);
                assert_ne!(view.header().producer_id, ProducerId(1));
                from = next_offset(&batch).get();
            }
        }
    }
    assert_eq!(from, open_from);
    assert!(sendable > 1);
    assert_eq!(
        read(&log, from, 10 << 20, Isolation::ReadCommitted).bytes,
        0
    );
}
