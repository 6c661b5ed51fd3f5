//! Batches that are appended together: all of them or none, whatever comes.

use std::sync::Arc;

use bytes::Bytes;
use env::Step;
use model::{LogId, Offset};
use sim::{Dice, Fault, Operation};
use storage::{
    Append, AppendError, AppendGroupError, Appended, CommitError, Durability, GroupEntry, Log,
    LogConfig, Sequence,
};

use crate::harness::{
    Engine, LOG, append, batch, open, open_with, poll, producer_batch, read_values, sim_settings,
};

const OTHER: LogId = LogId(2);
const THIRD: LogId = LogId(3);

fn entry(engine: &Engine, log: LogId, batch: Bytes) -> GroupEntry {
    GroupEntry {
        log: engine.log(log),
        batch,
        mode: Append::Internal,
    }
}

fn produce(engine: &Engine, log: LogId, batch: Bytes) -> GroupEntry {
    GroupEntry {
        mode: Append::Produce,
        ..entry(engine, log, batch)
    }
}

/// How far the logs have come for readers.
fn ends(engine: &Engine) -> [i64; 3] {
    [LOG, OTHER, THIRD].map(|id| engine.log(id).view().high_watermark.get())
}

/// Of a log whose readers see what is written before it is forced.
fn relaxed() -> LogConfig {
    LogConfig {
        flush_messages: 1000,
        flush_ms: 60_000,
        ..LogConfig::default()
    }
}

fn offsets(appended: &[Appended]) -> Vec<i64> {
    appended.iter().map(|one| one.base_offset.get()).collect()
}

#[test]
fn a_group_is_one_round() {
    let (env, handles) = sim::env(1);
    let engine = open(&env);
    append(&engine.log(OTHER), batch(b"before", 3)).unwrap();
    engine.commit();
    let group = [
        entry(&engine, THIRD, batch(b"a", 1)),
        entry(&engine, LOG, batch(b"b", 2)),
        entry(&engine, OTHER, batch(b"c", 1)),
        entry(&engine, LOG, batch(b"d", 1)),
    ];
    let appended = engine.storage.append_group(&group).unwrap();
    assert_eq!(offsets(&appended), [0, 0, 3, 2]);
    let sequences: Vec<_> = appended.iter().map(|one| one.sequence).collect();
    assert_eq!(sequences, [2, 3, 4, 5].map(Sequence));
    assert_eq!(ends(&engine), [0, 3, 0]);
    let rounds = engine.storage.state().written_seq;
    assert_eq!(engine.storage.commit_step(), Step::Worked);
    assert_eq!(engine.storage.state().written_seq, rounds + 1);
    assert_eq!(ends(&engine), [3, 4, 1]);
    assert!(engine.storage.is_durable(Sequence(5)));

    drop((group, engine));
    let engine = open(&handles.crash().env());
    assert_eq!(ends(&engine), [3, 4, 1]);
    let expected = [(0, b'b', 1), (1, b'b', 1), (2, b'd', 1)];
    assert_eq!(read_values(&engine.log(LOG), 0), expected);
}

/// A round takes what fits, and of a group all or nothing.
#[test]
fn a_group_that_does_not_fit_into_a_round_waits_for_the_next() {
    let (env, _) = sim::env(1);
    let engine = open(&env);
    append(&engine.log(THIRD), batch(&[1; 20_000], 1)).unwrap();
    let group = [
        entry(&engine, LOG, batch(&[2; 20_000], 1)),
        entry(&engine, OTHER, batch(&[3; 20_000], 1)),
    ];
    engine.storage.append_group(&group).unwrap();
    append(&engine.log(THIRD), batch(b"behind", 1)).unwrap();
    engine.storage.commit_step();
    assert_eq!(ends(&engine), [0, 0, 1], "one of the group would fit");
    engine.storage.commit_step();
    assert_eq!(ends(&engine), [1, 1, 2]);
}

#[test]
fn a_group_larger_than_a_round_is_refused() {
    let (env, _) = sim::env(1);
    let engine = open(&env);
    let large = || entry(&engine, LOG, batch(&[2; 27_000], 1));
    let refused = engine.storage.append_group(&[large(), large()]);
    assert_eq!(refused, Err(AppendGroupError::TooLarge));
    let many: Vec<_> = (0..10_001)
        .map(|_| entry(&engine, LOG, Bytes::new()))
        .collect();
    let refused = engine.storage.append_group(&many);
    assert_eq!(refused, Err(AppendGroupError::TooLarge));
    engine.storage.append_group(&[large()]).unwrap();
    assert_eq!(engine.storage.append_group(&[]), Ok(Vec::new()));
    engine.commit();
    assert_eq!(ends(&engine), [1, 0, 0]);
}

