//! Batches that the kernel can send from a segment. Only files of the real file system can be sent.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use chunks::Chunk;
use model::{Offset, ProducerId};
use storage::{Isolation, Log, LogConfig, Read, ReadBatches};
use wire::batch::{BatchView, HEADER_BYTES};

use crate::harness::{
    Engine, LOG, append, batch, next_offset, open_with, read_all, settings, split,
};
use crate::page_cache::PageCache;
use crate::transactions::{END, marker, transactional};

const BATCHES: i64 = 400;

fn reopen(directory: &Path) -> Engine {
    open_cached(directory).1
}

/// With the page cache that it has its segments in.
fn open_cached(directory: &Path) -> (Arc<PageCache>, Engine) {
    let config = LogConfig {
        segment_bytes: 400 << 10,
        ..LogConfig::default()
    };
    let (cache, env) = PageCache::new();
    let engine = open_with(&env, settings(directory), 3, &config).unwrap();
    (cache, engine)
}

/// A log of batches of two records, most of which are in segments.
fn filled(directory: &Path) -> Engine {
    filled_cached(directory).1
}

fn filled_cached(directory: &Path) -> (Arc<PageCache>, Engine) {
    let (cache, engine) = open_cached(directory);
    fill(&engine, BATCHES);
    (cache, engine)
}

fn fill(engine: &Engine, batches: i64) {
    for number in 0..batches {
        append(&engine.log(LOG), batch(&vec![number as u8; 1500], 2)).unwrap();
        engine.settle();
    }
}

fn read(log: &Arc<Log>, from: i64, bytes_max: usize, isolation: Isolation) -> ReadBatches<Chunk> {
    match log.read(Offset(from), bytes_max, isolation, true).unwrap() {
        Read::Ready(read) => read.map(Chunk::from),
        Read::Disk(disk) => {
            let at_once = disk.send_at_once();
            let read = disk.run_to_send().unwrap();
            if let Some(at_once) = at_once {
                is_the_beginning_of(&at_once, &read);
            }
            read
        }
    }
}

/// What is found at once is sent from the file, and is what a read that may block begins with.
fn is_the_beginning_of(at_once: &ReadBatches<Chunk>, read: &ReadBatches<Chunk>) {
    let ([Chunk::File(found)], Chunk::File(first)) = (&at_once.chunks[..], &read.chunks[0]) else {
        panic!("{at_once:?} is not one range of a file");
    };
    assert_eq!(found.position, first.position);
    assert_eq!((at_once.bytes, found.bytes), (first.bytes, first.bytes));
    assert_eq!(at_once.view, read.view);
    assert!(read.aborted.starts_with(&at_once.aborted));
}

/// Whether what the kernel can send from an offset on is found without waiting for the disk.
fn is_found_at_once(log: &Arc<Log>, from: i64) -> bool {
    let isolation = Isolation::ReadUncommitted;
    match log.read(Offset(from), 200_000, isolation, true).unwrap() {
        Read::Ready(_) => false,
        Read::Disk(disk) => disk.send_at_once().is_some(),
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

fn base_of(segment: &Path) -> i64 {
    segment
        .file_stem()
        .unwrap()
        .to_str()
        .unwrap()
        .parse()
        .unwrap()
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
    assert!(is_in_file(&middle.chunks[0]), "it has just been read");
    for is_known in [false, true] {
        assert!([0, 100].map(|from| is_found_at_once(&log, from)) == [is_known; 2]);
        let (batches, sendable) = read_to_the_end(&log, 0, 100_000);
        assert!(sendable > 500_000);
        assert!(batches == expected);
    }
}

#[test]
fn what_went_past_the_page_cache_is_read_before_it_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let engine = reopen(directory.path());
    let log = engine.log(LOG);
    for number in 0..BATCHES {
        append(&log, batch(&vec![number as u8; 1500], 2)).unwrap();
        if number % 50 == 49 {
            engine.settle();
        }
    }
    let first = &segments(directory.path())[0];
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).open(first).unwrap();
    let (mut was, position) = ([0], 50_000);
    file.read_exact_at(&mut was, position).unwrap();
    file.write_all_at(&[!was[0]], position).unwrap();
    // Now it is there, from the disk.
    std::fs::read(first).unwrap();
    for _ in 0..2 {
        assert!(!is_found_at_once(&log, 0));
        let read = read(&log, 0, 200_000, Isolation::ReadUncommitted);
        assert!(
            read.bytes as u64 <= position,
            "what is damaged is not served"
        );
    }
}

