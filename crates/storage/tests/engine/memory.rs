//! When memory calls for a pass of the flusher, and what the pass lets go of.

use model::{LogId, Offset};
use storage::{LogConfig, Mark, StorageSettings, take_marks};

use crate::harness::{Engine, LOG, append, batch, open_with, read_values, with_slots_of};

const OTHER: LogId = LogId(2);

/// Two logs. A pass comes when 96 KiB have gathered, leaves 64 KiB, and is not called for by the write-ahead log.
fn engine(env: &env::Env) -> Engine {
    let settings = StorageSettings {
        memory_bytes_max: 256 << 10,
        ..with_slots_of(1 << 20)
    };
    open_with(env, settings, 2, &LogConfig::default()).unwrap()
}

#[test]
fn what_stays_in_memory_does_not_keep_the_buffers_of_what_leaves_it() {
    let (env, _) = sim::env(1);
    let engine = engine(&env);
    take_marks();
    let detached = || {
        let marks = take_marks();
        let is_detached = |(mark, times): &(Mark, u64)| *mark == Mark::Detached && *times > 0;
        marks.iter().any(is_detached)
    };
    append(&engine.log(OTHER), batch(b"cold", 1)).unwrap();
    engine.settle();
    assert!(!detached());
    for _ in 0..4 {
        append(&engine.log(LOG), batch(&[1; 30_000], 1)).unwrap();
        engine.settle();
    }
    let unflushed = engine.storage.metrics().unflushed_bytes;
    assert!(unflushed < 100, "only the cold one has stayed: {unflushed}");
    assert!(detached());
    assert_eq!(read_values(&engine.log(OTHER), 0), [(0, b'c', 4)]);
}

#[test]
fn a_pass_for_something_else_does_not_put_off_the_one_for_memory() {
    let (env, _) = sim::env(1);
    let engine = engine(&env);
    for number in 1..=5 {
        append(&engine.log(OTHER), batch(&[1; 25_000], 1)).unwrap();
        append(&engine.log(LOG), batch(b"deleted", 1)).unwrap();
        engine.settle();
        let checkpoints = engine.storage.metrics().checkpoints;
        engine.log(LOG).set_log_start(Offset(number)).unwrap();
        engine.settle();
        assert!(engine.storage.metrics().checkpoints > checkpoints, "a pass");
    }
    let unflushed = engine.storage.metrics().unflushed_bytes;
    assert!(unflushed < 96 << 10, "{unflushed}");
}

#[test]
fn what_a_pass_for_something_else_frees_brings_the_one_for_memory_nearer() {
    let (env, _) = sim::env(1);
    let engine = engine(&env);
    let unflushed = || engine.storage.metrics().unflushed_bytes;
    append(&engine.log(LOG), batch(&[1; 36_000], 1)).unwrap();
    append(&engine.log(OTHER), batch(&[1; 63_000], 1)).unwrap();
    engine.settle();
    assert!(
        (36_000..37_000).contains(&unflushed()),
        "the next is due with as much as this and 96 KiB"
    );
    engine.log(LOG).set_log_start(Offset(1)).unwrap();
    engine.settle();
    assert_eq!(unflushed(), 0);
    append(&engine.log(OTHER), batch(&[1; 90_000], 1)).unwrap();
    engine.settle();
    assert!(unflushed() > 90_000);
    append(&engine.log(OTHER), batch(&[1; 9_000], 1)).unwrap();
    engine.settle();
    assert_eq!(unflushed(), 0);
}
