//! Logs come and go, their starts move, and the engine sleeps when there is nothing to do.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use env::{Fs, Step};
use model::{LogId, Offset};
use storage::{
    Append, AppendError, Durability, LogConfig, OpenError, ReadError, Recovery, SetLogStartError,
    StorageSettings,
};
use tokio::sync::Notify;
use wire::batch::BatchView;

use crate::harness::{
    DATA_DIR, LOG, append, batch, open, open_with, poll, producer_batch, read_some, read_values,
    sim_settings, timed_batch,
};

fn log_files(fs: &dyn Fs, id: LogId) -> Vec<String> {
    let directory = Path::new(DATA_DIR).join("logs").join(id.to_string());
    let entries = fs.list_dir(&directory).unwrap_or_default();
    entries.into_iter().map(|entry| entry.name).collect()
}

/// The usual `file.delete.delay.ms`.
const FILE_DELETE_DELAY: Duration = Duration::from_secs(60);

#[test]
fn one_process_at_a_time() {
    let (env, _) = sim::env(1);
    let engine = open(&env);
    let second = Recovery::open(&env, sim_settings());
    assert!(matches!(second, Err(OpenError::Locked { .. })));
    engine.storage.shut_down();
    assert!(Recovery::open(&env, sim_settings()).is_ok());
}

#[test]
fn a_shutdown_commits_what_was_taken_and_leaves_a_clean_log() {
    let (env, handles) = sim::env(1);
    let engine = open(&env);
    let log = engine.log(LOG);
    let appended = append(&log, batch(b"last", 1)).unwrap();
    let mut waits = Box::pin(engine.storage.wait(appended.sequence, Durability::Durable));
    assert!(poll(waits.as_mut()).is_none());
    engine.storage.shut_down();
    assert_eq!(poll(waits.as_mut()), Some(Ok(())));
    assert_eq!(
        append(&log, batch(b"late", 1)),
        Err(AppendError::ShuttingDown)
    );
    drop((log, engine));
    let engine = open(&handles.crash().env());
    assert!(engine.report.was_clean, "{:?}", engine.report);
    assert_eq!(read_values(&engine.log(LOG), 0).len(), 1);
}

#[test]
fn the_metadata_log_says_which_logs_are_alive() {
    let (env, handles) = sim::env(1);
    let engine = open(&env);
    let metadata = engine.log(LogId::METADATA);
    metadata
        .append(batch(b"first", 1), Append::Internal)
        .unwrap();
    append(&engine.log(LogId(2)), batch(b"of a log to be deleted", 1)).unwrap();
    metadata
        .append(batch(b"second", 1), Append::Internal)
        .unwrap();
    engine.commit();
    drop((metadata, engine));
    let env = handles.crash().env();
    let recovery = Recovery::open(&env, sim_settings()).unwrap();
    let offsets: Vec<_> = recovery
        .metadata_batches()
        .iter()
        .map(|batch| {
            BatchView::parse(batch)
                .unwrap()
                .0
                .header()
                .base_offset
                .get()
        })
        .collect();
    assert_eq!(offsets, [0, 1]);
    let live = BTreeMap::from([(LOG, LogConfig::default())]);
    let opened = recovery.finish(live, LogId(3)).unwrap();
    assert_eq!(opened.report.damages, []);
    assert!(opened.storage.log(LogId(2)).is_none());
    assert_eq!(
        opened
            .storage
            .log(LogId::METADATA)
            .unwrap()
            .view()
            .high_watermark,
        Offset(2)
    );
}

#[test]
fn entries_of_a_log_that_never_was_are_damage() {
    let (env, handles) = sim::env(1);
    let engine = open(&env);
    let unknown = LogId(7);
    engine
        .storage
        .create_logs(&[(unknown, LogConfig::default())]);
    append(&engine.log(unknown), batch(b"x", 1)).unwrap();
    engine.commit();
    drop(engine);
    let recovery = Recovery::open(&handles.crash().env(), sim_settings()).unwrap();
    let opened = recovery.finish(BTreeMap::new(), LogId(4)).unwrap();
    assert_eq!(opened.report.damages.len(), 1);
}

