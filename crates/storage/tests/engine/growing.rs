//! Small rounds that only go into the page cache share a block of the write-ahead log, until it is full or forced.

use std::time::Duration;

use model::{LogId, Offset};
use sim::{Fault, Handles, Operation};
use storage::{Append, LogConfig};

use crate::harness::{Engine, LOG, append, batch, open_with, read_values, with_slots_of};

const OTHER: LogId = LogId(2);
const STRICT: LogId = LogId(3);
const SECTOR_BYTES: u64 = 4096;

fn relaxed() -> LogConfig {
    LogConfig {
        flush_messages: i64::MAX,
        flush_ms: i64::MAX,
        ..LogConfig::default()
    }
}

/// An engine with two relaxed logs and a strict one.
fn engine(env: &env::Env) -> Engine {
    let engine = open_with(env, with_slots_of(1 << 20), 3, &relaxed()).unwrap();
    engine.log(STRICT).set_config(LogConfig::default());
    engine
}

/// One record, as a request of its own.
fn produce(engine: &Engine, log: LogId, bytes: usize) {
    let mut gathering = engine.storage.gather();
    let batch = batch(&vec![1; bytes], 1);
    gathering
        .append(&engine.log(log), batch, Append::Produce)
        .unwrap();
}

/// Where the rounds were written, one after the other.
fn positions(handles: &Handles) -> Vec<u64> {
    let trace = handles.fs.trace();
    let is_round = |step: &&sim::Step| {
        let is_slot = step.path.parent().is_some_and(|path| path.ends_with("wal"));
        step.operation == Operation::Write && is_slot
    };
    trace
        .iter()
        .filter(is_round)
        .map(|step| step.position)
        .collect()
}

/// The next start, which finds nothing damaged.
fn start_again(handles: &Handles) -> Engine {
    let engine = engine(&handles.env());
    assert!(engine.report.damages.is_empty());
    engine
}

fn values(engine: &Engine, log: LogId) -> usize {
    read_values(&engine.log(log), 0).len()
}

#[test]
fn a_round_grows_until_its_block_is_full() {
    let (env, handles) = sim::env(1);
    let engine = engine(&env);
    let (before, rounds) = (
        positions(&handles).len(),
        engine.storage.state().written_seq,
    );
    // A header of 64 bytes, and for each of them 40 in the table and 1,072 as a batch.
    for log in [LOG, OTHER, LOG, LOG] {
        produce(&engine, log, 1_000);
    }
    let first = positions(&handles)[before];
    assert_eq!(
        positions(&handles)[before..],
        [first, first, first, first + SECTOR_BYTES]
    );
    assert_eq!(engine.storage.state().written_seq, rounds + 2);
    assert_eq!(engine.log(LOG).view().high_watermark, Offset(3));

    drop(engine);
    let engine = start_again(&handles.kill());
    assert_eq!([LOG, OTHER].map(|log| values(&engine, log)), [3, 1]);
}

#[test]
fn what_is_forced_is_not_written_again() {
    let (env, handles) = sim::env(1);
    let engine = engine(&env);
    produce(&engine, LOG, 100);
    let first = positions(&handles).pop().unwrap();
    engine.storage.force_all();
    engine.commit();
    produce(&engine, LOG, 100);
    assert_eq!(positions(&handles).pop(), Some(first + SECTOR_BYTES));

    // Nor is the empty round that says so.
    engine.storage.force_all();
    engine.commit();
    handles.clock.advance(Duration::from_millis(100));
    engine.commit();
    assert_eq!(positions(&handles).pop(), Some(first + 2 * SECTOR_BYTES));
    produce(&engine, LOG, 100);
    assert_eq!(positions(&handles).pop(), Some(first + 3 * SECTOR_BYTES));

    // Nor is what is followed by something: it would be written over.
    append(&engine.log(STRICT), batch(b"x", 1)).unwrap();
    engine.commit();
    produce(&engine, LOG, 100);
    assert_eq!(positions(&handles).pop(), Some(first + 5 * SECTOR_BYTES));
    // A round that is forced takes a block of its own at once.
    append(&engine.log(STRICT), batch(b"x", 1)).unwrap();
    engine.commit();
    assert_eq!(positions(&handles).pop(), Some(first + 6 * SECTOR_BYTES));

    drop(engine);
    let engine = start_again(&handles.crash());
    assert_eq!([LOG, STRICT].map(|log| values(&engine, log)), [4, 2]);
}

/// A checkpoint names the last round that it releases by its checksum, and the next one follows that.
#[test]
fn a_grown_round_is_released_by_its_last_checksum() {
    let (env, handles) = sim::env(1);
    let engine = engine(&env);
    for _ in 0..3 {
        produce(&engine, OTHER, 100);
    }
    engine.storage.force_all();
    engine.commit();
    engine.storage.delete_log(OTHER);
    engine.flush();
    let state = engine.storage.state();
    assert_eq!(
        (state.released_seq, state.durable_seq),
        (state.written_seq, state.written_seq)
    );
    produce(&engine, LOG, 100);

    drop(engine);
    let env = handles.kill().env();
    let engine = open_with(&env, with_slots_of(1 << 20), 1, &relaxed()).unwrap();
    assert!(engine.report.damages.is_empty());
    assert_eq!(values(&engine, LOG), 1);
}

/// The page cache takes a block as a whole or not at all.
#[test]
fn what_a_round_held_outlives_a_write_that_fails() {
    let (env, handles) = sim::env(1);
    let engine = engine(&env);
    produce(&engine, LOG, 100);
    produce(&engine, LOG, 100);
    handles
        .fs
        .fail_next(Operation::Write, "slot", Fault::Device, 1);
    produce(&engine, LOG, 100);
    assert_eq!(engine.log(LOG).view().high_watermark, Offset(2));

    drop(engine);
    let engine = start_again(&handles.kill());
    assert_eq!(values(&engine, LOG), 2);
}
