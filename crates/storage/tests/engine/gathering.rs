//! Appends of one request: they go together, and whoever makes them writes them if that needs no disk.

use std::time::Duration;

use env::Step;
use model::{LogId, Offset};
use storage::{Append, Durability, LogConfig, Sequence};

use crate::harness::{
    Engine, LOG, append, batch, open, open_with, poll, read_values, sim_settings,
};

const OTHER: LogId = LogId(2);
const STRICT: LogId = LogId(3);

fn relaxed() -> LogConfig {
    LogConfig {
        flush_messages: 5,
        flush_ms: 500,
        ..LogConfig::default()
    }
}

/// An engine with two relaxed logs and a strict one.
fn engine(env: &env::Env) -> Engine {
    let engine = open(env);
    for id in [LOG, OTHER] {
        engine.log(id).set_config(relaxed());
    }
    engine
}

/// Appends one record to each of these logs, as one request does.
fn gather(engine: &Engine, logs: &[LogId]) -> Sequence {
    let mut gathering = engine.storage.gather();
    let append = |id: &LogId| {
        gathering
            .append(&engine.log(*id), batch(b"x", 1), Append::Produce)
            .unwrap()
            .sequence
    };
    logs.iter().map(append).max().unwrap()
}

fn end(engine: &Engine, id: LogId) -> Offset {
    engine.log(id).view().high_watermark
}

#[test]
fn who_appends_to_relaxed_logs_writes_one_round() {
    let (env, handles) = sim::env(1);
    let engine = engine(&env);
    let rounds = engine.storage.state().written_seq;
    let sequence = gather(&engine, &[LOG, OTHER, LOG]);
    assert_eq!(engine.storage.state().written_seq, rounds + 1);
    assert_eq!(
        [LOG, OTHER].map(|id| end(&engine, id)),
        [Offset(2), Offset(1)]
    );
    let mut written = Box::pin(engine.storage.wait(sequence, Durability::Written));
    assert!(poll(written.as_mut()).is_some_and(|answer| answer.is_ok()));
    assert!(!engine.storage.is_durable(sequence));

    drop((written, engine));
    let engine = open_with(&handles.kill().env(), sim_settings(), 3, &relaxed()).unwrap();
    assert_eq!(read_values(&engine.log(LOG), 0).len(), 2);
    assert_eq!(read_values(&engine.log(OTHER), 0).len(), 1);
}

#[test]
fn what_must_be_forced_is_left_to_the_loop() {
    let (env, _) = sim::env(1);
    let engine = engine(&env);
    let rounds = engine.storage.state().written_seq;
    let sequence = gather(&engine, &[LOG, STRICT]);
    assert_eq!(engine.storage.state().written_seq, rounds);
    assert_eq!(end(&engine, LOG), Offset(0));
    // Order is kept behind it.
    gather(&engine, &[LOG]);
    assert_eq!(engine.storage.state().written_seq, rounds);
    engine.commit();
    assert!(engine.storage.is_durable(sequence));
    assert_eq!(
        [LOG, STRICT].map(|id| end(&engine, id)),
        [Offset(2), Offset(1)]
    );
}

#[test]
fn what_others_have_queued_goes_along() {
    let (env, _) = sim::env(1);
    let engine = engine(&env);
    append(&engine.log(OTHER), batch(b"y", 1)).unwrap();
    assert_eq!(end(&engine, OTHER), Offset(0));
    gather(&engine, &[LOG]);
    assert_eq!(
        [LOG, OTHER].map(|id| end(&engine, id)),
        [Offset(1), Offset(1)]
    );
}

#[test]
fn the_loop_forces_by_count_and_by_age() {
    let (env, handles) = sim::env(1);
    let engine = engine(&env);
    let sequence = gather(&engine, &[LOG; 5]);
    assert_eq!(end(&engine, LOG), Offset(5));
    assert!(!engine.storage.is_durable(sequence));
    engine.commit();
    assert!(engine.storage.is_durable(sequence), "by count");

    let sequence = gather(&engine, &[LOG]);
    engine.commit();
    assert!(!engine.storage.is_durable(sequence));
    handles.clock.advance(Duration::from_millis(500));
    engine.commit();
    assert!(engine.storage.is_durable(sequence), "by age");
}

/// Leaving a slot forces it, and making one takes long.
#[test]
fn a_slot_is_left_by_the_loop() {
    let (env, _) = sim::env(1);
    let engine = engine(&env);
    let many = LogConfig {
        flush_messages: i64::MAX,
        ..relaxed()
    };
    engine.log(LOG).set_config(many);
    let mut appended = 0;
    while end(&engine, LOG) == Offset(appended) {
        gather(&engine, &[LOG]);
        appended += 1;
        assert!(appended < 1_000, "the slot has an end");
    }
    assert_eq!(end(&engine, LOG), Offset(appended - 1));
    assert_eq!(engine.storage.commit_step(), Step::Worked);
    assert_eq!(end(&engine, LOG), Offset(appended));
}

#[test]
fn nothing_is_written_behind_a_failure() {
    let (env, _) = sim::env(1);
    let engine = engine(&env);
    engine.storage.stop();
    let mut gathering = engine.storage.gather();
    let refused = gathering.append(&engine.log(LOG), batch(b"x", 1), Append::Produce);
    assert!(refused.is_err());
    drop(gathering);
    assert_eq!(end(&engine, LOG), Offset(0));
}