#[test]
fn a_deleted_log_is_gone_with_its_files() {
    let (env, handles) = sim::env(1);
    let engine = open(&env);
    let log = engine.log(LOG);
    for number in 0..100u8 {
        append(
            &log,
            producer_batch(&[number; 3_000], 1, (1, 0), i32::from(number)),
        )
        .unwrap();
        engine.settle();
    }
    assert!(log_files(env.fs.as_ref(), LOG).len() >= 4);
    let notify = Arc::new(Notify::new());
    let guard = log.watch(Arc::clone(&notify));
    engine.storage.delete_log(LOG);
    assert!(
        poll(Box::pin(notify.notified()).as_mut()).is_some(),
        "who waits is told"
    );
    drop(guard);
    assert!(engine.storage.log(LOG).is_none());
    assert_eq!(append(&log, batch(b"x", 1)), Err(AppendError::Deleted));
    assert!(matches!(
        read_some(&log, Offset(0), 100),
        Err(ReadError::Deleted)
    ));
    engine.settle();
    let logs = || env.fs.list_dir(&Path::new(DATA_DIR).join("logs")).unwrap();
    handles
        .clock
        .advance(FILE_DELETE_DELAY - Duration::from_millis(1));
    engine.settle();
    assert_eq!(logs().len(), 1, "its time has not come");
    handles.clock.advance(Duration::from_millis(1));
    engine.settle();
    assert_eq!(logs(), []);
    engine
        .storage
        .create_logs(&[(LogId(9), LogConfig::default())]);
    append(&engine.log(LogId(9)), batch(b"new", 1)).unwrap();
    engine.settle();
    assert_eq!(read_values(&engine.log(LogId(9)), 0).len(), 1);
}

#[test]
fn a_moved_start_hides_records_and_frees_segments() {
    let (env, handles) = sim::env(1);
    let config = LogConfig {
        segment_bytes: 16 << 10,
        ..LogConfig::default()
    };
    let engine = open_with(&env, sim_settings(), 3, &config).unwrap();
    let log = engine.log(LOG);
    for number in 0..100u8 {
        append(&log, batch(&[number; 3_000], 2)).unwrap();
        engine.settle();
    }
    let before = log_files(env.fs.as_ref(), LOG).len();
    let too_far = log.set_log_start(Offset(201));
    let high_watermark = Offset(200);
    assert_eq!(
        too_far,
        Err(SetLogStartError::OutOfRange { high_watermark })
    );
    let sequence = log.set_log_start(Offset(151)).unwrap();
    assert_eq!(log.view().log_start, Offset(0), "not before it is durable");
    engine.settle();
    assert!(engine.storage.is_durable(sequence));
    assert_eq!(log.view().log_start, Offset(151));
    assert!(matches!(
        read_some(&log, Offset(150), 100),
        Err(ReadError::OutOfRange { .. })
    ));
    assert_eq!(read_values(&log, 151).len(), 49);
    assert_eq!(log_files(env.fs.as_ref(), LOG).len(), before);
    handles.clock.advance(FILE_DELETE_DELAY);
    engine.settle();
    assert!(log_files(env.fs.as_ref(), LOG).len() < before);
    assert_eq!(log.set_log_start(Offset(7)), Ok(sequence), "never back");

    log.set_log_start(Offset(200)).unwrap();
    engine.settle();
    assert_eq!(log.view().bytes, 0);
    append(&log, batch(b"goes on", 1)).unwrap();
    engine.settle();
    drop((log, engine));
    let engine = open_with(&handles.crash().env(), sim_settings(), 3, &config).unwrap();
    assert_eq!(engine.report.damages, []);
    let log = engine.log(LOG);
    assert_eq!(log.view().log_start, Offset(200));
    assert_eq!(read_values(&log, 200), [(200, b'g', 7)]);
}

#[test]
fn retention_works_on_a_live_log_with_little_traffic() {
    let (env, handles) = sim::env(1);
    let config = LogConfig {
        retention_ms: 60_000,
        segment_ms: 10_000,
        ..LogConfig::default()
    };
    let engine = open_with(&env, sim_settings(), 1, &config).unwrap();
    let log = engine.log(LOG);
    let mut starts = Vec::new();
    for _ in 0..10 {
        let now_ms = env.clock.wall_ms();
        append(&log, timed_batch(b"now and then", 1, now_ms)).unwrap();
        engine.settle();
        handles.clock.advance(Duration::from_secs(15));
        engine.storage.run_retention(env.clock.wall_ms());
        engine.settle();
        starts.push(log.view().log_start.get());
    }
    assert_eq!(starts, [0, 0, 0, 0, 1, 2, 3, 4, 5, 6]);
    handles.clock.advance(Duration::from_secs(100));
    engine.storage.run_retention(env.clock.wall_ms());
    engine.settle();
    assert_eq!(log.view().log_start, Offset(10), "all of it");
    handles.clock.advance(FILE_DELETE_DELAY);
    engine.settle();
    assert_eq!(log_files(env.fs.as_ref(), LOG), Vec::<String>::new());
}

