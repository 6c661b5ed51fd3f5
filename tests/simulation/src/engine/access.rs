//! How the tests reach the engine: the few calls that the rest is written in.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use env::{Env, Step};
use model::{LogId, Offset, ProducerId};
use storage::{
    Damage, Isolation, Log, LogConfig, Permit, Read, ReadBatches, ReadError, Recovery, Storage,
    StorageSettings, TimestampType,
};

use crate::batch;
use crate::engine::world::{Checked, pick};

/// Steps after which a loop that still works is taken for one that never ends.
const STEPS_MAX: usize = 10_000;

/// More logs than a run ever makes.
const LOG_IDS_MAX: u32 = 200;

/// What a recovery came to.
pub(crate) struct Opened {
    pub storage: Arc<Storage>,
    pub damages: Vec<Damage>,
}

/// Sizes at which a hundred actions fill slots and segments several times.
pub(crate) fn settings() -> StorageSettings {
    StorageSettings {
        wal_bytes_max: 192 << 10,
        wal_slot_bytes: 32 << 10,
        wal_first_slot_bytes: 16 << 10,
        memory_bytes_max: 32 << 10,
        flush_bytes: 4 << 10,
        ..StorageSettings::new("/data")
    }
}

/// Opens the data directory. Which logs exist is what the metadata log says.
pub(crate) fn recover(env: &Env) -> Checked<Opened> {
    let recovery = Recovery::open(env, settings()).map_err(|error| format!("recovery: {error}"))?;
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
        let text = String::from_utf8_lossy(&value);
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

/// Room for an append; `None` if there is none now.
pub(crate) fn reserve(storage: &Storage, bytes: usize) -> Option<Permit> {
    let mut ctx = Context::from_waker(Waker::noop());
    match pin!(storage.reserve(bytes)).poll(&mut ctx) {
        Poll::Ready(permit) => Some(permit),
        Poll::Pending => None,
    }
}

/// The batches from an offset on; `None` if it is out of range.
pub(crate) fn read(log: &Arc<Log>, from: i64, bytes_max: usize) -> Checked<Option<Vec<u8>>> {
    let result = log
        .read(Offset(from), bytes_max, Isolation::ReadUncommitted, true)
        .and_then(|read| match read {
            Read::Ready(batches) => Ok(batches),
            Read::Disk(disk) => disk.run(),
        });
    match result {
        Ok(ReadBatches { chunks, bytes, .. }) => {
            let all = chunks.concat();
            if all.len() != bytes {
                return Err(format!("{} bytes are called {bytes}", all.len()));
            }
            Ok(Some(all))
        }
        Err(ReadError::OutOfRange { .. }) => Ok(None),
        Err(error) => Err(format!("log {}: read at {from}: {error:?}", log.id())),
    }
}

/// What a log holds, as readers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogDump {
    pub log_start: i64,
    pub end: i64,
    pub batches: Vec<Vec<u8>>,
    /// Id, epoch and last sequence number.
    pub producers: Vec<(i64, i16, i32)>,
}

/// What all logs hold.
pub(crate) type Dump = BTreeMap<LogId, LogDump>;

/// Reads everything.
pub(crate) fn dump(storage: &Storage) -> Checked<Dump> {
    (0..LOG_IDS_MAX)
        .filter_map(|id| Some((LogId(id), storage.log(LogId(id))?)))
        .map(|(id, log)| Ok((id, dump_log(&log)?)))
        .collect()
}

fn dump_log(log: &Arc<Log>) -> Checked<LogDump> {
    let view = log.view();
    let (log_start, end) = (view.log_start.0, view.high_watermark.0);
    let mut batches = Vec::new();
    let mut from = log_start;
    while from < end {
        let Some(bytes) = read(log, from, 30_000)? else {
            return Err(format!("log {}: {from} is out of {view:?}", log.id()));
        };
        let found = batch::split(&bytes)?;
        let Some((_, last, _)) = found.last() else {
            return Err(format!("log {}: nothing at {from} in {view:?}", log.id()));
        };
        if let Some(gap) = found.windows(2).find(|pair| pair[1].0 != pair[0].1 + 1) {
            let (before, after) = (gap[0].1, gap[1].0);
            return Err(format!("log {}: {after} comes after {before}", log.id()));
        }
        if found[0].1 < from || found[0].0 > from {
            let (first, last) = (found[0].0, found[0].1);
            return Err(format!(
                "log {}: {first}..={last} where {from} was asked for",
                log.id()
            ));
        }
        from = last + 1;
        batches.extend(found.into_iter().map(|(_, _, batch)| batch.to_vec()));
    }
    let mut producers: Vec<_> = log
        .producers()
        .into_iter()
        .map(|producer| {
            let ProducerId(id) = producer.producer_id;
            (id, producer.producer_epoch.0, producer.last_sequence)
        })
        .collect();
    producers.sort_unstable();
    Ok(LogDump {
        log_start,
        end,
        batches,
        producers,
    })
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
        flush_messages: if is_relaxed { 1000 } else { 1 },
        flush_ms: if is_relaxed { 300 } else { 0 },
        index_interval_bytes: 1024,
        ..LogConfig::default()
    }
}