#[test]
fn what_follows_a_range_is_found_without_waiting_for_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let (cache, engine) = filled_cached(directory.path());
    let log = engine.log(LOG);
    let (mut from, mut ranges) = (0, 0);
    let mut follows_range = true;
    while let Some(first) = {
        let read = read(&log, from, 200_000, Isolation::ReadUncommitted);
        read.chunks.into_iter().next()
    } {
        let is_range = is_in_file(&first);
        if follows_range && is_range {
            assert!(is_found_at_once(&log, from), "{from}");
            ranges += 1;
        }
        follows_range = is_range;
        from = next_offset(split(&first.into_bytes()).last().unwrap()).get();
    }
    assert!(ranges > 2, "{ranges}");
    assert!(!is_found_at_once(&log, 1), "no batch begins there");
    for _ in 0..2 {
        read_all(&log, 0).unwrap();
        assert!(is_found_at_once(&log, 0));
        cache.hold(0);
        assert!(!is_found_at_once(&log, 0), "it comes from the disk");
        cache.hold(u64::MAX);
        assert!(!is_found_at_once(&log, 0), "it is not checked again yet");
    }
    drop((log, engine));

    let engine = reopen(directory.path());
    let log = engine.log(LOG);
    assert!(!is_found_at_once(&log, 0), "the index is on the disk");
    read_all(&log, 0).unwrap();
    assert!(is_found_at_once(&log, 0));
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
    let (cache, engine) = filled_cached(directory.path());
    let log = engine.log(LOG);
    let read_first = || read(&log, 0, 200_000, Isolation::ReadUncommitted);
    assert!(is_in_file(&read_first().chunks[0]));
    let first = &segments(directory.path())[0];
    let file = OpenOptions::new().write(true).open(first).unwrap();
    file.write_all_at(b"!", 150_000).unwrap();
    // The first time it comes from the disk, then it is in the cache again.
    for held_bytes in [0, u64::MAX, u64::MAX] {
        cache.hold(held_bytes);
        let again = read_first();
        assert!(
            again.bytes <= 150_000,
            "the batch that was damaged is not served"
        );
        assert_eq!(is_in_file(&again.chunks[0]), held_bytes > 0);
    }
    assert!(is_found_at_once(&log, 0), "what lies before the damage");
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
    assert!(!is_found_at_once(&log, 0));
    let after = read_first();
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
    fill(&engine, BATCHES);
    let bytes = std::fs::metadata(&last_before).unwrap().len();
    assert!(bytes > bytes_before, "{bytes_before} bytes, then {bytes}");
    let first = base_of(&last_before);
    assert!(!is_found_at_once(&log, first));
    read(&log, first, 10 << 20, Isolation::ReadUncommitted);
    assert!(is_found_at_once(&log, first));
}

#[test]
fn nothing_of_an_open_transaction_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let engine = filled(directory.path());
    let log = engine.log(LOG);
    let open_from = append(&log, transactional(1, 0)).unwrap().base_offset.get();
    fill(&engine, BATCHES);
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

#[test]
fn what_is_found_at_once_ends_before_an_open_transaction_and_tells_of_aborted_ones() {
    let directory = tempfile::tempdir().unwrap();
    let engine = filled(directory.path());
    let log = engine.log(LOG);
    let aborted_from = append(&log, transactional(2, 0)).unwrap().base_offset;
    log.append(marker(2, false), END).unwrap();
    fill(&engine, 40);
    let open_from = append(&log, transactional(1, 0)).unwrap().base_offset;
    fill(&engine, BATCHES);
    let bases = segments(directory.path())
        .into_iter()
        .map(|path| base_of(&path));
    let from = bases
        .filter(|base| *base <= aborted_from.get())
        .max()
        .unwrap();
    // So that it is known to be sound.
    read_all(&log, 0).unwrap();
    // As much as there is, which the one that is open ends.
    let isolation = Isolation::ReadCommitted;
    let Read::Disk(disk) = log.read(Offset(from), 10 << 20, isolation, true).unwrap() else {
        panic!("it is in a segment");
    };
    let found = disk.send_at_once().unwrap();
    assert_eq!(found.aborted.len(), 1);
    let bytes = found
        .chunks
        .into_iter()
        .map(Chunk::into_bytes)
        .collect::<Vec<_>>()
        .concat();
    let next = next_offset(split(&bytes.into()).last().unwrap());
    assert!(next > aborted_from && next <= open_from);
}

#[test]
fn nothing_is_found_at_once_of_which_a_part_is_on_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let (cache, engine) = filled_cached(directory.path());
    let log = engine.log(LOG);
    let found = read(&log, 0, 200_000, Isolation::ReadUncommitted);
    // The header of the batch behind it is looked at too.
    let looked_at_bytes = (found.bytes + HEADER_BYTES) as u64;
    for (held_bytes, is_found) in [(looked_at_bytes, true), (looked_at_bytes - 1, false)] {
        cache.hold(held_bytes);
        assert_eq!(is_found_at_once(&log, 0), is_found);
    }
}
