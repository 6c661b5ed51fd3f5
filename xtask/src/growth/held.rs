//! Gigabytes in a topic that take no room on the disk: records of zeros, whose blocks are given back.

use std::fs;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::{Bytes, BytesMut};
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record,
    RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};

use super::asking::Asker;
use crate::brokers::Broker;
use crate::places::must_succeed;

/// A record's value; a thousand of them make a gigabyte.
const VALUE_BYTES: usize = 1_000_000;
const RECORDS_PER_GIGABYTE: usize = 1_000;
pub(super) const GIGABYTE_BYTES: u64 = (VALUE_BYTES * RECORDS_PER_GIGABYTE) as u64;
/// The time of the first gigabyte, in ms since 1970; each has a time of its own.
const FIRST_MS: i64 = 1_790_000_000_000;
/// After so many gigabytes the blocks of zeros are given back.
const GIVEN_BACK_GIGABYTES: u32 = 4;
/// A file with so many bytes on disk is worth a look.
const WORTH_BYTES: u64 = 64 << 20;
/// How long retention may take.
const GONE_LIMIT: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(20);

/// The time that the records of a gigabyte carry.
pub(super) fn time_of(gigabyte: u32) -> i64 {
    FIRST_MS + i64::from(gigabyte) * 1_000
}

/// Writes these gigabytes.
pub(super) fn fill(broker: &Broker, topic: &str, gigabytes: Range<u32>) -> Result<()> {
    let mut asker = Asker::open(broker.port())?;
    for gigabyte in gigabytes {
        let batch = batch(time_of(gigabyte))?;
        for _ in 0..RECORDS_PER_GIGABYTE {
            asker.produce(topic, &batch)?;
        }
        if gigabyte % GIVEN_BACK_GIGABYTES == 0 {
            give_back(&broker.data_directory())?;
        }
    }
    give_back(&broker.data_directory())
}

/// How long all segments are together.
pub(super) fn bytes(broker: &Broker) -> Result<u64> {
    let segments = segments(&broker.data_directory().join("logs"))?;
    Ok(segments.iter().map(|(_, bytes)| bytes).sum())
}

/// Waits until retention has left no more than this.
pub(super) fn wait_until_left(broker: &Broker, left_bytes: u64) -> Result<Duration> {
    let began = Instant::now();
    while bytes(broker)? > left_bytes {
        ensure!(began.elapsed() < GONE_LIMIT, "retention takes too little");
        thread::park_timeout(PAUSE);
    }
    Ok(began.elapsed())
}

/// Makes holes of the zeros in segments that are not written to any more.
fn give_back(data_directory: &Path) -> Result<()> {
    for directory in fs::read_dir(data_directory.join("logs"))? {
        let mut segments = segments(&directory?.path())?;
        segments.sort();
        // The last one is written to.
        segments.pop();
        for (path, _) in segments {
            if fs::metadata(&path)?.blocks() * 512 > WORTH_BYTES {
                must_succeed(Command::new("fallocate").arg("--dig-holes").arg(&path))?;
            }
        }
    }
    Ok(())
}

/// The segments below a directory, with their lengths.
fn segments(directory: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let (mut open, mut found) = (vec![directory.to_owned()], Vec::new());
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            // It may have gone meanwhile.
            let Ok(metadata) = fs::metadata(&path) else {
                continue;
            };
            if metadata.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "log") {
                found.push((path, metadata.len()));
            }
        }
    }
    Ok(found)
}

/// A batch of one record of zeros.
fn batch(timestamp: i64) -> Result<Bytes> {
    let record = Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: NO_SEQUENCE,
        timestamp,
        key: None,
        value: Some(Bytes::from(vec![0; VALUE_BYTES])),
        headers: Default::default(),
    };
    let options = RecordEncodeOptions {
        version: 2,
        compression: Compression::None,
    };
    let mut batch = BytesMut::new();
    RecordBatchEncoder::encode(&mut batch, [&record], &options)?;
    Ok(batch.freeze())
}
