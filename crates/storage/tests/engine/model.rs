//! Random operations and restarts in good order, against a list of batches per log.

use std::collections::BTreeMap;

use model::{LogId, Offset};
use proptest::prelude::*;
use sim::Handles;
use storage::{LogConfig, ReadError};
use wire::batch::{BatchView, Batches};

use crate::harness::{Engine, append, open_with, producer_batch, read_some, sim_settings};

const LOGS: u32 = 2;

#[derive(Clone, Debug)]
enum Operation {
    /// Append a batch of so many records of so many bytes.
    Append {
        log: u32,
        records: i32,
        bytes: usize,
    },
    /// Send the last batches again.
    Retry {
        log: u32,
        back: usize,
    },
    Settle,
    Trim {
        log: u32,
        percent: u64,
    },
    Read {
        log: u32,
        percent: u64,
        bytes_max: usize,
    },
    Restart,
}

fn operation() -> impl Strategy<Value = Operation> {
    let log = 1..=LOGS;
    prop_oneof![
        8 => (log.clone(), 1..4i32, 1..6_000usize)
            .prop_map(|(log, records, bytes)| Operation::Append { log, records, bytes }),
        1 => (log.clone(), 0..6usize).prop_map(|(log, back)| Operation::Retry { log, back }),
        4 => Just(Operation::Settle),
        1 => (log.clone(), 0..=100u64).prop_map(|(log, percent)| Operation::Trim { log, percent }),
        3 => (log, 0..=100u64, 0..20_000usize)
            .prop_map(|(log, percent, bytes_max)| Operation::Read { log, percent, bytes_max }),
        1 => Just(Operation::Restart),
    ]
}

#[derive(Clone, Debug)]
struct Sent {
    base_offset: i64,
    records: i32,
    base_sequence: i32,
    batch: bytes::Bytes,
}

#[derive(Clone, Debug, Default)]
struct Model {
    start: i64,
    sent: Vec<Sent>,
}

impl Model {
    fn end(&self) -> i64 {
        self.sent
            .last()
            .map_or(0, |sent| sent.base_offset + i64::from(sent.records))
    }

    fn offset(&self, percent: u64) -> i64 {
        self.start + (self.end() - self.start) * percent.cast_signed() / 100
    }

    /// The base offsets that a read must give.
    fn read(&self, from: i64, bytes_max: usize) -> Vec<i64> {
        let mut left = bytes_max;
        let mut found = Vec::new();
        for sent in &self.sent {
            if sent.base_offset + i64::from(sent.records) <= from {
                continue;
            }
            let bytes = sent.batch.len();
            if bytes > left && !found.is_empty() {
                break;
            }
            left = left.saturating_sub(bytes);
            found.push(sent.base_offset);
        }
        found
    }
}

struct World {
    handles: Handles,
    engine: Option<Engine>,
    logs: BTreeMap<u32, Model>,
}

fn open(handles: &Handles) -> Engine {
    let config = LogConfig {
        segment_bytes: 24 << 10,
        index_interval_bytes: 3_000,
        ..LogConfig::default()
    };
    open_with(&handles.env(), sim_settings(), LOGS, &config).unwrap()
}

impl World {
    fn new() -> Self {
        let (_, handles) = sim::env(1);
        Self {
            engine: Some(open(&handles)),
            handles,
            logs: (1..=LOGS).map(|id| (id, Model::default())).collect(),
        }
    }

    fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::Append {
                log,
                records,
                bytes,
            } => self.append(log, records, bytes),
            Operation::Retry { log, back } => self.retry(log, back),
            Operation::Settle => self.engine().settle(),
            Operation::Trim { log, percent } => {
                self.engine().settle();
                let to = self.logs[&log].offset(percent);
                self.engine()
                    .log(LogId(log))
                    .set_log_start(Offset(to))
                    .unwrap();
                self.engine().settle();
                self.logs.get_mut(&log).unwrap().start = to;
            }
            Operation::Read {
                log,
                percent,
                bytes_max,
            } => {
                self.engine().commit();
                let from = self.logs[&log].offset(percent);
                self.read(log, from, bytes_max);
            }
            Operation::Restart => {
                self.engine.take().unwrap().storage.shut_down();
                self.handles = self.handles.crash();
                let engine = open(&self.handles);
                assert!(engine.report.was_clean, "{:?}", engine.report);
                self.engine = Some(engine);
                self.check();
            }
        }
    }

    fn append(&mut self, log: u32, records: i32, bytes: usize) {
        let model = &self.logs[&log];
        let base_sequence = i32::try_from(model.end()).unwrap();
        let batch = producer_batch(&vec![1; bytes], records, (9, 0), base_sequence);
        let sent = Sent {
            base_offset: model.end(),
            records,
            base_sequence,
            batch: batch.clone(),
        };
        let appended = append(&self.engine().log(LogId(log)), batch).unwrap();
        assert_eq!(appended.base_offset.get(), sent.base_offset);
        self.logs.get_mut(&log).unwrap().sent.push(sent);
    }

    fn retry(&mut self, log: u32, back: usize) {
        let Some(sent) = self.logs[&log].sent.iter().rev().nth(back).cloned() else {
            return;
        };
        let again = append(&self.engine().log(LogId(log)), sent.batch);
        if back < 5 {
            let again = again.unwrap();
            assert!(again.duplicate);
            assert_eq!(again.base_offset.get(), sent.base_offset);
        } else {
            assert!(again.is_err(), "{sent:?}", sent = sent.base_sequence);
        }
    }

    fn read(&self, log: u32, from: i64, bytes_max: usize) {
        let model = &self.logs[&log];
        let handle = self.engine().log(LogId(log));
        let expected = model.read(from, bytes_max);
        let read = read_some(&handle, Offset(from), bytes_max).unwrap();
        let found: Vec<i64> = read
            .chunks
            .iter()
            .flat_map(|chunk| Batches::new(chunk))
            .map(|batch| batch.unwrap().header().base_offset.get())
            .collect();
        // A read may end early, where segments end and memory begins.
        assert!(expected.starts_with(&found), "{found:?} {expected:?}");
        assert!(!found.is_empty() || expected.is_empty(), "from {from}");
    }

    fn check(&self) {
        for (id, model) in &self.logs {
            let log = self.engine().log(LogId(*id));
            let view = log.view();
            assert_eq!(
                (view.log_start.get(), view.high_watermark.get()),
                (model.start, model.end())
            );
            let below = read_some(&log, Offset(model.start - 1), 100);
            assert!(matches!(below, Err(ReadError::OutOfRange { .. })));
            let mut from = model.start;
            for sent in model.read(from, usize::MAX) {
                let read = read_some(&log, Offset(from), 1).unwrap();
                let (batch, rest) = BatchView::parse(&read.chunks[0]).unwrap();
                assert_eq!((batch.header().base_offset.get(), rest.len()), (sent, 0));
                from = batch.header().next_offset().get();
            }
            assert_eq!(from.max(model.start), model.end());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_engine_is_a_list_of_batches_per_log(
        operations in proptest::collection::vec(operation(), 1..120),
    ) {
        let mut world = World::new();
        for operation in operations {
            world.apply(operation);
        }
        world.apply(Operation::Restart);
    }
}
