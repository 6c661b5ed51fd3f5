//! One log as the checkpoint describes it: its segments, and what they leave to remember.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use env::{Fs, OpenMode};

use crate::damage::{Damage, DamageCode, Quarantine};
use crate::engine::log_directory;
use crate::epochs::Epochs;
use crate::format::checkpoint::LogCheckpoint;
use crate::format::producer_snapshot::ProducerSnapshot;
use crate::log::{Flushed, RestoredLog};
use crate::producers::Producers;
use crate::segment::{BatchScanner, Expected, LOG, SNAPSHOT, Segment, file_name};
use crate::transactions::Transactions;

/// Restores the part of a log that is in segments. Damage is noted and quarantines the log where it
/// must.
pub(crate) fn restore(
    fs: &dyn Fs,
    data_dir: &Path,
    listed: &LogCheckpoint,
    now_ms: i64,
    damages: &mut Vec<Damage>,
) -> RestoredLog {
    let directory = log_directory(data_dir, listed.log_id);
    let segments: Vec<_> = listed
        .segments
        .iter()
        .map(|segment| Arc::new(Segment::listed(listed.log_id, directory.clone(), segment)))
        .collect();
    let mut quarantine = still_quarantined(fs, data_dir, listed, &segments);
    damages.extend(quarantine.as_ref().map(|found| found.cause.found_earlier()));
    for missing in missing_segments(fs, &directory, listed) {
        if quarantine
            .as_ref()
            .is_none_or(|found| found.cause.path != missing.cause.path)
        {
            damages.push(missing.cause.clone());
        }
        quarantine = Some(missing.earlier(quarantine));
    }
    let flushed = restore_flushed(fs, &directory, listed, &segments, now_ms, damages);
    RestoredLog {
        log_start: listed.log_start,
        end: listed.flushed_end,
        flushed_end: listed.flushed_end,
        quarantine,
        producers: flushed.producers.clone(),
        transactions: flushed.transactions.clone(),
        epochs: Epochs::from_entries(listed.epochs.clone()),
        flushed,
        segments,
        tail: Vec::new(),
    }
}

/// The quarantine of an earlier start. What was damaged in a segment is looked at again: it may have
/// been restored. What was lost with the write-ahead log is lost.
fn still_quarantined(
    fs: &dyn Fs,
    data_dir: &Path,
    listed: &LogCheckpoint,
    segments: &[Arc<Segment>],
) -> Option<Quarantine> {
    let found = listed.quarantine.as_ref()?;
    let quarantine = |cause| Quarantine {
        from: found.from,
        cause,
    };
    if found.from >= listed.flushed_end {
        return Some(quarantine(found.cause.moved(Path::new(""), data_dir)));
    }
    let is_in = |segment: &&Arc<Segment>| segment.facts().end_offset > found.from;
    let fault = segments.iter().find(is_in)?.check(fs, &listed.epochs)?;
    let what = format!("log {:010} cannot be read", listed.log_id);
    Some(quarantine(fault.into_damage(&what)))
}

/// Segments that are not there, or shorter than what was forced of them.
fn missing_segments(fs: &dyn Fs, directory: &Path, listed: &LogCheckpoint) -> Vec<Quarantine> {
    if listed.segments.is_empty() {
        return Vec::new();
    }
    let present: BTreeSet<String> = fs
        .list_dir(directory)
        .map(|entries| entries.into_iter().map(|entry| entry.name).collect())
        .unwrap_or_default();
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
            missing.push(Quarantine {
                from: segment.base_offset,
                cause: damage,
            });
        };
        if !present.contains(&name) {
            note(0, "the segment is missing".to_owned());
        } else if let Ok(length) = fs.open(&path, OpenMode::Read).and_then(|file| file.len())
            && length < segment.bytes
        {
            let bytes = segment.bytes;
            note(
                length,
                format!("the segment ends here, {bytes} bytes were forced"),
            );
        }
    }
    missing
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
) -> Flushed {
    let nothing = Flushed {
        snapshot_offset: -1,
        ..Flushed::default()
    };
    if listed.snapshot_offset < 0 {
        return nothing;
    }
    let path = directory.join(file_name(listed.snapshot_offset, SNAPSHOT));
    let found = fs.read(&path).ok();
    let decode =
        |bytes: &[u8]| ProducerSnapshot::decode_of(bytes, listed.log_id, listed.snapshot_offset);
    if let Some(snapshot) = found.as_deref().and_then(decode) {
        return Flushed {
            producers: Producers::from_snapshot(&snapshot.producers),
            transactions: Transactions::from_snapshot(&snapshot),
            snapshot_offset: listed.snapshot_offset,
        };
    }
    damages.push(Damage {
        code: DamageCode::ProducerSnapshot,
        path,
        position: 0,
        message: "this is not the snapshot of the log; it was built anew from the segments"
            .to_owned(),
    });
    let mut flushed = nothing;
    for segment in segments {
        let Ok((file, facts)) = segment.open(fs, OpenMode::Read) else {
            continue;
        };
        let expected = Expected {
            offset: segment.base_offset,
            ..Expected::default()
        };
        let mut scanner = BatchScanner::new(file, 0, facts.bytes, expected);
        // Damage in a segment is found, and named, when it is read.
        while let Ok(Some((_, batch))) = scanner.next_batch() {
            flushed.fold(&batch, now_ms);
        }
    }
    flushed
}