#[test]
fn retention_by_size_reaches_what_was_in_memory() {
    let (env, _) = sim::env(1);
    let config = LogConfig {
        retention_bytes: 20_000,
        segment_bytes: 8_000,
        ..LogConfig::default()
    };
    let settings = StorageSettings {
        flush_bytes: 1 << 20,
        ..sim_settings()
    };
    let engine = open_with(&env, settings, 1, &config).unwrap();
    let log = engine.log(LOG);
    for _ in 0..20 {
        append(&log, batch(&[1; 3_000], 1)).unwrap();
    }
    engine.settle();
    for _ in 0..2 {
        engine.storage.run_retention(0);
        engine.settle();
    }
    let view = log.view();
    assert!((14_000..28_000).contains(&view.bytes), "{view:?}");
    assert_eq!(
        read_values(&log, view.log_start.get()).len() as i64,
        20 - view.log_start.get()
    );
}

#[test]
fn a_relaxed_log_is_read_when_written_and_forced_by_its_bounds() {
    let (env, handles) = sim::env(1);
    let relaxed = LogConfig {
        flush_messages: 5,
        flush_ms: 500,
        ..LogConfig::default()
    };
    let engine = open(&env);
    engine.log(LOG).set_config(relaxed);
    let log = engine.log(LOG);
    assert_eq!(log.ack_durability(), Durability::Written);
    assert_eq!(engine.log(LogId(2)).ack_durability(), Durability::Durable);
    let first = append(&log, batch(b"a", 1)).unwrap().sequence;
    assert_eq!(engine.storage.commit_step(), Step::Worked);
    assert_eq!(log.view().high_watermark, Offset(1));
    assert!(!engine.storage.is_durable(first));
    let Step::Idle { until: Some(until) } = engine.storage.commit_step() else {
        panic!("a force is due later");
    };
    assert_eq!(until.since(env.clock.now()), Duration::from_millis(500));
    handles.clock.advance(Duration::from_millis(500));
    engine.commit();
    assert!(engine.storage.is_durable(first), "by age");
    let second = append(&log, batch(b"b", 3)).unwrap().sequence;
    engine.commit();
    assert!(!engine.storage.is_durable(second));
    let third = append(&log, batch(b"c", 2)).unwrap().sequence;
    engine.commit();
    assert!(engine.storage.is_durable(third), "by count");
    let fourth = append(&log, batch(b"d", 1)).unwrap().sequence;
    engine.commit();
    append(&engine.log(LogId(2)), batch(b"strict", 1)).unwrap();
    engine.commit();
    assert!(engine.storage.is_durable(fourth), "by a strict neighbour");
    let fifth = append(&log, batch(b"e", 1)).unwrap().sequence;
    engine.commit();
    log.set_config(LogConfig::default());
    engine.commit();
    assert!(engine.storage.is_durable(fifth), "by becoming strict");
}

#[test]
fn what_nobody_forces_is_forced_when_memory_is_short() {
    let (env, _) = sim::env(1);
    let settings = StorageSettings {
        memory_bytes_max: 64 << 10,
        ..sim_settings()
    };
    let relaxed = LogConfig {
        flush_messages: i64::MAX,
        flush_ms: i64::MAX,
        ..LogConfig::default()
    };
    let engine = open_with(&env, settings, 1, &relaxed).unwrap();
    let log = engine.log(LOG);
    for _ in 0..40 {
        let mut room = Box::pin(engine.storage.reserve(3_000));
        let permit = poll(room.as_mut()).unwrap_or_else(|| {
            engine.settle();
            poll(room.as_mut()).expect("what is in memory can be moved to segments")
        });
        append(&log, batch(&[1; 3_000], 1)).unwrap();
        engine.commit();
        drop(permit);
    }
    assert!(
        engine.storage.metrics().force_time.count() < 20,
        "now and then"
    );
}

