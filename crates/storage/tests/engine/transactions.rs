//! Transactions of a log: how far committed records can be read, and what is known of who wrote them.

use bytes::Bytes;
use model::{LogId, Offset, ProducerEpoch, ProducerId};
use storage::{AbortedTransaction, Append, AppendError, Isolation, ProducerView, Read, ReadError};
use wire::batch::{BatchBuilder, NewRecord};

use crate::harness::{Engine, LOG, append, batch, open, producer_batch, read_values};

pub(crate) const END: Append = Append::Marker { is_bumped: false };

pub(crate) fn transactional(producer: i64, base_sequence: i32) -> Bytes {
    let mut builder = BatchBuilder::new()
        .producer(ProducerId(producer), ProducerEpoch(0), base_sequence)
        .transactional();
    builder.push(NewRecord {
        value: Some(b"value"),
        ..NewRecord::default()
    });
    builder.build().into()
}

pub(crate) fn marker(producer: i64, is_commit: bool) -> Bytes {
    let mut builder = BatchBuilder::new()
        .producer(ProducerId(producer), ProducerEpoch(0), -1)
        .transactional()
        .control();
    builder.push(NewRecord {
        key: Some(&[0, 0, 0, u8::from(is_commit)]),
        value: Some(&[0, 0, 0, 0, 0, 7]),
        ..NewRecord::default()
    });
    builder.build().into()
}

#[test]
fn open_transactions_hold_the_last_stable_offset_over_a_restart() {
    let (env, handles) = sim::env(1);
    let engine = open(&env);
    let log = engine.log(LOG);
    append(&log, batch(b"plain", 1)).unwrap();
    append(&log, transactional(1, 0)).unwrap();
    append(&log, transactional(2, 0)).unwrap();
    log.append(marker(1, false), END).unwrap();
    engine.commit();
    drop((log, engine));
    let mut handles = handles.crash();
    for _ in 0..2 {
        let engine = open(&handles.env());
        let log = engine.log(LOG);
        let view = log.view();
        assert_eq!(
            (view.high_watermark, view.last_stable_offset),
            (Offset(4), Offset(2))
        );
        let committed = log
            .read(Offset(0), 10_000, Isolation::ReadCommitted, true)
            .unwrap();
        let committed = match committed {
            Read::Ready(read) => read,
            Read::Disk(disk) => disk.run().unwrap(),
        };
        let aborted = AbortedTransaction {
            producer_id: ProducerId(1),
            first_offset: Offset(1),
            last_offset: Offset(3),
        };
        assert_eq!(committed.aborted, [aborted]);
        assert_eq!(
            committed
                .chunks
                .iter()
                .map(|chunk| chunk.len())
                .sum::<usize>(),
            committed.bytes
        );
        assert_eq!(read_values(&log, 0).len(), 4);
        // The second time the batches are in a segment, and the rest in a snapshot.
        let other = engine.log(LogId(2));
        for _ in 0..100 {
            append(&other, batch(&[1; 3_000], 1)).unwrap();
            engine.settle();
        }
        drop((log, other, engine));
        handles = handles.crash();
    }
    let engine = open(&handles.env());
    let log = engine.log(LOG);
    log.append(marker(2, true), END).unwrap();
    engine.commit();
    assert_eq!(log.view().last_stable_offset, Offset(5));
}

/// It stayed at the first offset of the transaction, which was out of range.
#[test]
fn the_last_stable_offset_is_never_below_the_start_of_the_log() {
    let (env, handles) = sim::env(1);
    let engine = open(&env);
    let log = engine.log(LOG);
    append(&log, transactional(1, 0)).unwrap();
    append(&log, transactional(1, 1)).unwrap();
    append(&log, batch(b"plain", 1)).unwrap();
    engine.commit();
    log.set_log_start(Offset(1)).unwrap();
    engine.commit();
    let stable = |log: &std::sync::Arc<storage::Log>| {
        let view = log.view();
        (view.log_start, view.last_stable_offset)
    };
    assert_eq!(stable(&log), (Offset(1), Offset(1)));
    drop((log, engine));
    let engine = open(&handles.crash().env());
    let log = engine.log(LOG);
    assert_eq!(stable(&log), (Offset(1), Offset(1)));
    log.append(marker(1, true), END).unwrap();
    engine.commit();
    assert_eq!(stable(&log), (Offset(1), Offset(4)));
}

/// Fills the write-ahead log by way of another log, so that what was appended before is in segments.
fn flush_by_another_log(engine: &Engine) {
    let other = engine.log(LogId(2));
    for _ in 0..100 {
        append(&other, batch(&[1; 3_000], 1)).unwrap();
        engine.settle();
    }
}

