//! One log as the checkpoint describes it: its segments, and what they leave to remember.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use env::{Fs, OpenMode};

use crate::damage::{Damage, DamageCode};
use crate::engine::log_directory;
use crate::epochs::Epochs;
use crate::errors::OpenError;
use crate::format::checkpoint::LogCheckpoint;
use crate::format::producer_snapshot::ProducerSnapshot;
use crate::log::{Flushed, RestoredLog};
use crate::marks::{Mark, mark};
use crate::producers::Producers;
use crate::segment::{
    BatchScanner, Expected, LOG, SNAPSHOT, ScanError, Segment, SegmentFacts, file_name,
};
use crate::transactions::Transactions;

/// Restores the part of a log that is in segments. Damage is noted and quarantines the log where it
/// must. An error of the device says nothing about what is on disk, and ends the start.
pub(crate) fn restore(
    fs: &dyn Fs,
    data_dir: &Path,
    listed: &LogCheckpoint,
    now_ms: i64,
    damages: &mut Vec<Damage>,
) -> Result<RestoredLog, OpenError> {
    let directory = log_directory(data_dir, listed.log_id);
    let segments: Vec<_> = listed
        .segments
        .iter()
        .map(|segment| {
            let facts = SegmentFacts {
                end_offset: segment.end_offset,
                bytes: segment.bytes,
                max_timestamp: segment.max_timestamp,
                created_ms: segment.created_ms,
            };
            Arc::new(Segment::new(directory.clone(), segment.base_offset, facts))
        })
        .collect();
    let mut quarantined_from = (listed.quarantined_from >= 0).then_some(listed.quarantined_from);
    for damage in missing_segments(fs, &directory, listed)? {
        mark(Mark::SegmentMissing);
        quarantined_from = Some(quarantined_from.unwrap_or(i64::MAX).min(damage.0));
        damages.push(damage.1);
    }
    let flushed = restore_flushed(fs, &directory, listed, &segments, now_ms, damages)?;
    Ok(RestoredLog {
        log_start: listed.log_start,
        end: listed.flushed_end,
        flushed_end: listed.flushed_end,
        quarantined_from,
        producers: flushed.producers.clone(),
        transactions: flushed.transactions.clone(),
        epochs: Epochs::from_entries(listed.epochs.clone()),
        flushed,
        segments,
        tail: Vec::new(),
    })
}

/// Segments that are not there, or shorter than what was forced of them, with the first offset that
/// is lost by it.
fn missing_segments(
    fs: &dyn Fs,
    directory: &Path,
    listed: &LogCheckpoint,
) -> Result<Vec<(i64, Damage)>, OpenError> {
    if listed.segments.is_empty() {
        return Ok(Vec::new());
    }
    let entries = match fs.list_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        found => found.map_err(OpenError::io(directory))?,
    };
    let present: BTreeSet<String> = entries.into_iter().map(|entry| entry.name).collect();
    let mut missing = Vec::new();
    for segment in &listed.segments {
        let name = file_name(segment.base_offset, LOG);
        let path = directory.join(&name);
        let mut note = |position, message: String| {
            let damage = Damage {
                code: DamageCode::SegmentMissing,
                path: path.clone(),
                position,
                message,
            };
            missing.push((segment.base_offset, damage));
        };
        if !present.contains(&name) {
            note(0, "the segment is missing".to_owned());
            continue;
        }
        let length = fs.open(&path, OpenMode::Read).and_then(|file| file.len());
        let length = length.map_err(OpenError::io(&path))?;
        if length < segment.bytes {
            let bytes = segment.bytes;
            note(
                length,
                format!("the segment ends here, {bytes} bytes were forced"),
            );
        }
    }
    Ok(missing)
}

/// What the batches in segments leave to remember: from the snapshot, or from the batches if it
/// cannot be read.
fn restore_flushed(
    fs: &dyn Fs,
    directory: &Path,
    listed: &LogCheckpoint,
    segments: &[Arc<Segment>],
    now_ms: i64,
    damages: &mut Vec<Damage>,
) -> Result<Flushed, OpenError> {
    let nothing = Flushed {
        snapshot_offset: -1,
        ..Flushed::default()
    };
    if listed.snapshot_offset < 0 {
        return Ok(nothing);
    }
    let path = directory.join(file_name(listed.snapshot_offset, SNAPSHOT));
    let found = match fs.read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        found => Some(found.map_err(OpenError::io(&path))?),
    };
    let snapshot = found.as_deref().and_then(ProducerSnapshot::decode);
    if let Some(snapshot) = snapshot.filter(|snapshot| snapshot.offset == listed.snapshot_offset) {
        mark(Mark::SnapshotUsed);
        return Ok(Flushed {
            producers: Producers::from_snapshot(&snapshot.producers),
            transactions: Transactions::from_snapshot(&snapshot),
            snapshot_offset: listed.snapshot_offset,
        });
    }
    mark(Mark::SnapshotRebuilt);
    damages.push(Damage {
        code: DamageCode::ProducerSnapshot,
        path,
        position: 0,
        message: "the snapshot cannot be read; it was built anew from the segments".to_owned(),
    });
    let mut flushed = nothing;
    for segment in segments {
        let path = segment.path();
        let file = match fs.open(&path, OpenMode::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            found => found.map_err(OpenError::io(&path))?,
        };
        let expected = Expected {
            offset: segment.base_offset,
            ..Expected::default()
        };
        let mut scanner = BatchScanner::new(file, 0, segment.facts().bytes, expected);
        loop {
            match scanner.next_batch() {
                Ok(Some((_, batch))) => flushed.fold(&batch, now_ms),
                // Damage in a segment is found, and named, when it is read.
                Ok(None) | Err(ScanError::Unsound(_)) => break,
                Err(ScanError::Io(_, error)) => return Err(OpenError::io(&path)(error)),
            }
        }
    }
    Ok(flushed)
}
