//! How the tests reach the engine: the few calls that the rest is written in.

use std::collections::BTreeMap;
use std::sync::Arc;

use env::{Env, Step};
use model::{LogId, Offset, ProducerId};
use storage::{
    AbortedTransaction, Damage, Isolation, Log, LogConfig, Read, ReadBatches, ReadError, Recovery,
    Storage, TimestampType,
};

use crate::batch;
use crate::engine::dump::LogDump;
use crate::engine::setup::Setup;
use crate::engine::transactions::Aborted;
use crate::engine::world::{Checked, pick};

/// Steps after which a loop that still works is taken for one that never ends.
const STEPS_MAX: usize = 10_000;

/// What a recovery came to.
pub(crate) struct Opened {
    pub storage: Arc<Storage>,
    pub damages: Vec<Damage>,
}

/// Opens the data directory. Which logs exist is what the metadata log says.
pub(crate) fn recover(env: &Env, setup: Setup) -> Checked<Opened> {
    let recovery =
        Recovery::open(env, setup.settings()).map_err(|error| format!("recovery: {error}"))?;
    let mut live = BTreeMap::from([(LogId::METADATA, LogConfig::internal())]);
    let mut next_log_id = 1;
    let metadata: Vec<Vec<u8>> = recovery
        .metadata_batches()
        .iter()
        .map(|batch| batch.to_vec())
        .collect();
    for fact in facts(&metadata)? {
        match fact {
            Fact::Made(id, choice) => {
                live.insert(id, config(choice));
                next_log_id = next_log_id.max(id.0 + 1);
            }
            Fact::Deleted(id) => {
                live.remove(&id);
            }
        }
    }
    let opened = recovery
        .finish(live, LogId(next_log_id))
        .map_err(|error| format!("recovery: {error}"))?;
    Ok(Opened {
        damages: opened.report.damages,
        storage: opened.storage,
    })
}

enum Fact {
    Made(LogId, u64),
    Deleted(LogId),
}

/// What the records of the metadata log say.
fn facts(batches: &[Vec<u8>]) -> Checked<Vec<Fact>> {
    let mut facts = Vec::new();
    for batch in batches {
        let value = batch::first_value(batch).unwrap_or_default();
        let text = String::from_utf8_lossy(value);
        let Some((id, choice)) = text.get(1..).and_then(|rest| rest.split_once(':')) else {
            continue;
        };
        let (Ok(id), Ok(choice)) = (id.parse(), choice.parse()) else {
            continue;
        };
        match text.chars().next() {
            Some('+') => facts.push(Fact::Made(LogId(id), choice)),
            Some('-') => facts.push(Fact::Deleted(LogId(id))),
            _ => {}
        }
    }
    Ok(facts)
}

/// The logs that a metadata log says exist.
pub(crate) fn live_of(metadata: &LogDump) -> Checked<BTreeMap<LogId, u64>> {
    let mut live = BTreeMap::from([(LogId::METADATA, 0)]);
    for fact in facts(&metadata.batches)? {
        match fact {
            Fact::Made(id, choice) => {
                live.insert(id, choice);
            }
            Fact::Deleted(id) => {
                live.remove(&id);
            }
        }
    }
    Ok(live)
}

/// One step of the commit loop.
pub(crate) fn commit(storage: &Storage) -> Step {
    storage.commit_step()
}

/// Steps of the commit loop until it has nothing to do.
pub(crate) fn commit_all(storage: &Storage) {
    let idle = (0..STEPS_MAX).any(|_| !matches!(storage.commit_step(), Step::Worked));
    assert!(idle, "the commit loop never rests");
}

/// One step of the flusher.
pub(crate) fn flush(storage: &Storage) -> Step {
    storage.flush_step()
}

/// Steps of the flusher until it has nothing to do.
pub(crate) fn flush_all(storage: &Storage) {
    let idle = (0..STEPS_MAX).any(|_| !matches!(storage.flush_step(), Step::Worked));
    assert!(idle, "the flusher never rests");
}

/// What is asked of a read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub from: i64,
    pub bytes_max: usize,
    pub is_committed: bool,
    pub at_least_one: bool,
}

/// What a read found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub bytes: Vec<u8>,
    pub aborted: Vec<Aborted>,
}

/// Reads; `None` if the offset is out of range.
pub(crate) fn read(log: &Arc<Log>, wanted: Wanted) -> Checked<Option<Found>> {
    let isolation = match wanted.is_committed {
        true => Isolation::ReadCommitted,
        false => Isolation::ReadUncommitted,
    };
    let from = Offset(wanted.from);
    let result = log
        .read(from, wanted.bytes_max, isolation, wanted.at_least_one)
        .and_then(|read| match read {
            Read::Ready(batches) => Ok(batches),
            Read::Disk(disk) => disk.run(),
        });
    match result {
        Ok(ReadBatches {
            chunks,
            bytes,
            aborted,
            ..
        }) => {
            let all = chunks.concat();
            if all.len() != bytes {
                return Err(format!("{} bytes are called {bytes}", all.len()));
            }
            Ok(Some(Found {
                bytes: all,
                aborted: aborted.iter().map(plain).collect(),
            }))
        }
        Err(ReadError::OutOfRange { .. }) => Ok(None),
        Err(error) => Err(format!("log {}: read at {from}: {error:?}", log.id())),
    }
}

/// An aborted transaction as the model has it.
pub(crate) fn plain(aborted: &AbortedTransaction) -> Aborted {
    let (first, last) = (aborted.first_offset.0, aborted.last_offset.0);
    (aborted.producer_id.0, first, last)
}

/// The epoch and the last sequence number of a producer.
pub(crate) fn producer(storage: &Storage, id: LogId, producer: i64) -> Option<(i16, i32)> {
    let producers = storage.log(id)?.producers();
    let found = producers
        .iter()
        .find(|found| found.producer_id == ProducerId(producer))?;
    Some((found.producer_epoch.0, found.last_sequence))
}

/// The settings of the log that a number stands for.
pub(crate) fn config(choice: u64) -> LogConfig {
    let is_relaxed = choice.is_multiple_of(4);
    LogConfig {
        segment_bytes: [2000, 9000, 40_000][pick(choice / 4, 3)],
        segment_ms: [1000, 604_800_000][pick(choice / 16, 2)],
        retention_bytes: [-1, 20_000][pick(choice / 32, 2)],
        retention_ms: [-1, 5000][pick(choice / 64, 2)],
        timestamp_type: if (choice / 128).is_multiple_of(4) {
            TimestampType::LogAppendTime
        } else {
            TimestampType::CreateTime
        },
        flush_messages: match is_relaxed {
            true => [1000, 8][pick(choice / 512, 2)],
            false => 1,
        },
        flush_ms: if is_relaxed { 300 } else { 0 },
        index_interval_bytes: 1024,
        file_delete_delay_ms: [0, 400][pick(choice / 1024, 2)],
        ..LogConfig::default()
    }
}
