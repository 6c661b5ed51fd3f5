//! What producers and administrators do.

use bytes::Bytes;
use env::Clock;
use model::{LogId, Offset};
use storage::{Append, AppendError, LogConfig, SetLogStartError};

use super::model::{Batch, Content};
use super::records::{self, Record, Sender};
use super::world::World;
use crate::engine::{Checked, ensure};

/// Keys of a log; more than fit into the memory of compaction.
const KEYS: u64 = 14;

impl World {
    pub(super) fn choose(&self, number: u64) -> LogId {
        LogId(1 + (number % self.logs.len() as u64) as u32)
    }

    /// One to four records; the numbers choose keys, sizes and tombstones.
    fn records(&self, mut number: u64) -> Vec<Record> {
        let timestamp_ms = self.handles.clock.wall_ms();
        let mut draw = |below: u64| {
            let drawn = number % below;
            number = (number / below) ^ number.rotate_left(23);
            drawn
        };
        (0..1 + draw(4))
            .map(|_| Record {
                key: format!("key {}", draw(KEYS)).into_bytes(),
                value: (draw(5) > 0).then(|| vec![draw(250) as u8; draw(200) as usize]),
                timestamp_ms,
            })
            .collect()
    }

    pub(super) fn append(&mut self, log: u64, records: u64) -> Checked {
        let (log, records) = (self.choose(log), self.records(records));
        self.send(log, Content::Data(records), None)
    }

    pub(super) fn produce(
        &mut self,
        log: u64,
        producer: u64,
        records: u64,
        is_transactional: bool,
    ) -> Checked {
        let log = self.choose(log);
        let producer_id = match is_transactional {
            true => 2000 + (producer % 2) as i64,
            false => 1000 + (producer % 3) as i64,
        };
        let model = &self.logs[&log];
        let last = model.sent_by(producer_id).last().copied();
        let sequence = last.map_or(0, |index| {
            let batch = &model.batches[index];
            let count = (batch.last() - batch.base + 1) as i32;
            batch.sender.map_or(0, |sender| sender.sequence + count)
        });
        let sender = Sender {
            producer_id,
            epoch: 0,
            sequence,
            is_transactional,
        };
        let records = self.records(records);
        self.send(log, Content::Data(records), Some(sender))
    }

    pub(super) fn end_transaction(&mut self, log: u64, producer: u64, is_commit: bool) -> Checked {
        let log = self.choose(log);
        let producer_id = 2000 + (producer % 2) as i64;
        let model = &self.logs[&log];
        if !model.open(model.end()).contains_key(&producer_id) {
            return Ok(());
        }
        self.send_marker(log, producer_id, is_commit)
    }

    pub(super) fn send_marker(&mut self, log: LogId, producer_id: i64, is_commit: bool) -> Checked {
        let sender = Sender {
            producer_id,
            epoch: 0,
            sequence: -1,
            is_transactional: true,
        };
        self.send(log, Content::Marker { is_commit }, Some(sender))
    }

    fn send(&mut self, id: LogId, content: Content, sender: Option<Sender>) -> Checked {
        let now_ms = self.handles.clock.wall_ms();
        let (sent, mode) = match &content {
            Content::Data(records) => (records::build(records, sender), Append::Produce),
            Content::Marker { is_commit } => {
                let producer_id = sender.map_or(-1, |sender| sender.producer_id);
                let marker = records::marker(producer_id, *is_commit, now_ms);
                (marker, Append::Internal)
            }
        };
        // No space or no memory: the client would wait, and this one goes away.
        let Some(permit) = crate::engine::reserve(&self.storage, sent.len()) else {
            return Ok(());
        };
        let log = self.storage.log(id).ok_or("a log is gone")?;
        let result = log.append(Bytes::from(sent.clone()), mode);
        drop(permit);
        let appended = match result {
            Ok(appended) => appended,
            Err(AppendError::Poisoned | AppendError::DiskFull)
                if self.is_faulty || self.is_full =>
            {
                return Ok(());
            }
            Err(_) if self.handles.fs.has_crashed() => return Ok(()),
            Err(error) => return Err(format!("log {id}: append: {error:?}")),
        };
        let model = self.logs.get_mut(&id).ok_or("an unknown log")?;
        let base = model.end();
        ensure!(
            appended.base_offset == Offset(base) && !appended.duplicate,
            "log {id}: {appended:?}, expected at {base}"
        );
        model.batches.push(Batch {
            base,
            sent,
            content,
            sender,
            appended_ms: now_ms,
            is_durable: false,
        });
        self.tally.add("appended to compacted logs", 1);
        self.wait(id, base, appended.sequence);
        Ok(())
    }

    /// Settings act at once, also on a round that is under way.
    pub(super) fn pause(&mut self, log: u64) -> Checked {
        let id = self.choose(log);
        let log = self.storage.log(id).ok_or("a log is gone")?;
        let config = self.logs[&id].config.clone();
        for _ in 0..3 {
            self.storage.compact_step();
        }
        log.set_config(LogConfig {
            cleanup_compact: false,
            ..config.clone()
        });
        self.storage.compact_step();
        log.set_config(config);
        Ok(())
    }

    pub(super) fn set_log_start(&mut self, log: u64, at: u64) -> Checked {
        let id = self.choose(log);
        let log = self.storage.log(id).ok_or("a log is gone")?;
        let view = log.view();
        let span = (view.high_watermark.0 - view.log_start.0)
            .max(0)
            .cast_unsigned();
        // Mostly little, so that something is left to look at.
        let offset = view.log_start.0 + (at % (span / 4 + 1)).cast_signed();
        match log.set_log_start(Offset(offset)) {
            Ok(_) => Ok(()),
            Err(SetLogStartError::Poisoned) if self.is_faulty || self.is_full => Ok(()),
            Err(_) if self.handles.fs.has_crashed() => Ok(()),
            Err(error) => Err(format!("log {id}: start at {offset}: {error:?}")),
        }
    }
}
