//! Appending, committing, reading, restarting.

use env::Step;
use model::Offset;
use storage::{Isolation, LogConfig, Read};

use crate::harness::{LOG, append, batch, open, open_with, read_values, sim_settings};

#[test]
fn readers_see_a_batch_when_its_round_is_durable() {
    let (env, _) = sim::env(1);
    let engine = open(&env);
    let log = engine.log(LOG);
    let appended = append(&log, batch(b"hello", 2)).unwrap();
    assert_eq!(appended.base_offset, Offset(0));
    assert_eq!(appended.last_offset, Offset(1));
    assert_eq!(log.view().high_watermark, Offset(0));
    assert_eq!(log.view().appended_end, Offset(2));
    assert!(!engine.storage.is_durable(appended.sequence));
    engine.commit();
    assert!(engine.storage.is_durable(appended.sequence));
    assert_eq!(log.view().high_watermark, Offset(2));
    let expected = vec![(0, b'h', 5), (1, b'h', 5)];
    assert_eq!(read_values(&log, 0), expected);
    assert_eq!(engine.storage.flush_step(), Step::Idle { until: None });
}

#[test]
fn what_was_committed_is_there_after_a_restart() {
    let (env, handles) = sim::env(2);
    let engine = open(&env);
    append(&engine.log(LOG), batch(b"one", 1)).unwrap();
    append(&engine.log(LOG), batch(b"two", 1)).unwrap();
    engine.commit();
    let before = engine.storage.leader_epoch();
    let after = handles.crash();
    let engine = open(&after.env());
    assert_eq!(engine.report.cut_rounds, 0);
    assert_eq!(engine.report.damages, []);
    assert!(engine.storage.leader_epoch() > before);
    let log = engine.log(LOG);
    assert_eq!(read_values(&log, 0), [(0, b'o', 3), (1, b't', 3)]);
    append(&log, batch(b"three", 1)).unwrap();
    engine.commit();
    assert_eq!(read_values(&log, 2), [(2, b't', 5)]);
}

#[test]
fn batches_move_to_segments_and_are_read_from_there() {
    let (env, handles) = sim::env(3);
    let config = LogConfig {
        segment_bytes: 64 << 10,
        ..LogConfig::default()
    };
    let engine = open_with(&env, sim_settings(), 3, &config).unwrap();
    let log = engine.log(LOG);
    let mut expected = Vec::new();
    for number in 0..400i64 {
        let value = vec![u8::try_from(number % 251).unwrap(); 3000];
        append(&log, batch(&value, 1)).unwrap();
        expected.push((number, value[0], value.len()));
        engine.settle();
    }
    let metrics = engine.storage.metrics();
    assert!(
        metrics.flushes > 0 && metrics.flush_failures == 0,
        "{metrics:?}"
    );
    let first = log
        .read(Offset(0), 1000, Isolation::ReadUncommitted, true)
        .unwrap();
    assert!(matches!(first, Read::Disk(_)));
    assert_eq!(read_values(&log, 0), expected);

    let env = handles.crash().env();
    let engine = open_with(&env, sim_settings(), 3, &config).unwrap();
    assert_eq!(engine.report.damages, []);
    let log = engine.log(LOG);
    assert_eq!(log.view().high_watermark, Offset(400));
    assert_eq!(read_values(&log, 0), expected);
    assert_eq!(read_values(&log, 250), &expected[250..]);
}
