//! Appends of one request: they go together, and whoever makes them writes them if that needs no disk.

use std::time::Duration;

use env::{Clock, Step};
use model::{LogId, Offset};
use sim::{Fault, Operation};
use storage::{Append, AppendError, CommitError, Durability, LogConfig, Sequence};

use crate::harness::{
    Engine, LOG, append, batch, open, open_with, poll, read_values, rest, sim_settings,
    with_slots_of,
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
    with_relaxed(open(env))
}

fn with_relaxed(engine: Engine) -> Engine {
    for id in [LOG, OTHER] {
        engine.log(id).set_config(relaxed());
    }
    engine
}

/// The same with its loops, and with large slots: one that fills up has the next one made, and making one wakes the
/// commit loop.
fn started(env: &env::Env) -> Engine {
    let engine = open_with(env, with_slots_of(1 << 20), 3, &LogConfig::default());
    let engine = with_relaxed(engine.unwrap());
    engine.storage.start();
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
fn the_loop_is_woken_for_what_is_left_to_it_and_for_nothing_else() {
    let (env, handles) = sim::env(1);
    let engine = started(&env);
    let rest = || rest(&handles);
    rest();

    // It learns when the first record has waited long enough, and needs to know no more.
    let sequence = gather(&engine, &[LOG]);
    rest();
    assert!(!engine.storage.is_durable(sequence));
    handles.clock.advance(Duration::from_millis(500));
    rest();
    assert!(engine.storage.is_durable(sequence), "by age");

    gather(&engine, &[LOG]);
    rest();
    gather(&engine, &[LOG]);
    assert!(
        !handles.spawn.turn(handles.clock.now()),
        "written, with nothing left to do"
    );
    let sequence = gather(&engine, &[LOG; 3]);
    assert_eq!(end(&engine, LOG), Offset(6));
    assert!(!engine.storage.is_durable(sequence));
    rest();
    assert!(engine.storage.is_durable(sequence), "by count");

    let sequence = gather(&engine, &[LOG, STRICT]);
    rest();
    assert!(engine.storage.is_durable(sequence), "strict");
    handles.spawn.clear();
}

#[test]
fn all_of_it_can_be_forced_whatever_its_log_says() {
    let (env, handles) = sim::env(1);
    let engine = started(&env);
    gather(&engine, &[LOG]);
    rest(&handles);
    let all = engine.storage.force_all();
    assert!(!engine.storage.is_durable(all));
    rest(&handles);
    assert!(engine.storage.is_durable(all));

    // A start of the log that was set before may not be durable yet.
    let first = engine.log(LOG).set_log_start(Offset(1)).unwrap();
    rest(&handles);
    assert!(engine.storage.is_durable(first));
    gather(&engine, &[LOG]);
    rest(&handles);
    let again = engine.log(LOG).set_log_start(Offset(1)).unwrap();
    rest(&handles);
    assert!(engine.storage.is_durable(again));
    handles.spawn.clear();
}

#[test]
fn nothing_is_written_here_once_it_is_to_end() {
    let (env, _) = sim::env(1);
    let engine = engine(&env);
    let mut gathering = engine.storage.gather();
    let log = engine.log(LOG);
    gathering
        .append(&log, batch(b"x", 1), Append::Produce)
        .unwrap();
    engine.storage.stop();
    drop(gathering);
    assert_eq!(end(&engine, LOG), Offset(0));
    engine.commit();
    assert_eq!(end(&engine, LOG), Offset(1), "what was taken is kept");
}

#[test]
fn a_write_that_fails_here_ends_acknowledging() {
    let (env, handles) = sim::env(1);
    let engine = started(&env);
    rest(&handles);
    handles
        .fs
        .fail_next(Operation::Write, "slot", Fault::Device, 1);
    let sequence = gather(&engine, &[LOG]);
    let mut written = Box::pin(engine.storage.wait(sequence, Durability::Written));
    assert_eq!(poll(written.as_mut()), Some(Err(CommitError::Poisoned)));
    assert_eq!(end(&engine, LOG), Offset(0));
    let refused = append(&engine.log(OTHER), batch(b"y", 1));
    assert_eq!(refused, Err(AppendError::Poisoned));
    assert_eq!(engine.storage.commit_step(), Step::Stopped);
    rest(&handles);
    assert!(!handles.spawn.loops().contains(&"ottla-commit"), "it ends");
    handles.spawn.clear();
}