/// The file outlives the start of the log for readers under way; what is known of its transactions does not.
#[test]
fn a_read_that_the_start_of_the_log_overtakes_shows_nothing_that_was_aborted() {
    let (env, _) = sim::env(1);
    let engine = open(&env);
    let log = engine.log(LOG);
    append(&log, transactional(1, 0)).unwrap();
    log.append(marker(1, false), END).unwrap();
    append(&log, batch(b"plain", 1)).unwrap();
    engine.commit();
    flush_by_another_log(&engine);
    let begin = |isolation| match log.read(Offset(0), 10_000, isolation, true).unwrap() {
        Read::Disk(read) => read,
        Read::Ready(_) => panic!("it is not read from the disk"),
    };
    let committed = begin(Isolation::ReadCommitted);
    let uncommitted = begin(Isolation::ReadUncommitted);
    log.set_log_start(Offset(2)).unwrap();
    engine.commit();
    let out_of_range = ReadError::OutOfRange {
        log_start: Offset(2),
        high_watermark: Offset(3),
    };
    assert_eq!(committed.run().err(), Some(out_of_range));
    assert!(uncommitted.run().unwrap().bytes > 0);
}

#[test]
fn what_is_known_of_producers_is_the_same_from_memory_the_log_and_a_snapshot() {
    let (env, handles) = sim::env(1);
    let engine = open(&env);
    let log = engine.log(LOG);
    append(&log, transactional(1, 0)).unwrap();
    append(&log, transactional(2, 0)).unwrap();
    append(&log, transactional(1, 1)).unwrap();
    log.append(marker(1, true), END).unwrap();
    log.append(marker(3, false), END).unwrap();
    engine.commit();
    let seen = |engine: &Engine| -> Vec<ProducerView> {
        let producers = engine.log(LOG).producers().into_iter();
        let without_time = producers.map(|producer| ProducerView {
            last_timestamp_ms: 0,
            ..producer
        });
        without_time.collect()
    };
    let view = |id, last_sequence, coordinator_epoch, start| ProducerView {
        producer_id: ProducerId(id),
        producer_epoch: ProducerEpoch(0),
        last_sequence,
        last_timestamp_ms: 0,
        coordinator_epoch,
        current_transaction_start_offset: Offset(start),
    };
    let expected = [view(1, 1, 7, -1), view(2, 0, -1, 1), view(3, -1, 7, -1)];
    assert_eq!(seen(&engine), expected);
    drop((log, engine));
    let mut handles = handles.crash();
    for _ in 0..2 {
        let engine = open(&handles.env());
        assert_eq!(seen(&engine), expected);
        // The second time from a snapshot.
        flush_by_another_log(&engine);
        drop(engine);
        handles = handles.crash();
    }
}

/// Judged by what is appended, committed or not.
#[test]
fn a_log_takes_markers_and_batches_by_their_epochs() {
    let (env, handles) = sim::env(1);
    let engine = open(&env);
    let log = engine.log(LOG);
    append(&log, transactional(1, 0)).unwrap();
    let bumped = Append::Marker { is_bumped: true };
    let late = log.append(marker(1, false), bumped);
    assert_eq!(late, Err(AppendError::InvalidProducerEpoch));
    let plain = append(&log, producer_batch(b"plain", 1, (1, 0), 1));
    assert_eq!(plain, Err(AppendError::InvalidTransactionState));
    log.append(marker(1, false), END).unwrap();
    log.append(marker(1, false), bumped).unwrap();
    append(&log, producer_batch(b"plain", 1, (1, 0), 1)).unwrap();
    let no_marker = log.append(batch(b"data", 1), END);
    assert_eq!(no_marker, Err(AppendError::InvalidBatch));
    let unknown = log.append(transactional(9, 4), Append::ProduceBumped);
    assert_eq!(unknown, Err(AppendError::OutOfOrderSequence));
    engine.commit();
    drop((log, engine));

    let engine = open(&handles.crash().env());
    let mut older = BatchBuilder::new()
        .producer(ProducerId(1), ProducerEpoch(0), -1)
        .transactional()
        .control();
    older.push(NewRecord {
        key: Some(&[0, 0, 0, 1]),
        value: Some(&[0, 0, 0, 0, 0, 6]),
        ..NewRecord::default()
    });
    let older = engine.log(LOG).append(older.build().into(), END);
    assert_eq!(older, Err(AppendError::CoordinatorFenced));
}
