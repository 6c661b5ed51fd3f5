//! An engine that a test drives step by step.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use env::{Clock, Env, Step};
use model::{LogId, Offset, ProducerEpoch, ProducerId};
use sim::Handles;
use storage::{
    Append, AppendError, Appended, Isolation, Log, LogConfig, Opened, Read, ReadBatches, ReadError,
    Recovery, RecoveryReport, Storage, StorageSettings,
};
use wire::batch::{BatchBuilder, BatchView, NewRecord};

pub(crate) const LOG: LogId = LogId(1);
pub(crate) const DATA_DIR: &str = "/data";

/// Small slots, so that a few batches fill them.
pub(crate) fn settings(data_dir: &Path) -> StorageSettings {
    StorageSettings {
        wal_bytes_max: 512 << 10,
        wal_slot_bytes: 64 << 10,
        wal_first_slot_bytes: 32 << 10,
        memory_bytes_max: 1 << 20,
        flush_bytes: 96 << 10,
        ..StorageSettings::new(data_dir)
    }
}

pub(crate) fn sim_settings() -> StorageSettings {
    settings(Path::new(DATA_DIR))
}

/// With four slots of the write-ahead log of this length.
pub(crate) fn with_slots_of(bytes: u32) -> StorageSettings {
    StorageSettings {
        wal_bytes_max: u64::from(bytes) * 4,
        wal_slot_bytes: bytes,
        wal_first_slot_bytes: bytes,
        ..sim_settings()
    }
}

/// An engine with its logs.
pub(crate) struct Engine {
    pub(crate) storage: Arc<Storage>,
    pub(crate) report: RecoveryReport,
}

/// Opens an engine with logs 1 to `logs`.
pub(crate) fn open_with(
    env: &Env,
    settings: StorageSettings,
    logs: u32,
    config: &LogConfig,
) -> Result<Engine, storage::OpenError> {
    let recovery = Recovery::open(env, settings)?;
    let live: BTreeMap<_, _> = (1..=logs).map(|id| (LogId(id), config.clone())).collect();
    let Opened { storage, report } = recovery.finish(live, LogId(logs + 1))?;
    Ok(Engine { storage, report })
}

pub(crate) fn open(env: &Env) -> Engine {
    open_with(env, sim_settings(), 3, &LogConfig::default()).unwrap()
}

impl Engine {
    pub(crate) fn log(&self, id: LogId) -> Arc<Log> {
        self.storage.log(id).unwrap()
    }

    /// Commits everything that was appended.
    pub(crate) fn commit(&self) {
        while self.storage.commit_step() == Step::Worked {}
    }

    /// Lets the flusher do what it wants to do.
    pub(crate) fn flush(&self) {
        for _ in 0..100 {
            if self.storage.flush_step() != Step::Worked {
                return;
            }
        }
        panic!("the flusher does not come to rest");
    }

    /// Both, until nothing more is to be done.
    pub(crate) fn settle(&self) {
        self.commit();
        self.flush();
        self.commit();
    }
}

/// Runs the loops until nobody has anything to do.
pub(crate) fn rest(handles: &Handles) {
    for _ in 0..1_000 {
        if !handles.spawn.turn(handles.clock.now()) {
            return;
        }
    }
    panic!("they do not come to rest");
}

pub(crate) fn batch(value: &[u8], records: i32) -> Bytes {
    timed_batch(value, records, 1_000)
}

pub(crate) fn timed_batch(value: &[u8], records: i32, timestamp_ms: i64) -> Bytes {
    let mut builder = BatchBuilder::new();
    push_records(&mut builder, value, records, timestamp_ms);
    Bytes::from(builder.build())
}

pub(crate) fn producer_batch(
    value: &[u8],
    records: i32,
    producer: (i64, i16),
    base_sequence: i32,
) -> Bytes {
    let mut builder = BatchBuilder::new().producer(
        ProducerId(producer.0),
        ProducerEpoch(producer.1),
        base_sequence,
    );
    push_records(&mut builder, value, records, 1_000);
    Bytes::from(builder.build())
}

fn push_records(builder: &mut BatchBuilder, value: &[u8], records: i32, timestamp_ms: i64) {
    for _ in 0..records {
        builder.push(NewRecord {
            timestamp: timestamp_ms,
            key: None,
            value: Some(value),
            ..NewRecord::default()
        });
    }
}

pub(crate) fn append(log: &Arc<Log>, batch: Bytes) -> Result<Appended, AppendError> {
    log.append(batch, Append::Produce)
}

/// Looks once whether a future is done.
pub(crate) fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Reads from an offset to the end, however many reads it takes.
pub(crate) fn read_all(log: &Arc<Log>, from: i64) -> Result<Vec<Bytes>, ReadError> {
    let mut batches = Vec::new();
    let mut from = Offset(from);
    loop {
        let read = read_some(log, from, 8 << 10)?;
        if read.chunks.is_empty() {
            return Ok(batches);
        }
        for batch in read.chunks.iter().flat_map(split) {
            from = next_offset(&batch);
            batches.push(batch);
        }
    }
}

/// The batches that follow one another in these bytes, each with a right checksum.
pub(crate) fn split(bytes: &Bytes) -> Vec<Bytes> {
    let mut batches = Vec::new();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let (view, behind) = BatchView::parse(rest).unwrap();
        assert!(view.crc_is_valid());
        batches.push(Bytes::copy_from_slice(view.bytes()));
        rest = behind;
    }
    batches
}

/// The offset behind a batch.
pub(crate) fn next_offset(batch: &Bytes) -> Offset {
    let (view, _) = BatchView::parse(batch).unwrap();
    view.header().next_offset()
}

pub(crate) fn read_some(
    log: &Arc<Log>,
    from: Offset,
    bytes_max: usize,
) -> Result<ReadBatches, ReadError> {
    match log.read(from, bytes_max, Isolation::ReadUncommitted, true)? {
        Read::Ready(read) => Ok(read),
        Read::Disk(disk) => disk.run(),
    }
}

/// The values of all records from an offset on, with their offsets. A value is given by its first
/// byte and its length.
pub(crate) fn read_values(log: &Arc<Log>, from: i64) -> Vec<(i64, u8, usize)> {
    let mut values = Vec::new();
    for batch in read_all(log, from).unwrap() {
        let (view, _) = BatchView::parse(&batch).unwrap();
        let base = view.header().base_offset.get();
        for record in view.records() {
            let record = record.unwrap();
            let value = record.value.unwrap_or_default();
            values.push((
                base + i64::from(record.offset_delta),
                value.first().copied().unwrap_or_default(),
                value.len(),
            ));
        }
    }
    values.retain(|(offset, ..)| *offset >= from);
    values
}
