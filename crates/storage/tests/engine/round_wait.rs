//! Strict rounds that wait for those who were answered by the round before.

use std::time::Duration;

use env::{Clock, Env, Step};
use model::Offset;
use sim::{Handles, Operation};
use storage::{LogConfig, Sequence};

use crate::harness::{Engine, LOG, append, batch, open_with, rest, with_slots_of};

/// How long the force of the round before has taken, and three times that.
const FORCE: Duration = Duration::from_micros(200);
const WAIT: Duration = Duration::from_micros(600);

/// Appends a batch of its own.
fn append_one(engine: &Engine) -> Sequence {
    append(&engine.log(LOG), batch(b"x", 1)).unwrap().sequence
}

/// An engine whose loops run, and whose last round had so many entries.
fn after_round_of(entries: usize, env: &Env, handles: &Handles) -> Engine {
    let engine = open_with(env, with_slots_of(1 << 20), 1, &LogConfig::default()).unwrap();
    let rounds = engine.storage.state().written_seq;
    let last = (0..entries).map(|_| append_one(&engine)).max().unwrap();
    handles.fs.slow_next(Operation::Force, "slot", FORCE, 1);
    engine.storage.commit_step();
    assert!(engine.storage.is_durable(last));
    assert_eq!(engine.storage.state().written_seq, rounds + 1);
    engine.storage.start();
    rest(handles);
    engine
}

/// Appends a batch that waits for others.
fn append_one_that_waits(engine: &Engine, handles: &Handles) -> Sequence {
    let sequence = append_one(engine);
    rest(handles);
    assert!(!engine.storage.is_durable(sequence));
    sequence
}

#[test]
fn a_round_begins_when_as_many_have_come_as_were_in_the_last() {
    let (env, handles) = sim::env(1);
    let engine = after_round_of(3, &env, &handles);
    append_one(&engine);
    rest(&handles);
    append_one(&engine);
    assert!(
        !handles.spawn.turn(handles.clock.now()),
        "nobody is woken before all are there"
    );
    assert_eq!(engine.log(LOG).view().high_watermark, Offset(3));
    let rounds = engine.storage.state().written_seq;
    let last = append_one(&engine);
    rest(&handles);
    assert!(engine.storage.is_durable(last));
    assert_eq!(engine.storage.state().written_seq, rounds + 1);
    handles.spawn.clear();
}

#[test]
fn it_waits_three_times_as_long_as_the_force_before_took() {
    let (env, handles) = sim::env(1);
    let engine = after_round_of(3, &env, &handles);
    let sequence = append_one(&engine);
    rest(&handles);
    handles.clock.advance(WAIT - Duration::from_micros(1));
    rest(&handles);
    assert!(!engine.storage.is_durable(sequence));
    handles.clock.advance(Duration::from_micros(1));
    rest(&handles);
    assert!(engine.storage.is_durable(sequence));
    handles.spawn.clear();
}

#[test]
fn one_alone_does_not_wait() {
    let (env, handles) = sim::env(1);
    let engine = after_round_of(1, &env, &handles);
    let alone = append_one(&engine);
    rest(&handles);
    assert!(engine.storage.is_durable(alone));
    handles.spawn.clear();
}

/// Of three batches two fit into a round; the third is behind it.
#[test]
fn those_behind_a_round_are_expected_together_with_those_in_it() {
    let (env, handles) = sim::env(1);
    let engine = open_with(&env, with_slots_of(64 << 10), 1, &LogConfig::default()).unwrap();
    let large = || append(&engine.log(LOG), batch(&[7; 20 << 10], 1)).unwrap();
    let appended = [large(), large(), large()];
    handles.fs.slow_next(Operation::Force, "slot", FORCE, 1);
    assert_eq!(engine.storage.commit_step(), Step::Worked);
    let is_durable = appended.map(|batch| engine.storage.is_durable(batch.sequence));
    assert_eq!(is_durable, [true, true, false]);
    let waits = |step| matches!(step, Step::Idle { until: Some(_) });
    assert!(waits(engine.storage.commit_step()));
    append_one(&engine);
    assert!(waits(engine.storage.commit_step()));
    let last = append_one(&engine);
    assert_eq!(engine.storage.commit_step(), Step::Worked);
    assert!(engine.storage.is_durable(last));
}

#[test]
fn nothing_waits_once_it_is_to_end() {
    let (env, handles) = sim::env(1);
    let engine = after_round_of(3, &env, &handles);
    let sequence = append_one_that_waits(&engine, &handles);
    engine.storage.stop();
    rest(&handles);
    assert!(engine.storage.is_durable(sequence));
}

#[test]
fn nothing_waits_that_nobody_waits_to_be_forced() {
    let (env, handles) = sim::env(1);
    let engine = after_round_of(3, &env, &handles);
    engine.log(LOG).set_config(relaxed());
    append_one(&engine);
    rest(&handles);
    assert_eq!(engine.log(LOG).view().high_watermark, Offset(4));
    handles.spawn.clear();
}

#[test]
fn what_is_to_be_forced_at_once_does_not_wait() {
    let (env, handles) = sim::env(1);
    let engine = after_round_of(3, &env, &handles);
    let sequence = append_one_that_waits(&engine, &handles);
    engine.log(LOG).set_config(relaxed());
    engine.log(LOG).set_config(LogConfig::default());
    rest(&handles);
    assert!(engine.storage.is_durable(sequence));
    handles.spawn.clear();
}

fn relaxed() -> LogConfig {
    LogConfig {
        flush_messages: i64::MAX,
        flush_ms: 500,
        ..LogConfig::default()
    }
}
