//! The power goes at any moment, the process is killed at any moment, also while it recovers: what
//! was acknowledged is there, where it was, and a producer's retry is known.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{LogId, Offset};
use sim::{Dice, Fault, Handles, Operation};
use storage::{LogConfig, Sequence, StorageSettings};
use wire::batch::BatchView;

use crate::harness::{Engine, append, open_with, producer_batch, read_all, sim_settings};

const LOGS: u32 = 3;

/// A batch as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sent {
    base_offset: i64,
    records: i32,
    tag: u32,
    value_bytes: usize,
    base_sequence: i32,
    sequence: Sequence,
}

/// What a log must be, as somebody outside knows it.
#[derive(Clone, Debug, Default)]
struct Model {
    sent: Vec<Sent>,
    next_sequence: i32,
    /// What has been acknowledged.
    durable_end: i64,
    durable_start: i64,
    starts: Vec<(Sequence, i64)>,
}

struct World {
    dice: Dice,
    handles: Handles,
    logs: BTreeMap<u32, Model>,
    next_tag: u32,
    last_epoch: i32,
}

fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 40 << 10,
        index_interval_bytes: 2000,
        ..LogConfig::default()
    }
}

fn settings() -> StorageSettings {
    StorageSettings {
        flush_bytes: 48 << 10,
        direct_bytes_min: 8 << 10,
        ..sim_settings()
    }
}

fn value(tag: u32, bytes: usize) -> Vec<u8> {
    let mut value = tag.to_be_bytes().to_vec();
    value.resize(bytes, 7);
    value
}

impl Sent {
    fn end(&self) -> i64 {
        self.base_offset + i64::from(self.records)
    }

    fn batch(&self, log: u32) -> bytes::Bytes {
        let value = value(self.tag, self.value_bytes);
        producer_batch(
            &value,
            self.records,
            (i64::from(log), 0),
            self.base_sequence,
        )
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let (_, handles) = sim::env(seed);
        Self {
            dice: Dice::new(seed ^ 0x5eed),
            handles,
            logs: (1..=LOGS).map(|id| (id, Model::default())).collect(),
            next_tag: 1,
            last_epoch: -1,
        }
    }

    fn act(&mut self, engine: &Engine) {
        match self.dice.below(100) {
            0..60 => self.append(engine),
            60..84 => {
                engine.storage.commit_step();
            }
            84..93 => {
                engine.storage.flush_step();
            }
            93 => self.fail_something(),
            94..97 => self.handles.clock.advance(Duration::from_millis(120)),
            _ => self.trim(engine),
        }
        self.note_acknowledged(engine);
    }

    /// Something other than the write-ahead log fails, once.
    fn fail_something(&mut self) {
        let kinds = [
            Operation::Write,
            Operation::Force,
            Operation::ForceDir,
            Operation::Create,
        ];
        let parts = ["checkpoint", "/logs", ".log", ".snapshot"];
        let faults = [Fault::Device, Fault::NoSpace];
        let fault = faults[self.dice.index(faults.len())];
        let kind = kinds[self.dice.index(kinds.len())];
        let part = parts[self.dice.index(parts.len())];
        self.handles.fs.fail_next(kind, part, fault, 1);
        // The flusher waits a second before it tries again.
        self.handles.clock.advance(Duration::from_millis(1100));
    }

    fn append(&mut self, engine: &Engine) {
        let id = u32::try_from(1 + self.dice.below(u64::from(LOGS))).unwrap();
        let large = self.dice.one_in(10);
        let bytes = 4 + self.dice.below(if large { 14_000 } else { 1500 });
        let records = i32::try_from(1 + self.dice.below(3)).unwrap();
        let model = self.logs.get_mut(&id).unwrap();
        let mut sent = Sent {
            base_offset: model.sent.last().map_or(0, Sent::end),
            records,
            tag: self.next_tag,
            value_bytes: usize::try_from(bytes).unwrap(),
            base_sequence: model.next_sequence,
            sequence: Sequence(0),
        };
        let Ok(appended) = append(&engine.log(LogId(id)), sent.batch(id)) else {
            return;
        };
        assert_eq!(appended.base_offset, Offset(sent.base_offset));
        assert!(!appended.duplicate);
        self.next_tag += 1;
        sent.sequence = appended.sequence;
        model.next_sequence += records;
        model.sent.push(sent);
    }

    fn trim(&mut self, engine: &Engine) {
        let id = u32::try_from(1 + self.dice.below(u64::from(LOGS))).unwrap();
        let log = engine.log(LogId(id));
        let view = log.view();
        let length = (view.high_watermark - view.log_start).cast_unsigned();
        let to = view.log_start + self.dice.below(length + 1).cast_signed();
        if let Ok(sequence) = log.set_log_start(to) {
            let model = self.logs.get_mut(&id).unwrap();
            model.starts.push((sequence, to.get()));
        }
    }

