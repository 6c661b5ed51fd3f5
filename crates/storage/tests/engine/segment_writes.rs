//! Whether batches go into the page cache on their way to a segment, or past it.

use std::time::Duration;

use env::SECTOR_BYTES;
use model::{LogId, Offset};
use sim::{Handles, Operation};
use storage::{Isolation, Read};

use crate::harness::{Engine, LOG, append, batch, open, read_all};

/// The writes to segments of [`LOG`] since the last look: whether each was direct, and how long it was.
fn segment_writes(handles: &Handles, seen: &mut u64) -> Vec<(bool, u64)> {
    let trace = handles.fs.trace();
    let steps = trace.iter().filter(|step| step.number >= *seen);
    let writes = steps
        .filter(|step| step.operation == Operation::Write)
        .filter(|step| step.path.starts_with("/data/logs/0000000001"))
        .filter(|step| step.path.extension().is_some_and(|name| name == "log"));
    let found = writes.map(|step| (step.is_direct, step.bytes)).collect();
    *seen = trace.last().map_or(0, |step| step.number + 1);
    found
}

/// Appends batches of nearly 10 KB. About ten of them are flushed together.
fn fill(engine: &Engine, batches: usize) {
    for number in 0..batches {
        append(&engine.log(LOG), batch(&[number as u8; 9_777], 1)).unwrap();
        engine.settle();
    }
}

fn are_direct(writes: &[(bool, u64)]) -> bool {
    let sector = SECTOR_BYTES as u64;
    let (direct, cached): (Vec<_>, Vec<_>) = writes.iter().partition(|(is_direct, _)| *is_direct);
    assert!(cached.iter().all(|(_, bytes)| *bytes < sector) || direct.is_empty());
    !direct.is_empty()
}

fn is_in_segments(engine: &Engine, from: i64) -> bool {
    let read = engine
        .log(LOG)
        .read(Offset(from), 1, Isolation::ReadUncommitted, true);
    matches!(read.unwrap(), Read::Disk(_))
}

#[test]
fn what_nobody_reads_goes_past_the_page_cache_but_for_parts_of_sectors() {
    let (env, handles) = sim::env(1);
    let engine = open(&env);
    let mut seen = 0;
    let mut batches = 0;
    for more in [60, 31, 30, 32] {
        fill(&engine, more);
        batches += more;
        assert!(are_direct(&segment_writes(&handles, &mut seen)));
    }
    let expected = read_all(&engine.log(LOG), 0).unwrap();
    assert_eq!(expected.len(), batches);
    drop(engine);
    assert!(read_all(&open(&env).log(LOG), 0).unwrap() == expected);
}

#[test]
fn little_goes_into_the_page_cache() {
    let (env, handles) = sim::env(1);
    let engine = open(&env);
    let mut seen = 0;
    fill(&engine, 3);
    assert_eq!(segment_writes(&handles, &mut seen), []);
    // The write-ahead log comes round.
    let other = engine.log(LogId(2));
    let mut writes = Vec::new();
    for _ in 0..100 {
        append(&other, batch(&[7; 9_777], 1)).unwrap();
        engine.settle();
        writes.extend(segment_writes(&handles, &mut seen));
    }
    assert!(!writes.is_empty() && !are_direct(&writes), "{writes:?}");
}

#[test]
fn what_somebody_reads_goes_into_the_page_cache_for_a_while() {
    let (env, handles) = sim::env(1);
    let engine = open(&env);
    let mut seen = 0;
    fill(&engine, 60);
    assert!(are_direct(&segment_writes(&handles, &mut seen)));
    assert!(is_in_segments(&engine, 0));
    fill(&engine, 25);
    assert!(!are_direct(&segment_writes(&handles, &mut seen)));
    handles.clock.advance(Duration::from_secs(10 * 60 - 1));
    fill(&engine, 25);
    assert!(!are_direct(&segment_writes(&handles, &mut seen)));
    handles.clock.advance(Duration::from_secs(1));
    fill(&engine, 25);
    assert!(are_direct(&segment_writes(&handles, &mut seen)));
    // What is read from memory does not count.
    assert!(!is_in_segments(&engine, 60 + 3 * 25 - 1));
    fill(&engine, 25);
    assert!(are_direct(&segment_writes(&handles, &mut seen)));
}