fn refusal(engine: &Engine, group: &[GroupEntry]) -> (usize, AppendError) {
    let before = engine.storage.force_all();
    let appended_ends = |engine: &Engine| {
        [LOG, OTHER, THIRD].map(|id| engine.storage.log(id).map(|log| log.view().appended_end))
    };
    let ends_before = appended_ends(engine);
    let refused = engine.storage.append_group(group);
    assert_eq!(engine.storage.force_all(), before);
    assert_eq!(appended_ends(engine), ends_before);
    match refused {
        Err(AppendGroupError::Entry { index, error }) => (index, error),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_one_log_refuses_no_log_gets() {
    let (env, _) = sim::env(1);
    let engine = open(&env);
    append(&engine.log(OTHER), producer_batch(b"1", 1, (9, 1), 0)).unwrap();
    let first = || entry(&engine, LOG, batch(b"first", 1));
    let check = |sent: Bytes, expected| {
        let group = [first(), produce(&engine, OTHER, sent), first()];
        assert_eq!(refusal(&engine, &group), (1, expected));
    };
    check(
        producer_batch(b"gap", 1, (9, 1), 5),
        AppendError::OutOfOrderSequence,
    );
    check(
        producer_batch(b"old", 1, (9, 0), 1),
        AppendError::InvalidProducerEpoch,
    );
    check(Bytes::from_static(b"no batch"), AppendError::InvalidBatch);
    check(batch(&[1; 40_000], 1), AppendError::TooLarge);
    // The second one could only be judged by the first.
    let next = |sequence| produce(&engine, OTHER, producer_batch(b"2", 1, (9, 1), sequence));
    let group = [next(1), first(), next(2)];
    assert_eq!(refusal(&engine, &group), (2, AppendError::InvalidBatch));

    let gone = entry(&engine, THIRD, batch(b"gone", 1));
    engine.storage.delete_log(THIRD);
    let group = [first(), gone];
    assert_eq!(refusal(&engine, &group), (1, AppendError::Deleted));

    // Nothing of all that has left a trace.
    let group = [first(), next(1)];
    let appended = engine.storage.append_group(&group).unwrap();
    assert_eq!(offsets(&appended), [0, 1]);
}

#[test]
fn a_duplicate_in_a_group_says_where_the_first_one_is() {
    let (env, _) = sim::env(1);
    let engine = open(&env);
    let sent = || producer_batch(b"x", 2, (9, 0), 0);
    let first = append(&engine.log(OTHER), sent()).unwrap();
    let group = [
        entry(&engine, LOG, batch(b"beside", 1)),
        produce(&engine, OTHER, sent()),
    ];
    let Err(AppendGroupError::Duplicate { index, original }) = engine.storage.append_group(&group)
    else {
        panic!("a duplicate is not told");
    };
    assert_eq!((index, original.duplicate), (1, true));
    assert_eq!(
        (original.base_offset, original.sequence),
        (first.base_offset, first.sequence)
    );
    engine.commit();
    assert_eq!(ends(&engine), [0, 2, 0]);
}

/// The batch behind one that was refused with its group was taken for the producer's first one.
#[test]
fn the_batch_behind_a_refused_group_does_not_take_its_place() {
    let (env, _) = sim::env(1);
    let engine = open(&env);
    let sent = |sequence| produce(&engine, LOG, producer_batch(b"x", 1, (9, 0), sequence));
    let gone = || entry(&engine, THIRD, batch(b"gone", 1));
    let group = [gone(), sent(0)];
    engine.storage.delete_log(THIRD);
    assert_eq!(refusal(&engine, &group).1, AppendError::Deleted);
    let behind = engine.storage.append_group(&[sent(1)]);
    let out_of_order = AppendGroupError::Entry {
        index: 0,
        error: AppendError::OutOfOrderSequence,
    };
    assert_eq!(behind, Err(out_of_order));
    let appended = engine.storage.append_group(&[sent(0)]).unwrap();
    assert_eq!(offsets(&appended), [0]);
}

/// A log that shows what is written before it is forced must not show its part of a group: a power
/// cut takes all of it.
#[test]
fn a_group_with_a_strict_log_is_shown_when_it_is_forced() {
    let (env, handles) = sim::env(1);
    let engine = open_with(&env, sim_settings(), 3, &LogConfig::default()).unwrap();
    engine.log(LOG).set_config(relaxed());
    engine.commit();
    let group = [
        entry(&engine, LOG, batch(b"relaxed", 1)),
        entry(&engine, OTHER, batch(b"strict", 1)),
    ];
    handles
        .fs
        .fail_next(Operation::Force, "slot", Fault::Device, 1);
    let appended = engine.storage.append_group(&group).unwrap();
    let wait = engine
        .storage
        .wait(appended[0].sequence, Durability::Durable);
    engine.commit();
    let answer = poll(Box::pin(wait).as_mut());
    assert_eq!(answer, Some(Err(CommitError::Poisoned)));
    assert_eq!(ends(&engine), [0, 0, 0]);

    drop((group, engine));
    let engine = open_with(&handles.kill().env(), sim_settings(), 3, &relaxed()).unwrap();
    let before = ends(&engine);
    handles
        .fs
        .fail_next(Operation::Force, "slot", Fault::Device, 1);
    let group = [LOG, OTHER].map(|id| entry(&engine, id, batch(b"relaxed", 1)));
    engine.storage.append_group(&group).unwrap();
    engine.storage.commit_step();
    let shown: Vec<_> = std::iter::zip(ends(&engine), before)
        .map(|(end, before)| end - before)
        .collect();
    assert_eq!(shown, [1, 1, 0], "logs that are all relaxed need no force");
}

/// A log that has just become relaxed shows nothing before what was appended while it was strict; the
/// rest of a group was shown without its part.
#[test]
fn a_group_waits_for_what_is_before_it_in_one_of_its_logs() {
    let (env, handles) = sim::env(1);
    let engine = open_with(&env, sim_settings(), 3, &LogConfig::default()).unwrap();
    append(&engine.log(OTHER), batch(b"strict", 1)).unwrap();
    for id in [LOG, OTHER, THIRD] {
        engine.log(id).set_config(relaxed());
    }
    let group = [LOG, OTHER].map(|id| entry(&engine, id, batch(b"relaxed", 1)));
    engine.storage.append_group(&group).unwrap();
    append(&engine.log(LOG), batch(b"behind", 1)).unwrap();
    append(&engine.log(THIRD), batch(b"alone", 1)).unwrap();
    handles
        .fs
        .fail_next(Operation::Force, "slot", Fault::Device, 1);
    engine.commit();
    assert_eq!(ends(&engine), [0, 0, 1]);
}

/// Groups among other batches, and the power goes at any operation of the disk.
#[test]
fn after_a_power_cut_a_group_is_there_or_not() {
    let (mut lost, mut kept) = (0, 0);
    for seed in 0..60 {
        let mut dice = Dice::new(seed);
        let (_, handles) = sim::env(seed);
        let engine = open(&handles.env());
        // Whose batches are one behind the other in a log, by the number of the group.
        let mut sent: Vec<Vec<(LogId, i64)>> = Vec::new();
        handles
            .fs
            .crash_at(handles.fs.operations() + 1 + dice.below(30));
        while !handles.fs.has_crashed() {
            let ids = [LOG, OTHER, THIRD, LOG];
            let count = 2 + dice.index(3);
            let group: Vec<_> = ids[..count]
                .iter()
                .map(|id| {
                    let bytes = usize::try_from(dice.below(9_000)).unwrap();
                    entry(&engine, *id, batch(&vec![7; bytes], 1))
                })
                .collect();
            if let Ok(appended) = engine.storage.append_group(&group) {
                let places = std::iter::zip(ids, offsets(&appended));
                sent.push(places.collect());
            }
            if dice.one_in(2) {
                engine.storage.commit_step();
            }
            if dice.one_in(4) {
                engine.storage.flush_step();
            }
        }
        drop(engine);
        let engine = open(&handles.crash().env());
        assert_eq!(engine.report.damages, []);
        let is_there = |(id, offset): &(LogId, i64)| {
            let end = engine.log(*id).view().high_watermark;
            Offset(*offset) < end
        };
        for group in &sent {
            let there = group.iter().filter(|place| is_there(place)).count();
            assert!(there == 0 || there == group.len(), "seed {seed}: {group:?}");
            match there {
                0 => lost += 1,
                _ => kept += 1,
            }
        }
    }
    assert!(lost > 20 && kept > 20, "{lost} lost, {kept} kept");
}

/// Two groups name the same logs in opposite order.
#[test]
fn groups_from_many_threads_do_not_wait_for_one_another() {
    let (env, _) = sim::env(1);
    let engine = Arc::new(open(&env));
    let logs: Vec<Arc<Log>> = [LOG, OTHER, THIRD].map(|id| engine.log(id)).into();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (engine, mut logs) = (Arc::clone(&engine), logs.clone());
            logs.rotate_left(thread % 3);
            if thread % 2 == 0 {
                logs.reverse();
            }
            scope.spawn(move || {
                for _ in 0..200 {
                    let group = logs.iter().map(|log| GroupEntry {
                        log: Arc::clone(log),
                        batch: batch(b"x", 1),
                        mode: Append::Internal,
                    });
                    let group: Vec<_> = group.collect();
                    engine.storage.append_group(&group).unwrap();
                }
            });
        }
    });
    engine.settle();
    assert_eq!(ends(&engine), [800; 3]);
}