#[test]
fn room_is_given_back_and_waited_for() {
    let (env, _) = sim::env(1);
    let engine = open(&env);
    let log = engine.log(LOG);
    // A request may reserve a quarter of the write-ahead log, and all of them seven eighths.
    let reserve = |bytes| Box::pin(engine.storage.reserve(bytes));
    let permits: Vec<_> = (0..3)
        .map(|_| poll(reserve(1 << 30).as_mut()).unwrap())
        .collect();
    assert_eq!(engine.storage.metrics().reserved_bytes, 384 << 10);
    let mut large = reserve(1 << 30);
    assert!(poll(large.as_mut()).is_none(), "there is no room");
    let mut small = reserve(1);
    assert!(poll(small.as_mut()).is_none(), "nobody overtakes");
    drop(large);
    drop(permits);
    assert!(poll(small.as_mut()).is_some());
    drop(small);
    assert_eq!(engine.storage.metrics().reserved_bytes, 0);
    // What is in memory and in no segment counts too, and is moved when somebody waits.
    for _ in 0..100 {
        append(&log, batch(&[1; 3_000], 1)).unwrap();
        engine.commit();
    }
    let mut fifth = Box::pin(engine.storage.reserve(256 << 10));
    if poll(fifth.as_mut()).is_none() {
        engine.settle();
        assert!(poll(fifth.as_mut()).is_some());
    }
    assert_eq!(log.view().high_watermark, Offset(100));
}

/// The flusher had been asked while it could not help: only what is durable goes to segments.
#[test]
fn room_comes_when_what_takes_it_is_forced() {
    let (env, _) = sim::env(1);
    let relaxed = LogConfig {
        flush_messages: 1000,
        flush_ms: 500,
        ..LogConfig::default()
    };
    let settings = StorageSettings {
        memory_bytes_max: 64 << 10,
        // All of it stays in one slot: leaving one forces it.
        wal_first_slot_bytes: 64 << 10,
        ..sim_settings()
    };
    let engine = open_with(&env, settings, 1, &relaxed).unwrap();
    for _ in 0..3 {
        append(&engine.log(LOG), batch(&[1; 8_000], 1)).unwrap();
        engine.commit();
    }
    let mut permit = Box::pin(engine.storage.reserve(12_000));
    assert!(poll(permit.as_mut()).is_none());
    engine.storage.flush_step();
    assert!(poll(permit.as_mut()).is_none(), "nothing is durable yet");
    engine.settle();
    assert!(poll(permit.as_mut()).is_some());
}

/// Whoever had waited for room and gone away kept the engine in memory.
#[test]
fn nothing_is_left_of_an_engine_that_is_dropped() {
    let (env, _) = sim::env(1);
    let references = Arc::strong_count(&env.fs);
    let engine = open(&env);
    append(&engine.log(LOG), batch(b"queued", 1)).unwrap();
    let all: Vec<_> = (0..5)
        .map(|_| poll(Box::pin(engine.storage.reserve(1 << 30)).as_mut()))
        .collect();
    assert!(all.first().is_some_and(Option::is_some));
    assert!(all.last().is_some_and(Option::is_none), "one had to wait");
    drop((all, engine));
    assert_eq!(Arc::strong_count(&env.fs), references);
}

#[test]
fn an_idle_engine_sleeps() {
    let (env, handles) = sim::env(1);
    let engine = open(&env);
    append(&engine.log(LOG), batch(b"x", 1)).unwrap();
    engine.settle();
    let Step::Idle { until: Some(_) } = engine.storage.commit_step() else {
        panic!("what is durable is to be written down");
    };
    handles.clock.advance(Duration::from_millis(100));
    let rounds = engine.storage.metrics().rounds;
    engine.settle();
    assert_eq!(engine.storage.metrics().rounds, rounds + 1);
    assert_eq!(engine.storage.commit_step(), Step::Idle { until: None });
    assert_eq!(engine.storage.flush_step(), Step::Idle { until: None });
}

#[test]
fn ten_thousand_logs_share_a_few_rounds_and_come_back() {
    let (env, handles) = sim::env(1);
    let settings = StorageSettings::new(DATA_DIR);
    let config = LogConfig::default();
    let engine = open_with(&env, settings.clone(), 10_000, &config).unwrap();
    for id in 1..=10_000 {
        append(&engine.log(LogId(id)), batch(b"one of many", 1)).unwrap();
    }
    engine.settle();
    let metrics = engine.storage.metrics();
    assert!(
        metrics.rounds <= 3 && metrics.force_time.count() <= 3,
        "{metrics:?}"
    );
    drop(engine);
    let engine = open_with(&handles.crash().env(), settings, 10_000, &config).unwrap();
    for id in [1, 5_000, 10_000] {
        assert_eq!(read_values(&engine.log(LogId(id)), 0).len(), 1);
    }
}
