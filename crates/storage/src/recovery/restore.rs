//! One log as the checkpoint describes it: its segments, and what they leave to remember.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use env::{Fs, OpenMode};

use crate::damage::{Damage, DamageCode, Quarantine};
use crate::engine::log_directory;
use crate::epochs::Epochs;
use crate::errors::OpenError;
use crate::format::checkpoint::LogCheckpoint;
use crate::format::producer_snapshot::ProducerSnapshot;
use crate::log::{Flushed, RestoredLog};
use crate::marks::{Mark, mark};
use crate::producers::Producers;
use crate::segment::{
    LOG, SNAPSHOT, ScanError, Segment, SegmentFault, file_name, segment_file_name,
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
        .map(|segment| Arc::new(Segment::listed(listed.log_id, directory.clone(), segment)))
        .collect();
    let mut quarantine = still_quarantined(fs, data_dir, listed, &segments)?;
    damages.extend(quarantine.as_ref().map(|found| found.cause.found_earlier()));
    for missing in missing_segments(fs, &directory, listed)? {
        mark(Mark::SegmentMissing);
        if quarantine
            .as_ref()
            .is_none_or(|found| found.cause.path != missing.cause.path)
        {
            damages.push(missing.cause.clone());
        }
        quarantine = Some(missing.earlier(quarantine));
    }
    let flushed = restore_flushed(fs, &directory, listed, &segments, now_ms, damages)?;
    Ok(RestoredLog {
        log_start: listed.log_start,
        end: listed.flushed_end,
        flushed_end: listed.flushed_end,
        clean_end: listed.clean_end,
        quarantine,
        producers: flushed.producers.clone(),
        transactions: flushed.transactions.clone(),
        epochs: Epochs::from_entries(listed.epochs.clone()),
        flushed,
        segments,
        tail: Vec::new(),
    })
}

/// Errs with what the device said: that is no damage, and the start can be tried again.
pub(super) fn not_of_the_device(fault: &SegmentFault) -> Result<(), OpenError> {
    if fault.is_device_error {
        let error = io::Error::other(fault.message.clone());
        return Err(OpenError::io(&fault.path)(error));
    }
    Ok(())
}

/// The quarantine of an earlier start. What was damaged in a segment is looked at again: it may have
/// been restored. What was lost with the write-ahead log is lost.
fn still_quarantined(
    fs: &dyn Fs,
    data_dir: &Path,
    listed: &LogCheckpoint,
    segments: &[Arc<Segment>],
) -> Result<Option<Quarantine>, OpenError> {
    let Some(found) = listed.quarantine.as_ref() else {
        return Ok(None);
    };
    let quarantine = |cause| Quarantine {
        from: found.from,
        cause,
    };
    if found.from >= listed.flushed_end {
        let cause = found.cause.moved(Path::new(""), data_dir);
        return Ok(Some(quarantine(cause)));
    }
    let is_in = |segment: &&Arc<Segment>| segment.facts().end_offset > found.from;
    let segment = segments.iter().find(is_in);
    let Some(fault) = segment.and_then(|segment| segment.check(fs, &listed.epochs)) else {
        return Ok(None);
    };
    not_of_the_device(&fault)?;
    let what = format!("log {:010} cannot be read", listed.log_id);
    Ok(Some(quarantine(fault.into_damage(&what))))
}

/// Segments that are not there, or shorter than what was forced of them.
fn missing_segments(
    fs: &dyn Fs,
    directory: &Path,
    listed: &LogCheckpoint,
) -> Result<Vec<Quarantine>, OpenError> {
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
        let name = segment_file_name(segment.base_offset, segment.generation, LOG);
        let path = directory.join(&name);
        let mut note = |position, message: String| {
            let damage = Damage {
                code: DamageCode::SegmentMissing,
                path: path.clone(),
                position,
                message,
            };
            missing.push(Quarantine {
                from: segment.base_offset,
                cause: damage,
            });
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
    let nothing = Flushed::nothing();
    if listed.snapshot_offset < 0 {
        return Ok(nothing);
    }
    let path = directory.join(file_name(listed.snapshot_offset, SNAPSHOT));
    let found = match fs.read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        found => Some(found.map_err(OpenError::io(&path))?),
    };
    let decode =
        |bytes: &[u8]| ProducerSnapshot::decode_of(bytes, listed.log_id, listed.snapshot_offset);
    if let Some(snapshot) = found.as_deref().and_then(decode) {
        mark(Mark::SnapshotUsed);
        return Ok(Flushed {
            producers: Producers::from_snapshot(&snapshot.producers),
            transactions: Transactions::from_snapshot(&snapshot),
            snapshot_offset: listed.snapshot_offset,
            ..nothing
        });
    }
    mark(Mark::SnapshotRebuilt);
    damages.push(Damage {
        code: DamageCode::ProducerSnapshot,
        path,
        position: 0,
        message: "this is not the snapshot of the log; it was built anew from the segments"
            .to_owned(),
    });
    let mut flushed = nothing;
    for segment in segments {
        let mut scanner = match segment.scanner(fs) {
            Ok(scanner) => scanner,
            Err(fault) => {
                not_of_the_device(&fault)?;
                continue;
            }
        };
        loop {
            match scanner.next_batch() {
                Ok(Some((_, batch))) => flushed.fold(&batch, now_ms),
                // Damage in a segment is found, and named, when it is read.
                Ok(None) | Err(ScanError::Unsound(_)) => break,
                Err(ScanError::Io(_, error)) => {
                    return Err(OpenError::io(segment.path())(error));
                }
            }
        }
    }
    Ok(flushed)
}
