//! The engine as the runs set it up, and reading all of a log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use env::{Env, Step};
use model::{LogId, Offset};
use storage::{
    CompactionSettings, Damage, Isolation, Log, LogConfig, Read, ReadBatches, ReadError, Recovery,
    Storage, StorageSettings,
};

use super::records::{self, Record};
use crate::batch;
use crate::engine::Checked;

/// Steps after which a loop that still works is taken for one that never ends.
const STEPS_MAX: usize = 20_000;

/// How many keys compaction can hold in memory.
const KEYS_MAX: u64 = 6;

/// Sizes at which a hundred actions fill segments and the memory of compaction several times.
pub(super) fn settings() -> StorageSettings {
    StorageSettings {
        wal_bytes_max: 192 << 10,
        wal_slot_bytes: 32 << 10,
        wal_first_slot_bytes: 16 << 10,
        memory_bytes_max: 32 << 10,
        flush_bytes: 2 << 10,
        direct_bytes_min: 4 << 10,
        compaction: CompactionSettings {
            memory_bytes: (KEYS_MAX + 1) * 24,
            memory_load_factor: 0.99,
            io_bytes: 600,
            backoff: Duration::from_millis(200),
            ..CompactionSettings::default()
        },
        ..StorageSettings::new("/data")
    }
}

/// The logs there are.
pub(super) fn configs() -> BTreeMap<LogId, LogConfig> {
    let plain = LogConfig {
        cleanup_delete: false,
        cleanup_compact: true,
        delete_retention_ms: 3_000,
        min_cleanable_dirty_ratio: 0.0,
        segment_bytes: 1_200,
        segment_ms: 2_000,
        file_delete_delay_ms: 500,
        index_interval_bytes: 300,
        ..LogConfig::default()
    };
    let patient = LogConfig {
        min_cleanable_dirty_ratio: 0.4,
        min_compaction_lag_ms: 1_500,
        max_compaction_lag_ms: 6_000,
        segment_bytes: 2_000,
        delete_retention_ms: 0,
        ..plain.clone()
    };
    let short = LogConfig {
        cleanup_delete: true,
        retention_ms: -1,
        retention_bytes: 4_000,
        ..plain.clone()
    };
    (1..).map(LogId).zip([plain, patient, short]).collect()
}

/// What a recovery came to.
pub(super) struct Opened {
    pub storage: Arc<Storage>,
    pub damages: Vec<Damage>,
}

pub(super) fn recover(env: &Env) -> Checked<Opened> {
    let error = |error| format!("recovery: {error}");
    let recovery = Recovery::open(env, settings()).map_err(error)?;
    let opened = recovery.finish(configs(), LogId(9)).map_err(error)?;
    Ok(Opened {
        damages: opened.report.damages,
        storage: opened.storage,
    })
}

/// Runs a loop until it has nothing to do.
pub(super) fn rest(name: &str, step: impl Fn() -> Step) {
    let idle = (0..STEPS_MAX).any(|_| !matches!(step(), Step::Worked));
    assert!(idle, "{name} never rests");
}

/// A batch that was read: its first and last offset, and its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub base: i64,
    pub last: i64,
    pub bytes: Vec<u8>,
    pub records: Vec<(i64, Record)>,
}

/// What a read gives; `None` if the offset is out of range.
pub(super) fn read(
    log: &Arc<Log>,
    from: i64,
    bytes_max: usize,
    isolation: Isolation,
) -> Checked<Option<(Vec<Found>, ReadBatches)>> {
    let read = log.read(Offset(from), bytes_max, isolation, true);
    let read = read.and_then(|read| match read {
        Read::Ready(batches) => Ok(batches),
        Read::Disk(disk) => disk.run(),
    });
    let read = match read {
        Ok(read) => read,
        Err(ReadError::OutOfRange { .. }) => return Ok(None),
        Err(error) => return Err(format!("log {}: read at {from}: {error:?}", log.id())),
    };
    Ok(Some((batches_of(&read)?, read)))
}

/// The batches of an answer.
pub(super) fn batches_of(read: &ReadBatches) -> Checked<Vec<Found>> {
    let mut found = Vec::new();
    for chunk in &read.chunks {
        for (base, last, bytes) in batch::split(chunk)? {
            let records = match batch::origin(bytes).is_control {
                true => Vec::new(),
                false => records::read(bytes)?,
            };
            found.push(Found {
                base,
                last,
                bytes: bytes.to_vec(),
                records,
            });
        }
    }
    Ok(found)
}

/// Everything in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dump {
    pub start: i64,
    pub end: i64,
    pub batches: Vec<Found>,
}

pub(super) fn dump(log: &Arc<Log>) -> Checked<Dump> {
    let view = log.view();
    let (start, end) = (view.log_start.0, view.high_watermark.0);
    let mut batches: Vec<Found> = Vec::new();
    let mut from = start;
    while from < end {
        let read = read(log, from, 1_500, Isolation::ReadUncommitted)?;
        let found = read.map_or_else(Vec::new, |(found, _)| found);
        // A reader that stands below the end must get somewhere.
        let Some(last) = found.last().map(|batch| batch.last) else {
            return Err(format!("log {}: nothing at {from} in {view:?}", log.id()));
        };
        for batch in &found {
            if batch.last < from || batch.base < batches.last().map_or(0, |last| last.last + 1) {
                return Err(format!(
                    "log {}: {}..={} at {from}",
                    log.id(),
                    batch.base,
                    batch.last
                ));
            }
        }
        batches.extend(found);
        from = last + 1;
    }
    Ok(Dump {
        start,
        end,
        batches,
    })
}