    fn note_acknowledged(&mut self, engine: &Engine) {
        for (id, model) in &mut self.logs {
            let view = engine.log(LogId(*id)).view();
            for sent in &model.sent {
                if sent.sequence.0 > 0 && engine.storage.is_durable(sent.sequence) {
                    model.durable_end = model.durable_end.max(sent.end());
                    assert!(view.high_watermark.get() >= sent.end());
                }
            }
            for (sequence, start) in &model.starts {
                if engine.storage.is_durable(*sequence) {
                    model.durable_start = model.durable_start.max(*start);
                }
            }
            // Nobody reads what a crash can take back.
            model.durable_end = model.durable_end.max(view.high_watermark.get());
        }
    }

    /// Starts again, perhaps in several attempts that are cut short.
    fn recover(&mut self) -> Engine {
        loop {
            if self.dice.one_in(2) {
                let operations = self.handles.fs.operations();
                self.handles
                    .fs
                    .crash_at(operations + 1 + self.dice.below(25));
            }
            let opened = open_with(&self.handles.env(), settings(), LOGS, &config());
            if self.handles.fs.has_crashed() {
                drop(opened);
                self.handles = self.handles.crash();
                continue;
            }
            self.handles.fs.heal();
            return opened.unwrap();
        }
    }

    /// Compares what a start found with what must be.
    fn check(&mut self, engine: &Engine) {
        assert_eq!(engine.report.damages, []);
        assert!(engine.storage.leader_epoch().get() > self.last_epoch);
        self.last_epoch = engine.storage.leader_epoch().get();
        for (id, model) in &mut self.logs {
            let log = engine.log(LogId(*id));
            let view = log.view();
            let (start, end) = (view.log_start.get(), view.high_watermark.get());
            assert!(
                end >= model.durable_end,
                "log {id} ends at {end}: {model:?}"
            );
            assert!(
                start >= model.durable_start,
                "log {id} starts at {start}: {model:?}"
            );
            assert!(
                model.starts.iter().any(|(_, to)| *to == start) || start == model.durable_start
            );
            model.sent.retain(|sent| sent.base_offset < end);
            assert_eq!(
                model.sent.last().map_or(0, Sent::end),
                end,
                "a batch is there or not"
            );
            let mut expected = model.sent.iter().filter(|sent| sent.end() > start);
            for batch in read_all(&log, start).unwrap() {
                let sent = expected.next().unwrap();
                let (view, _) = BatchView::parse(&batch).unwrap();
                let context = format!("log {id} from {start} to {end}, {sent:?}");
                assert_eq!(
                    view.header().base_offset.get(),
                    sent.base_offset,
                    "{context}"
                );
                let record = view.records().next().unwrap().unwrap();
                assert_eq!(record.value.unwrap(), value(sent.tag, sent.value_bytes));
            }
            assert_eq!(expected.next(), None, "log {id}: a batch is missing");
            if let Some(last) = model.sent.last() {
                let again = append(&log, last.batch(*id)).unwrap();
                assert!(again.duplicate);
                assert_eq!(again.base_offset.get(), last.base_offset);
                model.next_sequence = last.base_sequence + last.records;
            } else {
                model.next_sequence = 0;
            }
            model.durable_end = end;
            model.durable_start = start;
            model.starts.clear();
            for sent in &mut model.sent {
                sent.sequence = Sequence(0);
            }
        }
    }

    fn run(&mut self, cycles: u32) {
        for _ in 0..cycles {
            let engine = self.recover();
            self.check(&engine);
            if !self.dice.one_in(3) {
                let operations = self.handles.fs.operations();
                let operation = operations + 1 + self.dice.below(120);
                self.handles.fs.crash_at(operation);
            }
            for _ in 0..20 + self.dice.below(300) {
                self.act(&engine);
                if self.handles.fs.has_crashed() {
                    break;
                }
            }
            drop(engine);
            let is_power_cut = self.handles.fs.has_crashed() || self.dice.one_in(3);
            self.handles.fs.heal();
            self.handles = if is_power_cut {
                self.handles.crash()
            } else {
                self.handles.kill()
            };
        }
        let engine = self.recover();
        self.check(&engine);
    }
}

#[test]
fn nothing_acknowledged_is_lost_wherever_the_power_goes() {
    let seeds = std::env::var("SEEDS").map_or(40, |seeds| seeds.parse().unwrap());
    for seed in 0..seeds {
        World::new(seed).run(6);
    }
}
